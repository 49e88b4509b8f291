//! Whether the time of an answer tells what the answer itself does not: who is known (property 12), and how much of
//! a guess was right (property 13). The classes are interleaved pair by pair, and in every measurement a difference
//! is planted that must be found.
//!
//! The tests run one after the other, in memory and without connections. Networks add noise and no difference.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test ends where something is not as it must be, and tells its figures"
)]

#[expect(dead_code, reason = "shared with the tests of the whole server")]
#[path = "../it/support/authenticator.rs"]
mod authenticator;
mod credentials;
mod devices;
#[expect(dead_code, reason = "shared with the tests of the whole server")]
#[path = "../it/support/fixed.rs"]
mod fixed;
mod measure;
mod passwords;
mod people;
mod secrets;
#[path = "../it/support/settings.rs"]
mod settings;
mod world;
