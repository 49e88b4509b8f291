//! From what somebody showed to what is known of them: everything that is read where nothing is remembered.

use std::sync::Arc;

use countersign_domain::{
    app::App,
    assurance::{Assurance, Method, Methods},
    changes::{Change, Changes},
    forward_auth::Opener,
    membership::Role,
    refusal::Refusal,
    scope::Scopes,
    session::{Holder, Session},
    subject::Subject,
    time::{Span, Timestamp},
    user::{IdentifierKind, User, UserIdentifier, UserStatus, UserSubject},
    vault::Vault as _,
};

use super::{
    identity::{Identity, Person},
    known::{Known, Origin, Times},
    question::Shown,
};
use crate::{
    accounts::{held_app_cookie, held_device, held_session, open_identifier, open_profile},
    app_passwords,
    cookie::{AppCookie, SessionCookie},
    error::ApiError,
    grants,
    registry::Registry,
    state::Server,
    tokens::{self, Checked},
    visitor::note_use,
};

/// For how long what was read is trusted: much less than it is kept that somebody's access has changed.
const TRUSTED: Span = Span::from_minutes(10);

/// What comes of something that was shown.
#[derive(Clone, Debug)]
pub enum Found {
    /// Nothing: it is not good.
    Nobody,
    /// Somebody who may not use the app.
    NoGrant,
    /// Somebody who may.
    Somebody(Arc<Known>),
}

/// Somebody, before it is asked what they may use.
struct Presence {
    user: Option<User>,
    assurance: Assurance,
    /// The person as this app knows them, where that is known.
    subject: Option<Subject>,
    /// Their address, where a token says it and there is no account.
    email: Option<String>,
    origin: Origin,
    until: Timestamp,
    ends_at: Timestamp,
    /// When the registered device is to get another secret.
    renewal_due_at: Option<Timestamp>,
}

/// The world as it was before anything was looked at: what changes meanwhile is looked at again.
#[derive(Debug)]
pub struct Moment {
    /// The epoch.
    pub epoch: u32,
    /// The generation of the keys that are accepted.
    pub key_ring: u32,
    /// The apps and settings that decide.
    pub registry: Arc<Registry>,
}

impl Moment {
    /// Now.
    #[must_use]
    pub fn now(server: &Server) -> Self {
        // In this order: the epoch is no newer than the rest.
        let epoch = server.epoch.now();
        let key_ring = server.key_ring.load().generation();
        Self { epoch, key_ring, registry: server.registry.load_full() }
    }
}

/// Looks at what was shown, at an app of that moment.
///
/// # Errors
/// The store's.
pub async fn find(
    server: &Arc<Server>,
    moment: &Moment,
    app: &Arc<App>,
    shown: Shown<'_>,
) -> Result<Found, ApiError> {
    let now = server.now();
    let Some(mut presence) = presence(server, app, shown, now).await? else { return Ok(Found::Nobody) };
    let Some((scopes, person)) = permitted(server, app, &mut presence).await? else {
        return Ok(Found::NoGrant);
    };
    let subject = match presence.subject {
        Some(subject) => subject,
        None => match &presence.user {
            Some(user) => subject_at(server, app, user).await?,
            None => return Ok(Found::Nobody),
        },
    };
    let identity = Identity::new(subject, scopes, person);
    let until = presence.until.min(now + TRUSTED);
    let (epoch, generation) = (moment.epoch, moment.registry.generation());
    let (ends_at, renewal_due_at) = (presence.ends_at, presence.renewal_due_at);
    let key_ring = moment.key_ring;
    let times = Times { epoch, generation, key_ring, until, ends_at, renewal_due_at };
    Ok(Found::Somebody(Arc::new(Known::new(identity, presence.assurance, presence.origin, times))))
}

/// Whether something that was shown is good, whatever the app: for the answer to who asks for an app that is not there.
///
/// # Errors
/// The store's.
pub async fn is_somebody(server: &Arc<Server>, shown: Shown<'_>) -> Result<bool, ApiError> {
    let now = server.now();
    Ok(match shown.opener {
        // It is good for its app alone.
        _ if shown.of_app => false,
        Opener::Session => cookie_session(server, shown.text, now).await?.is_some(),
        Opener::Device => device(server, shown.text, now).await?.is_some(),
        Opener::Token => good_token(server, shown.text, now)?.is_some(),
        // It is good for the apps that it names.
        Opener::AppPassword => false,
    })
}

