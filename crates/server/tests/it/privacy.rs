//! What is kept and what is told: nothing that names a person, and nothing for longer than it is needed.

use std::{
    io::Write,
    sync::{Arc, OnceLock},
};

use countersign_domain::time::Span;
use countersign_server::{
    config::{AccountsSetting, AlphabetSetting, AppSettings, DeliverySetting},
    maintenance, shutdown,
};
use countersign_store::{engine::Value, sqlite::Sqlite};
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER};
use http::Method;
use parking_lot::Mutex;
use serde_json::json;

use crate::support::{Caller, Letter, TestServer, World, settings};

/// Nobody else in this program has this address, and codes of this form do not occur by chance.
const ADDRESS: &str = "zebedee.quill@private.example";

fn careful(config: &mut countersign_server::config::Config) {
    config.apps.push(AppSettings {
        code_alphabet: Some(AlphabetSetting::Unambiguous),
        code_length: Some(10),
        delivery: Some(DeliverySetting::Both),
        address_claim: true,
        origins: vec!["https://careful.example".to_owned()],
        ..settings::app("careful")
    });
    config.apps.push(AppSettings {
        accounts: AccountsSetting::Realm,
        code_alphabet: Some(AlphabetSetting::Unambiguous),
        code_length: Some(10),
        origins: vec![settings::ISSUER.to_owned()],
        ..settings::app("careful-club")
    });
}

/// Text in the forms in which it may hide: as it is, in capitals, percent-encoded, in hexadecimal and in base64 at
/// every place of three.
fn disguises(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let percent: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
    let mut forms = vec![secret.to_owned(), secret.to_uppercase(), secret.replace('@', "%40"), percent];
    forms.push(HEXLOWER.encode(bytes));
    forms.push(format!("{bytes:?}").trim_matches(['[', ']']).to_owned());
    for shift in 0..3 {
        let shifted = [vec![b'.'; shift], bytes.to_vec()].concat();
        for encoding in [&BASE64, &BASE64_NOPAD, &BASE64URL_NOPAD] {
            let encoded = encoding.encode(&shifted);
            // The characters at both ends also hold bits of what stands beside.
            let end = encoded.trim_end_matches('=').len() - 2;
            forms.push(encoded[if shift == 0 { 0 } else { shift + 1 }..end].to_owned());
        }
    }
    forms.into_iter().map(String::into_bytes).collect()
}

/// Where a secret shows, in any disguise.
fn found<'a>(haystack: &[u8], secrets: &'a [String]) -> Vec<&'a String> {
    let shows = |form: &Vec<u8>| haystack.windows(form.len()).any(|window| window == form.as_slice());
    secrets.iter().filter(|secret| disguises(secret).iter().any(shows)).collect()
}

#[test]
fn a_secret_is_found_in_every_disguise() {
    for text in ["x%40y", "eEB5eg", "AHhAeXo=", "7840797a", "[1, 120, 64, 121, 122, 2]", "X@YZ"] {
        let secrets = ["x@yz".to_owned()];
        let hit = found(text.as_bytes(), &secrets);
        if text.contains("%40") {
            assert_eq!(found(b"x%40yz", &secrets).len(), 1);
        } else {
            assert_eq!(hit.len(), 1, "{text}");
        }
    }
    assert_eq!(found(b"nothing here", &["x@yz".to_owned()]).len(), 0);
}

