//! Accounts between the rules and the store: what is read to sign a person in, and a user's sealed parts. It knows
//! no routes.

mod ending;
mod entering;
mod new_device;
mod sealed;
mod telling;

use std::sync::Arc;

use countersign_domain::{
    app::{AccountPolicy, App, BrowserTokens, SignUp},
    assurance::Method,
    challenge::{Proof, Purpose},
    changes::{Changes, Decision},
    event::EventKind,
    id::{ChallengeId, UserId},
    identifier::EmailAddress,
    invitation::Invitation,
    pending_sign_in::PendingSignIn,
    random::Random,
    realm::{Realm, RealmName},
    refresh::RefreshToken,
    refusal::Refusal,
    secret::Digest,
    session::Session,
    time::Timestamp,
    user::{IdentifierKind, User},
    vault::Vault as _,
};

pub use self::ending::{end_all, user_of_session};
pub use self::entering::{Entry, Evidence, begin, seal_device_of};
pub use self::new_device::{KnownBrowser, remember, tell_registered};
pub use self::sealed::{
    Profile, open_device, open_identifier, open_profile, seal_device, seal_name, seal_profile,
};
use crate::{
    call::Call,
    cookie::{AppCookie, SessionCookie},
    error::ApiError,
    keys::Context,
    state::Server,
    user_passwords,
};

pub use self::telling::{about_session, authentication, session_ended, tell_session, tell_sign_in};

/// A proof, and what it became where the app has accounts.
#[derive(Debug)]
pub struct Passed {
    /// What was proven.
    pub proof: Proof,
    /// What it led to there.
    pub entry: Option<Entry>,
}

/// What a decision about a challenge became, and all that must be written.
pub type Completed = (Result<Passed, Refusal>, Changes);

/// Completes a decision about a challenge of `contact`'s: where the app has accounts, a proof for signing in signs the
/// person in, in the same commit, or goes on with a sign-in. What came of it is told as events.
///
/// # Errors
/// The store's, or when memory fails.
pub async fn complete(
    call: &Call,
    contact: Digest,
    decision: Decision<Result<Proof, Refusal>>,
    flow: Option<PendingSignIn>,
) -> Result<Completed, ApiError> {
    let Decision { outcome, mut changes } = decision;
    let app = &*call.app;
    let mut proof = match outcome {
        Ok(proof) => proof,
        Err(refusal) => {
            // A guess that cost nothing is none: the challenge was over, or somebody else's.
            if !changes.is_empty() {
                let method = Method::Code;
                changes.push(
                    authentication(EventKind::ChallengeFailed, app, method)
                        .of_contact(contact)
                        .failed()
                        .into(),
                );
            }
            return Ok((Err(refusal), changes));
        }
    };
    // Who registers signs in; the password that they wished is all that differs.
    let registers = proof.purpose == Purpose::Register;
    if registers {
        proof.purpose = Purpose::SignIn;
    }
    let passed = authentication(EventKind::ChallengePassed, app, proof.assurance.methods);
    let accounts = app.accounts.as_ref().filter(|_| proof.purpose == Purpose::SignIn);
    let Some(accounts) = accounts else {
        changes.push(passed.of_contact(contact).into());
        return Ok((Ok(Passed { proof, entry: None }), changes));
    };
    let Some(address) = proven_address(&call.server, &proof)? else {
        // It was started before the app had accounts.
        changes.push(passed.of_contact(contact).into());
        return Ok((Err(Refusal::ChallengeOver), changes));
    };
    let entered = enter(call, accounts, (&proof, &address), registers, flow).await?;
    changes.extend(entered.changes);
    match &entered.outcome {
        Ok(Entry::SignedIn(signed_in)) => tell_sign_in(call, signed_in, passed, &mut changes),
        Ok(Entry::Pending(_)) => changes.push(passed.of_contact(contact).into()),
        Err(_) => {
            changes.push(passed.of_contact(contact).into());
            let refused = authentication(EventKind::SignInRefused, app, proof.assurance.methods);
            changes.push(refused.of_contact(contact).failed().into());
        }
    }
    Ok((entered.outcome.map(|entry| Passed { proof, entry: Some(entry) }), changes))
}

