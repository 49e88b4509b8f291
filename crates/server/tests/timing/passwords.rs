//! Property 12 for signing in with a password: who is there, and whether they have a password, does not show in the
//! time of an answer. Hashing, which is the same work for everybody, is made as cheap as can be here: a thousand times
//! as long as all the rest, it would hide what is looked for.

use std::{sync::Arc, time::Duration};

use countersign_domain::{
    changes::Change,
    id::UserId,
    identifier::EmailAddress,
    password::Password,
    secret::Secret,
    user::{IdentifierKind, User, UserIdentifier, UserStatus},
    vault::Vault as _,
};
use countersign_server::{
    accounts::seal_name,
    config::{AccountsSetting, Config, PasswordsSetting, RealmSettings},
    hashing::Hashing,
    passwords::HashParameters,
    user_passwords,
};
use serde_json::json;

use crate::{
    measure::{Bound, Class, assert_equal},
    world::{APP, World, post},
};

/// Medians may differ by so much: a user, a hash and a seal are there to be parsed for some, and not for others.
const BOUND: Bound = Bound::Share(Duration::from_micros(25), 6);

/// A world whose app has users with passwords, and what everybody's password is kept as.
struct People {
    world: World,
    hash: Secret<String>,
}

fn with_passwords(config: &mut Config) {
    let app = config.apps.iter_mut().find(|app| app.name == APP).unwrap();
    app.accounts = AccountsSetting::Realm;
    let name = "default".to_owned();
    config.realms = vec![RealmSettings { name, passwords: PasswordsSetting::On, ..RealmSettings::default() }];
    config.passwords.workers = Some(1);
    config.passwords.wrong_after_milliseconds = 0;
}

impl People {
    async fn new() -> Self {
        let world = World::with(with_passwords).await;
        let server = &world.server;
        let settings = server.config.load().passwords.clone();
        let hashing =
            Hashing::at_cost(HashParameters::UNSOUND, &settings, &server.keys, &mut *server.random())
                .unwrap();
        let password = Password::parse("quiet lampshade").unwrap();
        let hash = hashing.hash(&password, &mut *server.random()).await.unwrap();
        server.hashing.store(Some(Arc::new(hashing)));
        Self { world, hash }
    }

    /// Somebody with an address, and perhaps a password.
    fn rows(&self, address: &EmailAddress, has_password: bool) -> Vec<Change> {
        let (server, now) = (&self.world.server, self.world.now());
        let realm = &server.app(APP).unwrap().realm;
        let id = UserId::new(now, &mut *server.random());
        let user = User {
            id,
            realm: realm.clone(),
            status: UserStatus::Active,
            sealed_profile: None,
            created_at: now,
            signed_in_at: now,
            version: 1,
        };
        let digest = server.keys.identifier(realm, address);
        let place = (realm, &digest);
        let identifier = UserIdentifier {
            realm: realm.clone(),
            kind: IdentifierKind::Email,
            digest,
            user: id,
            sealed: seal_name(server, &mut *server.random(), place, address.canonical()).unwrap(),
            primary: true,
            verified_at: Some(now),
            created_at: now,
        };
        let mut rows = vec![Change::UserAdded(user), Change::IdentifierAdded(identifier)];
        rows.extend(has_password.then(|| user_passwords::save(server, id, None, &self.hash, now).unwrap()));
        rows
    }

    /// Wrong passwords of people who are nobody, or users.
    async fn tries(
        &self,
        class: Class,
        count: usize,
        has_password: bool,
    ) -> Vec<http::Request<axum::body::Body>> {
        let people: Vec<_> = (0..count).map(|_| self.world.stranger()).collect();
        if class == Class::Other {
            self.world
                .keep(people.iter().flat_map(|address| self.rows(address, has_password)).collect())
                .await;
        }
        let body =
            |address: &EmailAddress| json!({"email": address.canonical(), "password": "another lampshade"});
        people.iter().map(|address| post("/v1/password/sign-in", &body(address))).collect()
    }

    async fn assert_equal(&self, name: &str, has_password: bool) {
        let prepare = async |class, count| self.tries(class, count, has_password).await;
        let call = async |request| self.world.answer(request).await.0;
        assert_equal(name, BOUND, 401, prepare, call).await;
    }
}

#[tokio::test]
async fn p12_a_wrong_password_is_refused_equally_fast_for_users_and_strangers() {
    People::new().await.assert_equal("wrong password, user against stranger", true).await;
}

#[tokio::test]
async fn p12_a_wrong_password_is_refused_equally_fast_for_who_has_none() {
    People::new().await.assert_equal("wrong password, user without one against stranger", false).await;
}
