//! `POST /v1/password/reset`: the code that was mailed, or the link that was approved, becomes a new password. The
//! password is looked at before the code is spent: one that is refused does not cost the person the code.

use axum::response::Response;
use countersign_domain::{
    assurance::Method,
    challenge::{Challenge, Proof, Purpose},
    changes::{Changes, Decision},
    code::Code,
    contact::Contact,
    event::EventKind,
    id::ChallengeId,
    identifier::EmailAddress,
    password::Password,
    refusal::Refusal,
    secret::{Digest, Secret},
    token::SecretToken,
    user::{self, User, UserStatus},
    vault::Vault,
};
use serde::Deserialize;
use tokio::sync::OnceCell;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{
    super::challenge::{binding_of, challenge_id, find_with_contact, judge, parse_code},
    done, typed,
};
use crate::{
    accounts::{authentication, proven_address, sealed_address, user_of},
    app_passwords,
    call::{Call, Json},
    error::ApiError,
    hashing::Hashing,
    user_passwords::{Replaced, common_words, of_app, own_words, replace},
};

/// A new password, and what shows that the person may choose one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetBody {
    /// The challenge that `POST /v1/password/forgotten` started.
    pub id: String,
    /// The code that was mailed. Left out once the link was approved.
    #[serde(default)]
    #[schema(min_length = 6, max_length = 64)]
    pub code: Option<String>,
    /// What the start answered as `binding`. Left out where the browser holds it in a cookie.
    #[serde(default)]
    #[schema(min_length = 32, max_length = 32)]
    pub binding: Option<String>,
    /// The new password.
    #[schema(value_type = String, min_length = 1, max_length = 1024)]
    pub password: Zeroizing<String>,
}

/// What is the same at every try.
struct Asked {
    id: ChallengeId,
    contact: Digest,
    code: Option<Code>,
    binding: SecretToken,
    password: Password,
    hash: OnceCell<Secret<String>>,
}

/// Choose a new password with the code that was mailed. Every session of the person ends.
#[utoipa::path(post, path = "/v1/password/reset", operation_id = "reset_password", tag = "passwords",
    request_body = ResetBody,
    security(("secret_key" = []), ("publishable_key" = [])),
    responses((status = 204, description = "It is the person's password now; sign in with it")))]
pub async fn reset(call: Call, Json(body, _): Json<ResetBody>) -> Result<Response, ApiError> {
    let hashing = of_app(&call.server, &call.app)?;
    call.limit_network(None)?;
    let id = challenge_id(&body.id)?;
    let (challenge, _) = find(&call, id).await?;
    let asked = Asked {
        id,
        contact: challenge.contact,
        code: body.code.as_deref().map(parse_code).transpose()?,
        binding: binding_of(&call, body.binding.as_deref())?,
        password: typed(&body.password)?,
        hash: OnceCell::new(),
    };
    look_at_password(&call, &hashing, &asked, &challenge).await?;
    let server = &call.server;
    let _lane = server.lanes.enter(&challenge.contact).await;
    let (this, hashing, asked) = (&call, &*hashing, &asked);
    let outcome = server.decide(|| decide(this, hashing, asked)).await?;
    outcome.map(|()| done()).inspect_err(|_| {
        server.lanes.note_failure();
        server.metrics.refused_proof(&call.app);
    })
}

/// A challenge of this app for a new password. Any other is not told from one that never was.
async fn find(call: &Call, id: ChallengeId) -> Result<(Challenge, Contact), ApiError> {
    let found = find_with_contact(&call.server, &call.app, id).await?;
    if found.0.purpose == Purpose::ResetPassword {
        Ok(found)
    } else {
        Err(ApiError::Refused(Refusal::ChallengeNotFound))
    }
}

/// Whether the password is one that a person may choose, as far as a stranger may be told: whose address it is, only
/// who started the challenge knows.
async fn look_at_password(
    call: &Call,
    hashing: &Hashing,
    asked: &Asked,
    challenge: &Challenge,
) -> Result<(), ApiError> {
    let server = &call.server;
    if challenge.binding != server.keys.binding(&asked.binding) || !challenge.is_live(server.now()) {
        return Ok(());
    }
    let address = sealed_address(server, challenge.id, challenge.sealed_address.as_deref())?;
    let address = address.as_ref().map_or("", EmailAddress::canonical);
    hashing.accept(&asked.password, &common_words(&call.app, address)).await
}

async fn decide(
    call: &Call,
    hashing: &Hashing,
    asked: &Asked,
) -> Result<(Result<(), ApiError>, Changes), ApiError> {
    let server = &call.server;
    let Decision { outcome, changes } = prove(call, asked).await?;
    let proof = match outcome {
        Ok(proof) => proof,
        Err(refusal) => return Ok((Err(refusal.into()), refused(call, asked, changes))),
    };
    let user = match person(call, &proof).await? {
        Ok(user) => user,
        Err(refusal) => return Ok((Err(refusal.into()), Changes::default())),
    };
    // What only the person knows of themselves is looked at now that it is them, and the code is not spent yet.
    let words = own_words(server, &user).await?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let Err(refused) = hashing.accept_beside(&asked.password, &words) {
        return Ok((Err(refused), Changes::default()));
    }
    let mut random = call.random();
    let hash = asked.hash.get_or_try_init(|| hashing.hash(&asked.password, &mut *random)).await?;
    let mut all = replace(server, &call.app, &user, hash, Replaced::Forgotten).await?;
    all.extend(changes);
    let sessions = server.store.sessions_of(user.id).await?;
    all.extend(app_passwords::all_removed(server, user.id, server.now()));
    all.extend(user::sign_out_everywhere(user, &sessions, server.now()));
    Ok((Ok(()), all))
}

/// What is written of a guess, with an event if it cost anything.
fn refused(call: &Call, asked: &Asked, mut changes: Changes) -> Changes {
    if !changes.is_empty() {
        let told = authentication(EventKind::ChallengeFailed, &call.app, Method::Code);
        changes.push(told.of_contact(asked.contact).failed().into());
    }
    changes
}

/// The code, or the link that was approved.
async fn prove(call: &Call, asked: &Asked) -> Result<Decision<Result<Proof, Refusal>>, ApiError> {
    let found = find(call, asked.id).await?;
    judge(call, found, &asked.binding, asked.code.as_ref()).await
}

/// Whose mailbox it was. A stranger's code was never mailed, so this one has been somebody's a moment ago.
async fn person(call: &Call, proof: &Proof) -> Result<Result<User, Refusal>, ApiError> {
    let user = match proven_address(&call.server, proof)? {
        Some(address) => user_of(&call.server, &call.app.realm, &address).await?,
        None => None,
    };
    Ok(match user {
        Some(user) if user.status == UserStatus::Disabled => Err(Refusal::UserDisabled),
        Some(user) if user.status == UserStatus::Erasing => Err(Refusal::UserErasing),
        Some(user) => Ok(user),
        None => Err(Refusal::ChallengeOver),
    })
}