async fn presence(
    server: &Arc<Server>,
    app: &Arc<App>,
    shown: Shown<'_>,
    now: Timestamp,
) -> Result<Option<Presence>, ApiError> {
    let found = match shown.opener {
        _ if shown.of_app => of_app_cookie(server, app, shown.text, now).await?,
        Opener::Session => match cookie_session(server, shown.text, now).await? {
            Some(session) => of_session(server, app, session, now).await?,
            None => None,
        },
        Opener::Token => match good_token(server, shown.text, now)? {
            // What was made for another app opens nothing here.
            Some(token) if token.app.name == app.name => of_token(server, app, token, now).await?,
            _ => None,
        },
        Opener::Device => match device(server, shown.text, now).await? {
            Some((session, until)) => of_session(server, app, session, now)
                .await?
                .map(|found| Presence { until: found.until.min(until), ..found }),
            None => None,
        },
        Opener::AppPassword => of_app_password(server, app, shown.text, now).await?,
    };
    let is_active = |presence: &Presence| {
        presence.user.as_ref().is_none_or(|user| user.status == UserStatus::Active && user.realm == app.realm)
    };
    Ok(found.filter(is_active))
}

async fn cookie_session(server: &Server, text: &str, now: Timestamp) -> Result<Option<Session>, ApiError> {
    let Some(cookie) = SessionCookie::parse(text) else { return Ok(None) };
    let found = held_session(server, &cookie).await?;
    Ok(found.filter(|session| session.is_live(now) && matches!(session.holder, Holder::Cookie(_))))
}

/// What the app's own host gave after a sign-in here: good as long as the session or device that it stands for.
async fn of_app_cookie(
    server: &Arc<Server>,
    app: &Arc<App>,
    text: &str,
    now: Timestamp,
) -> Result<Option<Presence>, ApiError> {
    let Some(cookie) = AppCookie::parse(text) else { return Ok(None) };
    let Some(session) = held_app_cookie(server, &cookie, app, now).await? else { return Ok(None) };
    let opener = if session.is_registered() { Opener::Device } else { Opener::Session };
    if !app.forward_auth.accepts.has(opener) {
        return Ok(None);
    }
    // Its own cookie is elsewhere, perhaps gone: nobody is sent to renew what they may not hold any more.
    let found = of_session(server, app, session, now).await?;
    Ok(found.map(|found| Presence { renewal_due_at: None, ..found }))
}

/// The session of a registered device, and until when the secret that was shown holds it.
async fn device(
    server: &Server,
    text: &str,
    now: Timestamp,
) -> Result<Option<(Session, Timestamp)>, ApiError> {
    let Some(cookie) = SessionCookie::parse(text) else { return Ok(None) };
    let Some(session) = held_device(server, &cookie, now).await? else { return Ok(None) };
    let until = session.held_until(&cookie.secret, now, &server.keys);
    Ok(until.map(|until| (session, until)))
}

async fn of_app_password(
    server: &Server,
    app: &App,
    text: &str,
    now: Timestamp,
) -> Result<Option<Presence>, ApiError> {
    if app.accounts.is_none() {
        return Ok(None);
    }
    let Some((user, password)) = app_passwords::held(server, text, app, now).await? else { return Ok(None) };
    app_passwords::note_use(server, &password, now).await;
    let ends_at = password.expires_at.unwrap_or(now + TRUSTED);
    Ok(Some(Presence {
        user: server.store.user(user).await?,
        // What the person made it with is not known any more: it is a secret that a program keeps.
        assurance: Assurance::of(Method::Password, password.created_at),
        subject: None,
        email: None,
        origin: Origin { session: None, token: None, holders: Vec::new() },
        until: ends_at,
        ends_at,
        renewal_due_at: None,
    }))
}

