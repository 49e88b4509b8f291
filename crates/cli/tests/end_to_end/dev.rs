//! `countersign dev`: works at once, for this machine only.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream, UdpSocket},
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::support::{
    free_port,
    http::{self, Answer, Request},
    person::Client,
    server::{PROGRAM, Setup},
    sink::Sink,
    wait_for,
};

/// A running `dev`, ended with the test.
pub(crate) struct Dev {
    child: Child,
    folder: tempfile::TempDir,
    /// Where it listens on loopback.
    pub(crate) port: u16,
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Dev {
    /// Starts it and waits until it is ready.
    pub(crate) fn start() -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let output = File::create(folder.path().join("output")).unwrap();
        let child = Command::new(PROGRAM)
            .args(["dev", "--port", &port.to_string()])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let dev = Self { child, folder, port };
        wait_for("dev is ready", Duration::from_secs(20), || {
            dev.get("/readyz", &[]).filter(|answer| answer.status == 200)
        });
        dev
    }

    fn output(&self) -> String {
        fs::read_to_string(self.folder.path().join("output")).unwrap()
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Option<Answer> {
        http::ask(self.port, Request { method: "GET", path, headers }, "").ok()
    }
}

#[test]
fn p41_dev_is_for_this_machine_only() {
    let dev = Dev::start();
    let status = |headers: &[(&str, &str)]| dev.get("/readyz", headers).unwrap().status;
    assert_eq!(status(&[]), 200);
    assert_eq!(status(&[("Host", &format!("127.0.0.1:{}", dev.port))]), 200);
    for host in ["example.org", "localhost", "localhost.example.org:80", ""] {
        assert_ne!(status(&[("Host", host)]), 200, "Host: {host}");
    }
    for name in ["X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Real-IP", "Via"] {
        assert_ne!(status(&[(name, "192.0.2.7")]), 200, "{name}");
    }
    if let Some(outside) = outside_address() {
        assert!(TcpStream::connect((outside, dev.port)).is_err(), "reached by {outside}");
    }
}

#[test]
fn dev_answers_by_either_meaning_of_localhost_or_says_who_is_there() {
    let Ok(other) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else { return };
    let dev = Dev::start();
    assert!(TcpStream::connect((Ipv6Addr::LOCALHOST, dev.port)).is_ok());
    let port = other.local_addr().unwrap().port().to_string();
    let output = Command::new(PROGRAM).args(["dev", "--port", &port]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("is taken: try --port"), "{said}");
}

/// An address of this machine that is not loopback, if it has one. Nothing is sent.
fn outside_address() -> Option<std::net::IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(("192.0.2.1", 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|address| !address.is_loopback())
}

#[test]
fn dev_signs_in_with_what_it_prints_and_leaves_nothing() {
    let dev = Dev::start();
    let output = dev.output();
    assert!(output.contains(&format!("http://localhost:{}/", dev.port)), "{output}");
    let start = output.find("cs_sk_").unwrap();
    let client = Client { port: dev.port, key: output[start..start + 45].to_owned() };
    let started = client.start("jane@example.org").unwrap();
    assert_eq!(started.status, 201, "{started:?}");
    let code = wait_for("a mail in the inbox", Duration::from_secs(10), || {
        let inbox = dev.get("/dev/inbox.json", &[])?.json();
        Some(inbox["mails"][0].as_str()?.rsplit('#').next()?.trim().to_owned())
    });
    assert!(dev.get("/dev/inbox", &[]).unwrap().body.contains(&code));
    let answer = client.verify_started(&started, &code).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(client.token_status(&answer.text("access_token")), 200);
    let left: Vec<_> =
        fs::read_dir(dev.folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["output"], "dev keeps nothing");
}

#[test]
fn p41_serve_has_no_inbox() {
    let sink = Sink::start();
    let server = Setup::new(sink.port).start();
    for path in ["/dev", "/dev/inbox", "/dev/inbox.json", "/dev/mail/1", "/dev/"] {
        assert_eq!(server.get(path, &[]).unwrap().status, 404, "{path}");
    }
}

#[test]
fn p41_serve_refuses_the_root_key_of_dev() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("countersign.toml");
    let root = "636f756e7465727369676e206465762c206e6f7420666f722073657276696e67";
    fs::write(&config, format!("[keys]\nroot_key = '{root}'\n[storage]\nurl = ':memory:'\n")).unwrap();
    let output =
        Command::new(PROGRAM).arg("--config").arg(&config).arg("serve").env_clear().output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("root_key"), "{said}");
}
