//! Payout plans: held against brute force, against a solver that others wrote, against their own certificates.

mod brute;
mod certificates;
mod corners;
mod data;
mod divisions;
mod every_division;
mod examples;
mod large;
mod shared_money;
mod solver;
mod tables;
mod world;