/// Everything that may happen to a person; returns all secrets that were in play.
async fn a_full_life(server: &TestServer) -> Vec<String> {
    let app = server.app("careful");
    let mut secrets = vec![ADDRESS.to_owned(), "zebedee.quill".to_owned()];
    let read = |letter: &Letter, secrets: &mut Vec<String>| {
        secrets.push(letter.code());
        secrets.push(letter.link().replace("/link/", ""));
        letter.code()
    };
    let full =
        json!({"to": {"email": ADDRESS}, "end_user": {"ip": "203.0.113.77", "user_agent": "Zebedeefox/9"}});
    let started =
        app.clone().with("idempotency-key", "zebedee-once").post("/v1/challenges", &full).await.expect(201);
    secrets.extend([started.text("binding"), "zebedee-once".to_owned(), "203.0.113.77".to_owned()]);
    let code = read(&server.mail_to(ADDRESS).await, &mut secrets);
    app.verify(&started, "2222222222").await.expect(401);
    let passed = app.verify(&started, &code).await.expect(200);
    secrets.push(passed.text("access_token"));
    let holder = server.calls(Caller::Bearer(passed.text("access_token")));
    holder.with("countersign-key", &settings::secret_key("careful")).get("/v1/token").await.expect(200);
    app.form("/oauth2/introspect", &format!("token={}", passed.text("access_token"))).await.expect(200);
    app.form("/oauth2/revoke", &format!("token={}", passed.text("access_token"))).await.expect_bare(200);

    let linked = app.start(ADDRESS).await.expect(201);
    secrets.push(linked.text("binding"));
    let letter = server.mail_to(ADDRESS).await;
    read(&letter, &mut secrets);
    server.anybody().get(&letter.link()).await.expect(200);
    server.anybody().form(&letter.link(), "number=1").await.expect(200);
    server.anybody().form(&letter.link(), &format!("number={}", linked.text("confirmation_number"))).await;
    secrets.push(app.redeem(&linked).await.expect(200).text("access_token"));

    let body = json!({"to": {"email": ADDRESS}, "purpose": "confirm_address", "subject": "Zebedee: %code%"});
    app.post("/v1/challenges", &body).await.expect(201);
    let code = read(&server.mail_to(ADDRESS).await, &mut secrets);
    let body = json!({"email": ADDRESS, "code": code});
    secrets.push(app.post("/v1/verify", &body).await.expect(200).text("proof"));
    an_account(server, &mut secrets).await;
    // And what is refused, in all its ways.
    app.post("/v1/challenges", &json!({"to": {"email": format!("{ADDRESS}\n")}})).await.expect(422);
    app.post("/v1/challenges", &json!({"to": {"email": ADDRESS}, ADDRESS: 1})).await.expect(422);
    app.get(&format!("/v1/challenges/{ADDRESS}")).await.expect(404);
    server.anybody().get(&format!("/link/{ADDRESS}")).await.expect(200);
    server.mailbox.is_down.store(true, std::sync::atomic::Ordering::SeqCst);
    app.start(ADDRESS).await.expect(201);
    crate::support::wait_until("a send failed", || async { server.server.outbox.failures_in_a_row() > 0 })
        .await;
    server.mailbox.is_down.store(false, std::sync::atomic::Ordering::SeqCst);
    server.advance(Span::from_seconds(61)).await;
    read(&server.mail_to(ADDRESS).await, &mut secrets);
    server.outbox_is_empty().await;
    secrets.push(settings::secret_key("careful"));
    secrets
}

/// The same person where there are accounts: a refresh token, a cookie, a name.
async fn an_account(server: &TestServer, secrets: &mut Vec<String>) {
    let app = server.app("careful-club");
    let started = app.start(ADDRESS).await.expect(201);
    let code = server.mail_to(ADDRESS).await.code();
    let passed = app.verify(&started, &code).await.expect(200);
    let refresh = passed.text("refresh_token");
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    let next = app.form("/oauth2/token", &form).await.expect(200);
    secrets.extend([code, passed.text("access_token"), refresh[32..].to_owned()]);
    secrets.extend([next.text("access_token"), next.text("refresh_token")[32..].to_owned()]);

    let key = settings::publishable_key("careful-club");
    let page =
        server.calls(Caller::Publishable(key, settings::ISSUER)).with("user-agent", "Firefox/1 on Linux");
    let started = page.start(ADDRESS).await.expect(201);
    let code = server.mail_to(ADDRESS).await.code();
    let passed = page.verify(&started, &code).await.expect(200);
    let cookie = passed.header("set-cookie").split(';').next().unwrap().to_owned();
    secrets.extend([code, cookie.split('.').nth(1).unwrap().to_owned(), "Firefox on Linux".to_owned()]);
    let own = server.anybody().with("origin", settings::ISSUER).with("cookie", &cookie);
    let own = own.with("content-type", "application/json");
    own.send(Method::PATCH, "/v1/me", r#"{"display_name":"Zebedee Quill"}"#).await.expect(200);
    secrets.push("Zebedee Quill".to_owned());
    own.get("/v1/me").await.expect(200);
}

/// Every line of every test of this program, at the level that says most.
fn log() -> Arc<Mutex<Vec<u8>>> {
    struct Sink(Arc<Mutex<Vec<u8>>>);
    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    static LOG: OnceLock<Arc<Mutex<Vec<u8>>>> = OnceLock::new();
    let log = LOG.get_or_init(|| {
        let log = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&log);
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(move || Sink(Arc::clone(&sink)));
        tracing::subscriber::set_global_default(subscriber.finish()).expect("nobody else listens");
        log
    });
    Arc::clone(log)
}

