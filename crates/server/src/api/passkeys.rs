//! `/v1/me/credentials/passkey`: a person adds a passkey or a security key on a page of this server. Bodies are those of
//! Web Authentication Level 3, so that a browser's own functions read and write them.

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use countersign_domain::{
    ceremony::CeremonyKind,
    changes::{Changes, FlowChange},
    credential::{Credential, CredentialKind, MOST_OF_A_KIND},
    refusal::Refusal,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Answer, answer, me::user_of, rfc3339};
use crate::{
    call::Json,
    credentials::{added, check_label, has_room, may_change},
    error::ApiError,
    passkeys::{
        Fault, RegistrationResponse,
        authenticate::is_key,
        ceremony_of,
        register::{Making, Wanted, begin_registration, finish_registration, names},
        response::Base64Url,
        stored::StoredKey,
    },
    state::Server,
    visitor::{Person, Visitor},
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/me/credentials/passkey/options", post(options))
        .route("/v1/me/credentials/passkey", post(add))
        .route("/v1/me/credentials/signal", get(signal))
}

/// What is to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PasskeyOptionsBody {
    /// `passkey` by default; `security_key` for a key beside something else, such as an old U2F key.
    pub kind: KeyKind,
    /// Whether the browser is to make a passkey unasked (`mediation: "conditional"`).
    pub conditional: bool,
}

/// Passkey or security key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// Two factors by itself.
    #[default]
    Passkey,
    /// One factor beside another.
    SecurityKey,
}

/// What `PublicKeyCredential.toJSON()` gave, and a name for it.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AddPasskeyBody {
    /// The answer.
    #[serde(flatten)]
    pub answer: RegistrationResponse,
    /// What the person calls it: 1 to 100 characters.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub label: Option<String>,
}

/// A passkey or security key that was added.
#[derive(Debug, Serialize, ToSchema)]
pub struct PasskeyBody {
    /// Names it.
    pub id: String,
    /// `passkey`, or `security_key` where it has not shown that it knows its person.
    pub kind: String,
    /// What the person calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// When it was added.
    pub created_at: String,
}

/// What a page tells the browser after a credential was removed or a name changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignalBody {
    /// For `PublicKeyCredential.signalAllAcceptedCredentials`.
    #[schema(value_type = Object)]
    pub all_accepted_credentials: Value,
    /// For `PublicKeyCredential.signalCurrentUserDetails`.
    #[schema(value_type = Object)]
    pub current_user_details: Value,
}

/// Ask for a new passkey or security key. The answer is `PublicKeyCredentialCreationOptionsJSON`, good for five minutes and
/// one try. Needs a sign-in of the last ten minutes, with a second factor where there is one.
#[utoipa::path(post, path = "/v1/me/credentials/passkey/options", operation_id = "passkey_options", tag = "credentials",
    request_body = PasskeyOptionsBody, security(("session_cookie" = [])),
    responses((status = 200, description = "For `PublicKeyCredential.parseCreationOptionsFromJSON`", body = Object)))]
pub async fn options(Person(visitor): Person, body: Option<Json<PasskeyOptionsBody>>) -> Answer<Value> {
    let wanted = wanted(body.map(|Json(body, _)| body).unwrap_or_default())?;
    let (server, visitor) = (&visitor.server, &visitor);
    let options = server
        .decide(|| async move {
            let user = user_of(visitor).await?;
            let credentials = server.store.credentials_of(user.id).await?;
            may_change(server, (&user, &credentials), &visitor.session, visitor.now).await?;
            has_room_for_key(&credentials)?;
            let names = names(server, &user).await?;
            let within = visitor.session.id.bytes();
            let making = Making { within, app: None, user: &user, names: &names, credentials: &credentials };
            let (row, options) = begin_registration(server, &making, wanted)?;
            Ok((options, Changes(vec![FlowChange::Asked(row).into()])))
        })
        .await?;
    Ok(answer(StatusCode::OK, options))
}

/// Add the passkey or security key that a browser made. Every address is told.
#[utoipa::path(post, path = "/v1/me/credentials/passkey", operation_id = "add_passkey", tag = "credentials",
    request_body = AddPasskeyBody, security(("session_cookie" = [])),
    responses((status = 201, description = "It was added", body = PasskeyBody)))]
pub async fn add(Person(visitor): Person, Json(body, _): Json<AddPasskeyBody>) -> Answer<PasskeyBody> {
    if let Some(label) = &body.label {
        check_label(label)?;
    }
    let (server, visitor, body) = (&visitor.server, &visitor, &body);
    let decided = server.decide(|| decide(visitor, body)).await?;
    let credential = decided.map_err(refused)?;
    Ok(answer(
        StatusCode::CREATED,
        PasskeyBody {
            id: credential.id.to_string(),
            kind: credential.kind.name().to_owned(),
            label: body.label.clone(),
            created_at: rfc3339(credential.created_at),
        },
    ))
}

