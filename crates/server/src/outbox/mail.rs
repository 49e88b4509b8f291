//! A rendered letter as the bytes that go over the wire (RFC 5322, MIME): one text and one HTML part, a few
//! headers, nothing that a caller could add to. Knows no server and no template.

use std::io::Write as _;

use super::{
    address::Address,
    blocks::one_line,
    encode,
    letter::{Letter, Mailbox},
    render::Rendered,
};

/// Who a server is told that a mail is from, and whom it is for: one recipient, ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The sender's address, where bounces go.
    pub from: Address,
    /// The only recipient's address.
    pub to: Address,
}

/// A mail, ready to be sent as often as it takes: every try sends the same bytes.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The letter's id, as in the Message-ID.
    pub id: String,
    /// Sender and recipient.
    pub envelope: Envelope,
    /// The whole message: seven-bit, lines of at most 998 characters, every one ended by CRLF.
    pub message: Vec<u8>,
    /// What is in it, for who shows mails instead of sending them.
    pub rendered: Rendered,
}

/// Between the parts. Neither quoted-printable nor base64 ever has `=_` in it.
const BOUNDARY: &str = "=_countersign";

/// Writes a letter as a mail.
#[must_use]
pub fn compose(letter: &Letter, rendered: Rendered) -> Mail {
    let mut message = Vec::with_capacity(rendered.text.len() + rendered.html.len() * 5 / 4 + 1024);
    headers(letter, &rendered.subject, &mut message);
    part("text/plain", &rendered.text, &mut message);
    part("text/html", &rendered.html, &mut message);
    line(&mut message, format_args!("--{BOUNDARY}--"));
    let envelope = Envelope { from: letter.from.address.clone(), to: letter.to.clone() };
    Mail { id: letter.id.clone(), envelope, message, rendered }
}

fn headers(letter: &Letter, subject: &str, out: &mut Vec<u8>) {
    line(out, format_args!("From: {}", mailbox(&letter.from)));
    line(out, format_args!("To: <{}>", letter.to.as_str()));
    line(out, format_args!("Subject: {}", encode::unstructured(&one_line(subject))));
    line(out, format_args!("Date: {}", encode::date(letter.date)));
    let id = identifier(&letter.id);
    line(out, format_args!("Message-ID: <{id}@{}>", letter.from.address.domain()));
    // No vacation notes and no bounces of answers: nobody reads them (RFC 3834; the second is Exchange's name).
    line(out, format_args!("Auto-Submitted: auto-generated"));
    line(out, format_args!("X-Auto-Response-Suppress: All"));
    line(out, format_args!("Content-Language: {}", letter.locale.tag()));
    line(out, format_args!("MIME-Version: 1.0"));
    line(out, format_args!("Content-Type: multipart/alternative; boundary=\"{BOUNDARY}\""));
    line(out, format_args!(""));
}

fn part(kind: &str, text: &str, out: &mut Vec<u8>) {
    line(out, format_args!("--{BOUNDARY}"));
    line(out, format_args!("Content-Type: {kind}; charset=utf-8"));
    encode::body(text, out);
}

fn mailbox(mailbox: &Mailbox) -> String {
    let name = one_line(&mailbox.name);
    let address = mailbox.address.as_str();
    match name.as_str() {
        "" => format!("<{address}>"),
        name => format!("{} <{address}>", encode::phrase(name)),
    }
}

/// An id as the left side of a Message-ID: what is not a letter, digit, dash or underscore becomes a dash.
fn identifier(id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let identifier: String = id.chars().take(128).map(plain).collect();
    if identifier.is_empty() { "-".to_owned() } else { identifier }
}

fn line(out: &mut Vec<u8>, content: std::fmt::Arguments<'_>) {
    // Writing to a vector does not fail.
    let _ = out.write_fmt(content);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
