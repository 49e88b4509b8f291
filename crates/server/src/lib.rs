//! What is said: HTTP, HTML and mail. Knows no SQL, and reads no clock of its own.

pub mod outbox;
