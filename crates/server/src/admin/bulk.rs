//! Users brought in and given out in bulk, as lines of JSON. A bad batch is refused as a whole unless it is asked
//! otherwise; whoever is given out can see that in what is told about them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use axum::{
    Router,
    extract::{FromRequestParts, Query, Request, State},
    routing::{get, post},
};
use countersign_domain::{
    changes::Changes,
    event::{Event, EventKind},
    id::UserId,
    realm::RealmName,
    secret::Digest,
    user::{IdentifierKind, User, UserStatus},
    vault::Vault as _,
};
use http::{StatusCode, request::Parts};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{List, Operator, Page, list_query, membership, realms, users::told};
use crate::{
    accounts::{open_identifier, open_profile},
    api::{Answer, answer, rfc3339},
    call::body,
    error::{ApiError, BodyError},
    fields::Fields as _,
    metadata::Kept,
    newcomer::{GivenEmail, GivenMetadata, GivenPerson, Newcomer},
    state::Server,
};

/// Lines of one batch.
pub const MOST_LINES: usize = 1_000;
/// Longest batch in bytes.
pub const LONGEST_BATCH: usize = 2 * 1024 * 1024;
/// What a batch says that it is.
const LINES_OF_JSON: [&str; 2] = ["application/x-ndjson", "application/jsonl"];

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v1/admin/users/import", post(import)).route("/v1/admin/users/export", get(export))
}

/// How a batch is taken.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Into which realm: that of the key, or `default`, where absent.
    #[serde(default)]
    realm: Option<String>,
    /// Takes the good lines of a batch that has bad ones.
    #[serde(default)]
    partial: bool,
    /// Looks at every line and takes none.
    #[serde(default)]
    dry_run: bool,
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportedBody {
    /// `imported`, `refused` (a line is bad, and none was taken) or `checked` (it was asked only to look).
    pub outcome: &'static str,
    /// How many lines there are, empty ones not counted.
    pub lines: usize,
    /// How many users were made.
    pub imported: usize,
    /// What is wrong, by line.
    pub problems: Vec<LineProblem>,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LineProblem {
    /// Which, counted from 1, empty ones too.
    pub line: usize,
    /// A stable code: `malformed_json`, `invalid_request`, `invalid_member`, `duplicate`, `address_taken`,
    /// `passwords_off`.
    pub code: &'static str,
    /// The member that is meant, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<&'static str>,
    /// What to do. It repeats nothing of the line.
    pub detail: String,
}

/// A line that is not empty, and what it says.
struct Line {
    number: usize,
    read: Result<Newcomer, LineProblem>,
}

impl FromRequestParts<Arc<Server>> for ImportQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Server>) -> Result<Self, ApiError> {
        let query = Query::<Self>::try_from_uri(&parts.uri);
        query.map(|Query(query)| query).map_err(|error| ApiError::invalid("partial", error.body_text()))
    }
}

/// Bring users in, a line of JSON for each (`GivenPerson`): up to 1000 lines and 2 MiB.
#[utoipa::path(post, path = "/v1/admin/users/import", operation_id = "import_users", tag = "users",
    request_body(content = String, content_type = "application/x-ndjson", description = "A line for each"),
    params(ImportQuery),
    responses((status = 200, description = "What became of each line", body = ImportedBody)))]
pub(crate) async fn import(
    State(server): State<Arc<Server>>,
    operator: Operator,
    query: ImportQuery,
    request: Request,
) -> Answer<ImportedBody> {
    let realm = operator.choose(query.realm.as_deref())?;
    let media_type = request.headers().single("content-type")?.unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !LINES_OF_JSON.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        return Err(ApiError::Body(BodyError::MediaType("Content-Type: application/x-ndjson")));
    }
    let bytes = body(request, LONGEST_BATCH).await?;
    let mut lines = read(&server, &realm, &bytes)?;
    if let Operator::Person(_) = operator {
        refuse_passwords(&mut lines);
    }
    for newcomer in lines.iter().filter_map(|line| line.read.as_ref().ok()) {
        membership::may_make(&server, &operator, &realm, newcomer.role())?;
    }
    let (this, realm, lines, query) = (&server, &realm, &lines, &query);
    let imported = server
        .decide(|| async move {
            realms::hold(this, realm).await?.ok_or_else(realms::unknown)?;
            decide(this, realm, lines, query).await
        })
        .await?;
    Ok(answer(StatusCode::OK, imported))
}

