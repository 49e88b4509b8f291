//! A ticket as it is kept: a question that waits for its answer, sealed, gone with the first answer. It knows no cookies.

use std::sync::Arc;

use countersign_domain::{
    ceremony::{Ceremony, CeremonyKind},
    changes::{Changes, FlowChange},
    id::{CeremonyId, SessionId},
    secret::Digest,
    session::Session,
    time::Span,
    token::SecretToken,
};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};

use crate::{
    credentials::{open_question, seal_question},
    error::ApiError,
    state::Server,
};

/// How long a ticket is good.
const LIFE: Span = Span::from_seconds(60);

/// Who may go where, in which browser.
#[derive(Debug)]
pub(super) struct Ticket {
    /// The app.
    pub(super) app: String,
    /// The page.
    pub(super) return_to: String,
    /// Whose it is.
    pub(super) session: SessionId,
    /// What the mark of the browser looks like from outside.
    pub(super) state: Digest,
}

/// The same as it is sealed, and the digest of its secret.
#[derive(Deserialize, Serialize)]
struct Kept {
    app: String,
    return_to: String,
    state: String,
    secret: String,
}

impl Ticket {
    /// Keeps it, and gives what the browser carries: 160 random bits beside the name of the row.
    ///
    /// # Errors
    /// The store's, or [`ApiError::Internal`] when memory fails.
    pub(super) async fn issue(self, server: &Arc<Server>, session: &Session) -> Result<String, ApiError> {
        let (now, mut random) = (server.now(), server.random());
        let (id, secret) = (CeremonyId::new(now, &mut *random), SecretToken::draw(&mut *random));
        drop(random);
        let kept = Kept {
            app: self.app,
            return_to: self.return_to,
            state: HEXLOWER.encode(self.state.bytes()),
            secret: HEXLOWER.encode(server.keys.ticket(&secret).bytes()),
        };
        let plain = serde_json::to_vec(&kept).map_err(|_| ApiError::Internal)?;
        let ceremony = Ceremony {
            id,
            realm: session.realm.clone(),
            kind: CeremonyKind::Ticket,
            within: *self.session.bytes(),
            user: Some(session.user),
            sealed: seal_question(server, (&session.realm, &id), &plain)?,
            expires_at: now + LIFE,
        };
        server.commit(Changes(vec![FlowChange::Asked(ceremony).into()])).await?;
        Ok(format!("{}.{}", BASE64URL_NOPAD.encode(id.bytes()), secret.expose()))
    }

    /// Takes it away, and gives it with the session that it came from, if that lives. Of several who show it one gets it.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn take(
        server: &Arc<Server>,
        id: CeremonyId,
        secret: &SecretToken,
    ) -> Result<Option<(Self, Session)>, ApiError> {
        server
            .decide(|| async move {
                let Some(found) = server.store.ceremony(id).await? else {
                    return Ok((None, Changes::default()));
                };
                let Some((ticket, digest)) = Self::open(server, &found)? else {
                    return Ok((None, Changes::default()));
                };
                // Compared in constant time.
                if digest != server.keys.ticket(secret) {
                    return Ok((None, Changes::default()));
                }
                let now = server.now();
                let session = server.store.session(ticket.session).await?;
                let is_good = |session: &Session| session.is_live(now) && found.user == Some(session.user);
                let taken = Changes(vec![FlowChange::Answered(id).into()]);
                Ok((session.filter(is_good).map(|session| (ticket, session)), taken))
            })
            .await
    }

    fn open(server: &Server, found: &Ceremony) -> Result<Option<(Self, Digest)>, ApiError> {
        if !found.takes(CeremonyKind::Ticket, &found.within, server.now()) {
            return Ok(None);
        }
        let opened = open_question(server, found)?;
        let kept: Kept = serde_json::from_slice(opened.expose()).map_err(|_| ApiError::Internal)?;
        let digest = |text: &str| {
            let bytes = HEXLOWER.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
            bytes.map(Digest::new).ok_or(ApiError::Internal)
        };
        let (state, secret) = (digest(&kept.state)?, digest(&kept.secret)?);
        let session = SessionId::from_bytes(found.within);
        Ok(Some((Self { app: kept.app, return_to: kept.return_to, session, state }, secret)))
    }
}
