//! What a browser holds that comes to the sign-in page: a session that may be enough already, or a sign-in that is under
//! way, in cookies.

use countersign_domain::{
    assurance::Level,
    challenge::Challenge,
    forward_auth::Opener,
    id::SignInId,
    pending_sign_in::{self, PendingSignIn},
    policy::Verdict,
    session::Session,
    token::SecretToken,
};
use http::{HeaderMap, HeaderValue};

use super::visit::Visit;
use crate::{
    accounts::{held_device, held_session},
    api::{
        challenge::{challenge_id, find_with_contact},
        sign_in::verdict_of,
    },
    call::Call,
    config::CookieKind,
    cookie,
    credentials::{may_change, owned},
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
    let (server, app) = (&call.server, &call.app);
    // An app's own pages ask for its own sessions alone. A proxy asks for anybody who is signed in.
    let is_behind_a_proxy = visit.is_behind_a_proxy();
    let mut held = Vec::new();
    if let Some(cookie) = &call.session_cookie {
        held.extend(held_session(server, cookie).await?);
    }
    if let Some(cookie) = &call.registered_cookie
        && is_behind_a_proxy
        && app.forward_auth.accepts.has(Opener::Device)
    {
        held.extend(held_device(server, cookie, server.now()).await?);
    }
    // What opens the app comes before what does not.
    held.sort_by_key(|session| visit.opens_nothing(session));
    let is_own = |session: &Session| session.app == app.name && !session.is_registered();
    let is_good = |session: &Session| {
        session.realm == app.realm && session.is_live(server.now()) && (is_own(session) || is_behind_a_proxy)
    };
    let mut found = Presence::Nobody;
    for session in held.into_iter().filter(is_good) {
        if is_enough(call, visit, &session).await? {
            return Ok(Presence::Enough(Box::new(session)));
        }
        if is_own(&session) {
            found = Presence::TooWeak;
        }
    }
    Ok(found)
}

async fn is_enough(call: &Call, visit: &Visit, session: &Session) -> Result<bool, ApiError> {
    if visit.fresh && !may_change_now(&call.server, session).await? {
        return Ok(false);
    }
    let policy = call.server.policy(&call.app);
    let holdings = flow::holdings(call, &policy, session.user).await?;
    Ok(policy.judge(session.assurance.methods, holdings, visit.asked()) == Verdict::Enough)
}

/// Whether the session may change its person's account.
///
/// # Errors
/// The store's.
pub(in crate::pages) async fn may_change_now(server: &Server, session: &Session) -> Result<bool, ApiError> {
    let Some(user) = server.store.user(session.user).await? else { return Ok(false) };
    let credentials = server.store.credentials_of(user.id).await?;
    match may_change(server, (&user, &credentials), session, server.now()).await {
        Ok(()) => Ok(true),
        Err(ApiError::NotFresh | ApiError::StrongerNeeded) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The level that whoever changes their account has to show: the highest that they can.
///
/// # Errors
/// The store's.
pub(super) async fn highest(call: &Call) -> Result<Level, ApiError> {
    let server = &call.server;
    let held = match &call.session_cookie {
        Some(cookie) => held_session(server, cookie).await?,
        None => None,
    };
    let Some(session) = held else { return Ok(Level::Mailbox) };
    let credentials = server.store.credentials_of(session.user).await?;
    let kinds = credentials.iter().map(|one| one.kind);
    Ok(owned(server, (&session.realm, session.user), kinds).await?.level())
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
    keep_flow_of(server, &row.id.to_string(), binding.expose())
}

/// The same for one that another route began.
pub(in crate::pages) fn keep_flow_of(server: &Server, id: &str, binding: &str) -> Option<HeaderValue> {
    let id = id.strip_prefix(SignInId::PREFIX).unwrap_or_default();
    let settings = &server.config.load().cookies;
    settings.set(CookieKind::SignIn, &format!("{id}.{binding}"), pending_sign_in::LIFE)
}

/// `Set-Cookie` that lets the browser forget a sign-in.
pub(super) fn forget_flow(server: &Server) -> impl Iterator<Item = HeaderValue> {
    let settings = &server.config.load().cookies;
    [CookieKind::SignIn, CookieKind::Binding].map(|kind| settings.clear(kind)).into_iter().flatten()
}
