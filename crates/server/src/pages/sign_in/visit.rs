//! What a browser comes to the sign-in page with: for which app, where to go back to, how strongly it is to be known. All
//! of it is in the address of the page, so that two visits do not mix.

use std::sync::Arc;

use countersign_domain::{
    app::{App, AppName},
    assurance::Level,
    forward_auth::{Opener, SignInMode},
    secret::Digest,
    session::Session,
};
use data_encoding::BASE64URL_NOPAD;
use url::form_urlencoded::Serializer;

use crate::{api::sign_in::level, error::ApiError, oauth2::Form, pages::return_to::ReturnTo, state::Server};

/// Where the page is.
const PATH: &str = "/sign-in";
/// Longest list of languages.
const LONGEST_LOCALES: usize = 100;

/// A visit of the sign-in page.
#[derive(Clone, Debug)]
pub struct Visit {
    /// What is signed in to.
    pub app: Arc<App>,
    /// Where the browser goes afterwards.
    pub return_to: Option<ReturnTo>,
    /// Whether that is a page of ours.
    pub leads_to_us: bool,
    /// Levels that are asked for, apart by spaces; empty for what the policy wants.
    pub acr_values: String,
    /// The languages that the app asks for, apart by spaces; empty for those of the browser.
    pub ui_locales: String,
    /// Which browser an app's host sent here, where it waits for a ticket.
    pub state: Option<Digest>,
    /// Whether this browser is to be a registered device, once it is known whose it is.
    pub registers: bool,
    /// Whether it is to be proven anew who it is, as for changes of an account.
    pub fresh: bool,
    /// The way that the person chose among those there are.
    pub with: Option<String>,
}

impl Visit {
    /// Reads the query of the page's address.
    ///
    /// # Errors
    /// [`ApiError::InvalidMember`] names what is wrong; [`ApiError::NotFound`] for an app that is not there.
    pub fn read(server: &Server, query: Option<&str>) -> Result<Self, ApiError> {
        let repeated = |_| ApiError::invalid("query", "a parameter is repeated or does not decode");
        let form = Form::read(query.unwrap_or_default().as_bytes()).map_err(repeated)?;
        let app = form.value("app").and_then(|name| server.app(name)).ok_or(ApiError::NotFound)?;
        if app.accounts.is_none() {
            return Err(ApiError::invalid("app", "say accounts = \"realm\": without, nobody is signed in"));
        }
        let foreign = || ApiError::invalid("return_to", "list its origin under the app's origins");
        let return_to = match form.value("return_to") {
            Some(text) => {
                // Tickets are for hosts of apps.
                let has_state = form.value("state").is_some();
                let own = || ReturnTo::own(&server.issuer(), text).filter(|_| !has_state);
                Some(ReturnTo::parse(&app, text).or_else(own).ok_or_else(foreign)?)
            }
            None => None,
        };
        let unread = || ApiError::invalid("state", "it is not one of ours");
        let state = form.value("state").map(|text| read_digest(text).ok_or_else(unread)).transpose()?;
        let acr_values = form.value("acr_values").unwrap_or_default().to_owned();
        let ui_locales = form.value("ui_locales").unwrap_or_default();
        let ui_locales =
            ui_locales.chars().filter(|letter| !letter.is_control()).take(LONGEST_LOCALES).collect();
        let is_said = |name: &str| form.value(name).is_some();
        let (registers, fresh) = (is_said("register"), is_said("fresh"));
        let with = form.value("with").map(str::to_owned);
        let is_ours = |to: &ReturnTo| ReturnTo::own(&server.issuer(), to.as_str()).is_some();
        let leads_to_us = return_to.as_ref().is_some_and(is_ours);
        let visit =
            Self { app, return_to, leads_to_us, acr_values, ui_locales, state, registers, fresh, with };
        level(&visit.levels())?;
        Ok(visit)
    }

    /// The levels that are asked for.
    #[must_use]
    pub fn levels(&self) -> Vec<String> {
        self.acr_values.split_whitespace().map(str::to_owned).collect()
    }

    /// The weakest of them, any of which is enough.
    #[must_use]
    pub fn asked(&self) -> Level {
        level(&self.levels()).unwrap_or(Level::Aal2)
    }

    /// The query of the page's address, without what the person chose on it.
    #[must_use]
    pub fn query(&self) -> String {
        let state = self.state.as_ref().map(|state| BASE64URL_NOPAD.encode(state.bytes()));
        written(&[
            ("app", self.app.name.as_str()),
            ("return_to", self.return_to.as_ref().map_or("", ReturnTo::as_str)),
            ("acr_values", &self.acr_values),
            ("ui_locales", &self.ui_locales),
            ("state", state.as_deref().unwrap_or_default()),
            ("register", yes(self.registers)),
            ("fresh", yes(self.fresh)),
        ])
    }

    /// Whether a proxy sent the browser here, and asks for anybody who is signed in. Our own pages, which are gone back to
    /// like an app's, know sessions alone.
    #[must_use]
    pub fn is_behind_a_proxy(&self) -> bool {
        let is_sent = self.state.is_some() || self.app.forward_auth.sign_in == SignInMode::Redirect;
        is_sent && !self.leads_to_us
    }

    /// Whether the proxy would send the browser here again with this session: what is signed in to is opened by registered
    /// devices alone.
    #[must_use]
    pub fn opens_nothing(&self, session: &Session) -> bool {
        let accepts = self.app.forward_auth.accepts;
        self.is_behind_a_proxy() && !session.is_registered() && !accepts.has(Opener::Session)
    }

    /// The address of the page where this browser becomes a registered device.
    #[must_use]
    pub fn devices(&self) -> String {
        format!("/devices/new?{}", Self { registers: false, ..self.clone() }.query())
    }

    /// The page's own address, below the issuer.
    #[must_use]
    pub fn here(&self) -> String {
        format!("{PATH}?{}", self.query())
    }
}

/// The address of the page, below the issuer, for whoever goes on from it to a page of ours.
#[derive(Clone, Copy, Debug)]
pub(in crate::pages) struct WayBack<'a> {
    /// What is signed in to.
    pub(in crate::pages) app: &'a AppName,
    /// The page of ours.
    pub(in crate::pages) path: &'a str,
    /// Whether it is to be proven anew who it is.
    pub(in crate::pages) fresh: bool,
    /// How strongly, beyond the policy.
    pub(in crate::pages) level: Option<Level>,
}

impl WayBack<'_> {
    /// The address.
    pub(in crate::pages) fn address(self, issuer: &str) -> String {
        let query = written(&[
            ("app", self.app.as_str()),
            ("return_to", &format!("{issuer}{}", self.path)),
            ("acr_values", self.level.map_or("", Level::acr)),
            ("fresh", yes(self.fresh)),
        ]);
        format!("{PATH}?{query}")
    }
}

/// A query without the pairs that say nothing.
fn written(pairs: &[(&str, &str)]) -> String {
    let said = pairs.iter().filter(|(_, value)| !value.is_empty());
    Serializer::new(String::new()).extend_pairs(said).finish()
}

const fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "" }
}

fn read_digest(text: &str) -> Option<Digest> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok().map(Digest::new)
}
