//! Requests by network, in memory: each network has a budget that refills evenly (GCRA). Bounded: when too many
//! networks are remembered, those with a full budget are forgotten.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::atomic::{AtomicI64, Ordering},
};

use countersign_domain::time::{Span, Timestamp};
use parking_lot::Mutex;

/// Networks remembered at once.
const MOST: usize = 65_536;
const MINUTE: Span = Span::from_minutes(1);

/// Which budget of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Callers with a secret key that say who the person is.
    Secret,
    /// Callers with a publishable key.
    Publishable,
    /// People on our own pages.
    Page,
    /// Pages that wait for something to happen, and whoever looks at a link.
    Poll,
    /// Admin keys that open nothing.
    AdminKey,
}

/// Budgets of networks.
#[derive(Debug, Default)]
pub struct Flood {
    /// When the budget will be full again.
    full_at: Mutex<HashMap<(Lane, IpAddr), Timestamp>>,
    /// When those with a full budget were last forgotten, in seconds: once a second is enough.
    swept_at: AtomicI64,
}

impl Flood {
    /// Takes one of `per_minute` requests that a network may make; else the time to wait.
    ///
    /// # Errors
    /// The time until one more is possible.
    pub fn admit(&self, lane: Lane, address: IpAddr, per_minute: u32, now: Timestamp) -> Result<(), Span> {
        let step = Span::from_millis(MINUTE.millis() / i64::from(per_minute.max(1)));
        let key = (lane, network(address));
        let mut full_at = self.full_at.lock();
        if full_at.len() >= MOST && !full_at.contains_key(&key) {
            let swept = self.swept_at.swap(now.seconds(), Ordering::Relaxed);
            if swept != now.seconds() {
                full_at.retain(|_, full_at| *full_at > now);
            }
            if full_at.len() >= MOST {
                // Every remembered network is busy: this is an attack from very many of them. Newcomers still pass;
                // the limits of persons and apps, which are in the store, hold.
                return Ok(());
            }
        }
        let entry = full_at.entry(key).or_insert(now);
        let next = (*entry).max(now) + step;
        let over = next.since(now);
        if over > MINUTE {
            return Err(over - MINUTE);
        }
        *entry = next;
        Ok(())
    }
}

/// What counts as one network: an IPv4 address, an IPv6 /64.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p11_a_network_has_its_budget_and_no_more() {
        let flood = Flood::default();
        let start = Timestamp::from_millis(1_800_000_000_000);
        let (one, two): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let admitted = (0..100).filter(|_| flood.admit(Lane::Secret, one, 10, start).is_ok()).count();
        assert_eq!(admitted, 10);
        assert_eq!(flood.admit(Lane::Secret, one, 10, start), Err(Span::from_seconds(6)));
        assert!(flood.admit(Lane::Secret, two, 10, start).is_ok());
        assert!(flood.admit(Lane::Publishable, one, 10, start).is_ok());
        assert!(flood.admit(Lane::Secret, one, 10, start + Span::from_seconds(6)).is_ok());
    }

    #[test]
    fn p11_an_ipv6_network_is_a_64() {
        let network = |text: &str| network(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }
}
