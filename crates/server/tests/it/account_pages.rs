//! `/account`: everything that a person can do there without JavaScript, what asks for a fresh sign-in, and what other
//! sites' pages cannot make a browser do there.

use std::sync::Arc;

use countersign_domain::{assurance::Method as Proof, time::Span};
use countersign_server::config::Config;
use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};

use crate::{
    accounts::club_named,
    admin::{items, local},
    devices::{ANN, FIREFOX, fresh, with_devices},
    passkeys::BOB,
    passwords::GOOD,
    second_factors::{Authenticator, step_up},
    sign_in_pages::{Guest, text},
    sign_ins::sessions,
    support::{Answer, TestServer, World, authenticator::Device, backend::on_every_engine, settings::ISSUER},
};

on_every_engine! {
    p26_everything_of_an_account_is_done_without_a_script
}

const SIGN_IN: &str = "/sign-in?app=club&return_to=https%3A%2F%2Fauth.example%2Faccount";

fn with_pages(config: &mut Config) {
    with_devices(config);
    config.realms[0].passwords = countersign_server::config::PasswordsSetting::On;
    let mut mail = club_named("mail");
    mail.forward_auth.accepts = Some(vec![countersign_server::config::OpenerSetting::AppPassword]);
    config.apps.push(mail);
}

/// Somebody who signed in on the way to their account.
async fn signed_in<'a>(server: &'a TestServer, address: &str) -> Guest<'a> {
    let mut guest = Guest::new(server);
    let begun = guest.open("/account?app=club").await.expect(303);
    assert_eq!(begun.header("location"), SIGN_IN);
    let back = guest.with_code(SIGN_IN, address).await.expect(303);
    assert_eq!(back.header("location"), "https://auth.example/account");
    guest
}

/// What a form led to: the page that says it is done.
async fn does(guest: &mut Guest<'_>, path: &str, form: &str) -> String {
    let page = guest.go(path, form).await.expect(200);
    let shown = text(&page);
    assert!(shown.contains("class=\"done\"") && !shown.contains("id=\"problem\""), "{form}: {shown}");
    shown
}

