//! The way back to the host of an app that shares no cookie with us.

use countersign_domain::{assurance::Level, time::Span};
use countersign_server::{
    accounts::held_app_cookie,
    config::{Config, CookieSettings},
    cookie::AppCookie,
    pages::forward::sign_in_location,
};
use http::HeaderMap;

use crate::{
    accounts::{club_named, with_club},
    new_devices::Jar,
    sign_in_pages::{Guest, text},
    sign_ins::sessions,
    support::{Answer, TestServer, World, backend::on_every_engine, settings::ISSUER},
};

on_every_engine! {
    p26_a_ticket_lets_the_browser_in_that_came_from_there_once
    p03_of_many_who_show_one_ticket_one_gets_in
}

const ANN: &str = "ann@mail.example";
const BOB: &str = "bob@mail.example";
const BACK: &str = "https://club.example/cart?a=b";
const PAGE: &str = "/sign-in?app=club&return_to=https%3A%2F%2Fclub.example%2Fcart%3Fa%3Db";

/// A browser: what it keeps for our host, and for the app's.
struct Browser<'a> {
    ours: Guest<'a>,
    app: Guest<'a>,
}

impl<'a> Browser<'a> {
    fn new(server: &'a TestServer) -> Self {
        Self { ours: Guest::new(server), app: Guest::new(server) }
    }

    /// Asks for a page of the app; the sign-in page that it is sent to.
    async fn start(&mut self) -> String {
        let server = self.app.server;
        let club = server.server.app("club").unwrap();
        let location = sign_in_location(&server.server, &club, BACK, None).unwrap();
        let start = location.strip_prefix("https://club.example").unwrap();
        let sent = self.app.open(start).await.expect(303);
        sent.header("location").strip_prefix(ISSUER).unwrap().to_owned()
    }

    /// Signs in; the address of the callback, with its ticket.
    async fn ticket(&mut self, sign_in: &str, address: &str) -> String {
        let back = self.ours.with_code(sign_in, address).await.expect(303);
        callback(&back)
    }

    async fn is_in(&self, app: &str) -> bool {
        is_in(self.app.server, &self.app.jar, app).await
    }
}

fn callback(back: &Answer) -> String {
    let to = back.header("location").strip_prefix("https://club.example").unwrap();
    assert!(to.starts_with("/.countersign/callback?ticket="), "{to}");
    to.to_owned()
}

/// Whether what a browser keeps for an app's host opens an app.
async fn is_in(server: &TestServer, jar: &Jar, app: &str) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert("cookie", jar.header().parse().unwrap());
    let settings = server.server.config.load().cookies.clone();
    let Some(cookie) = AppCookie::of(&headers, &settings) else { return false };
    let app = server.server.app(app).unwrap();
    held_app_cookie(&server.server, &cookie, &app, server.now()).await.unwrap().is_some()
}

async fn p26_a_ticket_lets_the_browser_in_that_came_from_there_once(world: World) {
    let server = world.node_with(with_club).await;
    let mut ann = Browser::new(&server);
    let sign_in = ann.start().await;
    let state = ann.app.jar.header();
    assert!(state.starts_with("__Host-countersign-state="), "{state}");
    assert!(!sign_in.contains(state.split('=').nth(1).unwrap()), "the address does not tell the mark itself");
    let ticket = ann.ticket(&sign_in, ANN).await;
    // What is kept does not tell the ticket.
    let secret = ticket.rsplit('.').next().unwrap().to_owned();
    let rows = format!("{:?}", server.query("SELECT * FROM ceremony").await);
    assert!(!rows.contains(&secret) && !rows.contains(&format!("{:?}", secret.as_bytes())), "{rows}");
    let in_ = ann.app.open(&ticket).await.expect(303);
    assert_eq!((in_.header("location"), in_.header("referrer-policy")), (BACK, "no-referrer"));
    let sets: Vec<&str> = in_.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap()).collect();
    let set = sets.iter().find(|set| set.starts_with("__Host-countersign-app=")).unwrap();
    for part in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
        assert!(set.contains(part) && !set.contains("Domain"), "{set}");
    }
    assert!(ann.is_in("club").await);
    // A second time it lets nobody in.
    let mut thief = Guest { server: &server, jar: Jar::default() };
    thief.jar.put(state);
    let over = thief.open(&ticket).await.expect(410);
    assert!(over.headers.get("set-cookie").is_none() && text(&over).contains("This way back is over"));
    // Who is signed in comes back without being asked.
    let sign_in = ann.start().await;
    let back = ann.ours.open(&sign_in).await.expect(303);
    ann.app.open(&callback(&back)).await.expect(303);
}

