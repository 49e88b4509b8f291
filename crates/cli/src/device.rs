//! `countersign device`: the devices that people registered.

use std::path::Path;

use axum::http::Method;
use clap::{Args, Subcommand};
use countersign_domain::id::{DeviceId, UserId};

use crate::admin::{Client, Output, member, rows};

/// The devices that people registered.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign device list usr_06c3v8b9hk7qt2m4n5p6r7s8ta
  countersign device end dev_06c3v8b9hk7qt2m4n5p6r7s8ta

The person is told by mail that an administrator signed them out.")]
pub struct Device {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the registered devices of a user.
    List(OfUser),
    /// End one of them.
    End(One),
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
    /// The device's id, as the list shows it.
    id: DeviceId,
    #[command(flatten)]
    output: Output,
}

impl Device {
    /// Does it.
    ///
    /// # Errors
    /// What the server refuses, and what to do about it.
    pub async fn run(self, config: Option<&Path>) -> anyhow::Result<()> {
        let client = Client::open(config).await?;
        let done = match self.what {
            What::List(of) => of.list(&client).await,
            What::End(one) => one.end(&client).await,
        };
        client.close().await;
        done
    }
}

impl OfUser {
    async fn list(self, client: &Client) -> anyhow::Result<()> {
        let devices = client.list(&format!("/v1/admin/users/{}/devices", self.user)).await?;
        self.output.print(&devices, |devices| {
            let names = ["ID", "LABEL", "APP", "REGISTERED", "USED", "ENDS"];
            rows(devices, "They registered no device.", names, |device| {
                ["id", "label", "app", "registered_at", "used_at", "expires_at"]
                    .map(|name| member(device, name))
            })
        })
    }
}

impl One {
    async fn end(self, client: &Client) -> anyhow::Result<()> {
        let path = format!("/v1/admin/devices/{}", self.id);
        let ended = client.request(Method::DELETE, &path, None).await?;
        self.output.print(&ended, |_| "The device is registered no more.".to_owned())
    }
}
