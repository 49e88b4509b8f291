//! What is true: the rules of authentication, pure.
//!
//! Nothing here waits, reads a clock, draws randomness of its own or performs I/O. Time ([`time::Timestamp`]),
//! randomness ([`random::Random`]) and keyed digests come in as arguments; what must be written comes out as
//! data ([`changes::Changes`]). This crate knows no HTTP, no SQL and no mail.

pub mod algorithm;
pub mod identifier;
pub mod random;
pub mod secret;
pub mod time;
