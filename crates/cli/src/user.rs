//! `countersign user`: people who have accounts. What their addresses are is sealed and never shown.

use std::path::Path;

use axum::http::Method;
use clap::{Args, Subcommand};
use countersign_domain::{id::UserId, realm::RealmName};
use serde_json::{Value, json};

use crate::admin::{Client, Output, member, rows};

/// People who have accounts, where apps want them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign user list --realm staff
  countersign user list --email jane@example.org
  countersign user disable usr_06c3v8b9hk7qt2m4n5p6r7s8ta")]
pub struct User {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List users, or find one by an exact address.
    List(List),
    /// Switch a user off: no sign-in, and all sessions end at once.
    Disable(One),
    /// Let a user sign in again. What was ended stays ended.
    Enable(One),
    /// Erase a user with everything that belongs to them.
    Erase(One),
}

#[derive(Debug, Args)]
struct List {
    /// Of this realm.
    #[arg(long, default_value = RealmName::DEFAULT)]
    realm: RealmName,
    /// Only who has exactly this address.
    #[arg(long)]
    email: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct One {
    /// The user's id, as the list shows it.
    id: UserId,
    #[command(flatten)]
    output: Output,
}

impl User {
    /// Does it.
    ///
    /// # Errors
    /// What the server refuses, and what to do about it.
    pub async fn run(self, config: Option<&Path>) -> anyhow::Result<()> {
        let client = Client::open(config).await?;
        let done = match self.what {
            What::List(command) => command.run(&client).await,
            What::Disable(one) => one.change(&client, "disabled", "The user is switched off.").await,
            What::Enable(one) => one.change(&client, "active", "The user may sign in again.").await,
            What::Erase(one) => one.erase(&client).await,
        };
        client.close().await;
        done
    }
}

impl List {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let realm = self.realm;
        let users = match self.email {
            Some(email) => {
                let email: String = email.bytes().map(|byte| format!("%{byte:02X}")).collect();
                let path = format!("/v1/admin/users?realm={realm}&email={email}");
                let mut found = client.request(Method::GET, &path, None).await?;
                found["items"].take()
            }
            None => client.list(&format!("/v1/admin/users?realm={realm}")).await?,
        };
        self.output.print(&users, |users| {
            let names = ["ID", "STATUS", "SESSIONS", "CREATED", "SIGNED IN"];
            rows(users, "There are no users.", names, |user| {
                ["id", "status", "sessions", "created_at", "signed_in_at"].map(|name| member(user, name))
            })
        })
    }
}

impl One {
    async fn change(self, client: &Client, status: &str, words: &str) -> anyhow::Result<()> {
        let path = format!("/v1/admin/users/{}", self.id);
        let changed = client.request(Method::PATCH, &path, Some(&json!({"status": status}))).await?;
        self.output.print(&changed, |_| words.to_owned())
    }

    async fn erase(self, client: &Client) -> anyhow::Result<()> {
        let path = format!("/v1/admin/users/{}", self.id);
        let answer: Value = client.request(Method::DELETE, &path, None).await?;
        self.output.print(&answer, |_| "The user is gone.".to_owned())
    }
}
