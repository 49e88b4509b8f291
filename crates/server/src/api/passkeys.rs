//! `/v1/me/credentials/passkey`: a person adds a passkey or a security key on a page of this server. Bodies are those of
//! Web Authentication Level 3, so that a browser's own functions read and write them.

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use countersign_domain::{
    changes::{Changes, FlowChange},
    credential::{Credential, CredentialKind, MOST_OF_A_KIND},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Answer, answer, me::user_of, own_call::OwnCall, rfc3339};
use crate::{
    call::Json,
    credentials::{added, check_label, end_sessions, has_room, may_change},
    error::ApiError,
    passkeys::{
        Fault, Making, Place, RegistrationResponse, Wanted, authenticate::is_key, begin_registration, enrol,
        register::names, response::Base64Url, stored::Descriptor,
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
    /// Whether all other sessions end.
    #[serde(default)]
    pub end_other_sessions: bool,
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
pub async fn options(own: OwnCall, body: Option<Json<PasskeyOptionsBody>>) -> Answer<Value> {
    own.call.limit_network(None)?;
    let wanted = wanted(body.map(|Json(body, _)| body).unwrap_or_default())?;
    let (server, visitor) = (&own.visitor.server, &own.visitor);
    let options = server
        .decide(|| async move {
            let user = user_of(visitor).await?;
            let credentials = server.store.credentials_of(user.id).await?;
            may_change(server, (&user, &credentials), &visitor.session, visitor.now).await?;
            has_room_for_key(&credentials)?;
            let names = names(server, &user).await?;
            let within = visitor.session.id.bytes();
            let (realm, user, credentials) = (&user.realm, user.id, &credentials);
            let making = Making { within, app: None, realm, user, names: &names, credentials };
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
        ids.extend(Descriptor::of(server, credential, rp_id)?.map(|key| key.id));
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

fn refused(fault: Fault) -> ApiError {
    let detail = fault.to_string();
    match fault {
        Fault::Over => ApiError::Refused(fault.into()),
        _ => ApiError::InvalidMember { member: "response", code: "passkey_not_accepted", detail },
    }
}

/// Takes the answer or not; its question is over in any case.
async fn decide(
    visitor: &Visitor,
    body: &AddPasskeyBody,
) -> Result<(Result<Credential, Fault>, Changes), ApiError> {
    let (server, app) = (&visitor.server, visitor.app()?);
    let user = user_of(visitor).await?;
    let credentials = server.store.credentials_of(user.id).await?;
    may_change(server, (&user, &credentials), &visitor.session, visitor.now).await?;
    has_room_for_key(&credentials)?;
    let within = visitor.session.id.bytes();
    let place =
        Place { realm: &user.realm, within, user: Some(user.id), nameless_at: None, now: visitor.now };
    let (made, mut changes) = enrol(server, &place, (&body.answer, body.label.as_deref())).await?;
    if let Ok(made) = &made {
        changes.extend(
            added(server, Some(&app), (&user, visitor.session.assurance.methods), made.clone()).await?,
        );
        if body.end_other_sessions {
            changes.extend(end_sessions(server, &user, Some(&visitor.session)).await?);
        }
    }
    Ok((made, changes))
}
