//! The keys, behind the questions that the rules and the handlers ask of them.

mod browser;

use std::sync::Arc;

use arc_swap::ArcSwap;
use countersign_domain::{
    admin_key::AdminKeyText,
    api_key::ApiKeyText,
    app::AppName,
    app_password::AppPasswordText,
    assurance::Method,
    code::Code,
    group::GroupName,
    id::{ChallengeId, CredentialId, SessionId, UserId},
    identifier::{EmailAddress, PhoneNumber, Username},
    random::Random,
    realm::RealmName,
    recovery_code::RecoveryCode,
    secret::{Digest, Secret},
    subject::{Sector, Subject},
    token::SecretToken,
    vault::Vault,
};

use crate::{
    keys::{
        CheckpointKey, Context, DigestKey, Hierarchy, KeyError, KeySet, MasterKey, RootKey, SealError,
        SealingKey,
    },
    passwords::Peppers,
};

/// Everything that can be digested, sealed and opened.
pub struct Keys {
    hierarchy: Hierarchy,
    erased: DigestKey,
    root: RootKey,
    /// Replaced when a rotation made another.
    master: ArcSwap<MasterKey>,
    /// Replaced when sealing keys come or go.
    sealing: ArcSwap<KeySet>,
}

impl Keys {
    /// All keys below `root`, which is its own master key.
    #[must_use]
    pub fn new(root: &RootKey) -> Self {
        Self::under(root, MasterKey::new(root))
    }

    /// All keys below `root`, which `master` wraps.
    #[must_use]
    pub fn under(root: &RootKey, master: MasterKey) -> Self {
        let hierarchy = Hierarchy::new(root);
        Self {
            sealing: ArcSwap::from_pointee(KeySet::new(hierarchy.first_sealing_key())),
            erased: hierarchy.erased(),
            hierarchy,
            root: root.clone(),
            master: ArcSwap::from_pointee(master),
        }
    }

    /// The root secret, for a master key or a backup to wrap.
    #[must_use]
    pub const fn root(&self) -> &RootKey {
        &self.root
    }

    /// The sealing key that was there first, derived from the root secret.
    #[must_use]
    pub fn first_sealing_key(&self) -> SealingKey {
        self.hierarchy.first_sealing_key()
    }

    /// The master key in force here.
    #[must_use]
    pub fn master(&self) -> Arc<MasterKey> {
        self.master.load_full()
    }

    /// Takes another master key.
    pub fn set_master(&self, master: MasterKey) {
        self.master.store(Arc::new(master));
    }

    /// The sealing keys of this moment.
    #[must_use]
    pub fn sealing(&self) -> Arc<KeySet> {
        self.sealing.load_full()
    }

    /// Takes other sealing keys.
    pub fn set_sealing(&self, keys: KeySet) {
        self.sealing.store(Arc::new(keys));
    }

    /// How an erased user is named on the list that outlives a restore.
    #[must_use]
    pub fn erased(&self, user: UserId) -> Digest {
        self.erased.digest(&[b"user", user.bytes()])
    }

    /// What a browser holds to show that a user signed in with it before: of no use in another browser, and not to be
    /// told from that of anybody else.
    #[must_use]
    pub fn known_browser(&self, browser: &SecretToken, user: UserId) -> Digest {
        self.hierarchy.sessions.digest(&[b"browser", browser.expose().as_bytes(), user.bytes()])
    }

    /// The same of a browser in which the user showed a second factor.
    #[must_use]
    pub fn proven_browser(&self, browser: &SecretToken, user: UserId) -> Digest {
        self.hierarchy.sessions.digest(&[b"proven-browser", browser.expose().as_bytes(), user.bytes()])
    }

    /// What a database keeps to recognise its root key by.
    #[must_use]
    pub fn check(&self) -> Digest {
        self.hierarchy.check()
    }

    /// A username as the people of a realm are found by it: the same for all names that look alike.
    #[must_use]
    pub fn username(&self, realm: &RealmName, name: &Username) -> Digest {
        let parts =
            [b"realm", realm.as_str().as_bytes(), b"username", name.skeleton().as_bytes()] as [&[u8]; 4];
        self.hierarchy.addresses.digest(&parts)
    }

    /// A number that a user says is theirs. Nobody has proven it, so it is told from the same number of anybody else's, and
    /// nobody is found by it.
    #[must_use]
    pub fn claimed_phone(&self, user: UserId, number: &PhoneNumber) -> Digest {
        let parts = [b"user", user.bytes().as_slice(), b"phone", number.as_str().as_bytes()] as [&[u8]; 4];
        self.hierarchy.addresses.digest(&parts)
    }

    /// An API key, to be found by.
    #[must_use]
    pub fn api_key(&self, key: &ApiKeyText) -> Digest {
        self.hierarchy.api_keys.digest(&[key.expose().as_bytes()])
    }

    /// An app password, to be found by.
    #[must_use]
    pub fn app_password(&self, password: &AppPasswordText) -> Digest {
        self.hierarchy.api_keys.digest(&[password.expose().as_bytes()])
    }

