//! The fonts of this crate, and which of them has a character.

use krilla::text::Font;
use rustybuzz::Face;

use crate::PdfError;

/// A font: a number into [`Faces`].
pub(crate) type FontNo = usize;

/// The font of headings; it has ISO 8859-1 only.
pub(crate) const BOLD: FontNo = 8;

const FILES: [(&str, &[u8]); 9] = [
    ("NotoSans-Regular", include_bytes!("../fonts/NotoSans-Regular.ttf")),
    ("NotoSansThai-Regular", include_bytes!("../fonts/NotoSansThai-Regular.ttf")),
    ("NotoSansSC-Regular", include_bytes!("../fonts/NotoSansSC-Regular.ttf")),
    ("NotoSansHK-Regular", include_bytes!("../fonts/NotoSansHK-Regular.ttf")),
    ("NotoSansJP-Regular", include_bytes!("../fonts/NotoSansJP-Regular.ttf")),
    ("NotoSansKR-Regular", include_bytes!("../fonts/NotoSansKR-Regular.ttf")),
    ("NotoSansHebrew-Regular", include_bytes!("../fonts/NotoSansHebrew-Regular.ttf")),
    ("NotoSansArabic-Regular", include_bytes!("../fonts/NotoSansArabic-Regular.ttf")),
    ("NotoSans-Bold", include_bytes!("../fonts/NotoSans-Bold.ttf")),
];

/// One font, for shaping and for the file.
pub(crate) struct Loaded {
    pub face: Face<'static>,
    pub font: Font,
    pub units: f32,
}

/// All fonts.
pub(crate) struct Faces(Vec<Loaded>);

impl Faces {
    pub fn load() -> Result<Faces, PdfError> {
        let load = |(name, bytes): (&'static str, &'static [u8])| {
            let face = Face::from_slice(bytes, 0).ok_or(PdfError::Font(name))?;
            let font = Font::new(bytes.into(), 0).ok_or(PdfError::Font(name))?;
            let units = font.units_per_em();
            Ok(Loaded { face, font, units })
        };
        FILES.into_iter().map(load).collect::<Result<_, _>>().map(Faces)
    }

    pub fn get(&self, font: FontNo) -> &Loaded {
        &self.0[font]
    }

    /// The font of a character: the bold one where it is wanted and has it, else the first that has it; `before`, the
    /// font of the character before it, where that has it too, so that marks stay with their letters.
    pub fn with(&self, character: char, bold: bool, before: Option<FontNo>) -> Option<FontNo> {
        let first = if bold { Some(BOLD) } else { None };
        let shared = before.filter(|_| !character.is_ascii() && !character.is_whitespace());
        let order = first.into_iter().chain(shared).chain(0..BOLD);
        order
            .into_iter()
            .find(|&font| self.0[font].face.glyph_index(character).is_some_and(|glyph| glyph.0 != 0))
    }
}
