//! Rules on what depends on what: the crates stand in a line, the domain is pure, some packages never come in.

use super::{Finding, Rule, licences};
use crate::cargo::{self, Built, Member};

/// Our crates; each may depend on those before it, and on no other.
const LINE: [&str; 4] = ["countersign-domain", "countersign-store", "countersign-server", "countersign-cli"];

/// What would make the domain impure: a runtime, a driver, a protocol.
const IMPURE: [&str; 9] =
    ["tokio", "axum", "sqlx", "sqlx-core", "rusqlite", "reqwest", "lettre", "hyper", "futures-util"];

/// What never comes in, and why.
const BANNED: [(&str, &str); 4] = [
    ("openssl-sys", "one cryptographic library, aws-lc-rs"),
    ("native-tls", "TLS is rustls"),
    ("ring", "one cryptographic library, aws-lc-rs"),
    ("chrono", "times are the domain's milliseconds; dates on the wire are jiff's"),
];

/// Looks at the whole workspace.
///
/// # Errors
/// When cargo fails, or `deny.toml` cannot be read.
pub(crate) fn check(deny: &str) -> anyhow::Result<Vec<Finding>> {
    let everything = cargo::built(&["--workspace", "--edges=normal,build,dev"])?;
    let domain = cargo::built(&["--package=countersign-domain", "--edges=normal,build"])?;
    let allowed = licences::allowed(deny)?;
    let mut findings = arrows(&cargo::members()?);
    findings.extend(impure(&domain));
    findings.extend(banned(&everything));
    findings.extend(unlicensed(&everything, &allowed));
    Ok(findings)
}

fn arrows(members: &[Member]) -> Vec<Finding> {
    let rank = |name: &str| LINE.iter().position(|each| *each == name);
    let mut findings = Vec::new();
    for member in members {
        let names = members.iter().map(|each| each.name.as_str());
        let own = names.filter(|name| member.dependencies.iter().any(|dependency| dependency == name));
        for dependency in own {
            // A crate may turn on a feature of its own for its own tests.
            let own = *dependency == member.name;
            let points_right = own || rank(&member.name) > rank(dependency) && rank(dependency).is_some();
            if !points_right {
                let advice =
                    format!("{} must not depend on {dependency}: arrows point to the domain", member.name);
                findings.push(Finding::new(Rule::Arrow, &manifest(&member.name), 1, advice));
            }
        }
    }
    findings
}

fn impure(domain: &[Built]) -> Vec<Finding> {
    let found = domain.iter().filter(|package| IMPURE.contains(&package.name.as_str()));
    found
        .map(|package| {
            let advice =
                format!("{} comes into the domain, which is pure: see `cargo tree -i {0}`", package.name);
            Finding::new(Rule::Pure, "crates/domain/Cargo.toml", 1, advice)
        })
        .collect()
}

fn banned(everything: &[Built]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, reason) in BANNED {
        if everything.iter().any(|package| package.name == name) {
            let advice =
                format!("{name} comes in ({reason}): see `cargo tree -i {name}` and turn a feature off");
            findings.push(Finding::new(Rule::Banned, "Cargo.toml", 1, advice));
        }
    }
    findings
}

fn unlicensed(everything: &[Built], allowed: &[String]) -> Vec<Finding> {
    let found = everything.iter().filter(|package| !licences::is_satisfied(&package.licence, allowed));
    found
        .map(|Built { name, licence }| {
            let licence = if licence.is_empty() { "names no licence" } else { licence };
            let advice =
                format!("{name}: {licence}; choose another package, or allow the licence with a reason");
            Finding::new(Rule::Licence, "deny.toml", 1, advice)
        })
        .collect()
}

fn manifest(package: &str) -> String {
    match package.strip_prefix("countersign-") {
        Some(folder) => format!("crates/{folder}/Cargo.toml"),
        None => format!("{package}/Cargo.toml"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, dependencies: &[&str]) -> Member {
        let dependencies = dependencies.iter().map(|each| (*each).to_owned()).collect();
        Member { name: name.to_owned(), dependencies, tests: vec![], is_library: true }
    }

    fn built(name: &str, licence: &str) -> Built {
        Built { name: name.to_owned(), licence: licence.to_owned() }
    }

    #[test]
    fn arrows_point_to_the_domain() {
        let check = |name: &str, dependencies: &[&str]| {
            let mut members = vec![member("xtask", &[])];
            members.extend(LINE.iter().filter(|each| **each != name).map(|each| member(each, &[])));
            members.retain(|each| each.name != name);
            members.push(member(name, dependencies));
            arrows(&members).len()
        };
        assert_eq!(check("countersign-cli", &["countersign-server", "countersign-domain", "anyhow"]), 0);
        assert_eq!(check("countersign-domain", &["countersign-store"]), 1);
        assert_eq!(check("countersign-store", &["countersign-server", "countersign-cli", "xtask"]), 3);
        assert_eq!(check("xtask", &["countersign-domain"]), 1);
    }

    #[test]
    fn what_may_not_come_in_is_found() {
        assert_eq!(impure(&[built("idna", "MIT"), built("hyper", "MIT")]).len(), 1);
        assert_eq!(banned(&[built("rustls", "MIT"), built("ring", "ISC")]).len(), 1);
        let allowed = ["MIT".to_owned()];
        assert_eq!(
            unlicensed(&[built("a", "MIT"), built("b", ""), built("c", "GPL-3.0")], &allowed).len(),
            2
        );
    }

    #[test]
    fn the_same_packages_are_banned_for_cargo_deny() {
        let deny = include_str!("../../../deny.toml");
        for (name, _) in BANNED {
            assert!(deny.contains(&format!("crate = \"{name}\"")), "{name}");
        }
    }
}
