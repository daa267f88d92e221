//! The statement in the shape of ISO 20022 `camt.053.001.08`, the bank-to-customer statement.
//!
//! The supplier's balance is the account, the merchant its servicer. Opening is `OPBD`, closing `CLBD`; a balance below
//! zero has `DBIT`. Texts are cut to the schema's lengths, ids are all shorter. What happened stands in `AddtlNtryInf`,
//! what it is about in `Refs/Prtry`; the zone, the ledger's head and the issued CSV's hash in `AddtlStmtInf`.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};

use crate::domain::statements::{Heading, Party, Side, StatementEntry, Totals};
use crate::money::Money;

use super::xml::{close, cut, leaf, nested, open};

const ROOT: &str = "Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"";

pub(super) fn begin(heading: &Heading, buffer: &mut Vec<u8>) {
    buffer.extend_from_slice(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let made_at = heading.made_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let id = message_id(heading);
    open(buffer, ROOT);
    open(buffer, "BkToCstmrStmt");
    open(buffer, "GrpHdr");
    leaf(buffer, "MsgId", &id);
    leaf(buffer, "CreDtTm", &made_at);
    close(buffer, "GrpHdr");
    open(buffer, "Stmt");
    leaf(buffer, "Id", &id);
    if let Some(issue) = &heading.issue {
        leaf(buffer, "ElctrncSeqNb", &issue.number.to_string());
        leaf(buffer, "LglSeqNb", &issue.number.to_string());
    }
    leaf(buffer, "CreDtTm", &made_at);
    let zone = heading.period.zone();
    let local = |at: DateTime<Utc>| at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false);
    open(buffer, "FrToDt");
    leaf(buffer, "FrDtTm", &local(heading.period.begins_at()));
    leaf(buffer, "ToDtTm", &local(heading.period.ends_before() - TimeDelta::seconds(1)));
    close(buffer, "FrToDt");
    account(heading, buffer);
    balance(buffer, "OPBD", heading.opening, heading.period.from());
    balance(buffer, "CLBD", heading.closing, heading.period.to());
}

pub(super) fn append(entries: &[StatementEntry], buffer: &mut Vec<u8>) {
    for entry in entries {
        let id = entry.transaction.to_string();
        open(buffer, "Ntry");
        leaf(buffer, "NtryRef", &id);
        amount(buffer, entry.amount, entry.side == Side::Debit);
        nested(buffer, &["Sts", "Cd"], "BOOK");
        nested(buffer, &["BookgDt", "Dt"], &entry.booked_on.to_string());
        nested(buffer, &["ValDt", "Dt"], &entry.value_date.to_string());
        leaf(buffer, "AcctSvcrRef", &id);
        nested(buffer, &["BkTxCd", "Prtry", "Cd"], entry.subject_key().unwrap_or("other"));
        if let (Some(key), Some(subject)) = (entry.subject_key(), &entry.subject) {
            for name in ["NtryDtls", "TxDtls", "Refs", "Prtry"] {
                open(buffer, name);
            }
            leaf(buffer, "Tp", key);
            leaf(buffer, "Ref", &cut(subject, 35));
            for name in ["Prtry", "Refs", "TxDtls", "NtryDtls"] {
                close(buffer, name);
            }
        }
        leaf(buffer, "AddtlNtryInf", &cut(&entry.narrative, 500));
        close(buffer, "Ntry");
    }
}

pub(super) fn finish(heading: &Heading, totals: &Totals, buffer: &mut Vec<u8>) {
    let head = heading.letterhead.ledger_head.map(|head| format!(" Ledger head {head}.")).unwrap_or_default();
    let hash = heading.issue.as_ref().map(|issue| format!(" SHA-256 of its CSV {}.", issue.sha256));
    let said = format!(
        "Dates are those of {}. {} entries, credits {}, debits {}.{head}{}",
        heading.period.zone().name(),
        totals.entries,
        totals.credits.digits(),
        totals.debits.digits(),
        hash.unwrap_or_default()
    );
    leaf(buffer, "AddtlStmtInf", &cut(&said, 500));
    close(buffer, "Stmt");
    close(buffer, "BkToCstmrStmt");
    close(buffer, "Document");
}

/// 35 characters at most: an issued statement's id; else the last day and a digest of whose, which and how much it is, so
/// that two of them share a name only where they say the same.
fn message_id(heading: &Heading) -> String {
    let Heading { supplier, period, opening, closing, .. } = heading;
    match &heading.issue {
        Some(issue) => issue.id.to_string(),
        None => {
            let (from, to, zone) = (period.from(), period.to(), period.zone().name());
            let said = format!("{supplier} {from} {to} {zone} {opening} {closing}");
            let digest = digest(&SHA256, said.as_bytes());
            let digest: String = digest.as_ref().iter().take(13).map(|byte| format!("{byte:02x}")).collect();
            format!("{}-{digest}", to.format("%Y%m%d"))
        }
    }
}

fn account(heading: &Heading, buffer: &mut Vec<u8>) {
    let Party { name, tax_number, .. } = &heading.letterhead.holder;
    open(buffer, "Acct");
    nested(buffer, &["Id", "Othr", "Id"], &heading.supplier.to_string());
    leaf(buffer, "Ccy", heading.currency().code());
    open(buffer, "Ownr");
    leaf(buffer, "Nm", &cut(name, 140));
    if let Some(number) = tax_number {
        for name in ["Id", "OrgId", "Othr"] {
            open(buffer, name);
        }
        leaf(buffer, "Id", &cut(number, 35));
        nested(buffer, &["SchmeNm", "Cd"], "TXID");
        for name in ["Othr", "OrgId", "Id"] {
            close(buffer, name);
        }
    }
    close(buffer, "Ownr");
    let Party { name, tax_number, .. } = &heading.letterhead.issuer;
    open(buffer, "Svcr");
    open(buffer, "FinInstnId");
    leaf(buffer, "Nm", &cut(name, 140));
    if let Some(number) = tax_number {
        open(buffer, "Othr");
        leaf(buffer, "Id", &cut(number, 35));
        nested(buffer, &["SchmeNm", "Prtry"], "TXID");
        close(buffer, "Othr");
    }
    close(buffer, "FinInstnId");
    close(buffer, "Svcr");
    close(buffer, "Acct");
}

fn balance(buffer: &mut Vec<u8>, code: &str, money: Money, date: NaiveDate) {
    open(buffer, "Bal");
    nested(buffer, &["Tp", "CdOrPrtry", "Cd"], code);
    amount(buffer, money.abs(), money.is_negative());
    nested(buffer, &["Dt", "Dt"], &date.to_string());
    close(buffer, "Bal");
}

fn amount(buffer: &mut Vec<u8>, money: Money, debit: bool) {
    let head = format!("Amt Ccy=\"{}\"", money.currency().code());
    leaf(buffer, &head, &money.digits().to_string());
    leaf(buffer, "CdtDbtInd", if debit { "DBIT" } else { "CRDT" });
}
