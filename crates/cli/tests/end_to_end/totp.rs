//! Apps that show codes with the real program, and an authenticator that is not ours: oathtool of Debian.

use std::process::Command;

use countersign_domain::api_key::ApiKeyKind;
use serde_json::{Value, json};

use crate::{
    accounts::operator,
    support::{
        http::{self, Answer, Request},
        person::MAIL,
        server::{Server, Setup, key},
        sink::Sink,
        tools,
    },
};

/// A person's browser on a page of the server's own.
struct Browser<'a> {
    server: &'a Server,
    page: &'a str,
    origin: &'a str,
    cookie: String,
}

impl Browser<'_> {
    fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let authorization = format!("Bearer {}", self.page);
        let mut headers = vec![("Content-Type", "application/json"), ("Origin", self.origin)];
        if self.cookie.is_empty() {
            headers.push(("Authorization", &authorization));
        } else {
            headers.push(("Cookie", &self.cookie));
        }
        let request = Request { method, path, headers: &headers };
        http::ask(self.server.setup.port, request, &body.to_string()).unwrap()
    }

    fn sign_in(&mut self, address: &str, sink: &Sink) {
        let started = self.ask("POST", "/v1/challenges", &json!({"to": {"email": address}}));
        let code = sink.mail_to(address, MAIL).unwrap().code();
        let path = format!("/v1/challenges/{}/verify", started.text("id"));
        let answer = self.ask("POST", &path, &json!({"code": code, "binding": started.text("binding")}));
        assert_eq!(answer.status, 200, "{answer:?}");
        let set = answer.head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("set-cookie").then(|| value.split(';').next())?
        });
        self.cookie = set.unwrap().trim().to_owned();
    }
}

impl Browser<'_> {
    /// Adds an app of this kind, which oathtool is.
    fn add_app(&self, algorithm: &str, digits: u32) -> Value {
        let wanted = json!({"algorithm": algorithm, "digits": digits});
        let options = self.ask("POST", "/v1/me/credentials/totp/options", &wanted);
        assert_eq!(options.status, 201, "{options:?}");
        let code = oathtool(algorithm, digits, &options.text("secret"));
        let first = json!({"ceremony": options.text("ceremony"), "code": code, "with_recovery_codes": true});
        let added = self.ask("POST", "/v1/me/credentials/totp", &first);
        assert_eq!(added.status, 201, "{algorithm} {digits}: {added:?}");
        first
    }

    fn credentials(&self) -> Vec<Value> {
        let all = self.ask("GET", "/v1/me/credentials", &Value::Null);
        assert_eq!(all.status, 200, "{all:?}");
        all.json()["items"].as_array().unwrap().clone()
    }
}

/// A server with an app whose people have accounts, and a key for a page of the server's own.
fn setup(sink: &Sink) -> (Setup, String, String) {
    let mut setup = Setup::new(sink.port);
    let (page, origin) = (key(ApiKeyKind::Publishable), format!("http://localhost:{}", setup.issuer_port));
    setup.app = format!("accounts = 'realm'\norigins = ['{origin}']");
    setup.more = format!(
        "[[apps.keys]]\nkey = '{page}'\n[limits]\npublishable_requests_per_network_per_minute = 1000\n"
    );
    (setup, page, origin)
}

/// What oathtool shows now, of a secret in base 32.
fn oathtool(algorithm: &str, digits: u32, secret: &str) -> String {
    let mut command = Command::new("oathtool");
    command.arg(format!("--totp={algorithm}")).arg(format!("--digits={digits}")).args(["--base32", secret]);
    tools::run(&mut command).trim().to_owned()
}

#[test]
fn p21_codes_of_an_authenticator_that_is_not_ours_are_accepted() {
    let sink = Sink::start();
    let (setup, page, origin) = setup(&sink);
    let mut server = setup.start();
    for (number, (algorithm, digits)) in
        [("SHA1", 6), ("SHA1", 8), ("SHA256", 6), ("SHA256", 8), ("SHA512", 6), ("SHA512", 8)]
            .into_iter()
            .enumerate()
    {
        let address = format!("ann{number}@example.net");
        let mut ann = Browser { server: &server, page: &page, origin: &origin, cookie: String::new() };
        ann.sign_in(&address, &sink);
        let first = ann.add_app(algorithm, digits);
        let cookie = ann.cookie;
        if number == 0 {
            server.kill();
            server.start_again();
        }
        let ann = Browser { server: &server, page: &page, origin: &origin, cookie };
        assert!(ann.credentials().iter().any(|one| one["kind"] == "totp"));
        let again = ann.ask("POST", "/v1/me/credentials/totp", &first);
        assert_eq!(again.status, 403, "{again:?}");
    }
}

#[test]
fn p40_an_operator_removes_the_app_of_who_lost_it() {
    let sink = Sink::start();
    let (setup, page, origin) = setup(&sink);
    let server = setup.start();
    let mut ann = Browser { server: &server, page: &page, origin: &origin, cookie: String::new() };
    ann.sign_in("ann@example.net", &sink);
    ann.add_app("SHA1", 6);
    let id = operator(&server, &["user", "list", "--email", "ann@example.net"])[0]["id"].clone();
    let id = id.as_str().unwrap();
    let listed = operator(&server, &["user", "credentials", id]);
    let listed = listed.as_array().unwrap();
    let of_kind = |kind: &str| listed.iter().find(|one| one["kind"] == kind).unwrap();
    assert_eq!((listed.len(), &of_kind("recovery_codes")["left"]), (2, &json!(10)));
    let app = of_kind("totp")["id"].as_str().unwrap();
    let gone = operator(&server, &["user", "remove-credential", id, app]);
    assert_eq!(gone["kind"], "totp");
    assert_eq!(ann.credentials(), Vec::<Value>::new());
    assert_eq!(operator(&server, &["user", "credentials", id]), json!([]));
}
