//! What is told of sign-ins and of sessions that end. It decides nothing.

use countersign_domain::{
    app::App,
    assurance::Methods,
    changes::{Change, Changes},
    event::{Event, EventKind},
    id::{DeviceId, SessionId},
    session::Session,
    sign_in::SignedIn,
    time::Timestamp,
};

use crate::call::Call;

/// Something about an authentication at an app.
#[must_use]
pub fn authentication(kind: EventKind, app: &App, methods: impl Into<Methods>) -> Event {
    Event::new(kind).at(&app.name).within(&app.realm).by_method(methods.into().names())
}

/// Tells that somebody signed in: the proof, and what [`tell_session`] tells.
pub fn tell_sign_in(call: &Call, signed_in: &SignedIn, passed: Event, changes: &mut Changes) {
    let session = &signed_in.session;
    changes.push(passed.of_user(session.user).of_subject(session.subject).into());
    tell_session(call, signed_in, changes);
}

/// Tells of a session, or a device that was registered, and of the user where one was made.
pub fn tell_session(call: &Call, signed_in: &SignedIn, changes: &mut Changes) {
    let session = &signed_in.session;
    let about = |event: Event| event.of_user(session.user).of_subject(session.subject);
    let told = |kind| about(authentication(kind, &call.app, session.assurance.methods));
    if signed_in.is_new {
        changes.push(told(EventKind::UserCreated).into());
    }
    let mut started = told(begun_as(session)).on(&name_of(session));
    if let Some(agent) = call.user_agent.as_deref().filter(|_| !call.is_secret()) {
        started = started.with("device", crate::pages::device(agent));
    }
    changes.push(started.into());
}

/// Tells that a session ended before its time.
#[must_use]
pub fn session_ended(session: &Session) -> Event {
    about_session(
        if session.is_registered() { EventKind::DeviceEnded } else { EventKind::SessionEnded },
        session,
    )
}

const fn begun_as(session: &Session) -> EventKind {
    if session.is_registered() { EventKind::DeviceRegistered } else { EventKind::SessionStarted }
}

/// What a session is called in the interface and in the log.
fn name_of(session: &Session) -> String {
    if session.is_registered() { DeviceId::from(session.id).to_string() } else { session.id.to_string() }
}

/// Something about a session or a registered device.
#[must_use]
pub fn about_session(kind: EventKind, session: &Session) -> Event {
    Event::new(kind)
        .of_user(session.user)
        .of_subject(session.subject)
        .at(&session.app)
        .within(&session.realm)
        .on(&name_of(session))
}

/// Tells which of these sessions make room; one that was over already has ended by itself.
pub(super) fn tell_endings(sessions: &[Session], now: Timestamp, changes: &mut Changes) {
    let ended: Vec<SessionId> = changes
        .0
        .iter()
        .filter_map(|change| match change {
            Change::SessionEnded(id) => Some(*id),
            _ => None,
        })
        .collect();
    for id in ended {
        if let Some(session) = sessions.iter().find(|session| session.id == id && session.is_live(now)) {
            changes.push(session_ended(session).by_method("sign_in").into());
        }
    }
}
