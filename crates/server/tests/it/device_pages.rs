//! `/devices/new`: a browser becomes a registered device on our own page, and opens an app's host by a ticket.

use countersign_domain::time::Span;
use countersign_server::config::{Config, ForwardAuthSettings, OpenerSetting, SignInSetting};

use crate::{
    devices::{ANN, ann, held, register, with_devices},
    new_devices::Jar,
    second_factors::with_much,
    sign_in_pages::{Guest, text},
    support::{Answer, TestServer, World, backend::on_every_engine, settings::ISSUER},
    verify::{proxy, with},
};

on_every_engine! {
    p30_a_name_and_a_code_register_a_browser_without_a_script
    p30_a_browser_that_goes_to_a_page_comes_by_ours_for_another_secret
    where_devices_alone_open_a_service_a_browser_becomes_one_and_goes_in_no_circle
}

const NEW: &str = "/devices/new?app=club";

async fn p30_a_name_and_a_code_register_a_browser_without_a_script(world: World) {
    let server = world.node_with(with_devices).await;
    let (app, _) = ann(&server).await;
    let mut guest = Guest::new(&server);
    let asked = guest.open(NEW).await.expect(200);
    assert!(text(&asked).contains("one-time-code") && text(&asked).contains("register=yes"));
    // Whatever is wrong, it looks the same.
    let mut shown = Vec::new();
    for form in [
        "name=ann%40mail.example&code=000000",
        "name=nobody%40mail.example&code=000000",
        "name=ann%40mail.example&code=x",
        "name=%40&code=000000",
        "name=&code=",
    ] {
        let wrong = guest.send(NEW, form).await.expect(401);
        shown.push(text(&wrong).replace(wrong.header("x-request-id"), "ID"));
        assert!(held(&server, &guest.jar.header()).await.is_none(), "{form}");
    }
    assert!(shown.iter().all(|page| *page == shown[0]), "{shown:#?}");
    server.advance(Span::from_seconds(30)).await;
    let form = format!("name=ann%40mail.example&code={}&label=Kitchen", app.shows(&server, 0));
    let foreign =
        server.anybody().with("origin", "https://evil.example").with("sec-fetch-site", "cross-site");
    foreign.form(NEW, &form).await.expect(403);
    let done = guest.send(NEW, &form).await.expect(200);
    assert!(text(&done).contains("This device is registered"));
    assert!(held(&server, &guest.jar.header()).await.is_some());
    // The code is spent.
    Guest::new(&server).send(NEW, &form).await.expect(401);
    // It opens the app's host by a ticket, and nobody is asked again.
    let start = "/.countersign/start?app=club&return_to=https%3A%2F%2Fclub.example%2Fx";
    let mut host = Guest::new(&server);
    let to = host.open(start).await.expect(303);
    let back = guest.open(to.header("location").strip_prefix(ISSUER).unwrap()).await.expect(303);
    let callback = back.header("location").strip_prefix("https://club.example").unwrap();
    let opened = host.open(callback).await.expect(303);
    assert_eq!(opened.header("location"), "https://club.example/x");
    assert!(host.jar.header().contains("__Host-countersign-app="));
}

#[tokio::test]
async fn where_a_code_may_not_begin_the_browser_signs_in_first() {
    let server = TestServer::with(with_much).await;
    let mut guest = Guest::new(&server);
    let sent = guest.open(NEW).await.expect(303);
    let sign_in = sent.header("location").to_owned();
    assert_eq!(sign_in, "/sign-in?app=club&register=yes");
    let on = guest.with_code(&sign_in, ANN).await.expect(303);
    assert_eq!(on.header("location"), NEW);
    let asked = guest.open(NEW).await.expect(200);
    assert!(!text(&asked).contains("one-time-code") && text(&asked).contains("name=\"label\""));
    let stale = Guest { server: &server, jar: guest.jar.clone() };
    guest.send(NEW, "label=Kitchen").await.expect(200);
    assert!(held(&server, &guest.jar.header()).await.is_some());
    server.advance(Span::from_minutes(11)).await;
    let mut stale = stale;
    let refused = stale.send(NEW, "label=Other").await.expect(403);
    assert!(text(&refused).contains("too long ago"), "{}", text(&refused));
    // Whoever opens the page anew is asked first, and comes back to it.
    let sign_in = stale.open(NEW).await.expect(303).header("location").to_owned();
    assert_eq!(sign_in, "/sign-in?app=club&register=yes&fresh=yes");
    let on = stale.with_code(&sign_in, ANN).await.expect(303).header("location").to_owned();
    assert_eq!(on, "/devices/new?app=club&fresh=yes");
    stale.open(&on).await.expect(200);
    stale.send(&on, "label=Other").await.expect(200);
}

/// The same with a service that sends browsers to sign in, on a host that sees our cookies.
fn with_desk(config: &mut Config) {
    with_devices(config);
    config.server.trusted_proxies = vec!["10.0.0.0/8".to_owned()];
    let sign_in = Some(SignInSetting::Redirect);
    let mut desk =
        with("desk", ForwardAuthSettings { open: true, sign_in, ..ForwardAuthSettings::default() });
    desk.origins = vec![ISSUER.to_owned()];
    config.apps.push(desk);
    config.apps.push(with("notes", ForwardAuthSettings { open: true, ..ForwardAuthSettings::default() }));
}

