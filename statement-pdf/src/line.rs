//! From a text to lines of glyphs: what no font has is spelled out, lines are broken where they may be, and each is put
//! into the order in which it is seen.

use std::collections::BTreeSet;
use std::ops::Range;

use krilla::text::{GlyphId, KrillaGlyph};
use rustybuzz::{Direction, UnicodeBuffer};
use unicode_bidi::{BidiInfo, Level};
use unicode_segmentation::UnicodeSegmentation;

use crate::fonts::{Faces, FontNo};

/// A run of glyphs of one font, at the size of one point.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub font: FontNo,
    pub text: String,
    pub glyphs: Vec<KrillaGlyph>,
    pub width: f32,
}

/// One line, in the order in which it is seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line {
    pub runs: Vec<Run>,
    pub width: f32,
}

/// Lays texts out.
pub(crate) struct Setter<'a> {
    faces: &'a Faces,
    pub missing: BTreeSet<char>,
}

impl<'a> Setter<'a> {
    pub fn new(faces: &'a Faces) -> Setter<'a> {
        Setter { faces, missing: BTreeSet::new() }
    }

    /// The text in one line, however wide.
    pub fn line(&mut self, text: &str, bold: bool) -> Line {
        let shown = self.shown(text, bold);
        self.set(&shown, bold)
    }

    /// The text in lines of at most `width` (at the size of one point): broken at blanks and between Chinese
    /// characters, and within a word only where the word alone is too wide.
    pub fn lines(&mut self, text: &str, bold: bool, width: f32) -> Vec<Line> {
        let shown = self.shown(text, bold);
        let whole = self.set(&shown, bold);
        if whole.width <= width {
            return vec![whole];
        }
        let (mut lines, mut line) = (Vec::new(), String::new());
        for piece in pieces(&shown) {
            let fits =
                |line: &str, piece: &str| self.set(format!("{line}{piece}").trim_end(), bold).width <= width;
            if fits(&line, piece) {
                line.push_str(piece);
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for letter in piece.graphemes(true) {
                if !line.is_empty() && !fits(&line, letter) {
                    lines.push(std::mem::take(&mut line));
                }
                line.push_str(letter);
            }
        }
        lines.push(line);
        lines.iter().map(|line| self.set(line.trim_end(), bold)).collect()
    }

    /// The text with blanks for breaks and tabs, and with numbers for what no font has or nobody would see.
    fn shown(&mut self, text: &str, bold: bool) -> String {
        let mut shown = String::with_capacity(text.len());
        let (mut spelling, mut before) = (false, None);
        for character in text.chars() {
            let character = if character.is_whitespace() { ' ' } else { character };
            let font = self.faces.with(character, bold, before).filter(|_| !is_unseen(character));
            if let Some(font) = font {
                if std::mem::take(&mut spelling) {
                    shown.push(']');
                }
                shown.push(character);
                before = Some(font);
            } else {
                self.missing.insert(character);
                let opening = if std::mem::replace(&mut spelling, true) { ' ' } else { '[' };
                shown.push(opening);
                shown.push_str(&format!("U+{:04X}", u32::from(character)));
            }
        }
        if spelling {
            shown.push(']');
        }
        shown
    }

    fn set(&self, text: &str, bold: bool) -> Line {
        let mut line = Line::default();
        if text.is_ascii() {
            self.run(&mut line, text, false, bold);
            return line;
        }
        let bidi = BidiInfo::new(text, Some(Level::ltr()));
        for paragraph in &bidi.paragraphs {
            let (levels, runs) = bidi.visual_runs(paragraph, paragraph.range.clone());
            for range in runs {
                let backwards = levels[range.start].is_rtl();
                self.run(&mut line, &text[range], backwards, bold);
            }
        }
        line
    }

    /// Adds text of one direction, font by font.
    fn run(&self, line: &mut Line, text: &str, backwards: bool, bold: bool) {
        let mut parts: Vec<(FontNo, Range<usize>)> = Vec::new();
        for (at, character) in text.char_indices() {
            let before = parts.last().map(|(font, _)| *font);
            // What no font has was spelled out before.
            let Some(font) = self.faces.with(character, bold, before) else { continue };
            let end = at + character.len_utf8();
            match parts.last_mut() {
                Some((same, range)) if *same == font => range.end = end,
                _ => parts.push((font, at..end)),
            }
        }
        if backwards {
            parts.reverse();
        }
        for (font, range) in parts {
            let run = self.shape(font, &text[range], backwards);
            line.width += run.width;
            line.runs.push(run);
        }
    }

    fn shape(&self, font: FontNo, text: &str, backwards: bool) -> Run {
        let loaded = self.faces.get(font);
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        buffer.set_direction(if backwards { Direction::RightToLeft } else { Direction::LeftToRight });
        let shaped = rustybuzz::shape(&loaded.face, &[], buffer);
        let mut clusters: Vec<usize> =
            shaped.glyph_infos().iter().map(|info| info.cluster as usize).collect();
        clusters.push(text.len());
        clusters.sort_unstable();
        clusters.dedup();
        let mut width = 0.0;
        let points = |units: i32| units as f32 / loaded.units;
        let pairs = shaped.glyph_infos().iter().zip(shaped.glyph_positions());
        let glyphs = pairs.map(|(info, position)| {
            let start = info.cluster as usize;
            let end = clusters.iter().copied().find(|&next| next > start).unwrap_or(text.len());
            width += points(position.x_advance);
            KrillaGlyph::new(
                GlyphId::new(info.glyph_id),
                points(position.x_advance),
                points(position.x_offset),
                points(position.y_offset),
                points(position.y_advance),
                start..end,
                None,
            )
        });
        let glyphs = glyphs.collect();
        Run { font, text: text.to_owned(), glyphs, width }
    }
}

/// Characters that steer how others are shown and would show nothing themselves: a name that turns its letters around
/// shows that it does.
fn is_unseen(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}')
}

/// Where a line may end: behind blanks and around Chinese characters.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut before: Option<char> = None;
    for (at, character) in text.char_indices() {
        let may = before.is_some_and(|before| {
            (before == ' ' && character != ' ') || (is_chinese(before) && is_chinese(character))
        });
        if may {
            pieces.push(&text[start..at]);
            start = at;
        }
        before = Some(character);
    }
    pieces.push(&text[start..]);
    pieces
}

fn is_chinese(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}')
}
