//! The way out for mail, put together from the configuration.

use std::sync::Arc;

use countersign_domain::secret::Secret;

use super::{Error, read_secret};
use crate::{
    config::{Config, ConfigError, Security, SmtpServerSettings, Transport},
    dkim_keys::DkimKeys,
    outbox::{
        console::ConsoleSender,
        file::FileSender,
        render::Renderer,
        sender::Sender,
        sendmail::{SendmailOptions, SendmailSender},
        smtp::{Credentials, Encryption, SmtpOptions, SmtpSender, SmtpServer},
        worker::Way,
    },
};

/// The way out for mail that a configuration names.
///
/// # Errors
/// When a file does not read, a server cannot be used, or codes would be shown without that being said.
pub fn mail_way(config: &Config) -> Result<Way, Error> {
    let mail = &config.mail;
    let shows_codes = matches!(mail.transport, Transport::Console | Transport::File);
    if shows_codes && !mail.allow_plaintext_messages {
        let why = "mail.transport: console and file show codes in clear; say mail.allow_plaintext_messages = true to have that";
        return Err(ConfigError(why.to_owned()).into());
    }
    let sender: Arc<dyn Sender> = match mail.transport {
        Transport::Smtp => Arc::new(SmtpSender::new(&smtp_options(config)?)?),
        Transport::Sendmail => Arc::new(SendmailSender::new(SendmailOptions {
            program: mail.sendmail.clone(),
            ..SendmailOptions::default()
        })),
        Transport::Console => Arc::new(ConsoleSender::new(Box::new(std::io::stdout()))),
        Transport::File => Arc::new(FileSender::new(mail.folder.clone())),
    };
    way(config, sender)
}

/// The templates and texts of a configuration.
///
/// # Errors
/// When one cannot be used, or an app's language has no texts.
pub fn renderer(config: &Config) -> Result<Renderer, Error> {
    let renderer = match &config.mail.templates {
        Some(folder) => Renderer::load(folder)?,
        None => Renderer::built_in()?,
    };
    for app in &config.apps {
        if let Some(locale) = app.locale.as_deref().filter(|tag| !renderer.catalog().knows(&app.name, tag)) {
            let why = format!(
                "apps.{}.locale: there are no texts in {locale}: write {locale}/texts.ftl in the folder of mail.templates",
                app.name
            );
            return Err(ConfigError(why).into());
        }
    }
    Ok(renderer)
}

/// A way out through `sender`, with the keys of a configuration.
///
/// # Errors
/// When keys do not read.
pub fn way(config: &Config, sender: Arc<dyn Sender>) -> Result<Way, Error> {
    let dkim = DkimKeys::read(&config.mail.dkim)?;
    Ok(Way { sender, dkim, at_once: config.mail.max_connections.clamp(1, 256) })
}

fn smtp_options(config: &Config) -> Result<SmtpOptions, Error> {
    let servers = config.mail.smtp.iter().map(smtp_server).collect::<Result<_, _>>()?;
    Ok(SmtpOptions { servers, max_connections: config.mail.max_connections, ..SmtpOptions::default() })
}

fn smtp_server(settings: &SmtpServerSettings) -> Result<SmtpServer, Error> {
    let (encryption, port) = match settings.security {
        Security::Starttls => (Encryption::StartTls, 587),
        Security::Tls => (Encryption::Implicit, 465),
        Security::None => (Encryption::LoopbackOnly, 25),
    };
    let password = match (&settings.password, &settings.password_file) {
        (Some(password), None) => Some(Secret::new(password.clone())),
        (None, Some(file)) => Some(Secret::new(read_secret(file)?.expose().trim_end().to_owned())),
        (None, None) => None,
        _ => return Err(ConfigError("mail.smtp: give either password or password_file".to_owned()).into()),
    };
    let credentials = match (&settings.username, password) {
        (Some(username), Some(password)) => Some(Credentials { username: username.clone(), password }),
        (None, None) => None,
        _ => return Err(ConfigError("mail.smtp: username and password belong together".to_owned()).into()),
    };
    Ok(SmtpServer {
        host: settings.host.clone(),
        port: settings.port.unwrap_or(port),
        encryption,
        credentials,
        authorities: settings.ca_file.clone(),
    })
}
