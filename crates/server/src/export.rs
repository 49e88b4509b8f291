//! Everything that is held about a person, as JSON. Whatever else comes to be kept about people is added to [`export`]
//! here, and nowhere else. What is gone by itself within two days (challenges, counters, waiting mails) is not in it.

use countersign_domain::{assurance::Method, grant::Target, session::Session, user::User};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    accounts::{open_device, open_identifier, open_profile},
    api::{
        events::{LATEST, MyEventBody, MyEventsBody, events_of},
        identifiers::IdentifierBody,
        my_app_passwords::AppPasswordBody,
        my_credentials::CredentialBody,
        rfc3339,
    },
    error::ApiError,
    grants,
    metadata::{Kept, Object},
    state::Server,
};

/// Events of one export.
const MOST_EVENTS: i64 = 1_000;

/// Everything that is held about a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportBody {
    /// Names the user.
    pub id: String,
    /// The realm it lives in.
    pub realm: String,
    /// `active`, `disabled` or `erasing`.
    pub status: &'static str,
    /// As others see it.
    pub display_name: Option<String>,
    /// The language they want to be written to in.
    pub locale: Option<String>,
    /// `user` or `admin`.
    pub role: &'static str,
    /// The groups that they are in.
    pub groups: Vec<String>,
    /// What they were granted the use of, themselves.
    pub grants: Vec<ExportedGrant>,
    /// When the account was made.
    pub created_at: String,
    /// When the person signed in last.
    pub signed_in_at: String,
    /// What they are found by.
    pub identifiers: Vec<IdentifierBody>,
    /// How apps know them, and what these keep with them.
    pub subjects: Vec<ExportedSubject>,
    /// What they sign in with beside mails, without its secrets.
    pub credentials: Vec<CredentialBody>,
    /// What they gave to clients that send a name and a password, without what is secret.
    pub app_passwords: Vec<AppPasswordBody>,
    /// Where they are signed in.
    pub sessions: Vec<ExportedSession>,
    /// What can still be taken back.
    pub undos: Vec<ExportedUndo>,
    /// When the password was chosen, where there is one. Of itself nothing is kept that could be shown.
    pub password_made_at: Option<String>,
    /// What happened around the account, newest first: the newest 1000.
    pub events: Vec<MyEventBody>,
    /// Where there are more events: what to ask `/v1/me/events` for as `before` to have earlier ones.
    pub events_before: Option<String>,
}

/// How apps know a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedSubject {
    /// The pseudonym.
    pub subject: String,
    /// The apps of the sector, as far as there still are any.
    pub apps: Vec<String>,
    /// What they keep for the person to see.
    #[schema(value_type = Object)]
    pub public: Object,
    /// What they keep for themselves.
    #[schema(value_type = Object)]
    pub private: Object,
}

/// The use of something.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedGrant {
    /// The app.
    pub app: Option<String>,
    /// The group of apps.
    pub app_group: Option<String>,
    /// What the app learns of the person.
    pub scopes: Vec<String>,
    /// When it was given.
    pub given_at: String,
    /// When it ends.
    pub expires_at: Option<String>,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedSession {
    /// Names it.
    pub id: String,
    /// The app that was signed in to.
    pub app: String,
    /// The approximate name of the device.
    pub device: Option<String>,
    /// How the person was known (RFC 8176).
    pub methods: Vec<&'static str>,
    /// When that was.
    pub proven_at: String,
    /// When it began.
    pub created_at: String,
    /// When it was used last, roughly.
    pub used_at: String,
    /// When it ends in any case.
    pub expires_at: String,
}

/// Something that can still be taken back.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedUndo {
    /// `address`, `erasure` or `sign_in`.
    pub kind: &'static str,
    /// When it happened.
    pub created_at: String,
    /// Until when it can be taken back.
    pub expires_at: String,
}

