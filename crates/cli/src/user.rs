//! `countersign user`: people who have accounts. What their addresses are is sealed and shown by an export alone.

mod membership;

use std::path::Path;

use axum::http::Method;
use clap::{Args, Subcommand};
use countersign_domain::{
    group::GroupName,
    id::{CredentialId, UserId},
    realm::RealmName,
};
use serde_json::{Map, Value, json};

use crate::{
    admin::{Client, Output, member, rows},
    bulk::{Export, Import},
};

/// People who have accounts, where apps want them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign user list --realm staff
  countersign user list --email jane@example.org
  countersign user add --email jane@example.org --verified --display-name Jane
  countersign user add-group jane@example.org family
  countersign user set-role jane@example.org admin
  countersign user disable usr_06c3v8b9hk7qt2m4n5p6r7s8ta")]
pub struct User {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List users, or find one by an exact address.
    List(List),
    /// Show one user.
    Show(One),
    /// Add a user.
    Add(Add),
    /// Change what a user is called. They are told by mail.
    Edit(Edit),
    /// Switch a user off: no sign-in, and all sessions end at once.
    Disable(One),
    /// Let a user sign in again. What was ended stays ended.
    Enable(One),
    /// Make a user an administrator, who may use every app of the realm, or a user again.
    SetRole(membership::SetRole),
    /// Put a user into groups.
    AddGroup(membership::Groups),
    /// Take a user out of groups.
    RemoveGroup(membership::Groups),
    /// List what a user signs in with beside mails and a password, without secrets.
    Credentials(One),
    /// Take away what a user has lost and signs in with no more. They are told by mail.
    RemoveCredential(RemoveCredential),
    /// Erase users with everything that belongs to them.
    Erase(Many),
    /// Import users, a line of JSON for each.
    Import(Import),
    /// Export users with their addresses, a line of JSON for each.
    Export(Export),
}

#[derive(Debug, Args)]
struct List {
    /// Of this realm; the key's own, or default.
    #[arg(long)]
    realm: Option<RealmName>,
    /// Only who has exactly this address.
    #[arg(long)]
    email: Option<String>,
    /// Only active or disabled ones.
    #[arg(long)]
    status: Option<String>,
    /// Only who was made at this time or later, such as 2027-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    created_from: Option<String>,
    /// Only who was made before this time.
    #[arg(long, value_name = "TIME")]
    created_before: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Add {
    /// An address, the primary one first; may be repeated where all are verified.
    #[arg(long = "email", value_name = "ADDRESS", required = true)]
    emails: Vec<String>,
    /// The person has proven the addresses. Otherwise the first sign-in does.
    #[arg(long)]
    verified: bool,
    /// Of this realm; the key's own, or default.
    #[arg(long)]
    realm: Option<RealmName>,
    #[command(flatten)]
    details: Details,
    /// Put them into this group; may be repeated.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<GroupName>,
    /// They may not sign in yet.
    #[arg(long)]
    disabled: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Details {
    /// As others see them.
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// The language they are written to in, such as de-CH.
    #[arg(long)]
    locale: Option<String>,
}

#[derive(Debug, Args)]
struct Edit {
    /// The user's id, as the list shows it.
    id: UserId,
    #[command(flatten)]
    details: Details,
    /// Take a detail away: display_name or locale; may be repeated.
    #[arg(long, value_name = "DETAIL")]
    unset: Vec<String>,
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

#[derive(Debug, Args)]
struct RemoveCredential {
    /// The user's id, as the list shows it.
    id: UserId,
    /// The credential's id, as `user credentials` shows it.
    credential: CredentialId,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Many {
    /// The users' ids, as the list shows them: up to 100.
    #[arg(required = true, num_args = 1..=100)]
    ids: Vec<UserId>,
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
            What::Show(one) => one.show(&client).await,
            What::Add(command) => command.run(&client).await,
            What::Edit(command) => command.run(&client).await,
            What::Disable(one) => one.change(&client, "disabled", "The user is switched off.").await,
            What::Enable(one) => one.change(&client, "active", "The user may sign in again.").await,
            What::SetRole(command) => command.run(&client).await,
            What::AddGroup(groups) => groups.run(&client, "add_groups").await,
            What::RemoveGroup(groups) => groups.run(&client, "remove_groups").await,
            What::Credentials(one) => one.credentials(&client).await,
            What::RemoveCredential(command) => command.run(&client).await,
            What::Erase(many) => many.erase(&client).await,
            What::Import(command) => command.run(&client).await,
            What::Export(command) => command.run(&client).await,
        };
        client.close().await;
        done
    }
}

/// What stands in a query, whatever is in it.
pub(crate) fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

impl List {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let realm = self.realm.map(|realm| realm.to_string());
        let members = [
            ("realm", &realm),
            ("email", &self.email),
            ("status", &self.status),
            ("created_from", &self.created_from),
            ("created_before", &self.created_before),
        ];
        let given = members.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        let query: Vec<_> = given.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let path = format!("/v1/admin/users?{}", query.join("&"));
        let path = path.trim_end_matches('?');
        let users = match self.email {
            Some(_) => client.request(Method::GET, path, None).await?["items"].take(),
            None => client.list(path).await?,
        };
        self.output.print(&users, |users| {
            let names = ["ID", "STATUS", "ROLE", "SESSIONS", "CREATED", "SIGNED IN"];
            rows(users, "There are no users.", names, |user| {
                ["id", "status", "role", "sessions", "created_at", "signed_in_at"]
                    .map(|name| member(user, name))
            })
        })
    }
}

impl Details {
    fn members(self) -> Map<String, Value> {
        let mut members = Map::new();
        members.extend(self.display_name.map(|name| ("display_name".to_owned(), name.into())));
        members.extend(self.locale.map(|locale| ("locale".to_owned(), locale.into())));
        members
    }
}

impl Add {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut wanted = self.details.members();
        let email = |address: String| json!({"address": address, "verified": self.verified});
        wanted.insert("emails".to_owned(), self.emails.into_iter().map(email).collect());
        wanted.extend(self.realm.map(|realm| ("realm".to_owned(), realm.to_string().into())));
        if !self.groups.is_empty() {
            let groups = self.groups.iter().map(ToString::to_string);
            wanted.insert("groups".to_owned(), groups.collect());
        }
        if self.disabled {
            wanted.insert("status".to_owned(), "disabled".into());
        }
        let made = client.request(Method::POST, "/v1/admin/users", Some(&wanted.into())).await?;
        self.output.print(&made, |made| format!("Added the user {}.", member(made, "id")))
    }
}

