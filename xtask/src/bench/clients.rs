//! A caller over one kept connection: asks for a code, reads the mail, verifies, holds a token.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

use super::{sink::Mailboxes, world::API_KEY};

/// A mail that takes longer will not come.
const PATIENCE: Duration = Duration::from_secs(30);

/// One caller.
pub(crate) struct Caller {
    stream: BufReader<TcpStream>,
    mailboxes: Mailboxes,
}

impl Caller {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub(crate) async fn connect(port: u16, mailboxes: Mailboxes) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), mailboxes })
    }

    /// The whole flow for a new person; the token at its end.
    ///
    /// # Errors
    /// When any step is refused or the mail does not come.
    pub(crate) async fn flow(&mut self, person: u64) -> anyhow::Result<String> {
        let address = format!("person-{person}@example.org");
        let code = self.mailboxes.expect(&address);
        let body = format!(r#"{{"to":{{"email":"{address}"}}}}"#);
        let started = self.exchange(&post("/v1/challenges", &body)).await?;
        let (id, binding) = (member(&started, "id")?, member(&started, "binding")?);
        let code = tokio::time::timeout(PATIENCE, code).await.context("the mail did not come")??;
        let body = format!(r#"{{"code":"{code}","binding":"{binding}"}}"#);
        let token = self.exchange(&post(&format!("/v1/challenges/{id}/verify"), &body)).await?;
        Ok(member(&token, "access_token")?.to_owned())
    }

    /// Registers a new person with a password; the token at its end.
    ///
    /// # Errors
    /// When any step is refused or the mail does not come.
    pub(crate) async fn register(&mut self, person: u64) -> anyhow::Result<String> {
        let address = format!("person-{person}@example.org");
        let code = self.mailboxes.expect(&address);
        let started = self.exchange(&post("/v1/password/register", &with_password(person))).await?;
        let (id, binding) = (member(&started, "id")?, member(&started, "binding")?);
        let code = tokio::time::timeout(PATIENCE, code).await.context("the mail did not come")??;
        let body = format!(r#"{{"code":"{code}","binding":"{binding}"}}"#);
        let token = self.exchange(&post(&format!("/v1/challenges/{id}/verify"), &body)).await?;
        Ok(member(&token, "access_token")?.to_owned())
    }

    /// Signs a person in who has registered.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) async fn sign_in_with_password(&mut self, person: u64) -> anyhow::Result<()> {
        self.exchange(&post("/v1/password/sign-in", &with_password(person))).await.map(drop)
    }

    /// The code of the next mail to an address.
    pub(crate) fn expect(&self, address: &str) -> impl Future<Output = anyhow::Result<String>> + use<> {
        let code = self.mailboxes.expect(address);
        async { Ok(tokio::time::timeout(PATIENCE, code).await.context("the mail did not come")??) }
    }

    /// Posts JSON, and reads that of the answer.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.exchange(&post(path, &body.to_string())).await?)?)
    }

    /// Sends a request and reads the body of its answer.
    ///
    /// # Errors
    /// When the answer is no success.
    pub(crate) async fn exchange(&mut self, request: &str) -> anyhow::Result<String> {
        self.stream.get_mut().write_all(request.as_bytes()).await?;
        let (mut line, mut length, mut status) = (String::new(), 0, String::new());
        loop {
            line.clear();
            anyhow::ensure!(self.stream.read_line(&mut line).await? > 0, "the server closed the connection");
            let text = line.trim_end();
            if status.is_empty() {
                text.clone_into(&mut status);
            } else if text.is_empty() {
                break;
            } else if let Some(digits) = text.strip_prefix("content-length: ") {
                length = digits.parse()?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        let body = String::from_utf8(body)?;
        if !status.starts_with("HTTP/1.1 2") {
            bail!("{status}: {body}");
        }
        Ok(body)
    }
}

fn with_password(person: u64) -> String {
    format!(r#"{{"email":"person-{person}@example.org","password":"quiet lampshade of {person}"}}"#)
}

fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {API_KEY}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A question about a token, as bytes to send again and again.
pub(crate) fn token_request(token: &str) -> String {
    format!("GET /v1/token HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n")
}

/// The text of a member of a flat object, whose values hold no quotes.
fn member<'a>(json: &'a str, name: &str) -> anyhow::Result<&'a str> {
    let found = json.split_once(&format!("\"{name}\":\"")).and_then(|(_, rest)| rest.split_once('"'));
    found.map(|(value, _)| value).with_context(|| format!("{name} is missing"))
}
