//! Passwords of users, and those that are wished.

use countersign_domain::{
    id::{ChallengeId, UserId},
    user_password::{PasswordWish, UserPassword},
};

use super::{any, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Write},
};

pub(crate) fn select_password(user: UserId) -> Statement {
    read(
        "SELECT user_id, sealed_hash, made_at, version FROM user_password WHERE user_id = ?",
        vec![user.bytes().as_slice().into()],
    )
}

pub(crate) fn read_password(row: Row) -> Result<UserPassword, Error> {
    let mut columns = Columns::new("user_password", row);
    Ok(UserPassword {
        user: UserId::from_bytes(columns.array("user_id")?),
        sealed_hash: columns.bytes("sealed_hash")?,
        made_at: columns.time("made_at")?,
        version: columns.integer("version")?,
    })
}

pub(super) fn save(password: UserPassword) -> Write {
    let user = password.user.bytes().as_slice().into();
    let mut parameters =
        vec![password.sealed_hash.into(), password.made_at.into(), (password.version + 1).into(), user];
    if password.version == 0 {
        return one(
            "INSERT INTO user_password (sealed_hash, made_at, version, user_id) VALUES (?, ?, ?, ?)",
            parameters,
        );
    }
    parameters.push(password.version.into());
    one(
        "UPDATE user_password SET sealed_hash = ?, made_at = ?, version = ? WHERE user_id = ? AND version = ?",
        parameters,
    )
}

pub(super) fn remove(user: UserId, version: i64) -> Write {
    one(
        "DELETE FROM user_password WHERE user_id = ? AND version = ?",
        vec![user.bytes().as_slice().into(), version.into()],
    )
}

/// Removes the password of a user who is erased, if there is one.
pub(super) fn erase(user: UserId) -> Write {
    any("DELETE FROM user_password WHERE user_id = ?", vec![user.bytes().as_slice().into()])
}

pub(crate) fn select_wish(challenge: ChallengeId) -> Statement {
    read(
        "SELECT challenge, sealed_hash, expires_at FROM password_wish WHERE challenge = ?",
        vec![challenge.bytes().as_slice().into()],
    )
}

pub(crate) fn read_wish(row: Row) -> Result<PasswordWish, Error> {
    let mut columns = Columns::new("password_wish", row);
    Ok(PasswordWish {
        challenge: ChallengeId::from_bytes(columns.array("challenge")?),
        sealed_hash: columns.bytes("sealed_hash")?,
        expires_at: columns.time("expires_at")?,
    })
}

pub(super) fn insert_wish(wish: PasswordWish) -> Write {
    one(
        "INSERT INTO password_wish (challenge, sealed_hash, expires_at) VALUES (?, ?, ?)",
        vec![wish.challenge.bytes().as_slice().into(), wish.sealed_hash.into(), wish.expires_at.into()],
    )
}
