//! Whether a configuration can be used for `serve`: everything that its form alone does not say. It looks at files
//! and opens no connection.

use std::{collections::BTreeSet, net::IpAddr};

use countersign_domain::{api_key::ApiKeyText, identifier::EmailAddress, realm::RealmName};
use http::HeaderName;

use super::{
    AppSettings, Config, OpenerSetting, Part, Security, SmtpServerSettings, Transport, app::crossing,
    grant::MOST_GRANTS, problem::Problem, schema::Schema, secret_file,
};
use crate::{
    dev_keys::{is_dev_api_key, is_dev_root_key},
    events::export::Exports,
    keys::RootKey,
    telemetry::exporter::traces_uri,
    webhooks::Hook,
};

/// Hosts that are this machine, in addresses that browsers see.
const LOOPBACK_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
const DEV_KEY: &str = "this is a key of `countersign dev`, which everybody knows: make one of your own";

impl Config {
    /// Everything that is wrong with this configuration for `serve`, all at once.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        let given = serde_json::to_value(self).unwrap_or_default();
        let mut problems = Schema::new().check(&given);
        check_server(self, &mut problems);
        check_storage(self, &mut problems);
        check_root_key(self, &mut problems);
        check_mail(self, &mut problems);
        check_telemetry(self, &mut problems);
        check_events(self, &mut problems);
        check_apps(self, &mut problems);
        if let Err((setting, why)) = self.admin.check(&self.cookies) {
            problems.push(Problem::wrong(setting, &why));
        }
        if let Err((setting, why)) = self.cookies.check(self.server.host()) {
            problems.push(Problem::wrong(setting, why));
        }
        check_realms(self, &mut problems);
        check_grants(self, &mut problems);
        let of_passwords = self.passwords.problems().into_iter();
        problems.extend(of_passwords.map(|(key, why)| Problem::wrong(&format!("passwords.{key}"), why)));
        let of_passkeys = self.webauthn.problems(&self.server).into_iter();
        problems.extend(of_passkeys.map(|(key, why)| Problem::wrong(&format!("webauthn.{key}"), why)));
        for (setting, file) in secret_file::named(self) {
            if let Err(error) = std::fs::read(&file) {
                problems
                    .push(Problem::wrong(&setting, format!("{} cannot be read: {error}", file.display())));
            }
        }
        problems
    }
}

fn check_server(config: &Config, problems: &mut Vec<Problem>) {
    let server = &config.server;
    if let Err(why) = check_issuer(&server.issuer) {
        problems.push(Problem::wrong("server.issuer", why));
    }
    for (index, network) in server.trusted_proxies.iter().enumerate() {
        if network.parse::<ipnet::IpNet>().is_err() {
            let why = "expected a network such as 10.0.0.0/8, or 192.0.2.1/32 for a single address";
            problems.push(Problem::wrong(&format!("server.trusted_proxies[{index}]"), why));
        }
    }
    if HeaderName::try_from(&server.client_address_header).is_err() {
        let why = "expected the name of a header, such as x-forwarded-for";
        problems.push(Problem::wrong("server.client_address_header", why));
    }
    check_listeners(config, problems);
}

fn check_issuer(issuer: &str) -> Result<(), &'static str> {
    let (scheme, authority) =
        issuer.split_once("://").ok_or("expected https:// and the name of this server")?;
    if authority.contains(['/', '?', '#', '@']) {
        return Err("expected only https:// and a name, without a path and without a slash at the end");
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-[:]".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_name) {
        return Err("expected the name of this server in lower case, in its form for DNS");
    }
    if port.is_some_and(|port| !port.parse::<u16>().is_ok_and(|port| port > 0)) {
        return Err("expected a port from 1 to 65535");
    }
    match scheme {
        "https" => Ok(()),
        "http" if LOOPBACK_HOSTS.contains(&host) => Ok(()),
        "http" => Err("expected https://: http:// is for localhost only"),
        _ => Err("expected https:// and the name of this server"),
    }
}

fn check_listeners(config: &Config, problems: &mut Vec<Problem>) {
    let listeners = &config.server.listeners;
    if !listeners.iter().any(|listener| listener.parts.contains(&Part::Public)) {
        let why = "no listener has the part `public`: nobody could reach this server";
        problems.push(Problem::wrong("server.listeners", why));
    }
    let mut seen = BTreeSet::new();
    for (index, listener) in listeners.iter().enumerate() {
        let mut wrong = |key: &str, why: &str| {
            problems.push(Problem::wrong(&format!("server.listeners[{index}].{key}"), why));
        };
        match listener.read() {
            Err((key, why)) => wrong(key, why),
            Ok(_) if listener.parts.contains(&Part::Admin) && listener.parts.contains(&Part::Public) => {
                wrong("parts", "`admin` is not for everybody: give it a listener of its own");
            }
            Ok(_) if listener.parts.contains(&Part::Verify) && listener.parts.contains(&Part::Public) => {
                wrong(
                    "parts",
                    "`verify` is for proxies alone: give it a listener of its own, or use proxy keys",
                );
            }
            Ok(_) => {}
        }
        if listener.parts.is_empty() {
            wrong("parts", "name at least one part: `public`, `verify`, `operations` or `admin`");
        }
        if !seen.insert(&listener.address) {
            wrong("address", "two listeners have this address");
        }
    }
}

