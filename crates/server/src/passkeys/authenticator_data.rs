//! What an authenticator says and signs (Web Authentication Level 3, 6.1): for whom, who was there, how often it signed,
//! and at a registration the new key. It checks the form, and no rule.

use super::{cbor, fault::Fault};
use crate::keys::AuthenticatorKey;

/// Longest credential id in bytes (Web Authentication Level 3, 7.1).
pub const LONGEST_ID: usize = 1023;

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;

/// Authenticator data, in their parts.
#[derive(Debug)]
pub struct AuthenticatorData<'a> {
    /// SHA-256 of the RP ID that the authenticator was asked for.
    pub rp_id_hash: &'a [u8; 32],
    flags: u8,
    /// How often it signed; 0 where it does not count.
    pub counter: u32,
    /// The new credential, at a registration.
    pub attested: Option<Attested<'a>>,
}

/// A new credential.
#[derive(Debug)]
pub struct Attested<'a> {
    /// The model of its authenticator, as that says itself.
    pub model: [u8; 16],
    /// What it is called by its authenticator.
    pub id: &'a [u8],
    /// Its public key, as a `COSE_Key`.
    pub cose: &'a [u8],
}

impl AuthenticatorData<'_> {
    /// Somebody touched the authenticator.
    #[must_use]
    pub const fn is_present(&self) -> bool {
        self.flags & USER_PRESENT != 0
    }

    /// The authenticator knew the person.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        self.flags & USER_VERIFIED != 0
    }

    /// The credential may be copied to other devices.
    #[must_use]
    pub const fn is_backup_eligible(&self) -> bool {
        self.flags & BACKUP_ELIGIBLE != 0
    }

    /// The credential is copied to other devices.
    #[must_use]
    pub const fn is_backed_up(&self) -> bool {
        self.flags & BACKED_UP != 0
    }
}

/// Takes authenticator data apart.
///
/// # Errors
/// [`Fault::AuthenticatorData`] when they are cut off or longer than they say; [`Fault::BackupState`] when they say that
/// a credential is copied that cannot be.
pub fn parse(bytes: &[u8]) -> Result<AuthenticatorData<'_>, Fault> {
    let malformed = Fault::AuthenticatorData;
    let (rp_id_hash, rest) = bytes.split_first_chunk::<32>().ok_or(malformed)?;
    let ([flags], rest) = rest.split_first_chunk::<1>().ok_or(malformed)?;
    let (counter, rest) = rest.split_first_chunk::<4>().ok_or(malformed)?;
    let (attested, rest) = if flags & ATTESTED == 0 {
        (None, rest)
    } else {
        let (attested, rest) = attested(rest)?;
        (Some(attested), rest)
    };
    let rest = if flags & EXTENSIONS == 0 { rest } else { extensions(rest)? };
    if !rest.is_empty() {
        return Err(malformed);
    }
    let counter = u32::from_be_bytes(*counter);
    let parsed = AuthenticatorData { rp_id_hash, flags: *flags, counter, attested };
    if parsed.is_backed_up() && !parsed.is_backup_eligible() {
        return Err(Fault::BackupState);
    }
    Ok(parsed)
}

fn attested(bytes: &[u8]) -> Result<(Attested<'_>, &[u8]), Fault> {
    let malformed = Fault::AuthenticatorData;
    let (model, rest) = bytes.split_first_chunk::<16>().ok_or(malformed)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or(malformed)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if !(1..=LONGEST_ID).contains(&length) {
        return Err(malformed);
    }
    let (id, rest) = rest.split_at_checked(length).ok_or(malformed)?;
    let (_, after) = cbor::first(rest).map_err(|_| malformed)?;
    let (cose, after) = rest.split_at(rest.len() - after.len());
    Ok((Attested { model: *model, id, cose }, after))
}

/// Skips what extensions answer: nothing is asked of any.
fn extensions(bytes: &[u8]) -> Result<&[u8], Fault> {
    match cbor::first(bytes) {
        Ok((cbor::Value::Map(_), rest)) => Ok(rest),
        _ => Err(Fault::AuthenticatorData),
    }
}

