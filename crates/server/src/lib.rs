//! What is said: HTTP, HTML and mail.
//!
//! This crate speaks to browsers, apps and mail servers. It knows no SQL, and it decides nothing: it asks the domain.

pub mod keys;
pub mod listener;
pub mod shutdown;
