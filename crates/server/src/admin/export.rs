//! Everything that is held about a person, for an operator who was asked for it. The person is told.

use std::sync::Arc;

use axum::{Router, extract::State, routing::get};
use countersign_domain::{
    changes::Changes,
    event::{Event, EventKind},
};
use http::StatusCode;

use super::users::find;
use crate::{
    api::{Answer, answer},
    call::Named,
    export::{ExportBody, export},
    outbox::{Notice, notice::Touched},
    state::Server,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v1/admin/users/{id}/export", get(show))
}

/// Everything that is held about a person. The person is told.
#[utoipa::path(get, path = "/v1/admin/users/{id}/export", operation_id = "export_user", tag = "users",
    params(("id" = String, Path, description = "The user")),
    responses((status = 200, description = "Everything", body = ExportBody)))]
pub(crate) async fn show(State(server): State<Arc<Server>>, Named(id): Named) -> Answer<ExportBody> {
    let user = find(&server, &id).await?;
    let body = export(&server, &user).await?;
    let mut told = Changes::default();
    if let Some(app) = server.speaker(&user.realm) {
        let notice = Notice::AdministratorChanged { what: Touched::Read };
        server.tell_user(&app, &user, &notice, &mut told).await?;
    }
    told.push(
        Event::new(EventKind::UserRead).of_user(user.id).within(&user.realm).by_method("export").into(),
    );
    // Before anything is handed out: nobody reads about a person without that person being told.
    server.commit(told).await?;
    Ok(answer(StatusCode::OK, body))
}
