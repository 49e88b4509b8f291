//! E-mail addresses: the policy of `docs/decisions/0001-addresses.md` over published cases, tables of this project's
//! own, and properties over hostile input.

mod international;
mod isemail;
mod local;
mod properties;

use countersign_domain::identifier::{AddressError, EmailAddress};

/// Parses `input` and compares the canonical form, or the code of the error, with `expected`.
#[track_caller]
fn check(input: &str, expected: Result<&str, AddressError>) {
    let parsed = EmailAddress::parse(input);
    let canonical = parsed.as_ref().map(EmailAddress::canonical).map_err(|error| *error);
    assert_eq!(canonical, expected, "{input:?}");
}
