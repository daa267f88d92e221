//! From pages to the file.

use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{Path, PathBuilder, Point};
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::paint::Stroke;
use krilla::surface::Surface;
use krilla::{Document as File, SerializeSettings};

use crate::fonts::Faces;
use crate::sheet::{HEIGHT, Page, WIDTH};
use crate::{Document, PdfError, Time};

/// Writes the pages as PDF/A-2u.
pub(crate) fn write(document: &Document, faces: &Faces, pages: &[Page]) -> Result<Vec<u8>, PdfError> {
    let archival = ConfigurationBuilder::new().with_archival_validator(Archival::A2_U);
    let configuration = archival.finish().map_err(|error| PdfError::Write(format!("{error:?}")))?;
    let mut file = File::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    // The title also names the file in a reader's window; control characters have no place there.
    let title = document.title.replace(char::is_control, " ");
    file.set_metadata(
        Metadata::new().title(title).language("en".to_owned()).creation_date(date(document.made_at)),
    );
    for page in pages {
        let size = PageSettings::from_wh(WIDTH, HEIGHT);
        let mut paper = file.start_page_with(size.ok_or_else(|| PdfError::Write("no such page".to_owned()))?);
        let mut surface = paper.surface();
        draw(&mut surface, faces, page);
        surface.finish();
        paper.finish();
    }
    file.finish().map_err(|error| PdfError::Write(format!("{error:?}")))
}

fn draw(surface: &mut Surface<'_>, faces: &Faces, page: &Page) {
    for placed in &page.lines {
        let mut x = placed.x;
        for run in &placed.line.runs {
            let font = faces.get(run.font).font.clone();
            surface.draw_glyphs(
                Point::from_xy(x, placed.y),
                &run.glyphs,
                font,
                &run.text,
                placed.size,
                false,
            );
            x += run.width * placed.size;
        }
    }
    for rule in page.rules.iter().filter_map(|y| rule(*y)) {
        surface.set_fill(None);
        surface.set_stroke(Some(Stroke { width: 0.5, ..Stroke::default() }));
        surface.draw_path(&rule);
        surface.set_stroke(None);
    }
}

fn rule(y: f32) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.move_to(40.0, y);
    path.line_to(WIDTH - 40.0, y);
    path.finish()
}

fn date(time: Time) -> DateTime {
    DateTime::new(time.year)
        .month(time.month)
        .day(time.day)
        .hour(time.hour)
        .minute(time.minute)
        .second(time.second)
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}
