//! Runs the contract suite against every engine.

mod sqlite;
mod stores;