/// A browser's request for a page of an app, as its proxy asks for it.
async fn asks(server: &TestServer, jar: &Jar, app: &str, more: &[(&str, &str)]) -> Answer {
    let client = proxy(server).with("cookie", &jar.header()).with("x-forwarded-method", "GET");
    let host = ISSUER.strip_prefix("https://").unwrap();
    let client = client.with("x-forwarded-host", host).with("x-forwarded-uri", "/page?a=b");
    more.iter()
        .fold(client, |client, (name, value)| client.with(name, value))
        .get(&format!("/verify/{app}"))
        .await
}

async fn p30_a_browser_that_goes_to_a_page_comes_by_ours_for_another_secret(world: World) {
    const PAGE: [(&str, &str); 2] = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    let server = world.node_with(with_desk).await;
    let (app, _) = ann(&server).await;
    let mut guest = Guest::new(&server);
    register(&server, &mut guest.jar, &app).await;
    let first = guest.jar.clone();
    for _ in 0..2 {
        asks(&server, &first, "desk", &PAGE).await.expect(200);
    }
    server.advance(Span::from_hours(24)).await;
    for _ in 0..2 {
        // What is no page of a window of its own goes on, and so does an app that sends nobody anywhere.
        for more in [
            &[("sec-fetch-mode", "cors")][..],
            &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
            &[("accept", "application/json")],
        ] {
            asks(&server, &first, "desk", more).await.expect(200);
        }
        asks(&server, &first, "notes", &PAGE).await.expect(200);
        let sent = asks(&server, &first, "desk", &PAGE).await.expect(302);
        assert!(sent.header("location").starts_with(&format!("{ISSUER}/sign-in?app=desk")), "{sent:?}");
        assert!(sent.headers.get("remote-subject").is_none());
    }
    let sent = asks(&server, &first, "desk", &PAGE).await;
    let page = sent.header("location").strip_prefix(ISSUER).unwrap();
    let back = guest.open(page).await.expect(303);
    assert_eq!(back.header("location"), format!("{ISSUER}/page?a=b"));
    assert_ne!(guest.jar.header(), first.header());
    for _ in 0..2 {
        asks(&server, &guest.jar, "desk", &PAGE).await.expect(200);
    }
    // A second tab that was sent with the former one gets the same.
    let mut tab = Guest { server: &server, jar: first.clone() };
    tab.open(page).await.expect(303);
    assert_eq!(tab.jar.header(), guest.jar.header());
    server.advance(Span::from_seconds(31)).await;
    assert!(held(&server, &first.header()).await.is_none());
    assert_ne!(
        asks(&server, &first, "desk", &PAGE).await.status,
        200,
        "a copy of the former one is worth nothing"
    );
    // So does whoever opens the page for devices.
    server.advance(Span::from_hours(24)).await;
    let before = guest.jar.header();
    guest.open(NEW).await.expect(200);
    assert_ne!(guest.jar.header(), before);
}

/// A service that registered devices alone open, on a host that sees our cookies.
fn with_vault(config: &mut Config) {
    with_devices(config);
    config.server.trusted_proxies = vec!["10.0.0.0/8".to_owned()];
    let settings = ForwardAuthSettings {
        open: true,
        sign_in: Some(SignInSetting::Redirect),
        accepts: Some(vec![OpenerSetting::Device]),
        ..ForwardAuthSettings::default()
    };
    for (name, origin) in [("vault", ISSUER), ("safe", "https://safe.example")] {
        let mut app = with(name, settings.clone());
        app.origins = vec![origin.to_owned()];
        config.apps.push(app);
    }
}

async fn where_devices_alone_open_a_service_a_browser_becomes_one_and_goes_in_no_circle(world: World) {
    const PAGE: [(&str, &str); 1] = [("sec-fetch-mode", "navigate")];
    let server = world.node_with(with_vault).await;
    let mut guest = Guest::new(&server);
    let sent = asks(&server, &guest.jar, "vault", &PAGE).await.expect(302);
    let page = sent.header("location").strip_prefix(ISSUER).unwrap().to_owned();
    let on = guest.with_code(&page, ANN).await.expect(303);
    let devices = on.header("location").to_owned();
    assert!(devices.starts_with("/devices/new?app=vault"), "{devices}");
    // With the session alone the proxy sends it here again, and here it is told the same.
    asks(&server, &guest.jar, "vault", &PAGE).await.expect(302);
    assert_eq!(guest.open(&page).await.expect(303).header("location"), devices);
    let back = guest.send(&devices, "label=Kitchen").await.expect(303);
    assert_eq!(back.header("location"), format!("{ISSUER}/page?a=b"));
    asks(&server, &guest.jar, "vault", &PAGE).await.expect(200);
    assert_eq!(guest.open(&page).await.expect(303).header("location"), back.header("location"));
    // Where the host sees no cookie of ours, a ticket stands for the device and not for the session.
    let start = "/.countersign/start?app=safe&return_to=https%3A%2F%2Fsafe.example%2Fx";
    let mut host = Guest::new(&server);
    let to = host.open(start).await.expect(303);
    let with_ticket = guest.open(to.header("location").strip_prefix(ISSUER).unwrap()).await.expect(303);
    let callback = with_ticket.header("location").strip_prefix("https://safe.example").unwrap();
    host.open(callback).await.expect(303);
    proxy(&server).with("cookie", &host.jar.header()).get("/verify/safe").await.expect(200);
}
