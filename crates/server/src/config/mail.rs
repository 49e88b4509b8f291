//! How mail leaves, in the words of the configuration.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How mail leaves.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MailSettings {
    /// The way out.
    pub transport: Transport,
    /// The sender's address for apps that name none.
    pub from: String,
    /// SMTP servers in the order in which they are tried.
    pub smtp: Vec<SmtpServerSettings>,
    /// Connections to SMTP servers at once: 1 to 256.
    #[schemars(range(min = 1, max = 256))]
    pub max_connections: usize,
    /// The program of the `sendmail` transport.
    pub sendmail: PathBuf,
    /// Where the `file` transport writes.
    pub folder: PathBuf,
    /// `console` and `file` show codes in clear: `serve` wants this said.
    pub allow_plaintext_messages: bool,
    /// A folder with templates and texts that replace the built-in ones.
    #[schemars(example = &"/etc/countersign/templates")]
    pub templates: Option<PathBuf>,
    /// Keys that sign mail, one for each domain and selector.
    pub dkim: Vec<DkimSettings>,
    /// The addresses from which mail reaches the world, for `doctor mail`.
    #[schemars(example = ["192.0.2.25"])]
    pub sending_addresses: Vec<std::net::IpAddr>,
}

/// The way out for mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// SMTP to the servers of `smtp`.
    #[default]
    Smtp,
    /// The local `sendmail` program.
    Sendmail,
    /// Lines on the standard output. Shows codes.
    Console,
    /// A file for each mail. Shows codes.
    File,
}

/// An SMTP server.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SmtpServerSettings {
    /// Its name, as its certificate has it.
    #[schemars(example = &"smtp.example.org")]
    pub host: String,
    /// Its port: 587 with `starttls`, 465 with `tls`, 25 with `none` by default.
    #[schemars(range(min = 1), example = 587)]
    #[serde(default)]
    pub port: Option<u16>,
    /// `starttls` (default), `tls`, or `none`, which is allowed for this machine only.
    #[serde(default)]
    pub security: Security,
    /// Whom to sign in as.
    #[schemars(example = &"countersign")]
    #[serde(default)]
    pub username: Option<String>,
    /// The password.
    #[schemars(example = &"a secret")]
    #[serde(default)]
    pub password: Option<String>,
    /// A file that holds the password.
    #[schemars(example = &"/run/secrets/smtp-password")]
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// A certificate authority (PEM) to trust beside the public ones.
    #[schemars(example = &"/etc/countersign/mail-authority.pem")]
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

impl std::fmt::Debug for SmtpServerSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpServerSettings").field("host", &self.host).finish_non_exhaustive()
    }
}

/// How a connection to an SMTP server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// Plain at first, then TLS or nothing.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// Plain: this machine only.
    None,
}

/// A key that signs mail.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DkimSettings {
    /// `d=`: the domain of the sender's address or one above it.
    #[schemars(example = &"example.org")]
    pub domain: String,
    /// `s=`: where in the domain's DNS the key is published.
    #[schemars(example = &"countersign")]
    pub selector: String,
    /// The private key: Ed25519 or RSA, PEM.
    #[schemars(example = &"/etc/countersign/dkim.pem")]
    pub key_file: PathBuf,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            transport: Transport::Smtp,
            from: "no-reply@localhost".to_owned(),
            smtp: Vec::new(),
            max_connections: 4,
            sendmail: PathBuf::from("/usr/sbin/sendmail"),
            folder: PathBuf::from("countersign-data/mail"),
            allow_plaintext_messages: false,
            templates: None,
            dkim: Vec::new(),
            sending_addresses: Vec::new(),
        }
    }
}
