//! A private Postfix with the configuration that `deploy/postfix` hands to users, on a loopback port, with its own
//! queue, data and log, and with every mail sent on to one place. Needs root, because Postfix does.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Where the configuration for users is.
pub(crate) const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/postfix");

/// A running Postfix, stopped when dropped.
pub(crate) struct Postfix {
    directory: tempfile::TempDir,
    address: SocketAddr,
}

impl Postfix {
    /// Starts one that hands all mail to `relay`.
    pub(crate) fn start(relay: SocketAddr) -> Self {
        require_root();
        // Postfix's own user must be able to walk into it.
        let passable = fs::Permissions::from_mode(0o755);
        let directory = tempfile::Builder::new().prefix("postfix").permissions(passable).tempdir();
        let postfix = Self {
            directory: directory.expect("a folder"),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, free_port())),
        };
        postfix.configure(relay);
        postfix.command("check");
        postfix.command("start");
        postfix.wait();
        postfix
    }

    /// Where it takes mail.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The log file.
    pub(crate) fn log(&self) -> PathBuf {
        self.path("log/mail.log")
    }

    /// Makes it open its log anew, as the rotation of logs does.
    pub(crate) fn reload(&self) {
        self.command("reload");
    }

    /// Whether no mail waits: neither new, nor put off, nor bounced.
    pub(crate) fn queue_is_empty(&self) -> bool {
        let output = run(Command::new("postqueue").arg("-c").arg(self.path("conf")).arg("-j"));
        output.stdout.is_empty()
    }

    fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    fn configure(&self, relay: SocketAddr) {
        for folder in ["conf", "queue", "data", "log"] {
            fs::create_dir(self.path(folder)).expect("a folder");
            fs::set_permissions(self.path(folder), fs::Permissions::from_mode(0o755)).expect("its rights");
        }
        let owner = run(Command::new("id").args(["-u", "postfix"]));
        let owner = String::from_utf8_lossy(&owner.stdout).trim().parse().expect("the user postfix");
        chown(self.path("data"), Some(owner), None).expect("to own the data");

        let master = read("master.cf");
        let service = format!("{} inet", self.address);
        let master = master.replacen("smtp        inet", &service, 1);
        assert!(master.contains(&service), "master.cf has no service smtp of type inet");
        fs::write(self.path("conf/master.cf"), master).expect("master.cf");
        fs::write(self.path("conf/header_checks"), read("header_checks")).expect("header_checks");
        let settings = [
            ("relayhost", format!("[{}]:{}", relay.ip(), relay.port())),
            ("queue_directory", self.path("queue").display().to_string()),
            ("data_directory", self.path("data").display().to_string()),
            ("maillog_file", self.log().display().to_string()),
            ("maillog_file_prefixes", self.directory.path().display().to_string()),
            // Lets a test speak as somebody from elsewhere.
            ("smtpd_authorized_xclient_hosts", "127.0.0.1".to_owned()),
        ];
        let main = settings.iter().fold(read("main.cf"), |main, (name, value)| with(&main, name, value));
        fs::write(self.path("conf/main.cf"), main).expect("main.cf");
    }

    fn command(&self, verb: &str) {
        let output = run(Command::new("postfix").arg("-c").arg(self.path("conf")).arg(verb));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "postfix {verb}: {said}");
        let warned = said.lines().find(|line| line.contains("warning:"));
        assert_eq!(warned, None, "postfix {verb} warns");
    }

    fn wait(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(self.address).is_err() {
            let log = fs::read_to_string(self.log()).unwrap_or_default();
            assert!(Instant::now() < end, "Postfix does not listen on {}: {log}", self.address);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // `abort` does not wait for deliveries under way.
        drop(
            Command::new("postfix").arg("-c").arg(self.path("conf")).arg("abort").env("PATH", PATH).output(),
        );
    }
}

/// Where Debian has Postfix; not every shell looks there.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

fn run(command: &mut Command) -> Output {
    command.env("PATH", PATH).output().unwrap_or_else(|error| {
        panic!("{command:?} does not start ({error}): install the package postfix, or leave the tests out with COUNTERSIGN_TEST_SKIP=postfix")
    })
}

fn require_root() {
    let output = run(Command::new("id").arg("-u"));
    let user = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        user.trim(),
        "0",
        "Postfix starts only as root: run the tests as root, or leave them out with COUNTERSIGN_TEST_SKIP=postfix"
    );
}

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(DEPLOY).join(name)).expect("a file of the configuration")
}

/// `main.cf` with one setting changed or added.
fn with(main: &str, name: &str, value: &str) -> String {
    let is_it = |line: &&str| line.split_once('=').is_some_and(|(before, _)| before.trim() == name);
    let others: Vec<&str> = main.lines().filter(|line| !is_it(line)).collect();
    format!("{}\n{name} = {value}\n", others.join("\n"))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}
