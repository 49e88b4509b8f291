//! `/sign-in`: what a browser without JavaScript does there, and what other sites' pages cannot make it do.

use countersign_domain::time::Span;
use countersign_server::config::{DeliverySetting, LevelSetting};

use crate::{
    accounts::{CLUB, club_named, with_club},
    new_devices::Jar,
    passwords::{GOOD, register, with_passwords},
    second_factors::{Authenticator, with_much},
    sign_in_factors::with_app,
    sign_ins::{least, sessions},
    support::{Answer, TestServer, World, backend::on_every_engine, settings::ISSUER},
};

on_every_engine! {
    p05_p26_a_code_signs_in_without_a_script_and_goes_back
}

const ANN: &str = "ann@mail.example";
const BACK: &str = "https://club.example/cart?a=b";

/// A browser on our pages, with its cookies. It follows us where we lead it, and no further.
pub(crate) struct Guest<'a> {
    pub(crate) server: &'a TestServer,
    pub(crate) jar: Jar,
}

/// The address of the page for an app.
pub(crate) fn page(app: &str, more: &str) -> String {
    let back = "https%3A%2F%2Fclub.example%2Fcart%3Fa%3Db";
    format!("/sign-in?app={app}&return_to={back}{more}")
}

impl<'a> Guest<'a> {
    pub(crate) fn new(server: &'a TestServer) -> Self {
        Self { server, jar: Jar::default() }
    }

    pub(crate) async fn open(&mut self, path: &str) -> Answer {
        let client = self.server.anybody().from("198.51.100.9").with("sec-fetch-site", "none");
        let answer = client.with("cookie", &self.jar.header()).get(path).await;
        self.jar.take(&answer);
        answer
    }

    /// Sends a form of the page, as a browser does.
    pub(crate) async fn send(&mut self, path: &str, form: &str) -> Answer {
        let client = self.server.anybody().from("198.51.100.9").with("origin", ISSUER);
        let client = client.with("sec-fetch-site", "same-origin").with("cookie", &self.jar.header());
        let answer = client.form(path, form).await;
        self.jar.take(&answer);
        answer
    }

    /// The same, and the page that it leads to.
    pub(crate) async fn go(&mut self, path: &str, form: &str) -> Answer {
        let sent = self.send(path, form).await;
        if sent.status.as_u16() != 303 {
            return sent;
        }
        let to = sent.header("location").to_owned();
        self.open(&to).await
    }

    /// Types a mailed code; where the browser is sent then.
    pub(crate) async fn with_code(&mut self, path: &str, address: &str) -> Answer {
        let asked =
            self.go(path, &format!("step=begin&name={}", address.replace('@', "%40"))).await.expect(200);
        assert!(text(&asked).contains("autocomplete=\"one-time-code\""), "{}", text(&asked));
        let code = loop {
            if let Some(code) = self.server.mail_to(address).await.find_code() {
                break code;
            }
        };
        self.go(path, &format!("step=code&code={code}")).await
    }
}

pub(crate) fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

/// What stands on the page where something went wrong.
fn problem(answer: &Answer) -> String {
    let text = text(answer);
    let (_, rest) = text.split_once("id=\"problem\">").unwrap_or_else(|| panic!("no problem: {text}"));
    rest.split('<').next().unwrap().to_owned()
}

async fn p05_p26_a_code_signs_in_without_a_script_and_goes_back(world: World) {
    let server = world.node_with(with_club).await;
    let mut ann = Guest::new(&server);
    let first = ann.open(&page("club", "")).await.expect(200);
    assert!(text(&first).contains("autocomplete=\"username webauthn\""));
    assert_eq!(sessions(&server).await, 0);
    let wrong = ann.go(&page("club", ""), "step=begin&name=ann%40mail.example").await.expect(200);
    assert!(text(&wrong).contains("one-time-code") && text(&wrong).contains(ANN));
    let refused = ann.send(&page("club", ""), "step=code&code=000000").await.expect(401);
    assert_eq!(
        problem(&refused),
        "That code is not right. Look at the newest mail, and type the code as it stands there."
    );
    assert!(text(&refused).contains(refused.header("x-request-id")), "the reference");
    let code = server.mail_to(ANN).await.code();
    // A browser that did not begin has nothing to go on with.
    let mut other = Guest::new(&server);
    let stranger = other.send(&page("club", ""), &format!("step=code&code={code}")).await.expect(410);
    assert!(problem(&stranger).contains("Begin again"));
    let before = ann.jar.clone();
    let back = ann.go(&page("club", ""), &format!("step=code&code={code}")).await.expect(303);
    assert_eq!(back.header("location"), BACK);
    assert_eq!(sessions(&server).await, 1);
    assert!(ann.jar.is_in(&server).await && !before.is_in(&server).await);
    assert!(!ann.jar.header().contains("-sign-in="), "what is over is forgotten");
    // Who is signed in goes back at once; what was there before the sign-in is worth nothing.
    let again = ann.open(&page("club", "")).await.expect(303);
    assert_eq!(again.header("location"), BACK);
    let mut old = Guest { server: &server, jar: before };
    old.send(&page("club", ""), &format!("step=code&code={code}")).await.expect(410);
    let done = ann.open("/sign-in?app=club").await.expect(200);
    assert!(text(&done).contains("You are signed in"));
}

