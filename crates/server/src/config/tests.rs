//! Every mistake in a configuration is told with its place and what is expected there.

mod audiences;
mod dev;
mod policy_cases;

use std::os::unix::fs::PermissionsExt as _;

use super::{environment::variables, schema::Schema, *};

fn shape(text: &str) -> String {
    Config::parse(text).err().map_or_else(String::new, |error| error.0)
}

fn load(text: &str, environment: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("countersign.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    Config::load(
        Some(&path),
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    )
}

/// What is wrong with a file that has nothing else wrong with it.
fn problems(text: &str) -> Vec<String> {
    let with_mail = if text.contains("[mail") {
        text.to_owned()
    } else {
        format!("{text}\n[mail]\ntransport = \"sendmail\"\nsendmail = \"/bin/sh\"\n")
    };
    load(&with_mail, &[]).unwrap().check().iter().map(ToString::to_string).collect()
}

#[test]
fn unknown_keys_are_named_with_their_line_and_the_nearest_known_one() {
    for (text, expected) in [
        (
            "# x\n[server]\nisuer = \"https://a\"",
            "unknown key `server.isuer` in line 3: did you mean `issuer`?",
        ),
        ("[serwer]", "unknown key `serwer` in line 1: did you mean `server`?"),
        ("server.isuer = 1", "unknown key `server.isuer` in line 1: did you mean `issuer`?"),
        ("url = \"x\"", "unknown key `url` in line 1: did you mean `storage.url`?"),
        ("[log]\nbanana = 1", "unknown key `log.banana` in line 2: known here are `format` or `level`"),
        (
            "[[apps]]\nname = \"a\"\n[[apps]]\nname = \"b\"\ntitel = \"B\"",
            "unknown key `apps[1].titel` in line 5: did you mean `title`?",
        ),
        (
            "[mail]\nsmtp = [\n{ host = \"a\" },\n{ hots = \"b\", host = \"b\" } ]",
            "unknown key `mail.smtp[1].hots` in line 4: did you mean `host`?",
        ),
    ] {
        assert_eq!(shape(text), expected, "{text}");
    }
    let both = shape("[server]\nisuer = 1\n[storage]\nulr = 2");
    assert_eq!(both.lines().count(), 2, "{both}");
}

const WRONG_KINDS: &[(&str, &str)] = &[
    ("[server]\nissuer = 5", "`server.issuer` in line 2: expected text in quotes"),
    ("[server]\nissuer = 1979-05-27", "`server.issuer` in line 2: expected text in quotes"),
    ("server = 1", "`server` in line 1: expected a table of keys"),
    (
        "[server]\nmax_connections = \"9\"",
        "`server.max_connections` in line 2: expected a whole number from 1 to 1000000",
    ),
    (
        "[server]\nmax_connections = 0",
        "`server.max_connections` in line 2: expected a whole number from 1 to 1000000",
    ),
    (
        "[retention]\nsweep_seconds = 3601",
        "`retention.sweep_seconds` in line 2: expected a whole number from 1 to 3600",
    ),
    (
        "[retention]\nsweep_seconds = 0",
        "`retention.sweep_seconds` in line 2: expected a whole number from 1 to 3600",
    ),
    (
        "[retention]\nsweep_seconds = 1.5",
        "`retention.sweep_seconds` in line 2: expected a whole number from 1 to 3600",
    ),
    (
        "[keys]\nrotate_after_days = 366",
        "`keys.rotate_after_days` in line 2: expected a whole number from 1 to 365",
    ),
    (
        "[limits]\nmessages_per_day = -1",
        "`limits.messages_per_day` in line 2: expected a whole number from 0 to 4294967295",
    ),
    (
        "[mail]\nallow_plaintext_messages = 1",
        "`mail.allow_plaintext_messages` in line 2: expected true or false",
    ),
    (
        "[mail]\ntransport = \"pigeon\"",
        "`mail.transport` in line 2: expected `smtp`, `sendmail`, `console` or `file`",
    ),
    ("[mail]\nsmtp = 1", "`mail.smtp` in line 2: expected a list in [ ]"),
    ("[[mail.smtp]]\nport = 25", "`mail.smtp[0].host` in line 1: this key is missing"),
    (
        "[mail]\nsending_addresses = [\"x\"]",
        "`mail.sending_addresses[0]` in line 2: the value cannot be read as what this key holds",
    ),
    (
        "[keys]\nroot_key = \"a\"\nroot_key_file = \"b\"",
        "`keys.root_key_file` in line 3: give only one of `root_key` and `root_key_file`",
    ),
    (
        "[storage]\nurl_file = \"a\"\nurl = \"b\"",
        "`storage.url_file` in line 2: give only one of `url` and `url_file`",
    ),
];

