//! `POST /v1/verify`: a code by address, for an app's server that keeps no challenge ids.

use std::sync::Arc;

use axum::{Router, routing::post};
use countersign_domain::{
    challenge::{self, Attempt},
    contact::ContactKey,
    vault::Vault as _,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    Answer,
    challenge::{TokenBody, finish, parse_code},
    mailbox,
};
use crate::{
    accounts::complete,
    call::{Call, Json},
    state::Server,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v1/verify", post(verify))
}

/// An address and the code that was mailed there.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyByAddressBody {
    /// The address that the challenge was sent to.
    #[schema(min_length = 1, max_length = 254)]
    pub email: String,
    /// The code.
    #[schema(min_length = 6, max_length = 64)]
    pub code: String,
}

/// Check a code by address. The app's server vouches for the browser: secret keys only.
#[utoipa::path(post, path = "/v1/verify", operation_id = "verify_by_address", tag = "challenges",
    request_body = VerifyByAddressBody,
    security(("secret_key" = [])),
    responses((status = 200, description = "What the proof is worth", body = TokenBody)))]
pub async fn verify(call: Call, Json(body, _): Json<VerifyByAddressBody>) -> Answer<TokenBody> {
    call.secret_only()?;
    let address = mailbox(&body.email)?;
    let code = &parse_code(&body.code)?;
    let (this, server, app) = (&call, &call.server, &call.app);
    let key =
        &ContactKey { app: Some(app.name.clone()), digest: server.keys.contact(Some(&app.name), &address) };
    let _lane = server.lanes.enter(&key.digest).await;
    let proof = server
        .decide(|| async move {
            let contact = server.store.contact(key.clone()).await?;
            let live = server.store.listed_challenges(&contact).await?;
            let attempt =
                Attempt { app, code, may_wipe: true, shared: server.is_shared(), now: server.now() };
            let decision = challenge::verify_by_address(&attempt, live, contact, &server.keys);
            complete(this, key.digest, decision, None).await
        })
        .await?;
    if proof.is_err() {
        server.lanes.note_failure();
    }
    finish(&call, proof)
}
