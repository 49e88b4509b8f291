//! What every engine must keep, written once and run against each of them by `tests/contract`.
//!
//! It is part of the library so that it can see what the library hides; nothing in the program calls it.

pub mod engine;
pub mod engine_races;
mod scratch;
