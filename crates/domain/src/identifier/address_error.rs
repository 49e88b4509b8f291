//! Why an e-mail address was refused. What is said tells the caller what to change; it never repeats the
//! address, so that an error can be answered and counted without care. It does not know HTTP or languages.

/// Why an e-mail address was refused, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AddressError {
    /// Nothing is left once the surrounding spaces are gone.
    #[error("the address is empty: give one of the form name@example.org")]
    Empty,
    /// More than 1024 bytes as given, or more than 254 in canonical form (RFC 5321, 4.5.3.1.3).
    #[error("the address is too long: mail reaches addresses of up to 254 characters")]
    TooLong,
    /// A control character: CR, LF, NUL, tab or any other.
    #[error("the address has a control character, such as a line break or a tab: remove it")]
    ControlCharacter,
    /// No `@`.
    #[error("the address has no @: give one of the form name@example.org")]
    AtMissing,
    /// More than one `@`.
    #[error("the address has more than one @: give exactly one address, of the form name@example.org")]
    AtRepeated,
    /// Nothing before the `@`.
    #[error("the address has nothing before the @: give one of the form name@example.org")]
    LocalEmpty,
    /// More than 64 octets before the `@` (RFC 5321, 4.5.3.1.1).
    #[error("the part before the @ is too long: it may have up to 64 characters")]
    LocalTooLong,
    /// A local part beyond ASCII, which needs SMTPUTF8 (RFC 6531).
    #[error(
        "the part before the @ has a character beyond ASCII: such mailboxes (SMTPUTF8) are not supported, \
         give an address with ASCII letters before the @"
    )]
    LocalNotAscii,
    /// A quoted local part.
    #[error(
        "the part before the @ is quoted: quoted mailboxes are not supported, give an address without quotes"
    )]
    LocalQuoted,
    /// A dot at an end of the local part, or two in a row.
    #[error("the part before the @ has a dot at its start or end, or two in a row: remove it")]
    LocalDots,
    /// A character that no unquoted local part may have: a space, a comma, a bracket, a comment, …
    #[error(
        "the part before the @ has a character that is not allowed, such as a space, comma or bracket: remove it"
    )]
    LocalCharacter,
    /// Nothing after the `@`.
    #[error("the address has nothing after the @: give one of the form name@example.org")]
    DomainEmpty,
    /// A network address in place of a domain: `[192.0.2.1]` or `192.0.2.1`.
    #[error("the part after the @ is a network address: give a domain, such as example.org")]
    DomainNumeric,
    /// Not a domain name: a character, hyphen, dot, length or A-label that IDNA (UTS #46) does not map.
    #[error("the part after the @ is not a valid domain name: check its spelling, such as in example.org")]
    DomainInvalid,
}

impl AddressError {
    /// Every reason there is, for lists that must be complete: tests, translations, documents.
    pub const ALL: [Self; 14] = [
        Self::Empty,
        Self::TooLong,
        Self::ControlCharacter,
        Self::AtMissing,
        Self::AtRepeated,
        Self::LocalEmpty,
        Self::LocalTooLong,
        Self::LocalNotAscii,
        Self::LocalQuoted,
        Self::LocalDots,
        Self::LocalCharacter,
        Self::DomainEmpty,
        Self::DomainNumeric,
        Self::DomainInvalid,
    ];

    /// The name callers may rely on: it never changes its meaning.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "address_empty",
            Self::TooLong => "address_too_long",
            Self::ControlCharacter => "address_control_character",
            Self::AtMissing => "address_at_missing",
            Self::AtRepeated => "address_at_repeated",
            Self::LocalEmpty => "address_local_empty",
            Self::LocalTooLong => "address_local_too_long",
            Self::LocalNotAscii => "address_local_not_ascii",
            Self::LocalQuoted => "address_local_quoted",
            Self::LocalDots => "address_local_dots",
            Self::LocalCharacter => "address_local_character",
            Self::DomainEmpty => "address_domain_empty",
            Self::DomainNumeric => "address_domain_numeric",
            Self::DomainInvalid => "address_domain_invalid",
        }
    }
}