fn check_storage(config: &Config, problems: &mut Vec<Problem>) {
    const FORMS: [&str; 5] = ["sqlite:", "postgres://", "postgresql://", "mariadb://", "mysql://"];
    let from_file = config.storage.url_file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
    let (setting, url) = match &from_file {
        Some(url) => ("storage.url_file", url.trim()),
        None => ("storage.url", config.storage.url.as_str()),
    };
    let known = url == ":memory:" || FORMS.iter().any(|form| url.len() > form.len() && url.starts_with(form));
    if !known {
        let why = "expected sqlite:PATH, :memory:, postgres://… or mariadb://…";
        problems.push(Problem::wrong(setting, why));
    }
}

fn check_root_key(config: &Config, problems: &mut Vec<Problem>) {
    let keys = &config.keys;
    let from_file = keys.root_key_file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
    let texts = [("keys.root_key", keys.root_key.clone()), ("keys.root_key_file", from_file)];
    for (setting, text) in texts {
        match text.map(|text| RootKey::parse(&text)) {
            Some(Ok(key)) if is_dev_root_key(&key) => problems.push(Problem::wrong(setting, DEV_KEY)),
            Some(Err(error)) => problems.push(Problem::wrong(setting, error.to_string())),
            Some(Ok(_)) | None => {}
        }
    }
    if keys.root_key_command.as_ref().is_some_and(Vec::is_empty) {
        problems.push(Problem::wrong("keys.root_key_command", "expected a program and its arguments"));
    }
}

fn check_mail(config: &Config, problems: &mut Vec<Problem>) {
    let mail = &config.mail;
    let mut wrong = |key: &str, why: &str| problems.push(Problem::wrong(&format!("mail.{key}"), why));
    if let Err(error) = EmailAddress::parse(&mail.from) {
        wrong("from", &error.to_string());
    }
    match mail.transport {
        Transport::Smtp if mail.smtp.is_empty() => wrong(
            "smtp",
            "mail leaves through SMTP and no server is named: write [[mail.smtp]] and below it host = \"…\", \
             or choose another mail.transport",
        ),
        Transport::Sendmail if !mail.sendmail.is_file() => wrong("sendmail", "there is no such program"),
        Transport::Console | Transport::File if !mail.allow_plaintext_messages => wrong(
            "transport",
            "console and file show codes to whoever reads them: \
             say mail.allow_plaintext_messages = true to have that",
        ),
        _ => {}
    }
    if mail.templates.as_ref().is_some_and(|folder| !folder.is_dir()) {
        wrong("templates", "there is no such folder");
    }
    for (index, server) in mail.smtp.iter().enumerate() {
        check_smtp(server, |key, why| wrong(&format!("smtp[{index}].{key}"), why));
    }
}

fn check_smtp(server: &SmtpServerSettings, mut wrong: impl FnMut(&str, &str)) {
    let address = server.host.trim_matches(['[', ']']).parse::<IpAddr>();
    let is_here = server.host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    if server.host.is_empty() {
        wrong("host", "expected the name of the server");
    } else if server.security == Security::None && !is_here {
        wrong("security", "`none` is for a server on this machine only: expected `starttls` or `tls`");
    }
    let has_password = server.password.is_some() || server.password_file.is_some();
    if server.username.is_some() != has_password {
        wrong("username", "a username and a password (or password_file) belong together");
    }
    if server.ca_file.as_ref().is_some_and(|file| !file.is_file()) {
        wrong("ca_file", "there is no such file");
    }
}

fn check_realms(config: &Config, problems: &mut Vec<Problem>) {
    let mut names = BTreeSet::from([RealmName::DEFAULT]);
    let mut declared = BTreeSet::new();
    for (index, realm) in config.realms.iter().enumerate() {
        let at = format!("realms[{index}]");
        names.insert(&realm.name);
        if !declared.insert(&realm.name) {
            problems.push(Problem::wrong(&format!("{at}.name"), "two realms have this name"));
        }
        if let Err(error) = realm.realm() {
            let (setting, why) = error.0.split_once(": ").unwrap_or((&at, &error.0));
            let key = setting.rsplit('.').next().unwrap_or_default();
            problems.push(Problem::wrong(&format!("{at}.{key}"), why));
        }
    }
    for (index, app) in config.apps.iter().enumerate() {
        if app.realm.as_deref().is_some_and(|realm| !names.contains(realm)) {
            let why = "no realm of this name is declared";
            problems.push(Problem::wrong(&format!("apps[{index}].realm"), why));
        }
    }
}

