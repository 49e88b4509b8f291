//! A registered device: a browser that stands for a person without a sign-in each day, held by a cookie of two parts whose
//! secret changes while it is in use. It is a session with a life of its own. It knows no cookie, and not what the
//! device may open.
//!
//! A [trusted browser](crate::session::Holder::Device) is something else: it stands in for a second factor, and opens
//! nothing.

use crate::{
    changes::Changes,
    id::SessionId,
    random::Random,
    session::{Holder, Session, SessionPolicy, end_with},
    time::{Span, Timestamp},
    token::SecretToken,
    vault::Vault,
};

/// Devices that one user may have registered; the one unused for longest makes room.
pub const MOST_DEVICES: usize = 20;
/// For how long the former secret is good, for reading and for whoever lost the answer with the newest one.
pub const GRACE: Span = Span::from_seconds(30);

/// How long the registered devices of a realm last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevicePolicy {
    /// How long a device may go unused.
    pub idle: Span,
    /// How long it lasts at most.
    pub absolute: Span,
    /// How old its secret gets before another takes its place.
    pub rotation: Span,
}

impl Default for DevicePolicy {
    fn default() -> Self {
        Self {
            idle: Span::from_hours(30 * 24),
            absolute: Span::from_hours(365 * 24),
            rotation: Span::from_hours(24),
        }
    }
}

impl DevicePolicy {
    /// The same, as the life of a session that has no refresh token.
    #[must_use]
    pub const fn life(&self) -> SessionPolicy {
        SessionPolicy { idle: self.idle, absolute: self.absolute, refresh_grace: Span::ZERO }
    }
}

/// A device whose secret was renewed.
#[derive(Debug)]
pub struct Renewed {
    /// As it is kept from now on.
    pub device: Session,
    /// The newest secret, for the one answer that carries it.
    pub secret: SecretToken,
    /// Whether that is to be written: `false` for whoever asks once more within the [`GRACE`], and gets the same.
    pub is_rotated: bool,
}

impl Session {
    /// Whether it is a registered device.
    #[must_use]
    pub const fn is_registered(&self) -> bool {
        matches!(self.holder, Holder::Registered { .. })
    }

    /// Whether `secret` is the newest of this registered device's cookie, or the one before it for a moment.
    #[must_use]
    pub fn is_registered_held_by(&self, secret: &SecretToken, now: Timestamp, vault: &dyn Vault) -> bool {
        self.held_until(secret, now, vault).is_some()
    }

    /// Until when `secret` holds this registered device, if nothing happens: the newest for the device's life, the one
    /// before it for a moment. Both are looked at, whatever is found.
    #[must_use]
    pub fn held_until(&self, secret: &SecretToken, now: Timestamp, vault: &dyn Vault) -> Option<Timestamp> {
        let Holder::Registered { digest, former, rotated_at } = self.holder else { return None };
        let presented = vault.session(self.id, secret);
        let is_newest = digest == presented;
        let is_former = former.unwrap_or(digest) == presented && now.since(rotated_at) < GRACE;
        let ends_at = self.idle_ends_at.min(self.expires_at);
        if is_newest { Some(ends_at) } else { is_former.then(|| ends_at.min(rotated_at + GRACE)) }
    }

    /// Whether `secret` is the newest of this registered device's cookie.
    #[must_use]
    pub fn is_newest(&self, secret: &SecretToken, vault: &dyn Vault) -> bool {
        matches!(self.holder, Holder::Registered { digest, .. } if digest == vault.session(self.id, secret))
    }

    /// When its secret is old enough for another; none where it is no registered device.
    #[must_use]
    pub fn rotation_due_at(&self, policy: &DevicePolicy) -> Option<Timestamp> {
        match self.holder {
            Holder::Registered { rotated_at, .. } => Some(rotated_at + policy.rotation),
            _ => None,
        }
    }

    /// Whether its secret is old enough for another.
    #[must_use]
    pub fn is_rotation_due(&self, policy: &DevicePolicy, now: Timestamp) -> bool {
        self.rotation_due_at(policy).is_some_and(|due| now >= due)
    }

