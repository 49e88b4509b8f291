//! Webhooks: told in the commit, delivered until they are taken, and never sent where they must not go.

use std::sync::{Arc, Mutex};

use countersign_domain::{id::UserId, time::Span};
use countersign_server::{
    config::{AppSettings, Config, WebhookSettings},
    outgoing::Client,
    shutdown,
    webhooks::{
        signature,
        worker::{self, deliver_due},
    },
};
use countersign_store::engine::Value as Cell;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    accounts::{club, with_club},
    flow::sign_in,
    support::{TestServer, World, backend::on_every_engine, settings::app, wait_until},
};

on_every_engine! {
    p42_a_delivery_is_in_the_commit_and_tried_until_it_is_taken
}

const ANN: &str = "ann@mail.example";
const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Somebody who is told: answers with these statuses in turn, the last one again and again, and keeps what came.
struct Receiver {
    port: u16,
    came: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    async fn answering(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let came = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&came);
        tokio::spawn(async move {
            for number in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut text = String::new();
                let mut buffer = [0; 4096];
                while !is_whole(&text) {
                    let read = stream.read(&mut buffer).await.unwrap();
                    text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
                }
                kept.lock().unwrap().push(text);
                let answer = answers[number.min(answers.len() - 1)];
                let head = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(head.as_bytes()).await.unwrap();
            }
        });
        Self { port, came }
    }

    fn came(&self) -> Vec<String> {
        self.came.lock().unwrap().clone()
    }
}

fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    header(head, "content-length").parse() == Ok(body.len())
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
    line.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim())
}

fn hook(url: String) -> WebhookSettings {
    WebhookSettings {
        name: "crm".to_owned(),
        url,
        secret: Some(format!("whsec_{SECRET}")),
        kinds: vec!["user.*".to_owned(), "session.*".to_owned()],
        allow_http: true,
        allow_private: true,
        ..WebhookSettings::default()
    }
}

fn configured(hooks: Vec<WebhookSettings>) -> impl FnOnce(&mut Config) {
    |config| {
        with_club(config);
        config.webhooks = hooks;
    }
}

fn poster() -> Client {
    Client::new(std::time::Duration::from_secs(5)).unwrap()
}

async fn p42_a_delivery_is_in_the_commit_and_tried_until_it_is_taken(world: World) {
    let receiver = Receiver::answering(&["500 No", "302 Found\r\nlocation: /elsewhere", "204 Good"]).await;
    let url = format!("http://127.0.0.1:{}/in", receiver.port);
    let server = world
        .node_with(configured(vec![WebhookSettings { kinds: vec!["user.created".to_owned()], ..hook(url) }]))
        .await;
    sign_in(&server, "club", ANN).await;
    // Nobody has delivered anything yet: what is acknowledged is in the database.
    let rows = || server.query("SELECT id FROM webhook_delivery");
    assert_eq!(rows().await.len(), 1);
    for tries in 1..=2 {
        deliver_due(&server.server, &poster()).await;
        assert_eq!((receiver.came().len(), rows().await.len()), (tries, 1), "it is tried again");
        deliver_due(&server.server, &poster()).await;
        assert_eq!(receiver.came().len(), tries, "not before its time");
        server.advance(Span::from_seconds(31)).await;
    }
    deliver_due(&server.server, &poster()).await;
    assert!(rows().await.is_empty(), "it was taken");
    let came = receiver.came();
    assert_eq!(came.len(), 3);
    let ids: Vec<_> = came.iter().map(|text| header(text, "webhook-id")).collect();
    assert!(ids[0].starts_with("whd_") && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert!(came.iter().all(|text| text.starts_with("POST /in HTTP/1.1\r\n")), "nobody is followed");
    server.stop().await;
}

#[tokio::test]
async fn p42_what_does_not_open_here_is_kept_for_a_node_where_it_does() {
    let receiver = Receiver::answering(&["204 Good"]).await;
    let url = format!("http://127.0.0.1:{}/in", receiver.port);
    let kinds = vec!["user.created".to_owned()];
    let server = TestServer::with(configured(vec![WebhookSettings { kinds, ..hook(url) }])).await;
    sign_in(&server, "club", ANN).await;
    server.spoil("UPDATE webhook_delivery SET sealed = CAST(sealed || x'00' AS BLOB)").await;
    deliver_due(&server.server, &poster()).await;
    let rows = || server.query("SELECT id FROM webhook_delivery");
    assert_eq!((receiver.came().len(), rows().await.len()), (0, 1), "put off");
    server
        .spoil("UPDATE webhook_delivery SET sealed = CAST(substr(sealed, 1, length(sealed) - 1) AS BLOB)")
        .await;
    deliver_due(&server.server, &poster()).await;
    assert_eq!(receiver.came().len(), 0, "not before its time");
    server.advance(Span::from_seconds(6)).await;
    deliver_due(&server.server, &poster()).await;
    assert_eq!((receiver.came().len(), rows().await.len()), (1, 0), "told");
}

#[tokio::test]
async fn a_receiver_is_told_little_and_can_check_who_told_it() {
    let (realms, apps) = (Receiver::answering(&["200 Good"]).await, Receiver::answering(&["200 Good"]).await);
    let url = |receiver: &Receiver| format!("http://127.0.0.1:{}/", receiver.port);
    let of_app =
        WebhookSettings { name: "club".to_owned(), app: Some("club".to_owned()), ..hook(url(&apps)) };
    let elsewhere = AppSettings { keys: app("desk").keys, name: "desk".to_owned(), ..club() };
    let server = TestServer::with(|config| {
        configured(vec![hook(url(&realms)), of_app])(config);
        config.apps.push(elsewhere);
    })
    .await;
    let signed_in = sign_in(&server, "club", ANN).await;
    sign_in(&server, "desk", ANN).await;
    deliver_due(&server.server, &poster()).await;
    let body = |text: &String| -> (String, Value) {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let secret = data_encoding::BASE64.decode(SECRET.as_bytes()).unwrap();
        let (id, stamp) = (header(head, "webhook-id"), header(head, "webhook-timestamp"));
        assert_eq!(header(head, "webhook-signature"), signature(&secret, id, stamp, body.as_bytes()));
        assert_eq!(header(head, "content-type"), "application/json");
        assert!(!text.contains(ANN) && !text.contains("mail.example"), "{text}");
        let body: Value = serde_json::from_str(body).unwrap();
        (body["type"].as_str().unwrap().to_owned(), body["data"].clone())
    };
    for (receiver, is_apps) in [(&realms, false), (&apps, true)] {
        let mut told: Vec<_> = receiver.came().iter().map(body).collect();
        told.sort_by(|one, other| one.0.cmp(&other.0));
        let kinds: Vec<_> = told.iter().map(|(kind, _)| kind.as_str()).collect();
        let expected: &[&str] = if is_apps {
            &["session.started", "user.created"]
        } else {
            &["session.started", "session.started", "user.created"]
        };
        assert_eq!(kinds, expected, "an app is told what happens there");
        for (_, data) in &told {
            assert_eq!(data["subject"] == signed_in.text("subject"), is_apps, "{data}");
            assert_eq!(data["user"].is_string(), !is_apps, "{data}");
        }
        assert!(told.iter().any(|(_, data)| data["session"] == signed_in.text("session")));
    }
}

/// Takes connections and answers nothing.
async fn silent() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(listener.accept().await.unwrap());
        }
    });
    port
}