fn check_grants(config: &Config, problems: &mut Vec<Problem>) {
    if config.grants.len() > MOST_GRANTS {
        problems
            .push(Problem::wrong("grants", format!("at most {MOST_GRANTS}: give others through the API")));
    }
    let realm_of = |app: &AppSettings| app.realm.clone().unwrap_or_else(|| RealmName::DEFAULT.to_owned());
    for (index, settings) in config.grants.iter().enumerate() {
        let at = |setting: &str| format!("grants[{index}].{setting}");
        let grant = match settings.grant() {
            Ok(grant) => grant,
            Err((setting, why)) => {
                problems.push(Problem::wrong(&at(setting), why));
                continue;
            }
        };
        let realm = grant.realm.as_str();
        if !grant.realm.is_default() && config.realms.iter().all(|known| known.name != realm) {
            problems.push(Problem::wrong(&at("realm"), "no realm of this name is declared"));
        }
        let app = config.apps.iter().find(|app| settings.app.as_ref() == Some(&app.name));
        if let Some(home) = app.map(realm_of).filter(|home| home != realm) {
            let why = format!("the app is in the realm {home}: nothing crosses realms");
            problems.push(Problem::wrong(&at("realm"), why));
        }
    }
}

fn check_telemetry(config: &Config, problems: &mut Vec<Problem>) {
    let telemetry = &config.telemetry;
    let mut wrong = |key: &str, why: &str| problems.push(Problem::wrong(&format!("telemetry.{key}"), why));
    match telemetry.endpoint.as_deref().map(traces_uri) {
        Some(Err(why)) => wrong("endpoint", why),
        Some(Ok(uri)) => {
            let is_plain = uri.scheme() == Some(&http::uri::Scheme::HTTP);
            let is_here = uri.host().is_some_and(|host| LOOPBACK_HOSTS.contains(&host));
            if is_plain && !is_here && !telemetry.allow_http {
                let why = "http:// is for a collector on this machine: \
                           expected https://, or telemetry.allow_http = true on a network that nobody else is on";
                wrong("endpoint", why);
            }
        }
        None => {}
    }
    if telemetry.ca_file.as_ref().is_some_and(|file| !file.is_file()) {
        wrong("ca_file", "there is no such file");
    }
    if telemetry.service_name.is_empty() {
        wrong("service_name", "expected a name");
    }
}

fn check_events(config: &Config, problems: &mut Vec<Problem>) {
    if let Err(error) = Exports::new(&config.events) {
        let why = error.0.split_once(": ").map_or(error.0.as_str(), |(_, why)| why);
        problems.push(Problem::wrong("events.syslog", why));
    }
    let mut names = BTreeSet::new();
    for (index, hook) in config.webhooks.iter().enumerate() {
        let at = |setting: &str| format!("webhooks[{index}].{setting}");
        if let Err(error) = Hook::new(hook) {
            problems.push(Problem::wrong(&at(error.setting), error.why));
        }
        if !names.insert(&hook.name) {
            problems.push(Problem::wrong(&at("name"), "two webhooks have this name"));
        }
    }
}

fn check_apps(config: &Config, problems: &mut Vec<Problem>) {
    check_audiences(config, problems);
    let mut names = BTreeSet::new();
    for (index, app) in config.apps.iter().enumerate() {
        let at = format!("apps[{index}]");
        if !names.insert(&app.name) {
            problems.push(Problem::wrong(&format!("{at}.name"), "two apps have this name"));
        }
        if let Err(error) = app.app() {
            // `apps.NAME.KEY: why`, or `apps.name: why`.
            let (setting, why) = error.0.split_once(": ").unwrap_or((&at, &error.0));
            let key = setting.rsplit('.').next().unwrap_or_default();
            problems.push(Problem::wrong(&format!("{at}.{key}"), why));
        }
        let accepts = app.forward_auth.accepts.iter().flatten();
        if config.is_strict() && accepts.copied().any(|opener| opener == OpenerSetting::AppPassword) {
            let why =
                "an app password is one factor, and opens nothing with the profile asvs-l3: leave it out";
            problems.push(Problem::wrong(&format!("{at}.forward_auth.accepts"), why));
        }
        for (number, key) in app.keys.iter().enumerate() {
            let at = format!("{at}.keys[{number}]");
            let text = match (&key.key, &key.key_file) {
                (Some(text), _) => Some(text.clone()),
                (None, Some(file)) => std::fs::read_to_string(file).ok(),
                (None, None) => {
                    problems.push(Problem::wrong(&at, "give either `key` or `key_file`"));
                    None
                }
            };
            match text.map(|text| ApiKeyText::parse(text.trim())) {
                Some(Ok(key)) if is_dev_api_key(&key) => problems.push(Problem::wrong(&at, DEV_KEY)),
                Some(Err(error)) => problems.push(Problem::wrong(&at, error.to_string())),
                Some(Ok(_)) | None => {}
            }
        }
    }
}

/// What one app's tokens are for, no app of another realm takes.
fn check_audiences(config: &Config, problems: &mut Vec<Problem>) {
    let apps: Vec<_> = config.apps.iter().map(|app| app.app().ok()).collect();
    for (index, app) in apps.iter().enumerate() {
        let Some(app) = app else { continue };
        if let Some(other) = apps[..index].iter().flatten().find(|other| other.crosses_realms_with(app)) {
            problems.push(Problem::wrong(&format!("apps[{index}].audience"), crossing(other)));
        }
    }
}
