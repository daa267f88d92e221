//! A statement as a file, in any form.
//!
//! Text streams page by page as it is written. A workbook and a PDF are made whole before their first byte goes out, on a
//! worker thread: the one in a temporary file that is nobody's once it is closed, the other with at most 2,000 lines in
//! memory.

use std::io::{Seek as _, SeekFrom};

use futures_util::stream::{BoxStream, StreamExt, once, try_unfold};
use tokio::io::AsyncReadExt;

use crate::domain::statements::{
    Dates, Form, FormError, Heading, Issue, Letterhead, Period, QUICKBOOKS_ROWS, QuickBooks, Statement,
    StatementPdf, StatementText, StatementXlsx, TextForm,
};
use crate::ids::MerchantId;
use crate::store::periods::IssuedStatement;

use super::lines::Lines;
use super::{StatementFlowError, StatementQuery, Statements, WHOLE, holder, issuer};

/// Which form, and what some forms need to know.
#[derive(Debug, Clone, Copy)]
pub struct FileForm {
    /// The form; JSON is answered as a [`Statement`].
    pub form: Form,
    /// How Xero and QuickBooks are given dates.
    pub dates: Dates,
    /// Which of QuickBooks' files of 1,000 rows; absent: the only one.
    pub part: Option<u32>,
}

/// A file on its way.
pub struct StatementFile {
    /// What it is called.
    pub name: String,
    /// Its form.
    pub form: Form,
    /// Its bytes. An error means: stop, and leave the file without its end; its finding is open by then.
    pub body: BoxStream<'static, Result<Vec<u8>, StatementFlowError>>,
}

impl std::fmt::Debug for StatementFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StatementFile({})", self.name)
    }
}

impl From<Form> for FileForm {
    fn from(form: Form) -> FileForm {
        FileForm { form, dates: Dates::default(), part: None }
    }
}

impl Statements {
    /// A period as the books have it, as a file. The first byte is only given once the period foots.
    ///
    /// # Errors
    /// [`StatementFlowError`].
    pub async fn file(
        &self,
        merchant: MerchantId,
        query: &StatementQuery,
        how: FileForm,
    ) -> Result<StatementFile, StatementFlowError> {
        if how.form.takes_parts() {
            let (_, lines) = self.open_lines(merchant, query).await?;
            check_part(lines, how).await?;
        }
        let (heading, lines) = self.open_lines(merchant, query).await?;
        write(heading, lines, how).await
    }

    /// The statement as CSV, chunk by chunk in constant memory.
    ///
    /// # Errors
    /// [`StatementFlowError`].
    pub async fn csv(
        &self,
        merchant: MerchantId,
        query: &StatementQuery,
    ) -> Result<BoxStream<'static, Result<Vec<u8>, StatementFlowError>>, StatementFlowError> {
        Ok(self.file(merchant, query, Form::Csv.into()).await?.body)
    }

    /// An issued statement as a file; `bytes` are those that were issued, and every other form is made of them.
    ///
    /// # Errors
    /// [`StatementFlowError`].
    pub async fn issued_file(
        &self,
        issued: &IssuedStatement,
        bytes: Vec<u8>,
        how: FileForm,
    ) -> Result<StatementFile, StatementFlowError> {
        let heading = self.issued_heading(issued).await?;
        if how.form == Form::Csv {
            let name = heading.file_name(how.form.extension());
            return Ok(StatementFile { name, form: how.form, body: once(async { Ok(bytes) }).boxed() });
        }
        if how.form.takes_parts() {
            check_part(self.issued_lines(issued.merchant, &heading, bytes.clone()), how).await?;
        }
        let lines = self.issued_lines(issued.merchant, &heading, bytes);
        write(heading, lines, how).await
    }

    /// An issued statement as the API's JSON.
    ///
    /// # Errors
    /// [`StatementFlowError`].
    pub async fn issued_statement(
        &self,
        issued: &IssuedStatement,
        bytes: Vec<u8>,
    ) -> Result<Statement, StatementFlowError> {
        if issued.entries > WHOLE {
            return Err(StatementFlowError::TooLong { entries: issued.entries });
        }
        let heading = self.issued_heading(issued).await?;
        let mut lines = self.issued_lines(issued.merchant, &heading, bytes);
        let mut entries = Vec::new();
        while let Some(page) = lines.next().await? {
            entries.extend(page);
        }
        Ok(Statement::issued(heading, entries)?)
    }

    async fn issued_heading(&self, issued: &IssuedStatement) -> Result<Heading, StatementFlowError> {
        let zone =
            issued.zone.parse().map_err(|_| StatementFlowError::File(format!("zone {}", issued.zone)))?;
        let letterhead = match &issued.letterhead {
            Some(letterhead) => letterhead.clone(),
            // Issued before letterheads were kept: the names as they are now, and no head.
            None => {
                let merchant = self.store.merchant(issued.merchant).await?;
                let merchant = merchant.ok_or(StatementFlowError::Unknown("merchant"))?;
                let supplier = self.supplier(issued.merchant, issued.supplier).await?;
                Letterhead { issuer: issuer(&merchant), holder: holder(&supplier), ledger_head: None }
            }
        };
        Ok(Heading {
            supplier: issued.supplier,
            period: Period::try_new(issued.from, issued.to, zone)?,
            opening: issued.opening,
            closing: issued.closing,
            letterhead,
            issue: Some(Issue { id: issued.id, number: issued.number, sha256: issued.sha256.clone() }),
            made_at: issued.issued_at,
        })
    }
}