#[tokio::test]
async fn p42_one_that_never_answers_holds_up_no_other_and_each_is_told_in_order() {
    let receiver = Receiver::answering(&["200 Good"]).await;
    let kinds = || vec!["user.created".to_owned()];
    let (silent, good) = (silent().await, format!("http://127.0.0.1:{}/", receiver.port));
    let server = TestServer::with(configured(vec![
        WebhookSettings {
            name: "dead".to_owned(),
            kinds: kinds(),
            ..hook(format!("http://127.0.0.1:{silent}/"))
        },
        WebhookSettings { kinds: kinds(), ..hook(good) },
    ]))
    .await;
    let (stop, until) = shutdown::channel();
    let mut users = Vec::new();
    for number in 0..20 {
        sign_in(&server, "club", &format!("person{number}@mail.example")).await;
        server.advance(Span::from_millis(1)).await;
    }
    for row in server.query("SELECT id FROM realm_user ORDER BY created_at").await {
        let [Cell::Bytes(id)] = &row[..] else { panic!("an id") };
        users.push(UserId::from_bytes(id.clone().try_into().unwrap()).to_string());
    }
    let working = tokio::spawn(worker::run(Arc::clone(&server.server), until));
    let began = std::time::Instant::now();
    wait_until("the other one was told everything", || async { receiver.came().len() == 20 }).await;
    assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
    let told: Vec<String> = receiver
        .came()
        .iter()
        .map(|text| {
            let body: Value = serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap();
            body["data"]["user"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(told, users);
    let left = server.query("SELECT id FROM webhook_delivery WHERE hook = 'dead'").await;
    assert_eq!(left.len(), 20, "they are tried again");
    stop.stop();
    working.await.unwrap();
}

#[tokio::test]
async fn p42_a_name_that_leads_inside_is_not_followed_there() {
    let receiver = Receiver::answering(&["200 Good"]).await;
    // The name is not looked up before the delivery: what it stands for may change.
    let url = format!("http://localhost:{}/", receiver.port);
    for (allow_private, arrives) in [(false, 0), (true, 2)] {
        let guarded = WebhookSettings { allow_private, ..hook(url.clone()) };
        let server = TestServer::with(configured(vec![guarded])).await;
        sign_in(&server, "club", ANN).await;
        deliver_due(&server.server, &poster()).await;
        assert_eq!(receiver.came().len(), arrives, "{allow_private}");
    }
}
