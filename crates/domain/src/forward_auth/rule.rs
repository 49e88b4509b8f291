//! What a request to a service needs by its path, method and network. It decides over no person.

use std::net::IpAddr;

use ipnet::IpNet;

use super::path::Path;
use crate::assurance::Level;

/// What a proxy tells of a request. What it does not tell may be anything.
#[derive(Clone, Debug, Default)]
pub struct Asked<'a> {
    /// The path.
    pub path: Option<Path>,
    /// The method, as it was sent.
    pub method: Option<&'a str>,
    /// Where it came from.
    pub address: Option<IpAddr>,
}

/// What a rule makes of the requests that it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nobody may.
    Deny,
    /// Everybody may, signed in or not.
    Public,
    /// Who is signed in at least at this level, and has a grant.
    Least(Level),
}

/// What a request needs, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needed {
    /// Nothing.
    Public,
    /// Somebody who is signed in at least at this level, and has a grant.
    Level(Level),
    /// It is refused whoever asks.
    Nobody,
}

impl Effect {
    /// What it needs.
    #[must_use]
    pub const fn needed(self) -> Needed {
        match self {
            Self::Deny => Needed::Nobody,
            Self::Public => Needed::Public,
            Self::Least(level) => Needed::Level(level),
        }
    }
}

/// A rule: it fits a request that each of its parts fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The path, and all below it; every path where absent.
    pub path: Option<String>,
    /// Methods; all where empty.
    pub methods: Vec<String>,
    /// Networks; all where empty.
    pub networks: Vec<IpNet>,
    /// What it makes of them.
    pub effect: Effect,
}

impl Rule {
    /// Whether it fits; none where that cannot be said. A rule that opens is never stretched: it fits what is sure, in
    /// letters as they are written.
    pub(super) fn fits(&self, asked: &Asked<'_>) -> Option<bool> {
        let opens = self.effect == Effect::Public;
        let path = self
            .path
            .as_ref()
            .map_or(Some(true), |prefix| asked.path.as_ref().and_then(|path| path.is_below(prefix, opens)));
        let method = self.part(&self.methods, asked.method, |known, method| known == method);
        let network = self.part(&self.networks, asked.address, |net, address| net.contains(&address));
        let parts = [path, method, network];
        let fits = if parts.contains(&Some(false)) {
            Some(false)
        } else if parts.contains(&None) {
            None
        } else {
            Some(true)
        };
        fits.or(if opens { Some(false) } else { None })
    }

    fn part<T, A: Copy>(&self, known: &[T], asked: Option<A>, is: impl Fn(&T, A) -> bool) -> Option<bool> {
        if known.is_empty() {
            return Some(true);
        }
        asked.map(|asked| known.iter().any(|known| is(known, asked)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward_auth::ForwardAuth;

    fn rule(path: &str, methods: &[&str], network: &str, effect: Effect) -> Rule {
        Rule {
            path: (!path.is_empty()).then(|| path.to_owned()),
            methods: methods.iter().map(|method| (*method).to_owned()).collect(),
            networks: network.parse().into_iter().collect(),
            effect,
        }
    }

    fn asked<'a>(target: &str, method: &'a str, address: &str) -> Asked<'a> {
        Asked {
            path: (!target.is_empty()).then(|| Path::parse(target)),
            method: (!method.is_empty()).then_some(method),
            address: address.parse().ok(),
        }
    }

    #[test]
    fn p37_the_first_rule_that_fits_counts_and_what_is_not_sure_is_held_to_the_strictest() {
        let rules = vec![
            rule("/health", &["GET"], "", Effect::Public),
            rule("/internal", &[], "", Effect::Deny),
            rule("/admin", &[], "10.0.0.0/8", Effect::Least(Level::Aal1)),
            rule("/admin", &[], "", Effect::Least(Level::Aal2)),
        ];
        let service = ForwardAuth { rules, ..ForwardAuth::default() };
        let (usual, aal1, aal2) =
            (Needed::Level(Level::Mailbox), Needed::Level(Level::Aal1), Needed::Level(Level::Aal2));
        let (inside, outside) = ("10.1.2.3", "192.0.2.1");
        for (target, method, address, needed) in [
            ("/", "GET", outside, usual),
            ("/health", "GET", outside, Needed::Public),
            ("/health?x", "GET", outside, Needed::Public),
            ("/health", "POST", outside, usual),
            ("/HEALTH", "GET", outside, usual),
            ("/health", "", outside, usual),
            ("/healthy", "GET", outside, usual),
            ("/internal/x", "GET", inside, Needed::Nobody),
            ("/INTERNAL", "GET", inside, Needed::Nobody),
            ("/admin", "GET", inside, aal1),
            ("/admin", "GET", outside, aal2),
            ("/%61dmin/x", "GET", outside, Needed::Nobody),
            ("/health#/../x", "GET", outside, Needed::Nobody),
            ("/administration", "GET", outside, usual),
            ("/admin", "GET", "", aal2),
            ("/x/../admin", "GET", outside, Needed::Nobody),
            ("//health", "GET", outside, Needed::Nobody),
            ("", "GET", outside, Needed::Nobody),
        ] {
            assert_eq!(
                service.needed(&asked(target, method, address)),
                needed,
                "{target} {method} {address}"
            );
        }
        let lan =
            vec![rule("", &[], "10.0.0.0/8", Effect::Least(Level::Mailbox)), rule("", &[], "", Effect::Deny)];
        let service = ForwardAuth { rules: lan, ..ForwardAuth::default() };
        assert_eq!(service.needed(&asked("//x", "GET", inside)), usual);
        assert_eq!(service.needed(&asked("//x", "GET", outside)), Needed::Nobody);
        assert_eq!(service.needed(&asked("/", "GET", "")), Needed::Nobody);
        assert_eq!(ForwardAuth::default().needed(&Asked::default()), usual);
    }
}
