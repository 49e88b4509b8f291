//! The cookie of an operator's visit of the administration pages: by which admin key it began and since when, under a MAC
//! of this server's. It holds no key and opens nothing that the key does not.

use countersign_domain::{
    id::AdminKeyId,
    random::Random,
    secret::Digest,
    time::{Span, Timestamp},
};
use data_encoding::BASE64URL_NOPAD;
use http::{HeaderMap, HeaderValue};

use super::value;
use crate::{
    config::{CookieKind, CookieSettings},
    vault::Keys,
};

/// How long a visit may go unused.
pub const IDLE: Span = Span::from_minutes(15);
/// How long a visit lasts at most.
pub const LONGEST: Span = Span::from_hours(8);
/// How old the cookie gets before another takes its place.
const RENEWED: Span = Span::from_minutes(1);
/// Key, visit, beginning, last use.
const SAYS: usize = 16 + 16 + 8 + 8;

/// A visit that began with an admin key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorCookie {
    /// The key.
    pub key: AdminKeyId,
    /// Names the visit.
    pub visit: [u8; 16],
    /// When it began.
    pub begun_at: Timestamp,
    /// When it was used last, to a minute.
    pub used_at: Timestamp,
}

impl OperatorCookie {
    /// A visit that begins now.
    pub fn begin(key: AdminKeyId, now: Timestamp, random: &mut dyn Random) -> Self {
        let mut visit = [0; 16];
        random.fill(&mut visit);
        Self { key, visit, begun_at: now, used_at: now }
    }

    /// The cookie that came with a request. One that was cut, joined or not made here counts as none.
    #[must_use]
    pub fn of(headers: &HeaderMap, settings: &CookieSettings, keys: &Keys) -> Option<Self> {
        Self::parse(&value(headers, &settings.name(CookieKind::Operator))?, keys)
    }

    /// Reads the value of the cookie.
    #[must_use]
    pub fn parse(value: &str, keys: &Keys) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(value.as_bytes()).ok()?;
        let (says, mac) = bytes.split_at_checked(SAYS)?;
        let mac: [u8; 32] = mac.try_into().ok()?;
        // Compared in constant time, and before anything is read.
        if Digest::new(mac) != keys.operator_cookie(says) {
            return None;
        }
        let time = |bytes: &[u8]| bytes.try_into().ok().map(i64::from_be_bytes).map(Timestamp::from_millis);
        let (key, rest) = says.split_at(16);
        let (visit, times) = rest.split_at(16);
        Some(Self {
            key: AdminKeyId::from_bytes(key.try_into().ok()?),
            visit: visit.try_into().ok()?,
            begun_at: time(&times[..8])?,
            used_at: time(&times[8..])?,
        })
    }

    /// When the visit is over in any case.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        self.begun_at + LONGEST
    }

    /// Whether it is neither idle for too long nor too old.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.used_at + IDLE && now < self.ends_at()
    }

    /// The same visit, used now, where that is worth another cookie.
    #[must_use]
    pub fn renewed(&self, now: Timestamp) -> Option<Self> {
        (now.since(self.used_at) >= RENEWED).then(|| Self { used_at: now, ..self.clone() })
    }

    /// `Set-Cookie`.
    #[must_use]
    pub fn set(&self, settings: &CookieSettings, keys: &Keys) -> Option<HeaderValue> {
        let mut bytes = Vec::with_capacity(SAYS + 32);
        bytes.extend(self.key.bytes());
        bytes.extend(self.visit);
        bytes.extend(self.begun_at.millis().to_be_bytes());
        bytes.extend(self.used_at.millis().to_be_bytes());
        let mac = keys.operator_cookie(&bytes);
        bytes.extend(mac.bytes());
        let life = IDLE.min(self.ends_at().since(self.used_at));
        settings.set(CookieKind::Operator, &BASE64URL_NOPAD.encode(&bytes), life)
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::testing::Seeded;

    use super::*;
    use crate::keys::RootKey;

    #[test]
    fn p38_a_visit_counts_only_as_it_was_made_and_ends() {
        let keys = Keys::new(&RootKey::generate(&mut Seeded::new(1)));
        let others = Keys::new(&RootKey::generate(&mut Seeded::new(2)));
        let settings = CookieSettings::default();
        let start = Timestamp::from_millis(1_800_000_000_000);
        let made = OperatorCookie::begin(AdminKeyId::from_bytes([7; 16]), start, &mut Seeded::new(3));
        let header = made.set(&settings, &keys).unwrap();
        let header = header.to_str().unwrap();
        let (name, rest) = header.split_once('=').unwrap();
        let (value, attributes) = rest.split_once("; ").unwrap();
        assert_eq!(name, "__Host-countersign-operator");
        assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=900");
        assert_eq!(OperatorCookie::parse(value, &keys), Some(made.clone()));
        assert_eq!(OperatorCookie::parse(value, &others), None);
        let bytes = BASE64URL_NOPAD.decode(value.as_bytes()).unwrap();
        for place in 0..bytes.len() {
            let mut other = bytes.clone();
            other[place] ^= 1;
            assert_eq!(OperatorCookie::parse(&BASE64URL_NOPAD.encode(&other), &keys), None, "byte {place}");
            let cut = BASE64URL_NOPAD.encode(&bytes[..place]);
            assert_eq!(OperatorCookie::parse(&cut, &keys), None, "{place} bytes");
        }
        assert!(made.is_live(start + IDLE - Span::from_millis(1)) && !made.is_live(start + IDLE));
        assert_eq!(made.renewed(start + Span::from_seconds(59)), None);
        let mut used = made;
        let mut now = start;
        while now < start + LONGEST {
            assert!(used.is_live(now));
            used = used.renewed(now).unwrap_or(used);
            now = now + Span::from_minutes(10);
        }
        assert!(!used.is_live(start + LONGEST), "however often it was used");
    }
}
