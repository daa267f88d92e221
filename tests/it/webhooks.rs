//! Webhooks: every event told once to whoever wants it, sent until it is heard, and nowhere it must not go.

mod faults;
mod handed_on;
mod listen;
mod places;
mod program;
pub mod receiver;
pub mod world;