/// The values of a hidden field, in the order of the page.
fn hidden(page: &str, name: &str) -> Vec<String> {
    let mark = format!("name=\"{name}\" value=\"");
    page.split(&mark).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

fn problem(answer: &Answer) -> String {
    let page = text(answer);
    let (_, rest) = page.split_once("id=\"problem\">").unwrap_or_else(|| panic!("no problem: {page}"));
    rest.split('<').next().unwrap().to_owned()
}

async fn mailed(server: &TestServer, address: &str) -> String {
    loop {
        if let Some(code) = server.mail_to(address).await.find_code() {
            return code;
        }
    }
}

async fn p26_everything_of_an_account_is_done_without_a_script(world: World) {
    let server = world.node_with(with_pages).await;
    let mut ann = signed_in(&server, ANN).await;
    names_and_addresses(&server, &mut ann).await;
    second_factors_and_passwords(&server, &mut ann).await;
    devices_and_apps(&server, &mut ann).await;
    the_end(&server, &mut ann).await;
}

async fn names_and_addresses(server: &TestServer, ann: &mut Guest<'_>) {
    let you = does(ann, "/account", "act=change&display_name=Ann+%3Cb%3E&locale=de").await;
    assert!(you.contains("value=\"Ann &lt;b&gt;\"") && you.contains("value=\"de\" selected"), "{you}");
    does(ann, "/account", "act=change&display_name=&locale=").await;
    does(ann, "/account", "act=username&username=ann.b").await;
    does(ann, "/account", "act=add_phone&phone=%2B442079460000").await;
    let asked = text(&ann.send("/account", "act=add_email&email=ann%40two.example").await.expect(200));
    let (id, binding) = (hidden(&asked, "id"), hidden(&asked, "binding"));
    let challenge = id.iter().find(|id| id.starts_with("chl_")).unwrap();
    let verify = format!("act=verify_email&id={challenge}&binding={}", binding[0]);
    let wrong = ann.send("/account", &format!("{verify}&code=000000")).await.expect(401);
    assert!(problem(&wrong).starts_with("That code is not right"));
    assert_eq!(hidden(&text(&wrong), "binding"), binding, "the field is still there");
    let code = mailed(server, "ann@two.example").await;
    let you = does(ann, "/account", &format!("{verify}&code={code}")).await;
    let other = hidden(&you, "id")[0].clone();
    does(ann, "/account", &format!("act=make_primary&id={other}&primary=yes")).await;
    let you = text(&ann.open("/account").await.expect(200));
    assert!(you.find("ann@two.example").unwrap() < you.find(ANN).unwrap(), "the primary one is first");
    let number = hidden(&you, "id").last().unwrap().clone();
    let you = does(ann, "/account", &format!("act=remove_identifier&id={number}")).await;
    assert!(!you.contains("442079460000"));
    let gone = ann.send("/account", &format!("act=remove_identifier&id={number}")).await.expect(404);
    assert_eq!(problem(&gone), "That is gone already.");
    for (form, status, told) in [
        ("act=add_email&email=nobody", 422, "That is no email address."),
        ("act=add_phone&phone=12", 422, "That is no phone number with its country."),
        ("act=username&username=%21", 422, "That is no username"),
        ("act=nothing", 422, "That did not work"),
        ("act=change&act=change", 422, "That did not work"),
    ] {
        let refused = ann.send("/account", form).await.expect(status);
        assert!(problem(&refused).starts_with(told), "{form}: {}", problem(&refused));
        assert!(text(&refused).contains(refused.header("x-request-id")), "the reference");
    }
}

async fn second_factors_and_passwords(server: &TestServer, ann: &mut Guest<'_>) {
    const PAGE: &str = "/account/security";
    let early = ann.send(PAGE, "act=recovery_codes").await.expect(409);
    assert_eq!(problem(&early), "There is no second factor yet: add one first.");
    let common = ann.send(PAGE, "act=set_password&password=passwordpassword").await.expect(422);
    assert!(problem(&common).contains("Choose"), "{}", problem(&common));
    assert!(!text(&common).contains("passwordpassword"), "it is not shown again");
    does(ann, PAGE, &format!("act=set_password&password={}&end_other_sessions=true", GOOD.replace(' ', "+")))
        .await;
    // A password is a factor beside the mailbox: whoever has both shows both.
    ann.send(PAGE, "act=begin_totp").await.expect(303);
    step_up(server, &[Proof::Code, Proof::Password]).await;
    let shown = text(&ann.send(PAGE, "act=begin_totp").await.expect(200));
    let secret = shown.split("<code class=\"key\">").nth(1).unwrap().split('<').next().unwrap();
    assert!(shown.contains("<svg") && shown.contains("with_recovery_codes"));
    let app = Authenticator::with(BASE32_NOPAD.decode(secret.as_bytes()).unwrap());
    let ceremony = hidden(&shown, "ceremony")[0].clone();
    let confirm = format!("act=confirm_totp&ceremony={ceremony}&label=Phone&with_recovery_codes=yes");
    let wrong = ann.send(PAGE, &format!("{confirm}&code=000000")).await.expect(401);
    assert_eq!(hidden(&text(&wrong), "ceremony"), [ceremony]);
    let code = app.shows(server, 0);
    let made = text(&ann.send(PAGE, &format!("{confirm}&code={code}")).await.expect(200));
    assert_eq!(made.matches("<li><code>").count(), 10, "the recovery codes, this once");
    let later = text(&ann.open(PAGE).await.expect(200));
    assert!(later.matches("<li><code>").count() == 0 && later.contains("Codes that are left: 10."));
    // With a factor, a code alone is no longer enough to change it: the way leads to the second one, and back.
    server.advance(Span::from_minutes(1)).await;
    step_up(server, &[Proof::Code]).await;
    let weak = ann.send(PAGE, "act=recovery_codes").await.expect(303);
    let to = weak.header("location").to_owned();
    assert_eq!(to, "/sign-in?app=club&return_to=https%3A%2F%2Fauth.example%2Faccount%2Fsecurity&fresh=yes");
    let asked = text(&ann.open(&to).await.expect(200));
    assert!(asked.contains("value=\"step_up\""), "{asked}");
    let shown = text(&ann.go(&to, "step=step_up").await.expect(200));
    assert!(
        shown.contains("Check your mail") || shown.contains("Send me a mail") || shown.contains("Password"),
        "{shown}"
    );
    step_up(server, &[Proof::Password, Proof::Totp]).await;
    let back = ann.open(&to).await.expect(303);
    assert_eq!(back.header("location"), "https://auth.example/account/security");
    let codes = text(&ann.send(PAGE, "act=recovery_codes").await.expect(200));
    assert_eq!(codes.matches("<li><code>").count(), 10);
    let totp = hidden(&codes, "id")[0].clone();
    let renamed = does(ann, PAGE, &format!("act=rename&id={totp}&label=%3Cscript%3E")).await;
    assert!(renamed.contains("&lt;script&gt;") && !renamed.contains("<script>"));
    a_passkey_and_the_end_of_all(server, ann).await;
}

async fn a_passkey_and_the_end_of_all(server: &TestServer, ann: &mut Guest<'_>) {
    const PAGE: &str = "/account/security";
    // What a browser's script does, done by hand: it asks the interface, and sends the page's form.
    let mut device = Device::new();
    let page = server.anybody().with("origin", ISSUER).with("cookie", &ann.jar.header());
    let options: Value = page.post("/v1/me/credentials/passkey/options", &json!({})).await.expect(200).json();
    let credential = device.create(ISSUER, &options).await.unwrap().to_string();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("act", "add_passkey"), ("label", "Key"), ("credential", &credential)])
        .finish();
    let added = does(ann, PAGE, &form).await;
    step_up(server, &[Proof::Passkey, Proof::Password, Proof::Totp]).await;
    for id in hidden(&added, "id") {
        // The codes go with the last factor that they stood in for.
        ann.go(PAGE, &format!("act=remove&id={id}")).await;
    }
    does(ann, PAGE, "act=remove_password").await;
    let left = text(&ann.open(PAGE).await.expect(200));
    assert!(hidden(&left, "id").is_empty(), "{left}");
}