async fn p03_of_many_who_show_one_ticket_one_gets_in(world: World) {
    let server = world.node_with(with_club).await;
    let other = world.node_with(with_club).await;
    let mut ann = Browser::new(&server);
    let sign_in = ann.start().await;
    let ticket = ann.ticket(&sign_in, ANN).await;
    let cookie = ann.app.jar.header();
    let shown = (0..20).map(|number| {
        let node = if number % 2 == 0 { &server } else { &other };
        let client = node.anybody().with("cookie", &cookie);
        let ticket = ticket.clone();
        async move { client.get(&ticket).await.status.as_u16() }
    });
    let mut statuses = futures_util::future::join_all(shown).await;
    statuses.sort_unstable();
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
}

#[tokio::test]
async fn p38_nobody_signs_somebody_else_in_as_themselves() {
    let server = TestServer::with(with_club).await;
    let (mut eve, mut ann) = (Browser::new(&server), Browser::new(&server));
    // Eve sends her own ticket to Ann, who comes from nowhere, or from the app as well.
    for ann_began in [false, true] {
        let sign_in = eve.start().await;
        let back = eve.ours.open(&sign_in).await;
        let ticket =
            if back.status.as_u16() == 303 { callback(&back) } else { eve.ticket(&sign_in, BOB).await };
        if ann_began {
            ann.start().await;
        }
        let refused = ann.app.open(&ticket).await.expect(410);
        assert!(refused.headers.get("set-cookie").is_none());
        assert!(!ann.is_in("club").await);
        // It is spent then: a ticket that was seen elsewhere is worth nothing.
        eve.app.open(&ticket).await.expect(410);
    }
}

#[tokio::test]
async fn p26_a_ticket_that_was_stolen_is_of_no_use_elsewhere() {
    let server = TestServer::with(with_club).await;
    let (mut ann, mut eve) = (Browser::new(&server), Browser::new(&server));
    let sign_in = ann.start().await;
    let ticket = ann.ticket(&sign_in, ANN).await;
    // Eve has read both addresses, and began herself.
    eve.start().await;
    eve.app.open(&ticket).await.expect(410);
    assert!(!eve.is_in("club").await);
    // Nor is Ann's mark to be had: her browser sent to the page with Eve's mark gets a ticket that Ann's cannot use, and
    // Eve never sees.
    let hers = eve.start().await;
    let back = ann.ours.open(&hers).await.expect(303);
    ann.app.open(&callback(&back)).await.expect(410);
    assert!(!ann.is_in("club").await);
}

#[tokio::test]
async fn p02_a_ticket_is_good_for_a_minute_less_a_second() {
    for (seconds, status) in [(59, 303), (60, 410)] {
        let server = TestServer::with(with_club).await;
        let mut ann = Browser::new(&server);
        let sign_in = ann.start().await;
        let ticket = ann.ticket(&sign_in, ANN).await;
        server.advance(Span::from_seconds(seconds)).await;
        ann.app.open(&ticket).await.expect(status);
    }
}

