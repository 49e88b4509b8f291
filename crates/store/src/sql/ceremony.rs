//! Questions to authenticators that wait for their answers.

use countersign_domain::{
    ceremony::{Ceremony, CeremonyKind},
    id::{CeremonyId, UserId},
};

use super::{any, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Write},
};

macro_rules! columns {
    () => {
        "id, realm, kind, within, user_id, sealed, expires_at"
    };
}

pub(crate) fn select_ceremony(id: CeremonyId) -> Statement {
    read(concat!("SELECT ", columns!(), " FROM ceremony WHERE id = ?"), vec![id.bytes().as_slice().into()])
}

pub(crate) fn read_ceremony(row: Row) -> Result<Ceremony, Error> {
    let mut columns = Columns::new("ceremony", row);
    Ok(Ceremony {
        id: CeremonyId::from_bytes(columns.array("id")?),
        realm: columns.parsed("realm")?,
        kind: CeremonyKind::from_name(&columns.text("kind")?).ok_or_else(|| columns.corrupt("kind"))?,
        within: columns.array("within")?,
        user: columns.optional_array("user_id")?.map(UserId::from_bytes),
        sealed: columns.bytes("sealed")?,
        expires_at: columns.time("expires_at")?,
    })
}

pub(super) fn insert(ceremony: Ceremony) -> Write {
    one(
        concat!("INSERT INTO ceremony (", columns!(), ") VALUES (?, ?, ?, ?, ?, ?, ?)"),
        vec![
            ceremony.id.bytes().as_slice().into(),
            ceremony.realm.as_str().into(),
            ceremony.kind.name().into(),
            ceremony.within.as_slice().into(),
            ceremony.user.map(|user| user.bytes().to_vec()).into(),
            ceremony.sealed.into(),
            ceremony.expires_at.into(),
        ],
    )
}

pub(super) fn remove(id: CeremonyId) -> Write {
    one("DELETE FROM ceremony WHERE id = ?", vec![id.bytes().as_slice().into()])
}

/// Removes what a user was asked.
pub(super) fn drop_of(user: UserId) -> Write {
    any("DELETE FROM ceremony WHERE user_id = ?", vec![user.bytes().as_slice().into()])
}
