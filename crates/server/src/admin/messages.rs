//! Messages that wait: listed without recipient and content, hurried, dropped.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    routing::{delete, get, post},
};
use countersign_domain::{
    changes::{Change, Changes},
    event::{Event, EventKind},
    id::MessageId,
    message::Message,
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{List, Operator, Page};
use crate::{
    api::{Answer, answer, rfc3339},
    call::Named,
    error::ApiError,
    state::Server,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/admin/messages", get(list))
        .route("/v1/admin/messages/{id}", delete(forget))
        .route("/v1/admin/messages/{id}/retry", post(retry))
}

/// A message that waits. To whom it goes and what it says is sealed, for operators too.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageBody {
    /// Names it; also in the mail's `Message-ID`.
    pub id: String,
    /// The app that speaks.
    pub app: String,
    /// When it was promised.
    pub created_at: String,
    /// When it is tried next.
    pub due_at: String,
    /// How often sending was tried.
    pub attempts: u32,
    /// When it is of no use any more, and goes by itself.
    pub expires_at: String,
}

/// What was done to a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageDoneBody {
    /// The message.
    pub id: String,
    /// `due` or `dropped`.
    pub outcome: &'static str,
}

/// Messages that wait, without recipient and content.
#[utoipa::path(get, path = "/v1/admin/messages", operation_id = "list_messages", tag = "messages",
    params(Page),
    responses((status = 200, description = "The messages", body = List<MessageBody>)))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    operator: Operator,
    page: Page,
) -> Answer<List<MessageBody>> {
    let after = match &page.after {
        Some(after) => {
            after.parse().map_err(|_| ApiError::invalid("after", "expected the id of a message"))?
        }
        None => MessageId::from_bytes([0; 16]),
    };
    let most = i64::try_from(page.limit).unwrap_or(i64::MAX).saturating_add(1);
    let waiting = server.store.messages_after(after, most).await?;
    let mut list = page.of(waiting.iter(), |message| message.id.to_string());
    // What is another realm's is left out of its part of the list, which may be short then.
    list.items
        .retain(|message| operator.app(&server, message.app.as_str()).is_ok() || operator.realm().is_none());
    let items = list.items.into_iter().map(body_of).collect();
    Ok(answer(StatusCode::OK, List { items, next: list.next }))
}

/// Make a message due now.
#[utoipa::path(post, path = "/v1/admin/messages/{id}/retry", operation_id = "retry_message", tag = "messages",
    params(("id" = String, Path, description = "The message")),
    responses((status = 200, description = "It is due", body = MessageDoneBody)))]
pub(crate) async fn retry(State(server): State<Arc<Server>>, Named(id): Named) -> Answer<MessageDoneBody> {
    let id: MessageId = id.parse().map_err(|_| ApiError::NotFound)?;
    commit(&server, Changes(vec![Change::MessageDue(id, server.now())])).await?;
    Ok(answer(StatusCode::OK, MessageDoneBody { id: id.to_string(), outcome: "due" }))
}

/// Forget a message. One that is being sent at this moment may still arrive.
#[utoipa::path(delete, path = "/v1/admin/messages/{id}", operation_id = "forget_message", tag = "messages",
    params(("id" = String, Path, description = "The message")),
    responses((status = 200, description = "It is forgotten", body = MessageDoneBody)))]
pub(crate) async fn forget(State(server): State<Arc<Server>>, Named(id): Named) -> Answer<MessageDoneBody> {
    let id: MessageId = id.parse().map_err(|_| ApiError::NotFound)?;
    let told = Event::new(EventKind::MessageForgotten).on(&id.to_string());
    commit(&server, Changes(vec![Change::MessageForgotten(id), told.into()])).await?;
    Ok(answer(StatusCode::OK, MessageDoneBody { id: id.to_string(), outcome: "dropped" }))
}

async fn commit(server: &Arc<Server>, changes: Changes) -> Result<(), ApiError> {
    match server.commit(changes).await {
        // The row is not there: it was sent, or never was.
        Err(countersign_store::Error::Conflict) => Err(ApiError::NotFound),
        other => Ok(other?),
    }
}

fn body_of(message: &Message) -> MessageBody {
    MessageBody {
        id: message.id.to_string(),
        app: message.app.to_string(),
        created_at: rfc3339(message.created_at),
        due_at: rfc3339(message.due_at),
        attempts: message.attempts,
        expires_at: rfc3339(message.expires_at),
    }
}
