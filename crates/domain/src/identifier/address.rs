//! E-mail addresses: which are taken, and the one canonical form that is both digested and mailed to.
//!
//! The policy is written in `docs/decisions/0001-addresses.md`. Nothing here knows mail servers: whether a domain
//! takes mail, or is one this server should talk to, is for those who send.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use zeroize::Zeroizing;

use super::AddressError;

/// The longest input that is looked at, in bytes. An international domain may be longer as given than as mailed to.
const INPUT_LIMIT: usize = 1024;
/// The longest address that fits a path of RFC 5321, 4.5.3.1.3 (256 octets with its angle brackets).
const ADDRESS_LIMIT: usize = 254;
/// The longest local part (RFC 5321, 4.5.3.1.1), in octets.
const LOCAL_LIMIT: usize = 64;

/// An e-mail address in canonical form: the local part in ASCII lower case, the domain as lower-case A-labels.
///
/// Nothing else is folded. Mail goes exactly to what was digested, so two addresses are equal only if mail to either
/// goes to the same place. It prints nothing of itself under `Debug` and is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress {
    /// `local@domain`, ASCII, without anything that means something to SMTP or a mail header.
    canonical: Zeroizing<String>,
    /// Where the `@` is.
    at: usize,
}

impl EmailAddress {
    /// Parses an address as a person typed it; spaces (U+0020) around it are dropped, nothing else is.
    ///
    /// # Errors
    ///
    /// An [`AddressError`] for what is not an address, and for addresses that the policy refuses: quoted or
    /// non-ASCII local parts, comments, network addresses in place of a domain.
    pub fn parse(input: &str) -> Result<Self, AddressError> {
        let (local, domain) = split(input)?;
        check_local(local)?;
        let domain = domain_to_ascii(domain)?;

        let at = local.len();
        let length = at + 1 + domain.len();
        if length > ADDRESS_LIMIT {
            return Err(AddressError::TooLong);
        }
        // Made at its full size: growing would leave unwiped copies behind.
        let mut canonical = Zeroizing::new(String::with_capacity(length));
        canonical.push_str(local);
        canonical.make_ascii_lowercase();
        canonical.push('@');
        canonical.push_str(&domain);
        Ok(Self { canonical, at })
    }

    /// The whole address: what is digested, and what mail goes to. ASCII, at most 254 characters.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// What is before the `@`, in ASCII lower case; 1 to 64 characters.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.canonical[..self.at]
    }

    /// What is after the `@`: A-labels in lower case, without a trailing dot.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.canonical[self.at + 1..]
    }

    /// A hint for pages shown to the one who gave the address: `j…@example.org`, whatever the length of the
    /// local part. The domain stays in A-labels, so that a look-alike shows.
    #[must_use]
    pub fn masked(&self) -> String {
        format!("{}…@{}", &self.local()[..1], self.domain())
    }
}

impl std::fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

/// The two sides of the one `@`.
fn split(input: &str) -> Result<(&str, &str), AddressError> {
    if input.len() > INPUT_LIMIT {
        return Err(AddressError::TooLong);
    }
    let address = input.trim_matches(' ');
    if address.is_empty() {
        return Err(AddressError::Empty);
    }
    if address.contains(char::is_control) {
        return Err(AddressError::ControlCharacter);
    }
    let (local, domain) = address.split_once('@').ok_or(AddressError::AtMissing)?;
    if domain.contains('@') {
        return Err(AddressError::AtRepeated);
    }
    Ok((local, domain))
}

/// Takes a dot-atom (RFC 5322, 3.2.3) of ASCII and nothing else.
fn check_local(local: &str) -> Result<(), AddressError> {
    if local.is_empty() {
        return Err(AddressError::LocalEmpty);
    }
    if !local.is_ascii() {
        return Err(AddressError::LocalNotAscii);
    }
    if local.starts_with('"') {
        return Err(AddressError::LocalQuoted);
    }
    if !local.bytes().all(|byte| byte == b'.' || is_atext(byte)) {
        return Err(AddressError::LocalCharacter);
    }
    if local.split('.').any(str::is_empty) {
        return Err(AddressError::LocalDots);
    }
    if local.len() > LOCAL_LIMIT {
        return Err(AddressError::LocalTooLong);
    }
    Ok(())
}

/// `atext` of RFC 5322, 3.2.3.
fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// The domain as lower-case A-labels, by UTS #46: non-transitional, with the STD 3 rules and the lengths of the DNS.
fn domain_to_ascii(domain: &str) -> Result<Zeroizing<String>, AddressError> {
    if domain.is_empty() {
        return Err(AddressError::DomainEmpty);
    }
    if domain.starts_with('[') {
        return Err(AddressError::DomainNumeric);
    }
    // Hyphens third and fourth in a label are left alone: such names exist, and A-labels are checked anyway.
    let ascii = Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .map_err(|_| AddressError::DomainInvalid)?;
    let ascii = Zeroizing::new(ascii.into_owned());
    // Only now, when full-width digits are digits. No top-level domain begins with one, but whatever does may be
    // read as an IPv4 address further on: `1.2.3.4`, `0x7f000001`.
    let top_level = ascii.rsplit('.').next().unwrap_or_default();
    if top_level.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(AddressError::DomainNumeric);
    }
    Ok(ascii)
}
