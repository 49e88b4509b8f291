//! A private PostgreSQL server: a new cluster in a temporary folder, on a free port of this machine only.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::Context as _;

use super::{
    Server, free_port,
    guard::{Folder, Guard, unprivileged},
};
use crate::environment;

/// Makes a cluster, starts it, and waits until it answers.
///
/// # Errors
/// When the programs are not there, or one of them fails.
pub(crate) fn start(password: &str) -> anyhow::Result<Server> {
    let initdb = environment::program(&["initdb"]).context("initdb (PostgreSQL) is not to be found")?;
    // Debian's initdb may be reached by a link; its companions are beside the real one.
    let programs = fs::canonicalize(&initdb)?;
    let programs = programs.parent().unwrap_or(Path::new("/"));

    let folder = Folder::new("postgres")?;
    let data = folder.path().join("data");
    initialise(&initdb, &folder, &data, password)?;
    let port = free_port()?;
    let sockets = folder.path().display().to_string();
    let mut guard = Guard::start(folder, &programs.join("postgres"), &arguments(&data, &sockets, port))?;
    let isready = programs.join("pg_isready");
    guard.wait_until("PostgreSQL", || {
        let mut command = Command::new(&isready);
        command.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
        command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    })?;
    Ok(Server { url: format!("postgres://countersign:{password}@127.0.0.1:{port}/postgres"), guard })
}

fn initialise(initdb: &Path, folder: &Folder, data: &Path, password: &str) -> anyhow::Result<()> {
    let file = folder.path().join("password");
    fs::write(&file, password)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
    folder.hand_over()?;
    let status = unprivileged(initdb, folder)
        .args([
            "--username=countersign",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ])
        .arg("--pwfile")
        .arg(&file)
        .arg("--pgdata")
        .arg(data)
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("{} cannot be started", initdb.display()))?;
    anyhow::ensure!(status.success(), "initdb failed: {status}");
    Ok(())
}

/// Tests start and end many databases and lose nothing that matters, so the disk is not waited for.
fn arguments(data: &Path, sockets: &str, port: u16) -> Vec<String> {
    let mut arguments = vec!["-D".to_owned(), data.display().to_string()];
    let settings = [
        format!("port={port}"),
        format!("unix_socket_directories={sockets}"),
        "listen_addresses=127.0.0.1".to_owned(),
        "max_connections=300".to_owned(),
        "shared_buffers=64MB".to_owned(),
        "fsync=off".to_owned(),
        "synchronous_commit=off".to_owned(),
        "full_page_writes=off".to_owned(),
    ];
    arguments.extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
    arguments
}
