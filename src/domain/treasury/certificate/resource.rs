//! What suppliers share, as a certificate states it.

use serde::Serialize;

use super::Text;
use crate::domain::treasury::planner::table::Over;
use crate::money::Currency;

#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ResourceProof<'a> {
    Account {
        name: &'a str,
        currency: Currency,
        available: Text,
        top_ups: Vec<TopUpProof>,
    },
    /// Of one route, out of one account of the part, over one rail account.
    Batches {
        route: usize,
        account: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        through: Option<&'a str>,
    },
    /// How many suppliers draw on an account, counted so that the proof can branch on it.
    Heads {
        account: usize,
    },
    /// How many suppliers of a currency are left unpaid, likewise.
    Unpaid {
        currency: Currency,
    },
}

#[derive(Serialize)]
pub struct TopUpProof {
    pub fixed: Text,
    pub spread_bps: u32,
    pub limit: Text,
}

/// Over what a table goes that proves what a leaf claims.
#[derive(Serialize)]
pub struct TableProof {
    account: usize,
    /// Counts, and how many numbers of each are told apart.
    counts: Vec<(usize, usize)>,
    /// Minor units of a class of money.
    width: Text,
    classes: usize,
}

impl TableProof {
    pub fn of(over: &Over) -> TableProof {
        TableProof {
            account: over.account,
            counts: over.counts.clone(),
            width: over.width.to_string(),
            classes: over.classes,
        }
    }
}
