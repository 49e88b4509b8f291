//! From a message to somebody's mailbox: what is said, how it looks, and by which way it leaves.
//!
//! A [`letter::Letter`] is rendered ([`render`]), written as a mail ([`mail`]), perhaps signed ([`dkim`]) and
//! handed to a [`sender::Sender`]. Nothing here knows of challenges, stores or retries.

pub mod address;
pub mod blocks;
pub mod caller_text;
pub mod console;
pub mod dkim;
pub mod encode;
pub mod file;
pub mod letter;
pub mod locale;
pub mod mail;
pub mod render;
pub mod sender;
pub mod sendmail;
pub mod smtp;
pub mod texts;
