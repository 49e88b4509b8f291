//! What to do about missing packages: nothing, install them, or say exactly what to type.
//!
//! Pure: it looks at nothing itself and runs nothing, so that every case can be tested on any machine.

use std::{fmt::Write as _, path::PathBuf};

use crate::packages::{Need, Package};

/// What there is to install with.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// The caller has not asked to leave the machine alone.
    pub(crate) may_install: bool,
    /// We are root.
    pub(crate) is_root: bool,
    /// `sudo` works without a question.
    pub(crate) has_silent_sudo: bool,
    /// The machine is a Debian, an Ubuntu or one of their children.
    pub(crate) has_apt: bool,
    /// A person is there to be asked.
    pub(crate) is_terminal: bool,
    /// The script that installs packages as root.
    pub(crate) script: PathBuf,
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// All is there.
    Nothing,
    /// Print the announcement, ask if so told, then run the command.
    Install {
        /// What will be installed, and why.
        announcement: String,
        /// The command, word for word.
        command: Vec<String>,
        /// Whether a person must agree first.
        ask: bool,
    },
    /// Stop with this text, which says what to type.
    Refuse(String),
}

/// Those of `packages` that are needed and not there.
pub(crate) fn missing<'a>(
    packages: &'a [Package],
    needs: &[Need],
    is_present: impl Fn(&Package) -> bool,
) -> Vec<&'a Package> {
    packages.iter().filter(|package| needs.contains(&package.need) && !is_present(package)).collect()
}

/// What to do about them on this machine: ask only on a terminal; otherwise root or a `sudo` that asks nothing;
/// otherwise say what to type.
pub(crate) fn plan(missing: &[&Package], machine: &Machine) -> Plan {
    if missing.is_empty() {
        return Plan::Nothing;
    }
    let list = list(missing);
    if !machine.has_apt {
        return Plan::Refuse(format!(
            "these are missing, and there is no apt-get to install them with (Debian's names for them):\n{list}"
        ));
    }
    let as_root = ["sh".to_owned(), machine.script.display().to_string()];
    let names = missing.iter().map(|package| package.name.to_owned());
    let command: Vec<String> = sudo(machine).into_iter().chain(as_root).chain(names).collect();
    let can_install = machine.is_root || machine.has_silent_sudo || machine.is_terminal;
    if !machine.may_install || !can_install {
        return Plan::Refuse(format!(
            "these packages are missing:\n{list}install them with:\n\n  {}",
            command.join(" ")
        ));
    }
    Plan::Install {
        announcement: format!(
            "These packages are missing and will be installed with apt:\n{list}\
             Their services are not started now. They are enabled for the next boot; the tests need none of them.\n"
        ),
        command,
        ask: machine.is_terminal,
    }
}

fn sudo(machine: &Machine) -> Vec<String> {
    match machine {
        Machine { is_root: true, .. } => Vec::new(),
        Machine { has_silent_sudo: true, may_install: true, .. } => vec!["sudo".to_owned(), "-n".to_owned()],
        Machine { .. } => vec!["sudo".to_owned()],
    }
}

fn list(missing: &[&Package]) -> String {
    let mut list = String::new();
    for package in missing {
        // Writing to a string cannot fail.
        let _ = writeln!(list, "  {:<16} {}", package.name, package.reason);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::PACKAGES;

    fn machine() -> Machine {
        Machine {
            may_install: true,
            is_root: false,
            has_silent_sudo: false,
            has_apt: true,
            is_terminal: false,
            script: PathBuf::from("install.sh"),
        }
    }

    fn only(name: &str) -> Vec<&'static Package> {
        PACKAGES.iter().filter(|package| package.name == name).collect()
    }

    #[test]
    fn only_what_is_needed_and_absent_is_missing() {
        let names = |needs: &[Need], present: &[&str]| -> Vec<&str> {
            missing(PACKAGES, needs, |package| present.contains(&package.name))
                .into_iter()
                .map(|package| package.name)
                .collect()
        };
        assert_eq!(names(&[], &[]), [""; 0]);
        assert_eq!(names(&[Need::Postgres], &[]), ["postgresql"]);
        assert_eq!(names(&[Need::Postgres, Need::Mariadb], &["postgresql"]), ["mariadb-server"]);
        assert_eq!(names(&[Need::Mariadb], &["mariadb-server"]), [""; 0]);
        assert!(names(&[Need::EndToEnd], &["nodejs"]).contains(&"npm"));
    }

    #[test]
    fn nothing_is_asked_where_nobody_can_answer() {
        let cases = [
            (Machine { is_root: true, ..machine() }, "sh install.sh postfix", false),
            (Machine { has_silent_sudo: true, ..machine() }, "sudo -n sh install.sh postfix", false),
            (Machine { is_root: true, is_terminal: true, ..machine() }, "sh install.sh postfix", true),
            (Machine { is_terminal: true, ..machine() }, "sudo sh install.sh postfix", true),
        ];
        for (machine, expected, expected_ask) in cases {
            let Plan::Install { announcement, command, ask } = plan(&only("postfix"), &machine) else {
                panic!("{machine:?} refuses");
            };
            assert_eq!((command.join(" ").as_str(), ask), (expected, expected_ask), "{machine:?}");
            assert!(announcement.contains("postfix"), "{announcement}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_type() {
        let cases = [
            (machine(), "sudo sh install.sh chromium"),
            (Machine { may_install: false, is_root: true, ..machine() }, "\n  sh install.sh chromium"),
            (
                Machine { may_install: false, has_silent_sudo: true, ..machine() },
                "sudo sh install.sh chromium",
            ),
            (Machine { has_apt: false, is_root: true, ..machine() }, "no apt-get"),
        ];
        for (machine, expected) in cases {
            let Plan::Refuse(text) = plan(&only("chromium"), &machine) else {
                panic!("{machine:?} installs")
            };
            assert!(text.contains(expected) && text.contains("chromium"), "{machine:?}: {text}");
        }
        assert_eq!(plan(&[], &Machine { has_apt: false, ..machine() }), Plan::Nothing);
    }
}