/// What a mailed proof leads to; who `registers` gets the password that they wished.
async fn enter(
    call: &Call,
    accounts: &AccountPolicy,
    (proof, address): (&Proof, &EmailAddress),
    registers: bool,
    flow: Option<PendingSignIn>,
) -> Result<Decision<Result<Entry, Refusal>>, ApiError> {
    let user = user_of(&call.server, &call.app.realm, address).await?;
    let evidence =
        |assurance| Evidence { assurance, address: Some(address), flow: flow.clone(), trusts: false };
    let wishes = registers && call.server.store.password_wish(proof.challenge).await?.is_some();
    let mut assurance = proof.assurance;
    if wishes && user.is_none() {
        // Who gets the password with this sign-in has just shown that they know it.
        assurance.methods = assurance.methods.with(Method::Password);
    }
    let mut entered = begin(call, accounts, evidence(assurance), user.clone()).await?;
    if assurance != proof.assurance && matches!(entered.outcome, Ok(Entry::Pending(_))) {
        // Without a session nobody gets it, and it counts for nothing.
        entered = begin(call, accounts, evidence(proof.assurance), user).await?;
    }
    if registers
        && let Ok(Entry::SignedIn(signed_in)) = &entered.outcome
        && signed_in.is_new
    {
        let session = &signed_in.session;
        entered
            .changes
            .extend(user_passwords::fulfil(&call.server, &call.app, proof.challenge, session).await?);
    }
    Ok(entered)
}

/// The mailbox that a proof is about, where the challenge kept it.
///
/// # Errors
/// [`ApiError::Internal`] when it does not open.
pub fn proven_address(server: &Server, proof: &Proof) -> Result<Option<EmailAddress>, ApiError> {
    sealed_address(server, proof.challenge, proof.sealed_address.as_deref())
}

/// The mailbox that a challenge asks, where it kept it.
///
/// # Errors
/// [`ApiError::Internal`] when it does not open.
pub fn sealed_address(
    server: &Server,
    challenge: ChallengeId,
    sealed: Option<&[u8]>,
) -> Result<Option<EmailAddress>, ApiError> {
    let Some(sealed) = sealed else { return Ok(None) };
    let place = Context { table: "challenge", column: "sealed_address", id: challenge.bytes() };
    let opened = server.keys.open(&place, sealed).map_err(|_| ApiError::Internal)?;
    let text = std::str::from_utf8(opened.expose()).map_err(|_| ApiError::Internal)?;
    EmailAddress::parse(text).map(Some).map_err(|_| ApiError::Internal)
}

/// Whether somebody with this mailbox can get into the app at all. Nothing is asked of the store where everybody can.
///
/// # Errors
/// The store's.
pub async fn may_come(call: &Call, address: &EmailAddress) -> Result<bool, ApiError> {
    let Some(accounts) = &call.app.accounts else { return Ok(true) };
    if accounts.sign_up == SignUp::Open {
        return Ok(true);
    }
    let known = user_of(&call.server, &call.app.realm, address).await?;
    // Asked for everybody: how long it takes does not tell who is known.
    let invited = invitation_of(call, accounts, address).await?;
    let invited = invited.is_some_and(|invitation| invitation.is_open(call.server.now()));
    Ok(known.is_some() || invited || accounts.sign_up.admits(address))
}

/// The invitation of a mailbox to the app. Nothing is asked of the store where none is needed.
async fn invitation_of(
    call: &Call,
    accounts: &AccountPolicy,
    address: &EmailAddress,
) -> Result<Option<Invitation>, ApiError> {
    if accounts.sign_up != SignUp::Invitation {
        return Ok(None);
    }
    let digest = call.server.keys.identifier(&call.app.realm, address);
    Ok(call.server.store.invitation_of(&call.app.name, digest).await?)
}

/// The user of a realm who has a mailbox.
///
/// # Errors
/// The store's.
pub async fn user_of(
    server: &Server,
    realm: &RealmName,
    address: &EmailAddress,
) -> Result<Option<User>, ApiError> {
    let digest = server.keys.identifier(realm, address);
    Ok(server.store.user_by_identifier(realm, IdentifierKind::Email, digest).await?)
}

/// Whether it is a browser that asks and that will hold tokens in cookies. On our own pages it holds a session.
#[must_use]
pub fn holds_tokens(call: &Call) -> bool {
    let wanted = call.app.accounts.as_ref().map(|accounts| accounts.browser_tokens);
    let is_ours = call.origin.as_deref() == Some(&call.server.issuer());
    !call.is_secret() && !is_ours && wanted == Some(BrowserTokens::Jwt)
}

/// All sessions that the browser holds.
///
/// # Errors
/// The store's.
pub async fn held_sessions(call: &Call) -> Result<Vec<Session>, ApiError> {
    let mut held = Vec::new();
    if let Some(cookie) = &call.session_cookie {
        held.extend(held_session(&call.server, cookie).await?);
    }
    if let Some(token) = &call.held_refresh {
        held.extend(refreshed_session(&call.server, token).await?);
    }
    Ok(held)
}

/// The registered device that the browser holds.
///
/// # Errors
/// The store's.
pub async fn registered_device(call: &Call) -> Result<Option<Session>, ApiError> {
    match &call.registered_cookie {
        Some(cookie) => held_device(&call.server, cookie, call.server.now()).await,
        None => Ok(None),
    }
}

