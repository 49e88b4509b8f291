//! From a request to an answer: the few questions that go round the router, the router, and what every answer gets:
//! a request id, the right to be read by a listed page, a count and a log line.

mod at_once;

use std::{
    convert::Infallible,
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use axum::{
    Router,
    body::Body,
    extract::MatchedPath,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use countersign_domain::id::RequestId;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use tower::ServiceExt as _;

use crate::{
    api::{session::answer_known, token::answer_token},
    call::client_address,
    config::Part,
    error::{ApiError, Problem},
    events::context,
    forward_auth::{Door, PREFIX, Question, present},
    listener::{Arrived, Peer},
    security_log::{Failure, SecurityLog},
    state::Server,
    telemetry::{self, Route, Trace, What, method_name},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const BROWSER_METHODS: &str = "DELETE, GET, PATCH, POST";
const BROWSER_HEADERS: &str = "authorization, content-type, idempotency-key";

/// What a listener serves: the routes of its parts, and beside them, where they are public, `GET /v1/token` and
/// `GET /v1/session` for cookies found good before.
#[derive(Clone)]
pub struct Service {
    server: Arc<Server>,
    routes: Router,
    public: bool,
    door: Option<Door>,
    admission: Admission,
}

/// How questions of proxies come in where these parts are served.
#[must_use]
pub fn door(parts: &[Part]) -> Option<Door> {
    if parts.contains(&Part::Verify) {
        Some(Door::Open)
    } else {
        parts.contains(&Part::Public).then_some(Door::Key)
    }
}

/// Leaves the route that was taken on the response, for the log.
pub async fn note_route(request: Request<Body>, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}

/// Who is let in at all, before anything is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Anybody.
    Everybody,
    /// Only requests for these hosts, that no proxy passed on: `dev`.
    Local(Vec<String>),
}

impl Service {
    /// A service of the routes of some parts.
    #[must_use]
    pub fn new(server: Arc<Server>, routes: Router, parts: &[Part], admission: Admission) -> Self {
        Self { server, routes, public: parts.contains(&Part::Public), door: door(parts), admission }
    }

    /// The answer that goes round the router, where there is one.
    #[must_use]
    pub fn answer_at_once<B>(&self, request: &Request<B>, peer: &Peer) -> Option<Response> {
        if request.method() != Method::GET {
            return None;
        }
        match (request.uri().path(), self.door) {
            ("/v1/token", _) if self.public && self.admits(request) => Some(self.token(request)),
            ("/v1/session", _) if self.public && self.admits(request) => self.known_session(request),
            (path, Some(door)) if path.starts_with(PREFIX) && self.admits(request) => {
                self.known_presence(request, door, peer)
            }
            _ => None,
        }
    }

    /// Answers one request that is not [answered at once](Self::answer_at_once).
    pub async fn answer(&self, request: Request<Body>) -> Response {
        let began = Instant::now();
        let id = RequestId::new(self.server.now(), &mut *self.server.random());
        let is_readable = is_readable(request.uri().path());
        let origin = request.headers().get(header::ORIGIN).filter(|_| is_readable).cloned();
        let method = request.method().clone();
        let span = self.server.telemetry.begin(request.headers());
        let (mut request, address) = self.where_from(request);
        request.extensions_mut().insert(id);
        let mut is_apps_server = false;
        let mut response = if !self.admits(&request) {
            ApiError::NotFound.into_response()
        } else if self.is_preflight(&request) {
            StatusCode::NO_CONTENT.into_response()
        } else {
            let answer = self.routes.clone().oneshot(request);
            let (answered, asked) = context::within(id, telemetry::within(span, answer)).await;
            is_apps_server = asked;
            answered.unwrap_or_else(|never| match never {})
        };
        let code = code_of(&response);
        if let Some(address) = address.filter(|_| !is_apps_server && SecurityLog::concerns(code)) {
            let at = self.server.now();
            self.server.security_log.note(Failure { at, code, address, request: id });
        }
        finish(&mut response, id);
        self.let_page_read(origin.as_ref(), &mut response);
        let status = response.status().as_u16();
        self.server.metrics.answered(status, code);
        self.server.metrics.activity.took(began.elapsed());
        // The path itself is the caller's text, and that of a link holds its token: only its route is for logs.
        let path = response.extensions().get::<MatchedPath>();
        self.server.telemetry.end(span, || What::Request {
            method: method_name(&method),
            route: Route::from(path),
            status,
            code,
        });
        let route = path.map_or("", MatchedPath::as_str);
        tracing::debug!(request = %id, %method, route, status, code, "answered");
        response
    }

    /// Whether a browser asks what pages may ask here. Of a proxy that hands on what browsers ask, any 2xx would be a yes.
    fn is_preflight<B>(&self, request: &Request<B>) -> bool {
        self.public
            && request.method() == Method::OPTIONS
            && !request.uri().path().starts_with(PREFIX)
            && request.headers().contains_key("access-control-request-method")
    }

    /// From where a request comes, where that is logged.
    fn where_from(&self, request: Request<Body>) -> (Request<Body>, Option<IpAddr>) {
        if !self.server.security_log.is_on() {
            return (request, None);
        }
        let (parts, body) = request.into_parts();
        let address = client_address(&self.server, &parts);
        (Request::from_parts(parts, body), address)
    }

    /// The answer to `GET /v1/token`, without router, layers or request id: the question asked most.
    fn token<B>(&self, request: &Request<B>) -> Response {
        let span = self.server.telemetry.begin(request.headers());
        self.server.metrics.token_checks.inc();
        let mut response = answer_token(&self.server, request.headers(), request.uri());
        if !response.status().is_success() {
            let id = RequestId::new(self.server.now(), &mut *self.server.random());
            finish(&mut response, id);
            self.server.metrics.answered(response.status().as_u16(), code_of(&response));
        }
        self.end_at_once(request, span, Route::Token, response)
    }

    /// The answer to `GET /v1/session` where the cookie was found good before, likewise.
    fn known_session<B>(&self, request: &Request<B>) -> Option<Response> {
        let response = answer_known(&self.server, request.headers())?;
        self.server.metrics.session_cache_hits.inc();
        let span = self.server.telemetry.begin(request.headers());
        Some(self.end_at_once(request, span, Route::Session, response))
    }

    /// The answer to `GET /verify/{app}` where it is a yes that needs no read, likewise.
    fn known_presence<B>(&self, request: &Request<B>, door: Door, peer: &Peer) -> Option<Response> {
        let (uri, now) = (request.uri(), self.server.now());
        let question = Question::parse(uri.path(), uri.query())?;
        let present = present(&self.server, door, (&question, request.headers()), (peer, now))?;
        let response = present.answer(&self.server, now)?;
        let span = self.server.telemetry.begin(request.headers());
        let status = response.status().as_u16();
        self.server.telemetry.end(span, || What::Request {
            method: "GET",
            route: Route::Verify,
            status,
            code: "",
        });
        Some(response)
    }

    /// What every answer that went round the router gets.
    fn end_at_once<B>(
        &self,
        request: &Request<B>,
        span: Option<Trace>,
        route: Route,
        mut response: Response,
    ) -> Response {
        self.let_page_read(request.headers().get(header::ORIGIN), &mut response);
        let (status, code) = (response.status().as_u16(), code_of(&response));
        self.server.telemetry.end(span, || What::Request { method: "GET", route, status, code });
        response
    }

    /// Pages of listed origins may read answers, refusals too, and send what the interface takes.
    fn let_page_read(&self, origin: Option<&HeaderValue>, response: &mut Response) {
        let Some(origin) = origin.filter(|_| self.public) else { return };
        let headers = response.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        let registry = self.server.registry.load();
        let text = origin.to_str().unwrap_or_default();
        let known = registry.knows_origin(text);
        if registry.lets_cookies_ride(text) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        if known {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(BROWSER_METHODS));
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(BROWSER_HEADERS));
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        }
    }

    fn admits<B>(&self, request: &Request<B>) -> bool {
        let Admission::Local(hosts) = &self.admission else { return true };
        let host =
            request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        !crate::call::is_forwarded(request.headers()) && hosts.iter().any(|known| known == host)
    }
}

