//! `/v1/me/credentials/totp`: a person adds an app that shows codes. Its secret is shown once, and counts once the person
//! has typed a code of it.

use std::sync::Arc;

use axum::{Router, routing::post};
use countersign_domain::{
    changes::{Changes, FlowChange},
    credential::{Credential, CredentialKind},
    id::CeremonyId,
    refusal::Refusal,
    totp::{self, Digits, TotpAlgorithm},
    user::{IdentifierKind, User},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{
    Answer, answer, me::user_of, my_credentials::CredentialBody, my_recovery_codes::shown, own_call::OwnCall,
    rfc3339,
};
use crate::{
    accounts::{open_identifier, open_profile},
    call::Json,
    credentials::{self, check_label, end_sessions, has_room, may_change},
    error::ApiError,
    second_factors::{
        enrolment::{Confirmed, Enrolment, picture, uri},
        recovery,
        totp::TotpSecret,
    },
    state::Server,
    visitor::{Person, Visitor},
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/me/credentials/totp/options", post(options))
        .route("/v1/me/credentials/totp", post(confirm))
}

/// The hash that codes are made with.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
pub enum AlgorithmName {
    /// Known to every app.
    #[default]
    #[serde(rename = "SHA1")]
    Sha1,
    /// Some apps take it for SHA1 and show other codes.
    #[serde(rename = "SHA256")]
    Sha256,
    /// Likewise.
    #[serde(rename = "SHA512")]
    Sha512,
}

/// What the codes are to be like.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpOptionsBody {
    /// The hash: `SHA1` where absent.
    #[serde(default)]
    pub algorithm: AlgorithmName,
    /// How long codes are: 6, or 8.
    #[serde(default = "six")]
    #[schema(minimum = 6, maximum = 8, default = 6)]
    pub digits: u32,
}

const fn six() -> u32 {
    6
}

/// What an authenticator app takes. It is shown this once.
#[derive(Serialize, ToSchema)]
pub struct TotpOptionsAnswer {
    /// Names the question: to be sent with the first code, within five minutes, from this session.
    pub ceremony: String,
    /// The secret in base 32, to be typed where no camera is.
    #[schema(value_type = String)]
    pub secret: Zeroizing<String>,
    /// The same with everything that goes with it: `otpauth://totp/…`.
    #[schema(value_type = String)]
    pub uri: Zeroizing<String>,
    /// The URI as a picture to scan, in SVG.
    #[schema(value_type = String)]
    pub qr_svg: Zeroizing<String>,
    /// Until when the first code is waited for.
    pub expires_at: String,
}

impl TotpOptionsAnswer {
    /// What shows the secret of an enrolment; `issuer` and `account` are what an authenticator app calls it.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when it is no picture.
    pub(super) fn of(enrolment: &Enrolment, issuer: &str, account: &str) -> Result<Self, ApiError> {
        let uri = uri(&enrolment.totp, issuer, account);
        Ok(Self {
            ceremony: enrolment.ceremony.id.to_string(),
            secret: enrolment.totp.text(),
            qr_svg: picture(&uri)?,
            uri,
            expires_at: rfc3339(enrolment.ceremony.expires_at),
        })
    }
}

/// The first code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmTotpBody {
    /// What the options answered as `ceremony`.
    #[schema(max_length = 30)]
    pub ceremony: String,
    /// The code that the app shows. Spaces and hyphens in it do not matter.
    #[schema(value_type = String, min_length = 6, max_length = 64)]
    pub code: Zeroizing<String>,
    /// What the person calls the app: 1 to 100 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    pub label: Option<String>,
    /// Whether ten recovery codes are made too, in place of those that there are.
    #[serde(default)]
    pub with_recovery_codes: bool,
    /// Whether all other sessions end.
    #[serde(default)]
    pub end_other_sessions: bool,
}

/// The new app, and recovery codes where they were asked for.
#[derive(Serialize, ToSchema)]
pub struct ConfirmedTotpBody {
    /// The app.
    pub credential: CredentialBody,
    /// Recovery codes, shown this once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub recovery_codes: Vec<Zeroizing<String>>,
}

/// Begin to add an app that shows codes. Needs a sign-in of the last ten minutes with all factors. Nothing is added before
/// its first code was typed.
#[utoipa::path(post, path = "/v1/me/credentials/totp/options", operation_id = "totp_options", tag = "credentials",
    request_body = TotpOptionsBody, security(("session_cookie" = [])),
    responses((status = 201, description = "The secret, shown this once", body = TotpOptionsAnswer)))]
