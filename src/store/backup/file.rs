//! The file: gzip over lines, with a running hash.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use super::schema::Shape;
use super::{BackupError, Ending, FORMAT, Heading, Manifest};
use crate::store::change::Kind;
use crate::store::{Value, migrate};

/// The line before a table's rows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    table: String,
    columns: Vec<(String, Word)>,
}

/// A column's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Int,
    Text,
    Bytes,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Last {
    end: Ending,
}

/// A backup in the making, beside its place.
pub(super) struct Writer {
    path: PathBuf,
    partial: PathBuf,
    out: GzEncoder<BufWriter<File>>,
    hash: Context,
    rows: BTreeMap<String, u64>,
}

impl Writer {
    /// Begins it; a file that is there is never written over.
    pub fn begin(path: &Path, heading: &Heading) -> Result<Writer, BackupError> {
        let failed = |source| BackupError::File { path: path.to_owned(), source };
        if path.exists() {
            return Err(failed(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "there is a file already; name another",
            )));
        }
        let partial = path.with_added_extension("partial");
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        // Customers' data and sealed secrets: the owner's alone.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&partial).map_err(failed)?;
        let out = GzEncoder::new(BufWriter::new(file), Compression::fast());
        let (hash, rows) = (Context::new(&SHA256), BTreeMap::new());
        let mut writer = Writer { path: path.to_owned(), partial, out, hash, rows };
        writer.line(heading)?;
        Ok(writer)
    }

    pub fn section(&mut self, shape: &Shape) -> Result<(), BackupError> {
        let columns = shape.columns.iter().map(|(name, kind)| (name.clone(), word(*kind))).collect();
        self.rows.insert(shape.name.clone(), 0);
        self.line(&Section { table: shape.name.clone(), columns })
    }

    pub fn row(&mut self, table: &str, row: &[Value]) -> Result<(), BackupError> {
        let cells: Vec<serde_json::Value> = row.iter().map(cell).collect();
        *self.rows.entry(table.to_owned()).or_default() += 1;
        self.line(&cells)
    }

    /// Ends it, and only now gives it its name.
    pub fn end(mut self) -> Result<Ending, BackupError> {
        let (path, partial) = (self.path.clone(), self.partial.clone());
        let failed = |source| BackupError::File { path: path.clone(), source };
        let sha256 = hex(self.hash.clone().finish().as_ref());
        let ending = Ending { rows: std::mem::take(&mut self.rows), sha256 };
        self.line(&Last { end: ending.clone() })?;
        let file = self.out.finish().and_then(|out| out.into_inner().map_err(io::IntoInnerError::into_error));
        file.and_then(|file| file.sync_all()).map_err(failed)?;
        std::fs::hard_link(&partial, &path).and_then(|()| std::fs::remove_file(&partial)).map_err(failed)?;
        Ok(ending)
    }

    fn line(&mut self, what: &impl Serialize) -> Result<(), BackupError> {
        let failed = |source| BackupError::File { path: self.partial.clone(), source };
        let mut text = serde_json::to_vec(what).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        self.hash.update(&text);
        self.out.write_all(&text).map_err(failed)
    }
}

/// What comes next in a backup.
pub(super) enum Item {
    Table(Shape),
    Row(Vec<Value>),
    End(Ending),
}

/// A backup being read.
pub(super) struct Reader {
    path: PathBuf,
    lines: BufReader<MultiGzDecoder<BufReader<File>>>,
    hash: Context,
    line: u64,
    shape: Option<Shape>,
    rows: BTreeMap<String, u64>,
}

impl Reader {
    pub fn open(path: &Path) -> Result<(Reader, Heading), BackupError> {
        let file = File::open(path).map_err(|source| BackupError::File { path: path.to_owned(), source })?;
        let lines = BufReader::new(MultiGzDecoder::new(BufReader::new(file)));
        let (hash, rows) = (Context::new(&SHA256), BTreeMap::new());
        let mut reader = Reader { path: path.to_owned(), lines, hash, line: 0, shape: None, rows };
        let first = reader.text()?;
        let heading: Heading = serde_json::from_slice(&first).map_err(|error| reader.broken(error))?;
        if heading.straits_backup != FORMAT {
            let why = format!("it has the format {}, this program reads {FORMAT}", heading.straits_backup);
            return Err(BackupError::Unfit(why));
        }
        let newer: Vec<&i64> =
            heading.migrations.iter().filter(|version| !migrate::knows(**version)).collect();
        if !newer.is_empty() {
            let why =
                format!("it was taken by a newer Straits: this one does not know the migrations {newer:?}");
            return Err(BackupError::Unfit(why));
        }
        Ok((reader, heading))
    }