async fn devices_and_apps(server: &TestServer, ann: &mut Guest<'_>) {
    const PAGE: &str = "/account/devices";
    let mut other = signed_in(server, ANN).await;
    let shown = text(&ann.open(PAGE).await.expect(200));
    assert!(shown.contains("This one") && shown.contains("Sign out everywhere else"));
    assert_eq!(hidden(&shown, "id").len(), 2);
    let theirs = hidden(&text(&other.open(PAGE).await.expect(200)), "id");
    assert!(hidden(&shown, "id").iter().all(|id| theirs.contains(id)));
    does(ann, PAGE, "act=end_others").await;
    other.open(PAGE).await.expect(404);
    // A device, registered by the page for it.
    step_up(server, &[Proof::Code]).await;
    let made = ann.send("/devices/new?app=club", "label=Kitchen").await.expect(200);
    assert!(text(&made).contains("This device is registered"));
    let shown = text(&ann.open(PAGE).await.expect(200));
    assert!(shown.contains("Kitchen"), "{shown}");
    let device = hidden(&shown, "id").last().unwrap().clone();
    let renamed = does(ann, PAGE, &format!("act=rename_device&id={device}&label=Hall")).await;
    assert!(renamed.contains("Hall"));
    let ended = does(ann, PAGE, &format!("act=end_device&id={device}")).await;
    assert!(!ended.contains("Hall"));
    step_up(server, &[Proof::Code]).await;
    const APPS: &str = "/account/apps";
    let none = ann.send(APPS, "act=make_app_password&label=Phone").await.expect(422);
    assert_eq!(problem(&none), "Choose at least one app.");
    let made =
        text(&ann.send(APPS, "act=make_app_password&label=Phone&apps:mail=yes&days=30").await.expect(200));
    assert!(made.contains("csp_"));
    let shown = text(&ann.open(APPS).await.expect(200));
    assert!(!shown.contains("csp_") && shown.contains("Phone"));
    let id = hidden(&shown, "id")[0].clone();
    does(ann, APPS, &format!("act=end_app_password&id={id}")).await;
    let found = local(server).get(&format!("/v1/admin/users?email={ANN}")).await.expect(200);
    let scopes = json!(["read.email", "read:email"]);
    let grant = json!({"user": items(&found)[0]["id"], "app": "mail", "scopes": scopes});
    local(server).post("/v1/admin/grants", &grant).await.expect(201);
    let shown = text(&ann.open(APPS).await.expect(200));
    assert!(shown.contains("Sees: read.email, your primary email address</p>"), "{shown}");
    for _ in 0..50 {
        ann.send("/account", "act=change&display_name=").await.expect(303);
    }
    let history = text(&ann.open("/account/history").await.expect(200));
    let (_, earlier) = history.split_once("/account/history?before=").expect("more than fifty");
    let before = earlier.split('"').next().unwrap();
    assert_eq!(history.matches("<li>").count() - 6, 50, "and a menu of six");
    // All of it happened at one moment here, so that either part may hold any of it.
    let history = format!(
        "{history}{}",
        text(&ann.open(&format!("/account/history?before={before}")).await.expect(200))
    );
    assert!(history.contains("An app password was made") && history.contains("Signed in"), "{history}");
}

