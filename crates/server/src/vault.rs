//! The keys, behind the questions that the rules and the handlers ask of them.

use countersign_domain::{
    admin_key::AdminKeyText,
    api_key::ApiKeyText,
    app::AppName,
    code::Code,
    id::{ChallengeId, SessionId, UserId},
    identifier::EmailAddress,
    random::Random,
    realm::RealmName,
    secret::{Digest, Secret},
    subject::{Sector, Subject},
    token::SecretToken,
    vault::Vault,
};

use crate::keys::{Context, Hierarchy, RootKey, SealError, Sealer};

/// The number of the first sealing key; later ones come with the rotation of the root key.
const FIRST_SEALING_KEY: u32 = 1;

/// Everything that can be digested, sealed and opened.
pub struct Keys {
    hierarchy: Hierarchy,
    sealer: Sealer,
}

impl Keys {
    /// All keys below `root`.
    #[must_use]
    pub fn new(root: &RootKey) -> Self {
        let hierarchy = Hierarchy::new(root);
        let sealer = Sealer::new(hierarchy.sealing_key(FIRST_SEALING_KEY), []);
        Self { hierarchy, sealer }
    }

    /// What a database keeps to recognise its root key by.
    #[must_use]
    pub fn check(&self) -> Digest {
        self.hierarchy.check()
    }

    /// An API key, to be found by.
    #[must_use]
    pub fn api_key(&self, key: &ApiKeyText) -> Digest {
        self.hierarchy.api_keys.digest(&[key.expose().as_bytes()])
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

    /// A pseudonym in the log of events, of somebody who has no account.
    #[must_use]
    pub fn event_pseudonym(&self, parts: &[&[u8]]) -> Digest {
        self.hierarchy.events.digest(parts)
    }

    /// Seals `plain` for one column of one row.
    ///
    /// # Errors
    /// When memory fails.
    pub fn seal(
        &self,
        random: &mut dyn Random,
        context: &Context<'_>,
        plain: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        self.sealer.seal(random, context, plain)
    }

    /// Opens what was sealed for that place.
    ///
    /// # Errors
    /// When it was not sealed there, or was tampered with.
    pub fn open(&self, context: &Context<'_>, sealed: &[u8]) -> Result<Secret<Vec<u8>>, SealError> {
        self.sealer.open(context, sealed)
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
