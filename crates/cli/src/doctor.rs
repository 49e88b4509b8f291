//! `countersign doctor`: is everything as it should be, and what to do where it is not.

mod passwords;

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, anyhow, bail};
use axum::http::Method;
use clap::{Args, Subcommand};
use countersign_domain::{identifier::EmailAddress, secret::Secret, time::Timestamp};
use countersign_server::{
    config::{Config, DkimSettings},
    doctor::{Finding, KeyType, Level, MailCheck, SelectorKey, check_mail},
    erased,
    hashing::is_wanted,
    key_file,
    outbox::{
        address::Address,
        dkim::DkimKey,
        letter::{Letter, Mailbox, Purpose},
        mail::compose,
        worker::Way,
    },
    registry::read_app,
    system::{Clock as _, SystemClock},
    texts::Locale,
    wiring,
};
use countersign_store::Store;

use crate::{admin::Client, log::say, serve::read_config};

/// Is everything as it should be?
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign doctor
  countersign doctor mail
  countersign doctor passwords
  countersign doctor mail --send-to you@example.org")]
pub struct Doctor {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Does mail from here arrive? Checks SPF, DKIM and DMARC, and sends a test.
    Mail(Mail),
    /// How dear may the hash of a password be on this machine?
    Passwords(passwords::Passwords),
}

#[derive(Debug, Args)]
struct Mail {
    /// Ask this name server (address:port) instead of the system's.
    #[arg(long, value_name = "ADDRESS")]
    name_server: Option<std::net::SocketAddr>,
    /// Send a test mail there.
    #[arg(long, value_name = "ADDRESS")]
    send_to: Option<String>,
    /// Findings as JSON.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Looks, and says what it found.
    ///
    /// # Errors
    /// When something is a problem: the exit code says so too.
    pub async fn run(self, path: Option<&Path>) -> anyhow::Result<()> {
        let config = read_config(path)?;
        match self.what {
            None => general(&config, path).await,
            Some(What::Mail(mail)) => mail.run(&config).await,
            Some(What::Passwords(passwords)) => passwords.run(&config).await,
        }
    }
}

