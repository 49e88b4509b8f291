//! Users and the subjects that apps know them by.

use countersign_domain::{
    id::UserId,
    realm::RealmName,
    secret::Digest,
    subject::Subject,
    user::{IdentifierKind, User, UserStatus, UserSubject},
};

use super::{any, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Write},
};

macro_rules! columns {
    () => {
        "realm_user.id, realm_user.realm, realm_user.status, realm_user.sealed_profile, realm_user.created_at, \
         realm_user.signed_in_at, realm_user.version"
    };
}

pub(crate) fn select_user(id: UserId) -> Statement {
    read(concat!("SELECT ", columns!(), " FROM realm_user WHERE id = ?"), vec![id.bytes().as_slice().into()])
}

pub(crate) fn select_user_by_identifier(
    realm: &RealmName,
    kind: IdentifierKind,
    digest: Digest,
) -> Statement {
    read(
        concat!(
            "SELECT ",
            columns!(),
            " FROM realm_user JOIN user_identifier ON user_identifier.user_id = realm_user.id \
             WHERE user_identifier.realm = ? AND user_identifier.kind = ? AND user_identifier.digest = ?"
        ),
        vec![realm.as_str().into(), kind.name().into(), digest.into()],
    )
}

pub(crate) fn select_users_after(realm: &RealmName, after: UserId, most: i64) -> Statement {
    read(
        concat!("SELECT ", columns!(), " FROM realm_user WHERE realm = ? AND id > ? ORDER BY id LIMIT ?"),
        vec![realm.as_str().into(), after.bytes().as_slice().into(), most.into()],
    )
}

/// `between` are the first id that may be there and the one behind the last.
pub(crate) fn select_users(
    realm: &RealmName,
    between: [UserId; 2],
    status: Option<UserStatus>,
    most: i64,
) -> Statement {
    let [first, end] = between.map(|id| id.bytes().as_slice().into());
    match status {
        None => read(
            concat!(
                "SELECT ",
                columns!(),
                " FROM realm_user WHERE realm = ? AND id >= ? AND id < ? ORDER BY id LIMIT ?"
            ),
            vec![realm.as_str().into(), first, end, most.into()],
        ),
        Some(status) => read(
            concat!(
                "SELECT ",
                columns!(),
                " FROM realm_user WHERE realm = ? AND status = ? AND id >= ? AND id < ? ORDER BY id LIMIT ?"
            ),
            vec![realm.as_str().into(), status.name().into(), first, end, most.into()],
        ),
    }
}

/// Of both, the index alone is read.
pub(crate) fn count_of_user(id: UserId) -> Statement {
    let id = || id.bytes().as_slice().into();
    read(
        "SELECT (SELECT COUNT(*) FROM user_identifier WHERE user_id = ?), \
         (SELECT COUNT(*) FROM session WHERE user_id = ?)",
        vec![id(), id()],
    )
}

pub(crate) fn read_count_of_user(row: Row) -> Result<(usize, usize), Error> {
    let mut columns = Columns::new("realm_user", row);
    Ok((columns.number("identifiers")?, columns.number("sessions")?))
}

pub(crate) fn read_user(row: Row) -> Result<User, Error> {
    let mut columns = Columns::new("realm_user", row);
    Ok(User {
        id: UserId::from_bytes(columns.array("id")?),
        realm: columns.parsed("realm")?,
        status: UserStatus::from_name(&columns.text("status")?).ok_or_else(|| columns.corrupt("status"))?,
        sealed_profile: columns.optional_bytes("sealed_profile")?,
        created_at: columns.time("created_at")?,
        signed_in_at: columns.time("signed_in_at")?,
        version: columns.integer("version")?,
    })
}

pub(super) fn insert(user: User) -> Write {
    one(
        "INSERT INTO realm_user (id, realm, status, sealed_profile, created_at, signed_in_at, version) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        vec![
            user.id.bytes().as_slice().into(),
            user.realm.as_str().into(),
            user.status.name().into(),
            user.sealed_profile.into(),
            user.created_at.into(),
            user.signed_in_at.into(),
            user.version.into(),
        ],
    )
}

pub(super) fn update(user: User) -> Write {
    one(
        "UPDATE realm_user SET status = ?, sealed_profile = ?, signed_in_at = ?, version = ? \
         WHERE id = ? AND version = ?",
        vec![
            user.status.name().into(),
            user.sealed_profile.into(),
            user.signed_in_at.into(),
            (user.version + 1).into(),
            user.id.bytes().as_slice().into(),
            user.version.into(),
        ],
    )
}

/// Writes no column that an index has: SQLite writes the index anew even where the value stays, a page for each sign-in.
pub(super) fn sign_in(user: &User) -> Write {
    one(
        "UPDATE realm_user SET signed_in_at = ?, version = ? WHERE id = ? AND version = ?",
        vec![
            user.signed_in_at.into(),
            (user.version + 1).into(),
            user.id.bytes().as_slice().into(),
            user.version.into(),
        ],
    )
}

/// Removes a user of exactly this version, and everything that hangs on it but sessions.
pub(super) fn erase(id: UserId, version: i64) -> [Write; 5] {
    let user = || id.bytes().as_slice().into();
    [
        one("DELETE FROM realm_user WHERE id = ? AND version = ?", vec![user(), version.into()]),
        any("DELETE FROM user_identifier WHERE user_id = ?", vec![user()]),
        any("DELETE FROM user_subject WHERE user_id = ?", vec![user()]),
        any("DELETE FROM user_undo WHERE user_id = ?", vec![user()]),
        any("DELETE FROM user_metadata WHERE user_id = ?", vec![user()]),
    ]
}

pub(crate) fn select_user_subject(user: UserId, sector: Digest) -> Statement {
    read(
        "SELECT subject, user_id, sector FROM user_subject WHERE user_id = ? AND sector = ?",
        vec![user.bytes().as_slice().into(), sector.into()],
    )
}

pub(crate) fn select_subject(subject: Subject) -> Statement {
    read(
        "SELECT subject, user_id, sector FROM user_subject WHERE subject = ?",
        vec![subject.bytes().as_slice().into()],
    )
}

pub(crate) fn select_subjects_of(user: UserId) -> Statement {
    read(
        "SELECT subject, user_id, sector FROM user_subject WHERE user_id = ? ORDER BY subject",
        vec![user.bytes().as_slice().into()],
    )
}

pub(crate) fn read_user_subject(row: Row) -> Result<UserSubject, Error> {
    let mut columns = Columns::new("user_subject", row);
    Ok(UserSubject {
        subject: Subject::from_bytes(columns.array("subject")?),
        user: UserId::from_bytes(columns.array("user_id")?),
        sector: columns.digest("sector")?,
    })
}

pub(super) fn insert_subject(subject: &UserSubject) -> Write {
    one(
        "INSERT INTO user_subject (subject, user_id, sector) VALUES (?, ?, ?)",
        vec![
            subject.subject.bytes().as_slice().into(),
            subject.user.bytes().as_slice().into(),
            subject.sector.into(),
        ],
    )
}