    /// An admin key, to be found by.
    #[must_use]
    pub fn admin_key(&self, key: &AdminKeyText) -> Digest {
        self.hierarchy.api_keys.digest(&[key.expose().as_bytes()])
    }

    /// An `Idempotency-Key`, the API key and origin it came with, or a body.
    #[must_use]
    pub fn idempotency(&self, parts: &[&[u8]]) -> Digest {
        self.hierarchy.idempotency.digest(parts)
    }

    /// The keys of a realm: what is its people's is sealed with these.
    #[must_use]
    pub fn realm<'a>(&'a self, realm: &'a RealmName) -> RealmKeys<'a> {
        RealmKeys { keys: self, realm }
    }

    /// Whose wrong passwords are counted in a realm.
    #[must_use]
    pub fn password_attempts(&self, realm: &RealmName, person: &[&[u8]]) -> Digest {
        let mut parts: Vec<&[u8]> = vec![b"password", realm.as_str().as_bytes()];
        parts.extend(person);
        self.hierarchy.addresses.digest(&parts)
    }

    /// How a passkey or security key is found by what its authenticator calls it.
    #[must_use]
    pub fn credential(&self, realm: &RealmName, id: &[u8]) -> Digest {
        let parts = [b"realm", realm.as_str().as_bytes(), b"credential", id] as [&[u8]; 4];
        self.hierarchy.credentials.digest(&parts)
    }

    /// What authenticators know a user by (Web Authentication Level 3, 5.4.3): as good as random, the same for all
    /// credentials of a user, and nothing of the person can be read from it.
    #[must_use]
    pub fn user_handle(&self, user: UserId) -> [u8; 64] {
        let mut handle = [0; 64];
        for (number, half) in (0_u8..).zip(handle.chunks_exact_mut(32)) {
            let parts = [b"user", user.bytes().as_slice(), b"handle", &[number]] as [&[u8]; 4];
            half.copy_from_slice(self.hierarchy.credentials.digest(&parts).bytes());
        }
        handle
    }

    /// Whose attempts at second factors are counted in a realm.
    #[must_use]
    pub fn second_factor_attempts(
        &self,
        realm: &RealmName,
        user: UserId,
        (method, browser): (Method, Option<&Digest>),
    ) -> Digest {
        let from = browser.map_or(&[][..], |browser| browser.bytes());
        let whose = [realm.as_str().as_bytes(), user.bytes().as_slice()];
        let parts = [b"second-factor", whose[0], whose[1], method.name().as_bytes(), from] as [&[u8]; 5];
        self.hierarchy.addresses.digest(&parts)
    }

    /// Whose attempts at second factors are counted in a realm where nobody has the name.
    #[must_use]
    pub fn second_factor_attempts_of_nobody(
        &self,
        realm: &RealmName,
        name: &Digest,
        method: Method,
    ) -> Digest {
        let whose = [realm.as_str().as_bytes(), name.bytes().as_slice()];
        let parts = [b"second-factor-of-nobody", whose[0], whose[1], method.name().as_bytes()] as [&[u8]; 4];
        self.hierarchy.addresses.digest(&parts)
    }

    /// The same beside somebody's name, before anything else is proven, from a browser that is not known to be theirs.
    #[must_use]
    pub fn attempts_beside_a_name(&self, realm: &RealmName, user: UserId) -> Digest {
        self.hierarchy.addresses.digest(&[b"beside-a-name", realm.as_str().as_bytes(), user.bytes()])
    }

    /// A user as a holder of grants: what is told to all nodes when that changes what they may reach.
    #[must_use]
    pub fn access_of_user(&self, user: UserId) -> Digest {
        self.hierarchy.grants.digest(&[b"user", user.bytes()])
    }

    /// The same of the people of a realm who are in a group.
    #[must_use]
    pub fn access_of_group(&self, realm: &RealmName, group: &GroupName) -> Digest {
        self.hierarchy.grants.digest(&[b"group", realm.as_str().as_bytes(), group.as_str().as_bytes()])
    }

    /// A digest for [grants](crate::grants): the first part says of what.
    pub(crate) fn grant_digest(&self, parts: &[&[u8]]) -> Digest {
        self.hierarchy.grants.digest(parts)
    }

    /// A recovery code, bound to its sheet: the same code on another sheet digests differently.
    #[must_use]
    pub fn recovery_code(&self, sheet: CredentialId, code: &RecoveryCode) -> Digest {
        let parts = [b"recovery-code", sheet.bytes().as_slice(), code.expose().as_bytes()] as [&[u8]; 3];
        self.hierarchy.codes.digest(&parts)
    }

    /// The peppers of passwords, up to the number that new hashes are made with.
    #[must_use]
    pub fn peppers(&self, current: u32) -> Peppers {
        Peppers::new(&self.hierarchy, current)
    }

    /// A pseudonym in the log of events, of somebody who has no account.
    #[must_use]
    pub fn event_pseudonym(&self, parts: &[&[u8]]) -> Digest {
        let parts: Vec<&[u8]> = std::iter::once(&b"day"[..]).chain(parts.iter().copied()).collect();
        self.hierarchy.events.digest(&parts)
    }

