//! `countersign key`: API keys of apps, admin keys, shared secrets, and the keys that sign tokens.

use std::path::Path;

use axum::http::Method;
use clap::{Args, Subcommand};
use countersign_domain::{
    admin_key::AdminScope,
    api_key::{ApiKeyKind, ApiKeyText},
    app::AppName,
    id::{AdminKeyId, ApiKeyId, IdError},
    realm::RealmName,
};
use countersign_server::system::{Entropy as _, SystemEntropy};
use serde_json::{Map, Value, json};

use crate::{
    admin::{Client, Output, member, rows},
    master_key::{self, RotateMaster},
};

/// API keys of apps, admin keys, and the keys that sign tokens.
#[derive(Debug, Args)]
pub struct Key {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make an API key for an app, or an admin key. It is shown once.
    Add(Add),
    /// List the API keys of an app, or the admin keys, without their text.
    List(OfApp),
    /// End a key at once.
    Revoke(Revoke),
    /// Print a fresh API key for the configuration file. Nothing is kept.
    Generate(Generate),
    /// Make a new secret for an app whose tokens are signed with HS256. It is shown once.
    TokenSecret(TokenSecret),
    /// List the keys that sign tokens: those of realms, and the secrets of apps.
    Signing(Output),
    /// Make a new key that signs a realm's tokens from now on. Tokens of the former one stay good unless you say otherwise.
    Rotate(Rotate),
    /// Put another master key in the place of the present one, and seal everything anew, while the server runs.
    RotateMaster(RotateMaster),
    /// Show the master key in force, the sealing keys, and how far sealing anew has got.
    Status(Output),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign key add forum --label 'web server 1' --expires-in-days 90
  countersign key add forum --publishable
  countersign key add wiki --proxy
  countersign key add --admin --scope users --realm staff --label 'the staff office'

The scopes of admin keys: read (see everything), users (people, sessions, invitations), apps (apps, messages, tokens),
keys (the keys of apps and those that sign), all.")]
struct Add {
    /// Whose key.
    #[arg(required_unless_present = "admin", conflicts_with = "admin")]
    app: Option<AppName>,
    /// A key for /v1/admin over a network.
    #[arg(long, requires = "scopes")]
    admin: bool,
    /// What an admin key may do: read, users, apps, keys or all; may be repeated.
    #[arg(long = "scope", value_name = "SCOPE", requires = "admin")]
    scopes: Vec<AdminScope>,
    /// The one realm that an admin key is for; all of them where absent.
    #[arg(long, requires = "admin")]
    realm: Option<RealmName>,
    /// For the app's pages: starts and finishes challenges, from its listed origins.
    #[arg(long, conflicts_with = "admin")]
    publishable: bool,
    /// For the reverse proxy before the app's service: asks whether a request may reach it.
    #[arg(long, conflicts_with_all = ["admin", "publishable"])]
    proxy: bool,
    /// What it is called in lists.
    #[arg(long, default_value = "")]
    label: String,
    /// When it ends: so many days from now.
    #[arg(long, value_name = "DAYS", conflicts_with = "expires_at")]
    expires_in_days: Option<u32>,
    /// When it ends, such as 2027-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct OfApp {
    /// Which app.
    #[arg(required_unless_present = "admin", conflicts_with = "admin")]
    app: Option<AppName>,
    /// The admin keys.
    #[arg(long)]
    admin: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  countersign key list forum
  countersign key revoke key_06c3v8b9hk7qt2m4n5p6r7s8ta")]
struct Revoke {
    /// The key's id, as lists show it: key_… of an app's key, adk_… of an admin key.
    id: KeyId,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign key generate > forum.key
  countersign key generate --publishable")]
struct Generate {
    /// For the app's pages.
    #[arg(long)]
    publishable: bool,
    /// For the reverse proxy before the app's service.
    #[arg(long, conflicts_with = "publishable")]
    proxy: bool,
    #[command(flatten)]
    output: Output,
}

const fn kind(publishable: bool, proxy: bool) -> ApiKeyKind {
    match (publishable, proxy) {
        (true, _) => ApiKeyKind::Publishable,
        (_, true) => ApiKeyKind::Proxy,
        _ => ApiKeyKind::Secret,
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign key token-secret forum
  countersign key token-secret forum --accept-seconds 0   # the former one has leaked")]
struct TokenSecret {
    /// Which app.
    app: AppName,
    /// Accept tokens of the former secret for so many seconds more; 0 refuses them at once. As long as a token of the
    /// app lives by default.
    #[arg(long, value_name = "SECONDS")]
    accept_seconds: Option<u32>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign key rotate --algorithm ES256
  countersign key rotate --realm staff
  countersign key rotate --accept-seconds 0   # the former key has leaked: everybody signs in anew

Who checks signatures alone may keep the key set for an hour and accepts the former key for as long.")]
struct Rotate {
    /// EdDSA, ES256, ES384, ES512 or RS256.
    #[arg(long, default_value = "EdDSA")]
    algorithm: String,
    /// The realm whose key it is; without one the realm of the admin key, or `default`.
    #[arg(long)]
    realm: Option<RealmName>,
    /// Accept what the former key signed for so many seconds more; 0 refuses it at once. Longer than any token lives
    /// by default.
    #[arg(long, value_name = "SECONDS")]
    accept_seconds: Option<u32>,
    #[command(flatten)]
    output: Output,
}

impl Key {
    /// Does it.
    ///
    /// # Errors
    /// What the server refuses, and what to do about it.
    pub async fn run(self, config: Option<&Path>) -> anyhow::Result<()> {
        if let What::Generate(command) = self.what {
            return command.run();
        }
        let client = Client::open(config).await?;
        let done = match self.what {
            What::Add(command) => command.run(&client).await,
            What::List(command) => command.list(&client).await,
            What::Revoke(command) => command.run(&client).await,
            What::TokenSecret(command) => command.run(&client).await,
            What::Signing(output) => signing(&client, output).await,
            What::Rotate(command) => command.run(&client).await,
            What::RotateMaster(command) => command.run(&client).await,
            What::Status(output) => master_key::status(&client, output).await,
            What::Generate(command) => command.run(),
        };
        client.close().await;
        done
    }
}

impl Add {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut wanted = Map::new();
        wanted.insert("label".to_owned(), self.label.into());
        wanted.extend(self.expires_in_days.map(|days| ("expires_in_days".to_owned(), days.into())));
        wanted.extend(self.expires_at.map(|end| ("expires_at".to_owned(), end.into())));
        let (kind, path, of) = match &self.app {
            Some(app) => {
                let kind = kind(self.publishable, self.proxy).name();
                wanted.insert("kind".to_owned(), kind.into());
                (kind, format!("/v1/admin/apps/{app}/keys"), app.to_string())
            }
            None => {
                let scopes: Vec<_> = self.scopes.iter().map(|scope| scope.name()).collect();
                wanted.insert("scopes".to_owned(), scopes.into());
                let of = self.realm.as_ref().map_or("all realms".to_owned(), ToString::to_string);
                wanted.extend(self.realm.map(|realm| ("realm".to_owned(), realm.to_string().into())));
                ("admin", "/v1/admin/admin-keys".to_owned(), of)
            }
        };
        let key = client.request(Method::POST, &path, Some(&wanted.into())).await?;
        self.output.print(&key, |key| {
            let (id, text) = (member(key, "id"), member(key, "key"));
            format!("Added the {kind} key {id} of {of}, shown this once:\n\n  {text}")
        })
    }
}

impl OfApp {
    async fn list(self, client: &Client) -> anyhow::Result<()> {
        let Some(app) = self.app else { return list_admin(client, self.output).await };
        let keys = client.list(&format!("/v1/admin/apps/{app}/keys")).await?;
        self.output.print(&keys, |keys| {
            let names = ["ID", "KIND", "LABEL", "STATE", "CREATED", "EXPIRES", "LAST USED"];
            rows(keys, "It has no keys: countersign key add APP", names, |key| {
                let times = ["created_at", "expires_at", "last_used_at"].map(|name| member(key, name));
                let [created, expires, used] = times;
                [
                    member(key, "id"),
                    member(key, "kind"),
                    member(key, "label"),
                    state(key),
                    created,
                    expires,
                    used,
                ]
            })
        })
    }
}

async fn list_admin(client: &Client, output: Output) -> anyhow::Result<()> {
    let keys = client.list("/v1/admin/admin-keys").await?;
    output.print(&keys, |keys| {
        let names = ["ID", "REALM", "SCOPES", "LABEL", "STATE", "EXPIRES", "LAST USED"];
        rows(keys, "There are no admin keys: countersign key add --admin --scope SCOPE", names, |key| {
            let scopes = key["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let [id, realm, label, expires, used] =
                ["id", "realm", "label", "expires_at", "last_used_at"].map(|name| member(key, name));
            [id, realm, scopes.collect::<Vec<_>>().join(" "), label, state(key), expires, used]
        })
    })
}

impl TokenSecret {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let path = format!("/v1/admin/apps/{}/token-secret", self.app);
        let wanted = self.accept_seconds.map(|seconds| json!({ "accept_seconds": seconds }));
        let made = client.request(Method::POST, &path, wanted.as_ref()).await?;
        self.output.print(&made, |made| {
            let secret = member(made, "token_secret");
            let former = match self.accept_seconds {
                Some(0) => "are refused from now on".to_owned(),
                _ => format!("are good until {}", member(made, "former_accepted_until")),
            };
            format!(
                "The secret that new tokens of {} are checked with (HS256, base64url), shown this once:\n\n  {secret}\n\n\
                 Tokens of the former secret {former}.",
                self.app
            )
        })
    }
}

impl Revoke {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let path = match self.id {
            KeyId::OfApp(id) => format!("/v1/admin/keys/{id}/revoke"),
            KeyId::Admin(id) => format!("/v1/admin/admin-keys/{id}/revoke"),
        };
        let key = client.request(Method::POST, &path, None).await?;
        self.output.print(&key, |key| format!("Revoked {}: it opens nothing any more.", member(key, "id")))
    }
}

/// A key's id, which says what kind of key it is.
#[derive(Clone, Copy, Debug)]
enum KeyId {
    OfApp(ApiKeyId),
    Admin(AdminKeyId),
}

impl std::str::FromStr for KeyId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.starts_with(AdminKeyId::PREFIX) {
            return text.parse().map(Self::Admin);
        }
        text.parse().map(Self::OfApp)
    }
}

impl Generate {
    fn run(self) -> anyhow::Result<()> {
        let kind = kind(self.publishable, self.proxy);
        let text = ApiKeyText::draw(kind, &mut *SystemEntropy.random());
        let made = json!({ "key": text.expose(), "kind": kind.name() });
        self.output.print(&made, |made| member(made, "key"))
    }
}

impl Rotate {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut wanted = Map::new();
        wanted.insert("algorithm".to_owned(), self.algorithm.as_str().into());
        wanted.extend(self.realm.map(|realm| ("realm".to_owned(), realm.to_string().into())));
        wanted.extend(self.accept_seconds.map(|seconds| ("accept_seconds".to_owned(), seconds.into())));
        let key = client.request(Method::POST, "/v1/admin/signing-keys/rotate", Some(&wanted.into())).await?;
        self.output.print(&key, |key| {
            format!(
                "{} ({}) signs for apps of {} from now on. Verifiers that cache the key set learn it within an hour.",
                member(key, "id"),
                self.algorithm,
                member(key, "realm")
            )
        })
    }
}

async fn signing(client: &Client, output: Output) -> anyhow::Result<()> {
    let keys = client.list("/v1/admin/signing-keys").await?;
    output.print(&keys, |keys| {
        let names =
            ["ID", "ALGORITHM", "REALM", "APP", "STAGE", "SIGNS FROM", "SIGNS UNTIL", "ACCEPTED UNTIL"];
        rows(keys, "There are no signing keys yet.", names, |key| {
            ["id", "algorithm", "realm", "app", "stage", "active_at", "retires_at", "gone_at"]
                .map(|name| member(key, name))
        })
    })
}

fn state(key: &Value) -> String {
    let state = match (key["valid"] == true, key["revoked_at"].is_string()) {
        (true, _) => "good",
        (false, true) => "revoked",
        (false, false) => "expired",
    };
    if key["declared"] == true { format!("{state}, from the file") } else { state.to_owned() }
}
