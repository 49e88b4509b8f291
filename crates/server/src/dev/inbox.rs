//! The inbox of `dev`: keeps mails in memory instead of sending them, and shows them on a page.

use std::{collections::VecDeque, sync::Arc};

use axum::{
    Router,
    extract::Path,
    response::{Html, IntoResponse as _, Response},
    routing::get,
};
use futures_util::future::BoxFuture;
use http::{HeaderValue, header};
use minijinja::{Value, context};
use parking_lot::Mutex;

use crate::{
    error::ApiError,
    outbox::{
        mail::Mail,
        sender::{SendError, Sender},
    },
    pages::render::scripted_page,
    state::Server,
};

/// Mails kept.
const MOST: usize = 100;

/// Mails in memory, newest first.
#[derive(Default)]
pub struct Inbox {
    mails: Mutex<VecDeque<Mail>>,
    arrived: std::sync::atomic::AtomicU64,
}

/// Puts mails into an inbox instead of sending them.
pub struct InboxSender(pub Arc<Inbox>);

impl Sender for InboxSender {
    fn name(&self) -> &'static str {
        "inbox"
    }

    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), SendError>> {
        let mut mails = self.0.mails.lock();
        mails.truncate(MOST - 1);
        mails.push_front(mail.clone());
        self.0.arrived.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(())))
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SendError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The page of an inbox, and how many mails it has.
pub(super) fn routes(inbox: &Arc<Inbox>) -> Router<Arc<Server>> {
    let (shown, counted, opened) = (Arc::clone(inbox), Arc::clone(inbox), Arc::clone(inbox));
    Router::new()
        .route("/dev/mail/{id}", get(move |Path(id): Path<String>| async move { opened.html(&id) }))
        .route("/dev/inbox", get(move || async move { shown.page() }))
        .route("/dev/inbox.json", get(move || async move { counted.count() }))
}

impl Inbox {
    fn page(&self) -> Response {
        let mails: Vec<Value> = self.mails.lock().iter().map(describe).collect();
        scripted_page("inbox.html", &context! { lang => "en", title => "Inbox", mails })
    }

    /// The HTML of one mail as a mail program would show it: its own styles, no scripts, nothing from elsewhere.
    fn html(&self, id: &str) -> Response {
        let mails = self.mails.lock();
        let Some(mail) = mails.iter().find(|mail| mail.id == id) else {
            return ApiError::NotFound.into_response();
        };
        let mut response = Html(mail.rendered.html.clone()).into_response();
        let policy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'";
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        response
    }

    fn count(&self) -> Response {
        let mails = self.mails.lock();
        let latest: Vec<_> = mails.iter().map(|mail| mail.rendered.text.as_str()).collect();
        let body = serde_json::json!({ "count": latest.len(), "mails": latest });
        crate::api::answer(http::StatusCode::OK, body).into_response()
    }
}

fn describe(mail: &Mail) -> Value {
    let lines = || mail.rendered.text.lines().map(str::trim);
    let code = lines().next_back().and_then(|line| line.split_once('#')).map(|(_, code)| code.to_owned());
    let link = lines().find(|line| line.starts_with("http")).map(str::to_owned);
    context! {
        subject => &mail.rendered.subject,
        id => &mail.id,
        to => mail.envelope.to.as_str(),
        from => mail.envelope.from.as_str(),
        code, link,
        text => &mail.rendered.text,
    }
}
