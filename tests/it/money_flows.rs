//! What happens to money once it was captured, driven for real: settlements, refunds, findings, deliveries, conversions
//! and statements over a real store on both engines, with a far side that fails as it is told.

pub mod far;
pub mod world;
