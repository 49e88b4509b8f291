//! `GET /verify/{app}`: may whoever made this request use that service? A reverse proxy asks for each request, so what
//! was found once is answered from memory, around the router. Who is not remembered is looked for on the usual way.

mod answer;
mod asker;
mod assertion;
mod cache;
mod find;
mod identity;
mod known;
mod question;
mod settings;

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use countersign_domain::{
    app::App,
    forward_auth::{Accepted, Asked, Needed, SignInMode},
    time::Timestamp,
};
use http::HeaderMap;

use self::{
    answer::Refused,
    asker::Asker,
    find::{Found, Moment},
    identity::Told,
    known::{Known, Usable},
    question::{Forwarded, Shown, shown},
};
pub use self::{
    asker::Door,
    cache::KnownCache,
    identity::{ASSERTION, EMAIL, GROUPS, NAME, ROLE, SUBJECT, USER},
    question::{PREFIX, Question},
    settings::Settings,
};
use crate::{
    client_address::peer_of,
    error::ApiError,
    fields::Fields,
    listener::{Answer, Peer},
    state::Server,
};

/// The route of this file, behind this door.
pub fn routes(door: Door) -> Router<Arc<Server>> {
    Router::new().route("/verify/{app}", get(verify)).layer(Extension(door))
}

/// May whoever made this request use this service? For reverse proxies; on a listener for them, or with the app's own key
/// in `Countersign-Key`. A secret key gets JSON.
#[utoipa::path(get, path = "/verify/{app}", operation_id = "verify_request", tag = "forward-auth",
    params(("app" = String, Path, description = "The app"),
        ("refuse" = Option<u16>, Query, description = "401, 403 or 404 in place of a refusal's own status"),
        ("Countersign-Key" = Option<String>, Header, description = "The app's proxy key or secret key")),
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 200, description = "Yes: who it is, in the headers", body = answer::PresenceBody),
        (status = 302, description = "Nobody is signed in, and the app sends browsers to sign in"),
        (status = 401, description = "Somebody who has no grant, or nobody where the app says so"),
        (status = 404, description = "Nobody is signed in, or there is no such app")))]
pub async fn verify(
    State(server): State<Arc<Server>>,
    Extension(door): Extension<Door>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let Some(question) = Question::parse(parts.uri.path(), parts.uri.query()) else {
        return ApiError::NotFound.into_response();
    };
    let asker = match Asker::of(&server, door, (&question, &parts.headers)) {
        Ok(asker) => asker,
        Err(error) => return error.into_response(),
    };
    server.metrics.verify_checks.inc();
    let moment = Moment::now(&server);
    let proxies = moment.registry.proxies();
    let is_trusted = proxies.trusts(&peer_of(&parts));
    let forwarded = Forwarded::read(&parts.headers, is_trusted);
    // Whoever asks is a proxy or a service, and never whom it asks for: where it names nobody, rules know no network.
    let address = is_trusted.then(|| proxies.named(&parts.headers)).flatten();
    let asked = Asked { address, ..forwarded.asked() };
    let outcome = judge(&server, &moment, &question, (&parts.headers, &asked)).await;
    let told = |app: &App, known: &Known| {
        let written = answer::allowed(&server, app, known, (asker, server.now()));
        written.unwrap_or_else(|error| error.into_response())
    };
    let refused = match outcome {
        Ok(Verdict::Yes(app, known)) => return told(&app, &known),
        Ok(Verdict::Renewal(app, known)) => {
            let sent = answer::to_renew(&server, &app, &question, (&parts.headers, &forwarded));
            return sent.unwrap_or_else(|| told(&app, &known));
        }
        Ok(Verdict::Nobody) => return answer::nobody_needed(),
        Ok(Verdict::No(refused)) => refused,
        Err(error) => return error.into_response(),
    };
    server.metrics.verify_refused.inc();
    answer::refused(&server, refused, &question, (&parts.headers, &forwarded))
}

/// Whether a browser that holds a registered device is to come by our pages, which alone can give it another secret.
fn needs_renewal(server: &Server, app: &App, known: &Known) -> bool {
    let now = server.now();
    app.forward_auth.sign_in == SignInMode::Redirect
        && known.is_renewal_due(now)
        && server.knows_revocations(now)
}

/// What is answered.
enum Verdict {
    /// Somebody who may.
    Yes(Arc<App>, Arc<Known>),
    /// Likewise, with a registered device that is to get another secret where a page is asked for.
    Renewal(Arc<App>, Arc<Known>),
    /// The request needs nobody.
    Nobody,
    /// It is refused.
    No(Refused),
}

