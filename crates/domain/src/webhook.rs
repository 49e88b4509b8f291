//! What a webhook is told: a row that waits until it was delivered, written with the change that caused it.

use crate::{id::DeliveryId, time::Timestamp};

/// A delivery that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Names it: `webhook-id`, by which a receiver knows what it had before.
    pub id: DeliveryId,
    /// The name of the webhook in the configuration.
    pub hook: String,
    /// What is told, sealed.
    pub sealed: Vec<u8>,
    /// How often it was tried.
    pub attempts: u32,
    /// When somebody may take it next.
    pub due_at: Timestamp,
    /// When it is given up.
    pub expires_at: Timestamp,
}
