//! Invitations.

use countersign_domain::{
    app::AppName,
    id::InvitationId,
    invitation::{Invitation, MOST_OPEN},
    realm::RealmName,
    secret::Digest,
    time::Timestamp,
};

use super::{any, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Write},
};

macro_rules! columns {
    () => {
        "id, realm, app, digest, created_at, expires_at"
    };
}

pub(crate) fn select_invitation(id: InvitationId) -> Statement {
    read(concat!("SELECT ", columns!(), " FROM invitation WHERE id = ?"), vec![id.bytes().as_slice().into()])
}

pub(crate) fn select_invitation_of(app: &AppName, digest: Digest) -> Statement {
    read(
        concat!("SELECT ", columns!(), " FROM invitation WHERE app = ? AND digest = ?"),
        vec![app.as_str().into(), digest.into()],
    )
}

pub(crate) fn select_invitations_after(realm: &RealmName, after: InvitationId, most: i64) -> Statement {
    read(
        concat!("SELECT ", columns!(), " FROM invitation WHERE realm = ? AND id > ? ORDER BY id LIMIT ?"),
        vec![realm.as_str().into(), after.bytes().as_slice().into(), most.into()],
    )
}

pub(crate) fn count_open_invitations(realm: &RealmName, now: Timestamp) -> Statement {
    read(
        "SELECT COUNT(*) FROM invitation WHERE realm = ? AND expires_at > ?",
        vec![realm.as_str().into(), now.into()],
    )
}

pub(crate) fn read_invitation(row: Row) -> Result<Invitation, Error> {
    let mut columns = Columns::new("invitation", row);
    Ok(Invitation {
        id: InvitationId::from_bytes(columns.array("id")?),
        realm: columns.parsed("realm")?,
        app: columns.parsed("app")?,
        digest: columns.digest("digest")?,
        created_at: columns.time("created_at")?,
        expires_at: columns.time("expires_at")?,
    })
}

/// The older one goes first, so that an invitation again is one invitation, and counts once.
pub(super) fn add(invitation: &Invitation) -> [Write; 2] {
    let realm = invitation.realm.as_str();
    [
        any(
            "DELETE FROM invitation WHERE app = ? AND digest = ?",
            vec![invitation.app.as_str().into(), invitation.digest.into()],
        ),
        one(
            "INSERT INTO invitation (id, realm, app, digest, created_at, expires_at) SELECT ?, ?, ?, ?, ?, ? \
             WHERE (SELECT COUNT(*) FROM invitation WHERE realm = ? AND expires_at > ?) < ?",
            vec![
                invitation.id.bytes().as_slice().into(),
                realm.into(),
                invitation.app.as_str().into(),
                invitation.digest.into(),
                invitation.created_at.into(),
                invitation.expires_at.into(),
                realm.into(),
                invitation.created_at.into(),
                MOST_OPEN.into(),
            ],
        ),
    ]
}

pub(super) fn spend(id: InvitationId) -> Write {
    one("DELETE FROM invitation WHERE id = ?", vec![id.bytes().as_slice().into()])
}