    /// The device that a person registers from this session, and the secret of its cookie.
    #[must_use]
    pub fn register(
        &self,
        (id, sealed_device): (SessionId, Option<Vec<u8>>),
        (policy, now): (&DevicePolicy, Timestamp),
        vault: &dyn Vault,
        random: &mut dyn Random,
    ) -> (Self, SecretToken) {
        let secret = SecretToken::draw(random);
        let expires_at = now + policy.absolute;
        let device = Self {
            id,
            holder: Holder::registered(vault.session(id, &secret), now),
            sealed_device,
            created_at: now,
            used_at: now,
            idle_ends_at: (now + policy.idle).min(expires_at),
            expires_at,
            version: 1,
            ..self.clone()
        };
        (device, secret)
    }

    /// Gives a registered device its next secret, and notes that it was used. Whoever asks once more within the
    /// [`GRACE`], with either secret, gets the same one: an answer that was lost locks nobody out. None for anything else
    /// than a registered device.
    #[must_use]
    pub fn renew(mut self, policy: &DevicePolicy, now: Timestamp, vault: &dyn Vault) -> Option<Renewed> {
        let Holder::Registered { digest, former, rotated_at } = self.holder else { return None };
        if let Some(former) = former
            && now.since(rotated_at) < GRACE
        {
            let secret = vault.device_secret(self.id, &former);
            return Some(Renewed { device: self, secret, is_rotated: false });
        }
        let secret = vault.device_secret(self.id, &digest);
        self.holder = Holder::Registered {
            digest: vault.session(self.id, &secret),
            former: Some(digest),
            rotated_at: now,
        };
        self.use_at(&policy.life(), now);
        Some(Renewed { device: self, secret, is_rotated: true })
    }
}