/// The session of a genuine refresh token, spent or not. Whether it is over is not looked at.
///
/// # Errors
/// The store's.
pub async fn refreshed_session(server: &Server, token: &RefreshToken) -> Result<Option<Session>, ApiError> {
    Ok(server.store.session(token.session).await?.filter(Session::has_refresh_token))
}

/// The session of a genuine refresh token that is the newest, or the one before it for a moment. A token that was spent
/// shows nothing but that somebody had it once. Whether the session is over is not looked at.
///
/// # Errors
/// The store's.
pub async fn accepted_session(
    server: &Server,
    token: &RefreshToken,
    now: Timestamp,
) -> Result<Option<Session>, ApiError> {
    let grace = |session: &Session| server.realm(&session.realm).session.refresh_grace;
    let found = refreshed_session(server, token).await?;
    Ok(found.filter(|session| token.is_accepted_by(session, grace(session), now)))
}

/// The session of a cookie, if the cookie's secret is the one. Whether it is over is not looked at.
///
/// # Errors
/// The store's.
pub async fn held_session(server: &Server, cookie: &SessionCookie) -> Result<Option<Session>, ApiError> {
    let found = server.store.session(cookie.id).await?;
    Ok(found.filter(|session| session.is_held_by(&cookie.secret, &server.keys)))
}

/// The live session that the cookie of an app's own host names, if it is good for that app: an ordinary one or a
/// registered device.
///
/// # Errors
/// The store's.
pub async fn held_app_cookie(
    server: &Server,
    cookie: &AppCookie,
    app: &App,
    now: Timestamp,
) -> Result<Option<Session>, ApiError> {
    // Compared in constant time, and before anything is read.
    if cookie.mac != server.keys.app_cookie(cookie.session, &app.name) {
        return Ok(None);
    }
    let found = server.store.session(cookie.session).await?;
    let is_good =
        |session: &Session| session.is_in_a_browser() && session.realm == app.realm && session.is_live(now);
    Ok(found.filter(is_good))
}

/// The registered device of a cookie that holds its newest secret, or for a moment the one before; none where it is over.
/// Whose it is is not looked at, nor what that person may reach.
///
/// # Errors
/// The store's.
pub async fn held_device(
    server: &Server,
    cookie: &SessionCookie,
    now: Timestamp,
) -> Result<Option<Session>, ApiError> {
    let found = server.store.session(cookie.id).await?;
    let is_held = |one: &Session| one.is_registered_held_by(&cookie.secret, now, &server.keys);
    Ok(found.filter(|one| is_held(one) && one.is_live(now)))
}

/// An identifier, sealed for its row.
///
/// # Errors
/// [`ApiError::Internal`] when memory fails.
pub fn seal_identifier(
    server: &Server,
    random: &mut dyn Random,
    realm: &RealmName,
    address: &EmailAddress,
) -> Result<Vec<u8>, ApiError> {
    seal_name(server, random, (realm, &server.keys.identifier(realm, address)), address.canonical())
}

/// The first address of a user, where the app's tokens carry it.
///
/// # Errors
/// The store's.
pub async fn address_claim(server: &Server, app: &App, user: UserId) -> Result<Option<String>, ApiError> {
    if !app.token.address_claim {
        return Ok(None);
    }
    Ok(primary_address(server, user).await?.map(|address| address.canonical().to_owned()))
}

/// The first address of a user, where it is verified.
///
/// # Errors
/// The store's; [`ApiError::Internal`] when it does not open.
pub async fn primary_address(server: &Server, user: UserId) -> Result<Option<EmailAddress>, ApiError> {
    let identifiers = server.store.identifiers_of(user).await?;
    let primary = identifiers.iter().find(|identifier| identifier.is_first_address());
    let text = primary.map(|identifier| open_identifier(server, identifier)).transpose()?;
    text.map(|text| EmailAddress::parse(&text)).transpose().map_err(|_| ApiError::Internal)
}

impl Server {
    /// A realm as it is set now, in the configuration file before the store; one that is in neither has every default.
    #[must_use]
    pub fn realm(&self, name: &RealmName) -> Realm {
        self.registry.load().realm(name).cloned().unwrap_or_else(|| Realm::new(name.clone()))
    }

    /// Ends a session for good, here at once and elsewhere within a second.
    ///
    /// # Errors
    /// The store's.
    pub async fn end_session(self: &Arc<Self>, session: &Session) -> Result<(), ApiError> {
        self.decide(|| async {
            let mut changes = countersign_domain::session::end(session, self.now());
            changes.push(session_ended(session).into());
            Ok(((), changes))
        })
        .await
    }
}
