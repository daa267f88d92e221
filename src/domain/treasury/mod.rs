//! Paying out: routes as data, netting, and the plan of the lowest cost under the dated route table shown, with a
//! certificate that a program sharing no code with this one checks (`plan-checker/`).
//!
//! | question | answer |
//! |---|---|
//! | what is minimised | fees, deductions on the way, spreads, batch fees and top-ups, at the plan's frozen mids, in the home currency, whoever bears them |
//! | what is decided | for each payable a route, an account and the shape of its items, or to wait; for each account its top-ups; for each route how many batches |
//! | items | the cheapest division of an amount on a route before each item's fee is rounded, up to 1,000 items; fees inside the amount: the one of those tried of which most arrives |
//! | what couples suppliers | the money of accounts and their top-ups, the fees of batches; several currencies, the accounts that pay them all |
//! | units | costs in 10^-9 minor units of home ([`Cost`]), amounts in minor units; no floating point |
//! | unpaid | counts more than any fee: a supplier is left out for lack of funds only, never to save a fee |
//! | waiting | off unless asked for, only for releases already dated, never beyond the payable's term |
//!
//! Not ours to promise: the value date is expected, deductions by others are possible, charges outside the table are
//! outside the proof.

mod calendar;
mod certificate;
mod named;
mod netting;
mod plan;
mod planner;
mod position;
mod request;
mod route;
mod schedule;
mod table;
mod timing;
mod value;

pub use calendar::{Calendar, CalendarError, Calendars, ValueDate};
pub use certificate::Certificate;
pub use named::NamedTopUp;
pub use netting::{Netted, Position, booked, net};
pub use plan::{AccountUse, Batch, Excluded, Line, Next, Plan, ToppedUp, Totals};
pub use planner::{Planned, plan, reachable};
pub use position::{Position as FundsPosition, positions};
pub use request::{
    Conversion, Effort, Expected, Funds, Holder, Payable, Payee, PlanError, PlanRequest, TopUp, Way,
};
pub use route::{Band, Bearer, FeeBase, Market, Route, carried};
pub use schedule::{
    MisfireRule, PayoutSchedule, RunOutcome, ScheduleRun, ScheduleState, ScheduleTerms, Turn,
};
pub use table::{AnyCurrency, RouteError, RouteTable, Tables};
pub use timing::{Dated, Due, Fate, HolidayRule, Holidays, Timing, TimingError};
pub use value::{Cost, MID_DIGITS, Mids, UNITS, ValueError};
