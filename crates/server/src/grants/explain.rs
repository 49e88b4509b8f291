//! Why somebody may reach an app or may not, in plain sentences: everything that was looked at, whether it counts or not.
//! It decides nothing.

use countersign_domain::{
    app::App,
    grant::{Access, Barred, Bearing, Grant, Holder, Question, Target},
    group::GroupName,
    membership::{Membership, Role},
    scope::Scopes,
    user::{User, UserStatus},
};

use super::{membership, weigh::weigh};
use crate::{api::rfc3339, error::ApiError, state::Server};

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// A stable code.
    pub code: &'static str,
    /// Whether it lets them in, or bars the way.
    pub counts: bool,
    /// The same for people.
    pub detail: String,
}

/// An answer, and all that it follows from.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The answer.
    pub access: Option<Access>,
    /// What they are in their realm.
    pub membership: Membership,
    /// What follows to what: what bars the way first.
    pub findings: Vec<Finding>,
}

/// Explains.
///
/// # Errors
/// As for [`weigh`].
pub async fn explain(server: &Server, user: &User, app: &App) -> Result<Explanation, ApiError> {
    let weighed = weigh(server, (user, &membership(server, user)?), app).await?;
    let question = weighed.question(server, user, app);
    let access = question.answer(&weighed.grants);
    let mut findings: Vec<_> = question.barred().map(|barred| bar(&question, barred)).into_iter().collect();
    let is_barred = !findings.is_empty();
    findings.push(openness(app));
    findings.push(role(&question));
    let mut none = true;
    for grant in &weighed.grants {
        let finding = granted(&question, grant);
        none &= finding.is_none();
        findings.extend(finding);
    }
    if none && !is_barred {
        findings.push(nothing(&question));
    }
    if is_barred {
        findings.iter_mut().skip(1).for_each(|finding| finding.counts = false);
    }
    Ok(Explanation { access, membership: weighed.membership, findings })
}

const fn finding(code: &'static str, counts: bool, detail: String) -> Finding {
    Finding { code, counts, detail }
}

fn bar(question: &Question<'_>, barred: Barred) -> Finding {
    let (user, app) = (question.user, question.app);
    match barred {
        Barred::OtherRealm => {
            let what = format!(
                "The app {} is in the realm {} and the user in the realm {}: nothing crosses realms.",
                app.name, app.realm, user.realm
            );
            finding("other_realm", true, what)
        }
        Barred::AppDisabled => {
            finding("app_disabled", true, format!("The app {} is switched off.", app.name))
        }
        Barred::UserNotActive => {
            let why = match user.status {
                UserStatus::Erasing => "is to be erased",
                UserStatus::Active | UserStatus::Disabled => "is switched off",
            };
            finding("user_not_active", true, format!("The user {why}, and reaches nothing."))
        }
    }
}

fn openness(app: &App) -> Finding {
    let settings = &app.forward_auth;
    if settings.open {
        let scopes = with(&settings.scopes);
        let what = format!(
            "The app {} is open to everybody of the realm {} who is signed in, {scopes}.",
            app.name, app.realm
        );
        finding("open", true, what)
    } else {
        finding(
            "not_open",
            false,
            format!("The app {} is not open to everybody: it takes a grant.", app.name),
        )
    }
}

fn role(question: &Question<'_>) -> Finding {
    let (realm, app) = (&question.user.realm, question.app);
    match (question.membership.role, question.admins_hold_every_app) {
        (Role::Admin, true) => {
            let scopes = with(&app.forward_auth.scopes);
            let what = format!(
                "The user is an administrator, and those of the realm {realm} hold every app of it, {scopes}."
            );
            finding("admin", true, what)
        }
        (Role::Admin, false) => {
            let what = format!(
                "The user is an administrator, and the realm {realm} does not let administrators hold every app \
                 (admins_hold_every_app)."
            );
            finding("admin_without_apps", false, what)
        }
        (Role::User, _) => finding("no_admin", false, "The user is no administrator.".to_owned()),
    }
}

fn granted(question: &Question<'_>, grant: &Grant) -> Option<Finding> {
    let who = match &grant.holder {
        Holder::User(_) => "The user holds".to_owned(),
        Holder::Group(group) => format!("The group {group}, which the user is in, holds"),
        Holder::Address(_) => "An address of the user holds".to_owned(),
        Holder::Everybody => format!("Everybody of the realm {} holds", grant.realm),
    };
    let what = match &grant.target {
        Target::App(app) => format!("the app {app}"),
        Target::Group(group) => format!("the group of apps {group}, which {} is in", question.app.name),
    };
    let from = if grant.declared { "in the configuration file".to_owned() } else { grant.id.to_string() };
    let scopes = with(&grant.scopes);
    let end = grant.expires_at.map(rfc3339);
    match (question.bearing(grant), end) {
        (Bearing::Elsewhere, _) => None,
        (Bearing::Counts, None) => {
            Some(finding("grant", true, format!("{who} a grant ({from}) for {what}, {scopes}.")))
        }
        (Bearing::Counts, Some(end)) => {
            let detail = format!("{who} a grant ({from}) for {what}, {scopes}, until {end}.");
            Some(finding("grant", true, detail))
        }
        (Bearing::Over, end) => {
            let end = end.unwrap_or_default();
            let who = who.replace(" holds", " held");
            Some(finding(
                "grant_over",
                false,
                format!("{who} a grant ({from}) for {what}: it ended at {end}."),
            ))
        }
    }
}

fn nothing(question: &Question<'_>) -> Finding {
    let groups = listed(&question.membership.groups, "who is in no group", "or to their groups");
    let app = &question.app.name;
    let of_app =
        listed(&question.app.forward_auth.groups, "which is in no group of apps", "or for its groups");
    finding(
        "no_grant",
        false,
        format!("Nothing is granted to the user ({groups}) for the app {app} ({of_app})."),
    )
}

fn listed(groups: &[GroupName], none: &str, some: &str) -> String {
    if groups.is_empty() {
        return none.to_owned();
    }
    let names: Vec<_> = groups.iter().map(GroupName::as_str).collect();
    format!("{some} {}", names.join(", "))
}

fn with(scopes: &Scopes) -> String {
    if scopes.is_empty() { "without any scope".to_owned() } else { format!("with the scopes {scopes}") }
}