    pub fn next(&mut self) -> Result<Item, BackupError> {
        let before = self.hash.clone();
        let text = self.text()?;
        if text.starts_with(b"[") {
            return self.read_row(&text);
        }
        if text.starts_with(b"{\"end\"") {
            let last: Last = serde_json::from_slice(&text).map_err(|error| self.broken(error))?;
            if last.end.sha256 != hex(before.finish().as_ref()) {
                return Err(self.broken("its content is not what was written: the SHA-256 differs"));
            }
            // Here the decompressor checks its own sum, and nothing may follow.
            let mut rest = [0_u8; 1];
            match self.lines.read(&mut rest) {
                Ok(0) => {}
                Ok(_) => return Err(self.broken("it goes on after its end")),
                Err(error) => return Err(self.broken(error)),
            }
            if last.end.rows != self.rows {
                return Err(self.broken("it has not as many rows as it says"));
            }
            return Ok(Item::End(last.end));
        }
        let section: Section = serde_json::from_slice(&text).map_err(|error| self.broken(error))?;
        let plain = |name: &String| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        if !plain(&section.table) || !section.columns.iter().all(|(name, _)| plain(name)) {
            return Err(self.broken("a name of a table or column that is none"));
        }
        let columns = section.columns.into_iter().map(|(name, word)| (name, kind(word))).collect();
        let shape = Shape { name: section.table, columns };
        if self.rows.insert(shape.name.clone(), 0).is_some() {
            return Err(self.broken("a table comes twice"));
        }
        self.shape = Some(shape.clone());
        Ok(Item::Table(shape))
    }

    fn read_row(&mut self, text: &[u8]) -> Result<Item, BackupError> {
        let cells: Vec<serde_json::Value> =
            serde_json::from_slice(text).map_err(|error| self.broken(error))?;
        let Some(shape) = &self.shape else { return Err(self.broken("a row of no table")) };
        if cells.len() != shape.columns.len() {
            return Err(self.broken("a row has more or fewer cells than its table has columns"));
        }
        let row: Option<Vec<Value>> =
            cells.into_iter().zip(&shape.columns).map(|(cell, (_, kind))| value(cell, *kind)).collect();
        let Some(row) = row else { return Err(self.broken("a cell is not of its column's kind")) };
        *self.rows.entry(shape.name.clone()).or_default() += 1;
        Ok(Item::Row(row))
    }

    fn text(&mut self) -> Result<Vec<u8>, BackupError> {
        self.line += 1;
        let mut text = Vec::new();
        self.lines.read_until(b'\n', &mut text).map_err(|error| self.broken(error))?;
        if !text.ends_with(b"\n") {
            return Err(self.broken("it ends here"));
        }
        self.hash.update(&text);
        Ok(text)
    }

    fn broken(&self, why: impl ToString) -> BackupError {
        BackupError::Broken { path: self.path.clone(), line: self.line, why: why.to_string() }
    }
}

/// Reads a backup from end to end.
pub(super) fn check(path: &Path) -> Result<Manifest, BackupError> {
    let (mut reader, heading) = Reader::open(path)?;
    loop {
        if let Item::End(ending) = reader.next()? {
            return Ok(Manifest { heading, ending });
        }
    }
}

fn word(kind: Kind) -> Word {
    match kind {
        Kind::Int => Word::Int,
        Kind::Text => Word::Text,
        Kind::Bytes => Word::Bytes,
    }
}

fn kind(word: Word) -> Kind {
    match word {
        Word::Int => Kind::Int,
        Word::Text => Kind::Text,
        Word::Bytes => Kind::Bytes,
    }
}

fn cell(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Int(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Bytes(bytes) => BASE64.encode(bytes).into(),
    }
}

fn value(cell: serde_json::Value, kind: Kind) -> Option<Value> {
    match (kind, cell) {
        (_, serde_json::Value::Null) => Some(Value::Null),
        (Kind::Int, serde_json::Value::Number(number)) => number.as_i64().map(Value::Int),
        (Kind::Text, serde_json::Value::String(text)) => Some(Value::Text(text)),
        (Kind::Bytes, serde_json::Value::String(text)) => BASE64.decode(text).ok().map(Value::Bytes),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
