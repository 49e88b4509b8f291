//! In whose name a page speaks, and in which language.

use std::sync::Arc;

use axum::response::Response;
use countersign_domain::color::Color;
use http::HeaderMap;
use minijinja::{Value, context};

use super::{
    assets, brand,
    render::{form_page, page},
    return_to::OWN,
    words::Say,
};
use crate::{
    fields::Fields as _,
    outbox::render::Renderer,
    state::Server,
    texts::{Argument, Key, Locale},
};

/// In whose name a page speaks, and in which language.
#[derive(Clone)]
pub(super) struct Voice {
    renderer: Arc<Renderer>,
    pub(super) locale: Locale,
    /// The app, as its folder of texts is called; empty where it is not known.
    app: String,
    /// The app as people know it.
    title: String,
    /// Its colour.
    accent: Option<Color>,
    /// Whether the page is shown on an app's own host.
    at_app: bool,
}

impl Voice {
    /// The server's own, for a page at this path, of ours or on an app's own host.
    pub(super) fn at(server: &Server, headers: &HeaderMap, path: &str) -> Self {
        Self { at_app: path.starts_with(OWN), ..Self::of_app(server, headers, "") }
    }

    /// Whether the page is shown on an app's own host.
    pub(super) const fn is_at_app(&self) -> bool {
        self.at_app
    }

    /// An app's, by its name; the server's own where that is empty.
    pub(super) fn of_app(server: &Server, headers: &HeaderMap, app: &str) -> Self {
        Self::asked(server, headers, app, "")
    }

    /// The same where the app asks for languages, the best first, apart by spaces (OpenID Connect Core, `ui_locales`).
    pub(super) fn asked(server: &Server, headers: &HeaderMap, app: &str, asked: &str) -> Self {
        let renderer = server.renderer.load_full();
        let known = server.app(app);
        let title = known.as_ref().map_or_else(|| app.to_owned(), |known| known.title.clone());
        let accent = known.and_then(|known| known.accent);
        let wanted = headers.text("accept-language").unwrap_or_default();
        let asked = asked.replace(' ', ", ");
        let wanted = if asked.is_empty() { wanted.to_owned() } else { format!("{asked}, {wanted}") };
        let locale = renderer.catalog().negotiate(app, &wanted);
        Self { locale, app: app.to_owned(), title, accent, at_app: false, renderer }
    }

    /// A text.
    pub(super) fn say(&self, key: Key) -> String {
        self.filled(key, &[])
    }

    /// The same with a number of minutes, days or the like.
    pub(super) fn say_count(&self, key: Key, count: u64) -> String {
        self.filled(key, &[("count", count.into())])
    }

    /// A text by its name, for templates. One that is not there says its name, so that it is seen.
    pub(super) fn say_named(&self, name: &str, arguments: &[(&str, Argument<'_>)]) -> String {
        Key::of_name(name).map_or_else(|| name.to_owned(), |key| self.filled(key, arguments))
    }

    fn filled(&self, key: Key, arguments: &[(&str, Argument<'_>)]) -> String {
        let mut all = vec![("app", self.title.as_str().into())];
        all.extend(arguments);
        self.renderer.catalog().wording(&self.app, &self.locale).say(key, &all)
    }

    /// A page with a heading and a text, by their common name.
    pub(super) fn tell_named(&self, name: &str, arguments: &[(&str, Argument<'_>)]) -> Response {
        let title = self.say_named(name, arguments);
        let text = self.say_named(&format!("{name}_text"), arguments);
        self.page("message.html", context! { title, text })
    }

    /// A page with a heading and a text; with a request's id, for whoever is asked for help.
    pub(super) fn tell(&self, title: Key, text: Key, id: Option<String>) -> Response {
        let (title, text) = (self.say(title), self.say(text));
        self.page("message.html", context! { title, text, id })
    }

    /// The same with a way on, to the first page of the host.
    pub(super) fn tell_with_way(&self, title: Key, text: Key, id: String) -> Response {
        let (title, text, way) = (self.say(title), self.say(text), self.say(Key::PageGoOn));
        self.page("message.html", context! { title, text, id, way })
    }

    /// A page without scripts.
    pub(super) fn page(&self, template: &str, values: Value) -> Response {
        page(self.renderer.pages(), template, &self.dressed(values))
    }

    /// A page with forms, whose template says its texts itself: `say("name", place=value)`.
    pub(super) fn form_page(&self, template: &str, values: Value, leads_to: Option<&str>) -> Response {
        form_page(self.renderer.pages(), template, &self.dressed(values), leads_to)
    }

    /// What every page is printed from: the language, the app's name, colour and logo, and what says texts.
    fn dressed(&self, values: Value) -> Value {
        let say = Value::from_object(Say(self.clone()));
        let logo = self.renderer.logo(&self.app).filter(|_| !self.at_app);
        let logo = logo.map(|logo| format!("{}logo/{}/{}", assets::FOLDER, self.app, logo.name));
        let style = self.accent.filter(|_| !self.at_app).map(brand::path);
        context! {
            lang => self.locale.tag(), dir => self.locale.direction(), at_app => self.at_app,
            brand => self.title.as_str(), logo, style, say, ..values
        }
    }
}
