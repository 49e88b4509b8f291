//! A private name server: Debian's `dnsmasq` in the foreground on a free loopback port, ended when dropped.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running name server.
pub(crate) struct NameServer {
    process: Child,
    address: SocketAddr,
}

impl NameServer {
    /// Starts one that knows what the options say (such as `--txt-record=…`) and nothing else.
    pub(crate) fn start(zone: &[String]) -> Self {
        let port = free_port();
        let process = Command::new("dnsmasq")
            .args(["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--no-poll"])
            .args(["--listen-address=127.0.0.1", "--bind-interfaces", "--local=/#/", "--pid-file="])
            .arg(format!("--port={port}"))
            .arg(format!("--user={}", user()))
            .args(zone)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let process = process.unwrap_or_else(|error| {
            panic!("dnsmasq does not start ({error}): install the package dnsmasq-base, or leave the tests out with COUNTERSIGN_TEST_SKIP=dns")
        });
        let mut server = Self { process, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) };
        server.wait();
        server
    }

    /// Where it answers.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    fn wait(&mut self) {
        let end = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(self.address).is_err() {
            let ended = self.process.try_wait().expect("a process");
            assert!(ended.is_none(), "dnsmasq ended at once: {ended:?}");
            assert!(Instant::now() < end, "dnsmasq does not listen on {}", self.address);
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        let ended = self.process.kill().and_then(|()| self.process.wait());
        assert!(std::thread::panicking() || ended.is_ok(), "dnsmasq cannot be ended: {ended:?}");
    }
}

/// dnsmasq drops its rights to this user; it must be the one that runs the tests, to be endable.
fn user() -> String {
    let output = Command::new("id").arg("-un").output().expect("the program id");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}
