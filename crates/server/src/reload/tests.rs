//! Valid changes take effect while the server runs; invalid ones leave everything as it was.

use countersign_domain::{
    api_key::{ApiKeyKind, ApiKeyText},
    realm::RealmName,
    signing_key::Owner,
    testing::Seeded,
};
use countersign_store::{
    Store,
    engine::{Engine as _, Expect, Statement, Write},
    sqlite::Sqlite,
};

use super::*;
use crate::{
    config::Loaded,
    keys::RootKey,
    system::{SystemClock, SystemEntropy},
    wiring,
};

const MAIL: &str = "[mail]\ntransport = \"sendmail\"\nsendmail = \"/bin/sh\"\n";

struct World {
    server: Arc<Server>,
    reloader: Reloader,
    path: PathBuf,
    engine: Arc<Sqlite>,
    _folder: tempfile::TempDir,
}

/// A server on a file with one app.
async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("countersign.toml");
    std::fs::write(&path, app("Before", "")).unwrap();
    let Loaded { config, .. } = Config::load(Some(&path), std::iter::empty()).unwrap();
    let engine = Arc::new(Sqlite::memory().unwrap());
    let store = Store::new(Arc::clone(&engine) as _);
    store.migrate().await.unwrap();
    let system = (Arc::new(SystemClock::default()) as _, Arc::new(SystemEntropy) as _);
    let root = RootKey::generate(&mut Seeded::new(1));
    let server = wiring::assemble(config, store, &root, system).await.unwrap();
    let reloader = Reloader::new(Some(path.clone()), Vec::new());
    World { server, reloader, path, engine, _folder: folder }
}

fn app(title: &str, more: &str) -> String {
    format!("{MAIL}[[apps]]\nname = \"shop\"\ntitle = \"{title}\"\n{more}")
}

impl World {
    async fn write(&mut self, text: &str) {
        std::fs::write(&self.path, text).unwrap();
        self.reloader.look(&self.server).await;
    }

    /// Does something to the database behind the server's back.
    async fn run(&self, sql: &'static str) {
        let statement = Statement { sql, parameters: Vec::new() };
        self.engine.commit(vec![Write { statement, expect: Expect::Any }]).await.unwrap();
    }

    fn title(&self) -> String {
        self.server.app("shop").map_or_else(String::new, |app| app.title.clone())
    }
}

#[tokio::test]
async fn a_changed_file_takes_effect_without_a_restart() {
    let mut world = world().await;
    assert_eq!(world.title(), "Before");
    let key = ApiKeyText::draw(ApiKeyKind::Secret, &mut Seeded::new(2));
    let digest = world.server.keys.api_key(&key);
    assert!(world.server.registry.load().key(&digest).is_none());
    let with_key = format!("token_algorithm = \"ES256\"\n[[apps.keys]]\nkey = \"{}\"\n", key.expose());
    world.write(&app("After a change", &with_key)).await;
    assert_eq!(world.title(), "After a change");
    assert!(world.server.registry.load().key(&digest).is_some());
    let es256 = countersign_domain::algorithm::Algorithm::parse("ES256").unwrap();
    assert!(
        world.server.key_ring.load().newest(&Owner::Realm(RealmName::default()), es256).is_some(),
        "a new algorithm gets its key at once"
    );
    world.write(&app("Without the key", "")).await;
    assert!(world.server.registry.load().key(&digest).is_none(), "a key that was taken out is refused");
}

#[tokio::test]
async fn a_file_that_cannot_be_used_changes_nothing_and_is_reported_once() {
    let mut world = world().await;
    for (bad, problems) in [
        ("this is not toml", 1),
        ("titel = 1\nserwer = 2", 2),
        (&app("After", "tries = 99\n"), 1),
        (&app("After", "[server]\nissuer = \"http://example.org\"\n"), 1),
    ] {
        world.write(bad).await;
        assert_eq!(world.title(), "Before", "{bad}");
        assert_eq!(world.server.issuer(), "http://localhost:8080");
        world.reloader.reload(&world.server).await;
        assert_eq!(world.reloader.complained.len(), problems, "{bad}: {:?}", world.reloader.complained);
        world.reloader.forget_complaints();
    }
    world.write(&app("After all", "")).await;
    assert_eq!(world.title(), "After all");
}

