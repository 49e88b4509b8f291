//! What a browser holds that comes to the sign-in page: a session that may be enough already, or a sign-in that is under
//! way, in cookies.

use countersign_domain::{
    challenge::Challenge, forward_auth::SignInMode, id::SignInId, pending_sign_in::PendingSignIn,
    policy::Verdict, session::Session, token::SecretToken,
};
use http::{HeaderMap, HeaderValue};

use super::visit::Visit;
use crate::{
    accounts::held_session,
    api::{
        challenge::{challenge_id, find_with_contact},
        sign_in::verdict_of,
    },
    call::Call,
    config::CookieKind,
    cookie,
    error::ApiError,
    flow::{self, FlowKey, Said},
    state::Server,
};

/// What the session of a browser is worth here.
#[derive(Debug)]
pub(super) enum Presence {
    /// Nobody is signed in.
    Nobody,
    /// Somebody is, and has to show more.
    TooWeak,
    /// Somebody is, and that is enough.
    Enough(Box<Session>),
}

/// Who is signed in with the browser. What is enough is the policy's to say, of today.
///
/// # Errors
/// The store's.
pub(super) async fn presence(call: &Call, visit: &Visit) -> Result<Presence, ApiError> {
    let Some(cookie) = &call.session_cookie else { return Ok(Presence::Nobody) };
    let (server, now) = (&call.server, call.server.now());
    let found = held_session(server, cookie).await?;
    let is_good = |session: &Session| session.realm == call.app.realm && session.is_live(now);
    let Some(session) = found.filter(is_good) else { return Ok(Presence::Nobody) };
    let is_own = session.app == call.app.name;
    let is_behind_a_proxy = visit.state.is_some() || call.app.forward_auth.sign_in == SignInMode::Redirect;
    if !is_own && !is_behind_a_proxy {
        // Its own pages ask for the app's own sessions alone. A proxy asks for anybody who is signed in.
        return Ok(Presence::Nobody);
    }
    let policy = server.policy(&call.app);
    let holdings = flow::holdings(call, &policy, session.user).await?;
    let verdict = policy.judge(session.assurance.methods, holdings, visit.asked());
    Ok(match verdict {
        Verdict::Enough => Presence::Enough(Box::new(session)),
        Verdict::More(_) | Verdict::Enrol(_) if is_own => Presence::TooWeak,
        Verdict::More(_) | Verdict::Enrol(_) => Presence::Nobody,
    })
}

/// A sign-in under way, and what a page shows of it.
#[derive(Debug)]
pub(super) struct Standing {
    /// What the browser presents to go on.
    pub(super) key: FlowKey,
    /// As it is kept.
    pub(super) row: PendingSignIn,
    /// Who is said to sign in.
    pub(super) said: Said,
    /// What must follow.
    pub(super) verdict: Verdict,
    /// What was mailed last.
    pub(super) challenge: Option<Challenge>,
}

/// The sign-in under way at this app that the browser holds; none when it is over.
///
/// # Errors
/// The store's.
pub(super) async fn standing(call: &Call, headers: &HeaderMap) -> Result<Option<Standing>, ApiError> {
    let Some(key) = flow_key(&call.server, headers) else { return Ok(None) };
    let server = &call.server;
    let row = match flow::find(server, &call.app, &key, server.now()).await {
        Ok(row) => row,
        Err(ApiError::Refused(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let (said, verdict) = (flow::open(server, &row)?, verdict_of(call, &row).await?);
    let challenge = match &said.challenge {
        Some((id, _)) => find_with_contact(server, &call.app, challenge_id(id)?).await.ok(),
        None => None,
    };
    Ok(Some(Standing { key, row, said, verdict, challenge: challenge.map(|(challenge, _)| challenge) }))
}

/// What a browser presents to go on.
pub(super) fn flow_key(server: &Server, headers: &HeaderMap) -> Option<FlowKey> {
    let name = server.config.load().cookies.name(CookieKind::SignIn);
    let value = cookie::value(headers, &name)?;
    let (id, binding) = value.split_once('.')?;
    let id = format!("{}{id}", SignInId::PREFIX).parse().ok()?;
    Some(FlowKey { id, binding: SecretToken::parse(binding).ok()? })
}

/// `Set-Cookie` for a sign-in that began.
pub(super) fn keep_flow(server: &Server, row: &PendingSignIn, binding: &SecretToken) -> Option<HeaderValue> {
    let id = row.id.to_string();
    let id = id.strip_prefix(SignInId::PREFIX).unwrap_or_default();
    let value = format!("{id}.{}", binding.expose());
    let settings = &server.config.load().cookies;
    settings.set(CookieKind::SignIn, &value, row.expires_at.since(server.now()))
}

/// `Set-Cookie` that lets the browser forget a sign-in.
pub(super) fn forget_flow(server: &Server) -> impl Iterator<Item = HeaderValue> {
    let settings = &server.config.load().cookies;
    [CookieKind::SignIn, CookieKind::Binding].map(|kind| settings.clear(kind)).into_iter().flatten()
}
