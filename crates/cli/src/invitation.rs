//! `countersign invitation`: who may come to apps that let only the invited in.

use std::path::Path;

use axum::http::Method;
use clap::{Args, Subcommand};
use countersign_domain::{app::AppName, id::InvitationId, realm::RealmName};
use serde_json::Map;

use crate::admin::{Client, Output, member, rows};

/// Who may come to apps with sign_up = "invitation".
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign app edit desk --set sign_up=invitation
  countersign invitation add desk jane@example.org --expires-in 86400
  countersign invitation list --realm staff")]
pub struct Invitation {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Invite somebody by mail. Inviting again replaces the former invitation.
    Add(Add),
    /// List open invitations. Whom they are for is not kept.
    List(List),
    /// Take an invitation back.
    Revoke(One),
}

#[derive(Debug, Args)]
struct Add {
    /// The app.
    app: AppName,
    /// Whom.
    email: String,
    /// For how many seconds: 60 to 7776000, a week by default.
    #[arg(long, value_name = "SECONDS")]
    expires_in: Option<i64>,
    /// Where the mail leads: a page of one of the app's origins; the first of them by default.
    #[arg(long, value_name = "URL")]
    link: Option<String>,
    /// The language of the mail, such as de-CH.
    #[arg(long)]
    locale: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct List {
    /// Of this realm; the key's own, or default.
    #[arg(long)]
    realm: Option<RealmName>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct One {
    /// The invitation's id, as the list shows it.
    id: InvitationId,
    #[command(flatten)]
    output: Output,
}

impl Invitation {
    /// Does it.
    ///
    /// # Errors
    /// What the server refuses, and what to do about it.
    pub async fn run(self, config: Option<&Path>) -> anyhow::Result<()> {
        let client = Client::open(config).await?;
        let done = match self.what {
            What::Add(command) => command.run(&client).await,
            What::List(command) => command.run(&client).await,
            What::Revoke(one) => one.revoke(&client).await,
        };
        client.close().await;
        done
    }
}

impl Add {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut wanted = Map::new();
        wanted.insert("app".to_owned(), self.app.as_str().into());
        wanted.insert("email".to_owned(), self.email.into());
        wanted.extend(self.expires_in.map(|seconds| ("expires_in".to_owned(), seconds.into())));
        wanted.extend(self.link.map(|link| ("link".to_owned(), link.into())));
        wanted.extend(self.locale.map(|locale| ("locale".to_owned(), locale.into())));
        let made = client.request(Method::POST, "/v1/admin/invitations", Some(&wanted.into())).await?;
        self.output.print(&made, |made| {
            format!("Invited: {}, open until {}.", member(made, "id"), member(made, "expires_at"))
        })
    }
}

impl List {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let realm = self.realm.map(|realm| format!("?realm={realm}")).unwrap_or_default();
        let found = client.list(&format!("/v1/admin/invitations{realm}")).await?;
        self.output.print(&found, |found| {
            rows(found, "No invitation is open.", ["ID", "APP", "CREATED", "EXPIRES"], |one| {
                ["id", "app", "created_at", "expires_at"].map(|name| member(one, name))
            })
        })
    }
}

impl One {
    async fn revoke(self, client: &Client) -> anyhow::Result<()> {
        let path = format!("/v1/admin/invitations/{}", self.id);
        let revoked = client.request(Method::DELETE, &path, None).await?;
        self.output.print(&revoked, |_| "The invitation is taken back.".to_owned())
    }
}
