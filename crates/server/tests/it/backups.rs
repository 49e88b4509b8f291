//! A backup that is made while people sign in, restored into an empty database of every engine: what was kept is there,
//! what began before is over, nobody who was erased comes back, and a file that is not whole changes nothing.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use countersign_domain::{
    changes::{Change, Changes},
    id::UserId,
    realm::RealmName,
    testing::Seeded,
    time::{Span, Timestamp},
};
use countersign_server::{
    accounts::open_identifier,
    backup::restore::{Asked, Report, restore},
    config::{Config, Part},
    wiring,
};
use countersign_store::{
    Store,
    copy::copied_tables,
    engine::{Engine, Row},
    sqlite::Sqlite,
};
use serde_json::json;

use crate::{
    accounts::{refresh, with_club},
    flow::sign_in,
    network::{MARIADB, POSTGRES},
    support::{
        Caller, TestServer, World,
        backend::{OTHER_ROOT, on_server},
        caller::Client,
        settings,
    },
};

const ANN: &str = "ann@mail.example";
const RECOVERY: &str = "0f0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const ROOT: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p29_a_backup_of_sqlite_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::on(Arc::new(Sqlite::open(&folder.path().join("source.db")).unwrap()));
    round(world, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p29_a_backup_of_postgres_is_restored() {
    on_server(POSTGRES, "backup_of", |world| round(world, None)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p29_a_backup_of_mariadb_is_restored() {
    on_server(MARIADB, "backup_of", |world| round(world, None)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p29_a_backup_is_restored_into_postgres() {
    let Some(database) = POSTGRES.database("restore_into").await else { return };
    let folder = tempfile::tempdir().unwrap();
    let world = World::on(Arc::new(Sqlite::open(&folder.path().join("source.db")).unwrap()));
    let url = database.url();
    database.finish(async move { round(world, Some(url)).await }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p29_a_backup_is_restored_into_mariadb() {
    let Some(database) = MARIADB.database("restore_into").await else { return };
    let folder = tempfile::tempdir().unwrap();
    let world = World::on(Arc::new(Sqlite::open(&folder.path().join("source.db")).unwrap()));
    let url = database.url();
    database.finish(async move { round(world, Some(url)).await }).await;
}

/// An empty place to restore into.
struct Target {
    folder: tempfile::TempDir,
    config: Config,
}

impl Target {
    /// A place with a master key of its own.
    fn new(url: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = settings::config();
        with_club(&mut config);
        config.storage.data_dir = folder.path().join("data");
        config.storage.url = url.unwrap_or_else(|| "sqlite:target.db".to_owned());
        std::fs::create_dir(&config.storage.data_dir).unwrap();
        Self { folder, config }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    async fn restore(&self, asked: Asked, now: Timestamp) -> Result<Report, String> {
        let done = restore(&self.config, &asked, now, &mut Seeded::new(77)).await;
        done.map_err(|error| error.to_string())
    }

    async fn engine(&self) -> Arc<dyn Engine> {
        wiring::open_engine(&self.config).await.unwrap()
    }
}

async fn backup(server: &TestServer, recovery: bool) -> Vec<u8> {
    let service = wiring::service(&server.server, &[Part::Admin]);
    let body = if recovery { json!({ "recovery_key": RECOVERY }) } else { json!({}) };
    let answer = Client::new(service, Caller::Anonymous).post("/v1/admin/backup", &body).await;
    assert_eq!(answer.status, 200);
    answer.body
}

/// Every row that a backup carries, table by table.
async fn everything(store: &Store) -> Vec<(String, Vec<Row>)> {
    let (mut dump, mut all) = (store.dump().await.unwrap(), Vec::new());
    for table in copied_tables(store.version().await.unwrap().0) {
        all.push((table.name.clone(), dump.rows(&table, None, 10_000).await.unwrap()));
    }
    all
}

async fn people(server: &TestServer, first: usize, count: usize) {
    for number in first..first + count {
        sign_in(server, "club", &format!("person{number}@mail.example")).await;
    }
}

/// What is read of a moment does not change, whoever writes.
async fn reads_one_moment(source: &TestServer) {
    let store = &source.server.store;
    let before = everything(store).await;
    let mut dump = store.dump().await.unwrap();
    sign_in(source, "club", "late@mail.example").await;
    for (name, rows) in before.iter().filter(|(name, _)| name.starts_with("user_") || name == "realm_user") {
        let table = dump.tables().iter().find(|table| table.name == *name).unwrap().clone();
        assert!(dump.rows(&table, None, 10_000).await.unwrap() == *rows, "{name}");
    }
}

async fn round(world: World, into: Option<String>) {
    let source = world.node_with(with_club).await;
    people(&source, 0, 5).await;
    let kept = sign_in(&source, "club", ANN).await;
    let long = sign_in(&source, "forum", ANN).await.text("access_token");
    source
        .app("forum")
        .form(
            "/oauth2/revoke",
            &format!("token={}", sign_in(&source, "forum", ANN).await.text("access_token")),
        )
        .await;
    source.outbox_is_empty().await;
    let quiet = backup(&source, true).await;
    let before = everything(&source.server.store).await;

    reads_one_moment(&source).await;

    let target = Target::new(into);
    let (file, key) = (target.write("backup", &quiet), target.write("recovery.key", RECOVERY));
    let now = source.now() + Span::from_minutes(3);
    let wrong = target.write("wrong.key", OTHER_ROOT);
    let refused =
        target.restore(Asked { file: file.clone(), key: Some(wrong), ..Asked::default() }, now).await;
    assert!(refused.unwrap_err().contains("wrong key"));
    assert!(!target.config.storage.data_dir.join("target.db").exists(), "nothing was touched");
    let asked = || Asked { file: file.clone(), key: Some(key.clone()), ..Asked::default() };
    let report = target.restore(asked(), now).await.unwrap();
    assert_eq!(report.rows["realm_user"], 6);
    let again = target.restore(asked(), now).await.unwrap_err();
    assert!(again.contains("not empty"), "{again}");

    let engine = target.engine().await;
    let after = everything(&Store::new(Arc::clone(&engine))).await;
    for ((table, rows), (_, found)) in before.iter().zip(&after) {
        // That it was restored is told in the log of what is restored.
        let told = usize::from(table.as_str() == "event");
        // Signing keys are there, and over.
        let same = if table == "signing_key" { 8 } else { usize::MAX };
        let is_found =
            |row: &Row| found.iter().any(|other| row.iter().take(same).eq(other.iter().take(same)));
        let is_kept = rows.iter().all(is_found) && found.len() == rows.len() + told;
        assert!(is_kept, "{table}: {} rows, then {}", rows.len(), found.len());
    }
    for (table, _) in countersign_store::copy::LEFT_OUT.iter().filter(|(table, _)| *table != "sealing_key") {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        let statement = countersign_store::engine::Statement { sql: sql.leak(), parameters: Vec::new() };
        assert_eq!(engine.query(statement).await.unwrap(), [[countersign_store::engine::Value::Integer(0)]]);
    }
    restored_world_goes_on(
        &world,
        &target,
        engine,
        (&kept.text("subject"), [&kept.text("access_token"), &long], &kept.text("refresh_token")),
        &source,
    )
    .await;
}

/// The restored server serves whom it knew, with a master key of its own, and takes nothing from before.
async fn restored_world_goes_on(
    world: &World,
    target: &Target,
    engine: Arc<dyn Engine>,
    (subject, tokens, refresh_token): (&str, [&str; 2], &str),
    source: &TestServer,
) {
    world.clock.advance(Span::from_minutes(2));
    let root = std::fs::read_to_string(target.config.storage.data_dir.join("root.key")).unwrap();
    assert_ne!(root.trim(), ROOT, "a master key of its own");
    let there = World::on(Arc::clone(&engine)).with_root(root.trim().to_owned().leak());
    there.clock.set(world.clock_now());
    let server = there.node_with(|config| *config = target.config.clone()).await;
    server.caught_up().await;
    for token in tokens {
        server.calls(Caller::Bearer(token.to_owned())).get("/v1/token").await.refused(401, "invalid_token");
    }
    assert_eq!(refresh(&server, refresh_token).await.status, 400);
    // As if it were just after the restore.
    there.clock.advance(Span::from_minutes(2));
    let anew = sign_in(&server, "club", ANN).await;
    assert_eq!(anew.text("subject"), subject);
    server.calls(Caller::Bearer(anew.text("access_token"))).get("/v1/token").await.expect(200);
    // Whoever has a key that was replaced since the backup signs with it after the restore too.
    world.clock.set(there.clock_now());
    let forged = sign_in(source, "forum", ANN).await.text("access_token");
    source.calls(Caller::Bearer(forged.clone())).get("/v1/token").await.expect(200);
    server.calls(Caller::Bearer(forged)).get("/v1/token").await.refused(401, "invalid_token");
    let (now, former) = (server.now(), source.server.key_ring.load_full());
    let ring = server.server.key_ring.load_full();
    assert!(
        former.all().iter().all(|key| ring.accepted(&key.id, now).is_none()),
        "no former key is accepted"
    );
    assert_eq!(ring.published(&RealmName::default(), now).len(), 1);
    let first = UserId::from_bytes([0; 16]);
    for user in server.server.store.users_after(&RealmName::default(), first, 100).await.unwrap() {
        for identifier in server.server.store.identifiers_of(user.id).await.unwrap() {
            assert!(open_identifier(&server.server, &identifier).unwrap().ends_with("@mail.example"));
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p29_a_backup_made_while_people_sign_in_is_of_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::on(Arc::new(Sqlite::open(&folder.path().join("source.db")).unwrap()));
    let source = world.node_with(with_club).await;
    people(&source, 0, 40).await;
    let backups = async {
        let mut all = Vec::new();
        for _ in 0..5 {
            all.push(backup(&source, false).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        all
    };
    let (all, ()) = tokio::join!(backups, people(&source, 100, 40));
    for file in all {
        let target = Target::new(None);
        let (file, key) = (target.write("backup", file), target.write("master.key", ROOT));
        let report =
            target.restore(Asked { file, key: Some(key), ..Asked::default() }, source.now()).await.unwrap();
        let users = report.rows["realm_user"];
        assert_eq!((report.rows["user_identifier"], report.rows["user_subject"]), (users, users));
        assert!((40..=80).contains(&users));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p29_a_backup_that_is_not_whole_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::on(Arc::new(Sqlite::open(&folder.path().join("source.db")).unwrap()));
    let source = world.node_with(with_club).await;
    people(&source, 0, 3).await;
    let good = backup(&source, false).await;
    let target = Target::new(None);
    let key = target.write("master.key", ROOT);
    let attempt = async |bytes: &[u8]| {
        let file = target.write("backup", bytes);
        target.restore(Asked { file, key: Some(key.clone()), ..Asked::default() }, source.now()).await
    };
    for place in (0..good.len()).step_by(good.len() / 150) {
        let mut damaged = good.clone();
        damaged[place] ^= 0x10;
        assert!(attempt(&damaged).await.is_err(), "byte {place}");
        assert!(attempt(&good[..place]).await.is_err(), "cut at {place}");
    }
    assert!(attempt(&[&good[..], b"x"].concat()).await.is_err());
    assert!(!Path::new(&target.config.storage.data_dir).join("target.db").exists(), "nothing was touched");
    assert!(attempt(&good).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p29_nobody_who_was_erased_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::on(Arc::new(Sqlite::open(&folder.path().join("source.db")).unwrap()));
    let data = folder.path().to_owned();
    let source = world
        .node_with(|config| {
            with_club(config);
            config.storage.data_dir = data;
        })
        .await;
    people(&source, 0, 4).await;
    let file = backup(&source, false).await;
    let first = UserId::from_bytes([0; 16]);
    let users = source.server.store.users_after(&RealmName::default(), first, 10).await.unwrap();
    let erase =
        |user: &countersign_domain::user::User, version| Changes(vec![Change::UserErased(user.id, version)]);
    source.server.commit(erase(&users[1], users[1].version)).await.unwrap();
    assert!(source.server.commit(erase(&users[2], 99)).await.is_err(), "somebody else wrote first");
    let list = std::fs::read_to_string(folder.path().join("erased.list")).unwrap();
    assert!(!list.contains("usr_") && list.lines().count() == 3, "{list}");
    let target = Target::new(None);
    let (file, key) = (target.write("backup", file), target.write("master.key", ROOT));
    let erased = vec![folder.path().join("erased.list")];
    let asked = Asked { file, key: Some(key), erased, again: false };
    let report = target.restore(asked, source.now()).await.unwrap();
    assert_eq!(report.erased_again, 1);
    let store = Store::new(target.engine().await);
    let left = store.users_after(&RealmName::default(), first, 10).await.unwrap();
    assert_eq!(left.iter().map(|user| user.id).collect::<Vec<_>>(), [users[0].id, users[2].id, users[3].id]);
    assert!(store.identifiers_of(users[1].id).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_that_did_not_end_is_served_by_nobody_and_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::on(Arc::new(Sqlite::open(&folder.path().join("source.db")).unwrap()));
    let source = world.node_with(with_club).await;
    people(&source, 0, 2).await;
    let target = Target::new(None);
    let (file, key) =
        (target.write("backup", backup(&source, false).await), target.write("master.key", ROOT));
    let store = Store::new(target.engine().await);
    store.begin_restore(store.version().await.unwrap().1).await.unwrap();
    let system = (Arc::clone(&world.clock) as _, Arc::new(crate::support::fixed::SeededEntropy::new(9)) as _);
    let refused = wiring::assemble(target.config.clone(), store.clone(), &world.root(), system).await;
    assert!(refused.err().unwrap().to_string().contains("did not end"));
    store.close().await;
    drop(store);
    let asked = |again| Asked { file: file.clone(), key: Some(key.clone()), again, ..Asked::default() };
    let refused = target.restore(asked(false), source.now()).await.unwrap_err();
    assert!(refused.contains("--again"), "{refused}");
    assert_eq!(target.restore(asked(true), source.now()).await.unwrap().rows["realm_user"], 2);
}
