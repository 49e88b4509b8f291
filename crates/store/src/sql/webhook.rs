//! Deliveries to webhooks.

use countersign_domain::{
    id::DeliveryId,
    time::{Span, Timestamp},
    webhook::Delivery,
};

use super::{any, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Value, Write},
};

macro_rules! columns {
    () => {
        "id, hook, sealed, attempts, due_at, expires_at"
    };
}

pub(crate) fn select_due_deliveries(hook: &str, now: Timestamp, most: i64) -> Statement {
    read(
        concat!(
            "SELECT ",
            columns!(),
            " FROM webhook_delivery WHERE hook = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?"
        ),
        vec![hook.into(), now.into(), most.into()],
    )
}

pub(crate) fn read_delivery(row: Row) -> Result<Delivery, Error> {
    let mut columns = Columns::new("webhook_delivery", row);
    Ok(Delivery {
        id: DeliveryId::from_bytes(columns.array("id")?),
        hook: columns.text("hook")?,
        sealed: columns.bytes("sealed")?,
        attempts: columns.number("attempts")?,
        due_at: columns.time("due_at")?,
        expires_at: columns.time("expires_at")?,
    })
}

pub(super) fn insert(delivery: Delivery) -> Write {
    one(
        concat!("INSERT INTO webhook_delivery (", columns!(), ") VALUES (?, ?, ?, ?, ?, ?)"),
        vec![
            id(delivery.id),
            delivery.hook.into(),
            delivery.sealed.into(),
            i64::from(delivery.attempts).into(),
            delivery.due_at.into(),
            delivery.expires_at.into(),
        ],
    )
}

/// Takes a delivery for a while, if nobody else took it since it was read.
pub(crate) fn lease_delivery(delivery: &Delivery, now: Timestamp, lease: Span) -> Write {
    any(
        "UPDATE webhook_delivery SET due_at = ? WHERE id = ? AND due_at = ?",
        vec![(now + lease).into(), id(delivery.id), delivery.due_at.into()],
    )
}

pub(crate) fn delay_delivery(delivery: DeliveryId, attempts: u32, due_at: Timestamp) -> Write {
    any(
        "UPDATE webhook_delivery SET due_at = ?, attempts = ? WHERE id = ?",
        vec![due_at.into(), i64::from(attempts).into(), id(delivery)],
    )
}

pub(crate) fn delete_delivery(delivery: DeliveryId) -> Write {
    any("DELETE FROM webhook_delivery WHERE id = ?", vec![id(delivery)])
}

fn id(delivery: DeliveryId) -> Value {
    delivery.bytes().as_slice().into()
}
