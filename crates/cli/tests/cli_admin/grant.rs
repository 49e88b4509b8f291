//! `countersign grant` and what a user is in their realm, without a server and beside one.

use crate::{Folder, Serving};

const JANE: &str = "jane@example.org";

fn walk(folder: &Folder, app: &str) {
    let group = format!("group-{app}");
    folder.json(&["app", "add", app, "--no-key"]);
    let why = |app: &str| folder.say(&["grant", "explain", "--user", JANE, "--app", app]);
    assert!(why(app).starts_with(&format!("The user may not use {app}.\n")), "{}", why(app));
    let moved = folder.say(&["user", "add-group", JANE, &group, "friends"]);
    assert_eq!(moved, format!("The user is in: friends, {group}.\n"));
    let add = ["grant", "add", "--group", &group, "--app", app, "--scope", "read:email"];
    let given = folder.json(&add);
    let id = given["id"].as_str().unwrap();
    let explained = why(app);
    for words in [
        format!("The user may use {app}. Scopes: read:email\n"),
        format!("* The group {group}, which the user is in, holds a grant ({id}) for the app {app}"),
        "- The user is no administrator.".to_owned(),
    ] {
        assert!(explained.contains(&words), "{words}: {explained}");
    }
    let list = folder.say(&["grant", "list", "--app", app]);
    assert!(
        list.contains(id) && list.contains(&format!("group {group}")) && list.contains("operator"),
        "{list}"
    );
    let of_jane = ["--user", JANE, "--app", app];
    folder.json(&[&["grant", "add", "--expires-in", "60"][..], &of_jane].concat());
    assert!(folder.say(&[&["grant", "list"][..], &of_jane].concat()).contains("usr_"));
    folder.say(&[&["grant", "remove"][..], &of_jane].concat());
    assert!(folder.fail(&[&["grant", "remove"][..], &of_jane].concat()).contains("no such grant"));
    assert!(folder.say(&["grant", "remove", id]).contains(id));
    assert!(folder.fail(&["grant", "remove", id]).contains("nothing of this name"));
    assert!(folder.say(&["user", "remove-group", JANE, &group, "friends"]).contains("in no group"));
    folder.say(&["user", "set-role", JANE, "admin"]);
    assert!(why(app).starts_with(&format!("The user may use {app}.")), "{}", why(app));
    folder.say(&["user", "set-role", JANE, "user"]);
    assert!(folder.fail(&["grant", "add", "--user", "joe@example.org", "--app", app]).contains("nobody"));
    assert!(folder.fail(&["grant", "remove", "--app", app]).contains("name the grant"));
    assert_eq!(folder.say(&["grant", "list", "--app", app]), "There are no such grants.\n");
}

#[test]
fn grants_are_given_explained_and_taken_without_a_server_and_beside_one() {
    let folder = Folder::new();
    folder.json(&["user", "add", "--email", JANE, "--verified"]);
    walk(&folder, "wiki");
    let _serving = Serving::start(&folder);
    walk(&folder, "shop");
}
