//! Sign-ins that are under way.

use countersign_domain::{
    app::AppName,
    assurance::{Level, Methods},
    id::{SignInId, UserId},
    pending_sign_in::PendingSignIn,
};

use super::{any, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Write},
};

macro_rules! columns {
    () => {
        "id, realm, app, user_id, binding, methods, proven_at, acr, sealed, created_at, expires_at, version"
    };
}

pub(crate) fn select_pending_sign_in(id: SignInId) -> Statement {
    read(
        concat!("SELECT ", columns!(), " FROM pending_sign_in WHERE id = ?"),
        vec![id.bytes().as_slice().into()],
    )
}

pub(crate) fn read_pending_sign_in(row: Row) -> Result<PendingSignIn, Error> {
    let mut columns = Columns::new("pending_sign_in", row);
    Ok(PendingSignIn {
        id: SignInId::from_bytes(columns.array("id")?),
        realm: columns.parsed("realm")?,
        app: columns.parsed("app")?,
        user: columns.optional_array("user_id")?.map(UserId::from_bytes),
        binding: columns.digest("binding")?,
        methods: match &*columns.text("methods")? {
            "" => Methods::NONE,
            names => Methods::from_names(names).ok_or_else(|| columns.corrupt("methods"))?,
        },
        proven_at: columns.optional_time("proven_at")?,
        asked: Level::from_acr(&columns.text("acr")?).ok_or_else(|| columns.corrupt("acr"))?,
        sealed: columns.bytes("sealed")?,
        created_at: columns.time("created_at")?,
        expires_at: columns.time("expires_at")?,
        version: columns.integer("version")?,
    })
}

pub(super) fn save(pending: PendingSignIn) -> Write {
    let version = pending.version;
    let mut parameters = vec![
        pending.user.map(|user| user.bytes().to_vec()).into(),
        pending.methods.names().into(),
        pending.proven_at.into(),
        pending.sealed.into(),
        (version + 1).into(),
        pending.id.bytes().as_slice().into(),
    ];
    if version == 0 {
        parameters.extend([
            pending.realm.as_str().into(),
            pending.app.as_str().into(),
            pending.binding.into(),
            pending.asked.acr().into(),
            pending.created_at.into(),
            pending.expires_at.into(),
        ]);
        return one(
            "INSERT INTO pending_sign_in (user_id, methods, proven_at, sealed, version, id, realm, app, binding, \
             acr, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            parameters,
        );
    }
    parameters.push(version.into());
    one(
        "UPDATE pending_sign_in SET user_id = ?, methods = ?, proven_at = ?, sealed = ?, version = ? \
         WHERE id = ? AND version = ?",
        parameters,
    )
}

pub(super) fn remove(id: SignInId, version: i64) -> Write {
    one(
        "DELETE FROM pending_sign_in WHERE id = ? AND version = ?",
        vec![id.bytes().as_slice().into(), version.into()],
    )
}

/// Removes what a user had under way.
pub(super) fn drop_of(user: UserId) -> Write {
    any("DELETE FROM pending_sign_in WHERE user_id = ?", vec![user.bytes().as_slice().into()])
}

/// Removes what is under way at an app, or what a user has under way there.
pub(super) fn drop_at(app: &AppName, user: Option<UserId>) -> Write {
    match user {
        None => any("DELETE FROM pending_sign_in WHERE app = ?", vec![app.as_str().into()]),
        Some(user) => any(
            "DELETE FROM pending_sign_in WHERE app = ? AND user_id = ?",
            vec![app.as_str().into(), user.bytes().as_slice().into()],
        ),
    }
}
