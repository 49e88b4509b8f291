//! Countersign with a person who is signed in, apps that are opened in different ways, and a service behind all of them.

use countersign_domain::api_key::ApiKeyKind;
use data_encoding::BASE64;
use serde_json::json;

use crate::support::{
    fake_clock::FakeClock,
    free_port,
    http::{self, Answer, Request},
    person::{Client, MAIL},
    proxy::Places,
    server::{APP, Server, Setup, key},
    service::Service,
    sink::Sink,
};

/// Where Countersign says that it is.
const ISSUER: &str = "https://auth.example.org";
const JANE: &str = "jane@example.net";
/// Every app with a service; Countersign does not know the last.
const APPS: [&str; 6] = ["wiki", "notes", "desk", "api", "vault", "nowhere"];
/// What `wiki` is opened by.
const RULES: &str = "\
[[apps.forward_auth.rules]]\npath = '/health'\nmethods = ['GET']\naccess = 'public'\n\
[[apps.forward_auth.rules]]\npath = '/internal'\naccess = 'deny'\n\
[[apps.forward_auth.rules]]\npath = '/secure'\nleast = 'aal2'\n\
[[apps.forward_auth.rules]]\npath = '/lan'\nnetworks = ['10.0.0.0/8']\nleast = 'mailbox'\n\
[[apps.forward_auth.rules]]\npath = '/lan'\naccess = 'deny'\n";

/// All of it.
pub(super) struct World {
    /// The service behind every app.
    pub(super) service: Service,
    /// A cookie that is good.
    pub(super) good: String,
    /// One that was made up.
    pub(super) bad: String,
    /// One of a session that was ended.
    pub(super) ended: String,
    /// An access token of `wiki`.
    pub(super) token: String,
    /// One that was taken back.
    pub(super) ended_token: String,
    /// The cookie of a registered device.
    pub(super) device: String,
    /// `Authorization` with an app password of `wiki`.
    pub(super) app_password: String,
    /// Whose all of them are.
    pub(super) email: &'static str,
    verify: u16,
    clock: Option<FakeClock>,
    server: Server,
}

impl World {
    /// Starts it and signs the person in.
    pub(super) fn start() -> Self {
        let sink = Sink::start();
        let mut setup = Setup::new(sink.port);
        let (verify, wiki, page) = (free_port(), key(ApiKeyKind::Secret), key(ApiKeyKind::Publishable));
        let clock = FakeClock::new(setup.folder.path());
        setup.variables = clock.iter().flat_map(FakeClock::variables).collect();
        let listeners = json!([
            { "address": format!("127.0.0.1:{}", setup.port), "parts": ["public", "operations"] },
            { "address": format!("127.0.0.1:{verify}"), "parts": ["verify"] },
        ]);
        for (name, value) in [
            ("SERVER_ISSUER", ISSUER),
            ("SERVER_LISTENERS", &listeners.to_string()),
            ("SERVER_TRUSTED_PROXIES", "127.0.0.0/8"),
            ("COOKIES_DOMAIN", "example.org"),
        ] {
            setup.variables.push((format!("COUNTERSIGN_{name}"), value.to_owned()));
        }
        setup.app = "accounts = 'realm'\norigins = ['https://shop.example.org']".to_owned();
        setup.more = format!("[[apps.keys]]\nkey = '{page}'\n{}", apps(&wiki));
        let server = setup.start();
        let client = Client { port: server.setup.port, key: wiki };
        let (good, ended) = (sign_in(&server, &sink, &page), sign_in(&server, &sink, &page));
        let end = [("Cookie", ended.as_str()), ("Origin", ISSUER)];
        let request = Request { method: "DELETE", path: "/v1/session", headers: &end };
        let answer = http::ask(server.setup.port, request, "").unwrap();
        assert_eq!(answer.status, 204, "{answer:?}");
        let token = client.sign_in(JANE, &sink).text("access_token");
        let ended_token = client.sign_in(JANE, &sink).text("access_token");
        assert_eq!(client.revoke(&ended_token).unwrap().status, 200);
        let registered = at_own_page(&server, &good, "/v1/devices", &json!({ "label": "Desk" }));
        let device = cookie(&registered, "__Secure-countersign-registered=");
        let made = json!({ "label": "Phone", "apps": ["wiki"], "days": 1 });
        let password = at_own_page(&server, &good, "/v1/me/app-passwords", &made).text("password");
        let app_password = format!("Basic {}", BASE64.encode(format!("jane:{password}").as_bytes()));
        let bad = good.replace('.', ".A");
        let bad = bad[..good.len()].to_owned();
        Self {
            service: Service::start(),
            device,
            app_password,
            good,
            bad,
            ended,
            token,
            ended_token,
            email: JANE,
            verify,
            clock,
            server,
        }
    }