    /// What an event's row bears to show that this server wrote it.
    #[must_use]
    pub fn event_mac(&self, event: &[u8]) -> [u8; 16] {
        let mut mac = [0; 16];
        mac.copy_from_slice(&self.hierarchy.events.digest(&[b"row", event]).bytes()[..16]);
        mac
    }

    /// The key that signs checkpoints of the log of events.
    ///
    /// # Errors
    /// When memory fails.
    pub fn checkpoint_key(&self) -> Result<CheckpointKey, KeyError> {
        self.hierarchy.checkpoint_key()
    }

    /// Seals `plain` for one column of one row, with the server's own key. What is a realm's is sealed by the keys of
    /// the [realm](Self::realm); all of it opens with [`open`](Self::open).
    ///
    /// # Errors
    /// When memory fails.
    pub fn seal(
        &self,
        random: &mut dyn Random,
        context: &Context<'_>,
        plain: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        self.sealing.load().current(None).seal(random, context, plain)
    }

    /// Opens what was sealed for that place.
    ///
    /// # Errors
    /// When it was not sealed there, or was tampered with.
    pub fn open(&self, context: &Context<'_>, sealed: &[u8]) -> Result<Secret<Vec<u8>>, SealError> {
        self.sealing.load().open(context, sealed)
    }
}

/// The sealing keys of one realm.
#[derive(Clone, Copy)]
pub struct RealmKeys<'a> {
    keys: &'a Keys,
    realm: &'a RealmName,
}

impl RealmKeys<'_> {
    /// Seals `plain` for one column of one row of the realm. It is opened with [`Keys::open`].
    ///
    /// # Errors
    /// When memory fails.
    pub fn seal(
        &self,
        random: &mut dyn Random,
        context: &Context<'_>,
        plain: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        self.keys.sealing.load().current(Some(self.realm.as_str())).seal(random, context, plain)
    }
}

impl Vault for Keys {
    fn contact(&self, app: Option<&AppName>, address: &EmailAddress) -> Digest {
        let app = app.map_or("", AppName::as_str);
        self.hierarchy.addresses.digest(&[app.as_bytes(), b"email", address.canonical().as_bytes()])
    }

    fn subject(&self, sector: &Sector, address: &EmailAddress) -> Subject {
        self.pseudonym(sector, &[b"email", address.canonical().as_bytes()])
    }

    fn code(&self, challenge: ChallengeId, code: &Code) -> Digest {
        self.hierarchy.codes.digest(&[challenge.bytes(), code.expose().as_bytes()])
    }

    fn link(&self, token: &SecretToken) -> Digest {
        self.hierarchy.links.digest(&[token.expose().as_bytes()])
    }

    fn binding(&self, binding: &SecretToken) -> Digest {
        self.hierarchy.bindings.digest(&[binding.expose().as_bytes()])
    }

    fn identifier(&self, realm: &RealmName, address: &EmailAddress) -> Digest {
        let parts =
            [b"realm", realm.as_str().as_bytes(), b"email", address.canonical().as_bytes()] as [&[u8]; 4];
        self.hierarchy.addresses.digest(&parts)
    }

    fn sector(&self, sector: &Sector) -> Digest {
        let mut parts: Vec<&[u8]> = vec![b"name"];
        parts.extend(parts_of(sector));
        self.hierarchy.subjects.digest(&parts)
    }

    fn user_subject(&self, sector: &Sector, user: UserId) -> Subject {
        self.pseudonym(sector, &[b"user", user.bytes()])
    }

    fn session(&self, session: SessionId, secret: &SecretToken) -> Digest {
        self.hierarchy.sessions.digest(&[session.bytes(), secret.expose().as_bytes()])
    }

    fn device_secret(&self, session: SessionId, former: &Digest) -> SecretToken {
        let parts = [b"next-device-secret", session.bytes().as_slice(), former.bytes()] as [&[u8]; 3];
        SecretToken::from_digest(&self.hierarchy.sessions.digest(&parts))
    }

    fn refresh(&self, session: SessionId, generation: u32) -> Digest {
        self.hierarchy.refresh.digest(&[session.bytes(), &generation.to_be_bytes()])
    }
}

/// What names a sector, before what names somebody in it.
fn parts_of(sector: &Sector) -> Vec<&[u8]> {
    match sector {
        Sector::App(app) => vec![b"app", app.as_str().as_bytes()],
        Sector::Shared(name) => vec![b"sector", name.as_bytes()],
        Sector::SharedIn(realm, name) => {
            vec![b"realm", realm.as_str().as_bytes(), b"sector", name.as_bytes()]
        }
    }
}

impl Keys {
    fn pseudonym(&self, sector: &Sector, person: &[&[u8]]) -> Subject {
        let mut parts = parts_of(sector);
        parts.extend(person);
        let mut bytes = [0; 24];
        bytes.copy_from_slice(&self.hierarchy.subjects.digest(&parts).bytes()[..24]);
        Subject::from_bytes(bytes)
    }
}
