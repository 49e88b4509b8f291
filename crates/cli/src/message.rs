//! `countersign message`: mail that waits. Whom it is for and what it says is sealed and never shown.

use std::path::Path;

use axum::http::Method;
use clap::{Args, Subcommand};
use countersign_domain::id::MessageId;

use crate::admin::{Client, Output, member, rows};

/// Mail that waits to be sent.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign message list
  countersign message retry msg_06c3v8b9hk7qt2m4n5p6r7s8ta")]
pub struct Message {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List what waits. Addresses and texts are sealed, and not shown.
    List(Output),
    /// Try one again now.
    Retry(One),
    /// Forget one: it is not sent.
    Drop(One),
}

#[derive(Debug, Args)]
struct One {
    /// The message's id, as the list shows it.
    id: MessageId,
    #[command(flatten)]
    output: Output,
}

impl Message {
    /// Does it.
    ///
    /// # Errors
    /// What the server refuses, and what to do about it.
    pub async fn run(self, config: Option<&Path>) -> anyhow::Result<()> {
        let client = Client::open(config).await?;
        let done = match self.what {
            What::List(output) => list(&client, output).await,
            What::Retry(command) => command.run(&client, Method::POST, "/retry", "It is tried now.").await,
            What::Drop(command) => command.run(&client, Method::DELETE, "", "It is not sent.").await,
        };
        client.close().await;
        done
    }
}

impl One {
    async fn run(self, client: &Client, method: Method, action: &str, words: &str) -> anyhow::Result<()> {
        let path = format!("/v1/admin/messages/{}{action}", self.id);
        let done = client.request(method, &path, None).await?;
        self.output.print(&done, |_| words.to_owned())
    }
}

async fn list(client: &Client, output: Output) -> anyhow::Result<()> {
    let messages = client.list("/v1/admin/messages").await?;
    output.print(&messages, |messages| {
        let names = ["ID", "APP", "CREATED", "TRIED", "NEXT TRY", "EXPIRES"];
        rows(messages, "No message waits.", names, |message| {
            ["id", "app", "created_at", "attempts", "due_at", "expires_at"].map(|name| member(message, name))
        })
    })
}
