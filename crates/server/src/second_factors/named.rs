//! A TOTP beside a name as the first proof of somebody: whoever is there or not, has an authenticator app or not, may come
//! or not, is looked at with the same reads, the same work and the same write. It knows no routes.

use countersign_domain::{
    assurance::Method,
    changes::{Change, Decision},
    contact::ContactKey,
    credential::{Credential, CredentialKind},
    event::EventKind,
    id::UserId,
    refusal::Refusal,
    second_factor::{self, Verdict},
    secret::Digest,
    totp::{self, Digits, Match, TotpAlgorithm, TotpCode, Window},
    user::{User, UserStatus},
};

use super::{Proven, TotpSecret, window};
use crate::{
    accounts::authentication,
    call::Call,
    credentials::{self, event},
    error::ApiError,
};

/// Somebody who is said to show a code, and the user who has the name, if there is one.
#[derive(Clone, Copy)]
pub struct Named<'a> {
    /// The name that was given, digested.
    pub name: &'a Digest,
    /// Whose it is.
    pub user: Option<&'a User>,
}

/// What looking at a person's codes gave.
struct Seen {
    verdict: Verdict,
    charge: u32,
    /// As it is to be written where the code is right.
    found: Option<Credential>,
}

impl Named<'_> {
    /// The counters of attempts: those of a browser that is known to be the person's, which are those of its sign-ins as
    /// well; those of anybody who knows the name, apart from those of sign-ins, for which a first factor is shown before;
    /// or those of a name that nobody has.
    #[must_use]
    pub fn counters(&self, call: &Call) -> ContactKey {
        let (keys, realm) = (&call.server.keys, &call.app.realm);
        let digest = match self.user {
            Some(user) => {
                let known = call.known_browser.as_ref();
                let known = known.and_then(|browser| browser.proven_as(keys, user.id));
                match &known {
                    Some(known) => keys.second_factor_attempts(realm, user.id, (Method::Totp, Some(known))),
                    None => keys.attempts_beside_a_name(realm, user.id),
                }
            }
            None => keys.second_factor_attempts_of_nobody(realm, self.name, Method::Totp),
        };
        ContactKey { app: None, digest }
    }
}

/// Decides whether `typed` is a code of one of the person's TOTPs that was not used before. To be written are the
/// counters, whatever is found; and where it is right, the credential with its newest step.
///
/// # Errors
/// The store's, or [`ApiError::Internal`] when something sealed does not open.
pub async fn prove_named(call: &Call, named: &Named<'_>, typed: &str) -> Result<Proven, ApiError> {
    let (server, now) = (&call.server, call.server.now());
    let id = named.user.map_or_else(|| UserId::new(now, &mut *server.random()), |user| user.id);
    let credentials = server.store.credentials_of(id).await?;
    let contact = server.store.contact(named.counters(call)).await?;
    let seen = look(call, named.user, credentials, typed)?;
    let mut decision = second_factor::attempt(contact.clone(), (seen.verdict, seen.charge), now);
    if let Some(credential) = seen.found.filter(|_| decision.outcome.is_ok()) {
        let passed = event(EventKind::CredentialPassed, Some(&call.app), &credential);
        decision.changes.push(Change::Credential(credential));
        decision.changes.push(passed.into());
        return Ok(decision);
    }
    // What is left of a budget shows in nothing: it is written in any case, and told by a pseudonym, since a user's
    // events cost more.
    if decision.changes.is_empty() {
        decision.changes.push(Change::Contact(contact.clone()));
    }
    let failed = authentication(EventKind::CredentialFailed, &call.app, Method::Totp);
    decision.changes.push(failed.of_contact(contact.key.digest).failed().into());
    let outcome = decision.outcome.and(Err(Refusal::InvalidCode { tries_left: 0 }));
    Ok(Decision { outcome, changes: decision.changes })
}

/// Looks at all codes of somebody, or at those of nobody in particular.
fn look(
    call: &Call,
    user: Option<&User>,
    credentials: Vec<Credential>,
    typed: &str,
) -> Result<Seen, ApiError> {
    let (server, now) = (&call.server, call.server.now());
    let (typed, window) = (TotpCode::parse(typed).ok(), window(server));
    let may_come = user.is_some_and(|user| user.status == UserStatus::Active);
    let (mut found, mut lengths) = (None, Vec::new());
    for credential in credentials.into_iter().filter(|one| one.kind == CredentialKind::Totp) {
        let secret = TotpSecret::of(server, &credential)?;
        lengths.push(secret.digits);
        let Some(typed) = &typed else { continue };
        // One that was used is as wrong as any other: that it was right is told to nobody.
        if let Match::Step(step) = secret.find(typed, (credential.counter, window), now) {
            found = Some(Credential { counter: step, used_at: Some(now), ..credential });
        }
    }
    if lengths.is_empty() {
        let secret = decoy(call)?;
        lengths.push(secret.digits);
        if let Some(typed) = &typed {
            let _ = secret.find(typed, (0, window), now);
        }
    }
    let found = found.filter(|_| may_come);
    let verdict = if found.is_some() { Verdict::Right } else { Verdict::Wrong };
    Ok(Seen { verdict, charge: charge(lengths, window), found })
}

/// What one wrong code costs: no less than at somebody with one app of six digits, so that nobody's budget is longer than
/// a stranger's.
fn charge(lengths: Vec<Digits>, window: Window) -> u32 {
    totp::charge(lengths, window).max(totp::charge([Digits::Six], window))
}

/// The work that opening a secret is, for who has none: it is sealed in place of being opened, and read.
fn decoy(call: &Call) -> Result<TotpSecret, ApiError> {
    let (server, realm) = (&call.server, &call.app.realm);
    let totp = TotpSecret::draw(TotpAlgorithm::Sha1, Digits::Six, &mut *server.random());
    let bytes = totp.to_bytes()?;
    let id = countersign_domain::id::CredentialId::new(server.now(), &mut *server.random());
    credentials::seal(server, (realm, &id), &bytes)?;
    TotpSecret::from_bytes(&bytes)
}