async fn decide(
    server: &Server,
    realm: &RealmName,
    lines: &[Line],
    query: &ImportQuery,
) -> Result<(ImportedBody, Changes), ApiError> {
    let (mut changes, mut problems, mut imported) = (Changes::default(), Vec::new(), 0);
    let mut random = server.random();
    for line in lines {
        match &line.read {
            Err(problem) => problems.push(problem.clone()),
            Ok(newcomer) if newcomer.is_known(server, realm).await? => problems.push(LineProblem {
                line: line.number,
                code: "address_taken",
                member: Some("emails"),
                detail: "somebody of the realm has an address of these".to_owned(),
            }),
            Ok(newcomer) => {
                let user = newcomer.become_user(server, realm, &mut *random, &mut changes)?;
                newcomer.keep_metadata(server, &user, &mut changes).await?;
                imported += 1;
            }
        }
    }
    let is_refused = !query.partial && !problems.is_empty();
    let outcome = match (query.dry_run, is_refused) {
        (true, _) => "checked",
        (false, true) => "refused",
        (false, false) => "imported",
    };
    if outcome != "imported" {
        (changes, imported) = (Changes::default(), 0);
    } else if imported > 0 {
        changes.push(Event::new(EventKind::UsersImported).within(realm).on(&imported.to_string()).into());
    }
    Ok((ImportedBody { outcome, lines: lines.len(), imported, problems }, changes))
}

/// Every line that is not empty; what is wrong with one says nothing about the others.
fn read(server: &Server, realm: &RealmName, bytes: &[u8]) -> Result<Vec<Line>, ApiError> {
    let mut lines: Vec<Line> = Vec::new();
    for (place, text) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if text.trim_ascii().is_empty() {
            continue;
        }
        if lines.len() == MOST_LINES {
            return Err(ApiError::Body(BodyError::Shape(format!("at most {MOST_LINES} lines at once"))));
        }
        let number = place + 1;
        lines.push(Line {
            number,
            read: read_line(server, realm, text).map_err(|error| problem(number, &error)),
        });
    }
    note_duplicates(&mut lines);
    Ok(lines)
}

fn read_line(server: &Server, realm: &RealmName, text: &[u8]) -> Result<Newcomer, ApiError> {
    let given: GivenPerson = serde_json::from_slice(text).map_err(|error| {
        ApiError::Body(match error.classify() {
            serde_json::error::Category::Data => BodyError::Shape(error.to_string()),
            _ => BodyError::Malformed(format!("it is not JSON, as its column {} shows", error.column())),
        })
    })?;
    let newcomer = Newcomer::read(&given, server.now())?;
    newcomer.check_password(server, realm)?;
    newcomer.check_metadata(server, realm)?;
    Ok(newcomer)
}

fn problem(line: usize, error: &ApiError) -> LineProblem {
    let member = match error {
        ApiError::InvalidMember { member, .. } => Some(*member),
        _ => None,
    };
    let detail = error.detail().unwrap_or_else(|| error.title().to_owned());
    LineProblem { line, code: error.code(), member, detail }
}

/// A person with a role chooses no secret of somebody else: only commands and keys bring passwords along.
fn refuse_passwords(lines: &mut [Line]) {
    for line in lines {
        if line.read.as_ref().is_ok_and(|newcomer| newcomer.password_hash.is_some()) {
            let why = "passwords are brought along by the command countersign user import alone";
            line.read = Err(problem(line.number, &ApiError::invalid("password_hash", why)));
        }
    }
}

/// A line with an address of an earlier one is bad, and says which.
fn note_duplicates(lines: &mut [Line]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for line in lines {
        let Ok(newcomer) = &line.read else { continue };
        let addresses: HashSet<String> =
            newcomer.addresses().map(|address| address.canonical().to_owned()).collect();
        if let Some(first) = addresses.iter().find_map(|address| seen.get(address)) {
            let detail = format!("line {first} has an address of these");
            let member = Some("emails");
            line.read = Err(LineProblem { line: line.number, code: "duplicate", member, detail });
            continue;
        }
        seen.extend(addresses.into_iter().map(|address| (address, line.number)));
    }
}

