//! Where a person goes after a page of ours: an address that an app has registered, and no other. It knows no session.

use countersign_domain::app::App;
use url::{Position, Url};

/// Longest address to go back to, in bytes.
const LONGEST: usize = 2048;
/// What is served on the hosts of apps by us. To go back there would go round in circles.
pub(super) const OWN: &str = "/.countersign/";

/// Pages of ours where people go on after a sign-in.
const PAGES: [&str; 2] = ["account", "admin"];

/// An address of an app's, whose origin is registered, exactly; or of a page of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo(Url);

impl ReturnTo {
    /// Reads an absolute address as browsers do (WHATWG URL), and compares its origin.
    #[must_use]
    pub fn parse(app: &App, text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let is_web = matches!(url.scheme(), "https" | "http");
        let is_plain = is_web && url.username().is_empty() && url.password().is_none();
        let is_own = url.path().starts_with(OWN);
        let origin = url.origin().ascii_serialization();
        (is_plain && !is_own && app.origins.contains(&origin)).then_some(Self(url))
    }

    /// Reads the address of a page of ours where people go on after a sign-in.
    #[must_use]
    pub fn own(issuer: &str, text: &str) -> Option<Self> {
        if text.len() > LONGEST || !text.starts_with(issuer) {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let is_ours = url.origin().ascii_serialization() == issuer;
        let first = url.path_segments()?.next()?;
        (is_ours && url.username().is_empty() && PAGES.contains(&first)).then_some(Self(url))
    }

    /// The whole address, as a browser reads it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Its origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.0[..Position::BeforePath]
    }

    /// Its host; empty for an address that names none, which no origin does.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::AppSettings;

    fn app() -> App {
        let origins = vec!["https://shop.example".to_owned(), "http://localhost:3000".to_owned()];
        AppSettings { name: "shop".to_owned(), origins, ..AppSettings::default() }.app().unwrap()
    }

    #[test]
    fn p37_only_the_account_and_the_administration_are_gone_back_to_of_our_own_pages() {
        for (text, is_good) in [
            ("https://login.example/account", true),
            ("https://login.example/account/devices?done=end", true),
            ("https://login.example/admin", true),
            ("https://login.example/accounts", false),
            ("https://login.example/sign-out", false),
            ("https://login.example/link/abc", false),
            ("https://login.example//account", false),
            ("https://login.example/x/../account", true),
            ("https://login.example/account/../sign-out", false),
            ("https://login.example.evil.example/account", false),
            ("https://login.example@evil.example/account", false),
            ("https://login.example:8443/account", false),
            ("https://ann@login.example/account", false),
            ("/account", false),
            ("https:\\\\login.example\\account", false),
        ] {
            assert_eq!(ReturnTo::own("https://login.example", text).is_some(), is_good, "{text}");
        }
    }

    #[test]
    fn p37_only_an_address_of_a_registered_origin_is_gone_back_to() {
        for (text, origin) in [
            ("https://shop.example", Some("https://shop.example")),
            ("https://shop.example/", Some("https://shop.example")),
            ("https://SHOP.example:443/cart?a=b#c", Some("https://shop.example")),
            ("http://localhost:3000/x", Some("http://localhost:3000")),
            ("https:\\\\shop.example\\x", Some("https://shop.example")),
            ("http://shop.example/", None),
            ("https://shop.example:8443/", None),
            ("https://evil.example/", None),
            ("https://shop.example.evil.example/", None),
            ("https://evil.example/https://shop.example", None),
            ("https://shop.example@evil.example/", None),
            ("https://evil.example\\@shop.example/", None),
            ("https://ann@shop.example/", None),
            ("https://:pw@shop.example/", None),
            ("https://evil.example#@shop.example/", None),
            ("https://evil.example?.shop.example/", None),
            ("//shop.example/", None),
            ("/cart", None),
            ("", None),
            ("javascript:alert(1)//https://shop.example", None),
            ("data:text/html,https://shop.example", None),
            ("blob:https://shop.example/x", None),
            ("https://xn--shp-0na.example/", None),
            ("https://shop.example./", None),
            ("https://shop%2eexample.evil/", None),
            ("https://shop.example/.countersign/callback?ticket=x", None),
            ("https://shop.example/a/../.countersign/start", None),
        ] {
            let read = ReturnTo::parse(&app(), text);
            assert_eq!(read.as_ref().map(ReturnTo::origin), origin, "{text}");
        }
        assert_eq!(ReturnTo::parse(&app(), &format!("https://shop.example/{}", "a".repeat(3000))), None);
        let odd = ReturnTo::parse(&app(), " https://shop.example/a\tb\r\nSet-Cookie: x\n").unwrap();
        assert_eq!(odd.as_str(), "https://shop.example/abSet-Cookie:%20x");
    }

    proptest! {
        #[test]
        fn p37_whatever_is_asked_for_leads_to_a_registered_origin_or_nowhere(
            text in "(https?:)?[/\\\\]{0,3}(shop\\.example|evil\\.example|[@:#?.%\\\\/a-z0-9\\[\\]\t ]{0,12}){1,4}",
        ) {
            if let Some(read) = ReturnTo::parse(&app(), &text) {
                let url = Url::parse(read.as_str()).unwrap();
                prop_assert!(app().origins.contains(&url.origin().ascii_serialization()), "{}", text);
                prop_assert!(read.as_str().bytes().all(|byte| byte.is_ascii_graphic()), "{}", text);
            }
        }
    }
}
