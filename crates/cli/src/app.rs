//! `countersign app`: the apps that people sign in to.

use std::path::Path;

use axum::http::Method;
use clap::{Args, Subcommand};
use countersign_domain::app::AppName;
use serde_json::{Map, Value, json};

use crate::{
    admin::{Client, Output, member, rows},
    realm::settings,
};

/// The apps that people sign in to.
#[derive(Debug, Args)]
pub struct App {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Add an app, and its first secret key.
    Add(Add),
    /// List all apps.
    List(Output),
    /// Show one app with its settings.
    Show(One),
    /// Change settings of an app.
    Edit(Edit),
    /// Switch an app off: it starts nothing, its keys and tokens are refused.
    Disable(One),
    /// Switch an app on again.
    Enable(One),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign app add forum --title 'The forum' --origin https://forum.example.org
  countersign app add api --set token_algorithm=ES256 --set token_lifetime_seconds=900 --no-key

The key is shown once. Settings are those of [[apps]] in countersign.toml.")]
struct Add {
    /// Its permanent name: 1 to 63 of a-z, 0-9 and -.
    name: AppName,
    #[command(flatten)]
    settings: Settings,
    /// Make no key.
    #[arg(long)]
    no_key: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign app edit forum --title 'The new forum'
  countersign app edit forum --set delivery=both --unset subject

Settings are those of [[apps]] in countersign.toml. Apps that are declared there are changed there.")]
struct Edit {
    /// Which app.
    name: AppName,
    #[command(flatten)]
    settings: Settings,
    /// A setting that gets its default back; may be repeated.
    #[arg(long, value_name = "SETTING")]
    unset: Vec<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct One {
    /// Which app.
    name: AppName,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Settings {
    /// What people read in mails and on pages.
    #[arg(long)]
    title: Option<String>,
    /// A page that may use publishable keys, as https://host; may be repeated.
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
    /// Any other setting; may be repeated.
    #[arg(long = "set", value_name = "SETTING=VALUE")]
    others: Vec<String>,
}

impl Settings {
    fn members(&self) -> anyhow::Result<Map<String, Value>> {
        let mut members = settings(&self.others)?;
        if let Some(title) = &self.title {
            members.insert("title".to_owned(), title.as_str().into());
        }
        if !self.origins.is_empty() {
            members.insert("origins".to_owned(), self.origins.clone().into());
        }
        Ok(members)
    }
}

impl App {
    /// Does it.
    ///
    /// # Errors
    /// What the server refuses, and what to do about it.
    pub async fn run(self, config: Option<&Path>) -> anyhow::Result<()> {
        let client = Client::open(config).await?;
        let done = match self.what {
            What::Add(command) => command.run(&client).await,
            What::List(output) => list(&client, output).await,
            What::Show(command) => command.run(&client, Method::GET, "").await,
            What::Edit(command) => command.run(&client).await,
            What::Disable(command) => command.run(&client, Method::POST, "/disable").await,
            What::Enable(command) => command.run(&client, Method::POST, "/enable").await,
        };
        client.close().await;
        done
    }
}

impl Add {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut settings = self.settings.members()?;
        settings.insert("name".to_owned(), self.name.as_str().into());
        let mut app = client.request(Method::POST, "/v1/admin/apps", Some(&settings.into())).await?;
        if !self.no_key {
            let path = format!("/v1/admin/apps/{}/keys", self.name);
            let wanted = json!({ "kind": "secret", "label": "first" });
            app["key"] = client.request(Method::POST, &path, Some(&wanted)).await?["key"].take();
        }
        self.output.print(&app, |app| {
            let mut lines = vec![format!("Added the app {}.", self.name)];
            if let Some(key) = app["key"].as_str() {
                lines.push(format!("\nIts secret key, shown this once:\n\n  {key}"));
            }
            lines.extend(token_secret(app));
            lines.join("\n")
        })
    }
}

impl Edit {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut patch = self.settings.members()?;
        patch.extend(self.unset.into_iter().map(|name| (name, Value::Null)));
        let path = format!("/v1/admin/apps/{}", self.name);
        let app = client.request(Method::PATCH, &path, Some(&patch.into())).await?;
        self.output.print(&app, |app| [Some(details(app)), token_secret(app)].into_iter().flatten().collect())
    }
}

impl One {
    async fn run(self, client: &Client, method: Method, action: &str) -> anyhow::Result<()> {
        let path = format!("/v1/admin/apps/{}{action}", self.name);
        let app = client.request(method, &path, None).await?;
        self.output.print(&app, details)
    }
}

async fn list(client: &Client, output: Output) -> anyhow::Result<()> {
    let apps = client.list("/v1/admin/apps").await?;
    output.print(&apps, |apps| {
        rows(
            apps,
            "There are no apps yet: countersign app add NAME",
            ["NAME", "TITLE", "STATE", "FROM", "CREATED"],
            |app| {
                let state = if app["disabled"] == true { "off" } else { "on" };
                let from = if app["declared"] == true { "file" } else { "here" };
                [
                    member(app, "name"),
                    member(app, "title"),
                    state.to_owned(),
                    from.to_owned(),
                    member(app, "created_at"),
                ]
            },
        )
    })
}

/// A line for each setting that is not its default.
fn details(app: &Value) -> String {
    let members = app.as_object().into_iter().flatten().filter(|(name, _)| *name != "token_secret");
    let width = members.clone().map(|(name, _)| name.len()).max().unwrap_or_default();
    members.map(|(name, _)| format!("{name:width$}  {}\n", member(app, name))).collect()
}

fn token_secret(app: &Value) -> Option<String> {
    let secret = app["token_secret"].as_str()?;
    Some(format!(
        "\nThe secret that its tokens are checked with (HS256, base64url), shown this once:\n\n  {secret}\n"
    ))
}
