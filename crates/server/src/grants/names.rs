//! How grants are called in the database: keyed digests of whose they are and what for.

use countersign_domain::{
    grant::{Holder, Target},
    id::{GrantId, UserId},
    realm::RealmName,
    secret::Digest,
};

use crate::vault::Keys;

impl Keys {
    /// The name of the grant of a holder for a target: there is one.
    #[must_use]
    pub fn grant(&self, realm: &RealmName, holder: &Holder, target: &Target) -> GrantId {
        let ([kind, who], [what, which]) = (parts_of_holder(holder), parts_of_target(target));
        GrantId::of(&self.grant_digest(&[b"grant", realm.as_str().as_bytes(), kind, who, what, which]))
    }

    /// The same of one in the configuration file, which may say the same as one that is stored.
    #[must_use]
    pub fn declared_grant(&self, realm: &RealmName, holder: &Holder, target: &Target) -> GrantId {
        let ([kind, who], [what, which]) = (parts_of_holder(holder), parts_of_target(target));
        GrantId::of(&self.grant_digest(&[b"declared", realm.as_str().as_bytes(), kind, who, what, which]))
    }

    /// By what the grants of a holder are listed. It is not [`access_of_user`](Self::access_of_user): what is told when
    /// somebody's access changes does not lead to their grants.
    #[must_use]
    pub fn grant_holder(&self, realm: &RealmName, holder: &Holder) -> Digest {
        if let Holder::User(user) = holder {
            return self.grants_of_user(*user);
        }
        let [kind, who] = parts_of_holder(holder);
        self.grant_digest(&[b"holder", realm.as_str().as_bytes(), kind, who])
    }

    /// The same of a user, who is of one realm: whoever erases a user need not know which.
    #[must_use]
    pub fn grants_of_user(&self, user: UserId) -> Digest {
        self.grant_digest(&[b"holder", b"user", user.bytes()])
    }

    /// By what the grants for a target are listed.
    #[must_use]
    pub fn grant_target(&self, realm: &RealmName, target: &Target) -> Digest {
        let [what, which] = parts_of_target(target);
        self.grant_digest(&[b"target", realm.as_str().as_bytes(), what, which])
    }
}

fn parts_of_holder(holder: &Holder) -> [&[u8]; 2] {
    match holder {
        Holder::User(user) => [b"user", user.bytes()],
        Holder::Group(group) => [b"group", group.as_str().as_bytes()],
        Holder::Address(digest) => [b"address", digest.bytes()],
        Holder::Everybody => [b"everybody", b""],
    }
}

fn parts_of_target(target: &Target) -> [&[u8]; 2] {
    match target {
        Target::App(app) => [b"app", app.as_str().as_bytes()],
        Target::Group(group) => [b"app-group", group.as_str().as_bytes()],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use countersign_domain::testing::Seeded;

    use super::*;
    use crate::keys::RootKey;

    #[test]
    fn every_holder_target_and_realm_has_a_name_of_its_own() {
        let keys = Keys::new(&RootKey::generate(&mut Seeded::new(1)));
        let other = Keys::new(&RootKey::generate(&mut Seeded::new(2)));
        let holders = [
            Holder::User(UserId::from_bytes(*b"aaaaaaaaaaaaaaaa")),
            Holder::Group("aaaaaaaaaaaaaaaa".parse().unwrap()),
            Holder::Address(Digest::new([b'a'; 32])),
            Holder::Everybody,
        ];
        let targets = [Target::App("tools".parse().unwrap()), Target::Group("tools".parse().unwrap())];
        let (mut names, mut digests) = (HashSet::new(), HashSet::new());
        for realm in ["default", "staff"].map(|name| name.parse().unwrap()) {
            for holder in &holders {
                for target in &targets {
                    for keys in [&keys, &other] {
                        assert!(names.insert(keys.grant(&realm, holder, target)));
                        assert!(names.insert(keys.declared_grant(&realm, holder, target)));
                    }
                }
                let is_new = digests.insert(keys.grant_holder(&realm, holder));
                assert!(is_new || matches!(holder, Holder::User(_)), "a user is of one realm");
            }
            for target in &targets {
                assert!(digests.insert(keys.grant_target(&realm, target)));
            }
        }
        let Holder::User(user) = &holders[0] else { return };
        assert!(digests.insert(keys.access_of_user(*user)));
    }
}
