//! Files of cases for `countersign policy test`.

use crate::config::{Config, PolicyCase, PolicyCases};

const CONFIGURATION: &str = "\
[[realms]]
name = \"staff\"
policy = { least = \"aal2\" }
[[apps]]
name = \"desk\"
accounts = \"realm\"
realm = \"staff\"
[[apps]]
name = \"plain\"
";

fn cases(text: &str) -> Result<Vec<PolicyCase>, String> {
    let config = Config::parse(CONFIGURATION).unwrap();
    PolicyCases::read(text).and_then(|cases| cases.within(&config)).map_err(|error| error.0)
}

#[test]
fn a_case_is_good_when_what_was_expected_comes_out() {
    for (case, is_expected) in [
        ("proven = ['mail']\nenough = true", true),
        ("proven = ['link']\nmore = ['totp']", false),
        ("has = ['totp', 'recovery_code']\nproven = ['code']\nmore = ['recovery_code', 'totp']", true),
        ("has = ['totp', 'recovery_code']\nproven = ['code']\nmore = ['totp']", false),
        ("proven = ['code']\nasked = 'aal2'\nenrol = ['passkey']", true),
        ("policy = { least = 'aal1' }\nproven = ['code']\nenrol = ['totp', 'passkey']", true),
        ("profile = 'asvs-l3'\nproven = ['code']\nenrol = ['passkey']", true),
        ("more = ['mail', 'password', 'passkey']", true),
        ("policy = { start = ['passkey'] }\nmore = ['passkey']", true),
        ("app = 'desk'\nproven = ['code']\nenrol = ['passkey']", true),
        ("app = 'desk'\nproven = ['code']\nenough = true", false),
        (
            "has = ['totp']\nproven = ['code']\npolicy = { trusted_device_days = 9 }\ntrusted = true\nenough = true",
            true,
        ),
        ("app = 'desk'\nmore = ['mail', 'passkey']", true),
    ] {
        let read = cases(&format!("\n[[cases]]\n{case}")).unwrap();
        assert_eq!(read[0].is_good(), is_expected, "{case}: {:?}", read[0].outcome());
        assert_eq!((read[0].line, read[0].name.as_str()), (2, "case 1"));
    }
}

#[test]
fn what_does_not_read_is_told_with_its_line() {
    for (text, told) in [
        ("", "there is no case in it: write [[cases]]"),
        ("cases = []", "there is no case in it: write [[cases]]"),
        ("[[cases]]\nenough = tru", "line 2: "),
        ("[[case]]\nenough = true", "unknown key `case` in line 1: did you mean `cases`?"),
        (
            "[[cases]]\nhass = ['totp']\nenough = true",
            "unknown key `cases[0].hass` in line 2: did you mean `has`?",
        ),
        (
            "[[cases]]\npolicy = { leest = 'aal1' }\nenough = true",
            "unknown key `cases[0].policy.leest` in line 2: did you mean `least`?",
        ),
        (
            "[[cases]]\nenough = true\n[[cases]]\nhas = [\n  'totp',\n  'topt']\nenough = true",
            "`cases[1].has[1]` in line 6: expected `",
        ),
        ("[[cases]]\nasked = 'aal3'\nenough = true", "`cases[0].asked` in line 2: expected `"),
        (
            "[[cases]]\nproven = ['totp']\nenough = true",
            "`cases[0].proven` in line 2: who proves `totp` has it",
        ),
        ("[[cases]]\nproven = ['code']", "`cases[0]` in line 1: say one of"),
        ("[[cases]]\nenough = true\nmore = []", "`cases[0]` in line 1: say one of"),
        ("[[cases]]\ntrusted = true\nenough = true", "`cases[0].trusted` in line 2: no browser is trusted"),
        ("[[cases]]\nenough = false", "`cases[0].enough` in line 2: expected true"),
        (
            "[[cases]]\npolicy = { start = [] }\nenough = true",
            "`cases[0].policy` in line 2: policy.start: say at least",
        ),
        ("[[cases]]\napp = 'desc'\nenough = true", "`cases[0].app` in line 2: no app of this name"),
        ("[[cases]]\napp = 'plain'\nenough = true", "`cases[0].app` in line 2: it has no accounts"),
        (
            "[[cases]]\napp = 'desk'\nprofile = 'standard'\nenough = true",
            "`cases[0].app` in line 2: give either",
        ),
    ] {
        let found = cases(text).unwrap_err();
        assert!(found.starts_with(told), "{text}: {found}");
    }
}
