//! The READMEs' commands are run, and print what the READMEs say.
//!
//! The real program serves on a free port in an empty folder; all `$` lines of a README run in one shell. `…` in an
//! expected line stands for any text; of ids only the prefix is compared.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Commands with the lines that follow them, of every `console` block.
fn calls(readme: &str) -> Vec<(String, Vec<String>)> {
    let mut calls: Vec<(String, Vec<String>)> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ if !inside => {}
            _ => match line.strip_prefix("$ ") {
                Some(command) => calls.push((command.to_owned(), Vec::new())),
                None => calls.last_mut().expect("a command comes first").1.push(line.to_owned()),
            },
        }
    }
    calls
}

/// `pay_01m8…` → `pay_`: ids differ from run to run.
fn without_ids(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('_') {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        let id = after.bytes().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        rest = if id == 26 { &after[26..] } else { after };
    }
    out + rest
}

fn matches(expected: &str, printed: &str) -> bool {
    let mut parts = expected.split('…');
    let Some(mut rest) = printed.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut last = "";
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = part;
    }
    rest.is_empty() || (expected.contains('…') && printed.ends_with(last))
}

fn run(readme: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_straits"));
    // The reader's shell has none of the variables that tests are run with.
    server.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let server = server.args(["--listen", "127.0.0.1:0"]).current_dir(folder.path()).stdout(Stdio::piped());
    let mut server = Server(server.stderr(Stdio::null()).spawn().unwrap());
    let mut first = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let url = first.trim().rsplit(' ').next().unwrap().to_owned();
    assert!(url.starts_with("http://127.0.0.1:"), "{first}");

    let calls = calls(readme);
    assert!(calls.iter().filter(|(_, expected)| !expected.is_empty()).count() >= 3);
    let script: String =
        calls.iter().map(|(command, _)| format!("{command}\nprintf '\\n@@@@\\n'\n")).collect();
    let script = script.replace("http://127.0.0.1:8080", &url);
    let done = Command::new("bash").args(["-euc", &script]).current_dir(folder.path()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let printed = String::from_utf8(done.stdout).unwrap();
    for ((command, expected), printed) in calls.iter().zip(printed.split("\n@@@@\n")) {
        let printed: Vec<&str> = printed.trim_end().lines().collect();
        assert_eq!(printed.len(), expected.len(), "{command}\nprinted {printed:#?}");
        for (expected, printed) in expected.iter().zip(printed) {
            let (expected, printed) = (without_ids(expected), without_ids(printed));
            assert!(matches(&expected, &printed), "{command}\nexpected {expected}\nprinted  {printed}");
        }
    }
}

#[test]
fn the_english_readme_tells_the_truth() {
    run(include_str!("../../README.md"));
}

#[test]
fn the_chinese_readme_tells_the_truth() {
    run(include_str!("../../README.zh-CN.md"));
}

#[test]
fn a_false_readme_would_be_found() {
    assert!(matches("a…c", "abbbc"));
    assert!(!matches("a…c", "abbbd"));
    assert!(!matches("abc", "abcd"));
    assert_eq!(without_ids("x pay_01m8376nj4egsv3j87a5ng59ps y_z"), "x pay_ y_z");
    assert_eq!(calls("```console\n$ a\nb\n```\n$ c"), [("a".to_owned(), vec!["b".to_owned()])]);
}
