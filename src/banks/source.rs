//! A file's bytes as UTF-8, piece by piece. What a file is written in is known by its mark or by XML's own declaration;
//! without either it is taken for UTF-8 and judged by whoever reads it.

use std::io::{self, BufRead, Read};

/// Bytes read at a time.
const PIECE: usize = 32 << 10;
/// What one element, row or line may take up.
const PART_MAX: usize = 1 << 20;

enum Form {
    Utf8,
    Latin,
    Utf16 { big: bool },
}

pub(super) struct Source<R> {
    inner: R,
    form: Option<Form>,
    /// Bytes of a letter whose rest is still to come.
    begun: Vec<u8>,
    ready: Vec<u8>,
    at: usize,
    left: usize,
}

impl<R: Read> Source<R> {
    pub(super) fn new(inner: R) -> Source<R> {
        Source { inner, form: None, begun: vec![], ready: vec![], at: 0, left: PART_MAX }
    }

    /// A part of the file was read whole: the next may be as long.
    pub(super) fn next_part(&mut self) {
        self.left = PART_MAX;
    }

    /// The next bytes; none at the end.
    fn piece(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = std::mem::take(&mut self.begun);
        let begun = bytes.len();
        self.inner.by_ref().take(PIECE as u64).read_to_end(&mut bytes)?;
        match bytes.len() == begun && begun > 0 {
            true => Err(not_text()),
            false => Ok(bytes),
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.at = 0;
        self.ready.clear();
        while self.ready.is_empty() {
            let mut bytes = self.piece()?;
            if bytes.is_empty() {
                return Ok(());
            }
            if self.form.is_none() {
                let (form, mark) = form_of(&bytes)?;
                bytes.drain(..mark);
                self.form = Some(form);
            }
            match self.form {
                None | Some(Form::Utf8) => self.ready = bytes,
                Some(Form::Latin) => {
                    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
                    self.ready = text.into_bytes();
                }
                Some(Form::Utf16 { big }) => self.wide(&bytes, big)?,
            }
        }
        Ok(())
    }

    fn wide(&mut self, bytes: &[u8], big: bool) -> io::Result<()> {
        let (pairs, odd) = bytes.as_chunks::<2>();
        let unit = |pair: &[u8; 2]| if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
        let halved = pairs.last().is_some_and(|pair| (0xd800..0xdc00).contains(&unit(pair)));
        let (whole, half) = pairs.split_at(pairs.len() - usize::from(halved));
        self.begun = half.iter().flatten().chain(odd).copied().collect();
        let letters = char::decode_utf16(whole.iter().map(unit));
        let text = letters.collect::<Result<String, _>>().map_err(|_| not_text())?;
        self.ready = text.into_bytes();
        Ok(())
    }
}

fn not_text() -> io::Error {
    io::Error::from(io::ErrorKind::InvalidData)
}

/// What the head says, and how many bytes of it are a mark.
fn form_of(head: &[u8]) -> io::Result<(Form, usize)> {
    match head {
        [0xef, 0xbb, 0xbf, ..] => return Ok((Form::Utf8, 3)),
        [0xfe, 0xff, ..] => return Ok((Form::Utf16 { big: true }, 2)),
        [0xff, 0xfe, ..] => return Ok((Form::Utf16 { big: false }, 2)),
        [0, b'<', 0, b'?', ..] => return Ok((Form::Utf16 { big: true }, 0)),
        [b'<', 0, b'?', 0, ..] => return Ok((Form::Utf16 { big: false }, 0)),
        _ => {}
    }
    let head = String::from_utf8_lossy(&head[..head.len().min(200)]).to_ascii_lowercase();
    let declaration = head.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")).map(|(own, _)| own);
    let told = declaration.and_then(|own| own.split_once("encoding")).map(|(_, rest)| rest);
    let told = told.and_then(|rest| rest.split(['"', '\'']).nth(1)).unwrap_or("utf-8");
    match told {
        // Read as letters of one byte, it cannot be of two, whatever it says.
        "utf-8" | "utf8" | "us-ascii" | "ascii" | "utf-16" => Ok((Form::Utf8, 0)),
        "iso-8859-1" | "iso-8859-15" | "latin1" | "windows-1252" => Ok((Form::Latin, 0)),
        other => {
            let shown = super::text::shown(other);
            let why = format!("it is written in `{shown}`: save it as UTF-8, UTF-16 or ISO-8859-1");
            Err(io::Error::new(io::ErrorKind::Unsupported, why))
        }
    }
}

impl<R: Read> BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.ready.len() {
            self.refill()?;
        }
        if self.left == 0 && self.at < self.ready.len() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a part of it is too long"));
        }
        let end = self.ready.len().min(self.at + self.left);
        Ok(&self.ready[self.at..end])
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
        self.left = self.left.saturating_sub(count);
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let count = ready.len().min(into.len());
        into[..count].copy_from_slice(&ready[..count]);
        self.consume(count);
        Ok(count)
    }
}
