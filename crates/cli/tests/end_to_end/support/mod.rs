//! What every test here starts with: a server, a mail server, a client, and the tools of the environment.

pub(crate) mod collector;
pub(crate) mod disk;
pub(crate) mod fake_clock;
pub(crate) mod http;
pub(crate) mod person;
pub(crate) mod proxy;
pub(crate) mod replay;
pub(crate) mod server;
pub(crate) mod service;
pub(crate) mod sink;
pub(crate) mod tools;
pub(crate) mod trace;

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

/// A port of this machine that is free now, below those that the system gives to connections: it is nobody else's until it
/// is listened on.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id().wrapping_mul(97).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 12_000 + u16::try_from(number % 20_000).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
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
