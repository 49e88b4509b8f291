//! Apps that were made through the API.

use countersign_domain::stored_app::StoredApp;

use super::{one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Write},
};

pub(crate) fn select_apps() -> Statement {
    read("SELECT name, settings, disabled, created_at, version FROM app ORDER BY name", vec![])
}

pub(crate) fn read_app(row: Row) -> Result<StoredApp, Error> {
    let mut columns = Columns::new("app", row);
    Ok(StoredApp {
        name: columns.parsed("name")?,
        settings: columns.text("settings")?,
        disabled: columns.flag("disabled")?,
        created_at: columns.time("created_at")?,
        version: columns.integer("version")?,
    })
}

pub(super) fn save(app: StoredApp) -> Write {
    let name = app.name.as_str().into();
    if app.version == 0 {
        return one(
            "INSERT INTO app (settings, disabled, created_at, version, name) VALUES (?, ?, ?, ?, ?)",
            vec![app.settings.into(), app.disabled.into(), app.created_at.into(), 1.into(), name],
        );
    }
    one(
        "UPDATE app SET settings = ?, disabled = ?, version = ? WHERE name = ? AND version = ?",
        vec![app.settings.into(), app.disabled.into(), (app.version + 1).into(), name, app.version.into()],
    )
}
