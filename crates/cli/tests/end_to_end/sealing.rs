//! The master key, backups and restores with the real program, killed in the middle of each.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use countersign_domain::{
    changes::{Change, Changes},
    id::UserId,
    identifier::EmailAddress,
    realm::RealmName,
    time::Timestamp,
    user::{IdentifierKind, User, UserIdentifier, UserStatus},
    vault::Vault as _,
};
use countersign_server::{
    accounts::open_identifier,
    config::Config,
    keys::Context,
    state::Server as State,
    system::{Entropy as _, SystemClock, SystemEntropy},
    wiring,
};
use serde_json::Value;

use crate::support::{
    person::MAIL,
    server::{PROGRAM, Server, Setup},
    sink::Sink,
    wait_for,
};

/// So many that sealing all of them anew takes a while.
const PEOPLE: usize = 6_000;

/// A server that keeps its master key itself, and an app with accounts.
fn setup(sink: &Sink) -> Setup {
    let mut setup = Setup::new(sink.port);
    setup.root = String::new();
    setup.app = "accounts = 'realm'".to_owned();
    setup
}

fn command(setup: &Setup, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("--config").arg(setup.folder.path().join("countersign.toml")).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(setup: &Setup, arguments: &[&str]) -> Output {
    command(setup, arguments).output().unwrap()
}

/// What a success answered.
fn json(setup: &Setup, arguments: &[&str]) -> Value {
    let output = run(setup, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The server on its own database, in this process.
async fn opened(setup: &Setup) -> Arc<State> {
    let file = setup.folder.path().join("countersign.toml");
    let config = Config::load(Some(&file), std::iter::empty()).unwrap().config;
    let store = wiring::open_store(&config).await.unwrap();
    let root = wiring::root_key(&config, &store, &mut *SystemEntropy.random()).await.unwrap();
    let system = (Arc::new(SystemClock::default()) as _, Arc::new(SystemEntropy) as _);
    wiring::assemble(config, store, &root, system).await.unwrap()
}

fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(work)
}

/// Puts many people with an address each into the database.
fn fill(setup: &Setup) {
    setup.run(&["migrate"]);
    within(async {
        let server = opened(setup).await;
        let (mut random, realm, now) = (server.random(), RealmName::default(), server.now());
        for batch in 0..PEOPLE / 500 {
            let mut changes = Vec::new();
            for number in 0..500 {
                let id = UserId::new(now, &mut *random);
                let address = EmailAddress::parse(&format!("p{batch}x{number}@example.net")).unwrap();
                let digest = server.keys.identifier(&realm, &address);
                let place = Context { table: "user_identifier", column: "sealed", id: digest.bytes() };
                let sealed =
                    server.keys.realm(&realm).seal(&mut *random, &place, address.canonical().as_bytes());
                changes.push(Change::UserAdded(user(id, now)));
                changes.push(Change::IdentifierAdded(UserIdentifier {
                    realm: realm.clone(),
                    kind: IdentifierKind::Email,
                    digest,
                    user: id,
                    sealed: sealed.unwrap(),
                    primary: true,
                    verified_at: Some(now),
                    created_at: now,
                }));
            }
            server.store.commit(Changes(changes)).await.unwrap();
        }
        server.store.close().await;
    });
}

fn user(id: UserId, now: Timestamp) -> User {
    User {
        id,
        realm: RealmName::default(),
        status: UserStatus::Active,
        sealed_profile: None,
        created_at: now,
        signed_in_at: now,
        version: 1,
    }
}

/// Opens every address that there is; how many.
fn open_all(setup: &Setup) -> usize {
    within(async {
        let (server, mut after, mut opened_all) = (opened(setup).await, UserId::from_bytes([0; 16]), 0);
        loop {
            let users = server.store.users_after(&RealmName::default(), after, 1000).await.unwrap();
            let Some(last) = users.last() else { break };
            after = last.id;
            for user in users {
                for identifier in server.store.identifiers_of(user.id).await.unwrap() {
                    assert!(open_identifier(&server, &identifier).unwrap().ends_with("@example.net"));
                    opened_all += 1;
                }
            }
        }
        server.store.close().await;
        opened_all
    })
}

/// The subject of somebody who signs in once more, and the access token.
fn sign_in_again(server: &Server, sink: &Sink) -> (String, String) {
    let client = server.client();
    let mails = || sink.mails().into_iter().filter(|mail| mail.to == "jane@example.net").collect::<Vec<_>>();
    let before = mails().len();
    let started = client.start("jane@example.net").unwrap();
    assert_eq!(started.status, 201, "{started:?}");
    let mail = wait_for("a new mail", MAIL, || mails().into_iter().nth(before));
    let answer = client.verify_started(&started, &mail.code()).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    (answer.text("subject"), answer.text("access_token"))
}

fn status(server: &Server) -> Value {
    json(&server.setup, &["key", "status"])
}

#[test]
fn p33_kill_9_while_everything_is_sealed_anew_loses_nothing() {
    let sink = Sink::start();
    let setup = setup(&sink);
    fill(&setup);
    let mut server = setup.start();
    let subject = server.client().sign_in("jane@example.net", &sink).text("subject");
    let first = status(&server)["id"].clone();
    // Killed while the master key is replaced: one of two keys opens the database, and the folder has both.
    for round in 0..6 {
        let mut rotating = command(&server.setup, &["key", "rotate-master"]).spawn().unwrap();
        thread::sleep(Duration::from_millis(4 + 9 * round));
        server.kill();
        rotating.wait().unwrap();
        server.start_again();
        assert_eq!(status(&server)["has_it"], true, "round {round}");
    }
    let rotated = json(&server.setup, &["key", "rotate-master"]);
    assert_ne!(rotated["id"], first);
    let former = rotated["former_kept_in"].as_str().unwrap();
    assert!(Path::new(former).exists());
    // And while values are sealed anew, a little later each time.
    let mut seen_between = false;
    for round in 0..8 {
        thread::sleep(Duration::from_millis(60 + 40 * round));
        let left = status(&server)["to_reseal"].as_i64().unwrap();
        seen_between |= left > 0 && left < PEOPLE as i64;
        server.kill();
        server.start_again();
    }
    assert!(seen_between, "it was never in the middle");
    assert_eq!(sign_in_again(&server, &sink).0, subject);
    // Former keys are kept for a day: what they sealed is what counts.
    wait_for("everything is sealed anew", Duration::from_secs(120), || {
        let status = status(&server);
        assert_eq!(status["unreadable"], 0, "{status}");
        let keys = status["sealing_keys"].as_array().unwrap();
        let is_over =
            status["to_reseal"] == 0 && keys.iter().all(|key| key["seals"] == true || key["values"] == 0);
        is_over.then_some(())
    });
    server.terminate();
    let log = server.setup.log();
    assert!(!log.contains("do not open"), "{log}");
    assert_eq!(open_all(&server.setup), PEOPLE + 1);
    // The former key alone is refused, and told which one is needed.
    let data = server.setup.data();
    fs::copy(former, data.join("root.key")).unwrap();
    let refused = run(&server.setup, &["serve"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains(rotated["id"].as_str().unwrap()), "{said}");
}

#[test]
fn p29_kill_9_in_the_middle_of_a_restore_is_noticed_and_begun_anew() {
    let sink = Sink::start();
    let setup = setup(&sink);
    fill(&setup);
    let server = setup.start();
    let client = server.client();
    let before = client.sign_in("jane@example.net", &sink);
    let file = server.setup.folder.path().join("backup");
    let made = json(&server.setup, &["backup", file.to_str().unwrap()]);
    let metadata = fs::metadata(&file).unwrap();
    assert_eq!(metadata.len(), made["bytes"].as_u64().unwrap());
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777, 0o600);
    let key = server.setup.data().join("root.key");
    let (file, key) = (file.to_str().unwrap(), key.to_str().unwrap());
    let mut half = None;
    for millis in (60..).step_by(25).take(60) {
        let other = Setup { root: String::new(), ..server.setup.second() };
        other.run(&["check-config"]);
        let mut restoring = command(&other, &["restore", file, "--key", key]).spawn().unwrap();
        thread::sleep(Duration::from_millis(millis));
        restoring.kill().unwrap();
        if restoring.wait().unwrap().success() {
            break;
        }
        let refused = run(&other, &["restore", file, "--key", key]);
        if !refused.status.success() {
            assert!(String::from_utf8_lossy(&refused.stderr).contains("--again"));
            half = Some(other);
            break;
        }
    }
    let other = half.expect("no restore was killed in the middle");
    let refused = run(&other, &["serve"]);
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("did not end"));
    let report = json(&other, &["restore", file, "--key", key, "--again"]);
    assert_eq!(report["rows"]["realm_user"], PEOPLE + 1);
    let said = run(&other, &["restore", file, "--key", key]);
    assert!(String::from_utf8_lossy(&said.stderr).contains("not empty"));
    assert_eq!(open_all(&other), PEOPLE + 1);
    let restored = other.start();
    assert_eq!(restored.client().token_status(&before.text("access_token")), 401);
    assert_eq!(restored.client().refresh(&before.text("refresh_token")).unwrap().status, 400);
    let (subject, token) = sign_in_again(&restored, &sink);
    assert_eq!(subject, before.text("subject"));
    assert_eq!(restored.client().token_status(&token), 200);
}