#[tokio::test]
async fn p27_p28_the_cookie_of_an_app_ends_with_its_session_and_opens_no_other_app() {
    let server = TestServer::with(|config: &mut Config| {
        with_club(config);
        config.apps.push(club_named("other"));
    })
    .await;
    let mut ann = Browser::new(&server);
    let sign_in = ann.start().await;
    let ticket = ann.ticket(&sign_in, ANN).await;
    ann.app.open(&ticket).await.expect(303);
    assert!(ann.is_in("club").await && !ann.is_in("other").await);
    let kept = ann.app.jar.header();
    for forged in [
        kept[..kept.len() - 1].to_owned(),
        format!("{}A", &kept[..kept.len() - 1]),
        kept.replace('.', ""),
        kept.replace("-app=", "="),
    ] {
        let mut jar = Jar::default();
        jar.put(forged.clone());
        assert!(forged == kept || !is_in(&server, &jar, "club").await, "{forged}");
    }
    // No other site's form signs anybody out, and a form of the app's own host does.
    let held = ann.app.jar.clone();
    let client = || server.anybody().with("cookie", &kept);
    client().with("origin", ISSUER).form("/.countersign/sign-out", "").await.expect(403);
    client().with("sec-fetch-site", "cross-site").form("/.countersign/sign-out", "").await.expect(403);
    client().get("/.countersign/sign-out").await.expect(200);
    assert!(ann.is_in("club").await);
    client().with("sec-fetch-site", "same-origin").form("/.countersign/sign-out", "").await.expect(200);
    assert!(!is_in(&server, &held, "club").await && !ann.ours.jar.is_in(&server).await);
}

#[tokio::test]
async fn p37_a_browser_is_sent_to_sign_in_for_pages_of_the_app_alone() {
    for (domain, page, acr, expected) in [
        (
            None,
            BACK,
            None,
            Some(
                "https://club.example/.countersign/start?app=club&return_to=https%3A%2F%2Fclub.example%2Fcart%3Fa%3Db",
            ),
        ),
        (
            None,
            "https://auth.example/x",
            Some(Level::Aal2),
            Some(
                "https://auth.example/sign-in?app=club&return_to=https%3A%2F%2Fauth.example%2Fx&acr_values=aal2",
            ),
        ),
        (
            Some("auth.example"),
            BACK,
            None,
            Some(
                "https://club.example/.countersign/start?app=club&return_to=https%3A%2F%2Fclub.example%2Fcart%3Fa%3Db",
            ),
        ),
        (None, "https://evil.example/", None, None),
        (None, "/cart", None, None),
    ] {
        let server = TestServer::with(|config| {
            with_club(config);
            config.cookies =
                CookieSettings { domain: domain.map(str::to_owned), ..CookieSettings::default() };
        })
        .await;
        let club = server.server.app("club").unwrap();
        assert_eq!(sign_in_location(&server.server, &club, page, acr).as_deref(), expected, "{page}");
    }
    let server = TestServer::with(with_club).await;
    for query in ["app=club&return_to=https%3A%2F%2Fevil.example", "app=club", "app=none", ""] {
        let lost = server.anybody().get(&format!("/.countersign/start?{query}")).await;
        assert!(lost.status.is_client_error() && lost.headers.get("set-cookie").is_none(), "{query}");
    }
}

#[tokio::test]
async fn p28_signing_out_ends_this_session_or_all() {
    let server = TestServer::with(with_club).await;
    let (mut one, mut other) = (Guest::new(&server), Guest::new(&server));
    for guest in [&mut one, &mut other] {
        guest.with_code(PAGE, ANN).await.expect(303);
        server.advance(Span::from_minutes(2)).await;
    }
    one.open("/sign-out").await.expect(200);
    assert!(one.jar.is_in(&server).await, "looking changes nothing");
    let kept = one.jar.clone();
    one.send("/sign-out", "").await.expect(200);
    assert!(!kept.is_in(&server).await && other.jar.is_in(&server).await);
    one.with_code(PAGE, ANN).await.expect(303);
    let kept = other.jar.clone();
    one.send("/sign-out", "everywhere=yes").await.expect(200);
    assert!(!kept.is_in(&server).await);
    assert_eq!(sessions(&server).await, 0);
    one.send("/sign-out", "").await.expect(200);
}