/// Whether pages of apps may read what is answered at a path. They never speak to operators' routes, and pages of ours are
/// for the person in front of them.
fn is_readable(path: &str) -> bool {
    const FOR_PROGRAMS: [&str; 5] = ["/v1/", "/oauth2/", "/.well-known/", "/realms/", "/openapi.json"];
    FOR_PROGRAMS.iter().any(|start| path.starts_with(start)) && !path.starts_with("/v1/admin")
}

/// The stable code of a refusal; empty where it is none.
fn code_of(response: &Response) -> &'static str {
    response.extensions().get::<Problem>().map_or("", |problem| problem.0)
}

/// Names the request in its answer.
fn finish(response: &mut Response, id: RequestId) {
    crate::error::finish(response, id);
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
}

/// An answer, there at once or in the making.
pub enum Answering {
    /// It is there, until it is taken.
    Ready(Option<Response>),
    /// It takes a while.
    Working(Pin<Box<dyn Future<Output = Response> + Send>>),
}

impl Future for Answering {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Ready(response) => {
                response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response)))
            }
            Self::Working(work) => work.as_mut().poll(cx).map(Ok),
        }
    }
}

impl hyper::service::Service<Arrived> for Service {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, Arrived { mut request, peer }: Arrived) -> Answering {
        if let Some(response) = self.answer_at_once(&request, &peer) {
            return Answering::Ready(Some(response));
        }
        request.extensions_mut().insert(peer);
        let service = self.clone();
        Answering::Working(Box::pin(async move { service.answer(request.map(Body::new)).await }))
    }
}