#[tokio::test]
async fn p37_nobody_is_sent_to_a_page_that_the_app_does_not_have() {
    let server = TestServer::with(with_club).await;
    let mut ann = Guest::new(&server);
    ann.with_code(&page("club", ""), ANN).await.expect(303);
    for (query, status) in [
        ("app=club&return_to=https%3A%2F%2Fevil.example%2F", 422),
        ("app=club&return_to=https%3A%2F%2Fclub.example.evil.example%2F", 422),
        ("app=club&return_to=https%3A%2F%2Fclub.example%40evil.example%2F", 422),
        ("app=club&return_to=%2F%2Fevil.example", 422),
        ("app=club&return_to=javascript%3Aalert(1)", 422),
        ("app=club&return_to=https%3A%2F%2Fclub.example&return_to=https%3A%2F%2Fevil.example", 422),
        ("app=club&acr_values=loa9", 422),
        ("app=club&state=x", 422),
        ("app=forum", 422),
        ("app=nothing", 404),
        ("", 404),
    ] {
        let astray = ann.open(&format!("/sign-in?{query}")).await.expect(status);
        assert!(text(&astray).contains("This address does not work"), "{query}");
        assert_eq!(astray.header("location"), "", "{query}");
        ann.send(&format!("/sign-in?{query}"), "step=begin&name=ann%40mail.example").await.expect(status);
    }
}

#[tokio::test]
async fn p38_forms_of_other_sites_do_nothing() {
    let server = TestServer::with(with_club).await;
    let mut ann = Guest::new(&server);
    ann.go(&page("club", ""), "step=begin&name=ann%40mail.example").await.expect(200);
    let code = server.mail_to(ANN).await.code();
    let form = format!("step=code&code={code}");
    for foreign in [
        &[("origin", "https://evil.example")][..],
        &[("origin", CLUB), ("sec-fetch-site", "same-site")],
        &[("origin", "null"), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "none")],
        &[],
    ] {
        let mut client = server.anybody().with("cookie", &ann.jar.header());
        for (name, value) in foreign {
            client = client.with(name, value);
        }
        for path in
            [page("club", ""), page("club", "").replace("/sign-in", "/sign-in/passkey"), "/sign-out".into()]
        {
            let refused = client.form(&path, &form).await.expect(403);
            assert_eq!(refused.headers.get("set-cookie"), None, "{foreign:?} {path}");
        }
    }
    assert_eq!(sessions(&server).await, 0);
    // Another media type is what a script could send without being asked.
    let client = server.anybody().with("origin", ISSUER).with("cookie", &ann.jar.header());
    client
        .with("content-type", "text/plain")
        .send(http::Method::POST, &page("club", ""), &form)
        .await
        .expect(422);
    ann.go(&page("club", ""), &form).await.expect(303);
    // And none of them signs anybody out.
    assert!(ann.jar.is_in(&server).await);
}

#[tokio::test]
async fn p08_the_page_lets_nothing_in_and_leads_to_the_app_alone() {
    let server = TestServer::with(with_club).await;
    let mut ann = Guest::new(&server);
    let hostile = server.anybody().with("host", "evil.example").with("x-forwarded-host", "evil.example");
    for shown in [ann.open(&page("club", "")).await, hostile.get(&page("club", "")).await] {
        let policy = shown.header("content-security-policy");
        for part in [
            "default-src 'none';",
            "script-src 'self';",
            "form-action 'self' https://club.example;",
            "frame-ancestors 'none';",
            "base-uri 'none';",
            "require-trusted-types-for 'script';",
        ] {
            assert!(policy.contains(part), "{part} in {policy}");
        }
        assert!(!policy.contains("unsafe") && !text(&shown).contains("evil.example"), "{policy}");
        assert_eq!(
            (shown.header("referrer-policy"), shown.header("cache-control")),
            ("same-origin", "no-store")
        );
    }
    let back = ann.with_code(&page("club", ""), ANN).await.expect(303);
    assert_eq!(back.header("referrer-policy"), "no-referrer", "the app is not told this page's address");
}

