//! New passkeys and security keys: the question to an authenticator, and what is kept of a good answer. Who may add one is
//! not decided here.

use countersign_domain::{
    app::App,
    assurance::Methods,
    ceremony::{self, Ceremony, CeremonyKind},
    credential::{Credential, CredentialKind},
    id::{CredentialId, UserId},
    realm::RealmName,
    time::Timestamp,
    user::{IdentifierKind, User},
};
use serde_json::{Value, json};

use super::{
    authenticate::is_key,
    fault::Fault,
    party::party,
    response::{Base64Url, RegistrationResponse},
    stored::{Descriptor, NewQuestion, Question, StoredKey},
    verify,
};
use crate::{
    accounts::{open_identifier, open_profile},
    credentials::seal_label,
    error::ApiError,
    state::Server,
};

/// What is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A passkey: kept by the authenticator, used with a PIN or fingerprint.
    Passkey,
    /// A passkey that the browser makes unasked after a sign-in by other means, if its person agreed to that before.
    Upgrade,
    /// A security key beside something else; an old U2F key is good too.
    SecurityKey,
}

impl Wanted {
    /// What is said about the authenticator (`AuthenticatorSelectionCriteria`).
    fn selection(self) -> Value {
        let (resident, verification) = match self {
            Self::Passkey => ("required", "required"),
            // Browsers that make one unasked often cannot ask for a fingerprint.
            Self::Upgrade => ("required", "preferred"),
            // A place in the key's memory is not needed, and old keys have none.
            Self::SecurityKey => ("discouraged", "discouraged"),
        };
        json!({
            "residentKey": resident,
            "requireResidentKey": resident == "required",
            "userVerification": verification,
        })
    }
}

/// What a person is called by authenticators and browsers, who show it to nobody else.
#[derive(Clone, Debug)]
pub struct Names {
    /// Tells their accounts from each other: a username or an address.
    pub name: String,
    /// As they see themselves.
    pub display_name: String,
}

/// What a person is called.
///
/// # Errors
/// The store's, or [`ApiError::Internal`] when something sealed does not open.
pub async fn names(server: &Server, user: &User) -> Result<Names, ApiError> {
    let identifiers = server.store.identifiers_of(user.id).await?;
    let of = |kind: IdentifierKind| {
        let all = || identifiers.iter().filter(move |identifier| identifier.kind == kind);
        all().find(|identifier| identifier.primary).or_else(|| all().next())
    };
    let found = of(IdentifierKind::Email).or_else(|| of(IdentifierKind::Username));
    let name = found.map(|identifier| open_identifier(server, identifier)).transpose()?;
    let name = name.unwrap_or_else(|| user.id.to_string());
    let display_name = open_profile(server, user)?.display_name.unwrap_or_else(|| name.clone());
    Ok(Names { name, display_name })
}

/// Who is to make a credential, and within what.
#[derive(Clone, Copy)]
pub struct Making<'a> {
    /// The id of the session or sign-in that asks.
    pub within: &'a [u8; 16],
    /// The app whose pages may answer, beside our own.
    pub app: Option<&'a App>,
    /// Where they live.
    pub realm: &'a RealmName,
    /// Whose it will be: somebody who need not be stored yet.
    pub user: UserId,
    /// What they are called.
    pub names: &'a Names,
    /// What they have: the same authenticator is not asked twice.
    pub credentials: &'a [Credential],
}

/// Asks for a new credential: the row to write, and what a page gives to `parseCreationOptionsFromJSON` as it is.
///
/// # Errors
/// [`ApiError::PasskeysOff`], or [`ApiError::Internal`] when something sealed does not open.
pub fn begin_registration(
    server: &Server,
    making: &Making<'_>,
    wanted: Wanted,
) -> Result<(Ceremony, Value), ApiError> {
    let Making { realm, user, names, .. } = *making;
    let config = server.config.load();
    let question = Question {
        is_verification_required: wanted == Wanted::Passkey,
        is_conditional: wanted == Wanted::Upgrade,
        is_passkey: wanted != Wanted::SecurityKey,
        ..Question::new(party(&config, making.app)?)
    };
    let new =
        NewQuestion { realm, kind: CeremonyKind::Registration, within: *making.within, user: Some(user) };
    let (question, row) = question.ask(server, &new)?;
    let known = making.credentials.iter().filter(|credential| is_key(credential));
    let known = known.filter_map(|one| Descriptor::of(server, one, &question.rp_id).transpose());
    let known = known.collect::<Result<Vec<Descriptor>, ApiError>>()?;
    let algorithm = |number: i32| json!({ "type": "public-key", "alg": number });
    let options = json!({
        "rp": { "id": question.rp_id, "name": config.webauthn.name(&question.rp_id) },
        "user": {
            "id": Base64Url(server.keys.user_handle(user).to_vec()),
            "name": names.name,
            "displayName": names.display_name,
        },
        "challenge": question.challenge(),
        // EdDSA, ES256, RS256.
        "pubKeyCredParams": [algorithm(-8), algorithm(-7), algorithm(-257)],
        "timeout": ceremony::LIFE.millis(),
        "excludeCredentials": known,
        "authenticatorSelection": wanted.selection(),
        "attestation": "none",
        "extensions": { "credProps": true },
    });
    Ok((row, options))
}

/// Checks the answer to a question that still waited, and makes the credential.
///
/// # Errors
/// In the outer result what failed here; in the inner one the [`Fault`].
pub(super) fn finish_registration(
    server: &Server,
    (ceremony, question): (&Ceremony, &Question),
    (answer, label): (&RegistrationResponse, Option<&str>),
    now: Timestamp,
) -> Result<Result<Credential, Fault>, ApiError> {
    let (realm, user) = (&ceremony.realm, ceremony.user.ok_or(ApiError::Internal)?);
    let made = match verify::registration(&question.expected(), answer) {
        Ok(made) => made,
        Err(fault) => return Ok(Err(fault)),
    };
    let id = CredentialId::new(now, &mut *server.random());
    let lookup = server.keys.credential(realm, &made.id);
    let counter = made.counter.into();
    let key = StoredKey::new(made, question, &answer.response.transports);
    // One that has not shown that it knows its person is no second factor by itself.
    let is_passkey = key.is_passkey && key.is_verified;
    let credential = Credential {
        id,
        realm: realm.clone(),
        user,
        kind: if is_passkey { CredentialKind::Passkey } else { CredentialKind::SecurityKey },
        lookup: Some(lookup),
        vouched_by: Methods::NONE,
        sealed: Vec::new(),
        sealed_label: label.map(|label| seal_label(server, (realm, &id), label)).transpose()?,
        counter,
        created_at: now,
        used_at: None,
        version: 0,
    };
    let sealed = key.seal(server, &credential)?;
    Ok(Ok(Credential { sealed, ..credential }))
}
