//! The code of `docs/verify-assertion.md`, as it is printed there, on assertions that a service was given and on such as it
//! must refuse.

use std::{fs, process::Command};

use super::world::World;
use crate::support::tools;

/// The first block in a language on the page, with the test's own key set in it.
fn printed(language: &str, key_set: &str) -> String {
    let page = format!("{}/../../docs/verify-assertion.md", env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(page).unwrap();
    let block = page.split(&format!("```{language}\n")).nth(1).unwrap_or_else(|| panic!("no {language}"));
    let block = block.split("\n```").next().unwrap();
    let from = "https://auth.example.org/.well-known/jwks.json";
    assert!(block.contains(from), "{block}");
    block.replace(from, key_set)
}

/// What the printed code makes of assertions: the subject, or none.
fn all_verify(run: impl Fn(&str) -> Option<String>, world: &World) {
    let (own, other) = (world.assertion("wiki"), world.assertion("notes"));
    let subject = run(&own).expect("the assertion holds");
    assert!(!subject.is_empty());
    let mut changed = own.clone().into_bytes();
    let middle = own.find('.').unwrap() + 9;
    changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
    let (head, rest) = own.split_once('.').unwrap();
    let unsigned =
        format!("eyJhbGciOiJub25lIiwidHlwIjoiYXNzZXJ0aW9uK2p3dCJ9.{}.", rest.split('.').next().unwrap());
    for (what, token) in [
        ("another app's", other.as_str()),
        ("an access token", world.token.as_str()),
        ("a changed one", std::str::from_utf8(&changed).unwrap()),
        ("an unsigned one", unsigned.as_str()),
        ("a piece", head),
        ("nothing", ""),
    ] {
        assert_eq!(run(token), None, "{what} holds");
    }
}

fn said(command: &mut Command) -> Option<String> {
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!err.contains("SyntaxError") && !err.contains("ModuleNotFound"), "{err}");
    output.status.success().then(|| out.trim().to_owned())
}

#[test]
fn p32_p37_the_printed_python_tells_true_assertions_from_others() {
    let Some(python) = tools::python() else { return };
    let world = World::start();
    let code = printed("python", &world.key_set());
    let code = format!("{code}\n\nimport sys\nprint(verify_assertion(sys.argv[1])['sub'])\n");
    all_verify(|token| said(Command::new(&python).args(["-c", &code, token])), &world);
}

#[test]
fn p32_p37_the_printed_javascript_tells_true_assertions_from_others() {
    let (Some(node), Some(modules)) =
        (tools::tool("COUNTERSIGN_TEST_NODE", "node"), tools::tool("COUNTERSIGN_TEST_NODE_MODULES", "node"))
    else {
        return;
    };
    let world = World::start();
    let folder = tempfile::tempdir().unwrap();
    // Modules are looked for beside the script.
    std::os::unix::fs::symlink(modules, folder.path().join("node_modules")).unwrap();
    let script = folder.path().join("verify.mjs");
    let code = printed("js", &world.key_set());
    fs::write(&script, format!("{code}\nconsole.log((await verifyAssertion(process.argv[2] ?? '')).sub);\n"))
        .unwrap();
    all_verify(|token| said(Command::new(&node).arg(&script).arg(token)), &world);
}
