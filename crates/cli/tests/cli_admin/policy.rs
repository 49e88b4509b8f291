//! `countersign policy`: explained beside a running server and without one; cases that pass, fail and do not read.

use serde_json::{Value, json};

use super::{Folder, Serving};

const APPS: &str = "
[[realms]]
name = \"staff\"
passwords = \"on\"
policy = { least = \"aal2\" }
[passwords]
memory_kib = 19456
[[apps]]
name = \"desk\"
accounts = \"realm\"
realm = \"staff\"
[[apps]]
name = \"forum\"
accounts = \"realm\"
policy = { start = [\"mail\"] }
";

fn folder() -> Folder {
    let folder = Folder::new();
    let path = folder.path("countersign.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, format!("{config}{APPS}")).unwrap();
    folder
}

/// What is explained of somebody who has nothing but their mailbox, and of somebody new.
fn explain(folder: &Folder, address: &str) {
    let made = folder.json(&["user", "add", "--email", address, "--realm", "staff"]);
    let id = made["id"].as_str().unwrap();
    let of = |user: &str| folder.json(&["policy", "explain", "--app", "desk", "--user", user]);
    let told = of(id);
    assert_eq!(told, of(address), "by id and by address");
    assert_eq!(told["person"], json!({"id": id, "status": "active", "has": []}));
    let last = &told["walk"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["proven"], &last["verdict"], &last["enrol"]),
        (&json!(["mail"]), &json!("enrol"), &json!(["passkey"]))
    );
    let text = folder.say(&["policy", "explain", "--app", "desk", "--user", address]);
    for part in [
        "A sign-in to the app desk in the realm staff",
        "policy.start                passkey, password, mail  by default",
        "policy.least                aal2                     of the realm staff",
        &format!("{id} (active) has nothing beside mails."),
        "begin -> more: passkey or password or mail",
        "  mail (mailbox) -> enrol: passkey\n      A mail reaches mailbox. What is wanted is aal2,",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(!text.contains(address));
    let anybody = folder.say(&["policy", "explain", "--app", "forum", "--proven", "mail"]);
    assert!(
        anybody.contains("of the app forum") && anybody.contains("mail (mailbox) -> enough"),
        "{anybody}"
    );
    let asked = folder.json(&["policy", "explain", "--app", "forum", "--proven", "mail", "--asked", "aal1"]);
    assert_eq!(asked["walk"][0]["enrol"], json!(["passkey", "totp"]));
    let trusted = folder.fail(&["policy", "explain", "--app", "desk", "--user", id, "--trusted"]);
    assert!(trusted.contains("policy.trusted_device_days is 0"), "{trusted}");
    for (arguments, told) in [
        (["--user", "bob@example.org"], "nobody in the realm staff has this address"),
        (["--user", "bob"], "expected an id (usr_…) or an address"),
        (["--user", "usr_06gvu6nl1lsbl96c97vrr493e0"], "nothing of this name or id"),
        (["--asked", "aal3"], "expected mailbox, aal1 or aal2"),
        (["--proven", "totp"], "totp: the person has none"),
    ] {
        let said = folder.fail(&[&["policy", "explain", "--app", "desk"], &arguments[..]].concat());
        assert!(said.contains(told), "{arguments:?}: {said}");
    }
}

#[test]
fn a_policy_is_explained_with_and_without_a_running_server() {
    let folder = folder();
    explain(&folder, "ann@example.org");
    let serving = Serving::start(&folder);
    explain(&folder, "bob@example.com");
    drop(serving);
}

#[test]
fn the_example_of_cases_is_good() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policy-cases.toml");
    let folder = Folder::new();
    let said = folder.say(&["policy", "test", example]);
    let text = std::fs::read_to_string(example).unwrap();
    let cases = text.matches("[[cases]]").count();
    assert_eq!(said, format!("All {cases} cases are good.\n"));
    assert!(!folder.path("data").exists(), "nothing is opened");
    let wrong = text.matches("enough = true").count();
    std::fs::write(folder.path("other.toml"), text.replace("enough = true", "enrol = [\"totp\"]")).unwrap();
    let said = folder.fail(&["policy", "test", "other.toml"]);
    assert!(said.contains(&format!("{wrong} of {cases} cases failed")), "{said}");
}

#[test]
fn cases_ask_the_apps_of_the_configuration_and_failures_are_told() {
    let folder = folder();
    let cases = "\
[[cases]]
name = \"a mail is not enough at the desk\"
app = \"desk\"
proven = [\"mail\"]
enrol = [\"passkey\"]

[[cases]]
name = \"nor is a password\"
app = \"desk\"
has = [\"password\", \"totp\"]
proven = [\"password\"]
enough = true
";
    std::fs::write(folder.path("cases.toml"), cases).unwrap();
    let output = folder.run(&["policy", "test", "cases.toml"]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        told,
        "FAILED  nor is a password (cases.toml, line 7)\n  expected enough = true\n  found    more = [\"totp\"]\n  \
         because  The person has a TOTP: a password alone is not enough.\n"
    );
    assert!(String::from_utf8(output.stderr).unwrap().contains("1 of 2 cases failed"));
    let output = folder.run(&["policy", "test", "cases.toml", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["cases"], &told["failed"][0]["line"]), (&json!(2), &json!(7)));
    std::fs::write(folder.path("cases.toml"), cases.replace("enough = true", "more = [\"totp\"]")).unwrap();
    assert_eq!(folder.say(&["policy", "test", "cases.toml"]), "All 2 cases are good.\n");
    std::fs::write(folder.path("cases.toml"), cases.replace("proven", "prooven").replace("desk", "disk"))
        .unwrap();
    let said = folder.fail(&["policy", "test", "cases.toml"]);
    for line in [4, 11] {
        let known = "did you mean `proven`?";
        assert!(said.contains(&format!("prooven` in line {line}: {known}")), "{said}");
    }
    std::fs::write(folder.path("cases.toml"), cases.replace("desk", "disk")).unwrap();
    let said = folder.fail(&["policy", "test", "cases.toml"]);
    assert!(said.contains("`cases[1].app` in line 9: no app of this name is declared"), "{said}");
    assert!(folder.fail(&["policy", "test", "nowhere.toml"]).contains("nowhere.toml: No such file"));
}
