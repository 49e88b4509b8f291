//! Apps with accounts: the first sign-in, refresh tokens, and what ends them.

use countersign_domain::time::Span;
use countersign_server::config::{
    AccountsSetting, AppSettings, Config, DeliverySetting, RealmSettings, SignUpSetting,
};

use crate::{
    flow::{claims_by_key_set, sign_in},
    support::{
        Answer, Caller, TestServer, World,
        backend::on_every_engine,
        settings::{ISSUER, app, publishable_key},
    },
};

on_every_engine! {
    p34_a_hundred_parallel_refreshes_over_two_nodes_leave_one_live_branch
    one_of_many_first_sign_ins_makes_the_user
}

const ANN: &str = "ann@mail.example";
/// A page of the club's own.
pub(crate) const CLUB: &str = "https://club.example";

/// An app with accounts, whose pages are the server's own and one of its own.
pub(crate) fn club() -> AppSettings {
    club_named("club")
}

/// The same under another name.
pub(crate) fn club_named(name: &'static str) -> AppSettings {
    AppSettings {
        accounts: AccountsSetting::Realm,
        origins: vec![ISSUER.to_owned(), CLUB.to_owned()],
        ..app(name)
    }
}

pub(crate) fn with_club(config: &mut Config) {
    config.apps.push(club());
}

pub(crate) async fn server() -> TestServer {
    TestServer::with(with_club).await
}

pub(crate) async fn refresh(server: &TestServer, token: &str) -> Answer {
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    server.app("club").form("/oauth2/token", &form).await
}

/// Whether an access token is good, wherever we are asked.
pub(crate) async fn is_good(server: &TestServer, token: &str) -> bool {
    let direct = server.calls(Caller::Bearer(token.to_owned())).get("/v1/token").await.status == 200;
    let asked = server.app("club").form("/oauth2/introspect", &format!("token={token}")).await;
    assert_eq!(asked.json()["active"] == true, direct, "both places say the same");
    direct
}

#[tokio::test]
async fn the_first_sign_in_makes_a_user_a_session_and_two_tokens() {
    let server = server().await;
    let first = sign_in(&server, "club", ANN).await;
    assert_eq!(first.json()["expires_in"], 300);
    assert!(first.text("refresh_token").starts_with("cs_rt_"));
    assert_eq!(first.header("set-cookie"), "", "a server gets no cookie");
    let (kind, claims) = claims_by_key_set(&server, &first.text("access_token"), "club").await;
    assert_eq!(kind, "at+jwt");
    assert_eq!(claims["sid"], first.text("session"));
    assert_eq!(claims["sub"], first.text("subject"));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
    assert_eq!(claims.get("email"), None, "nobody asked for it");

    let second = sign_in(&server, "club", ANN).await;
    assert_eq!(second.text("subject"), first.text("subject"));
    assert_ne!(second.text("session"), first.text("session"));
    assert_ne!(sign_in(&server, "club", "bob@mail.example").await.text("subject"), first.text("subject"));
    for (sql, rows) in [
        ("SELECT id FROM realm_user", 2),
        ("SELECT digest FROM user_identifier", 2),
        ("SELECT id FROM session", 3),
    ] {
        assert_eq!(server.query(sql).await.len(), rows, "{sql}");
    }
    let none = sign_in(&server, "shop", ANN).await.json();
    assert!(none.get("session").is_none() && none.get("refresh_token").is_none(), "no accounts, as ever");
}

#[tokio::test]
async fn p36_an_app_that_takes_accounts_keeps_everybodys_subject() {
    let world = World::memory();
    let before = {
        let server = world.node_with(|config| config.apps.push(app("club"))).await;
        sign_in(&server, "club", ANN).await.text("subject")
    };
    let server = world.node_with(with_club).await;
    assert_eq!(sign_in(&server, "club", ANN).await.text("subject"), before);
}

#[tokio::test]
async fn realms_have_people_of_their_own() {
    let server = TestServer::with(|config| {
        config.realms = vec![RealmSettings { name: "staff".to_owned(), ..RealmSettings::default() }];
        for (name, realm) in [("club", None), ("desk", Some("staff")), ("board", Some("staff"))] {
            let sector = Some("all".to_owned());
            let realm = realm.map(str::to_owned);
            config.apps.push(AppSettings {
                realm,
                sector,
                keys: app(name).keys,
                name: name.to_owned(),
                ..club()
            });
        }
    })
    .await;
    let mut subjects = Vec::new();
    for app in ["club", "desk", "board"] {
        subjects.push(sign_in(&server, app, ANN).await.text("subject"));
    }
    assert_eq!(subjects[1], subjects[2], "one sector of one realm");
    assert_ne!(subjects[0], subjects[1], "nothing crosses realms");
    assert_eq!(server.query("SELECT id FROM realm_user").await.len(), 2);
}

