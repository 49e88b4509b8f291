//! Access tokens: made from a proof, and checked wherever we are asked.

use std::{borrow::Cow, sync::Arc};

use countersign_domain::{
    app::App,
    assurance::Assurance,
    challenge::Purpose,
    id::{SessionId, TokenId},
    session::Session,
    subject::Subject,
    time::{Span, Timestamp},
};
use serde::{Deserialize, Serialize};

use crate::{
    error::ApiError, fingerprint::Fingerprint, key_ring::ACCESS_TOKEN, keys::verify_compact, state::Server,
    system::CLOCK_SKEW,
};

/// Life of a proof that an address is somebody's: long enough to be handed on, too short to be kept.
const PROOF_LIFE: Span = Span::from_hours(1);

/// The longest life that an access token can be given.
const LONGEST_LIFE: Span = Span::from_hours(90 * 24);

/// The claims of a token as they are signed (RFC 9068, 2.2).
#[derive(Serialize)]
struct Signed<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    client_id: &'a str,
    iat: i64,
    exp: i64,
    auth_time: i64,
    jti: &'a str,
    acr: &'a str,
    amr: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
}

/// A token that was made.
#[derive(Debug)]
pub struct Issued {
    /// The token.
    pub token: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// For how long it is good.
    pub lifetime: Span,
}

/// The claims of a token that was checked: all that a caller may be told.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
pub struct TokenClaims {
    /// Who made it.
    pub iss: String,
    /// The person, as the app knows them.
    pub sub: String,
    /// Whom it is for.
    pub aud: String,
    /// The app it was made for.
    pub client_id: String,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// When it ends.
    pub exp: i64,
    /// When the person proved control.
    pub auth_time: i64,
    /// Its id.
    pub jti: String,
    /// What the proof is worth.
    pub acr: String,
    /// How it was proven.
    pub amr: Vec<String>,
    /// The session it came from, where the app has accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The verified address, where the app asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// True beside an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
}

/// What every check looks at, where it stands.
#[derive(Deserialize)]
struct Essential<'a> {
    #[serde(borrow)]
    iss: Cow<'a, str>,
    #[serde(borrow)]
    sub: Cow<'a, str>,
    #[serde(borrow)]
    aud: Cow<'a, str>,
    #[serde(borrow)]
    client_id: Cow<'a, str>,
    #[serde(borrow)]
    jti: Cow<'a, str>,
    #[serde(borrow, default)]
    sid: Option<Cow<'a, str>>,
    iat: i64,
    exp: i64,
}

/// A token that is good now.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The app it was made for, whose audience it names.
    pub app: Arc<App>,
    /// Its id.
    pub id: TokenId,
    /// The person.
    pub subject: Subject,
    /// The session it came from.
    pub session: Option<SessionId>,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// Until when it is good if nobody takes it back: its end, or that of its key.
    pub until: Timestamp,
    payload: Vec<u8>,
}

/// What a token is made of.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    /// An access token, or a proof of an address.
    pub purpose: Purpose,
    /// The person, as the app knows them.
    pub subject: Subject,
    /// How and when they proved control.
    pub assurance: Assurance,
    /// The address, where the app's tokens carry it.
    pub address: Option<&'a str>,
    /// The session it comes from, which it does not outlive.
    pub session: Option<&'a Session>,
}

/// Makes a token: an access token, or a proof of an address.
///
/// # Errors
/// [`ApiError::Unavailable`] while there is no key to sign with.
pub fn issue(server: &Server, app: &App, grant: &Grant<'_>) -> Result<Issued, ApiError> {
    let now = server.now();
    let ring = server.key_ring.load();
    let key = ring.current(app, app.token.algorithm, now).ok_or_else(|| {
        tracing::error!(app = %app.name, algorithm = %app.token.algorithm, "there is no key to sign with");
        ApiError::Unavailable
    })?;
    let (lifetime, signer) = match grant.purpose {
        Purpose::SignIn | Purpose::Register => (app.token.lifetime, &key.access),
        Purpose::ConfirmAddress | Purpose::ResetPassword => (PROOF_LIFE, &key.proof),
    };
    let lifetime = grant.session.map_or(lifetime, |session| lifetime.min(session.expires_at.since(now)));
    let session = grant.session.map(|session| session.id.to_string());
    let claims = Signed {
        iss: &server.issuer(),
        sub: &grant.subject.to_string(),
        aud: app.audience(),
        client_id: app.name.as_str(),
        iat: now.seconds(),
        exp: (now + lifetime).seconds(),
        auth_time: grant.assurance.proven_at.seconds(),
        jti: &TokenId::new(now, &mut *server.random()).to_string(),
        acr: grant.assurance.acr(),
        amr: grant.assurance.methods.amr(),
        sid: session.as_deref(),
        email: grant.address,
        email_verified: grant.address.map(|_| true),
    };
    let json = serde_json::to_vec(&claims).map_err(|_| ApiError::Internal)?;
    let token = signer.sign(&json).map_err(|_| ApiError::Internal)?;
    Ok(Issued { token, expires_at: now + lifetime, lifetime })
}

/// Checks an access token: signature, type, issuer, times, app, whose key signed it, and revocations. The audience is the caller's to
/// compare.
///
/// # Errors
/// [`ApiError::InvalidToken`] whatever is wrong, [`ApiError::Unavailable`] when revocations cannot be known.
pub fn check(server: &Server, token: &str, now: Timestamp) -> Result<Checked, ApiError> {
    let fingerprint = begin(server, token, now)?;
    examine(server, (token, fingerprint), now)
}

