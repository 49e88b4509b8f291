//! Which programs the tests need, why, and the Debian package each is in; and installing those that are missing.
//!
//! The one list of them. What to do about a missing one is decided in [`crate::plan`].

use std::{
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};

use crate::{
    browser, environment,
    plan::{self, Machine, Plan},
};

/// What a step of a run needs to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Building the workspace.
    Build,
    /// A private PostgreSQL server.
    Postgres,
    /// A private MariaDB server.
    Mariadb,
    /// Tests of the crates.
    Tests,
    /// A real Postfix.
    Postfix,
    /// The end-to-end tests.
    EndToEnd,
    /// The tests with a real browser.
    Browser,
    /// A Chromium that apt brings.
    Chromium,
    /// A Chromium that npm brings.
    CarriedChromium,
}

/// How to see that something is there, wherever it came from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sign {
    /// One of these programs is on the path.
    Program(&'static [&'static str]),
    /// This command succeeds.
    Succeeds(&'static str, &'static [&'static str]),
    /// This file is there.
    File(&'static str),
    /// A browser of the Chromium family that is no snap is on the path.
    Chromium,
}

/// Something that must be there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Package {
    /// The Debian package that brings it.
    pub(crate) name: &'static str,
    /// What shows that it is there.
    pub(crate) sign: Sign,
    /// What needs it.
    pub(crate) need: Need,
    /// What for.
    pub(crate) reason: &'static str,
}

/// Everything from outside that a run may need.
pub(crate) const PACKAGES: &[Package] = &[
    package("gcc", Sign::Program(&["cc"]), Need::Build, "SQLite and aws-lc are C, built with the workspace"),
    package("libc6-dev", Sign::File("/usr/include/stdio.h"), Need::Build, "the headers that C needs"),
    package(
        "postgresql",
        Sign::Program(&["initdb"]),
        Need::Postgres,
        "the store's promises are shown on PostgreSQL",
    ),
    package(
        "mariadb-server",
        Sign::Program(&["mariadbd"]),
        Need::Mariadb,
        "the store's promises are shown on MariaDB",
    ),
    package("postfix", Sign::Program(&["postfix"]), Need::Postfix, "mail is handed to a real mail server"),
    package("dnsmasq-base", Sign::Program(&["dnsmasq"]), Need::Tests, "name servers that lie, or are down"),
    package("chromium", Sign::Chromium, Need::Chromium, "the pages are used in a real browser"),
    package(
        "libnss3",
        Sign::File("/usr/lib/x86_64-linux-gnu/libnss3.so"),
        Need::CarriedChromium,
        "runs the Chromium that npm then brings, as apt has only a snap",
    ),
    package(
        "fontconfig-config",
        Sign::File("/etc/fonts/fonts.conf"),
        Need::CarriedChromium,
        "tells that Chromium what to write with",
    ),
    package("openssl", Sign::Program(&["openssl"]), Need::Browser, "certificates for pages of several names"),
    package("nodejs", Sign::Program(&["node"]), Need::EndToEnd, "drives the browser; reads tokens with jose"),
    package("npm", Sign::Program(&["npm"]), Need::EndToEnd, "brings axe-core, jose and playwright-core"),
    package("python3", Sign::Program(&["python3"]), Need::EndToEnd, "SMTP servers, DKIM, schemathesis"),
    package(
        "python3-venv",
        Sign::Succeeds("python3", &["-c", "import ensurepip, venv"]),
        Need::EndToEnd,
        "keeps those Python packages apart from the machine's own",
    ),
    package(
        "strace",
        Sign::Program(&["strace"]),
        Need::EndToEnd,
        "the power goes: files are rebuilt from what the server wrote and synced",
    ),
    package(
        "faketime",
        Sign::Program(&["faketime"]),
        Need::EndToEnd,
        "the clock jumps, back and forth, under a running server",
    ),
    package(
        "fail2ban",
        Sign::Program(&["fail2ban-regex"]),
        Need::EndToEnd,
        "reads the security log that the server wrote",
    ),
    package(
        "oathtool",
        Sign::Program(&["oathtool"]),
        Need::EndToEnd,
        "shows codes as an authenticator app that is not ours",
    ),
    package("nginx", Sign::Program(&["nginx"]), Need::EndToEnd, "forward auth behind nginx"),
    package("caddy", Sign::Program(&["caddy"]), Need::EndToEnd, "forward auth behind Caddy"),
    package("haproxy", Sign::Program(&["haproxy"]), Need::EndToEnd, "forward auth behind HAProxy"),
    package("apache2", Sign::Program(&["apache2"]), Need::EndToEnd, "forward auth behind Apache"),
    package(
        "lua-socket",
        Sign::File("/usr/share/lua/5.3/socket/http.lua"),
        Need::EndToEnd,
        "Apache asks Countersign by it",
    ),
    package(
        "ca-certificates",
        Sign::File("/etc/ssl/certs/ca-certificates.crt"),
        Need::EndToEnd,
        "pip and npm check whom they talk to",
    ),
];

const fn package(name: &'static str, sign: Sign, need: Need, reason: &'static str) -> Package {
    Package { name, sign, need, reason }
}

/// Makes sure that everything these needs name is there.
///
/// # Errors
/// When something is missing and may not, cannot, or could not be installed; the text says what to type.
pub(crate) fn provide(needs: &[Need], may_install: bool) -> anyhow::Result<()> {
    let missing = plan::missing(PACKAGES, needs, is_present);
    match plan::plan(&missing, &look(may_install, &missing)) {
        Plan::Nothing => Ok(()),
        Plan::Refuse(text) => bail!(text),
        Plan::Install { announcement, command, ask } => {
            println!("{announcement}");
            if ask {
                confirm()?;
            }
            install(&command)?;
            still_missing(&missing)
        }
    }
}

/// What there is to install with; looked at only when something is missing.
fn look(may_install: bool, missing: &[&Package]) -> Machine {
    let relevant = may_install && !missing.is_empty();
    Machine {
        may_install,
        is_root: environment::is_root(),
        has_silent_sudo: relevant && environment::succeeds("sudo", &["-n", "true"]),
        has_apt: environment::program(&["apt-get"]).is_some(),
        is_terminal: std::io::stdin().is_terminal() && std::io::stdout().is_terminal(),
        script: script(),
    }
}

fn script() -> PathBuf {
    environment::root().join("xtask/src/install.sh")
}

fn confirm() -> anyhow::Result<()> {
    print!("Install them now? [Y/n] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "" | "y" | "yes" => Ok(()),
        _ => bail!("nothing was installed"),
    }
}

fn install(command: &[String]) -> anyhow::Result<()> {
    let (program, arguments) = command.split_first().context("there is no command to install with")?;
    environment::must_succeed(Command::new(program).args(arguments))
        .with_context(|| format!("the packages could not be installed with: {}", command.join(" ")))
}

fn still_missing(packages: &[&Package]) -> anyhow::Result<()> {
    let missing: Vec<&str> =
        packages.iter().filter(|package| !is_present(package)).map(|package| package.name).collect();
    anyhow::ensure!(missing.is_empty(), "installed, but still not to be found: {}", missing.join(", "));
    Ok(())
}

fn is_present(package: &Package) -> bool {
    match package.sign {
        Sign::Program(names) => environment::program(names).is_some(),
        Sign::Succeeds(program, arguments) => environment::succeeds(program, arguments),
        Sign::File(path) => Path::new(path).exists(),
        Sign::Chromium => browser::installed().is_some(),
    }
}
