//! `countersign grant`: who may use which app, and why.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail, ensure};
use axum::http::Method;
use clap::{Args, Subcommand};
use countersign_domain::{
    app::AppName,
    group::GroupName,
    id::{GrantId, UserId},
    realm::RealmName,
    scope::Scope,
};
use serde_json::{Map, Value};

use crate::{
    admin::{Client, Output, member, rows},
    user::escaped,
};

/// Who may use which app.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign grant add --user jane@example.org --app wiki --scope read:email --scope read:name
  countersign grant add --group family --app-group tools
  countersign grant list --app wiki
  countersign grant explain --user jane@example.org --app wiki")]
pub struct Grant {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Give a user or a group the use of an app or of a group of apps. Where they have it, scopes and end are replaced.
    Add(Add),
    /// List grants: of a user or group, for an app or a group of apps, or all of a realm.
    List(List),
    /// Take a grant back: by its id, or by whose it is and what for. Nobody is signed out.
    Remove(Remove),
    /// Say in plain sentences why somebody may use an app, or why not.
    Explain(Explain),
}

/// From whom to what.
#[derive(Debug, Args)]
struct Ends {
    /// The user: an id or an exact address.
    #[arg(long, value_name = "USER_OR_EMAIL", conflicts_with = "group")]
    user: Option<String>,
    /// Everybody who is in this group.
    #[arg(long)]
    group: Option<GroupName>,
    /// The app.
    #[arg(long, conflicts_with = "app_group")]
    app: Option<AppName>,
    /// Every app that is in this group.
    #[arg(long, value_name = "GROUP")]
    app_group: Option<GroupName>,
    /// Of this realm, where the app does not say it; the key's own, or default.
    #[arg(long)]
    realm: Option<RealmName>,
}

#[derive(Debug, Args)]
struct Add {
    #[command(flatten)]
    ends: Ends,
    /// What the app learns of the person, such as read:email, or a scope of its own; may be repeated.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<Scope>,
    /// For how many seconds, from 60 up; for good by default.
    #[arg(long, value_name = "SECONDS")]
    expires_in: Option<i64>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    ends: Ends,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Remove {
    /// The grant's id, as the list shows it.
    #[arg(conflicts_with_all = ["user", "group", "app", "app_group", "realm"])]
    id: Option<GrantId>,
    #[command(flatten)]
    ends: Ends,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Explain {
    /// Who: an id or an exact address.
    #[arg(long, value_name = "USER_OR_EMAIL")]
    user: String,
    /// What.
    #[arg(long)]
    app: AppName,
    #[command(flatten)]
    output: Output,
}

impl Grant {
    /// Does it.
    ///
    /// # Errors
    /// What the server refuses, and what to do about it.
    pub async fn run(self, config: Option<&Path>) -> anyhow::Result<()> {
        let client = Client::open(config).await?;
        let done = match self.what {
            What::Add(command) => command.run(&client).await,
            What::List(command) => command.run(&client).await,
            What::Remove(command) => command.run(&client).await,
            What::Explain(command) => command.run(&client).await,
        };
        client.close().await;
        done
    }
}

impl Ends {
    /// The members that name them, with the user by id.
    async fn members(&self, client: &Client) -> anyhow::Result<Map<String, Value>> {
        let user = match &self.user {
            Some(user) => Some(find(client, user, self.realm(client).await?.as_deref()).await?.to_string()),
            None => None,
        };
        let members = [
            ("user", user),
            ("group", self.group.as_ref().map(ToString::to_string)),
            ("app", self.app.as_ref().map(ToString::to_string)),
            ("app_group", self.app_group.as_ref().map(ToString::to_string)),
            ("realm", self.realm.as_ref().map(ToString::to_string)),
        ];
        let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
        Ok(given.collect())
    }

    /// In which realm an address is looked for.
    async fn realm(&self, client: &Client) -> anyhow::Result<Option<String>> {
        match (&self.realm, &self.app) {
            (Some(realm), _) => Ok(Some(realm.to_string())),
            (None, Some(app)) => realm_of(client, app).await.map(Some),
            (None, None) => Ok(None),
        }
    }

    async fn query(&self, client: &Client) -> anyhow::Result<String> {
        let members = self.members(client).await?;
        let given = members.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
        let query: Vec<_> = given.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        Ok(format!("/v1/admin/grants?{}", query.join("&")).trim_end_matches('?').to_owned())
    }
}

async fn realm_of(client: &Client, app: &AppName) -> anyhow::Result<String> {
    let app = client.request(Method::GET, &format!("/v1/admin/apps/{app}"), None).await?;
    Ok(app["realm"].as_str().unwrap_or(RealmName::DEFAULT).to_owned())
}

/// The id of who is named by it, or by an exact address in a realm: the key's own, or default, where none is given.
pub(crate) async fn find(client: &Client, user: &str, realm: Option<&str>) -> anyhow::Result<UserId> {
    if !user.contains('@') {
        return user.parse().map_err(|_| anyhow!("expected a user's id (usr_…) or an address"));
    }
    let within = realm.map(|realm| format!("realm={}&", escaped(realm))).unwrap_or_default();
    let path = format!("/v1/admin/users?{within}email={}", escaped(user));
    let found = client.request(Method::GET, &path, None).await?;
    let nobody = || match realm {
        Some(realm) => format!("nobody in the realm {realm} has this address"),
        None => "nobody has this address; another realm is named by --realm".to_owned(),
    };
    member(&found["items"][0], "id").parse().ok().with_context(nobody)
}

impl Add {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut wanted = self.ends.members(client).await?;
        let scopes: Vec<_> = self.scopes.iter().map(ToString::to_string).collect();
        wanted.insert("scopes".to_owned(), scopes.into());
        wanted.extend(self.expires_in.map(|seconds| ("expires_in".to_owned(), seconds.into())));
        let given = client.request(Method::POST, "/v1/admin/grants", Some(&wanted.into())).await?;
        self.output.print(&given, |given| {
            let end = given["expires_at"].as_str().map(|end| format!(", until {end}")).unwrap_or_default();
            format!("Given: {}, from {} to {}{end}.", member(given, "id"), holder(given), target(given))
        })
    }
}

impl List {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let found = client.list(&self.ends.query(client).await?).await?;
        self.output.print(&found, |found| {
            let names = ["ID", "FROM", "TO", "SCOPES", "ENDS", "GIVEN BY"];
            rows(found, "There are no such grants.", names, |one| {
                let by =
                    if one["declared"] == true { "the file".to_owned() } else { member(one, "given_by") };
                [member(one, "id"), holder(one), target(one), scopes(one), member(one, "expires_at"), by]
            })
        })
    }
}

