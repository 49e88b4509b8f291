//! `countersign user set-role`, `add-group` and `remove-group`: what a user is in their realm.

use axum::http::Method;
use clap::{Args, ValueEnum};
use countersign_domain::{group::GroupName, realm::RealmName};
use serde_json::{Value, json};

use crate::{
    admin::{Client, Output, member},
    grant::find,
};

/// What a user may be.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    /// Somebody.
    User,
    /// Who may use every app of the realm, where the realm lets administrators.
    Admin,
}

#[derive(Debug, Args)]
pub(super) struct SetRole {
    #[command(flatten)]
    who: Who,
    /// What they are to be.
    role: Role,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct Groups {
    #[command(flatten)]
    who: Who,
    /// The groups.
    #[arg(required = true)]
    groups: Vec<GroupName>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Who {
    /// The user: an id or an exact address.
    #[arg(value_name = "USER_OR_EMAIL")]
    user: String,
    /// The realm of the address; the key's own, or default.
    #[arg(long)]
    realm: Option<RealmName>,
}

impl Who {
    async fn change(&self, client: &Client, body: &Value) -> anyhow::Result<Value> {
        let id = find(client, &self.user, self.realm.as_ref().map(RealmName::as_str)).await?;
        client.request(Method::PATCH, &format!("/v1/admin/users/{id}"), Some(body)).await
    }
}

impl SetRole {
    pub(super) async fn run(self, client: &Client) -> anyhow::Result<()> {
        let role = match self.role {
            Role::User => "user",
            Role::Admin => "admin",
        };
        let changed = self.who.change(client, &json!({"role": role})).await?;
        self.output.print(&changed, |changed| match member(changed, "role").as_str() {
            "admin" => "The user is an administrator of the realm.".to_owned(),
            _ => "The user is no administrator.".to_owned(),
        })
    }
}

impl Groups {
    pub(super) async fn run(self, client: &Client, how: &str) -> anyhow::Result<()> {
        let groups: Vec<_> = self.groups.iter().map(ToString::to_string).collect();
        let changed = self.who.change(client, &json!({how: groups})).await?;
        self.output.print(&changed, |changed| {
            let groups = changed["groups"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let groups: Vec<_> = groups.collect();
            if groups.is_empty() {
                "The user is in no group.".to_owned()
            } else {
                format!("The user is in: {}.", groups.join(", "))
            }
        })
    }
}