async fn the_end(server: &TestServer, ann: &mut Guest<'_>) {
    const PAGE: &str = "/account/data";
    let file = ann.send(PAGE, "act=export").await.expect(200);
    assert_eq!(file.header("content-type"), "application/json");
    assert!(file.header("content-disposition").starts_with("attachment; filename="));
    assert!(file.json()["id"].is_string());
    let gone = ann.send(PAGE, "act=erase").await.expect(200);
    assert!(text(&gone).contains("Your account"), "{}", text(&gone));
    assert_eq!(sessions(server).await, 0);
    ann.open("/account").await.expect(404);
}

#[tokio::test]
async fn p20_no_other_page_does_anything_there() {
    let server = TestServer::with(with_pages).await;
    let ann = signed_in(&server, ANN).await;
    let before = server.everything().await;
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "https://club.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "none"),
        ("user-agent", FIREFOX),
    ] {
        let read = server.anybody().with(name, value).with("cookie", &ann.jar.header()).get("/account").await;
        assert!(!read.headers.contains_key("access-control-allow-origin"), "{name}: {value}");
        for (path, form) in [
            ("/account", "act=username&username=evil"),
            ("/account/security", "act=begin_totp"),
            ("/account/devices", "act=end_others"),
            ("/account/data", "act=erase"),
            ("/account/data", "act=export"),
        ] {
            let page = server.anybody().with(name, value).with("cookie", &ann.jar.header());
            let refused = page.form(path, form).await.expect(403);
            assert!(text(&refused).contains("Begin on this page"), "{name}: {value} {path}");
            assert!(!refused.headers.contains_key("access-control-allow-origin"));
        }
    }
    let after = server.everything().await;
    assert_eq!(format!("{before:?}"), format!("{after:?}"), "nothing was written");
    // A link from anywhere shows the page, to the person alone, and no frame holds it.
    let linked = server.anybody().with("sec-fetch-site", "cross-site").with("cookie", &ann.jar.header());
    let page = linked.get("/account").await.expect(200);
    let policy = page.header("content-security-policy");
    for part in [
        "frame-ancestors 'none'",
        "default-src 'none'",
        "require-trusted-types-for 'script'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe") && page.header("cache-control") == "no-store");
}