/// Makes room for one device more: the one that the browser held ends, and the ones unused for longest if there are too
/// many. `sessions` are all that the user has. What ends is answered, to be told.
pub fn make_room(
    sessions: &[Session],
    presented: Option<&Session>,
    now: Timestamp,
    changes: &mut Changes,
) -> Vec<Session> {
    let is_presented = |one: &&Session| presented.is_some_and(|held| held.id == one.id);
    let mut live: Vec<&Session> =
        sessions.iter().filter(|one| one.is_registered() && one.is_live(now) && !is_presented(one)).collect();
    live.sort_by_key(|one| one.used_at);
    let surplus = (live.len() + 1).saturating_sub(MOST_DEVICES);
    let ended: Vec<Session> = live.into_iter().take(surplus).chain(presented).cloned().collect();
    for device in &ended {
        end_with(device, now, changes);
    }
    ended
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        assurance::{Assurance, Method},
        id::UserId,
        realm::RealmName,
        secret::Digest,
        subject::Subject,
        testing::{Mixer, Seeded},
    };

    const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn session() -> Session {
        Session {
            id: SessionId::from_bytes([1; 16]),
            realm: RealmName::default(),
            user: UserId::from_bytes([2; 16]),
            app: "club".parse().unwrap(),
            subject: Subject::from_bytes([3; 24]),
            assurance: Assurance::of(Method::Totp, START),
            holder: Holder::Cookie(Digest::new([4; 32])),
            sealed_device: None,
            created_at: START,
            used_at: START,
            idle_ends_at: START,
            expires_at: START,
            version: 7,
        }
    }

    fn device() -> (Session, SecretToken) {
        let id = (SessionId::from_bytes([9; 16]), None);
        session().register(id, (&DevicePolicy::default(), START), &Mixer, &mut Seeded::new(1))
    }

    #[test]
    fn p27_a_device_has_ends_of_its_own_and_begins_anew() {
        let (device, _) = device();
        let mut used = device.clone();
        let day = Span::from_hours(24);
        assert_eq!((device.version, device.created_at), (1, START));
        assert!(device.is_live(START + Span::from_hours(30 * 24) - Span::from_millis(1)));
        assert!(!device.is_live(START + Span::from_hours(30 * 24)));
        for days in 1..400 {
            let now = START + Span::from_millis(day.millis() * days);
            assert_eq!(used.is_live(now), days < 365, "day {days}");
            used = used.renew(&DevicePolicy::default(), now, &Mixer).unwrap().device;
        }
    }

    #[test]
    fn p26_the_former_secret_is_good_for_thirty_seconds_and_gives_the_same_successor() {
        let (device, first) = device();
        let at = |seconds| START + Span::from_seconds(seconds);
        assert!(device.is_registered_held_by(&first, at(0), &Mixer));
        assert!(!device.is_rotation_due(&DevicePolicy::default(), at(86_399)));
        assert!(device.is_rotation_due(&DevicePolicy::default(), at(86_400)));
        let renew =
            |device: &Session, now| device.clone().renew(&DevicePolicy::default(), now, &Mixer).unwrap();
        let second = renew(&device, at(100));
        assert!(second.is_rotated);
        let held = |secret, now| second.device.is_registered_held_by(secret, now, &Mixer);
        assert!(held(&second.secret, at(100)) && held(&second.secret, at(100_000)));
        assert!(held(&first, at(129)) && !held(&first, at(130)));
        let until = |secret| second.device.held_until(secret, at(100), &Mixer);
        assert_eq!((until(&first), until(&second.secret)), (Some(at(130)), Some(second.device.idle_ends_at)));
        let again = renew(&second.device, at(129));
        assert_eq!((again.is_rotated, again.secret.expose()), (false, second.secret.expose()));
        assert_eq!(again.device, second.device);
        let third = renew(&second.device, at(130));
        assert!(third.is_rotated && third.secret.expose() != second.secret.expose());
        assert!(!third.device.is_registered_held_by(&first, at(130), &Mixer));
        assert!(third.device.is_registered_held_by(&second.secret, at(159), &Mixer));
    }

    #[test]
    fn p30_no_cookie_stands_in_for_another_kind() {
        let (device, secret) = device();
        assert!(!device.is_held_by(&secret, &Mixer) && !device.is_device_held_by(&secret, &Mixer));
        let digest = Mixer.session(session().id, &secret);
        for holder in [Holder::Cookie(digest), Holder::Device(digest)] {
            let other = Session { holder, ..session() };
            assert!(!other.is_registered_held_by(&secret, START, &Mixer));
            assert!(other.renew(&DevicePolicy::default(), START, &Mixer).is_none());
        }
        let moved = Session { id: session().id, ..device };
        assert!(!moved.is_registered_held_by(&secret, START, &Mixer), "another id");
    }

    #[test]
    fn the_device_unused_for_longest_makes_room_and_no_session_does() {
        let of = |number: u8| Session {
            id: SessionId::from_bytes([number; 16]),
            used_at: START + Span::from_seconds(number.into()),
            ..device().0
        };
        let mut all: Vec<Session> = (1..=20).map(of).collect();
        all.push(Session { expires_at: START + Span::from_hours(1), ..session() });
        let ended = |presented: Option<&Session>| {
            let mut changes = Changes::default();
            let ended = make_room(&all, presented, START, &mut changes);
            assert_eq!(changes.0.len(), 2 * ended.len());
            ended.iter().map(|one| one.id.bytes()[0]).collect::<Vec<_>>()
        };
        assert_eq!(ended(None), [1]);
        assert_eq!(ended(Some(&of(5))), [5], "the browser's own is in its place");
        assert_eq!(ended(Some(&of(99))), [1, 99], "somebody else's that the browser held");
    }

    proptest! {
        /// Whenever it is renewed, the newest secret is good, and of all others at most the one before it.
        #[test]
        fn p26_of_all_secrets_the_newest_is_good_and_the_former_for_a_moment(
            pauses in proptest::collection::vec(0_i64..100, 1..40),
        ) {
            let (mut device, secret) = device();
            let (mut secrets, mut now) = (vec![(secret, START)], START);
            for pause in pauses {
                now = now + Span::from_seconds(pause);
                let renewed = device.clone().renew(&DevicePolicy::default(), now, &Mixer).unwrap();
                if renewed.is_rotated {
                    secrets.push((renewed.secret.clone(), now));
                }
                device = renewed.device;
                prop_assert_eq!(renewed.secret.expose(), secrets.last().unwrap().0.expose());
                let last = secrets.len() - 1;
                for (number, (secret, _)) in secrets.iter().enumerate() {
                    let is_former = number + 1 == last && now.since(secrets[last].1) < GRACE;
                    let expected = number == last || is_former;
                    prop_assert_eq!(device.is_registered_held_by(secret, now, &Mixer), expected);
                }
            }
        }
    }
}