/// Give users out with their addresses. Each of them can see that somebody looked.
#[utoipa::path(get, path = "/v1/admin/users/export", operation_id = "export_users", tag = "users",
    params(ExportMembers),
    responses((status = 200, description = "The users", body = List<GivenPerson>)))]
pub(crate) async fn export(
    State(server): State<Arc<Server>>,
    operator: Operator,
    query: ExportQuery,
) -> Answer<List<GivenPerson>> {
    let realm = operator.choose(query.realm.as_deref())?;
    let after = match &query.page.after {
        Some(id) => id.parse().map_err(|error| ApiError::invalid("after", format!("{error}")))?,
        None => UserId::from_bytes([0; 16]),
    };
    let most = i64::try_from(query.page.limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut users = server.store.users_after(&realm, after, most).await?;
    let more = users.len() > query.page.limit;
    users.truncate(query.page.limit);
    let next = users.last().filter(|_| more).map(|user| user.id.to_string());
    // Who is being erased is not carried on.
    users.retain(|user| user.status != UserStatus::Erasing);
    let mut items = Vec::with_capacity(users.len());
    for user in &users {
        items.push(given_out(&server, user).await?);
    }
    // Written before anything is shown.
    let (realm, users) = (&realm, &users);
    server
        .decide(|| async move {
            let mut changes = Changes(users.iter().map(|user| told(EventKind::UserRead, user)).collect());
            if !users.is_empty() {
                let count = users.len().to_string();
                changes.push(Event::new(EventKind::UsersExported).within(realm).on(&count).into());
            }
            Ok(((), changes))
        })
        .await?;
    Ok(answer(StatusCode::OK, List { items, next }))
}

/// Which users are given out.
#[derive(Clone, Debug)]
pub struct ExportQuery {
    realm: Option<String>,
    page: Page,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportMembers {
    /// Of which realm: that of the key, or `default`, where absent.
    #[serde(default)]
    realm: Option<String>,
    /// What the former part named as `next`.
    #[serde(default)]
    after: Option<String>,
    /// At most so many: 1 to 200, 50 by default.
    #[serde(default = "super::usual_limit")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: usize,
}

impl FromRequestParts<Arc<Server>> for ExportQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Server>) -> Result<Self, ApiError> {
        let ExportMembers { realm, after, limit } =
            list_query(&parts.uri, |members: &ExportMembers| members.limit)?;
        Ok(Self { realm, page: Page { after, limit } })
    }
}

async fn given_out(server: &Server, user: &User) -> Result<GivenPerson, ApiError> {
    let mut emails = Vec::new();
    for identifier in server.store.identifiers_of(user.id).await? {
        if identifier.kind == IdentifierKind::Email {
            let address = open_identifier(server, &identifier)?;
            emails.push(GivenEmail { address, verified: identifier.verified_at.is_some() });
        }
    }
    let profile = open_profile(server, user)?;
    Ok(GivenPerson {
        id: Some(user.id.to_string()),
        emails,
        role: profile.role().into(),
        groups: profile.groups,
        display_name: profile.display_name,
        locale: profile.locale,
        status: user.status.into(),
        created_at: Some(rfc3339(user.created_at)),
        password_hash: None,
        metadata: metadata_of(server, user).await?,
    })
}

/// What apps keep with a user, by the first app of each sector that is still there.
async fn metadata_of(server: &Server, user: &User) -> Result<BTreeMap<String, GivenMetadata>, ApiError> {
    let mut all = BTreeMap::new();
    for known in server.store.subjects_of(user.id).await? {
        let (Kept { public, private }, _) = Kept::of(server, known.subject).await?;
        let is_kept = !public.is_empty() || !private.is_empty();
        if let Some(app) = first_app(server, &user.realm, known.sector).filter(|_| is_kept) {
            all.insert(app, GivenMetadata { public, private });
        }
    }
    Ok(all)
}

fn first_app(server: &Server, realm: &RealmName, sector: Digest) -> Option<String> {
    let registry = server.registry.load();
    let of_sector = registry.apps().into_iter().filter(|app| {
        app.realm == *realm && app.accounts.is_some() && server.keys.sector(&app.sector) == sector
    });
    of_sector.map(|app| app.name.to_string()).min()
}
