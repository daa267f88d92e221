//! The program as a process of its own: its words, its exit codes, its log.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A running `straits`, killed when it is dropped.
pub struct Program {
    child: Child,
    /// A file: a pipe that nobody reads would fill up and stop it.
    log: PathBuf,
    /// Where it is reached.
    pub url: String,
}

/// `straits` in a folder, with these variables and nothing else of the shell's.
pub fn straits(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_straits"));
    command.env_clear().env("STRAITS__FX__SOURCES", "bundled").envs(variables.iter().copied());
    command.args(arguments).current_dir(folder);
    command
}

/// Runs a command to its end.
pub fn run(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    straits(folder, variables, arguments).output().unwrap()
}

impl Program {
    /// Serves on a free port.
    pub fn serve(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Program {
        let arguments = [&["--listen", "127.0.0.1:0"], arguments].concat();
        let mut command = straits(folder, variables, &arguments);
        let log = folder.join("standard-error.log");
        let errors = File::create(&log).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let url = first.trim().rsplit(' ').next().unwrap_or_default().to_owned();
        if !url.starts_with("http://127.0.0.1:") {
            panic!("it did not start: {first}{}", std::fs::read_to_string(&log).unwrap());
        }
        Program { child, log, url }
    }

    /// Its process's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it in order and answers everything it logged.
    pub fn stop(mut self) -> String {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
        std::fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
