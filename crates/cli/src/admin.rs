//! How commands reach a server: every one is an HTTP request to the routes for operators. Through the control socket
//! when a server runs; otherwise the same routes are served in this process, on the database that it opened itself; or
//! over a network where the command line names a server.
//!
//! This file knows the way there and back, and how answers are printed. It knows no command.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, anyhow, bail};
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use clap::Args;
use countersign_server::{
    config::{Config, LogSettings, Part},
    service::Service,
    state::Server,
    system::{Entropy as _, SystemClock, SystemEntropy},
    wiring,
};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use crate::{
    log::say,
    remote::Elsewhere,
    serve::{CONTROL_SOCKET, read_config},
};

/// How an answer is printed.
#[derive(Clone, Copy, Debug, Args)]
pub struct Output {
    /// The whole answer as JSON, for programs.
    #[arg(long)]
    json: bool,
}

impl Output {
    /// Prints an answer: as it is for programs, in words for people.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn print(self, answer: &Value, words: impl FnOnce(&Value) -> String) -> anyhow::Result<()> {
        let text = if self.json { serde_json::to_string_pretty(answer)? } else { words(answer) };
        say(text.trim_end());
        Ok(())
    }
}

/// A way to a server's routes for operators.
pub struct Client(Way);

enum Way {
    /// A server runs; this is its socket.
    Socket(std::path::PathBuf),
    /// None does: this process is it, as long as the client is.
    Here(Arc<Server>, Service),
    /// The command line names one over a network.
    Elsewhere(Elsewhere),
}

