//! Files as the rules see them: code without comments and texts, and texts without code, line by line as they were.

use std::fs;
use std::path::Path;

/// One file of the repository.
#[derive(Debug, Clone)]
pub struct Source {
    /// From the repository's root: `src/money/rate.rs`.
    pub path: String,
    /// As it is.
    pub text: String,
    /// Comments and the insides of texts are blanks.
    pub code: String,
    /// Only the insides of texts; the rest is blanks. An SQL file is one text.
    pub texts: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        let (code, texts) = if path.ends_with(".rs") {
            split(text)
        } else {
            let sql: Vec<&str> = text.lines().map(|line| line.split("--").next().unwrap_or("")).collect();
            (String::new(), sql.join("\n"))
        };
        Source { path: path.to_owned(), text: text.to_owned(), code, texts }
    }

    /// Numbered lines of the code.
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The line of a byte of `code` or `texts`.
    pub fn line_at(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
    }

    /// The modules on the way to this file: `src/money/rate.rs` is `["money", "rate"]`.
    pub fn module(&self) -> Vec<&str> {
        let inner = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let inner = inner.strip_suffix(".rs").unwrap_or(inner);
        inner.split('/').filter(|part| *part != "mod" && *part != "lib").collect()
    }
}

/// Every `.rs` and `.sql` file below a folder of the repository, in the order of their paths.
pub fn sources_under(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    visit(&root().join(folder), &mut |path, text| found.push(Source::new(path, text)));
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// A file of the repository.
pub fn in_repository(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn visit(folder: &Path, each: &mut impl FnMut(&str, &str)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a folder of the repository reads").path();
        let ours = path.extension().is_some_and(|extension| extension == "rs" || extension == "sql");
        if path.is_dir() {
            visit(&path, each);
        } else if ours {
            let name = path
                .strip_prefix(root())
                .expect("it lies below the root")
                .to_string_lossy()
                .replace('\\', "/");
            each(&name, &fs::read_to_string(&path).expect("sources are UTF-8"));
        }
    }
}

/// Splits Rust into code and texts. Both keep the length in bytes and every line break.
fn split(text: &str) -> (String, String) {
    let bytes = text.as_bytes();
    let (mut code, mut texts) = (blank(bytes), blank(bytes));
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        if rest.starts_with(b"//") {
            at += rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        } else if rest.starts_with(b"/*") {
            at += comment_length(rest);
        } else if let Some((opening, closing, length)) =
            text_length(rest, at.checked_sub(1).map(|before| bytes[before]))
        {
            let inside = at + opening..(at + length - closing).max(at + opening);
            texts[inside.clone()].copy_from_slice(&bytes[inside]);
            code[at] = b'"';
            at += length;
        } else {
            code[at] = bytes[at];
            at += 1;
        }
    }
    (String::from_utf8_lossy(&code).into_owned(), String::from_utf8_lossy(&texts).into_owned())
}

fn blank(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|&byte| if byte == b'\n' { b'\n' } else { b' ' }).collect()
}

fn comment_length(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The lengths of a text's opening, of its closing and of the whole, if one begins here.
fn text_length(rest: &[u8], before: Option<u8>) -> Option<(usize, usize, usize)> {
    match rest {
        [b'"', ..] => Some((1, 1, escaped_length(rest, b'"'))),
        // A character, not a lifetime: `'a'`, `'\n'`, `'"'`.
        [b'\'', b'\\', ..] => Some((1, 1, escaped_length(rest, b'\''))),
        [b'\'', _, b'\'', ..] => Some((1, 1, 3)),
        [b'r', b'"' | b'#', ..]
            if !before.is_some_and(|byte| byte.is_ascii_alphanumeric() && byte != b'b') =>
        {
            let hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
            (rest.get(1 + hashes) == Some(&b'"')).then(|| {
                let end = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
                let opening = 2 + hashes;
                let inside = rest[opening..].windows(end.len()).position(|window| window == end);
                (opening, end.len(), inside.map_or(rest.len(), |inside| opening + inside + end.len()))
            })
        }
        _ => None,
    }
}

fn escaped_length(rest: &[u8], end: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != end {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

#[test]
fn comments_and_texts_are_told_from_code() {
    let text = "let a = \"f64 // \\\" no\"; // f64\n/* f64 /* f64 */ */ let b: f64 = 'x'; let c = r#\"SELECT \"1\"\"#;\nfn d<'a>() { '\"' }";
    let source = Source::new("src/x.rs", text);
    assert_eq!(source.code.matches("f64").count(), 1, "{}", source.code);
    assert_eq!(source.texts.matches("f64").count(), 1);
    assert!(source.texts.contains("SELECT \"1\""), "{}", source.texts);
    assert!(source.code.contains("fn d<'a>() {"));
    assert_eq!(source.code.len(), text.len());
    assert_eq!(source.line_at(source.texts.find("SELECT").unwrap()), 2);
    assert_eq!(Source::new("src/money/rate.rs", "").module(), ["money", "rate"]);
    assert_eq!(Source::new("src/gateways/mod.rs", "").module(), ["gateways"]);
}
