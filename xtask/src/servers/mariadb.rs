//! A private MariaDB server: a copy of an untouched data folder, on a free port of this machine only.
//!
//! Making a data folder takes several seconds, so one is kept in the user's cache for each version of the server.

use std::{
    fs,
    io::Read as _,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::Context as _;

use super::{
    Server, free_port,
    guard::{Folder, Guard, unprivileged},
};
use crate::{environment, toolbox};

/// Copies the data folder, starts the server, and waits until it answers.
///
/// # Errors
/// When the programs are not there, or one of them fails.
pub(crate) fn start(password: &str) -> anyhow::Result<Server> {
    let mariadbd = find(&["mariadbd"])?;
    let pristine = pristine(&mariadbd)?;
    let folder = Folder::new("mariadb")?;
    let data = folder.path().join("data");
    copy(&pristine, &data)?;
    fs::write(folder.path().join("init.sql"), grants(password))?;
    folder.hand_over()?;

    let port = free_port()?;
    let arguments = arguments(folder.path(), port);
    let mut guard = Guard::start(folder, &mariadbd, &arguments)?;
    guard.wait_until("MariaDB", || greets(port))?;
    Ok(Server { url: format!("mysql://countersign:{password}@127.0.0.1:{port}/mysql"), guard })
}

fn find(names: &[&str]) -> anyhow::Result<PathBuf> {
    environment::program(names)
        .with_context(|| format!("{} (MariaDB) is not to be found", names.join(" or ")))
}

/// The untouched data folder for this version of the server.
fn pristine(mariadbd: &Path) -> anyhow::Result<PathBuf> {
    let version = environment::output(Command::new(mariadbd).args(["--no-defaults", "--version"]))?;
    let kept = environment::cache()?.join(format!("mariadb-{}", toolbox::digest(&version, &[])?));
    toolbox::provide_folder(&kept, "an empty MariaDB", |kept| {
        let install = find(&["mariadb-install-db", "mysql_install_db"])?;
        let folder = Folder::new("mariadb-new")?;
        let data = folder.path().join("data");
        let status = unprivileged(&install, &folder)
            .args(["--no-defaults", "--skip-test-db", "--skip-name-resolve"])
            .arg(format!("--datadir={}", data.display()))
            .stdout(Stdio::null())
            .status()
            .with_context(|| format!("{} cannot be started", install.display()))?;
        anyhow::ensure!(status.success(), "mariadb-install-db failed: {status}");
        copy(&data, kept)
    })?;
    Ok(kept)
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    environment::must_succeed(Command::new("cp").arg("-R").arg(from).arg(to))
}

/// Each test makes databases of its own, so the tests' user may do everything on this server.
fn grants(password: &str) -> String {
    format!(
        "CREATE USER countersign@'127.0.0.1' IDENTIFIED BY '{password}';\n\
         GRANT ALL ON *.* TO countersign@'127.0.0.1' WITH GRANT OPTION;\n"
    )
}

/// Tests start and end many databases and lose nothing that matters, so the disk is not waited for.
fn arguments(folder: &Path, port: u16) -> Vec<String> {
    let inside = |name: &str| folder.join(name).display().to_string();
    vec![
        "--no-defaults".to_owned(),
        format!("--datadir={}", inside("data")),
        format!("--socket={}", inside("socket")),
        format!("--pid-file={}", inside("pid")),
        format!("--init-file={}", inside("init.sql")),
        format!("--port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--skip-name-resolve".to_owned(),
        "--skip-log-bin".to_owned(),
        "--character-set-server=utf8mb4".to_owned(),
        "--max-connections=300".to_owned(),
        "--innodb-buffer-pool-size=64M".to_owned(),
        "--innodb-flush-log-at-trx-commit=0".to_owned(),
        "--innodb-flush-method=nosync".to_owned(),
    ]
}

/// A MariaDB server speaks first, and only once it is ready.
fn greets(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut first = [0; 1];
    stream.set_read_timeout(Some(Duration::from_secs(10))).is_ok() && stream.read_exact(&mut first).is_ok()
}
