//! Signatures of passkeys and security keys: the question that a sign-in asks, and what is written after a good answer.
//! What the signature is worth is not decided here.

use countersign_domain::{
    app::App,
    assurance::Method,
    ceremony::{self, Ceremony, CeremonyKind},
    credential::{Credential, CredentialKind},
    id::{CeremonyId, UserId},
    realm::RealmName,
    secret::Digest,
    time::Timestamp,
};
use serde_json::{Value, json};

use super::{
    fault::Fault,
    party::party,
    response::AuthenticationResponse,
    stored::{Descriptor, NewQuestion, Question, StoredKey},
    verify::{self, Asserted},
};
use crate::{error::ApiError, state::Server};

/// Who is asked for a signature, and within what.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Where they live.
    pub realm: &'a RealmName,
    /// The id of the sign-in or session that asks.
    pub within: &'a [u8; 16],
    /// The app whose pages may answer, beside our own.
    pub app: Option<&'a App>,
    /// Who it is, from a first proof on. Before that a passkey itself has to say, so that nothing tells a person who is
    /// known from one who is not.
    pub user: Option<UserId>,
    /// The credentials of that user; none before a first proof.
    pub credentials: &'a [Credential],
}

/// A good answer.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// The credential as it is to be written now.
    pub credential: Credential,
    /// What was proven: UV = 0 never counts as two factors, nor does one that has not shown that it knows its person.
    pub method: Method,
}

/// Asks for a signature: the row to write, and what a page gives to `parseRequestOptionsFromJSON` as it is. A first proof
/// has to be a passkey's with its PIN or fingerprint; after a first proof any of the person's own is good.
///
/// # Errors
/// [`ApiError::PasskeysOff`], or [`ApiError::Internal`] when something sealed does not open.
pub fn begin_authentication(server: &Server, asking: &Asking<'_>) -> Result<(Ceremony, Value), ApiError> {
    let party = party(&server.config.load(), asking.app)?;
    let is_first = asking.user.is_none();
    let question = Question { is_verification_required: is_first, ..Question::new(party) };
    let new = NewQuestion {
        realm: asking.realm,
        kind: CeremonyKind::Authentication,
        within: *asking.within,
        user: asking.user,
    };
    let (question, row) = question.ask(server, &new)?;
    let theirs = asking.credentials.iter().filter(|one| !is_first && is_key(one));
    let allowed = theirs.filter_map(|one| Descriptor::of(server, one, &question.rp_id).transpose());
    let allowed = allowed.collect::<Result<Vec<Descriptor>, ApiError>>()?;
    Ok((row, options(&question, &allowed)))
}

/// Asks for a signature in a sign-in of which nothing is kept, for a first proof: what a page gives to
/// `parseRequestOptionsFromJSON` as it is.
///
/// # Errors
/// [`ApiError::PasskeysOff`].
pub fn begin_nameless(
    server: &Server,
    (realm, within): (&RealmName, &[u8; 16]),
    app: &App,
) -> Result<Value, ApiError> {
    let id = CeremonyId::new(server.now(), &mut *server.random());
    let question = Question::nameless(server, party(&server.config.load(), Some(app))?, (id, realm, within));
    Ok(options(&question, &[]))
}

/// What a page gives to `parseRequestOptionsFromJSON`.
fn options(question: &Question, allowed: &[Descriptor]) -> Value {
    json!({
        "challenge": question.challenge(),
        "timeout": ceremony::LIFE.millis(),
        "rpId": question.rp_id,
        "allowCredentials": allowed,
        "userVerification": if question.is_verification_required { "required" } else { "preferred" },
    })
}

/// Whether a credential is a passkey or a security key.
#[must_use]
pub fn is_key(credential: &Credential) -> bool {
    matches!(credential.kind, CredentialKind::Passkey | CredentialKind::SecurityKey)
}

/// How the credential that an answer names is found.
pub(super) fn lookup(server: &Server, realm: &RealmName, answer: &AuthenticationResponse) -> Digest {
    server.keys.credential(realm, &answer.raw_id.0)
}

/// Checks the answer to a question that still waited, by the credential that it names.
///
/// # Errors
/// In the outer result what failed here; in the inner one the [`Fault`].
pub(super) fn finish_authentication(
    server: &Server,
    (ceremony, question): (&Ceremony, &Question),
    credential: &Credential,
    answer: &AuthenticationResponse,
    now: Timestamp,
) -> Result<Result<Authenticated, Fault>, ApiError> {
    let is_theirs = ceremony.user.is_none_or(|user| user == credential.user);
    if !is_theirs || !is_key(credential) || credential.realm != ceremony.realm {
        return Ok(Err(Fault::CredentialId));
    }
    let key = StoredKey::open(server, credential)?;
    let handle = server.keys.user_handle(credential.user);
    let known = key.known(credential, &handle);
    let is_user_known = ceremony.user.is_some();
    let asserted = match verify::authentication(&question.expected(), &known, is_user_known, answer) {
        Ok(asserted) => asserted,
        Err(fault) => return Ok(Err(fault)),
    };
    let is_verified = asserted.is_verified && key.is_verified;
    if !is_user_known && !is_verified {
        return Ok(Err(Fault::NotVerified));
    }
    let method = if is_verified { Method::Passkey } else { Method::SecurityKey };
    let mut credential = credential.clone();
    let changed = StoredKey { is_backed_up: asserted.is_backed_up, ..key.clone() };
    let changed = StoredKey { is_verified: becomes_verified(&key, asserted, is_user_known), ..changed };
    if changed != key {
        credential.sealed = changed.seal(server, &credential)?;
    }
    if changed.is_verified && changed.is_passkey {
        credential.kind = CredentialKind::Passkey;
    }
    credential.counter = asserted.counter.into();
    credential.used_at = Some(now);
    Ok(Ok(Authenticated { credential, method }))
}

/// Whether a key counts as one that knows its person. One that a browser made unasked, without PIN or fingerprint, does
/// after it was used with one beside another proof, and not by itself: whoever finds a key could set its PIN
/// (Web Authentication Level 3, 7.2: `uvInitialized`).
const fn becomes_verified(key: &StoredKey, asserted: Asserted, is_user_known: bool) -> bool {
    key.is_verified || key.is_passkey && asserted.is_verified && is_user_known
}
