//! The real binary from outside: real sockets, a real mail server, real databases, clients of other people's making.
//!
//! One program for all of it, so that it is linked once. `cargo xtask test --step end-to-end` brings what it needs.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod account_pages;
mod accounts;
mod admin_pages;
mod administrators;
mod browser;
mod clock;
mod dev;
mod dkim;
mod durability;
mod engines;
mod events;
mod flow;
mod forward_auth;
mod logs;
mod mail_down;
mod passkeys;
mod power_loss;
#[path = "../../../server/tests/support/postfix.rs"]
mod relay;
mod schemathesis;
mod sealing;
mod shared_secret;
mod sign_in_pages;
mod support;
mod totp;
mod traces;
