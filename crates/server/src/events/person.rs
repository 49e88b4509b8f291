//! How people are called in the log: a user by a name that only their own key gives, which goes when they are erased;
//! anybody else by a pseudonym of the day.

use countersign_domain::{
    event::{EventKey, EventPerson},
    id::{EventId, UserId},
    random::Random,
    secret::{Digest, Secret},
    time::{Span, Timestamp},
};
use zeroize::Zeroizing;

use crate::{
    error::ApiError,
    keys::{Context, DigestKey, SealError, SealingKey},
    state::Server,
    vault::Keys,
};

/// What a user's key gives.
pub struct PersonKey {
    /// What the user is called.
    pub name: EventPerson,
    sealer: SealingKey,
}

impl PersonKey {
    fn new(bytes: &[u8; 32]) -> Self {
        let key = DigestKey::new(bytes);
        let sealing = Secret::new(*key.digest(&[b"seal"]).bytes());
        let name = EventPerson { name: short(&key.digest(&[b"name"])), is_user: true };
        Self { name, sealer: SealingKey::new(1, sealing) }
    }

    /// A new key, and its row.
    ///
    /// # Errors
    /// When memory fails.
    pub fn draw(
        keys: &Keys,
        user: UserId,
        random: &mut (dyn Random + Send),
    ) -> Result<(Self, EventKey), SealError> {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(bytes.as_mut_slice());
        let sealed = keys.seal(random, &key_place(&user), bytes.as_slice())?;
        Ok((Self::new(&bytes), EventKey { user, sealed }))
    }

    /// The key of a row.
    ///
    /// # Errors
    /// When it was not sealed there.
    pub fn open(keys: &Keys, row: &EventKey) -> Result<Self, SealError> {
        let opened = keys.open(&key_place(&row.user), &row.sealed)?;
        let bytes = opened.expose().as_slice().try_into().map_err(|_| SealError::Malformed)?;
        Ok(Self::new(bytes))
    }

    /// Seals what an event tells the person.
    ///
    /// # Errors
    /// When memory fails.
    pub fn seal(
        &self,
        random: &mut (dyn Random + Send),
        event: EventId,
        details: &[(&'static str, String)],
    ) -> Result<Option<Vec<u8>>, SealError> {
        if details.is_empty() {
            return Ok(None);
        }
        let members = details.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into()));
        let json = serde_json::Value::Object(members.collect()).to_string();
        self.sealer.seal(random, &details_place(&event), json.as_bytes()).map(Some)
    }

    /// Opens what an event tells the person; nothing where it does not open.
    #[must_use]
    pub fn details(&self, event: EventId, sealed: &[u8]) -> Option<serde_json::Value> {
        let opened = self.sealer.open(&details_place(&event), sealed).ok()?;
        serde_json::from_slice(opened.expose()).ok()
    }
}

/// What somebody without an account is called today.
#[must_use]
pub fn of_the_day(keys: &Keys, contact: &Digest, now: Timestamp) -> EventPerson {
    let day = now.seconds().div_euclid(Span::DAY.seconds());
    let name = keys.event_pseudonym(&[&day.to_be_bytes(), contact.bytes()]);
    EventPerson { name: short(&name), is_user: false }
}

/// The key of a user, where anything was ever told about them.
///
/// # Errors
/// The store's, or [`ApiError::Internal`] when it does not open.
pub async fn key_of(server: &Server, user: UserId) -> Result<Option<PersonKey>, ApiError> {
    let row = server.store.event_key(user).await?;
    row.map(|row| PersonKey::open(&server.keys, &row)).transpose().map_err(|_| ApiError::Internal)
}

fn short(digest: &Digest) -> [u8; 16] {
    let mut name = [0; 16];
    name.copy_from_slice(&digest.bytes()[..16]);
    name
}

fn key_place(user: &UserId) -> Context<'_> {
    Context { table: "event_key", column: "sealed", id: user.bytes() }
}

fn details_place(event: &EventId) -> Context<'_> {
    Context { table: "event", column: "sealed", id: event.bytes() }
}