impl Remove {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let id = match self.id {
            Some(id) => id.to_string(),
            None => self.named(client).await?,
        };
        let taken = client.request(Method::DELETE, &format!("/v1/admin/grants/{id}"), None).await?;
        self.output.print(&taken, |taken| format!("Taken back: {}.", member(taken, "id")))
    }

    /// The id of the one that goes from there to there.
    async fn named(&self, client: &Client) -> anyhow::Result<String> {
        let Ends { user, group, app, app_group, .. } = &self.ends;
        ensure!(
            (user.is_some() || group.is_some()) && (app.is_some() || app_group.is_some()),
            "name the grant by its id, or by --user or --group together with --app or --app-group"
        );
        let found = client.list(&self.ends.query(client).await?).await?;
        let all = found.as_array().into_iter().flatten();
        let stored: Vec<_> = all.clone().filter(|one| one["declared"] == false).collect();
        match stored[..] {
            [one] => Ok(member(one, "id")),
            _ if all.count() > 0 => bail!("it stands in the configuration file: change it there"),
            _ => bail!("there is no such grant; `countersign grant list` shows what there is"),
        }
    }
}

impl Explain {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let realm = if self.user.contains('@') { Some(realm_of(client, &self.app).await?) } else { None };
        let user = find(client, &self.user, realm.as_deref()).await?;
        let path = format!("/v1/admin/grants/explain?user={user}&app={}", self.app);
        let explained = client.request(Method::GET, &path, None).await?;
        self.output.print(&explained, |explained| {
            let app = member(explained, "app");
            let answer = match (explained["allowed"] == true, explained["until"].as_str()) {
                (true, None) => format!("The user may use {app}. Scopes: {}", scopes(explained)),
                (true, Some(until)) => {
                    format!("The user may use {app}; a grant ends at {until}. Scopes: {}", scopes(explained))
                }
                (false, _) => format!("The user may not use {app}."),
            };
            let findings = explained["findings"].as_array().into_iter().flatten();
            let sign = |counts: bool| if counts { "*" } else { "-" };
            let lines =
                findings.map(|one| format!("{} {}", sign(one["counts"] == true), member(one, "detail")));
            std::iter::once(answer).chain(lines).collect::<Vec<_>>().join("\n")
        })
    }
}

fn holder(grant: &Value) -> String {
    match (&grant["user"], &grant["group"], grant["holder"].as_str()) {
        (Value::String(user), ..) => user.clone(),
        (_, Value::String(group), _) => format!("group {group}"),
        (.., Some("address")) => "an address".to_owned(),
        _ => "everybody".to_owned(),
    }
}

fn target(grant: &Value) -> String {
    match &grant["app_group"] {
        Value::String(group) => format!("apps in {group}"),
        _ => member(grant, "app"),
    }
}

fn scopes(of: &Value) -> String {
    let all = of["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let all = all.collect::<Vec<_>>().join(" ");
    if all.is_empty() { "-".to_owned() } else { all }
}
