//! An app's credential: told apart from a typo by a checksum, shown once, kept only as a digest.

use zeroize::Zeroizing;

use crate::{app::AppName, id::ApiKeyId, random::Random, secret::Digest, time::Timestamp};

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApiKeyKind {
    /// `cs_sk_`: the app's server.
    Secret,
    /// `cs_pk_`: a browser at one of the app's origins; starts and finishes challenges, nothing else.
    Publishable,
    /// `cs_vk_`: a reverse proxy; asks whether a request may reach the app's service, nothing else.
    Proxy,
}

impl ApiKeyKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Secret, Self::Publishable, Self::Proxy];

    /// What the key's text begins with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Secret => "cs_sk_",
            Self::Publishable => "cs_pk_",
            Self::Proxy => "cs_vk_",
        }
    }

    /// The name under which it is stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Publishable => "publishable",
            Self::Proxy => "proxy",
        }
    }

    /// The kind that [`name`](Self::name) gives.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A key's text: prefix, 160 random bits in 32 characters, 7 characters of checksum.
#[derive(Clone)]
pub struct ApiKeyText {
    kind: ApiKeyKind,
    text: Zeroizing<String>,
}

/// Text that cannot be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyError {
    /// It does not look like a key at all.
    #[error("an API key begins with cs_sk_, cs_pk_ or cs_vk_ and has 45 characters")]
    Form,
    /// It looks like one, and a character is wrong or missing.
    #[error("the API key has a typing error: its checksum does not fit")]
    Checksum,
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
const SECRET_LENGTH: usize = 32;
const CHECKSUM_LENGTH: usize = 7;

impl ApiKeyText {
    /// Draws a new key.
    pub fn draw(kind: ApiKeyKind, random: &mut dyn Random) -> Self {
        Self { kind, text: draw_text(kind.prefix(), random) }
    }

    /// Reads a key as a caller presents it.
    ///
    /// # Errors
    /// [`ApiKeyError`] tells a typing error from something that is no key. Whether the key is known is not asked here.
    pub fn parse(text: &str) -> Result<Self, ApiKeyError> {
        let kind = ApiKeyKind::ALL
            .into_iter()
            .find(|kind| text.starts_with(kind.prefix()))
            .ok_or(ApiKeyError::Form)?;
        check_text(kind.prefix(), text)?;
        Ok(Self { kind, text: Zeroizing::new(text.to_owned()) })
    }

    /// What the key is for.
    #[must_use]
    pub const fn kind(&self) -> ApiKeyKind {
        self.kind
    }

    /// The text, to be shown once and digested.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl std::fmt::Debug for ApiKeyText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}…", self.kind.prefix())
    }
}

/// The text of a fresh key with this beginning.
pub(crate) fn draw_text(prefix: &str, random: &mut dyn Random) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0_u8; SECRET_LENGTH]);
    random.fill(&mut *bytes);
    let mut text = Zeroizing::new(String::with_capacity(45));
    text.push_str(prefix);
    text.extend(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])));
    let sum = checksum(&text);
    text.push_str(&sum);
    text
}

/// Whether `text` is a key with this beginning, without a typing error.
pub(crate) fn check_text(prefix: &str, text: &str) -> Result<(), ApiKeyError> {
    let body = text.strip_prefix(prefix).ok_or(ApiKeyError::Form)?;
    if body.len() != SECRET_LENGTH + CHECKSUM_LENGTH || !body.is_ascii() {
        return Err(if text.len() < 256 { ApiKeyError::Checksum } else { ApiKeyError::Form });
    }
    let (signed, sum) = text.split_at(prefix.len() + SECRET_LENGTH);
    if checksum(signed) == sum { Ok(()) } else { Err(ApiKeyError::Checksum) }
}

/// CRC-32 in seven characters: against typing errors, not against attackers.
fn checksum(text: &str) -> String {
    let sum = crc32fast::hash(text.as_bytes());
    (0..CHECKSUM_LENGTH)
        .map(|place| char::from(ALPHABET[(sum >> (30 - 5 * place.min(6)) & 31) as usize]))
        .collect()
}

/// An API key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Names it without giving it away.
    pub id: ApiKeyId,
    /// Whose it is.
    pub app: AppName,
    /// What it is for.
    pub kind: ApiKeyKind,
    /// Keyed digest of its text.
    pub digest: Digest,
    /// What the operator calls it.
    pub label: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether the key opens anything at `now`.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Seeded;

    #[test]
    fn every_single_typing_error_is_told_apart() {
        let key = ApiKeyText::draw(ApiKeyKind::Secret, &mut Seeded::new(3));
        assert_eq!(key.expose().len(), 45);
        assert_eq!(ApiKeyText::parse(key.expose()).unwrap().expose(), key.expose());
        for place in 6..45 {
            for &letter in ALPHABET {
                let mut typed = key.expose().as_bytes().to_vec();
                typed[place] = letter;
                let typed = String::from_utf8(typed).unwrap();
                if typed != key.expose() {
                    assert_eq!(ApiKeyText::parse(&typed).err(), Some(ApiKeyError::Checksum), "{place}");
                }
            }
        }
        assert_eq!(ApiKeyText::parse(&key.expose()[..44]).err(), Some(ApiKeyError::Checksum));
        assert_eq!(
            ApiKeyText::parse(&key.expose().replace("cs_sk_", "cs_pk_")).err(),
            Some(ApiKeyError::Checksum)
        );
        for bad in ["", "hunter2", "Bearer", "cs_xk_", "cs_sk"] {
            assert_eq!(ApiKeyText::parse(bad).err(), Some(ApiKeyError::Form), "{bad}");
        }
        assert_eq!(format!("{key:?}"), "cs_sk_…");
    }
}