#[tokio::test]
async fn a_file_that_goes_away_leaves_what_was_read() {
    let mut world = world().await;
    let environment = vec![("COUNTERSIGN_MAIL_TRANSPORT".to_owned(), "sendmail".to_owned())];
    for file in [Some(world.path.clone()), None] {
        world.reloader = Reloader::with_default(file, world.path.clone(), environment.clone());
        std::fs::remove_file(&world.path).unwrap();
        world.reloader.look(&world.server).await;
        assert_eq!(world.title(), "Before");
        assert_eq!(world.reloader.complained.len(), 1, "{:?}", world.reloader.complained);
        world.reloader.reload(&world.server).await;
        assert_eq!(world.title(), "Before", "nor after a hangup");
        world.write(&app("Back again", "")).await;
        assert_eq!(world.title(), "Back again");
        world.write(&app("Before", "")).await;
    }
    // Where there was none, one that comes is read.
    std::fs::remove_file(&world.path).unwrap();
    world.reloader = Reloader::with_default(None, world.path.clone(), environment);
    world.write(&app("New", "")).await;
    assert_eq!(world.title(), "New");
}

#[tokio::test]
async fn a_hangup_and_a_change_are_noticed() {
    let world = world().await;
    let (stop, until) = crate::shutdown::channel();
    // As if it had been read before the environment was what it is: only a hangup makes it look again.
    let environment = vec![("COUNTERSIGN_LIMITS_MESSAGES_PER_DAY".to_owned(), "7".to_owned())];
    let watching =
        tokio::spawn(watch(Arc::clone(&world.server), Some(world.path.clone()), environment, until));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_ne!(world.server.config.load().limits.messages_per_day, 7);
    let pid = std::process::id().to_string();
    assert!(std::process::Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.server.config.load().limits.messages_per_day, 7);
    std::fs::write(&world.path, app("Seen", "")).unwrap();
    tokio::time::sleep(LOOK + Duration::from_millis(500)).await;
    assert_eq!(world.title(), "Seen");
    stop.stop();
    watching.await.unwrap();
}

#[test]
fn settings_that_wait_for_a_start_are_known() {
    for (key, expected) in [
        ("server.listeners", true),
        ("storage.url", true),
        ("log.level", true),
        ("mail.smtp", true),
        ("keys.root_key_file", true),
        ("keys.rotate_after_days", false),
        ("server.issuer", false),
        ("mail.from", false),
        ("apps.shop.title", false),
        ("logger", false),
    ] {
        assert_eq!(waits(key), expected, "{key}");
    }
    // Each of them is a setting: a renamed one would be forgotten here.
    let config = serde_json::to_value(Config::default()).unwrap();
    for key in NEXT_START {
        assert!(config.pointer(&format!("/{}", key.replace('.', "/"))).is_some(), "{key}");
    }
}

#[tokio::test]
async fn texts_change_while_it_runs_and_bad_ones_do_not() {
    let mut world = world().await;
    let folder = tempfile::tempdir().unwrap();
    let texts = folder.path().join("de/texts.ftl");
    std::fs::create_dir(folder.path().join("de")).unwrap();
    let mut templates = TemplatesWatch::new(&world.server);
    let configured =
        format!("{MAIL}templates = \"{}\"\n[[apps]]\nname = \"shop\"\nlocale = ", folder.path().display());
    let said = |world: &World| {
        let renderer = world.server.renderer.load();
        renderer
            .catalog()
            .wording("shop", &crate::texts::Locale::GERMAN)
            .say(crate::texts::Key::SignInButton, &[])
    };
    world.write(&format!("{configured}\"it\"\n")).await;
    assert_eq!(world.reloader.complained.len(), 1, "{:?}", world.reloader.complained);
    assert_eq!(world.title(), "shop", "nobody can be written to in Italian yet, but the settings hold");
    world.write(&format!("{configured}\"de\"\n")).await;
    for (source, expected) in [
        ("sign_in =\n .button = Los", "Los"),
        ("sign_in =\n .button = {", "Los"),
        ("sign_in =\n .buton = Hinein", "Los"),
        ("sign_in =\n .button = Hinein", "Hinein"),
        ("# nothing of our own", "Anmelden"),
    ] {
        std::fs::write(&texts, source).unwrap();
        templates.look(&world.server);
        assert_eq!(said(&world), expected, "{source}");
    }
    std::fs::write(&texts, "sign_in =\n .button = Los").unwrap();
    templates.look(&world.server);
    std::fs::remove_file(&texts).unwrap();
    templates.look(&world.server);
    assert_eq!(said(&world), "Anmelden", "a file that is gone says nothing");
}

