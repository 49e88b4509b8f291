//! `/v1/me/credentials/recovery-codes`: a person makes a sheet of codes for the day when everything else is lost. It is
//! shown once, in place of the former sheet.

use std::sync::Arc;

use axum::{Router, extract::RawQuery, routing::post};
use countersign_domain::{changes::Changes, credential::CredentialKind, recovery_code::RecoveryCode};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{
    Answer, answer,
    me::{ends_others, user_of},
    my_credentials::CredentialBody,
};
use crate::{
    credentials::{self, end_sessions, may_change},
    error::ApiError,
    second_factors::recovery,
    state::Server,
    visitor::{Person, Visitor},
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v1/me/credentials/recovery-codes", post(make))
}

/// A new sheet.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodesBody {
    /// The sheet.
    pub credential: CredentialBody,
    /// Its ten codes, shown this once.
    #[schema(value_type = Vec<String>)]
    pub recovery_codes: Vec<Zeroizing<String>>,
}

/// Codes as they stand on a sheet.
pub(super) fn shown(codes: &[RecoveryCode]) -> Vec<Zeroizing<String>> {
    codes.iter().map(RecoveryCode::shown).collect()
}

/// Make ten recovery codes; those that there were are worth nothing any more. Needs another second factor, and a sign-in
/// of the last ten minutes with all factors. Every address is told.
#[utoipa::path(post, path = "/v1/me/credentials/recovery-codes", operation_id = "make_recovery_codes", tag = "credentials",
    params(("end_other_sessions" = Option<bool>, Query, description = "`true` ends all other sessions")),
    security(("session_cookie" = [])),
    responses((status = 201, description = "The codes, shown this once", body = RecoveryCodesBody)))]
pub async fn make(Person(visitor): Person, RawQuery(query): RawQuery) -> Answer<RecoveryCodesBody> {
    let ends = ends_others(query.as_deref())?;
    let visitor = &visitor;
    let made = visitor.server.decide(|| replace(visitor, ends)).await?;
    Ok(answer(StatusCode::CREATED, made))
}

async fn replace(visitor: &Visitor, ends: bool) -> Result<(RecoveryCodesBody, Changes), ApiError> {
    let (server, app) = (&visitor.server, visitor.app()?);
    let user = user_of(visitor).await?;
    let all = server.store.credentials_of(user.id).await?;
    may_change(server, (&user, &all), &visitor.session, visitor.now).await?;
    let (former, others): (Vec<_>, Vec<_>) =
        all.iter().partition(|credential| credential.kind == CredentialKind::RecoveryCodes);
    if others.is_empty() {
        return Err(ApiError::NoFactor);
    }
    let (sheet, codes) = recovery::draw(server, &user)?;
    let made =
        RecoveryCodesBody { credential: CredentialBody::of(server, &sheet)?, recovery_codes: shown(&codes) };
    let mut changes = Changes::default();
    for former in former {
        changes.extend(credentials::taken_away(Some(&app), former));
    }
    changes.extend(
        credentials::added(server, Some(&app), (&user, visitor.session.assurance.methods), sheet).await?,
    );
    if ends {
        changes.extend(end_sessions(server, &user, Some(&visitor.session)).await?);
    }
    Ok((made, changes))
}