/// Reads a public key (RFC 9053): exactly the members that its kind has, and none besides (Web Authentication Level 3,
/// 6.5.1).
///
/// # Errors
/// [`Fault::Key`] when it is of no kind that is asked for, or no good key.
pub fn public_key(cose: &[u8]) -> Result<AuthenticatorKey, Fault> {
    let key = cbor::whole(cose).map_err(|_| Fault::Key)?;
    let number = |label| match key.numbered(label) {
        Some(cbor::Value::Integer(number)) => Some(*number),
        _ => None,
    };
    let bytes = |label| key.numbered(label).and_then(cbor::Value::bytes).ok_or(Fault::Key);
    let members = key.map().map_or(0, <[_]>::len);
    let read = match (number(1), number(3), number(-1), members) {
        // EC2, ES256, P-256: both coordinates in full.
        (Some(2), Some(-7), Some(1), 5) => AuthenticatorKey::es256(bytes(-2)?, bytes(-3)?),
        // OKP, EdDSA, Ed25519.
        (Some(1), Some(-8), Some(6), 4) => AuthenticatorKey::ed25519(bytes(-2)?),
        // RSA, RS256.
        (Some(3), Some(-257), None, 4) => AuthenticatorKey::rs256(bytes(-1)?, bytes(-2)?),
        _ => return Err(Fault::Key),
    };
    read.map_err(|_| Fault::Key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn data(flags: u8, rest: &[u8]) -> Vec<u8> {
        [&[7; 32][..], &[flags], &[0, 0, 1, 2], rest].concat()
    }

    #[test]
    fn p17_flags_are_read_as_they_stand() {
        for (flags, present, verified, eligible, backed_up) in [
            (0x00, false, false, false, false),
            (0x01, true, false, false, false),
            (0x04, false, true, false, false),
            (0x09, true, false, true, false),
            (0x1d, true, true, true, true),
        ] {
            let bytes = data(flags, &[]);
            let parsed = parse(&bytes).expect("authenticator data");
            assert_eq!(
                (
                    parsed.is_present(),
                    parsed.is_verified(),
                    parsed.is_backup_eligible(),
                    parsed.is_backed_up()
                ),
                (present, verified, eligible, backed_up),
                "{flags:x}"
            );
            assert_eq!((parsed.counter, parsed.rp_id_hash), (0x102, &[7; 32]));
        }
    }

    #[test]
    fn p18_a_copy_of_what_cannot_be_copied_is_refused() {
        assert_eq!(parse(&data(0x11, &[])).map(|_| ()), Err(Fault::BackupState));
        assert_eq!(parse(&data(0x15, &[])).map(|_| ()), Err(Fault::BackupState));
    }

    #[test]
    fn p15_authenticator_data_have_no_byte_too_many_or_too_few() {
        let key = [0xa1, 1, 2];
        let attested = [&[9; 16][..], &[0, 2, 5, 6], &key].concat();
        for (flags, rest, is_good) in [
            (0x01, &[][..], true),
            (0x01, &[0][..], false),
            (0x81, &[0xa0][..], true),
            (0x81, &[][..], false),
            (0x81, &[0x80][..], false),
            (0x81, &[0xa0, 0][..], false),
            (0x01, &[0xa0][..], false),
            (0x41, &attested[..], true),
            (0x01, &attested[..], false),
            (0x41, &attested[..attested.len() - 1], false),
            (0x41, &attested[..17], false),
            (0x41, &[&[9; 16][..], &[0, 0], &key].concat(), false),
            (0x41, &[&[9; 16][..], &[4, 0], &[1; 1024], &key].concat(), false),
            (0x41, &[&[9; 16][..], &[3, 255], &[1; 1023], &key].concat(), true),
            (0xc1, &[&attested[..], &[0xa0]].concat(), true),
            (0xc1, &attested[..], false),
        ] {
            assert_eq!(parse(&data(flags, rest)).is_ok(), is_good, "{flags:x} {rest:x?}");
        }
        for length in 0..37 {
            assert_eq!(parse(&data(1, &[])[..length]).map(|_| ()), Err(Fault::AuthenticatorData));
        }
    }

    proptest! {
        #[test]
        fn p15_no_bytes_stop_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300), flags: u8) {
            let _ = parse(&bytes);
            let _ = parse(&data(flags, &bytes));
            let _ = public_key(&bytes);
        }
    }
}
