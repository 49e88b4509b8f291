//! What is said: HTTP, HTML and mail.
//!
//! Requests come in, are parsed into the domain's types, decided there, committed through the store and answered
//! here. This crate knows no SQL, and it has no rules of its own.

pub mod accounts;
pub mod admin;
pub mod api;
pub mod backup;
pub mod call;
pub mod config;
pub mod cookie;
pub mod dev;
pub mod dev_keys;
pub mod dkim_keys;
pub mod doctor;
pub mod envelope;
pub mod erased;
pub mod error;
pub mod events;
pub mod flood;
pub mod freshness;
pub mod hashing;
pub mod key_file;
pub mod key_ring;
pub mod key_use;
pub mod keys;
pub mod listener;
pub mod maintenance;
pub mod metrics;
pub mod newcomer;
pub mod oauth2;
pub mod openapi;
pub mod operations;
pub mod outbox;
pub mod outgoing;
pub mod pages;
pub mod passwords;
pub mod quota;
pub mod registry;
pub mod reload;
pub mod revocations;
pub mod security_log;
pub mod service;
pub mod session_cache;
pub mod shutdown;
pub mod signature_cache;
pub mod state;
pub mod system;
pub mod telemetry;
pub mod texts;
pub mod tokens;
pub mod user_passwords;
pub mod vault;
pub mod visitor;
pub mod webhooks;
pub mod wiring;
