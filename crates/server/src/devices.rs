//! Registered devices between the rules and the store: what is written when one is registered from a session, renewed or
//! named. It knows no routes, and not what a device may open.

use std::sync::Arc;

use countersign_domain::{
    changes::{Change, Changes},
    device,
    event::EventKind,
    id::SessionId,
    refusal::Refusal,
    session::Session,
    time::Timestamp,
    token::{Revocation, SecretToken},
    user::User,
};

use http::HeaderValue;

use crate::{
    accounts::{
        about_session, held_device, registered_device, seal_device, seal_device_of, session_ended,
        tell_registered,
    },
    call::Call,
    config::CookieSettings,
    cookie::{self, SessionCookie},
    error::ApiError,
    state::Server,
};

/// Gives a registered device its next secret: the device as it is from then on, the secret for the one answer that carries
/// it, and what must be committed before that leaves. Whoever asks once more within half a minute gets the same secret,
/// and nothing is to be written.
///
/// Whether it is [time for another](Session::is_rotation_due) is the caller's to ask; that the browser holds the device was
/// asked before ([`held_device`](crate::accounts::held_device)).
///
/// # Errors
/// [`ApiError::Internal`] for a session that is no registered device.
pub fn renew(
    server: &Server,
    device: Session,
    now: Timestamp,
) -> Result<(Session, SecretToken, Changes), ApiError> {
    let policy = server.realm(&device.realm).device;
    let renewed = device.renew(&policy, now, &server.keys).ok_or(ApiError::Internal)?;
    let mut changes = Changes::default();
    if renewed.is_rotated {
        changes.push(Change::Session(renewed.device.clone()));
        // What was remembered for the former secret is asked for anew, and then for no longer than that is good.
        let holder = server.keys.access_of_user(renewed.device.user);
        changes.push(Change::Revocation(Revocation::of_access(holder, now)));
        changes.push(about_session(EventKind::DeviceRotated, &renewed.device).into());
    }
    Ok((renewed.device, renewed.secret, changes))
}

/// `Set-Cookie` with the next secret of the registered device that a browser holds, where it is due or the browser has not
/// got the newest. None where it has.
///
/// # Errors
/// The store's; [`Refusal::SessionOver`] where it holds none.
pub async fn renew_held(
    server: &Arc<Server>,
    cookie: &SessionCookie,
    settings: &CookieSettings,
) -> Result<Option<HeaderValue>, ApiError> {
    let is_due = |device: &Session| {
        let policy = server.realm(&device.realm).device;
        device.is_rotation_due(&policy, server.now()) || !device.is_newest(&cookie.secret, &server.keys)
    };
    let held = async || {
        let found = held_device(server, cookie, server.now()).await?;
        found.ok_or(ApiError::Refused(Refusal::SessionOver))
    };
    // Looked at before it is decided, so that what is fresh costs one read.
    if !is_due(&held().await?) {
        return Ok(None);
    }
    let (device, secret) = server
        .decide(|| async {
            let (device, secret, changes) = renew(server, held().await?, server.now())?;
            Ok(((device, secret), changes))
        })
        .await?;
    Ok(cookie::set(settings, &device, &secret, server.now()))
}

/// Registers the browser of a call for the person of a session, in place of what it was registered as before. The user and
/// the session are written too: whatever throws the person out at this moment is before or after it.
///
/// # Errors
/// The store's, or [`ApiError::Internal`] when memory fails.
pub async fn register(
    call: &Call,
    user: &User,
    session: &Session,
) -> Result<((Session, SecretToken), Changes), ApiError> {
    let (server, now) = (&call.server, call.server.now());
    let policy = server.realm(&session.realm).device;
    let (device, secret) = {
        let mut random = server.random();
        let id = SessionId::new(now, &mut *random);
        let name = seal_device_of(call, &mut *random, id)?;
        session.register((id, name), (&policy, now), &server.keys, &mut *random)
    };
    let mut changes = Changes(vec![Change::User(user.clone()), Change::Session(session.clone())]);
    let (presented, all) = (registered_device(call).await?, server.store.sessions_of(user.id).await?);
    for ended in device::make_room(&all, presented.as_ref(), now, &mut changes) {
        changes.push(session_ended(&ended).by_method("device").into());
    }
    changes.push(Change::SessionStarted(device.clone()));
    let told = about_session(EventKind::DeviceRegistered, &device);
    changes.push(told.by_method(device.assurance.methods.names()).into());
    tell_registered(call, user, &device, &mut changes).await?;
    Ok(((device, secret), changes))
}

/// Gives a registered device another name.
///
/// # Errors
/// [`ApiError::Internal`] when memory fails.
pub fn rename(server: &Server, device: Session, label: &str) -> Result<(Session, Changes), ApiError> {
    let place = (&device.realm, device.id);
    let sealed_device = Some(seal_device(server, &mut *server.random(), place, label)?);
    let renamed = Session { sealed_device, ..device };
    let told = about_session(EventKind::DeviceRenamed, &renamed);
    let changes = Changes(vec![Change::Session(renamed.clone()), told.into()]);
    Ok((renamed, changes))
}
