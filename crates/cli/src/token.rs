//! `countersign token`: take tokens back before their time.

use std::path::Path;

use axum::http::Method;
use clap::{Args, Subcommand};
use countersign_domain::{app::AppName, id::TokenId, realm::RealmName, subject::Subject};
use serde_json::Map;

use crate::admin::{Client, Output, member};

/// Access tokens that were given out.
#[derive(Debug, Args)]
pub struct Token {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Take tokens back: dead at once wherever this server is asked.
    Revoke(Revoke),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign token revoke forum --subject 3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAA
  countersign token revoke forum --token-id tok_06c3v8b9hk7qt2m4n5p6r7s8ta
  countersign token revoke forum --all
  countersign token revoke --realm staff

Who checks signatures alone does not see this: give such apps tokens of short life.")]
struct Revoke {
    /// Whose tokens.
    #[arg(required_unless_present = "realm")]
    app: Option<AppName>,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Target {
    /// Those of one person, as the app knows them (`sub`).
    #[arg(long, requires = "app")]
    subject: Option<Subject>,
    /// One token, by its id (`jti`).
    #[arg(long, requires = "app")]
    token_id: Option<TokenId>,
    /// All of the app's.
    #[arg(long, requires = "app")]
    all: bool,
    /// All of every app of a realm, with their sessions: everybody there signs in anew.
    #[arg(long, conflicts_with = "app")]
    realm: Option<RealmName>,
}

impl Token {
    /// Does it.
    ///
    /// # Errors
    /// What the server refuses, and what to do about it.
    pub async fn run(self, config: Option<&Path>) -> anyhow::Result<()> {
        let What::Revoke(command) = self.what;
        let client = Client::open(config).await?;
        let done = command.run(&client).await;
        client.close().await;
        done
    }
}

impl Revoke {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut wanted = Map::new();
        wanted.extend(self.app.map(|app| ("app".to_owned(), app.as_str().into())));
        wanted.extend(self.target.realm.map(|realm| ("realm".to_owned(), realm.as_str().into())));
        wanted.extend(self.target.subject.map(|subject| ("subject".to_owned(), subject.to_string().into())));
        wanted.extend(self.target.token_id.map(|id| ("token_id".to_owned(), id.to_string().into())));
        let revoked = client.request(Method::POST, "/v1/admin/revocations", Some(&wanted.into())).await?;
        self.output.print(&revoked, |revoked| match revoked["target"].as_str() {
            Some("token") => "The token is good no longer.".to_owned(),
            _ => format!("Tokens made until {} are good no longer.", member(revoked, "before")),
        })
    }
}
