//! Revocations: what was taken back before its time.

use countersign_domain::{
    app::AppName,
    id::{SessionId, TokenId},
    secret::Digest,
    subject::Subject,
    time::Timestamp,
    token::{Revocation, RevocationTarget},
};

use super::{any, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Value, Write},
};

pub(crate) fn select_revocations(since: Timestamp) -> Statement {
    read(
        "SELECT target, kind, app, before_at, revoked_at, expires_at FROM revocation WHERE revoked_at >= ?",
        vec![since.into()],
    )
}

pub(crate) fn read_revocation(row: Row) -> Result<Revocation, Error> {
    let mut columns = Columns::new("revocation", row);
    let target = columns.bytes("target")?;
    let kind = columns.text("kind")?;
    let target = match (kind.as_str(), target.len()) {
        ("token", _) => target.try_into().ok().map(|id| RevocationTarget::Token(TokenId::from_bytes(id))),
        ("subject", _) => target.try_into().ok().map(|id| RevocationTarget::Subject(Subject::from_bytes(id))),
        ("session", _) => {
            target.try_into().ok().map(|id| RevocationTarget::Session(SessionId::from_bytes(id)))
        }
        ("app", 0) => Some(RevocationTarget::App),
        ("access", _) => target.try_into().ok().map(|holder| RevocationTarget::Access(Digest::new(holder))),
        _ => None,
    };
    let app = columns.text("app")?;
    let app = if kind == "access" { Some(AppName::any()) } else { app.parse().ok() };
    Ok(Revocation {
        target: target.ok_or_else(|| columns.corrupt("target"))?,
        app: app.ok_or_else(|| columns.corrupt("app"))?,
        before: columns.time("before_at")?,
        revoked_at: columns.time("revoked_at")?,
        expires_at: columns.time("expires_at")?,
    })
}

/// Of two revocations of the same target the later time of each kind stays, in whichever order they are written: what
/// is dead does not come alive because a node with a clock that is behind takes it back once more. What a holder of
/// grants may reach changes in both directions: every change of it is later than the one before.
pub(super) fn save(revocation: &Revocation) -> [Write; 2] {
    let (kind, target): (&str, &[u8]) = match &revocation.target {
        RevocationTarget::Token(id) => ("token", id.bytes()),
        RevocationTarget::Subject(subject) => ("subject", subject.bytes()),
        RevocationTarget::Session(id) => ("session", id.bytes()),
        RevocationTarget::App => ("app", &[]),
        RevocationTarget::Access(holder) => ("access", holder.bytes()),
    };
    let key: [Value; 3] = [kind.into(), revocation.app.as_str().into(), target.into()];
    let times: [Value; 3] =
        [revocation.before.into(), revocation.revoked_at.into(), revocation.expires_at.into()];
    let twice = times.iter().flat_map(|time| [time.clone(), time.clone()]);
    [
        any(
            "UPDATE revocation SET before_at = CASE WHEN before_at < ? THEN ? \
             WHEN kind = 'access' THEN before_at + 1 ELSE before_at END, \
             revoked_at = CASE WHEN revoked_at < ? THEN ? ELSE revoked_at END, \
             expires_at = CASE WHEN expires_at < ? THEN ? ELSE expires_at END \
             WHERE kind = ? AND app = ? AND target = ?",
            twice.chain(key.clone()).collect(),
        ),
        any(
            "INSERT INTO revocation (kind, app, target, before_at, revoked_at, expires_at) SELECT ?, ?, ?, ?, ?, ? \
             WHERE NOT EXISTS (SELECT 1 FROM revocation WHERE kind = ? AND app = ? AND target = ?)",
            key.clone().into_iter().chain(times).chain(key).collect(),
        ),
    ]
}
