//! What is said: HTTP, HTML and mail. Knows no SQL.

pub mod doctor;
