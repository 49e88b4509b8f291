//! Names of records: a prefix that says what it is, and a UUIDv7 (RFC 9562) made from the given time and randomness.

use crate::{random::Random, time::Timestamp};

/// An id that does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {prefix} followed by 26 characters")]
pub struct IdError {
    /// What the id should have begun with.
    pub prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// What the text form begins with.
            pub const PREFIX: &'static str = $prefix;

            /// A fresh id, ordered by `now`.
            pub fn new(now: Timestamp, random: &mut dyn Random) -> Self {
                Self(version_7(now, random))
            }

            /// An id from its 16 stored bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes, for storing.
            #[must_use]
            pub const fn bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// When it was made, to the millisecond.
            #[must_use]
            pub fn made_at(&self) -> Timestamp {
                made_at(&self.0)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write(f, $prefix, &self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write(f, $prefix, &self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                read(text, $prefix).map(Self).ok_or(IdError { prefix: $prefix })
            }
        }
    };
}

id!(
    /// Names one challenge.
    ChallengeId,
    "chl_"
);
id!(
    /// Names one API key; no secret.
    ApiKeyId,
    "key_"
);
id!(
    /// Names one credential; no secret.
    CredentialId,
    "crd_"
);
id!(
    /// Names one question to an authenticator; no secret.
    CeremonyId,
    "cer_"
);
id!(
    /// Names one sign-in under way; no secret.
    SignInId,
    "sgn_"
);
id!(
    /// Names one message of the outbox.
    MessageId,
    "msg_"
);
id!(
    /// Names one token: the `jti` of RFC 7519.
    TokenId,
    "tok_"
);
id!(
    /// Names one request, for logs and problem documents.
    RequestId,
    "req_"
);

id!(
    /// Names one user of a realm. No app sees it.
    UserId,
    "usr_"
);
id!(
    /// Names one session; no secret.
    SessionId,
    "ses_"
);
id!(
    /// Names one registered device; no secret. It is a session, by another name.
    DeviceId,
    "dev_"
);
impl From<SessionId> for DeviceId {
    fn from(session: SessionId) -> Self {
        Self(session.0)
    }
}

impl From<DeviceId> for SessionId {
    fn from(device: DeviceId) -> Self {
        Self(device.0)
    }
}

id!(
    /// Names one app password; no secret.
    AppPasswordId,
    "apw_"
);
id!(
    /// Names one admin key; no secret.
    AdminKeyId,
    "adk_"
);
id!(
    /// Names one invitation; no secret.
    InvitationId,
    "inv_"
);
id!(
    /// Names one identifier of a user, for the person who has it; no secret.
    IdentifierId,
    "idn_"
);
impl IdentifierId {
    /// The name of the identifier that is found by a digest. It has no other, so that it needs no index.
    #[must_use]
    pub fn of(digest: &crate::secret::Digest) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.bytes()[..16]);
        Self(bytes)
    }
}

id!(
    /// Names one grant: whoever knows holder, target and the key finds it by them. It tells no time.
    GrantId,
    "grt_"
);
impl GrantId {
    /// The name of the grant that has this digest of its realm, holder and target.
    #[must_use]
    pub fn of(digest: &crate::secret::Digest) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.bytes()[..16]);
        Self(bytes)
    }
}

id!(
    /// Names one event of the log; ordered by time.
    EventId,
    "evt_"
);
id!(
    /// Names one life of a server process, as the log of events knows it.
    NodeId,
    "nod_"
);
id!(
    /// Names one delivery to a webhook.
    DeliveryId,
    "whd_"
);

impl MessageId {
    /// The message of a challenge. There is one at most, so the challenge's id names it too and needs no index.
    #[must_use]
    pub const fn of(challenge: ChallengeId) -> Self {
        Self(challenge.0)
    }
}

fn version_7(now: Timestamp, random: &mut dyn Random) -> [u8; 16] {
    let mut bytes = [0; 16];
    random.fill(&mut bytes[6..]);
    bytes[..6].copy_from_slice(&now.millis().max(0).to_be_bytes()[2..]);
    bytes[6] = bytes[6] & 0x0f | 0x70;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    bytes
}

fn made_at(bytes: &[u8; 16]) -> Timestamp {
    let mut millis = [0; 8];
    millis[2..].copy_from_slice(&bytes[..6]);
    Timestamp::from_millis(i64::from_be_bytes(millis))
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

fn write(f: &mut std::fmt::Formatter<'_>, prefix: &str, bytes: &[u8; 16]) -> std::fmt::Result {
    let number = u128::from_be_bytes(*bytes);
    let mut text = [0_u8; 26];
    for (place, letter) in text.iter_mut().enumerate() {
        // 26 letters hold 130 bits; the two spare bits stand at the end and are zero.
        let shift = 123 - 5 * i32::try_from(place).unwrap_or(0);
        let five = if shift >= 0 { number >> shift } else { number << -shift };
        *letter = ALPHABET[(five & 31) as usize];
    }
    f.write_str(prefix)?;
    f.write_str(std::str::from_utf8(&text).unwrap_or_default())
}

fn read(text: &str, prefix: &str) -> Option<[u8; 16]> {
    let letters = text.strip_prefix(prefix)?.as_bytes();
    if letters.len() != 26 {
        return None;
    }
    let mut number = 0_u128;
    for (place, letter) in letters.iter().enumerate() {
        let five = ALPHABET.iter().position(|known| known == letter)? as u128;
        // The last letter holds three bits and two spare ones, which are zero.
        number = if place < 25 {
            number << 5 | five
        } else if five & 3 == 0 {
            number << 3 | five >> 2
        } else {
            return None;
        };
    }
    Some(number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Seeded;

    #[test]
    fn text_and_bytes_agree_and_keep_their_order() {
        let mut random = Seeded::new(1);
        let mut former = ChallengeId::new(Timestamp::from_millis(0), &mut random);
        for millis in 1..200_i64 {
            let now = Timestamp::from_millis(millis * 86_400_000);
            let id = ChallengeId::new(now, &mut random);
            assert_eq!(id.made_at(), now);
            assert_eq!(id.to_string().parse(), Ok(id));
            assert!(id > former && id.to_string() > former.to_string());
            former = id;
        }
    }

    #[test]
    fn what_is_no_id_is_refused() {
        let good = ChallengeId::new(Timestamp::from_millis(1), &mut Seeded::new(1)).to_string();
        let spare_bits = format!("{}v", &good[..good.len() - 1]);
        for bad in [
            "",
            "chl_",
            &good[4..],
            &good.to_uppercase(),
            &format!("{good}0"),
            &spare_bits,
            "key_00000000000000000000000000",
        ] {
            assert!(bad.parse::<ChallengeId>().is_err(), "{bad}");
        }
    }
}
