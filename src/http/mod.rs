//! The HTTP edge.
pub mod problem;
pub mod body;
pub mod wire;