/// What browsers should know of my passkeys. A page calls the functions of the same name with the two members, after a
/// credential was removed or a name changed.
#[utoipa::path(get, path = "/v1/me/credentials/signal", operation_id = "passkey_signal", tag = "credentials",
    security(("session_cookie" = [])),
    responses((status = 200, description = "What to call the functions with", body = SignalBody)))]
pub async fn signal(Person(visitor): Person) -> Answer<SignalBody> {
    let server = &visitor.server;
    let user = user_of(&visitor).await?;
    let config = server.config.load();
    let rp_id = config.webauthn.rp_id(&config.server).ok_or(ApiError::PasskeysOff)?;
    let mut ids = Vec::new();
    for credential in server.store.credentials_of(user.id).await?.iter().filter(|one| is_key(one)) {
        let key = StoredKey::open(server, credential)?;
        if key.rp_id == rp_id {
            ids.push(key.id);
        }
    }
    let names = names(server, &user).await?;
    let user_id = Base64Url(server.keys.user_handle(user.id).to_vec());
    let body = SignalBody {
        all_accepted_credentials: json!({ "rpId": rp_id, "userId": user_id, "allAcceptedCredentialIds": ids }),
        current_user_details: json!({ "rpId": rp_id, "userId": user_id, "name": names.name, "displayName": names.display_name }),
    };
    Ok(answer(StatusCode::OK, body))
}

fn wanted(body: PasskeyOptionsBody) -> Result<Wanted, ApiError> {
    match (body.kind, body.conditional) {
        (KeyKind::Passkey, false) => Ok(Wanted::Passkey),
        (KeyKind::Passkey, true) => Ok(Wanted::Upgrade),
        (KeyKind::SecurityKey, false) => Ok(Wanted::SecurityKey),
        (KeyKind::SecurityKey, true) => {
            Err(ApiError::invalid("conditional", "browsers make passkeys unasked, not security keys"))
        }
    }
}

/// Passkeys and security keys each have their own room.
fn has_room_for_key(credentials: &[Credential]) -> Result<(), ApiError> {
    has_room(credentials, CredentialKind::Passkey, MOST_OF_A_KIND)?;
    has_room(credentials, CredentialKind::SecurityKey, MOST_OF_A_KIND)
}

/// Why the answer is not taken.
enum No {
    Fault(Fault),
    Refusal(Refusal),
}

fn refused(no: No) -> ApiError {
    match no {
        No::Fault(fault) => {
            let detail = fault.to_string();
            ApiError::InvalidMember { member: "response", code: "passkey_not_accepted", detail }
        }
        No::Refusal(refusal) => refusal.into(),
    }
}

/// Takes the answer or not; the question is over in any case.
async fn decide(
    visitor: &Visitor,
    body: &AddPasskeyBody,
) -> Result<(Result<Credential, No>, Changes), ApiError> {
    let server = &visitor.server;
    let user = user_of(visitor).await?;
    let over = (Err(No::Refusal(Refusal::CeremonyOver)), Changes::default());
    let id = match ceremony_of(&body.answer.response.client_data) {
        Ok(id) => id,
        Err(fault) => return Ok((Err(No::Fault(fault)), Changes::default())),
    };
    let within = *visitor.session.id.bytes();
    let found = server.store.ceremony(id).await?;
    let found = found.filter(|found| found.takes(CeremonyKind::Registration, &within, visitor.now));
    let Some(ceremony) = found else { return Ok(over) };
    let mut changes = Changes(vec![FlowChange::Answered(ceremony.id).into()]);
    let credentials = server.store.credentials_of(user.id).await?;
    may_change(server, (&user, &credentials), &visitor.session, visitor.now).await?;
    has_room_for_key(&credentials)?;
    let given = (&body.answer, body.label.as_deref());
    let made = match finish_registration(server, &ceremony, &user, given, visitor.now)? {
        Ok(made) => made,
        Err(fault) => return Ok((Err(No::Fault(fault)), changes)),
    };
    if let Some(lookup) = made.lookup
        && server.store.credential(&user.realm, lookup).await?.is_some()
    {
        return Ok((Err(No::Fault(Fault::Taken)), changes));
    }
    let app = server.app(visitor.session.app.as_str());
    changes.extend(added(server, app.as_deref(), &user, made.clone()).await?);
    Ok((Ok(made), changes))
}
