//! Webhooks: addresses that are told what happens. What is to be told is a row that is written in the commit that it
//! tells about; the [`worker`] delivers it until somebody has taken it.
//!
//! The form is that of Standard Webhooks (standardwebhooks.com): a body of JSON with `type`, `timestamp` and `data`,
//! and the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.

mod hook;
pub mod worker;

use countersign_domain::{
    changes::Change,
    event::{Concerned, Event},
    id::DeliveryId,
    random::Random,
    time::{Span, Timestamp},
    vault::Vault as _,
    webhook::Delivery,
};
use serde_json::json;

pub use self::hook::{Hook, HookError, signature};
use crate::{api::rfc3339, keys::Context, state::Server};

/// For how long a delivery is tried.
const PATIENCE: Span = Span::from_hours(72);

/// The hooks of a configuration; none without `[[webhooks]]`.
#[derive(Debug, Default)]
pub struct Webhooks(Vec<Hook>);

impl Webhooks {
    /// Reads what is configured.
    ///
    /// # Errors
    /// [`HookError`] names the setting.
    pub fn new(settings: &[crate::config::WebhookSettings]) -> Result<Self, HookError> {
        settings.iter().map(Hook::new).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Hook] {
        &self.0
    }
}

/// What of an event is to be delivered where.
///
/// # Errors
/// The store's, or when memory fails.
pub async fn deliveries(
    server: &Server,
    event: &Event,
    random: &mut (dyn Random + Send),
) -> Result<Vec<Change>, countersign_store::Error> {
    let mut queued = Vec::new();
    for hook in server.webhooks.0.iter().filter(|hook| hook.wants(event.kind)) {
        let Some(data) = data(server, hook, event).await? else { continue };
        let now = server.now();
        let body = json!({"type": event.kind.name(), "timestamp": rfc3339(now), "data": data}).to_string();
        let id = DeliveryId::new(now, random);
        let sealed = server.keys.seal(random, &place(&id), body.as_bytes()).map_err(|error| {
            countersign_store::Error::Unavailable(format!("what a webhook is told: {error}"))
        })?;
        queued.push(Change::WebhookQueued(Delivery {
            id,
            hook: hook.name.clone(),
            sealed,
            attempts: 0,
            due_at: now,
            expires_at: now + PATIENCE,
        }));
    }
    Ok(queued)
}

/// As little as says what happened to whom: an app knows people by its subject, nobody else is told that.
async fn data(
    server: &Server,
    hook: &Hook,
    event: &Event,
) -> Result<Option<serde_json::Value>, countersign_store::Error> {
    let session = event.target.as_ref().filter(|_| event.kind.name().starts_with("session."));
    let Some(name) = &hook.app else {
        let realm = event.realm.as_ref().map(ToString::to_string);
        let app = event.app.as_ref().map(ToString::to_string);
        return Ok(match &event.person {
            Concerned::User(user) => {
                Some(json!({"user": user.to_string(), "realm": realm, "app": app, "session": session}))
            }
            // Who has no account is nobody's business but the app's.
            Concerned::Contact(_) | Concerned::Nobody => None,
        });
    };
    let is_elsewhere = event.app.as_ref().is_some_and(|app| app.as_str() != name.as_str());
    let Some(app) = server.app(name).filter(|_| !is_elsewhere) else { return Ok(None) };
    let subject = match (&event.subject, &event.person) {
        (Some(subject), _) if event.app.as_ref() == Some(&app.name) => Some(*subject),
        (_, Concerned::User(user)) => {
            let found = server.store.user_subject(*user, server.keys.sector(&app.sector)).await?;
            found.map(|found| found.subject)
        }
        _ => None,
    };
    Ok(subject.map(|subject| json!({"subject": subject.to_string(), "app": name, "session": session})))
}

fn place(delivery: &DeliveryId) -> Context<'_> {
    Context { table: "webhook_delivery", column: "sealed", id: delivery.bytes() }
}

/// The body of a delivery.
fn body(server: &Server, delivery: &Delivery) -> Option<Vec<u8>> {
    let opened = server.keys.open(&place(&delivery.id), &delivery.sealed).ok()?;
    Some(opened.expose().clone())
}

/// The seconds since 1970, as the header has them.
fn stamp(moment: Timestamp) -> String {
    moment.seconds().to_string()
}