#[tokio::test]
async fn p40_no_address_code_or_token_is_in_any_log_line() {
    let log = log();
    let server = TestServer::with(careful).await;
    let secrets = a_full_life(&server).await;
    let lines = log.lock().clone();
    let text = String::from_utf8_lossy(&lines);
    assert!(
        text.contains("/v1/challenges/{id}/verify")
            && text.contains("/link/{token}")
            && text.contains("answered"),
        "the log was listened to"
    );
    assert!(text.contains("mail does not leave"));
    assert_eq!(found(&lines, &secrets), Vec::<&String>::new());
}

#[tokio::test]
async fn p40_no_address_code_or_token_is_in_the_database_s_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("countersign.db");
    let server = World::on(Arc::new(Sqlite::open(&path).unwrap())).node_with(careful).await;
    let secrets = a_full_life(&server).await;
    let mut bytes = Vec::new();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        bytes.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    assert!(bytes.len() > 100_000, "the write-ahead log holds every page that was written");
    assert!(bytes.windows(7).any(|window| window == b"careful"), "the app's name is in there");
    assert_eq!(found(&bytes, &secrets), Vec::<&String>::new());
}

#[tokio::test]
async fn p40_metrics_name_nobody() {
    let server = TestServer::with(careful).await;
    let secrets = a_full_life(&server).await;
    let metrics = server.anybody().get("/metrics").await.expect(200);
    assert!(String::from_utf8_lossy(&metrics.body).contains("careful"));
    assert_eq!(found(&metrics.body, &secrets), Vec::<&String>::new());
}

async fn counts(server: &TestServer) -> Vec<i64> {
    let rows = server
        .query(
            "SELECT (SELECT count(*) FROM challenge), (SELECT count(*) FROM contact), (SELECT count(*) FROM message), \
             (SELECT count(*) FROM idempotency), (SELECT count(*) FROM revocation), (SELECT count(*) FROM quota), \
             (SELECT count(*) FROM signing_key)",
        )
        .await;
    let count = |value: &Value| match value {
        Value::Integer(count) => *count,
        other => panic!("{other:?}"),
    };
    rows[0].iter().map(count).collect()
}

#[tokio::test]
async fn everything_about_a_person_is_forgotten_when_its_life_is_over() {
    let server = TestServer::with(careful).await;
    a_full_life(&server).await;
    server.app("careful").start("never@reads.example").await.expect(201);
    server.outbox_is_empty().await;
    let full = counts(&server).await;
    assert!(full[0] > 3 && full[1] > 2 && full[3] == 1 && full[4] >= 1 && full[5] == 3, "{full:?}");
    // Ended challenges go an hour after their end, the rest within two days.
    server.advance(Span::from_hours(2)).await;
    server.server.store.sweep(server.now()).await.unwrap();
    let later = counts(&server).await;
    assert_eq!(later[0], 1, "only the confirmation of an address lives for a day: {later:?}");
    assert_eq!(later[4], 0, "the revoked token is over by itself");
    server.advance(Span::from_hours(46)).await;
    let (stop, until) = shutdown::channel();
    // The sweep that runs by itself.
    let sweeping = tokio::spawn(maintenance::run(Arc::clone(&server.server), until));
    crate::support::wait_until("a sweep", || async { counts(&server).await[..6] == [0; 6] }).await;
    stop.stop();
    sweeping.await.unwrap();
    assert!(counts(&server).await[6] > 0, "keys stay");
}
