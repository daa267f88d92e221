//! What happened, step by step: its hash is the same for the same seed, its end is kept for whoever looks into a fault.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};

/// Lines kept.
const KEPT: usize = 4_000;

/// The story of one run.
pub(super) struct Trace {
    hash: Context,
    kept: VecDeque<String>,
    story: Option<BufWriter<File>>,
    /// Steps so far.
    pub steps: u64,
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trace({} steps)", self.steps)
    }
}

impl Trace {
    /// `story`: a file for every line.
    pub(super) fn new(story: Option<&Path>) -> std::io::Result<Trace> {
        let story = story.map(File::create).transpose()?.map(BufWriter::new);
        Ok(Trace { hash: Context::new(&SHA256), kept: VecDeque::new(), story, steps: 0 })
    }

    /// One step.
    pub(super) fn step(&mut self, line: String) {
        self.steps += 1;
        self.note(line);
    }

    /// Something that belongs to the step before.
    pub(super) fn note(&mut self, line: String) {
        self.hash.update(line.as_bytes());
        self.hash.update(b"\n");
        if let Some(story) = &mut self.story {
            // A story that cannot be told to its end is cut off; the hash is whole.
            let _ = writeln!(story, "{line}");
        }
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(line);
    }

    /// The hash so far, in hex.
    pub(super) fn hash(&self) -> String {
        let digest = self.hash.clone().finish();
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The last lines that name `who`, or all of them.
    pub(super) fn last(&self, who: &str, most: usize) -> Vec<String> {
        let named = self.kept.iter().filter(|line| who.is_empty() || line.contains(who));
        let mut lines: Vec<String> = named.rev().take(most).cloned().collect();
        lines.reverse();
        lines
    }
}
