//! What a gateway's bill says against what the books say: pure matching, no I/O.
//!
//! | room | what |
//! |---|---|
//! | `bill` | one line of a bill, in our words, whatever file or answer it came from |

mod bill;

pub use bill::{BillKind, BillLine, LineFacts, LineHash, LineStatus};
