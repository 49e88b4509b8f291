//! Sessions.

use countersign_domain::{
    app::AppName,
    assurance::{Assurance, Methods},
    id::{SessionId, UserId},
    secret::Digest,
    session::{Holder, Session},
    subject::Subject,
    time::Timestamp,
};

use super::{any, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Value, Write},
};

/// Where refresh tokens are counted, this tells the cookie of a trusted device from that of a session, which has 0.
const DEVICE: i64 = -1;
/// The same of a registered device.
const REGISTERED: i64 = -2;

macro_rules! columns {
    () => {
        "id, realm, user_id, app, subject, method, proven_at, cookie_digest, generation, former_digest, rotated_at, \
         sealed_device, created_at, used_at, idle_ends_at, expires_at, version"
    };
}

pub(crate) fn select_session(id: SessionId) -> Statement {
    read(concat!("SELECT ", columns!(), " FROM session WHERE id = ?"), vec![id.bytes().as_slice().into()])
}

pub(crate) fn select_sessions_of(user: UserId) -> Statement {
    read(
        concat!("SELECT ", columns!(), " FROM session WHERE user_id = ? ORDER BY id"),
        vec![user.bytes().as_slice().into()],
    )
}

pub(crate) fn count_sessions_of(user: UserId) -> Statement {
    read("SELECT COUNT(*) FROM session WHERE user_id = ?", vec![user.bytes().as_slice().into()])
}

pub(crate) fn read_session(row: Row) -> Result<Session, Error> {
    let mut columns = Columns::new("session", row);
    let id = SessionId::from_bytes(columns.array("id")?);
    let realm = columns.parsed("realm")?;
    let user = UserId::from_bytes(columns.array("user_id")?);
    let app = columns.parsed("app")?;
    let subject = Subject::from_bytes(columns.array("subject")?);
    let methods = Methods::from_names(&columns.text("method")?).ok_or_else(|| columns.corrupt("method"))?;
    let proven_at = columns.time("proven_at")?;
    let cookie = columns.optional_digest("cookie_digest")?;
    let generation = columns.integer("generation")?;
    let former = columns.optional_digest("former_digest")?;
    let holder = match (cookie, generation, columns.optional_time("rotated_at")?) {
        (Some(digest), 0, None) => Holder::Cookie(digest),
        (Some(digest), DEVICE, None) => Holder::Device(digest),
        (Some(digest), REGISTERED, Some(rotated_at)) => Holder::Registered { digest, former, rotated_at },
        (None, generation @ 1.., Some(rotated_at)) => {
            let generation = generation.try_into().map_err(|_| columns.corrupt("generation"))?;
            Holder::Refresh { generation, rotated_at }
        }
        _ => return Err(columns.corrupt("generation")),
    };
    if former.is_some() && !matches!(holder, Holder::Registered { .. }) {
        return Err(columns.corrupt("former_digest"));
    }
    Ok(Session {
        id,
        realm,
        user,
        app,
        subject,
        assurance: Assurance { methods, proven_at },
        holder,
        sealed_device: columns.optional_bytes("sealed_device")?,
        created_at: columns.time("created_at")?,
        used_at: columns.time("used_at")?,
        idle_ends_at: columns.time("idle_ends_at")?,
        expires_at: columns.time("expires_at")?,
        version: columns.integer("version")?,
    })
}

pub(super) fn insert(session: Session) -> Write {
    let (digests, generation, rotated_at) = holder(session.holder);
    one(
        concat!(
            "INSERT INTO session (",
            columns!(),
            ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ),
        vec![
            session.id.bytes().as_slice().into(),
            session.realm.as_str().into(),
            session.user.bytes().as_slice().into(),
            session.app.as_str().into(),
            session.subject.bytes().as_slice().into(),
            session.assurance.methods.names().into(),
            session.assurance.proven_at.into(),
            digests[0].into(),
            generation.into(),
            digests[1].into(),
            rotated_at.into(),
            session.sealed_device.into(),
            session.created_at.into(),
            session.used_at.into(),
            session.idle_ends_at.into(),
            session.expires_at.into(),
            session.version.into(),
        ],
    )
}

pub(super) fn update(session: &Session) -> Write {
    let (digests, generation, rotated_at) = holder(session.holder);
    one(
        "UPDATE session SET cookie_digest = ?, former_digest = ?, generation = ?, rotated_at = ?, sealed_device = ?, \
         used_at = ?, idle_ends_at = ?, version = ? WHERE id = ? AND version = ?",
        vec![
            digests[0].into(),
            digests[1].into(),
            generation.into(),
            rotated_at.into(),
            session.sealed_device.clone().into(),
            session.used_at.into(),
            session.idle_ends_at.into(),
            (session.version + 1).into(),
            session.id.bytes().as_slice().into(),
            session.version.into(),
        ],
    )
}

pub(super) fn end(id: SessionId) -> Write {
    any("DELETE FROM session WHERE id = ?", vec![id.bytes().as_slice().into()])
}

pub(super) fn end_of_user(user: UserId) -> Write {
    any("DELETE FROM session WHERE user_id = ?", vec![user.bytes().as_slice().into()])
}

pub(super) fn end_of_app(app: &AppName) -> Write {
    any("DELETE FROM session WHERE app = ?", vec![app.as_str().into()])
}

pub(crate) fn delete_over_sessions(now: Timestamp) -> Write {
    let at: Value = now.into();
    any("DELETE FROM session WHERE idle_ends_at <= ?", vec![at])
}

/// The newest digest and the one before it, what is counted, and when it changed.
fn holder(holder: Holder) -> ([Option<Digest>; 2], i64, Option<Timestamp>) {
    match holder {
        Holder::Cookie(digest) => ([Some(digest), None], 0, None),
        Holder::Device(digest) => ([Some(digest), None], DEVICE, None),
        Holder::Refresh { generation, rotated_at } => ([None, None], generation.into(), Some(rotated_at)),
        Holder::Registered { digest, former, rotated_at } => {
            ([Some(digest), former], REGISTERED, Some(rotated_at))
        }
    }
}
