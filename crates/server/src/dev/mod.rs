//! What only `dev` has: an inbox page and a demo page. `serve` does not wire these routes.

mod inbox;

use std::sync::Arc;

use axum::{Router, routing::get};
use minijinja::context;

pub use self::inbox::{Inbox, InboxSender};
use crate::{pages::render::scripted_page, state::Server};

/// The routes of `dev`, for the demo app's publishable key.
pub fn routes(inbox: &Arc<Inbox>, publishable_key: &str) -> Router<Arc<Server>> {
    let key = publishable_key.to_owned();
    let demo =
        move || async move { scripted_page("demo.html", &context! { lang => "en", title => "Demo", key }) };
    inbox::routes(inbox).route("/", get(demo))
}
