//! The keys of `dev`, which everybody knows, open nothing elsewhere.

use super::problems;
use crate::dev_keys::{DEV_PUBLISHABLE_KEY, DEV_ROOT_KEY, DEV_SECRET_KEY};

#[test]
fn p41_serve_refuses_the_keys_of_dev() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.key");
    std::fs::write(&root, format!("{}\n", DEV_ROOT_KEY.to_uppercase())).unwrap();
    let why = "this is a key of `countersign dev`, which everybody knows: make one of your own";
    for (text, place) in [
        (format!("[keys]\nroot_key = {DEV_ROOT_KEY:?}"), "`keys.root_key` in line 2"),
        (format!("[keys]\nroot_key_file = {root:?}"), "`keys.root_key_file` in line 2"),
        (
            format!("[[apps]]\nname = \"a\"\n[[apps.keys]]\nkey = {DEV_SECRET_KEY:?}"),
            "`apps[0].keys[0]` in line 3",
        ),
        (
            format!("[[apps]]\nname = \"a\"\n[[apps.keys]]\nkey = {DEV_PUBLISHABLE_KEY:?}"),
            "`apps[0].keys[0]` in line 3",
        ),
    ] {
        assert_eq!(problems(&text), [format!("{place}: {why}")]);
    }
}
