//! The program as an operator types it, on a folder of its own: the same commands with and without a running server.

#![expect(clippy::unwrap_used, reason = "tests say what went wrong by stopping")]

mod grant;
mod policy;

use std::{
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use countersign_store::{
    engine::{Engine as _, Expect, Statement, Write},
    sqlite::Sqlite,
};
use serde_json::Value;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        let config = format!(
            "[server]\nlisteners = [{{ address = \"unix:{path}/public.sock\" }}]\n\
             [storage]\ndata_dir = \"{path}/data\"\n\
             [mail]\ntransport = \"file\"\nfolder = \"{path}/mail\"\nallow_plaintext_messages = true\n"
        );
        std::fs::write(folder.path().join("countersign.toml"), config).unwrap();
        Self(folder)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.current_dir(self.0.path()).env_remove("COUNTERSIGN_CONFIG").args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a success printed.
    fn say(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.say(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// What a failure said.
    fn fail(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }
}

/// A running server, ended when it is dropped.
struct Serving(Child);

impl Serving {
    fn start(folder: &Folder) -> Self {
        let mut command = folder.command(&["serve"]);
        let serving = Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        wait_for(&folder.path("data/control.sock"));
        serving
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_for(socket: &Path) {
    let begin = Instant::now();
    while std::os::unix::net::UnixStream::connect(socket).is_err() {
        assert!(begin.elapsed() < Duration::from_secs(20), "the server does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An app from its making to the end of its key.
fn walk(folder: &Folder, name: &str) {
    let app = folder.json(&["app", "add", name, "--title", "The forum", "--no-key"]);
    assert_eq!((&app["name"], &app["title"]), (&Value::from(name), &Value::from("The forum")));
    let key = folder.json(&["key", "add", name, "--label", "web", "--expires-in-days", "2"]);
    let (id, text) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
    let list = folder.say(&["key", "list", name]);
    assert!(list.contains(id) && list.contains("good") && !list.contains(text), "{list}");
    assert!(folder.say(&["key", "revoke", id]).contains(id));
    assert!(folder.say(&["key", "list", name]).contains("revoked"));
    assert!(folder.say(&["app", "list"]).contains("The forum"));
    assert!(folder.fail(&["app", "add", name]).contains("has this name"));
    assert!(folder.fail(&["app", "edit", name, "--set", "tries=99"]).contains("between 1 and 10"));
    assert!(folder.say(&["token", "revoke", name, "--all"]).contains("good no longer"));
    assert_eq!(folder.say(&["message", "list"]), "No message waits.\n");
    assert_eq!(folder.json(&["key", "rotate"])["stage"], "current");
    folder.json(&["key", "rotate", "--accept-seconds", "0"]);
    let stages = folder.json(&["key", "signing"]);
    let of = |realm: &'static str| stages.as_array().unwrap().iter().filter(move |key| key["realm"] == realm);
    let count = |stage: &str| of("default").filter(|key| key["stage"] == stage).count();
    assert_eq!((count("current"), count("retiring")), (1, 0), "{stages}");
    let shared = format!("shared-{name}");
    folder.json(&["app", "add", &shared, "--set", "token_algorithm=HS256", "--no-key"]);
    let text = folder.say(&["key", "token-secret", &shared, "--accept-seconds", "0"]);
    assert!(text.contains("refused from now on"), "{text}");
    administer(folder, name);
}

/// A realm of its own with an app, somebody who is invited to it, and people who are brought.
fn administer(folder: &Folder, name: &str) {
    let realm = format!("realm-{name}");
    folder.json(&["realm", "add", &realm, "--set", "session_idle_seconds=600"]);
    assert_eq!(
        folder.json(&["realm", "set", &realm, "--set", "refresh_grace_seconds=5"])["refresh_grace_seconds"],
        5
    );
    let app = format!("desk-{name}");
    let settings = ["accounts=realm", "sign_up=invitation", &format!("realm={realm}")].map(str::to_owned);
    let mut add = vec!["app", "add", &app, "--no-key", "--origin", "https://desk.example.org"];
    add.extend(settings.iter().flat_map(|setting| ["--set", setting]));
    folder.json(&add);
    assert_eq!(folder.json(&["key", "rotate", "--realm", &realm])["realm"], realm.as_str());
    assert!(folder.say(&["key", "signing"]).contains(&realm));
    let invited = folder.json(&["invitation", "add", &app, "joe@example.org"]);
    let id = invited["id"].as_str().unwrap();
    assert!(folder.say(&["invitation", "list", "--realm", &realm]).contains(id));
    folder.json(&["invitation", "revoke", id]);
    for message in folder.json(&["message", "list"]).as_array().unwrap() {
        // A server that runs may have been quicker.
        folder.run(&["message", "drop", message["id"].as_str().unwrap()]);
    }
    let person = |number: usize| {
        format!("{{\"emails\": [{{\"address\": \"p{number}@example.org\", \"verified\": true}}]}}\n")
    };
    let mut lines: String = (0..3).map(person).collect();
    std::fs::write(folder.path("people.jsonl"), format!("{lines}{}", person(1))).unwrap();
    let refused = folder.run(&["user", "import", "people.jsonl", "--realm", &realm]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stdout).contains("line 4: line 2 has an address of these"));
    assert!(folder.say(&["user", "list", "--realm", &realm]).contains("no users"));
    lines.push('\n');
    std::fs::write(folder.path("people.jsonl"), lines).unwrap();
    assert_eq!(
        folder.json(&["user", "import", "people.jsonl", "--realm", &realm, "--dry-run"])["imported"],
        0
    );
    assert_eq!(folder.json(&["user", "import", "people.jsonl", "--realm", &realm])["imported"], 3);
    let given = folder.say(&["user", "export", "--realm", &realm]);
    assert!(given.lines().count() == 3 && given.contains("p2@example.org"), "{given}");
    let added = folder.json(&["user", "add", "--email", "ann@example.org", "--realm", &realm]);
    let id = added["id"].as_str().unwrap();
    assert!(folder.say(&["user", "edit", id, "--display-name", "Ann"]).contains("changed"));
    assert!(folder.say(&["session", "list", id]).contains("nowhere"));
    assert_eq!(folder.json(&["session", "end-all", id])["ended"], 0);
    assert!(folder.fail(&["realm", "remove", &realm]).contains("the realm has apps"));
    folder.json(&["user", "erase", id]);
    assert!(folder.fail(&["user", "show", id]).contains("nothing of this name or id"));
}

#[test]
fn an_admin_key_reaches_a_server_over_a_network_and_no_further_than_its_scopes() {
    let folder = Folder::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = std::fs::read_to_string(folder.path("countersign.toml")).unwrap();
    let listener = format!("{{ address = \"127.0.0.1:{port}\", parts = [\"admin\"] }}");
    let config = config.replace(".sock\" }]", &format!(".sock\" }}, {listener}]"));
    std::fs::write(folder.path("countersign.toml"), config).unwrap();
    let serving = Serving::start(&folder);
    let made =
        folder.json(&["key", "add", "--admin", "--scope", "apps", "--scope", "read", "--label", "office"]);
    std::fs::write(folder.path("admin.key"), made["key"].as_str().unwrap()).unwrap();
    let url = format!("http://127.0.0.1:{port}");
    let there = |arguments: &[&'static str]| {
        [arguments, &["--url", &url, "--key-file", "admin.key"]]
            .concat()
            .iter()
            .map(|part| (*part).to_owned())
            .collect::<Vec<_>>()
    };
    let run = |arguments: &[&'static str]| {
        let all = there(arguments);
        folder.run(&all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert!(run(&["app", "add", "forum", "--no-key"]).status.success());
    assert!(String::from_utf8_lossy(&run(&["app", "list"]).stdout).contains("forum"));
    assert!(folder.say(&["app", "list"]).contains("forum"), "it is the same server");
    let refused = run(&["realm", "add", "staff"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("scope all"), "{refused:?}");
    folder.json(&["key", "revoke", made["id"].as_str().unwrap()]);
    assert!(!run(&["app", "list"]).status.success());
    assert!(folder.say(&["key", "list", "--admin"]).contains("revoked"));
    drop(serving);
}

#[test]
fn every_command_works_with_and_without_a_running_server() {
    let folder = Folder::new();
    walk(&folder, "alone");
    let serving = Serving::start(&folder);
    walk(&folder, "beside");
    assert!(folder.fail(&["migrate"]).contains("in use"), "the database belongs to the server");
    drop(serving);
    assert!(folder.path("data/control.sock").exists(), "killed, it left its socket");
    let names = folder.json(&["app", "list"]);
    assert_eq!((&names[0]["name"], &names[1]["name"]), (&Value::from("alone"), &Value::from("beside")));
}

#[test]
fn a_first_key_is_shown_once_and_a_typing_error_is_found_before_anything_is_opened() {
    let folder = Folder::new();
    assert!(folder.fail(&["app", "add", "-x-"]).contains("--help"));
    assert!(folder.fail(&["token", "revoke", "forum"]).contains("--all"));
    assert!(!folder.path("data").exists());
    let added = folder.say(&["app", "add", "forum"]);
    assert!(added.contains("cs_sk_") && added.contains("shown this once"), "{added}");
    assert!(folder.say(&["key", "generate", "--publishable"]).starts_with("cs_pk_"));
}

#[test]
fn migrate_says_what_there_is_to_do() {
    let folder = Folder::new();
    assert!(folder.fail(&["migrate", "--check"]).contains("not up to date"));
    assert!(folder.say(&["migrate"]).starts_with("The schema went from version 0 to "));
    assert!(folder.say(&["migrate", "--check"]).starts_with("The schema is up to date"));
}

/// Changes rows as no part of the program does.
fn spoil(database: &Path, sql: &'static str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = Sqlite::open(database).unwrap();
        let statement = Statement { sql, parameters: Vec::new() };
        engine.commit(vec![Write { statement, expect: Expect::One }]).await.unwrap();
        engine.close().await;
    });
}

#[test]
fn doctor_names_a_row_that_does_not_read_with_and_without_a_running_server() {
    let folder = Folder::new();
    folder.json(&["app", "add", "forum", "--no-key"]);
    let row = "PROBLEM  store: a row of app is not what it should be: column settings, row forum";
    let found = || String::from_utf8(folder.run(&["doctor"]).stdout).unwrap();
    assert!(!found().contains("a row of"), "{}", found());
    spoil(&folder.path("data/countersign.db"), "UPDATE app SET settings = '?'");
    assert!(found().contains(row), "{}", found());
    let serving = Serving::start(&folder);
    assert!(found().contains(row), "{}", found());
    drop(serving);
}
