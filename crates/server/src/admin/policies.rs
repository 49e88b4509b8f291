//! What an app's policy is, where each part of it comes from, and every way that a sign-in of somebody can take with the
//! reason for each step. Of people it tells the kinds of what they have, nothing else. It decides nothing.

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRequestParts, Query, State},
    routing::get,
};
use countersign_domain::{
    app::{AccountPolicy, App, SignUp},
    assurance::{Level, Method, Methods},
    credential::CredentialKind,
    policy::{Holdings, Policy, Step, Verdict},
    time::Span,
    user::{User, UserStatus},
};
use http::{StatusCode, request::Parts};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use super::{Operator, realms, users};
use crate::{
    api::{Answer, answer},
    call::Named,
    error::ApiError,
    state::Server,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/admin/apps/{app}/policy", get(of_newcomer))
        .route("/v1/admin/users/{id}/policy", get(of_user))
}

/// Which sign-in is meant.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PolicyQuery {
    /// What is proven already, with commas between: `mail` (or `code`, `link`), `password`, `passkey`, `security_key`,
    /// `totp`, `recovery_code`. Only what the person has.
    #[serde(default)]
    proven: Option<String>,
    /// The level that the app asks for (`acr_values`): `mailbox`, `aal1`, `aal2`.
    #[serde(default)]
    asked: Option<String>,
}

/// Which sign-in of a user is meant.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UserPolicyQuery {
    /// The app to sign in to.
    app: String,
    /// What is proven already, with commas between: `mail` (or `code`, `link`), `password`, `passkey`, `security_key`,
    /// `totp`, `recovery_code`. Only what the person has.
    #[serde(default)]
    proven: Option<String>,
    /// The level that the app asks for (`acr_values`): `mailbox`, `aal1`, `aal2`.
    #[serde(default)]
    asked: Option<String>,
    /// Whether it is from a browser that the person trusts.
    #[serde(default)]
    trusted: bool,
}

/// A policy and what it means for somebody.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyBody {
    /// The app.
    pub app: String,
    /// Its realm.
    pub realm: String,
    /// What may be proven first.
    pub start: StartPart,
    /// The level that every session has at least.
    pub least: LeastPart,
    /// For how long a browser that the person trusts stands in for a second factor.
    pub trusted_device_days: TrustPart,
    /// `standard`, or `asvs-l3`: two factors always, and mails as a beginning always, since they prove an address.
    pub profile: &'static str,
    /// The level that the app asks for with this sign-in.
    pub asked: &'static str,
    /// The level that follows from all of that.
    pub wanted: &'static str,
    /// Who signs in; absent for somebody new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonBody>,
    /// Every step that the sign-in can come to, each before those that follow from it.
    pub walk: Vec<StepBody>,
    /// What beside the policy decides about this sign-in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What may be proven first, and who says so.
#[derive(Debug, Serialize, ToSchema)]
pub struct StartPart {
    /// `passkey`, `password`, `mail`.
    pub value: Vec<&'static str>,
    /// `app`, `realm` or `default`.
    pub from: &'static str,
}

/// The least level, and who says so.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeastPart {
    /// `mailbox`, `aal1` or `aal2`.
    pub value: &'static str,
    /// `app`, `realm` or `default`.
    pub from: &'static str,
}

/// For how long trusted browsers count, and who says so.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrustPart {
    /// In days; 0 where no browser is trusted.
    pub value: i64,
    /// `app`, `realm` or `default`.
    pub from: &'static str,
}

/// A person, by what they could prove.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonBody {
    /// The user.
    pub id: String,
    /// `active`, `disabled` or `erasing`.
    pub status: &'static str,
    /// The kinds of what they have beside mails.
    pub has: Vec<&'static str>,
}

/// A step of a sign-in.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepBody {
    /// What is proven, in this order.
    pub proven: Vec<&'static str>,
    /// The level that it reaches; absent where nothing is proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<&'static str>,
    /// `enough`, `more` or `enrol`.
    pub verdict: &'static str,
    /// With `more`: any of these comes next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<&'static str>,
    /// With `enrol`: any of these has to be made, and is enough then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub enrol: Vec<&'static str>,
    /// The rule that decided, as a sentence.
    pub why: String,
}