impl Client {
    /// Finds the way for the configuration at `path`, or that of `--url`.
    ///
    /// # Errors
    /// When the configuration does not read, or the database belongs to a server that does not answer.
    pub async fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(elsewhere) = Elsewhere::named()? {
            return Ok(Self(Way::Elsewhere(elsewhere)));
        }
        let config = read_config(path)?;
        let socket = config.storage.data_dir.join(CONTROL_SOCKET);
        match UnixStream::connect(&socket).await {
            Ok(_) => return Ok(Self(Way::Socket(socket))),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(error)
                    .with_context(|| format!("{}: run this as the server's user", socket.display()));
            }
            Err(_) => {}
        }
        if config.storage.url == ":memory:" {
            bail!("storage.url is :memory: and no server runs: nothing would be kept");
        }
        crate::log::start(&LogSettings { level: "warn".to_owned(), ..config.log.clone() })?;
        let server = assemble(config, &socket).await?;
        let service = wiring::service(&server, &[Part::Admin]);
        Ok(Self(Way::Here(server, service)))
    }

    /// Asks for `path` and returns what a success says.
    ///
    /// # Errors
    /// What a refusal says, or what kept the request from being answered.
    pub async fn request(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let text = body.map_or_else(String::new, Value::to_string);
        self.send(method, path, ("application/json", text)).await
    }

    /// Posts lines of JSON, and returns what a success says.
    ///
    /// # Errors
    /// As for every request.
    pub async fn send_lines(&self, path: &str, lines: String) -> anyhow::Result<Value> {
        self.send(Method::POST, path, ("application/x-ndjson", lines)).await
    }

    async fn send(&self, method: Method, path: &str, body: (&str, String)) -> anyhow::Result<Value> {
        let (media_type, text) = body;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, media_type)
            .body(Body::from(text))?;
        let (status, bytes) = match &self.0 {
            Way::Socket(socket) => through_socket(socket, request).await?,
            Way::Here(_, service) => read(service.answer(request).await).await?,
            Way::Elsewhere(elsewhere) => read(elsewhere.ask(request).await?).await?,
        };
        let answer: Value = serde_json::from_slice(&bytes).context("the server's answer does not read")?;
        if status.is_success() { Ok(answer) } else { Err(refusal(&answer)) }
    }

    /// Asks for something that is written piece by piece as it comes.
    ///
    /// # Errors
    /// As for every request; when it does not come to its end; when a piece cannot be written.
    pub async fn download(
        &self,
        path: &str,
        body: &Value,
        mut take: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> anyhow::Result<()> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))?;
        let mut response = match &self.0 {
            Way::Socket(socket) => {
                let stream = UnixStream::connect(socket).await?;
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
                tokio::spawn(connection);
                sender.send_request(request).await.context("the server did not answer")?.map(Body::new)
            }
            Way::Here(_, service) => service.answer(request).await,
            Way::Elsewhere(elsewhere) => elsewhere.ask(request).await?,
        };
        if !response.status().is_success() {
            let (_, bytes) = read(response).await?;
            return Err(refusal(&serde_json::from_slice(&bytes)?));
        }
        while let Some(frame) = response.body_mut().frame().await {
            let frame = frame.context("the server did not finish it: see its log")?;
            if let Ok(piece) = frame.into_data() {
                take(&piece)?;
            }
        }
        Ok(())
    }

    /// All entries of a list, part by part.
    ///
    /// # Errors
    /// As for every request.
    pub async fn list(&self, path: &str) -> anyhow::Result<Value> {
        let mut items = Vec::new();
        let mut after = String::new();
        let sign = if path.contains('?') { '&' } else { '?' };
        loop {
            let part = self.request(Method::GET, &format!("{path}{sign}limit=200{after}"), None).await?;
            items.extend(part["items"].as_array().into_iter().flatten().cloned());
            match part["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    /// Leaves the database in order, if this process opened it.
    pub async fn close(self) {
        if let Way::Here(server, _) = self.0 {
            server.store.close().await;
        }
    }
}

async fn assemble(config: Config, socket: &Path) -> anyhow::Result<Arc<Server>> {
    let store = wiring::open_store(&config).await.map_err(|error| match error.downcast_ref() {
        Some(countersign_store::Error::InUse) => {
            anyhow!("a server has the database open, but does not answer at {}", socket.display())
        }
        _ => anyhow!(error),
    })?;
    let root = wiring::root_key(&config, &store, &mut *SystemEntropy.random())
        .await
        .map_err(|error| anyhow!(error))?;
    let system = (Arc::new(SystemClock::default()) as _, Arc::new(SystemEntropy) as _);
    wiring::assemble(config, store, &root, system).await.map_err(|error| anyhow!(error))
}

async fn through_socket(socket: &Path, request: Request<Body>) -> anyhow::Result<(StatusCode, Vec<u8>)> {
    let stream = UnixStream::connect(socket).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let answered = sender.send_request(request).await.context("the server did not answer")?;
    let read = read(answered.map(Body::new)).await;
    drop(sender);
    connection.await.context("the connection to the server broke")??;
    read
}

async fn read(response: axum::http::Response<Body>) -> anyhow::Result<(StatusCode, Vec<u8>)> {
    let status = response.status();
    Ok((status, response.into_body().collect().await?.to_bytes().to_vec()))
}

/// A problem document as one line.
fn refusal(problem: &Value) -> anyhow::Error {
    match (problem["code"].as_str(), problem["title"].as_str(), problem["detail"].as_str()) {
        (Some("not_found"), ..) => {
            anyhow!("there is nothing of this name or id; the lists show what there is")
        }
        (_, _, Some(detail)) => anyhow!("{detail}"),
        (_, Some(title), None) => anyhow!("{title}"),
        (_, None, None) => anyhow!("the server refused"),
    }
}

/// Lines of aligned columns below their names.
#[must_use]
pub fn table<const N: usize>(names: [&str; N], rows: Vec<[String; N]>) -> String {
    let mut lines = vec![names.map(str::to_owned)];
    lines.extend(rows);
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |cells: &[String; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A list as a table, or a sentence where there is nothing in it.
#[must_use]
pub fn rows<const N: usize>(
    answer: &Value,
    nothing: &str,
    names: [&str; N],
    row: impl Fn(&Value) -> [String; N],
) -> String {
    match answer.as_array() {
        Some(entries) if !entries.is_empty() => table(names, entries.iter().map(row).collect()),
        _ => nothing.to_owned(),
    }
}

/// A member of an answer as text; `-` where it is absent.
#[must_use]
pub fn member(answer: &Value, name: &str) -> String {
    match &answer[name] {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![["forum".to_owned(), "Größe".to_owned()], ["b".to_owned(), "-".to_owned()]];
        assert_eq!(table(["NAME", "TITLE"], rows), "NAME   TITLE\nforum  Größe\nb      -");
    }
}
