//! Standard output, for every command: what is written is for whoever reads, and a reader may have seen enough.
//!
//! | where it goes | a reader that closed the pipe (`straits jobs list \| head -1`) |
//! |---|---|
//! | [`line`], [`Out`] | ends the command quietly: [`CliError::Unread`], exit code 0 |
//! | the same, through [`unless_unread`] | stays unheard; the verdict is the exit code |
//! | [`announce`] | stays unheard; the service goes on |
//! | [`once`] | is an error: what is shown once and to nobody is lost |
//!
//! Everything else that can go wrong with it, such as a full disk, is an error everywhere but in [`announce`].

use std::fmt;
use std::io::{self, ErrorKind, StdoutLock, Write};

use super::CliError;

/// Standard output for what is long; its errors become [`CliError`] by [`unwritten`].
#[derive(Debug)]
pub(super) struct Out(StdoutLock<'static>);

impl Out {
    pub(super) fn new() -> Out {
        Out(io::stdout().lock())
    }

    /// One line.
    pub(super) fn line(&mut self, words: impl fmt::Display) -> Result<(), CliError> {
        writeln!(self.0, "{words}").map_err(unwritten)
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// One line, or several.
pub(super) fn line(words: impl fmt::Display) -> Result<(), CliError> {
    Out::new().line(words)
}

/// What a service says at its start.
pub(super) fn announce(words: &str) {
    let mut out = Out::new();
    // Whoever does not read it, or cannot, does without: the service is there to serve.
    let _ = out.write_all(words.as_bytes()).and_then(|()| out.flush());
}

/// What is shown once and never again; it is there when this answers.
pub(super) fn once(words: impl fmt::Display) -> io::Result<()> {
    let mut out = Out::new();
    writeln!(out, "{words}").and_then(|()| out.flush())
}

/// What an error of standard output means.
pub(super) fn unwritten(error: io::Error) -> CliError {
    match error.kind() {
        ErrorKind::BrokenPipe => CliError::Unread,
        _ => CliError::Output(error),
    }
}

/// The same where a table was written.
pub(super) fn unwritten_csv(error: csv::Error) -> CliError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => unwritten(error),
        other => CliError::Words(format!("the table cannot be written: {other:?}")),
    }
}

/// That nobody read it is no reason not to judge.
pub(super) fn unless_unread(written: Result<(), CliError>) -> Result<(), CliError> {
    match written {
        Err(CliError::Unread) => Ok(()),
        other => other,
    }
}

/// `println!` that answers whether it was written.
macro_rules! say {
    ($($words:tt)*) => { $crate::cli::output::line(format_args!($($words)*)) };
}
pub(super) use say;