#[tokio::test]
async fn p34_a_refresh_token_rotates_and_a_lost_answer_can_be_asked_for_again() {
    let server = server().await;
    let first = sign_in(&server, "club", ANN).await;
    let second = refresh(&server, &first.text("refresh_token")).await.expect(200);
    assert_eq!(second.header("cache-control"), "no-store");
    assert_eq!(second.text("token_type"), "Bearer");
    assert_eq!(second.text("session"), first.text("session"));
    assert_eq!(second.text("subject"), first.text("subject"));
    assert_ne!(second.text("refresh_token"), first.text("refresh_token"));
    assert_ne!(second.text("access_token"), first.text("access_token"));
    let again = refresh(&server, &first.text("refresh_token")).await.expect(200);
    assert_eq!(again.text("refresh_token"), second.text("refresh_token"), "the same successor");
    assert!(is_good(&server, &again.text("access_token")).await);

    server.advance(Span::from_seconds(30)).await;
    let stolen = refresh(&server, &first.text("refresh_token")).await.expect(400);
    assert_eq!(stolen.text("error"), "invalid_grant");
    refresh(&server, &second.text("refresh_token")).await.expect(400);
    for token in [&first, &second, &again] {
        assert!(
            !is_good(&server, &token.text("access_token")).await,
            "the family ends with all that came from it"
        );
    }
}

#[tokio::test]
async fn p32_tokens_of_one_kind_or_app_are_of_no_use_as_another() {
    let server = TestServer::with(|config| {
        with_club(config);
        config.apps.push(AppSettings { keys: app("other").keys, name: "other".to_owned(), ..club() });
    })
    .await;
    let mine = sign_in(&server, "club", ANN).await;
    let (access, fresh) = (mine.text("access_token"), mine.text("refresh_token"));
    assert_eq!(refresh(&server, &access).await.expect(400).text("error"), "invalid_grant");
    server.calls(Caller::Bearer(fresh.clone())).get("/v1/token").await.refused(401, "invalid_token");
    for key in ["other", "shop"] {
        let form = format!("grant_type=refresh_token&refresh_token={fresh}");
        assert_eq!(
            server.app(key).form("/oauth2/token", &form).await.expect(400).text("error"),
            "invalid_grant"
        );
        let asked = server.app(key).form("/oauth2/introspect", &format!("token={fresh}")).await;
        assert_eq!(asked.json()["active"], false);
        server.app(key).form("/oauth2/revoke", &format!("token={fresh}")).await.expect(200);
    }
    for (form, error) in [
        ("grant_type=password&refresh_token=x", "unsupported_grant_type"),
        ("refresh_token=x", "invalid_request"),
        ("grant_type=refresh_token", "invalid_request"),
        ("grant_type=refresh_token&refresh_token=cs_rt_x", "invalid_grant"),
    ] {
        assert_eq!(server.app("club").form("/oauth2/token", form).await.expect(400).text("error"), error);
    }
    let nobody = server.anybody().form("/oauth2/token", "grant_type=refresh_token&refresh_token=x").await;
    assert_eq!(nobody.expect(401).text("error"), "invalid_client");
    assert!(is_good(&server, &access).await, "nothing of that did any harm");
    refresh(&server, &fresh).await.expect(200);
}

#[tokio::test]
async fn p27_sessions_end_by_idleness_and_age() {
    let server = TestServer::with(|config| {
        with_club(config);
        config.realms = vec![RealmSettings {
            name: "default".to_owned(),
            session_idle_seconds: Some(600),
            session_absolute_seconds: Some(1_500),
            ..RealmSettings::default()
        }];
    })
    .await;
    let mut token = sign_in(&server, "club", ANN).await.text("refresh_token");
    for _ in 0..2 {
        server.advance(Span::from_seconds(599)).await;
        token = refresh(&server, &token).await.expect(200).text("refresh_token");
    }
    server.advance(Span::from_seconds(301)).await;
    let last = refresh(&server, &token).await.expect(200);
    assert_eq!(last.json()["expires_in"], 1, "no token outlives its session");
    server.advance(Span::from_seconds(1)).await;
    refresh(&server, &last.text("refresh_token")).await.expect(400);
    let idle = sign_in(&server, "club", ANN).await.text("refresh_token");
    server.advance(Span::from_seconds(600)).await;
    refresh(&server, &idle).await.expect(400);
}

