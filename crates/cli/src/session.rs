//! `countersign session`: where people are signed in.

use std::path::Path;

use axum::http::Method;
use clap::{Args, Subcommand};
use countersign_domain::id::{SessionId, UserId};

use crate::admin::{Client, Output, member, rows};

/// Where people are signed in.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign session list usr_06c3v8b9hk7qt2m4n5p6r7s8ta
  countersign session end ses_06c3v8b9hk7qt2m4n5p6r7s8ta
  countersign session end-all usr_06c3v8b9hk7qt2m4n5p6r7s8ta

The person is told by mail that an administrator signed them out.")]
pub struct Session {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the live sessions of a user.
    List(OfUser),
    /// End one session.
    End(One),
    /// End all sessions of a user.
    EndAll(OfUser),
}

#[derive(Debug, Args)]
struct OfUser {
    /// Whose.
    user: UserId,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct One {
    /// The session's id, as the list shows it.
    id: SessionId,
    #[command(flatten)]
    output: Output,
}

impl Session {
    /// Does it.
    ///
    /// # Errors
    /// What the server refuses, and what to do about it.
    pub async fn run(self, config: Option<&Path>) -> anyhow::Result<()> {
        let client = Client::open(config).await?;
        let done = match self.what {
            What::List(of) => of.list(&client).await,
            What::End(one) => one.end(&client).await,
            What::EndAll(of) => of.end(&client).await,
        };
        client.close().await;
        done
    }
}

impl OfUser {
    async fn list(self, client: &Client) -> anyhow::Result<()> {
        let sessions = client.list(&format!("/v1/admin/users/{}/sessions", self.user)).await?;
        self.output.print(&sessions, |sessions| {
            let names = ["ID", "APP", "DEVICE", "CREATED", "USED", "ENDS"];
            rows(sessions, "They are signed in nowhere.", names, |session| {
                ["id", "app", "device", "created_at", "used_at", "expires_at"]
                    .map(|name| member(session, name))
            })
        })
    }

    async fn end(self, client: &Client) -> anyhow::Result<()> {
        let path = format!("/v1/admin/users/{}/sessions", self.user);
        let ended = client.request(Method::DELETE, &path, None).await?;
        self.output.print(&ended, |ended| format!("Ended: {}.", member(ended, "ended")))
    }
}

impl One {
    async fn end(self, client: &Client) -> anyhow::Result<()> {
        let path = format!("/v1/admin/sessions/{}", self.id);
        let ended = client.request(Method::DELETE, &path, None).await?;
        self.output.print(&ended, |_| "The session is over.".to_owned())
    }
}