    /// What a recipe is filled in with.
    pub(super) fn places(&self) -> Places {
        let (public, service) = (self.server.setup.port, self.service.port);
        Places { apps: APPS.to_vec(), public, verify: self.verify, service, broken: false }
    }

    /// What Countersign answers for a browser's page of an app, where nobody is signed in.
    pub(super) fn own_answer(&self, app: &str, page: &str) -> Answer {
        let host = format!("{app}.example.org");
        self.ask(app, &[("Accept", "text/html"), ("X-Forwarded-Host", &host), ("X-Forwarded-Uri", page)])
    }

    /// The assertion about the person, for an app.
    pub(super) fn assertion(&self, app: &str) -> String {
        let answer = self.ask(app, &[("Cookie", &self.good), ("X-Forwarded-Uri", "/")]);
        let lines = answer.head.lines().filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(name, _)| name.eq_ignore_ascii_case("remote-assertion"));
        values.next().unwrap_or_else(|| panic!("no assertion in {answer:?}")).1.to_owned()
    }

    /// Where the keys are.
    pub(super) fn key_set(&self) -> String {
        format!("http://127.0.0.1:{}/.well-known/jwks.json", self.server.setup.port)
    }

    /// Asks as a proxy does.
    fn ask(&self, app: &str, more: &[(&str, &str)]) -> Answer {
        let mut headers = vec![
            ("X-Forwarded-Method", "GET"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-For", "127.0.0.1"),
        ];
        headers.extend_from_slice(more);
        let path = format!("/verify/{app}");
        http::ask(self.verify, Request { method: "GET", path: &path, headers: &headers }, "").unwrap()
    }

    /// Lets more time pass than any session lives; false where there is no clock to set.
    pub(super) fn let_time_pass(&self) -> bool {
        self.clock.iter().for_each(|clock| clock.off_by(800 * 24 * 60));
        self.clock.is_some()
    }

    /// Ends Countersign.
    pub(super) fn stop(&mut self) {
        self.server.kill();
    }
}

/// The apps behind proxies; `wiki` signs people in as well.
fn apps(wiki: &str) -> String {
    let app = |name: &str, settings: &str| {
        format!(
            "[[apps]]\nname = '{name}'\naccounts = 'realm'\norigins = ['https://{name}.example.org']\n\
             resend_pause_seconds = 0\n[apps.forward_auth]\n{settings}\n"
        )
    };
    let accepts = "accepts = ['session', 'device', 'token', 'app_password']";
    let open = "open = true\nscopes = ['read:email', 'read:name']";
    [
        app("wiki", &format!("{open}\n{accepts}\n{RULES}[[apps.keys]]\nkey = '{wiki}'")),
        app("notes", open),
        app("desk", &format!("{open}\nsign_in = 'redirect'")),
        app("api", &format!("{open}\nsign_in = 'unauthorized'")),
        app("vault", ""),
    ]
    .concat()
}

/// Signs the person in on a page of the app; the cookie of the session.
fn sign_in(server: &Server, sink: &Sink, page: &str) -> String {
    let authorization = format!("Bearer {page}");
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Origin", "https://shop.example.org"),
        ("Content-Type", "application/json"),
    ];
    let post = |path: &str, body: serde_json::Value| {
        let request = Request { method: "POST", path, headers: &headers };
        http::ask(server.setup.port, request, &body.to_string()).unwrap()
    };
    let known = sink.count_to(JANE);
    let started = post("/v1/challenges", json!({ "to": { "email": JANE } }));
    assert_eq!(started.status, 201, "{APP}: {started:?}");
    let code = sink.mail_beyond(known, JANE, MAIL).unwrap().code();
    let path = format!("/v1/challenges/{}/verify", started.text("id"));
    let answer = post(&path, json!({ "code": code, "binding": started.text("binding") }));
    cookie(&answer, "__Secure-countersign=")
}

/// What an answer sets of a cookie, up to its attributes.
fn cookie(answer: &Answer, start: &str) -> String {
    let lines = answer.head.lines().filter_map(|line| line.split_once(": "));
    let mut cookies = lines.filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    let (_, cookie) = cookies
        .find(|(_, value)| value.starts_with(start))
        .unwrap_or_else(|| panic!("no {start} in {answer:?}"));
    cookie.split(';').next().unwrap_or_default().to_owned()
}

/// What the person does on a page of Countersign's own.
fn at_own_page(server: &Server, cookie: &str, path: &str, body: &serde_json::Value) -> Answer {
    let headers = [("Cookie", cookie), ("Origin", ISSUER), ("Content-Type", "application/json")];
    let request = Request { method: "POST", path, headers: &headers };
    let answer = http::ask(server.setup.port, request, &body.to_string()).unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
    answer
}
