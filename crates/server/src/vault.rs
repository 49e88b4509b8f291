//! The keys, behind the questions that the rules and the handlers ask of them.

use countersign_domain::{
    api_key::ApiKeyText,
    app::AppName,
    code::Code,
    id::ChallengeId,
    identifier::EmailAddress,
    random::Random,
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

    /// An `Idempotency-Key`, the API key and origin it came with, or a body.
    #[must_use]
    pub fn idempotency(&self, parts: &[&[u8]]) -> Digest {
        self.hierarchy.idempotency.digest(parts)
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
        let (kind, name): (&[u8], _) = match sector {
            Sector::App(app) => (b"app", app.as_str()),
            Sector::Shared(name) => (b"sector", name.as_str()),
        };
        let digest = self.hierarchy.subjects.digest(&[
            kind,
            name.as_bytes(),
            b"email",
            address.canonical().as_bytes(),
        ]);
        let mut bytes = [0; 24];
        bytes.copy_from_slice(&digest.bytes()[..24]);
        Subject::from_bytes(bytes)
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
}
