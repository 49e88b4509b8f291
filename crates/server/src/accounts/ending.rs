//! The end of all that a person is signed in by. It knows no routes.

use std::sync::Arc;

use countersign_domain::{
    event::{Event, EventKind},
    refusal::Refusal,
    session::Session,
    user::{self, User, UserStatus},
};

use crate::{error::ApiError, outbox::Notice, state::Server};

/// Ends all sessions of the person who holds this one, and tells them.
///
/// # Errors
/// [`Refusal::SessionOver`] where it is over itself; the store's.
pub async fn end_all(server: &Arc<Server>, held: &Session) -> Result<(), ApiError> {
    server
        .decide(|| async move {
            let user = user_of_session(server, held).await?;
            let sessions = server.store.sessions_of(user.id).await?;
            let mut changes = user::sign_out_everywhere(user.clone(), &sessions, server.now());
            changes.push(Event::new(EventKind::SessionsEnded).of_user(user.id).within(&user.realm).into());
            if let Some(app) = server.app(held.app.as_str()) {
                server.tell_user(&app, &user, &Notice::SignedOutEverywhere, &mut changes).await?;
            }
            Ok(((), changes))
        })
        .await
}

/// The user of a session, as long as both are as they were when the request came.
///
/// # Errors
/// [`Refusal::SessionOver`]; the store's.
pub async fn user_of_session(server: &Server, held: &Session) -> Result<User, ApiError> {
    let user = server.store.user(held.user).await?.filter(|user| user.status == UserStatus::Active);
    let session = server.store.session(held.id).await?;
    match (user, session) {
        (Some(user), Some(session)) if session.is_live(server.now()) => Ok(user),
        _ => Err(ApiError::Refused(Refusal::SessionOver)),
    }
}