/// Reads everything. One line for each noun.
///
/// # Errors
/// The store's, or [`ApiError::Internal`] when something sealed does not open.
pub async fn export(server: &Server, user: &User) -> Result<ExportBody, ApiError> {
    let profile = open_profile(server, user)?;
    let password = server.store.password(user.id).await?;
    let MyEventsBody { items: events, next: events_before } =
        events_of(server, user.id, LATEST, MOST_EVENTS).await?;
    Ok(ExportBody {
        id: user.id.to_string(),
        realm: user.realm.to_string(),
        status: user.status.name(),
        role: profile.role().name(),
        groups: profile.groups,
        grants: granted(server, user).await?,
        display_name: profile.display_name,
        locale: profile.locale,
        created_at: rfc3339(user.created_at),
        signed_in_at: rfc3339(user.signed_in_at),
        identifiers: identifiers(server, user).await?,
        subjects: subjects(server, user).await?,
        credentials: credentials(server, user).await?,
        app_passwords: app_passwords(server, user).await?,
        sessions: server
            .store
            .sessions_of(user.id)
            .await?
            .iter()
            .map(|session| of(server, session))
            .collect(),
        undos: undos(server, user).await?,
        password_made_at: password.map(|password| rfc3339(password.made_at)),
        events,
        events_before,
    })
}

async fn identifiers(server: &Server, user: &User) -> Result<Vec<IdentifierBody>, ApiError> {
    let all = server.store.identifiers_of(user.id).await?;
    all.iter().map(|known| Ok(IdentifierBody::of(known, open_identifier(server, known)?))).collect()
}

async fn subjects(server: &Server, user: &User) -> Result<Vec<ExportedSubject>, ApiError> {
    let mut subjects = Vec::new();
    for known in server.store.subjects_of(user.id).await? {
        let (kept, _) = Kept::of(server, known.subject).await?;
        let registry = server.registry.load();
        let apps = registry.apps();
        let of_sector = apps.iter().filter(|app| {
            use countersign_domain::vault::Vault as _;
            app.realm == user.realm && server.keys.sector(&app.sector) == known.sector
        });
        subjects.push(ExportedSubject {
            subject: known.subject.to_string(),
            apps: of_sector.map(|app| app.name.to_string()).collect(),
            public: kept.public,
            private: kept.private,
        });
    }
    Ok(subjects)
}

async fn credentials(server: &Server, user: &User) -> Result<Vec<CredentialBody>, ApiError> {
    let all = server.store.credentials_of(user.id).await?;
    all.iter().map(|credential| CredentialBody::of(server, credential)).collect()
}

async fn app_passwords(server: &Server, user: &User) -> Result<Vec<AppPasswordBody>, ApiError> {
    let all = server.store.app_passwords_of(user.id).await?;
    all.iter().map(|one| AppPasswordBody::of(server, one)).collect()
}

async fn granted(server: &Server, user: &User) -> Result<Vec<ExportedGrant>, ApiError> {
    let body = |kept: grants::Kept| {
        let (app, app_group) = match &kept.grant.target {
            Target::App(app) => (Some(app.to_string()), None),
            Target::Group(group) => (None, Some(group.to_string())),
        };
        ExportedGrant {
            app,
            app_group,
            scopes: kept.grant.scopes.iter().map(ToString::to_string).collect(),
            given_at: rfc3339(kept.given_at),
            expires_at: kept.grant.expires_at.map(rfc3339),
        }
    };
    Ok(grants::granted_to(server, user).await?.into_iter().map(body).collect())
}

async fn undos(server: &Server, user: &User) -> Result<Vec<ExportedUndo>, ApiError> {
    let all = server.store.undos_of(user.id).await?;
    let body = |undo: countersign_domain::undo::Undo| ExportedUndo {
        kind: undo.kind.name(),
        created_at: rfc3339(undo.created_at),
        expires_at: rfc3339(undo.expires_at),
    };
    Ok(all.into_iter().map(body).collect())
}

fn of(server: &Server, session: &Session) -> ExportedSession {
    ExportedSession {
        id: session.id.to_string(),
        app: session.app.to_string(),
        device: open_device(server, session),
        methods: session.assurance.methods.iter().map(Method::name).collect(),
        proven_at: rfc3339(session.assurance.proven_at),
        created_at: rfc3339(session.created_at),
        used_at: rfc3339(session.used_at),
        expires_at: rfc3339(session.expires_at),
    }
}