#[tokio::test]
async fn p12_where_strangers_may_not_come_nobody_can_tell_who_is_one() {
    let world = World::memory();
    {
        let server = world.node_with(with_club).await;
        sign_in(&server, "club", ANN).await;
    }
    for sign_up in [
        AppSettings { sign_up: SignUpSetting::Closed, ..club() },
        AppSettings { sign_up_domains: vec!["members.example".to_owned()], ..club() },
    ] {
        let server = world.node_with(|config| config.apps.push(sign_up)).await;
        let club = server.app("club");
        let mut answers = Vec::new();
        for address in [ANN, "eve@mail.example"] {
            let started = club.start(address).await.expect(201);
            let wrong = club.verify(&started, "AAAAAAA").await.refused(401, "invalid_code");
            answers.push((started.json().as_object().unwrap().len(), wrong.json()["tries_left"].clone()));
        }
        assert_eq!(answers[0], answers[1]);
        server.no_mail_to("eve@mail.example").await;
        sign_in_after(&server, ANN).await;
    }
}

/// Signs in with the newest mail; earlier ones are read and forgotten.
async fn sign_in_after(server: &TestServer, address: &str) -> Answer {
    server.outbox_is_empty().await;
    while server.mailbox.take(address).is_some() {}
    sign_in(server, "club", address).await
}

async fn p34_a_hundred_parallel_refreshes_over_two_nodes_leave_one_live_branch(world: World) {
    let one = world.node_with(with_club).await;
    // A file or a memory has one owner: both callers are at the same node there.
    let other = world.node_with(with_club).await;
    let token = sign_in(&one, "club", ANN).await.text("refresh_token");
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..100 {
        let caller = if index % 2 == 0 { one.app("club") } else { other.app("club") };
        let form = form.clone();
        tasks.spawn(async move { caller.form("/oauth2/token", &form).await });
    }
    let mut successors = std::collections::HashSet::new();
    while let Some(answer) = tasks.join_next().await {
        successors.insert(answer.unwrap().expect(200).text("refresh_token"));
    }
    assert_eq!(successors.len(), 1, "one successor for all");
    let next = successors.into_iter().next().unwrap();
    refresh(&other, &next).await.expect(200);
}

async fn one_of_many_first_sign_ins_makes_the_user(world: World) {
    let server = world.node_with(with_club).await;
    let mut started = Vec::new();
    for _ in 0..3 {
        let answer = server.app("club").start(ANN).await.expect(201);
        started.push((answer, server.mail_to(ANN).await.code()));
    }
    let mut tasks = tokio::task::JoinSet::new();
    for (answer, code) in started {
        let caller = server.app("club");
        tasks.spawn(async move { caller.verify(&answer, &code).await.expect(200).text("subject") });
    }
    let mut subjects = std::collections::HashSet::new();
    while let Some(subject) = tasks.join_next().await {
        subjects.insert(subject.unwrap());
    }
    assert_eq!(subjects.len(), 1);
    assert_eq!(server.query("SELECT id FROM realm_user").await.len(), 1);
    assert_eq!(server.query("SELECT id FROM session").await.len(), 3);
}

#[tokio::test]
async fn a_link_begins_a_session_too() {
    let server = TestServer::with(|config| {
        config.apps.push(AppSettings { delivery: Some(DeliverySetting::Link), ..club() });
    })
    .await;
    let page = server.calls(Caller::Publishable(publishable_key("club"), CLUB));
    let started = page.start(ANN).await.expect(201);
    let link = server.mail_to(ANN).await.link();
    let number = started.text("confirmation_number");
    server.anybody().form(&link, &format!("number={number}")).await.expect(200);
    let passed = page.redeem(&started).await.expect(200);
    assert!(passed.header("set-cookie").starts_with("__Host-countersign="));
    assert_eq!(passed.json()["amr"][0], "mca");
    page.redeem(&started).await.refused(410, "challenge_over");
    assert_eq!(server.query("SELECT id FROM session").await.len(), 1);
}
