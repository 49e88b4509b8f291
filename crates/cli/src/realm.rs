//! `countersign realm`: pools of users and apps.

use std::path::Path;

use anyhow::Context as _;
use axum::http::Method;
use clap::{Args, Subcommand};
use countersign_domain::realm::RealmName;
use serde_json::{Map, Value};

use crate::admin::{Client, Output, member, rows};

/// Pools of users and apps. Nothing crosses realms.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign realm add staff --set session_idle_seconds=28800
  countersign realm set staff --set refresh_grace_seconds=10 --unset session_idle_seconds
  countersign realm list

Settings are those of [[realms]] in countersign.toml. Realms that are declared there are changed there.")]
pub struct Realm {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List all realms.
    List(Output),
    /// Show one realm with its settings.
    Show(One),
    /// Add a realm.
    Add(Change),
    /// Change settings of a realm.
    Set(Change),
    /// Remove a realm that has neither apps nor users.
    Remove(One),
}

#[derive(Debug, Args)]
struct Change {
    /// Its permanent name: 1 to 63 of a-z, 0-9 and -.
    name: RealmName,
    /// A setting; may be repeated.
    #[arg(long = "set", value_name = "SETTING=VALUE")]
    settings: Vec<String>,
    /// A setting that gets its default back; may be repeated.
    #[arg(long, value_name = "SETTING")]
    unset: Vec<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct One {
    /// Which realm.
    name: RealmName,
    #[command(flatten)]
    output: Output,
}

impl Realm {
    /// Does it.
    ///
    /// # Errors
    /// What the server refuses, and what to do about it.
    pub async fn run(self, config: Option<&Path>) -> anyhow::Result<()> {
        let client = Client::open(config).await?;
        let done = match self.what {
            What::List(output) => list(&client, output).await,
            What::Show(one) => one.show(&client).await,
            What::Add(change) => change.add(&client).await,
            What::Set(change) => change.set(&client).await,
            What::Remove(one) => one.remove(&client).await,
        };
        client.close().await;
        done
    }
}

impl Change {
    fn members(&self) -> anyhow::Result<Map<String, Value>> {
        let mut members = settings(&self.settings)?;
        members.extend(self.unset.iter().map(|name| (name.clone(), Value::Null)));
        Ok(members)
    }

    async fn add(self, client: &Client) -> anyhow::Result<()> {
        let mut members = self.members()?;
        members.insert("name".to_owned(), self.name.as_str().into());
        let realm = client.request(Method::POST, "/v1/admin/realms", Some(&members.into())).await?;
        self.output.print(&realm, |_| format!("Added the realm {}.", self.name))
    }

    async fn set(self, client: &Client) -> anyhow::Result<()> {
        let path = format!("/v1/admin/realms/{}", self.name);
        let realm = client.request(Method::PATCH, &path, Some(&self.members()?.into())).await?;
        self.output.print(&realm, details)
    }
}

impl One {
    async fn show(self, client: &Client) -> anyhow::Result<()> {
        let path = format!("/v1/admin/realms/{}", self.name);
        let realm = client.request(Method::GET, &path, None).await?;
        self.output.print(&realm, details)
    }

    async fn remove(self, client: &Client) -> anyhow::Result<()> {
        let path = format!("/v1/admin/realms/{}", self.name);
        let removed = client.request(Method::DELETE, &path, None).await?;
        self.output.print(&removed, |_| "The realm is gone.".to_owned())
    }
}

async fn list(client: &Client, output: Output) -> anyhow::Result<()> {
    let realms = client.list("/v1/admin/realms").await?;
    output.print(&realms, |realms| {
        rows(realms, "There are no realms.", ["NAME", "APPS", "FROM", "CREATED"], |realm| {
            let from = if realm["declared"] == true { "file" } else { "here" };
            [member(realm, "name"), member(realm, "apps"), from.to_owned(), member(realm, "created_at")]
        })
    })
}

/// A line for each setting that is not its default.
fn details(realm: &Value) -> String {
    let members = realm.as_object().into_iter().flatten();
    members.map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join("\n")
}

/// Settings as they are typed: numbers, booleans and lists as JSON has them; everything else is text.
///
/// # Errors
/// Which of them has no `=`.
pub fn settings(typed: &[String]) -> anyhow::Result<Map<String, Value>> {
    let mut members = Map::new();
    for text in typed {
        let (name, value) =
            text.split_once('=').with_context(|| format!("{text}: expected SETTING=VALUE"))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        members.insert(name.to_owned(), value);
    }
    Ok(members)
}
