//! The statement as Open Financial Exchange 2.2, which bookkeeping programs import.
//!
//! `FITID` is the ledger's transaction, so that a file imported twice doubles nothing. `ACCTID` has 22 characters: the
//! end of the supplier's id. Dates are noon of the booking date in UTC, so that no program's zone makes them another
//! day. OFX has no opening balance; it stands in `BALLIST`. All of it is ASCII, and says so: there are programs that take
//! every OFX 2 file to be that, and fail at the first name that is not; in references (`&#28145;`) they read it.

use chrono::NaiveDate;

use crate::domain::statements::{Heading, StatementEntry};
use crate::money::Money;

use super::xml::{ascii_leaf, close, leaf, open};

const PROLOGUE: &str = "<?xml version=\"1.0\" encoding=\"US-ASCII\" standalone=\"no\"?>\n\
    <?OFX OFXHEADER=\"200\" VERSION=\"220\" SECURITY=\"NONE\" OLDFILEUID=\"NONE\" NEWFILEUID=\"NONE\"?>\n";

pub(super) fn begin(heading: &Heading, buffer: &mut Vec<u8>) {
    buffer.extend_from_slice(PROLOGUE.as_bytes());
    for name in ["OFX", "SIGNONMSGSRSV1", "SONRS"] {
        open(buffer, name);
    }
    status(buffer);
    leaf(buffer, "DTSERVER", &heading.made_at.format("%Y%m%d%H%M%S").to_string());
    leaf(buffer, "LANGUAGE", "ENG");
    open(buffer, "FI");
    ascii_leaf(buffer, "ORG", &heading.letterhead.issuer.name, 32);
    close(buffer, "FI");
    close(buffer, "SONRS");
    close(buffer, "SIGNONMSGSRSV1");
    for name in ["BANKMSGSRSV1", "STMTTRNRS"] {
        open(buffer, name);
    }
    leaf(buffer, "TRNUID", "0");
    status(buffer);
    open(buffer, "STMTRS");
    leaf(buffer, "CURDEF", heading.currency().code());
    open(buffer, "BANKACCTFROM");
    leaf(buffer, "BANKID", "STRAITS");
    let account = heading.supplier.to_string();
    leaf(buffer, "ACCTID", &account[account.len().saturating_sub(22)..]);
    leaf(buffer, "ACCTTYPE", "CHECKING");
    close(buffer, "BANKACCTFROM");
    open(buffer, "BANKTRANLIST");
    leaf(buffer, "DTSTART", &noon(heading.period.from()));
    leaf(buffer, "DTEND", &noon(heading.period.to()));
}

pub(super) fn append(entries: &[StatementEntry], buffer: &mut Vec<u8>) {
    for entry in entries {
        let signed = entry.signed();
        open(buffer, "STMTTRN");
        leaf(buffer, "TRNTYPE", if signed.is_negative() { "DEBIT" } else { "CREDIT" });
        leaf(buffer, "DTPOSTED", &noon(entry.booked_on));
        leaf(buffer, "DTAVAIL", &noon(entry.value_date));
        leaf(buffer, "TRNAMT", &signed.digits().to_string());
        leaf(buffer, "FITID", &entry.transaction.to_string());
        ascii_leaf(buffer, "NAME", &entry.narrative, 32);
        let subject = entry.subject.as_deref().map(|subject| format!(" {subject}")).unwrap_or_default();
        ascii_leaf(buffer, "MEMO", &format!("{}{subject}", entry.narrative), 255);
        close(buffer, "STMTTRN");
    }
}

pub(super) fn finish(heading: &Heading, buffer: &mut Vec<u8>) {
    close(buffer, "BANKTRANLIST");
    open(buffer, "LEDGERBAL");
    leaf(buffer, "BALAMT", &heading.closing.digits().to_string());
    leaf(buffer, "DTASOF", &noon(heading.period.to()));
    close(buffer, "LEDGERBAL");
    open(buffer, "BALLIST");
    balance(buffer, "Opening", "Balance before the first entry", heading.opening, heading.period.from());
    balance(buffer, "Closing", "Balance after the last entry", heading.closing, heading.period.to());
    close(buffer, "BALLIST");
    let number =
        heading.issue.as_ref().map_or("not issued".to_owned(), |issue| format!("No. {}", issue.number));
    let holder = &heading.letterhead.holder;
    let tax = holder.tax_number.as_deref().map(|number| format!(", tax number {number}")).unwrap_or_default();
    let head = heading.letterhead.ledger_head.map(|head| format!(", ledger head {head}")).unwrap_or_default();
    let hash = heading.issue.as_ref().map(|issue| format!(", SHA-256 of its CSV {}", issue.sha256));
    let hash = hash.unwrap_or_default();
    // The name last: it may be cut.
    let said = format!(
        "Statement {number}{head}{hash}, dates of {}{tax}, to {}",
        heading.period.zone().name(),
        holder.name
    );
    ascii_leaf(buffer, "MKTGINFO", &said, 360);
    for name in ["STMTRS", "STMTTRNRS", "BANKMSGSRSV1", "OFX"] {
        close(buffer, name);
    }
}

fn status(buffer: &mut Vec<u8>) {
    open(buffer, "STATUS");
    leaf(buffer, "CODE", "0");
    leaf(buffer, "SEVERITY", "INFO");
    close(buffer, "STATUS");
}

fn balance(buffer: &mut Vec<u8>, name: &str, description: &str, money: Money, date: NaiveDate) {
    open(buffer, "BAL");
    leaf(buffer, "NAME", name);
    leaf(buffer, "DESC", description);
    leaf(buffer, "BALTYPE", "DOLLAR");
    leaf(buffer, "VALUE", &money.digits().to_string());
    leaf(buffer, "DTASOF", &noon(date));
    close(buffer, "BAL");
}

fn noon(date: NaiveDate) -> String {
    format!("{}120000", date.format("%Y%m%d"))
}