pub async fn options(own: OwnCall, Json(body, _): Json<TotpOptionsBody>) -> Answer<TotpOptionsAnswer> {
    own.call.limit_network(None)?;
    let digits =
        Digits::from_count(body.digits).ok_or_else(|| ApiError::invalid("digits", "expected 6 or 8"))?;
    let (server, visitor, app) = (&own.call.server, &own.visitor, &own.call.app);
    let user = user_of(visitor).await?;
    admit(visitor, &user).await?;
    let algorithm = match body.algorithm {
        AlgorithmName::Sha1 => TotpAlgorithm::Sha1,
        AlgorithmName::Sha256 => TotpAlgorithm::Sha256,
        AlgorithmName::Sha512 => TotpAlgorithm::Sha512,
    };
    let totp = TotpSecret::draw(algorithm, digits, &mut *server.random());
    let enrolment = Enrolment::begin(server, (&visitor.session).into(), totp)?;
    let answered = TotpOptionsAnswer::of(&enrolment, &app.title, &account_name(server, &user).await?)?;
    server.commit(Changes(vec![FlowChange::Asked(enrolment.ceremony).into()])).await?;
    Ok(answer(StatusCode::CREATED, answered))
}

/// Type the first code of a new app. After five wrong ones it has to be scanned anew. Every address is told.
#[utoipa::path(post, path = "/v1/me/credentials/totp", operation_id = "confirm_totp", tag = "credentials",
    request_body = ConfirmTotpBody, security(("session_cookie" = [])),
    responses((status = 201, description = "The app signs in from now on", body = ConfirmedTotpBody)))]
pub async fn confirm(
    Person(visitor): Person,
    Json(body, _): Json<ConfirmTotpBody>,
) -> Answer<ConfirmedTotpBody> {
    if let Some(label) = &body.label {
        check_label(label)?;
    }
    let id: CeremonyId = body.ceremony.parse().map_err(|_| ApiError::Refused(Refusal::ChallengeOver))?;
    let (visitor, body) = (&visitor, &body);
    let confirmed = visitor.server.decide(|| take_in(visitor, id, body)).await??;
    Ok(answer(StatusCode::CREATED, confirmed))
}

type TakenIn = (Result<ConfirmedTotpBody, Refusal>, Changes);

async fn take_in(visitor: &Visitor, id: CeremonyId, body: &ConfirmTotpBody) -> Result<TakenIn, ApiError> {
    let (server, session, app) = (&visitor.server, &visitor.session, visitor.app()?);
    let user = user_of(visitor).await?;
    let credentials = admit(visitor, &user).await?;
    let Some(enrolment) = Enrolment::find(server, session.into(), id).await? else {
        return Ok((Err(Refusal::ChallengeOver), Changes::default()));
    };
    let (confirmed, mut changes) = enrolment.answer(server, &body.code, server.now())?;
    let step = match confirmed {
        Confirmed::Right(step) => step,
        Confirmed::Wrong(tries_left) => return Ok((Err(Refusal::InvalidCode { tries_left }), changes)),
    };
    let credential = enrolment.credential(server, (step, body.label.as_deref()))?;
    let mut confirmed = ConfirmedTotpBody {
        credential: CredentialBody::of(server, &credential)?,
        recovery_codes: Vec::new(),
    };
    changes.extend(
        credentials::added(server, Some(&app), (&user, session.assurance.methods), credential).await?,
    );
    if body.with_recovery_codes {
        let (sheet, codes) = recovery::draw(server, &user)?;
        for former in credentials.iter().filter(|one| one.kind == CredentialKind::RecoveryCodes) {
            changes.extend(credentials::taken_away(Some(&app), former));
        }
        changes.extend(
            credentials::added_too(server, Some(&app), (&user, session.assurance.methods), sheet).await?,
        );
        confirmed.recovery_codes = shown(&codes);
    }
    if body.end_other_sessions {
        changes.extend(end_sessions(server, &user, Some(session)).await?);
    }
    Ok((Ok(confirmed), changes))
}

/// Whether the person may add one more now; all that they have.
async fn admit(visitor: &Visitor, user: &User) -> Result<Vec<Credential>, ApiError> {
    let server = &visitor.server;
    let credentials = server.store.credentials_of(user.id).await?;
    may_change(server, (user, &credentials), &visitor.session, visitor.now).await?;
    has_room(&credentials, CredentialKind::Totp, totp::MOST)?;
    Ok(credentials)
}

/// What an authenticator app calls the account: the address that is written to first, or what the person is called.
async fn account_name(server: &Server, user: &User) -> Result<String, ApiError> {
    let identifiers = server.store.identifiers_of(user.id).await?;
    let is_first = |kind| move |known: &&countersign_domain::user::UserIdentifier| known.kind == kind;
    let mut mailboxes: Vec<_> = identifiers.iter().filter(is_first(IdentifierKind::Email)).collect();
    mailboxes.sort_by_key(|known| !known.primary);
    let names = identifiers.iter().filter(is_first(IdentifierKind::Username));
    match mailboxes.into_iter().chain(names).next() {
        Some(known) => open_identifier(server, known),
        None => Ok(open_profile(server, user)?.display_name.unwrap_or_default()),
    }
}
