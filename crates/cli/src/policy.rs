//! `countersign policy`: what a sign-in takes, for whom, and why; and whether it takes what it should.

mod cases;
mod words;

use std::path::Path;

use anyhow::{Context as _, anyhow};
use axum::http::Method;
use clap::{Args, Subcommand};
use countersign_domain::{app::AppName, id::UserId};
use serde_json::Value;

use self::cases::Test;
use crate::{
    admin::{Client, Output, member},
    user::escaped,
};

/// What a sign-in takes, for whom, and why.
#[derive(Debug, Args)]
pub struct Policy {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show an app's policy, where each part of it comes from, and every way through it with the reasons.
    Explain(Explain),
    /// Run a file of cases: does the policy make of them what it should?
    Test(Test),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign policy explain --app forum
  countersign policy explain --app forum --user jane@example.org
  countersign policy explain --app forum --user usr_06c3v8b9hk7qt2m4n5p6r7s8ta --proven mail,password
  countersign policy explain --app forum --asked aal2 --json

Of a person it tells which kinds of credentials they have, and no secret.")]
struct Explain {
    /// To which app.
    #[arg(long, value_name = "APP")]
    app: AppName,
    /// Who signs in: an id or an exact address. Somebody new, where nobody is named.
    #[arg(long, value_name = "USER_OR_EMAIL")]
    user: Option<String>,
    /// What is proven already, with commas between: mail (or code, link), password, passkey, security_key, totp,
    /// recovery_code.
    #[arg(long, value_name = "METHODS", value_delimiter = ',')]
    proven: Vec<String>,
    /// The level that the app asks for (acr_values): mailbox, aal1, aal2.
    #[arg(long, value_name = "LEVEL")]
    asked: Option<String>,
    /// From a browser that the person trusts.
    #[arg(long, requires = "user")]
    trusted: bool,
    #[command(flatten)]
    output: Output,
}

impl Policy {
    /// Does it.
    ///
    /// # Errors
    /// What the server refuses, and what to do about it; a case that fails.
    pub async fn run(self, config: Option<&Path>) -> anyhow::Result<()> {
        match self.what {
            What::Test(test) => test.run(config),
            What::Explain(command) => {
                let client = Client::open(config).await?;
                let done = command.run(&client).await;
                client.close().await;
                done
            }
        }
    }
}

impl Explain {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut query = Vec::new();
        if !self.proven.is_empty() {
            query.push(format!("proven={}", escaped(&self.proven.join(","))));
        }
        query.extend(self.asked.as_ref().map(|level| format!("asked={}", escaped(level))));
        let path = match &self.user {
            None => format!("/v1/admin/apps/{}/policy?{}", self.app, query.join("&")),
            Some(user) => {
                query.push(format!("app={}", self.app));
                query.push(format!("trusted={}", self.trusted));
                format!("/v1/admin/users/{}/policy?{}", self.find(client, user).await?, query.join("&"))
            }
        };
        let explained = client.request(Method::GET, path.trim_end_matches('?'), None).await?;
        self.output.print(&explained, words::explanation)
    }

    /// The id of who is named by it, or by an address in the app's realm.
    async fn find(&self, client: &Client, user: &str) -> anyhow::Result<UserId> {
        if !user.contains('@') {
            return user.parse().map_err(|_| anyhow!("--user: expected an id (usr_…) or an address"));
        }
        let app = client.request(Method::GET, &format!("/v1/admin/apps/{}", self.app), None).await?;
        let realm = app["realm"].as_str().unwrap_or("default");
        let path = format!("/v1/admin/users?realm={}&email={}", escaped(realm), escaped(user));
        let found: Value = client.request(Method::GET, &path, None).await?;
        let nobody = || {
            format!(
                "nobody in the realm {realm} has this address; without --user it is explained for somebody new"
            )
        };
        member(&found["items"][0], "id").parse().ok().with_context(nobody)
    }
}