fn good_token(server: &Server, text: &str, now: Timestamp) -> Result<Option<Checked>, ApiError> {
    match tokens::check(server, text, now) {
        Ok(checked) => Ok(Some(checked)),
        Err(ApiError::InvalidToken) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn of_session(
    server: &Arc<Server>,
    app: &App,
    mut session: Session,
    now: Timestamp,
) -> Result<Option<Presence>, ApiError> {
    if session.realm != app.realm || app.accounts.is_none() {
        return Ok(None);
    }
    // Where the app that was signed in to has gone, or has left the realm, so has the session.
    let home = server.app(session.app.as_str());
    if !home.is_some_and(|home| home.is_home_in(&session.realm)) {
        return Ok(None);
    }
    let Some(user) = server.store.user(session.user).await? else { return Ok(None) };
    note_use(server, &mut session, now).await;
    let realm = server.realm(&session.realm);
    let policy = realm.life_of(&session);
    Ok(Some(Presence {
        subject: (session.app == app.name).then_some(session.subject),
        assurance: session.assurance,
        origin: Origin::of_session(&session),
        until: session.use_is_noted_from(&policy),
        ends_at: session.idle_ends_at.min(session.expires_at),
        renewal_due_at: session.rotation_due_at(&realm.device),
        user: Some(user),
        email: None,
    }))
}

async fn of_token(
    server: &Arc<Server>,
    app: &App,
    token: Checked,
    now: Timestamp,
) -> Result<Option<Presence>, ApiError> {
    let claims = token.claims()?;
    let ends_at = token.until;
    let session = match token.session {
        Some(id) => match server.store.session(id).await? {
            Some(session) if session.is_live(now) => Some(session),
            _ => return Ok(None),
        },
        None => None,
    };
    // A token that an app with accounts gave before it had any names nobody here.
    if session.is_none() && app.accounts.is_some() {
        return Ok(None);
    }
    let user = match &session {
        Some(session) => match server.store.user(session.user).await? {
            Some(user) => Some(user),
            None => return Ok(None),
        },
        None => None,
    };
    let methods = session.as_ref().map(|session| session.assurance.methods);
    Ok(Some(Presence {
        user,
        assurance: Assurance {
            methods: methods.unwrap_or(Methods::NONE.with(Method::Code)),
            proven_at: Timestamp::from_millis(claims.auth_time.saturating_mul(1000)),
        },
        subject: Some(token.subject),
        email: claims.email,
        origin: Origin {
            session: session.as_ref().map(|session| (session.id, session.app.clone(), session.subject)),
            token: Some((token.id, app.name.clone(), token.subject, token.session)),
            holders: Vec::new(),
        },
        until: ends_at,
        ends_at,
        renewal_due_at: None,
    }))
}

/// What somebody may know and do at an app, and who they are; none where they may not use it.
async fn permitted(
    server: &Server,
    app: &App,
    presence: &mut Presence,
) -> Result<Option<(Scopes, Person)>, ApiError> {
    let Some(user) = &presence.user else {
        let person = Person { email: presence.email.take(), ..Person::default() };
        return Ok(app.forward_auth.open.then(|| (app.forward_auth.scopes.clone(), person)));
    };
    let profile = open_profile(server, user)?;
    let membership = grants::membership_in(&profile)?;
    let of_group = |group| server.keys.access_of_group(&user.realm, group);
    presence.origin.holders = vec![server.keys.access_of_user(user.id)];
    presence.origin.holders.extend(membership.groups.iter().map(of_group));
    let access = grants::access(server, (user, &membership), app).await?;
    let Some(access) = access else { return Ok(None) };
    if let Some(end) = access.until {
        presence.ends_at = presence.ends_at.min(end);
    }
    let identifiers = server.store.identifiers_of(user.id).await?;
    let name_of = |identifier: &UserIdentifier| open_identifier(server, identifier);
    let person = Person {
        username: identifiers
            .iter()
            .find(|known| known.kind == IdentifierKind::Username)
            .map(name_of)
            .transpose()?,
        email: identifiers.iter().find(|known| known.is_first_address()).map(name_of).transpose()?,
        name: profile.display_name,
        is_admin: Some(membership.role == Role::Admin),
        groups: membership.groups,
    };
    Ok(Some((access.scopes, person)))
}

/// The person as an app knows them: given at the first visit, as at a first sign-in.
async fn subject_at(server: &Arc<Server>, app: &App, user: &User) -> Result<Subject, ApiError> {
    let sector = server.keys.sector(&app.sector);
    if let Some(known) = server.store.user_subject(user.id, sector).await? {
        return Ok(known.subject);
    }
    server
        .decide(|| async {
            if let Some(known) = server.store.user_subject(user.id, sector).await? {
                return Ok((known.subject, Changes::default()));
            }
            let gone = ApiError::Refused(Refusal::SessionOver);
            let user = server.store.user(user.id).await?.ok_or(gone)?;
            let address = crate::accounts::primary_address(server, user.id).await?;
            let wanted = address.map(|address| server.keys.subject(&app.sector, &address));
            let free = match wanted {
                Some(subject) if server.store.subject(subject).await?.is_none() => Some(subject),
                _ => None,
            };
            let subject = free.unwrap_or_else(|| server.keys.user_subject(&app.sector, user.id));
            let given = Change::SubjectAdded(UserSubject { user: user.id, sector, subject });
            // Written as they are: who is erased at this moment gets no subject.
            Ok((subject, Changes(vec![Change::User(user), given])))
        })
        .await
}