#[tokio::test]
async fn p26_a_person_sees_and_changes_their_own_account_alone() {
    let server = TestServer::with(with_pages).await;
    let (mut ann, mut bob) = (signed_in(&server, ANN).await, signed_in(&server, BOB).await);
    let session = hidden(&text(&ann.open("/account/devices").await.expect(200)), "id")[0].clone();
    let you = text(&bob.open("/account").await.expect(200));
    assert!(you.contains(BOB) && !you.contains(ANN));
    let other = bob.send("/account/devices", &format!("act=end&id={session}")).await.expect(404);
    assert_eq!(problem(&other), "That is gone already.");
    ann.open("/account").await.expect(200);
    // Signing out of the session that asks leads to the sign-in.
    let out = ann.send("/account/devices", &format!("act=end&id={session}")).await.expect(303);
    ann.open(out.header("location")).await.expect(303);
    // Nobody is told which apps there are.
    let nobody = Guest::new(&server).open("/account").await.expect(404);
    assert!(text(&nobody).contains("Sign in first"));
    for app in ["nothing", "forum"] {
        Guest::new(&server).open(&format!("/account?app={app}")).await.expect(404);
    }
}

#[tokio::test]
async fn what_matters_asks_for_a_fresh_sign_in_and_says_so_before() {
    let server = Arc::new(TestServer::with(with_pages).await);
    let mut ann = signed_in(&server, ANN).await;
    let young = text(&ann.open("/account").await.expect(200));
    assert!(!young.contains("class=\"notice\""));
    server.advance(Span::from_minutes(11)).await;
    let old = text(&ann.open("/account").await.expect(200));
    assert!(old.contains("class=\"notice\"") && old.contains("fresh=yes"));
    assert!(!text(&ann.open("/account/devices").await.expect(200)).contains("class=\"notice\""));
    // What would be refused is not asked for: who it is, is confirmed first.
    let forms = ["add_email", "add_phone"];
    assert!(forms.iter().all(|act| young.contains(act) && !old.contains(act)), "{old}");
    assert!(old.contains("value=\"change\""), "a name takes nothing more: {old}");
    for (path, act) in [
        ("/account/security", "begin_totp"),
        ("/account/security", "set_password"),
        ("/account/security", "add_passkey"),
        ("/account/apps", "make_app_password"),
        ("/account/data", "erase"),
        ("/account/data", "export"),
    ] {
        let page = text(&ann.open(path).await.expect(200));
        assert!(!page.contains(&format!("value=\"{act}\"")) && page.contains("fresh=yes"), "{act}: {page}");
    }
    // A form that was open for too long is shown again with what was typed, but for secrets.
    let typed = text(&ann.send("/account", "act=add_email&email=ann%40two.example").await.expect(403));
    assert!(typed.contains("value=\"ann@two.example\"") && typed.contains("target=\"_blank\""), "{typed}");
    assert!(typed.contains("what you typed is still here") && !typed.contains("class=\"notice\""), "{typed}");
    let label = "act=make_app_password&label=My+phone&apps:mail=yes&days=7";
    let typed = text(&ann.send("/account/apps", label).await.expect(403));
    assert!(typed.contains("value=\"My phone\"") && typed.contains("value=\"7\""), "{typed}");
    // Where nothing was typed the way leads there at once.
    let asked = ann.send("/account/data", "act=export").await.expect(303);
    assert!(asked.header("location").contains("fresh=yes"), "{asked:?}");
    let asked = ann.send("/account", "act=make_primary&id=idn_x&primary=yes").await.expect(303);
    let to = asked.header("location").to_owned();
    assert!(to.starts_with("/sign-in?app=club&") && to.contains("fresh=yes"), "{to}");
    let stepped = ann.go(&to, "step=step_up").await.expect(200);
    let stepped = text(&stepped);
    assert!(!stepped.contains("name=\"name\""), "who it is, is known: {stepped}");
    ann.send(&to, "step=mail").await.expect(303);
    let code = mailed(&server, ANN).await;
    let back = ann.go(&to, &format!("step=code&code={code}")).await.expect(303);
    assert_eq!(back.header("location"), "https://auth.example/account");
    let back = text(&ann.open("/account").await.expect(200));
    assert!(!back.contains("class=\"notice\"") && back.contains("add_email"), "{back}");
    ann.send("/account", "act=add_email&email=ann%40two.example").await.expect(200);
    fresh(&server).await;
}