/// Counts the lines: how many files they are is not known before.
async fn check_part(mut lines: Lines, how: FileForm) -> Result<(), StatementFlowError> {
    let mut entries = 0;
    loop {
        match lines.next().await {
            Ok(Some(page)) => entries += page.len() as u64,
            Ok(None) => break,
            Err(error) => return Err(lines.watch.found(error).await),
        }
    }
    let parts = QuickBooks::parts(entries);
    let fits = match how.part {
        None => entries <= QUICKBOOKS_ROWS,
        Some(part) => (1..=parts).contains(&u64::from(part)),
    };
    if fits { Ok(()) } else { Err(StatementFlowError::Parts { entries, parts }) }
}

async fn write(heading: Heading, lines: Lines, how: FileForm) -> Result<StatementFile, StatementFlowError> {
    let watch = lines.watch.clone();
    let part = how.part.filter(|_| how.form.takes_parts()).map(|part| format!("part-{part}."));
    let name = heading.file_name(&format!("{}{}", part.unwrap_or_default(), how.form.extension()));
    let body = match TextForm::of(how.form, how.dates, how.part.unwrap_or(1)) {
        Some(form) => text(form, heading, lines)?,
        None => {
            let made = match how.form {
                Form::Pdf => pdf(heading, lines).await,
                _ => workbook(heading, lines).await,
            };
            match made {
                Ok(body) => body,
                Err(error) => return Err(watch.found(error).await),
            }
        }
    };
    Ok(StatementFile { name, form: how.form, body })
}

/// Text under way.
struct Writing {
    lines: Lines,
    text: StatementText,
    buffer: Vec<u8>,
}

fn text(
    form: TextForm,
    heading: Heading,
    lines: Lines,
) -> Result<BoxStream<'static, Result<Vec<u8>, StatementFlowError>>, StatementFlowError> {
    let mut buffer = Vec::new();
    let text = StatementText::begin(form, heading, &mut buffer)?;
    let writing = Writing { lines, text, buffer };
    let steps = try_unfold(Some(writing), |writing| async {
        let Some(writing) = writing else { return Ok(None) };
        let watch = writing.lines.watch.clone();
        match writing.next().await {
            Ok(step) => Ok(Some(step)),
            Err(error) => Err(watch.found(error).await),
        }
    });
    Ok(steps.boxed())
}

impl Writing {
    /// The next chunk, and what is left to do.
    async fn next(mut self) -> Result<(Vec<u8>, Option<Writing>), StatementFlowError> {
        match self.lines.next().await? {
            Some(page) => {
                self.text.append(&page, &mut self.buffer)?;
                let chunk = std::mem::take(&mut self.buffer);
                Ok((chunk, Some(self)))
            }
            None => {
                let Writing { text, mut buffer, .. } = self;
                text.finish(&mut buffer)?;
                Ok((buffer, None))
            }
        }
    }
}

async fn pdf(
    heading: Heading,
    mut lines: Lines,
) -> Result<BoxStream<'static, Result<Vec<u8>, StatementFlowError>>, StatementFlowError> {
    let mut pdf = StatementPdf::begin(heading);
    while let Some(page) = lines.next().await? {
        pdf.append(&page)?;
    }
    let (bytes, _) = on_a_worker(move || pdf.finish()).await?;
    Ok(once(async { Ok(bytes) }).boxed())
}

async fn workbook(
    heading: Heading,
    mut lines: Lines,
) -> Result<BoxStream<'static, Result<Vec<u8>, StatementFlowError>>, StatementFlowError> {
    let mut workbook = on_a_worker(move || StatementXlsx::begin(heading)).await?;
    while let Some(page) = lines.next().await? {
        workbook = on_a_worker(move || workbook.append(&page).map(|()| workbook)).await?;
    }
    let file = on_a_worker(move || {
        let broken = |error: std::io::Error| FormError::Write(error.to_string());
        let mut file = tempfile::tempfile().map_err(broken)?;
        workbook.finish(&mut file)?;
        file.seek(SeekFrom::Start(0)).map_err(broken)?;
        Ok(file)
    });
    let file = tokio::fs::File::from_std(file.await?);
    let chunks = try_unfold(file, |mut file| async {
        let mut chunk = Vec::with_capacity(1 << 16);
        let read = (&mut file).take(1 << 16).read_to_end(&mut chunk).await;
        match read.map_err(|error| StatementFlowError::File(error.to_string()))? {
            0 => Ok(None),
            _ => Ok(Some((chunk, file))),
        }
    });
    Ok(chunks.boxed())
}

async fn on_a_worker<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FormError> + Send + 'static,
) -> Result<T, StatementFlowError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| StatementFlowError::File(error.to_string()))??)
}
