//! What an app's server and a person do: start, read the mail, verify, use the token.

use std::time::Duration;

use serde_json::json;

use super::{
    http::{self, Answer, Request},
    server::Server,
    sink::Sink,
};

/// How long a mail may take.
pub(crate) const MAIL: Duration = Duration::from_secs(20);

/// Where an app's server asks, and with which key.
#[derive(Clone)]
pub(crate) struct Client {
    /// The port of the server.
    pub(crate) port: u16,
    /// The secret key.
    pub(crate) key: String,
}

impl Server {
    /// A client with this server's key.
    pub(crate) fn client(&self) -> Client {
        Client { port: self.setup.port, key: self.setup.secret.clone() }
    }
}

impl Client {
    /// Sends JSON.
    pub(crate) fn post(&self, path: &str, body: &serde_json::Value) -> std::io::Result<Answer> {
        self.send(path, "application/json", &body.to_string())
    }

    fn send(&self, path: &str, kind: &str, body: &str) -> std::io::Result<Answer> {
        let authorization = format!("Bearer {}", self.key);
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", kind)];
        http::ask(self.port, Request { method: "POST", path, headers: &headers }, body)
    }

    /// Starts a challenge.
    pub(crate) fn start(&self, address: &str) -> std::io::Result<Answer> {
        self.post("/v1/challenges", &json!({ "to": { "email": address } }))
    }

    /// Verifies by address.
    pub(crate) fn verify(&self, address: &str, code: &str) -> std::io::Result<Answer> {
        self.post("/v1/verify", &json!({ "email": address, "code": code }))
    }

    /// Verifies the challenge that `started` tells of.
    pub(crate) fn verify_started(&self, started: &Answer, code: &str) -> std::io::Result<Answer> {
        let path = format!("/v1/challenges/{}/verify", started.text("id"));
        self.post(&path, &json!({ "code": code, "binding": started.text("binding") }))
    }

    /// Fetches the token of a challenge whose link was approved.
    pub(crate) fn redeem(&self, started: &Answer) -> std::io::Result<Answer> {
        let path = format!("/v1/challenges/{}/redeem", started.text("id"));
        self.post(&path, &json!({ "binding": started.text("binding") }))
    }

    /// Takes a token back.
    pub(crate) fn revoke(&self, token: &str) -> std::io::Result<Answer> {
        self.send("/oauth2/revoke", "application/x-www-form-urlencoded", &format!("token={token}"))
    }

    /// Asks for the next tokens.
    pub(crate) fn refresh(&self, token: &str) -> std::io::Result<Answer> {
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        self.send("/oauth2/token", "application/x-www-form-urlencoded", &form)
    }

    /// The status that a token gets.
    pub(crate) fn token_status(&self, token: &str) -> u16 {
        let authorization = format!("Bearer {token}");
        let headers = [("Authorization", authorization.as_str())];
        http::ask(self.port, Request { method: "GET", path: "/v1/token", headers: &headers }, "")
            .map_or(0, |answer| answer.status)
    }

    /// A whole sign-in by code; the answer with the token.
    pub(crate) fn sign_in(&self, address: &str, sink: &Sink) -> Answer {
        let known = sink.count_to(address);
        let started = self.start(address).unwrap();
        assert_eq!(started.status, 201, "{started:?}");
        let mail = sink.mail_beyond(known, address, MAIL).unwrap_or_else(|| panic!("no mail to {address}"));
        let answer = self.verify_started(&started, &mail.code()).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    }
}