/// Operators take a leaked key out of the file; no word of a mail may keep it good.
#[tokio::test]
async fn words_that_cannot_be_used_do_not_keep_a_key_alive() {
    let mut world = world().await;
    let folder = tempfile::tempdir().unwrap();
    let texts = folder.path().join("de/texts.ftl");
    std::fs::create_dir(folder.path().join("de")).unwrap();
    let mut templates = TemplatesWatch::new(&world.server);
    let key = ApiKeyText::draw(ApiKeyKind::Secret, &mut Seeded::new(2));
    let digest = world.server.keys.api_key(&key);
    let knows = |world: &World| world.server.registry.load().key(&digest).is_some();
    let with = |title: &str, more: &str| {
        format!(
            "{MAIL}templates = \"{}\"\n[[apps]]\nname = \"shop\"\ntitle = \"{title}\"\n{more}",
            folder.path().display()
        )
    };
    let leaked = format!("[[apps.keys]]\nkey = \"{}\"\n", key.expose());
    world.write(&with("Before", &leaked)).await;
    templates.look(&world.server);
    assert!(knows(&world));
    std::fs::write(&texts, "sign_in =\n .button = {").unwrap();
    world.write(&with("Without", "")).await;
    templates.look(&world.server);
    assert!(!knows(&world), "it was taken out");
    assert_eq!(world.reloader.complained.len(), 1, "{:?}", world.reloader.complained);
    std::fs::write(&texts, "sign_in =\n .button = Los").unwrap();
    let said = |world: &World| {
        let renderer = world.server.renderer.load();
        let wording = renderer.catalog().wording("shop", &crate::texts::Locale::GERMAN);
        wording.say(crate::texts::Key::SignInButton, &[])
    };
    // Good words wait for an app's language, and come with the settings that take it back.
    world.write(&with("Italian", "locale = \"it\"\n")).await;
    templates.look(&world.server);
    assert_eq!(said(&world), "Anmelden");
    world.write(&with("German", "locale = \"de\"\n")).await;
    templates.look(&world.server);
    assert_eq!(said(&world), "Los");
}

/// A hangup that finds no store is not forgotten: nobody hangs up twice.
#[tokio::test]
async fn what_the_store_kept_from_being_taken_over_is_tried_again() {
    let mut world = world().await;
    std::fs::write(&world.path, app("After", "")).unwrap();
    // As if the file had not changed: only the hangup asks for it to be read.
    world.reloader = Reloader::new(Some(world.path.clone()), Vec::new());
    world.run("ALTER TABLE app RENAME TO away").await;
    world.reloader.reload(&world.server).await;
    world.reloader.look(&world.server).await;
    assert_eq!(world.title(), "Before");
    world.run("ALTER TABLE away RENAME TO app").await;
    world.reloader.look(&world.server).await;
    assert_eq!(world.title(), "After");
}

#[tokio::test]
async fn hashing_begins_changes_and_ends_with_the_settings() {
    let mut world = world().await;
    let hashing = |world: &World| world.server.hashing.load_full();
    assert!(hashing(&world).is_none(), "nobody has passwords: no thread, no memory");
    let with = |more: &str| {
        let realm = "[[realms]]\nname = \"default\"\npasswords = \"on\"\n";
        format!("{}{more}\n{realm}", app("Before", ""))
    };
    world.write(&with("")).await;
    let first = hashing(&world).unwrap();
    world.write(&with("[limits]\nmessages_per_day = 7")).await;
    assert!(Arc::ptr_eq(&first, &hashing(&world).unwrap()), "what does not concern it leaves it as it is");
    world.write(&with("[passwords]\npasses = 3\nworkers = 1")).await;
    let second = hashing(&world).unwrap();
    assert!(!Arc::ptr_eq(&first, &second));
    for wrong in ["memory_kib = 4096", "passes = 1", "[passwords.breached]\nfilter = \"/nowhere\""] {
        world.write(&with(&format!("[passwords]\n{wrong}"))).await;
        assert!(Arc::ptr_eq(&second, &hashing(&world).unwrap()), "{wrong}");
    }
    world.write(&app("Before", "")).await;
    assert!(hashing(&world).is_none());
}