async fn judge(
    server: &Arc<Server>,
    moment: &Moment,
    question: &Question<'_>,
    (headers, asked): (&HeaderMap, &Asked<'_>),
) -> Result<Verdict, ApiError> {
    let registry = &moment.registry;
    let settings = registry.forward_auth();
    let Some(app) = registry.app(question.app).filter(|app| !app.disabled) else {
        for shown in shown(headers, settings, Accepted::default()) {
            if find::is_somebody(server, shown).await? {
                return Ok(Verdict::No(Refused::NoApp));
            }
        }
        return Ok(Verdict::No(Refused::Nobody(None)));
    };
    let needed = app.forward_auth.needed(asked);
    let mut refused = Refused::Nobody(Some(Arc::clone(app)));
    for shown in shown(headers, settings, app.forward_auth.accepts) {
        let found = match remember(server, moment, app, shown).await {
            Ok(found) => found,
            // A request that needs nobody is let in whatever the database does.
            Err(_) if needed == Needed::Public => Found::Nobody,
            Err(error) => return Err(error),
        };
        match (found, needed) {
            (Found::Somebody(known), Needed::Public) => return Ok(Verdict::Yes(Arc::clone(app), known)),
            (Found::Somebody(known), Needed::Level(rule)) => {
                let least = rule.max(registry.least(app));
                if known.level() >= least {
                    let is_due = needs_renewal(server, app, &known);
                    let verdict = if is_due { Verdict::Renewal } else { Verdict::Yes };
                    return Ok(verdict(Arc::clone(app), known));
                }
                refused = Refused::TooWeak(Arc::clone(app), least);
            }
            (Found::Somebody(_), Needed::Nobody) | (Found::NoGrant, _) => refused = refused.or_no_grant(),
            (Found::Nobody, _) => {}
        }
    }
    Ok(if needed == Needed::Public { Verdict::Nobody } else { Verdict::No(refused) })
}

/// What is remembered of what was shown, or else what is found and remembered from now on.
async fn remember(
    server: &Arc<Server>,
    moment: &Moment,
    app: &Arc<App>,
    shown: Shown<'_>,
) -> Result<Found, ApiError> {
    let print = shown.fingerprint(&server.fingerprints, app.name.as_str());
    let remembered = server.known.with(print, Arc::clone);
    let registry = &moment.registry;
    let usable = |known: &Arc<Known>| {
        known.usable(server, registry.generation(), registry.forward_auth().stale, server.now())
    };
    let state = remembered.as_ref().map_or(Usable::No, usable);
    if let (Some(known), Usable::Yes) = (&remembered, state) {
        return Ok(Found::Somebody(Arc::clone(known)));
    }
    if !server.knows_revocations(server.now()) {
        let stale = remembered.filter(|_| state == Usable::Stale);
        return stale.map(Found::Somebody).ok_or(ApiError::Unavailable);
    }
    match find::find(server, moment, app, shown).await {
        Ok(found) => {
            match &found {
                Found::Somebody(known) => server.known.insert(print, Arc::clone(known)),
                Found::Nobody | Found::NoGrant => server.known.forget(print),
            }
            Ok(found)
        }
        Err(ApiError::Unavailable) if state == Usable::Stale => {
            remembered.map(Found::Somebody).ok_or(ApiError::Unavailable)
        }
        Err(error) => Err(error),
    }
}

/// Somebody who may, found without a read.
pub struct Present {
    app: Arc<App>,
    known: Arc<Known>,
    asker: Asker,
}

impl Present {
    /// The whole answer; none while there is no key to sign with.
    #[must_use]
    pub fn answer(&self, server: &Server, now: Timestamp) -> Option<Response> {
        let answer = answer::allowed(server, &self.app, &self.known, (self.asker, now)).ok()?;
        count(server);
        Some(answer)
    }

    /// The same for a proxy, as lines; false where it is none or there is no key to sign with.
    #[must_use]
    pub fn write(&self, server: &Server, now: Timestamp, answer: &mut Answer<'_>) -> bool {
        let write = |told: &Told| {
            count(server);
            answer.begin(now.seconds());
            answer.fields("cache-control: no-store\r\n");
            answer.fields(told.lines());
            answer.end(&[]);
        };
        self.asker == Asker::Proxy && self.known.tell(server, (&self.app, now), write).is_ok()
    }
}

fn count(server: &Server) {
    server.metrics.verify_checks.inc();
    server.metrics.verify_cache_hits.inc();
}

/// Who is asked for, where it is a yes that needs no read. What is odd in any way, or not known, is left to [`verify`].
#[must_use]
pub fn present(
    server: &Server,
    door: Door,
    (question, fields): (&Question<'_>, &impl Fields),
    (peer, now): (&Peer, Timestamp),
) -> Option<Present> {
    let asker = Asker::of(server, door, (question, fields)).ok()?;
    let registry = server.registry.load();
    let app = registry.app(question.app).filter(|app| !app.disabled)?;
    let settings = registry.forward_auth();
    let rules = &app.forward_auth.rules;
    let needed = if rules.is_empty() {
        Needed::Level(registry.least(app))
    } else if rules.iter().all(|rule| rule.networks.is_empty()) {
        let is_trusted = registry.proxies().trusts(peer);
        app.forward_auth.needed(&Forwarded::read(fields, is_trusted).asked())
    } else {
        return None;
    };
    let Needed::Level(rule) = needed else { return None };
    let least = rule.max(registry.least(app));
    for shown in shown(fields, settings, app.forward_auth.accepts) {
        let print = shown.fingerprint(&server.fingerprints, app.name.as_str());
        let Some(known) = server.known.with(print, Arc::clone) else { continue };
        let is_good = known.usable(server, registry.generation(), settings.stale, now) == Usable::Yes
            && known.level() >= least
            && !(known.is_renewal_due(now) && app.forward_auth.sign_in == SignInMode::Redirect);
        if is_good {
            return Some(Present { app: Arc::clone(app), known, asker });
        }
    }
    None
}