#[test]
fn values_of_the_wrong_kind_are_named_with_what_is_expected() {
    for (text, expected) in WRONG_KINDS {
        assert_eq!(shape(text), *expected, "{text}");
    }
    assert!(shape("[server]\nissuer = \"a").starts_with("line 2: "));
    // A value may be a secret: no message repeats it.
    for text in [
        "[keys]\nroot_key = [\"hunter2\"]",
        "[keys]\nroot_key = \"hunter2",
        "[mail]\ntransport = \"hunter2\"",
    ] {
        assert!(!shape(text).is_empty() && !shape(text).contains("hunter2"), "{text}");
    }
    assert_eq!(shape(""), "");
}

#[test]
fn the_environment_counts_more_than_the_file_and_the_file_more_than_the_default() {
    let file = "[server]\nissuer = \"https://file.example\"\nmax_connections = 5\n[keys]\nroot_key = \"from the file\"";
    let loaded = load(
        file,
        &[
            ("COUNTERSIGN_SERVER_ISSUER", "https://variable.example"),
            ("COUNTERSIGN_SERVER_TRUSTED_PROXIES", "10.0.0.0/8, ::1/128"),
            ("COUNTERSIGN_STORAGE_MAX_CONNECTIONS", "3"),
            ("COUNTERSIGN_MAIL_ALLOW_PLAINTEXT_MESSAGES", "true"),
            ("COUNTERSIGN_MAIL_TRANSPORT", "file"),
            ("COUNTERSIGN_KEYS_ROOT_KEY_FILE", "/run/secrets/root"),
            ("COUNTERSIGN_KEYS_ROOT_KEY_COMMAND", ""),
            ("COUNTERSIGN_APPS", r#"[{"name": "shop", "title": null, "origins": ["https://shop.example"]}]"#),
            ("COUNTERSIGN_MAIL_SENDING_ADDRESSES", r#"["192.0.2.1"]"#),
        ],
    );
    let config = loaded.unwrap().config;
    assert_eq!(config.server.issuer, "https://variable.example");
    assert_eq!(config.server.max_connections, 5);
    assert_eq!(config.server.shutdown_seconds, ServerSettings::default().shutdown_seconds);
    assert_eq!(config.server.trusted_proxies, ["10.0.0.0/8", "::1/128"]);
    assert_eq!(config.storage.max_connections, 3);
    assert!(config.mail.allow_plaintext_messages);
    assert_eq!(config.mail.transport, Transport::File);
    assert_eq!((config.keys.root_key, config.keys.root_key_file), (None, Some("/run/secrets/root".into())));
    assert_eq!(config.apps[0].origins, ["https://shop.example"]);
    assert_eq!(config.mail.sending_addresses.len(), 1);
}

#[test]
fn variables_that_cannot_be_used_are_named() {
    for (name, value, expected) in [
        (
            "COUNTERSIGN_SERVER_ISUER",
            "x",
            "unknown variable `COUNTERSIGN_SERVER_ISUER`: did you mean `COUNTERSIGN_SERVER_ISSUER`?",
        ),
        (
            "COUNTERSIGN_ISSUER",
            "x",
            "unknown variable `COUNTERSIGN_ISSUER`: did you mean `COUNTERSIGN_SERVER_ISSUER`?",
        ),
        (
            "COUNTERSIGN_RETENTION_SWEEP_SECONDS",
            "x",
            "`retention.sweep_seconds` in COUNTERSIGN_RETENTION_SWEEP_SECONDS: expected a whole number from 1 to 3600",
        ),
        (
            "COUNTERSIGN_RETENTION_SWEEP_SECONDS",
            "0",
            "`retention.sweep_seconds` in COUNTERSIGN_RETENTION_SWEEP_SECONDS: expected a whole number from 1 to 3600",
        ),
        (
            "COUNTERSIGN_APPS",
            "shop",
            "`apps` in COUNTERSIGN_APPS: expected JSON such as [{\"name\": \"shop\"}]",
        ),
        (
            "COUNTERSIGN_APPS",
            "[{\"titel\": \"x\", \"name\": \"a\"}]",
            "unknown key `apps[0].titel` in COUNTERSIGN_APPS: did you mean `title`?",
        ),
    ] {
        assert_eq!(
            load("", &[(name, value)]).err().map(|error| error.0).as_deref(),
            Some(expected),
            "{name}"
        );
    }
    for (name, value) in [
        ("COUNTERSIGN_TEST_POSTGRES", "x"),
        ("COUNTERSIGN_CONFIG", "x"),
        ("COUNTERSIGN_URL", "x"),
        ("COUNTERSIGN_SERVICE_HOST", "10.0.0.1"),
        ("COUNTERSIGN_SERVICE_PORT_HTTP", "80"),
        ("COUNTERSIGN_PORT", "tcp://10.0.0.1:80"),
        ("COUNTERSIGN_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("COUNTERSIGN_SERVER_ISUER", ""),
        ("PATH", "x"),
    ] {
        assert!(load("", &[(name, value)]).is_ok(), "{name}");
    }
}

#[test]
fn every_key_has_a_variable_of_its_own() {
    let schema = Schema::new();
    assert_eq!(variables(&schema).len(), schema.keys().len());
    for name in
        ["SERVER_ISSUER", "STORAGE_URL", "MAIL_FROM", "KEYS_ROOT_KEY", "APPS", "MAIL_SMTP", "LOG_FORMAT"]
    {
        assert!(variables(&schema).contains_key(&format!("COUNTERSIGN_{name}")), "{name}");
    }
}

#[test]
fn issuers_are_addresses_of_this_server_and_nothing_more() {
    for good in [
        "https://id.example.org",
        "https://id.example.org:8443",
        "http://localhost:8080",
        "http://127.0.0.1",
        "http://[::1]:1",
    ] {
        assert_eq!(problems(&format!("[server]\nissuer = {good:?}")), Vec::<String>::new(), "{good}");
    }
    let (path, name, scheme) = (
        "expected only https:// and a name, without a path and without a slash at the end",
        "expected the name of this server in lower case, in its form for DNS",
        "expected https:// and the name of this server",
    );
    for (bad, why) in [
        ("https://id.example.org/", path),
        ("https://id.example.org/auth", path),
        ("https://id.example.org?x", path),
        ("https://me@id.example.org", path),
        ("https://", name),
        ("https://ID.example.org", name),
        ("https://:80", name),
        ("id.example.org", scheme),
        ("ftp://id.example.org", scheme),
        ("http://id.example.org", "expected https://: http:// is for localhost only"),
        ("https://id.example.org:0", "expected a port from 1 to 65535"),
    ] {
        let text = format!("[server]\nissuer = {bad:?}");
        assert_eq!(problems(&text), [format!("`server.issuer` in line 2: {why}")], "{bad}");
    }
}

#[test]
fn a_server_that_cannot_be_used_is_named_with_its_line() {
    const NEXT: &str = "\n[[server.listeners]]\naddress = \"127.0.0.1:1\"";
    for (text, expected) in [
        (
            "[server]\ntrusted_proxies = [\"10.0.0.0/8\",\n\"10.0.0.1\"]",
            "`server.trusted_proxies[1]` in line 3: expected a network such as 10.0.0.0/8, or 192.0.2.1/32 for a single address",
        ),
        (
            "[server]\nclient_address_header = \"a b\"",
            "`server.client_address_header` in line 2: expected the name of a header, such as x-forwarded-for",
        ),
        (
            "[server]\nlisteners = []",
            "`server.listeners` in line 2: no listener has the part `public`: nobody could reach this server",
        ),
        (
            &format!("[[server.listeners]]\naddress = \"8080\"{NEXT}"),
            "`server.listeners[0].address` in line 2: expected host:port, [address]:port or unix:/path",
        ),
        (
            &format!("[[server.listeners]]\naddress = \"unix:a\"{NEXT}"),
            "`server.listeners[0].address` in line 2: expected unix: and a path from the root, as unix:/run/countersign.sock",
        ),
        (
            &format!("[[server.listeners]]\naddress = \"unix:/a\"\nmode = \"rw\"{NEXT}"),
            "`server.listeners[0].mode` in line 3: expected three octal digits such as 660",
        ),
        (
            &format!("[[server.listeners]]\naddress = \"[::1]:80\"\nparts = [\"public\", \"admin\"]{NEXT}"),
            "`server.listeners[0].parts` in line 3: `admin` is not for everybody: give it a listener of its own",
        ),
        (
            &format!("[[server.listeners]]\naddress = \"127.0.0.1:1\"{NEXT}"),
            "`server.listeners[1].address` in line 4: two listeners have this address",
        ),
    ] {
        assert_eq!(problems(text), [expected], "{text}");
    }
}

#[test]
fn what_cannot_be_used_is_named_with_its_line() {
    for (text, expected) in [
        (
            "[storage]\nurl = \"mysql:x\"",
            "`storage.url` in line 2: expected sqlite:PATH, :memory:, postgres://… or mariadb://…",
        ),
        (
            "[keys]\nroot_key = \"x\"",
            "`keys.root_key` in line 2: a root key is 32 bytes: 64 hexadecimal digits, or 43 or 44 characters of base64",
        ),
        (
            "[mail]\nfrom = \"a@example.org\"",
            "`mail.smtp` in line 1: mail leaves through SMTP and no server is named: write [[mail.smtp]] and below it host = \"…\", or choose another mail.transport",
        ),
        (
            "[mail]\ntransport = \"console\"",
            "`mail.transport` in line 2: console and file show codes to whoever reads them: say mail.allow_plaintext_messages = true to have that",
        ),
        (
            "[mail]\ntransport = \"sendmail\"\nsendmail = \"/nowhere\"",
            "`mail.sendmail` in line 3: there is no such program",
        ),
        (
            "[[mail.smtp]]\nhost = \"mx.example.org\"\nsecurity = \"none\"",
            "`mail.smtp[0].security` in line 3: `none` is for a server on this machine only: expected `starttls` or `tls`",
        ),
        (
            "[[mail.smtp]]\nhost = \"mx.example.org\"\nusername = \"a\"",
            "`mail.smtp[0].username` in line 3: a username and a password (or password_file) belong together",
        ),
        (
            "[[mail.smtp]]\nhost = \"a\"\n[mail]\ntemplates = \"/nowhere\"",
            "`mail.templates` in line 4: there is no such folder",
        ),
        (
            "[[apps]]\nname = \"a\"\n[[apps]]\nname = \"a\"",
            "`apps[1].name` in line 4: two apps have this name",
        ),
        ("[[apps]]\nname = \"a\"\ntries = 11", "`apps[0].tries` in line 3: 11 is not between 1 and 10"),
        (
            "[[apps]]\nname = \"a\"\n[[apps.keys]]\nlabel = \"x\"",
            "`apps[0].keys[0]` in line 3: give either `key` or `key_file`",
        ),
        (
            "[[apps]]\nname = \"a\"\n[[apps.keys]]\nkey = \"x\"",
            "`apps[0].keys[0]` in line 3: an API key begins with cs_sk_, cs_pk_ or cs_vk_ and has 45 characters",
        ),
    ] {
        assert_eq!(problems(text), [expected], "{text}");
    }
    for text in [
        "[[mail.smtp]]\nhost = \"localhost\"\nsecurity = \"none\"",
        "[[mail.smtp]]\nhost = \"127.0.0.1\"\nsecurity = \"none\"",
        "[[server.listeners]]\naddress = \"unix:/run/c.sock\"\nparts = [\"admin\"]\nmode = \"600\"\n[[server.listeners]]\naddress = \"127.0.0.1:1\"",
    ] {
        assert_eq!(problems(text), Vec::<String>::new(), "{text}");
    }
    assert_eq!(problems("[mail]\nfrom = \"nobody\"\n[[mail.smtp]]\nhost = \"\"").len(), 2, "all at once");
}

#[test]
fn files_with_secrets_must_be_there_and_should_be_private() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    let text = format!("[[mail.smtp]]\nhost = \"a\"\nusername = \"u\"\npassword_file = {file:?}");
    let missing = load(&text, &[]).unwrap().check();
    assert_eq!((missing.len(), missing[0].setting.as_str()), (1, "mail.smtp[0].password_file"));
    assert_eq!(missing[0].place, Some(Place::Line(4)));
    std::fs::write(&file, "hunter2").unwrap();
    for (mode, warnings) in [(0o644, 1), (0o640, 0), (0o600, 0)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let loaded = load(&text, &[]).unwrap();
        assert_eq!(loaded.check(), []);
        assert_eq!(loaded.warnings.len(), warnings, "{mode:o} {:?}", loaded.warnings);
    }
}

#[test]
fn differences_are_named_and_not_told() {
    let one = Config::parse("[[apps]]\nname = \"a\"\ntitle = \"A\"\n[[apps]]\nname = \"b\"").unwrap();
    let other = Config::parse(
        "[log]\nlevel = \"debug\"\n[[apps]]\nname = \"b\"\n[[apps]]\nname = \"a\"\ntitle = \"B\"",
    )
    .unwrap();
    assert_eq!(changed(&one, &other), ["apps.a.title", "log.level"]);
    assert_eq!(changed(&one, &one), Vec::<String>::new());
}
