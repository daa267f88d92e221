//! A process dies between any two steps of anything that moves money; the next one finishes or asks, and repeats nothing.
//!
//! Every cell of the matrix is a point, an operation and an engine: the operation runs to the point's n-th hit, there
//! the process dies (its runtime is dropped with everything that ran on it), another one opens the same database, and
//! its recovery runs. Then the books verify, ours is the far side's truth, nothing moved twice, no call was made for what
//! was done already, and nothing is left open. The matrix is printed with how often each cell was hit; a cell that was
//! not fails, and so does a point that is on a way it is not listed for.
//!
//! It needs the feature `crash-points`, as `tests/run` builds it.

#[cfg(not(feature = "crash-points"))]
#[test]
fn the_matrix() {
    println!("skipped: built without the crash points; run tests/run, or cargo test --features crash-points");
}

#[cfg_attr(not(feature = "crash-points"), allow(dead_code))]
mod ear;
#[cfg_attr(not(feature = "crash-points"), allow(dead_code))]
pub mod far;
#[cfg_attr(not(feature = "crash-points"), allow(dead_code))]
pub mod house;
#[cfg(feature = "crash-points")]
mod matrix;
#[cfg(feature = "crash-points")]
mod operations;
#[cfg(feature = "crash-points")]
mod payouts;
#[cfg(feature = "crash-points")]
mod watch;
