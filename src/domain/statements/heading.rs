//! What stands above and below a statement's lines: who tells whom, of which days, from where to where.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::ledger::ChainHead;
use crate::ids::{StatementId, SupplierId};
use crate::money::{Currency, Money};

use super::Period;

/// One of the two sides of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Party {
    /// Legal name.
    pub name: String,
    /// ISO 3166 alpha-2, where it is known.
    #[schema(required)]
    pub country: Option<String>,
    /// Its number with its tax office, where it gave one.
    #[schema(required)]
    pub tax_number: Option<String>,
}

/// Who tells whom, and where the ledger's chain stood: what an issued statement keeps as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letterhead {
    /// The merchant.
    pub issuer: Party,
    /// The supplier.
    pub holder: Party,
    /// The head of the ledger's hash chain: whoever keeps the statement can tell a cut or altered ledger.
    #[serde(with = "chain_head")]
    pub ledger_head: Option<ChainHead>,
}

/// That a statement was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its id.
    pub id: StatementId,
    /// Its number, from 1 without gaps for each merchant.
    pub number: i64,
    /// The SHA-256 of the CSV that was issued, in hexadecimal.
    pub sha256: String,
}

/// Everything of a statement but its lines; every form begins with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// Whose it is.
    pub supplier: SupplierId,
    /// The booking dates it covers, and their zone.
    pub period: Period,
    /// The balance before the first line.
    pub opening: Money,
    /// The ledger's balance after the last line.
    pub closing: Money,
    /// Who tells whom.
    pub letterhead: Letterhead,
    /// Number and hash; `None`: seen, and not issued.
    pub issue: Option<Issue>,
    /// When it was issued or, where it was not, made.
    pub made_at: DateTime<Utc>,
}

impl Heading {
    /// Its one currency.
    pub fn currency(&self) -> Currency {
        self.opening.currency()
    }

    /// `statement-17.csv`, or `statement-sup_…-USD-2026-11-01-2026-11-30.csv` where it was not issued.
    pub fn file_name(&self, extension: &str) -> String {
        match &self.issue {
            Some(issue) => format!("statement-{}.{extension}", issue.number),
            None => {
                let (whose, currency) = (self.supplier, self.closing.currency());
                let (from, to) = (self.period.from(), self.period.to());
                format!("statement-{whose}-{currency}-{from}-{to}.{extension}")
            }
        }
    }

    /// What people read above the lines, name and value.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let Letterhead { issuer, holder, .. } = &self.letterhead;
        let number = match &self.issue {
            Some(issue) => format!("{} ({})", issue.number, issue.id),
            None => "none: as the books stand, not issued".to_owned(),
        };
        let given = |number: &Option<String>| number.clone().unwrap_or_else(|| "not given".to_owned());
        let country = holder.country.as_deref().map(|country| format!(", {country}")).unwrap_or_default();
        let mut facts = vec![
            ("Number", number),
            ("Issued by", issuer.name.clone()),
            ("Issuer's tax number", given(&issuer.tax_number)),
            ("Issued to", format!("{}{country}", holder.name)),
            ("Tax number", given(&holder.tax_number)),
            ("Account", self.supplier.to_string()),
            ("First booking date", self.period.from().to_string()),
            ("Last booking date", self.period.to().to_string()),
            ("Zone of the dates", self.period.zone().name().to_owned()),
            ("Currency", self.currency().to_string()),
            ("Made at", self.made_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        ];
        if let Some(head) = self.letterhead.ledger_head {
            facts.push(("Ledger head", head.to_string()));
        }
        if let Some(issue) = &self.issue {
            facts.push(("SHA-256 of its CSV", issue.sha256.clone()));
        }
        facts
    }
}

/// A chain head as its text.
mod chain_head {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use super::ChainHead;

    pub fn serialize<S: Serializer>(head: &Option<ChainHead>, serializer: S) -> Result<S::Ok, S::Error> {
        head.map(|head| head.to_string()).serialize(serializer)
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Option<ChainHead>, D::Error> {
        let text: Option<String> = Option::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}
