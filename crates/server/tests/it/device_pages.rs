//! `/devices/new`: a browser becomes a registered device on our own page, and opens an app's host by a ticket.

use countersign_domain::time::Span;

use crate::{
    devices::{ANN, ann, held, with_devices},
    second_factors::with_much,
    sign_in_pages::{Guest, text},
    support::{TestServer, World, backend::on_every_engine, settings::ISSUER},
};

on_every_engine! {
    p30_a_name_and_a_code_register_a_browser_without_a_script
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
}
