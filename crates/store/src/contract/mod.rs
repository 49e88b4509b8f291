//! What every store must keep, written once and run against each engine by `tests/contract`.
//!
//! It is part of the library so that it can see what the library hides, and behind a feature so that no program
//! carries it. Every case takes a freshly migrated store of its own.

pub mod administration;
pub mod api_key;
pub mod app;
pub mod atomicity;
pub mod challenge;
pub mod contact;
pub mod corrupt;
pub mod credential;
pub mod engine;
pub mod engine_races;
pub mod event;
pub mod fact;
pub mod grant;
pub mod idempotency;
pub mod message;
pub mod people;
pub mod quota;
pub mod races;
pub mod revocation;
mod sample;
pub mod schema;
mod scratch;
pub mod sealing_key;
pub mod session;
pub mod signing_key;
pub mod sweep;
pub mod user;
pub mod user_password;
