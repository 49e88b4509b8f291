//! What rules of an app rest on: what a proxy that is believed tells of a request, and nothing else.

use countersign_server::config::{
    AccessSetting, Config, ForwardAuthSettings, LevelSetting, RuleSettings, SignInSetting,
};
use http::Method;

use crate::{
    accounts::CLUB,
    sessions,
    support::{Answer, TestServer},
    verify::{proxy, services, with},
};

const ANN: &str = "ann@mail.example";

fn at(path: &str) -> RuleSettings {
    RuleSettings { path: Some(path.to_owned()), ..RuleSettings::default() }
}

fn ruled(name: &'static str, rules: Vec<RuleSettings>) -> countersign_server::config::AppSettings {
    let sign_in = Some(SignInSetting::Redirect);
    let mut app =
        with(name, ForwardAuthSettings { open: true, sign_in, rules, ..ForwardAuthSettings::default() });
    app.origins = vec!["https://tool.example".to_owned()];
    app
}

fn with_rules(config: &mut Config) {
    services(config);
    let public = || Some(AccessSetting::Public);
    config.apps.push(ruled(
        "tool",
        vec![
            RuleSettings { access: public(), methods: vec!["GET".to_owned()], ..at("/health") },
            RuleSettings { access: Some(AccessSetting::Deny), ..at("/internal") },
        ],
    ));
    let networks = |network: &str| vec![network.to_owned()];
    config.apps.push(ruled(
        "lan",
        vec![
            RuleSettings { access: public(), networks: networks("10.0.0.0/8"), ..RuleSettings::default() },
            RuleSettings {
                access: public(),
                networks: networks("192.168.0.0/16"),
                ..RuleSettings::default()
            },
            RuleSettings { least: Some(LevelSetting::Mailbox), ..RuleSettings::default() },
        ],
    ));
}

async fn told(server: &TestServer, app: &str, headers: &[(&str, &str)]) -> Answer {
    let client = headers.iter().fold(proxy(server), |client, (name, value)| client.with(name, value));
    client.get(&format!("/verify/{app}")).await
}

#[tokio::test]
async fn p37_a_header_that_does_not_read_makes_no_other_one_believed() {
    let server = TestServer::with(with_rules).await;
    let ann = sessions::sign_in(&server, CLUB, ANN, "").await;
    let spoof = [
        ("x-original-uri", "/health"),
        ("x-original-url", "/health"),
        ("x-rewrite-url", "/health"),
        ("x-original-method", "GET"),
        ("accept", "text/html"),
        ("x-forwarded-host", "tool.example"),
        ("cookie", ann.cookie.as_str()),
    ];
    let get = ("x-forwarded-method", "GET");
    let good =
        told(&server, "tool", &[&[("x-forwarded-uri", "/health"), get][..], &spoof[..6]].concat()).await;
    assert_eq!(good.expect(200).header("remote-subject"), "");
    for known in [
        &[("x-forwarded-uri", "/internal?é"), get][..],
        &[("x-forwarded-uri", "/é"), get],
        &[("x-forwarded-uri", "/internal"), ("x-forwarded-uri", "/health"), get],
        &[("x-forwarded-uri", "/health#/../internal"), get],
        &[("x-forwarded-uri", "/health?#/../internal"), get],
        &[get],
        &[("x-forwarded-uri", "/internal"), ("x-forwarded-method", "GÉT")],
    ] {
        // Nobody gets in, and where no page is known nobody is sent back to one.
        for cookies in [6, 7] {
            let refused = told(&server, "tool", &[known, &spoof[..cookies]].concat()).await;
            let at_page = refused.status == 302;
            assert!(refused.status == 401 || at_page && known[0].1.contains('#'), "{known:?} {refused:?}");
        }
    }
    for method in [&[("x-forwarded-method", "GÉT")][..], &[], &[get, get]] {
        let health = [&[("x-forwarded-uri", "/health")][..], method, &spoof[..6]].concat();
        assert_eq!(told(&server, "tool", &health).await.expect(401).header("location"), "", "{method:?}");
    }
}

#[tokio::test]
async fn p37_a_network_is_whom_a_proxy_names_and_never_the_proxy() {
    let server = TestServer::with(with_rules).await;
    let from = |named: &'static [(&'static str, &'static str)]| told(&server, "lan", named);
    for named in [
        &[][..],
        &[("x-forwarded-for", "")],
        &[("x-forwarded-for", "unknown")],
        &[("x-forwarded-for", "10.1.2.3")],
        &[("x-forwarded-for", "é")],
        &[("x-forwarded-for", "192.168.0.1, unknown")],
        &[("x-forwarded-for", "192.168.0.1, 192.0.2.1")],
        &[("x-real-ip", "192.168.0.1")],
        &[("forwarded", "for=192.168.0.1")],
    ] {
        assert_eq!(from(named).await.status, 401, "{named:?}");
    }
    from(&[("x-forwarded-for", "192.168.0.1")]).await.expect(200);
    from(&[("x-forwarded-for", "192.0.2.1, 192.168.0.1, 10.1.2.3")]).await.expect(200);
    // Nor is a peer that is not believed whom it asks for.
    for address in ["192.168.0.1", "192.0.2.1"] {
        let client = proxy(&server).from(address).with("x-forwarded-for", "192.168.0.1");
        client.get("/verify/lan").await.expect(401);
    }
}

#[tokio::test]
async fn p37_a_question_that_looks_like_a_browsers_before_a_request_is_no_yes() {
    let server = TestServer::with(with_rules).await;
    let ann = sessions::sign_in(&server, CLUB, ANN, "").await;
    for cookie in ["", &ann.cookie] {
        let client = proxy(&server).with("cookie", cookie).with("origin", CLUB);
        let client = client.with("access-control-request-method", "GET");
        for path in ["/verify/tool", "/verify/notes", "/verify/nothing", "/"] {
            let answer = client.send(Method::OPTIONS, path, "").await;
            assert!(answer.status.is_client_error(), "{path} {answer:?}");
        }
        let at_people = server.anybody().with("cookie", cookie).with("access-control-request-method", "GET");
        assert!(at_people.send(Method::OPTIONS, "/verify/notes", "").await.status.is_client_error());
        at_people.send(Method::OPTIONS, "/v1/token", "").await.expect(204);
    }
}
