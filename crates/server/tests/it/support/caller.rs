//! Who calls, and what they are answered.

use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use countersign_server::{
    listener::{Peer, answer_to},
    service::Service,
};
use data_encoding::BASE64;
use http::{HeaderMap, HeaderName, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

/// Who calls.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// Anybody: a browser on a link's page, somebody who tries.
    Anonymous,
    /// An app's server with its secret key.
    Secret(String),
    /// A page in a browser: a publishable key, and the origin that the browser names.
    Publishable(String, &'static str),
    /// An app's server that speaks `client_secret_basic`.
    Basic(String),
    /// Who holds a token, or anything that is taken for one.
    Bearer(String),
}

/// Somebody who calls, with headers of their own.
#[derive(Clone)]
pub(crate) struct Client {
    service: Service,
    headers: Vec<(String, String)>,
    peer: Option<SocketAddr>,
    is_racing: bool,
}

/// What was answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn new(service: Service, caller: Caller) -> Self {
        let client = Self { service, headers: Vec::new(), peer: None, is_racing: false };
        match caller {
            Caller::Anonymous => client,
            Caller::Secret(key) | Caller::Bearer(key) => {
                client.with("authorization", &format!("Bearer {key}"))
            }
            Caller::Publishable(key, origin) => client
                .with("authorization", &format!("Bearer {key}"))
                .with("origin", origin)
                .from("198.51.100.7"),
            Caller::Basic(key) => {
                let pair = BASE64.encode(format!("app:{key}").as_bytes());
                client.with("authorization", &format!("Basic {pair}"))
            }
        }
    }

    /// With one more header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// While others change what is asked about: whoever answers first is right, and nobody is asked twice.
    pub(crate) fn racing(mut self) -> Self {
        self.is_racing = true;
        self
    }

    /// From this network address.
    pub(crate) fn from(mut self, address: &str) -> Self {
        self.peer = Some(SocketAddr::new(address.parse::<IpAddr>().unwrap(), 50_000));
        self
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "").await
    }

    /// Posts JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.clone()
            .with("content-type", "application/json")
            .send(Method::POST, path, &body.to_string())
            .await
    }

    /// Posts a form.
    pub(crate) async fn form(&self, path: &str, body: &str) -> Answer {
        let kind = "application/x-www-form-urlencoded";
        self.clone().with("content-type", kind).send(Method::POST, path, body).await
    }

    /// Sends anything.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        request.extensions_mut().insert(Peer(self.peer));
        // As a connection asks.
        let front = body.is_empty().then(|| front(&self.service, &request, &Peer(self.peer))).flatten();
        if let Some(front) = front.as_ref().filter(|_| self.is_racing) {
            return front.clone();
        }
        let answer = match self.service.answer_at_once(&request, &Peer(self.peer)) {
            Some(answer) => answer,
            None => self.service.answer(request).await,
        };
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        if let Some(front) = front {
            answer.must_be(&front);
        }
        answer
    }

    /// Asks for a mail to an address.
    pub(crate) async fn start(&self, address: &str) -> Answer {
        self.post("/v1/challenges", &json!({"to": {"email": address}})).await
    }

    /// Types a code for a challenge that `started` began.
    pub(crate) async fn verify(&self, started: &Answer, code: &str) -> Answer {
        let body = json!({"code": code, "binding": started.text("binding")});
        self.post(&format!("/v1/challenges/{}/verify", started.text("id")), &body).await
    }

    /// Asks for the token of a challenge that was approved.
    pub(crate) async fn redeem(&self, started: &Answer) -> Answer {
        let body = json!({"binding": started.text("binding")});
        self.post(&format!("/v1/challenges/{}/redeem", started.text("id")), &body).await
    }
}

/// What the front of a connection answers at once, if it does.
fn front(service: &Service, request: &Request<Body>, peer: &Peer) -> Option<Answer> {
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri()).into_bytes();
    for (name, value) in request.headers() {
        head.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    head.extend(b"\r\n");
    let written = String::from_utf8(answer_to(service, &head, peer)?).unwrap();
    let (head, body) = written.split_once("\r\n\r\n").unwrap();
    let fields = head.strip_prefix("HTTP/1.1 200 OK\r\n").unwrap().split("\r\n");
    let mut headers = HeaderMap::new();
    for (name, value) in fields.map(|field| field.split_once(": ").unwrap()) {
        headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    // These the connection writes, whoever answers.
    assert_eq!(headers.remove(header::CONTENT_LENGTH).unwrap(), &*body.len().to_string());
    headers.remove(header::DATE).unwrap();
    Some(Answer { status: StatusCode::OK, headers, body: body.as_bytes().to_vec() })
}

impl Answer {
    /// Whatever the front of a connection answers, the usual way answers too.
    fn must_be(&self, front: &Self) {
        assert_eq!((front.status, &front.headers, &front.body), (self.status, &self.headers, &self.body));
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// A member that is text.
    pub(crate) fn text(&self, member: &str) -> String {
        let value = self.json()[member].as_str().map(str::to_owned);
        value.unwrap_or_else(|| panic!("no {member} in {}", String::from_utf8_lossy(&self.body)))
    }

    /// The stable code of a refusal.
    pub(crate) fn code(&self) -> String {
        self.text("code")
    }

    /// Status and stable code, to be compared; the code is empty where nothing was refused.
    pub(crate) fn outcome(&self) -> (u16, String) {
        let code = self.json()["code"].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), code)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts a status, and shows the body where it is another.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// Asserts a status and that there is nothing in the body.
    #[track_caller]
    pub(crate) fn expect_bare(self, status: u16) -> Self {
        assert_eq!((self.status.as_u16(), self.body.as_slice()), (status, b"".as_slice()));
        self
    }

    /// Asserts that this is a refusal as every refusal is: a problem document with a stable code and a request id.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!(self.outcome(), (status, code.to_owned()), "{}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.header(header::CONTENT_TYPE.as_str()), "application/problem+json");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.text("request_id"), self.header("x-request-id"));
        assert_eq!(self.json()["status"], status);
        assert_eq!(self.text("type"), format!("urn:countersign:problem:{code}"));
        self
    }
}