/// What a query asks for, with the usual refusal where it does not read.
pub(crate) struct Asked<T>(T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Server>> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Server>) -> Result<Self, ApiError> {
        let read = Query::<T>::try_from_uri(&parts.uri);
        read.map(|Query(query)| Self(query)).map_err(|error| ApiError::invalid("query", error.body_text()))
    }
}

/// What a sign-in to an app takes of somebody new, and why.
#[utoipa::path(get, path = "/v1/admin/apps/{app}/policy", operation_id = "explain_policy", tag = "apps",
    params(("app" = String, Path, description = "Its name"), PolicyQuery),
    responses((status = 200, description = "The policy and every way through it", body = PolicyBody)))]
pub(crate) async fn of_newcomer(
    State(server): State<Arc<Server>>,
    operator: Operator,
    Named(app): Named,
    Asked(query): Asked<PolicyQuery>,
) -> Answer<PolicyBody> {
    let app = operator.app(&server, &app)?;
    Ok(answer(StatusCode::OK, explain(&server, &app, None, &query).await?))
}

/// What a sign-in to an app takes of a user, and why. Secrets and names of what they have are not told, kinds are.
#[utoipa::path(get, path = "/v1/admin/users/{id}/policy", operation_id = "explain_user_policy", tag = "users",
    params(("id" = String, Path, description = "The user"), UserPolicyQuery),
    responses((status = 200, description = "The policy and every way through it", body = PolicyBody)))]
pub(crate) async fn of_user(
    State(server): State<Arc<Server>>,
    operator: Operator,
    Named(id): Named,
    Asked(UserPolicyQuery { app, proven, asked, trusted }): Asked<UserPolicyQuery>,
) -> Answer<PolicyBody> {
    let user = users::find(&server, &id).await?;
    let app = operator.app(&server, &app).map_err(|_| ApiError::invalid("app", "there is no such app"))?;
    if app.realm != user.realm {
        return Err(ApiError::invalid("app", "the app and the user are in different realms"));
    }
    let policy = server.policy(&app);
    if trusted && policy.trust <= Span::ZERO {
        let why = "no browser is trusted: policy.trusted_device_days is 0";
        return Err(ApiError::invalid("trusted", why));
    }
    let held = Holdings { is_trusted: trusted, ..server.holdings(&app.realm, user.id).await? };
    let query = PolicyQuery { proven, asked };
    Ok(answer(StatusCode::OK, explain(&server, &app, Some((&user, held)), &query).await?))
}

async fn explain(
    server: &Server,
    app: &App,
    user: Option<(&User, Holdings)>,
    query: &PolicyQuery,
) -> Result<PolicyBody, ApiError> {
    let Some(accounts) = &app.accounts else {
        return Err(ApiError::invalid(
            "app",
            "it has no accounts (say accounts = \"realm\"): a mailed code or link is all there is, and always enough",
        ));
    };
    let policy = server.policy(app);
    let (user, held) = user.map_or_else(Default::default, |(user, held)| (Some(user), held));
    let asked = query.asked()?;
    let proven = query.proven(held)?;
    let realm = server.realm(&app.realm);
    let of_realm = realms::body_of(server, app.realm.as_str()).await.map(|body| body.settings.policy);
    let of_realm = of_realm.unwrap_or_default();
    let is_taken = |method: &Method| realm.passwords || *method != Method::Password;
    Ok(PolicyBody {
        app: app.name.to_string(),
        realm: app.realm.to_string(),
        start: StartPart {
            value: names(policy.beginnings().into_iter().filter(is_taken)),
            from: origin(accounts.start.is_some(), of_realm.start.is_some()),
        },
        least: LeastPart {
            value: policy.least.word(),
            from: origin(accounts.least.is_some(), of_realm.least.is_some()),
        },
        trusted_device_days: TrustPart {
            value: policy.trust.millis() / Span::from_hours(24).millis(),
            from: origin(accounts.trust.is_some(), of_realm.trusted_device_days.is_some()),
        },
        profile: if policy.is_strict { "asvs-l3" } else { "standard" },
        asked: asked.word(),
        wanted: policy.wanted(asked).word(),
        person: user.map(|user| PersonBody {
            id: user.id.to_string(),
            status: user.status.name(),
            has: held.methods.iter().map(Method::name).collect(),
        }),
        walk: policy.walk(proven, held, asked).iter().map(|step| step_body(step, &is_taken)).collect(),
        notes: notes(app, accounts, user, (&policy, proven)),
    })
}

