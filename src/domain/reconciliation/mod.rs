//! What a gateway's bill says against what the books say: pure matching, no I/O.
//!
//! | room | what |
//! |---|---|
//! | `bill` | one line of a bill, in our words, whatever file or answer it came from |
//! | `fact` | what the books have of one movement at the gateway |
//! | `matching` | exactly, then by content; what is left over |
//! | `likely` | which of several unpaid payments a line means that names none |
//! | `difference` | what does not agree, and how sure a repair of it is |
//! | `terms` | what a fee should be: the payment's method and what the contract says of it |
//! | `drift` | what the gateway really charges, learned from the lines, beside the contract |

mod bill;
mod difference;
mod drift;
mod fact;
mod likely;
mod matching;
mod terms;

pub use bill::{BillKind, BillLine, LineFacts, LineHash, LineStatus};
pub use difference::{Difference, Grade};
pub use drift::{FeeLessons, FeeSums, Learned, NotLearned, SMALL_SAMPLE};
pub use fact::{Class, Fact, Key, Standing};
pub use likely::{Candidate, Promise, likeliest};
pub use matching::{CUT_OFF, Matching, Outcome, TooDifferent};
pub use terms::{Contract, Expected, FeeTerms, Terms, TermsId, UNKNOWN_METHOD};