/// What comes before every look at a token: whether anything can be said at all, and the hash it is remembered by.
fn begin(server: &Server, token: &str, now: Timestamp) -> Result<Fingerprint, ApiError> {
    if !server.knows_revocations(now) {
        return Err(ApiError::Unavailable);
    }
    if token.len() > crate::keys::MAX_TOKEN_BYTES {
        return Err(ApiError::InvalidToken);
    }
    Ok(server.fingerprints.of(token))
}

fn examine(server: &Server, token: (&str, Fingerprint), now: Timestamp) -> Result<Checked, ApiError> {
    let checked = rightly_signed(server, token, now).ok_or(ApiError::InvalidToken)??;
    if server.revocations.is_revoked(&checked.app.name, checked.id, checked.subject, checked.session) {
        return Err(ApiError::InvalidToken);
    }
    Ok(checked)
}

/// Until when an access token is good, in seconds since 1970, where it was found so before and nothing has changed since.
#[must_use]
pub fn known_until(server: &Server, token: &str, now: Timestamp) -> Option<i64> {
    let fingerprint = begin(server, token, now).ok()?;
    good_in(server, fingerprint, server.epoch.now(), now)
}

/// Until when a token is good, where everything about it was right in this epoch.
fn good_in(server: &Server, token: Fingerprint, epoch: u32, now: Timestamp) -> Option<i64> {
    let end = server.signatures.good_until(token, epoch, now)?;
    server.metrics.token_cache_hits.inc();
    Some(end)
}

/// Until when an access token is good, in seconds since 1970, for somebody who asks no more than that: what
/// [`check`] looks at, or a hash when nothing has changed since that was looked at for this token.
///
/// # Errors
/// Those of [`check`].
pub fn good_until(server: &Server, token: &str, now: Timestamp) -> Result<i64, ApiError> {
    let fingerprint = begin(server, token, now)?;
    let epoch = server.epoch.now();
    if let Some(end) = good_in(server, fingerprint, epoch, now) {
        return Ok(end);
    }
    let generation = server.key_ring.load().generation();
    let checked = examine(server, (token, fingerprint), now)?;
    server.signatures.note_good(fingerprint, (generation, epoch), checked.exp);
    Ok(checked.exp)
}

/// What a token says that a key signed which may speak for its app: checked now, or remembered. Whoever takes over apps
/// begins another key ring where one of them has left its realm, so that what is remembered holds for the app of now.
fn rightly_signed(
    server: &Server,
    (token, fingerprint): (&str, Fingerprint),
    now: Timestamp,
) -> Option<Result<Checked, ApiError>> {
    let ring = server.key_ring.load();
    if let Some(until) = server.signatures.right_until(fingerprint, ring.generation(), now) {
        server.metrics.token_cache_hits.inc();
        return read(server, parse_payload(token)?, until, now);
    }
    let verified =
        verify_compact(token, ACCESS_TOKEN, |kid| ring.accepted(kid, now).map(|key| &key.verifying)).ok()?;
    let key = ring.accepted(&verified.kid, now)?;
    let read = read(server, verified.payload, key.stored.gone_at, now)?;
    if let Ok(checked) = &read {
        if !key.stored.owner.speaks_for(&checked.app) {
            return None;
        }
        server.metrics.token_cache_misses.inc();
        server.signatures.insert(fingerprint, ring.generation(), checked.until);
    }
    Some(read)
}

fn parse_payload(token: &str) -> Option<Vec<u8>> {
    let (_, rest) = token.split_once('.')?;
    let (payload, _) = rest.split_once('.')?;
    data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).ok()
}

/// What a token says whose key is accepted until `gone_at`, if that is good now.
fn read(
    server: &Server,
    payload: Vec<u8>,
    gone_at: Timestamp,
    now: Timestamp,
) -> Option<Result<Checked, ApiError>> {
    let claims: Essential<'_> = serde_json::from_slice(&payload).ok()?;
    let id: TokenId = claims.jti.parse().ok()?;
    let subject: Subject = claims.sub.parse().ok()?;
    let session = match claims.sid {
        Some(text) => Some(text.parse().ok()?),
        None => None,
    };
    // A good token of an app that does not read just now is no reason to sign somebody out.
    let Some(app) = server.app(&claims.client_id) else {
        let is_corrupt = server.registry.load().is_corrupt(&claims.client_id.parse().ok()?);
        return is_corrupt.then_some(Err(ApiError::Unavailable));
    };
    // What we make agrees with itself; somebody with a leaked shared secret could otherwise outlive a revocation.
    let plausible = id.made_at().seconds() == claims.iat
        && claims.exp.saturating_sub(claims.iat) <= LONGEST_LIFE.seconds();
    let in_time = claims.exp > now.seconds() && claims.iat <= (now + CLOCK_SKEW).seconds();
    let ours =
        claims.iss == server.config.load().server.issuer && claims.aud == app.audience() && !app.disabled;
    let exp = claims.exp;
    let until = Timestamp::from_millis(exp.saturating_mul(1000)).min(gone_at);
    (plausible && in_time && ours).then_some(Ok(Checked { app, id, subject, session, exp, until, payload }))
}

impl Checked {
    /// All that the token says.
    ///
    /// # Errors
    /// [`ApiError::InvalidToken`] when a claim is missing that every token of ours has.
    pub fn claims(&self) -> Result<TokenClaims, ApiError> {
        serde_json::from_slice(&self.payload).map_err(|_| ApiError::InvalidToken)
    }
}