impl PolicyQuery {
    fn asked(&self) -> Result<Level, ApiError> {
        let Some(word) = &self.asked else { return Ok(Level::Mailbox) };
        let named = |level: &Level| level.word() == word || level.acr() == word;
        let found = Level::ALL.into_iter().find(named);
        found.ok_or_else(|| ApiError::invalid("asked", "expected mailbox, aal1 or aal2"))
    }

    fn proven(&self, held: Holdings) -> Result<Methods, ApiError> {
        let words = self.proven.iter().flat_map(|words| words.split(',')).map(str::trim);
        words.filter(|word| !word.is_empty()).try_fold(Methods::NONE, |all, word| {
            let method = if word == "mail" { Some(Method::Code) } else { Method::from_name(word) };
            let expected = "expected mail, password, passkey, security_key, totp or recovery_code";
            let method = method.ok_or_else(|| ApiError::invalid("proven", format!("{word}: {expected}")))?;
            if matches!(method, Method::Code | Method::Link) || held.methods.has(method) {
                Ok(all.with(method))
            } else {
                Err(ApiError::invalid("proven", format!("{word}: the person has none to prove it with")))
            }
        })
    }
}

/// Who says it.
fn origin(is_apps: bool, is_realms: bool) -> &'static str {
    match (is_apps, is_realms) {
        (true, _) => "app",
        (false, true) => "realm",
        (false, false) => "default",
    }
}

/// Methods in the words of `/v1/sign-in`, where codes and links are both mails.
fn names(methods: impl Iterator<Item = Method>) -> Vec<&'static str> {
    let mut names = Vec::new();
    for method in methods {
        let name = if matches!(method, Method::Code | Method::Link) { "mail" } else { method.name() };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn step_body(step: &Step, is_taken: &impl Fn(&Method) -> bool) -> StepBody {
    let judgement = &step.judgement;
    let (verdict, next, enrol) = match &judgement.verdict {
        Verdict::Enough => ("enough", Vec::new(), Vec::new()),
        Verdict::More(methods) => ("more", names(methods.iter().copied().filter(is_taken)), Vec::new()),
        Verdict::Enrol(kinds) => {
            ("enrol", Vec::new(), kinds.iter().copied().map(CredentialKind::name).collect())
        }
    };
    StepBody {
        proven: names(step.proven.iter().copied()),
        level: (!step.proven.is_empty()).then(|| judgement.proven.level().word()),
        verdict,
        next,
        enrol,
        why: judgement.why(),
    }
}

/// What else keeps somebody out, or is to be known.
fn notes(
    app: &App,
    accounts: &AccountPolicy,
    user: Option<&User>,
    (policy, proven): (&Policy, Methods),
) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |applies: bool, text: &str| {
        if applies {
            notes.push(text.to_owned());
        }
    };
    note(app.disabled, "The app is switched off: nobody signs in to it.");
    match user {
        Some(user) => {
            note(user.status == UserStatus::Disabled, "The person is switched off, and let in nowhere.")
        }
        None => {
            note(accounts.sign_up == SignUp::Closed, "Nobody new is let in (sign_up = \"closed\").");
            note(
                accounts.sign_up == SignUp::Invitation,
                "Only who is invited is let in (sign_up = \"invitation\").",
            );
            let is_some = matches!(accounts.sign_up, SignUp::Domains(_));
            note(is_some, "Only who has a mailbox at one of sign_up_domains is let in.");
            note(!policy.has_mail(), "Who has nothing but a mailbox cannot begin: policy.start has no mail.");
        }
    }
    let begins = policy.beginnings().into_iter().any(|method| proven.has(method));
    note(
        !proven.is_empty() && !begins,
        "No sign-in to this app begins so: this is what a session that has proven it would need.",
    );
    notes
}