#[tokio::test]
async fn the_first_view_is_light() {
    let server = TestServer::with(with_passwords).await;
    let mut ann = Guest::new(&server);
    let first = ann.open(&page("club", "")).await.expect(200);
    let shown = text(&first);
    let assets: Vec<&str> = shown
        .split(['"'])
        .filter(|word| word.starts_with("&#x2f;assets") || word.starts_with("/assets"))
        .collect();
    let mut bytes = shown.len();
    for asset in &assets {
        bytes += ann.open(&asset.replace("&#x2f;", "/")).await.expect(200).body.len();
    }
    assert!(
        !assets.is_empty() && assets.len() <= 3,
        "{assets:?}: the page, and what a browser asks for by itself"
    );
    assert!(bytes <= 30_000, "{bytes} bytes");
}

#[tokio::test]
async fn p07_who_confirms_elsewhere_lets_the_page_go_on_that_waits() {
    let server = TestServer::with(|config| {
        config.apps.push(countersign_server::config::AppSettings {
            delivery: Some(DeliverySetting::Link),
            ..club_named("club")
        });
    })
    .await;
    let mut ann = Guest::new(&server);
    let waits = ann.go(&page("club", ""), "step=begin&name=ann%40mail.example").await.expect(200);
    assert!(text(&waits).contains("http-equiv=\"refresh\"") && !text(&waits).contains("one-time-code"));
    let shown = text(&waits);
    let number = shown.split("class=\"big\">").nth(1).unwrap().split('<').next().unwrap();
    let link = server.mail_to(ANN).await.link();
    let not_yet = ann.send(&page("club", ""), "step=link").await.expect(409);
    assert!(problem(&not_yet).contains("Nobody has confirmed there yet"));
    ann.open(&page("club", "")).await.expect(200);
    // Elsewhere the number is asked for; nobody is signed in there.
    let pressed = server.anybody().form(&link, &format!("number={number}")).await.expect(200);
    assert_eq!(pressed.headers.get("set-cookie"), None);
    // A page of another site does not make it go on.
    let cross = server.anybody().with("sec-fetch-site", "cross-site").with("cookie", &ann.jar.header());
    cross.get(&page("club", "")).await.expect(200);
    assert_eq!(sessions(&server).await, 0);
    let on = ann.open(&page("club", "")).await.expect(303);
    let back = ann.open(on.header("location")).await.expect(303);
    assert_eq!(back.header("location"), BACK);
    // In the same browser no number is needed.
    let mut bob = Guest::new(&server);
    bob.go(&page("club", ""), "step=begin&name=bob%40mail.example").await.expect(200);
    let link = server.mail_to("bob@mail.example").await.link();
    assert!(!text(&bob.open(&link).await).contains("name=\"number\""));
}

#[tokio::test]
async fn p12_the_page_is_the_same_for_who_is_known_and_who_is_not() {
    let server = TestServer::with(with_passwords).await;
    register(&server, ANN, GOOD).await;
    let mut pages = Vec::new();
    for name in [ANN, "new@mail.example"] {
        let mut guest = Guest::new(&server);
        let asked =
            guest.go(&page("club", ""), &format!("step=begin&name={}", name.replace('@', "%40"))).await;
        let wrong = guest.send(&page("club", ""), "step=password&password=wrong-and-long-enough").await;
        for answer in [asked.expect(200), wrong.expect(401)] {
            let id = answer.header("x-request-id").to_owned();
            pages.push(
                text(&answer)
                    .replace(name, "NAME")
                    .replace(&name.replace('@', "&#64;"), "NAME")
                    .replace(&id, "ID"),
            );
        }
    }
    assert_eq!(pages[..2], pages[2..]);
}

#[tokio::test]
async fn a_password_is_asked_for_where_there_are_passwords_and_a_mail_stays_a_way() {
    let server = TestServer::with(with_passwords).await;
    register(&server, ANN, GOOD).await;
    let mut ann = Guest::new(&server);
    let asked = ann.go(&page("club", ""), "step=begin&name=ann%40mail.example").await.expect(200);
    assert!(text(&asked).contains("autocomplete=\"current-password\"") && text(&asked).contains("with=mail"));
    let wrong = ann.send(&page("club", ""), "step=password&password=not+this+one+at+all").await.expect(401);
    assert_eq!(problem(&wrong), "The name or the password is not right.");
    let mailed = ann.open(&page("club", "&with=mail")).await.expect(200);
    assert!(text(&mailed).contains("value=\"mail\""));
    let back = ann.go(&page("club", ""), &format!("step=password&password={}", GOOD.replace(' ', "+"))).await;
    assert_eq!(back.expect(303).header("location"), BACK);
    let mut name = Guest::new(&server);
    let typed = name.send(&page("club", ""), "step=begin&name=%20").await.expect(422);
    assert!(text(&typed).contains("aria-invalid=\"true\""));
}