impl Edit {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut wanted = self.details.members();
        wanted.extend(self.unset.into_iter().map(|name| (name, Value::Null)));
        let path = format!("/v1/admin/users/{}", self.id);
        let changed = client.request(Method::PATCH, &path, Some(&wanted.into())).await?;
        self.output.print(&changed, |_| "The user is changed, and told so.".to_owned())
    }
}

impl One {
    async fn show(self, client: &Client) -> anyhow::Result<()> {
        let path = format!("/v1/admin/users/{}", self.id);
        let user = client.request(Method::GET, &path, None).await?;
        self.output.print(&user, |user| {
            let members = user.as_object().into_iter().flatten();
            members.map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join("\n")
        })
    }

    async fn credentials(self, client: &Client) -> anyhow::Result<()> {
        let path = format!("/v1/admin/users/{}/credentials", self.id);
        let all = client.request(Method::GET, &path, None).await?["items"].take();
        self.output.print(&all, |all| {
            let names = ["ID", "KIND", "LEFT", "CREATED", "USED"];
            rows(all, "There is nothing beside mails and a password.", names, |one| {
                ["id", "kind", "left", "created_at", "used_at"].map(|name| member(one, name))
            })
        })
    }

    async fn change(self, client: &Client, status: &str, words: &str) -> anyhow::Result<()> {
        let path = format!("/v1/admin/users/{}", self.id);
        let changed = client.request(Method::PATCH, &path, Some(&json!({"status": status}))).await?;
        self.output.print(&changed, |_| words.to_owned())
    }
}

impl RemoveCredential {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let path = format!("/v1/admin/users/{}/credentials/{}", self.id, self.credential);
        let gone = client.request(Method::DELETE, &path, None).await?;
        self.output
            .print(&gone, |gone| format!("The {} is gone, and the user told so.", member(gone, "kind")))
    }
}

impl Many {
    async fn erase(self, client: &Client) -> anyhow::Result<()> {
        if let [id] = self.ids[..] {
            let path = format!("/v1/admin/users/{id}");
            let answer = client.request(Method::DELETE, &path, None).await?;
            return self.output.print(&answer, |_| "The user is gone.".to_owned());
        }
        let ids: Vec<_> = self.ids.iter().map(ToString::to_string).collect();
        let wanted = json!({"ids": ids});
        let answer = client.request(Method::POST, "/v1/admin/users/delete", Some(&wanted)).await?;
        let is_good = answer["items"].as_array().is_some_and(|all| {
            all.iter().all(|one| one["outcome"] == "erased" || one["outcome"] == "erasing")
        });
        self.output.print(&answer, |answer| {
            rows(&answer["items"], "Nobody was named.", ["ID", "OUTCOME"], |one| {
                ["id", "outcome"].map(|name| member(one, name))
            })
        })?;
        anyhow::ensure!(is_good, "some users were not erased");
        Ok(())
    }
}