async fn general(config: &Config, path: Option<&Path>) -> anyhow::Result<()> {
    let mut problems = 0;
    let mut tell = |good: bool, text: &str| {
        problems += usize::from(!good);
        say(&format!("{} {text}", if good { "good    " } else { "PROBLEM " }));
    };
    let apps = countersign_server::config::declared(&config.apps);
    tell(
        apps.is_ok(),
        &apps.map_or_else(|error| error.to_string(), |apps| format!("{} apps are declared", apps.len())),
    );
    let renderer = wiring::renderer(config);
    tell(
        renderer.is_ok(),
        &renderer
            .map_or_else(|error| error.to_string(), |_| "the mail templates and texts are good".to_owned()),
    );
    let way = wiring::mail_way(config);
    let reachable = match &way {
        Ok(way) => way.sender.check().await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    tell(
        reachable.is_ok(),
        &format!("mail: {}", reachable.map_or_else(|why| why, |()| "the way out answers".to_owned())),
    );
    match wiring::open_engine(config).await {
        Ok(engine) => {
            let store = Store::new(Arc::clone(&engine));
            let version = store.version().await;
            let text = version.map_or_else(
                |error| error.to_string(),
                |(found, known)| format!("store: {} at schema {found} of {known}", store.engine_name()),
            );
            tell(true, &text);
            for row in corrupt_rows(&store).await {
                tell(false, &format!("store: {row}"));
            }
            store.close().await;
        }
        Err(error) => match error.downcast_ref::<countersign_store::Error>() {
            Some(countersign_store::Error::InUse) => {
                tell(true, "store: a running server has it");
                for row in corrupt_rows_of_server(path).await {
                    tell(false, &format!("store: {row}"));
                }
            }
            _ => tell(false, &format!("store: {error}")),
        },
    }
    if is_wanted(config) {
        passwords::look(config).await?.lines().iter().for_each(|line| say(line));
    }
    for line in to_keep(config) {
        say(&line);
    }
    if problems > 0 { bail!("{problems} problems") } else { Ok(()) }
}

/// What an operator keeps, and where else.
fn to_keep(config: &Config) -> Vec<String> {
    let key = match (&config.keys.root_key_file, &config.keys.root_key_command, &config.keys.root_key) {
        (Some(file), ..) => file.display().to_string(),
        (_, Some(_), _) => "what keys.root_key_command prints".to_owned(),
        (.., Some(_)) => "keys.root_key".to_owned(),
        (None, None, None) => key_file::kept_path(config).display().to_string(),
    };
    let list = erased::path(config);
    vec![
        format!("keep {key}, the master key, apart from the backups: nothing opens without it"),
        format!("keep {} too: it keeps people who were erased from coming back by a restore", list.display()),
        "back up with countersign backup FILE, and copy both to another place".to_owned(),
    ]
}

/// Stored apps and API keys that do not read. Those of a schema that is not up to date cannot be asked for.
async fn corrupt_rows(store: &Store) -> Vec<String> {
    let (Ok(apps), Ok(keys)) = (store.apps().await, store.api_keys().await) else { return Vec::new() };
    let settings = apps.good.iter().filter_map(|app| read_app(app).err());
    let all = apps.corrupt.iter().map(ToString::to_string).chain(settings.map(|error| error.to_string()));
    all.chain(keys.corrupt.iter().map(ToString::to_string)).collect()
}

/// The same, as a running server says.
async fn corrupt_rows_of_server(path: Option<&Path>) -> Vec<String> {
    let asked = async {
        let client = Client::open(path).await?;
        let readiness = client.request(Method::GET, "/readyz", None).await;
        client.close().await;
        readiness
    };
    match asked.await {
        Ok(readiness) => {
            let rows = readiness["corrupt_rows"].as_array().into_iter().flatten();
            rows.filter_map(|row| row.as_str().map(str::to_owned)).collect()
        }
        Err(error) => vec![error.to_string()],
    }
}

impl Mail {
    async fn run(self, config: &Config) -> anyhow::Result<()> {
        let from = EmailAddress::parse(&config.mail.from).map_err(|error| anyhow!("mail.from: {error}"))?;
        let mut check = MailCheck::of(from.domain());
        check.nameserver = self.name_server;
        check.sending_addresses.clone_from(&config.mail.sending_addresses);
        if let Some(key) = config.mail.dkim.first() {
            check.signing_domain.clone_from(&key.domain);
        }
        check.selectors = config.mail.dkim.iter().map(selector).collect::<Result<_, _>>()?;
        let findings = check_mail(&check).await;
        if self.json {
            say(&serde_json::to_string_pretty(&findings)?);
        } else {
            findings.iter().for_each(print);
        }
        if let Some(address) = &self.send_to {
            let way = wiring::mail_way(config).map_err(|error| anyhow!(error))?;
            send_test(config, &way, address).await?;
            say(
                "The way out took a test mail. Look at its headers where it arrives: SPF, DKIM and DMARC should say pass.",
            );
        }
        let problems = findings.iter().filter(|finding| finding.level == Level::Problem).count();
        if problems > 0 { bail!("{problems} problems") } else { Ok(()) }
    }
}

fn print(finding: &Finding) {
    let mark = match finding.level {
        Level::Good => "good    ",
        Level::Warning => "warning ",
        Level::Problem => "PROBLEM ",
    };
    say(&format!("{mark} {:?}: {}", finding.area, finding.summary));
    if !finding.advice.is_empty() {
        say(&format!("         {}", finding.advice));
    }
}

/// What must stand in the DNS for a key.
fn selector(settings: &DkimSettings) -> anyhow::Result<SelectorKey> {
    let pem = std::fs::read_to_string(&settings.key_file)
        .with_context(|| settings.key_file.display().to_string())?;
    let key = DkimKey::from_pem(&settings.domain, &settings.selector, &Secret::new(pem))?;
    let (_, record) = key.dns_record()?;
    let public_key =
        record.split(';').find_map(|tag| tag.trim().strip_prefix("p=")).unwrap_or_default().to_owned();
    let key_type = if record.contains("k=ed25519") { KeyType::Ed25519 } else { KeyType::Rsa };
    Ok(SelectorKey { selector: settings.selector.clone(), key_type, public_key })
}

async fn send_test(config: &Config, way: &Way, to: &str) -> anyhow::Result<()> {
    let to = EmailAddress::parse(to)?;
    let now = SystemClock::default().now();
    let letter = Letter {
        id: format!("doctor-{}", now.millis()),
        app_name: "doctor".to_owned(),
        app_title: "Countersign (test)".to_owned(),
        from: Mailbox { name: "Countersign".to_owned(), address: Address::parse(&config.mail.from)? },
        to: Address::parse(to.canonical())?,
        purpose: Purpose::SignIn,
        code: Some(Secret::new("000000".to_owned())),
        link: None,
        locale: Locale::default(),
        minutes: 10,
        requested_from: None,
        subject: None,
        content: None,
        origin_host: "localhost".to_owned(),
        date: Timestamp::from_millis(now.millis()),
    };
    let renderer = wiring::renderer(config).map_err(|error| anyhow!(error))?;
    let mut mail = compose(&letter, renderer.render(&letter)?);
    way.dkim.sign(&mut mail, now)?;
    way.sender.send(&mail).await.map_err(|error| anyhow!("the test mail did not leave: {error}"))
}
