//! What a person must be told: a row of the outbox, written with the change that caused it.

use crate::{app::AppName, id::MessageId, time::Timestamp};

/// A message that waits. Address and code are sealed in it and go when it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Names it; also its `Message-ID`. The message of a challenge is [named by it](MessageId::of).
    pub id: MessageId,
    /// The app that speaks.
    pub app: AppName,
    /// False for a message that is written, so that nobody can tell, and never sent.
    pub deliver: bool,
    /// Recipient and content, sealed.
    pub sealed: Vec<u8>,
    /// How often sending was tried.
    pub attempts: u32,
    /// When somebody may take it next. A message is born leased to the node that wrote it.
    pub due_at: Timestamp,
    /// When it was promised.
    pub created_at: Timestamp,
    /// When it is of no use any more: the end of its challenge.
    pub expires_at: Timestamp,
}