async fn after_a_code<'a>(server: &'a TestServer, path: &str) -> Guest<'a> {
    let mut ann = Guest::new(server);
    let more = ann.with_code(path, ANN).await.expect(200);
    assert!(text(&more).contains("value=\"totp\""), "{}", text(&more));
    server.advance(Span::from_minutes(2)).await;
    ann
}

#[tokio::test]
async fn p21_a_second_factor_is_asked_for_and_a_code_is_good_once() {
    let server = TestServer::with(with_much).await;
    let (app, codes) = with_app(&server, ANN).await;
    let path = page("club", "");
    let mut ann = after_a_code(&server, &path).await;
    let wrong = ann.send(&path, "step=totp&code=000000").await.expect(401);
    assert!(problem(&wrong).contains("Wait for the next one"));
    let shown = app.shows(&server, 0);
    ann.go(&path, &format!("step=totp&code={shown}")).await.expect(303);
    let mut again = after_a_code(&server, &path).await;
    again.send(&path, &format!("step=totp&code={shown}")).await.expect(401);
    let ways = again.open(&format!("{path}&with=recovery_code")).await.expect(200);
    assert!(text(&ways).contains("value=\"recovery_code\"") && text(&ways).contains("with=totp"));
    let back = again.go(&path, &format!("step=recovery_code&code={}", codes[0])).await.expect(303);
    assert_eq!(back.header("location"), BACK);
}

#[tokio::test]
async fn p26_what_an_app_asks_for_beyond_the_session_is_shown_and_changes_its_cookie() {
    let server = TestServer::with(with_much).await;
    let mut ann = Guest::new(&server);
    ann.with_code(&page("club", ""), ANN).await.expect(303);
    server.advance(Span::from_minutes(2)).await;
    let path = page("club", "&acr_values=aal1");
    let asked = ann.open(&path).await.expect(200);
    assert!(text(&asked).contains("Show that it is you"));
    let weak = ann.jar.clone();
    let make = ann.go(&path, "step=step_up").await.expect(200);
    assert!(text(&make).contains("new_totp_options"), "{}", text(&make));
    let shown = ann.send(&path, "step=new_totp_options").await.expect(200);
    let (secret, ceremony) =
        (between(&shown, "class=\"key\">", "<"), between(&shown, "name=\"ceremony\" value=\"", "\""));
    assert!(text(&shown).contains("<svg "));
    let app = Authenticator::with(data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).unwrap());
    let wrong = ann.send(&path, &format!("step=new_totp&ceremony={ceremony}&code=000000")).await.expect(401);
    assert!(text(&wrong).contains(&ceremony) && !text(&wrong).contains(&secret), "shown once");
    let code = app.shows(&server, 0);
    let back = ann.go(&path, &format!("step=new_totp&ceremony={ceremony}&code={code}")).await.expect(303);
    assert_eq!(back.header("location"), BACK);
    assert!(ann.jar.is_in(&server).await && !weak.is_in(&server).await, "the weaker cookie is worth nothing");
}

fn between(answer: &Answer, before: &str, after: &str) -> String {
    let text = text(answer);
    text.split(before).nth(1).unwrap_or_else(|| panic!("{text}")).split(after).next().unwrap().to_owned()
}

#[tokio::test]
async fn a_level_that_nothing_reaches_is_made_on_the_way_and_words_are_the_readers() {
    let server = TestServer::with(least(LevelSetting::Aal1)).await;
    let german = server.anybody().with("accept-language", "de-CH");
    let shown = text(&german.get(&page("club", "")).await.expect(200));
    assert!(shown.contains("<html lang=\"de\"") && shown.contains("Anmelden bei club"), "{shown}");
    let mut ann = Guest::new(&server);
    let path = page("club", "");
    ann.go(&path, "step=begin&name=ann%40mail.example").await.expect(200);
    ann.send(&path, "step=mail").await.expect(303);
    let code = server.mail_to(ANN).await.code();
    let make = ann.go(&path, &format!("step=code&code={code}")).await.expect(200);
    assert!(text(&make).contains("Your account needs something stronger"), "{}", text(&make));
}
