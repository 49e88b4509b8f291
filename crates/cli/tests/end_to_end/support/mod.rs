//! What every test here starts with: a server, a mail server, a client, and the tools of the environment.

pub(crate) mod collector;
pub(crate) mod disk;
pub(crate) mod fake_clock;
pub(crate) mod http;
pub(crate) mod person;
pub(crate) mod server;
pub(crate) mod sink;
pub(crate) mod tools;
pub(crate) mod trace;

use std::{
    net::{Ipv4Addr, TcpListener},
    thread,
    time::{Duration, Instant},
};

/// A port of this machine that is free now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Waits until `found` finds something, at most `patience`.
pub(crate) fn wait_for<T>(what: &str, patience: Duration, mut found: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + patience;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < end, "it never came to pass within {patience:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
