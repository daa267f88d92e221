//! Ways to add to an account, as a person names them.

use serde::{Deserialize, Serialize};

use crate::ids::RailAccountId;
use crate::money::{Currency, Money};

/// A way to add to the account behind a rail account: a transfer, or a conversion. Nobody is asked to make it: what the plan
/// takes of it is a list for the office, and the deal is booked once it was struck.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"rail_account": "rac_01kb0000000000000000000000", "from": "HSBC SG operating", "sells": "SGD", "limit": {"amount": "50000.00", "currency": "USD"}, "fixed": {"amount": "8.00", "currency": "USD"}, "spread_bps": 25}))]
pub struct NamedTopUp {
    /// The rail account whose money it adds to; several over one account share what is named for any of them.
    pub rail_account: RailAccountId,
    /// Which account or bank it comes from, for people.
    #[schema(min_length = 1, max_length = 100)]
    pub from: String,
    /// What is sold for it; the account's own currency is a transfer.
    pub sells: Currency,
    /// At most so much arrives, in the rail account's currency; zero: nothing.
    pub limit: Money,
    /// What each deal or transfer costs, in the same currency.
    #[serde(default)]
    pub fixed: Option<Money>,
    /// What the deal costs beside mid, in basis points.
    #[schema(maximum = 9_999)]
    #[serde(default)]
    pub spread_bps: u32,
}
