//! Signing keys: made when they are needed, succeeded before their time, replaced when somebody asks for it. Each realm's
//! follow each other by themselves.

use std::{collections::BTreeSet, sync::Arc};

use countersign_domain::{
    algorithm::Algorithm,
    changes::{Change, Changes, Retirement},
    event::{Event, EventKind},
    realm::RealmName,
    secret::Secret,
    signing_key::{Owner, RotationPolicy, StoredKey},
    time::{Span, Timestamp},
};

use super::{Result, catch_up, reload};
use crate::{
    key_ring::place,
    keys::{KeyError, SigningKey},
    state::Server,
    system::CLOCK_SKEW,
};

/// Makes the signing keys that are missing or will be needed soon: in each realm one for each algorithm that its apps use
/// and one for assertions, and one for each app with a shared secret.
///
/// # Errors
/// The store's, or the cryptographic library's.
pub async fn rotate(server: &Arc<Server>) -> Result {
    let policy = policy(server);
    let mut wanted = BTreeSet::from([(Owner::Realm(RealmName::default()), Algorithm::default())]);
    for app in server.registry.load().apps() {
        wanted.extend([app.token.algorithm, Algorithm::EdDsa].map(|used| (Owner::of(app, used), used)));
    }
    for (owner, algorithm) in wanted {
        let ring = server.key_ring.load_full();
        let newest = ring.newest(&owner, algorithm);
        // A shared secret is in the app's own configuration: only its operator can change it, also when it does not
        // read just now.
        let is_operators = owner.app().is_some() && (newest.is_some() || !ring.corrupt().is_empty());
        let due = if is_operators { None } else { policy.successor_due(newest, server.now()) };
        if let Some(active_at) = due {
            let generation = ring.next_generation(&owner, algorithm);
            add_key(server, (owner, algorithm), generation, active_at).await?;
        }
    }
    Ok(())
}

fn policy(server: &Server) -> RotationPolicy {
    let default = RotationPolicy::default();
    match server.config.load().keys.rotate_after_days {
        Some(days) => {
            RotationPolicy { rotate_after: Span::from_hours(24 * i64::from(days.clamp(1, 365))), ..default }
        }
        None => default,
    }
}

/// A private key, for the one answer that shows it.
pub type Private = Secret<Vec<u8>>;

/// Makes a key that signs from `active_at`. When another node made one first, that one is taken.
///
/// # Errors
/// The store's, or the cryptographic library's.
pub async fn add_key(
    server: &Arc<Server>,
    scope: (Owner, Algorithm),
    generation: i64,
    active_at: Timestamp,
) -> Result<Option<Private>> {
    let (stored, private) = make_key(server, scope, generation, active_at).await?;
    let told = key_created(&stored);
    let kept = keep(server, Changes(vec![Change::SigningKey(stored), told.into()])).await?;
    Ok(kept.then_some(private))
}

/// Makes a key that signs from now on, and retires those before it: their signatures are accepted for `accept` more,
/// or no longer at all. `None` when another node made one first.
///
/// # Errors
/// The store's, or the cryptographic library's.
pub async fn replace_key(
    server: &Arc<Server>,
    (owner, algorithm): (Owner, Algorithm),
    accept: Span,
) -> Result<Option<Private>> {
    let ring = server.key_ring.load_full();
    let generation = ring.next_generation(&owner, algorithm);
    // At once is at once everywhere: also where the clock is behind ours.
    let from = if accept == Span::ZERO { server.now() - CLOCK_SKEW } else { server.now() };
    let (stored, private) = make_key(server, (owner.clone(), algorithm), generation, from).await?;
    let former = ring.family(&owner, algorithm).filter(|key| key.gone_at > from);
    // Both or neither: a successor must not stand beside a key that was to be refused.
    let ends = former.flat_map(|key| {
        let gone_at = key.gone_at.min(from + accept);
        let retires_at = key.retires_at.min(from);
        let told = told_of(EventKind::SigningKeyRetired, key);
        [Change::SigningKeyRetired(Retirement { id: key.id.clone(), retires_at, gone_at }), told.into()]
    });
    let told = key_created(&stored);
    let changes = Changes([Change::SigningKey(stored), told.into()].into_iter().chain(ends).collect());
    let kept = keep(server, changes).await?;
    Ok(kept.then_some(private))
}

fn key_created(key: &StoredKey) -> Event {
    told_of(EventKind::SigningKeyCreated, key).by_method(key.algorithm.name())
}

fn told_of(kind: EventKind, key: &StoredKey) -> Event {
    let event = Event::new(kind).on(&key.id);
    match &key.owner {
        Owner::Server => event,
        Owner::Realm(realm) => event.within(realm),
        Owner::App(app) => event.at(app),
    }
}

/// A key that signs from `active_at`, not kept yet, and its private part.
///
/// # Errors
/// The cryptographic library's.
pub async fn make_key(
    server: &Server,
    (owner, algorithm): (Owner, Algorithm),
    generation: i64,
    active_at: Timestamp,
) -> Result<(StoredKey, Private)> {
    let generate = move || SigningKey::generate(algorithm);
    let key = tokio::task::spawn_blocking(generate).await.map_err(|_| KeyError::Failed)??;
    let private = key.to_private()?;
    let id = key.kid().to_owned();
    let public = key.public_jwk(&id).map(|jwk| serde_json::to_vec(&jwk)).transpose()?.unwrap_or_default();
    let life = policy(server).life(active_at);
    let forever = Timestamp::from_millis(i64::MAX / 2);
    // A shared secret signs until its app's operator asks for another.
    let (retires_at, gone_at) =
        if owner.app().is_some() { (forever, forever) } else { (life.retires_at, life.gone_at) };
    let (mut random, place) = (server.random(), place(&id));
    let sealed = match &owner {
        Owner::Realm(realm) => server.keys.realm(realm).seal(&mut *random, &place, private.expose()),
        Owner::Server | Owner::App(_) => server.keys.seal(&mut *random, &place, private.expose()),
    }?;
    let stored = StoredKey {
        sealed,
        id,
        owner,
        algorithm,
        generation,
        public,
        created_at: server.now(),
        active_at,
        retires_at,
        gone_at,
    };
    Ok((stored, private))
}

/// Writes changes of signing keys and takes over what is kept now. False when another node wrote first.
async fn keep(server: &Arc<Server>, changes: Changes) -> Result<bool> {
    match server.commit(changes).await {
        Ok(()) => catch_up(server).await.map(|()| true),
        Err(countersign_store::Error::Conflict) => reload(server).await.map(|()| false),
        Err(error) => Err(error.into()),
    }
}
