//! People whom an administrator brings, one by one or many at once: what is given about them is checked here, and
//! becomes the rows of a user. It knows no route.

mod membership;

use std::collections::BTreeMap;

use countersign_domain::{
    changes::{Change, Changes},
    event::{Event, EventKind},
    id::UserId,
    identifier::EmailAddress,
    random::Random,
    realm::RealmName,
    secret::Secret,
    subject::Sector,
    time::Timestamp,
    user::{IdentifierKind, NEVER, User, UserIdentifier, UserStatus, UserSubject},
    vault::Vault as _,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    accounts::{Profile, seal_identifier, seal_profile, user_of},
    error::ApiError,
    grants::with_membership,
    metadata::{Kept, Object},
    passwords::StoredHash,
    state::Server,
    user_passwords,
};

pub use self::membership::{GivenRole, read_groups, read_membership};

/// Addresses that somebody may be brought with.
const MOST_EMAILS: usize = 10;

/// An address of somebody who is brought, or given out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenEmail {
    /// The address.
    pub address: String,
    /// Whether the person has proven it. The first sign-in with it proves one that is not.
    #[serde(default)]
    pub verified: bool,
}

/// Whether somebody may sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GivenStatus {
    /// They may.
    #[default]
    Active,
    /// They may not.
    Disabled,
}

impl From<GivenStatus> for UserStatus {
    fn from(status: GivenStatus) -> Self {
        match status {
            GivenStatus::Active => Self::Active,
            GivenStatus::Disabled => Self::Disabled,
        }
    }
}

impl From<UserStatus> for GivenStatus {
    fn from(status: UserStatus) -> Self {
        match status {
            UserStatus::Active => Self::Active,
            UserStatus::Disabled | UserStatus::Erasing => Self::Disabled,
        }
    }
}

/// What is given about somebody: a line of an import, and of an export.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenPerson {
    /// The id that an export names. Whoever is brought gets a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The addresses, the primary one first: 1 to 10. One that is not verified must be the only one.
    pub emails: Vec<GivenEmail>,
    /// As others see them: up to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// A BCP 47 tag such as `de-CH`: up to 35 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// `active` where absent.
    #[serde(default)]
    pub status: GivenStatus,
    /// `user` where absent.
    #[serde(default, skip_serializing_if = "GivenRole::is_user")]
    pub role: GivenRole,
    /// The groups that they are in: at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Since when they are known (RFC 3339); now where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// The hash of a password: argon2, bcrypt, scrypt or PBKDF2, in the spelling of crypt, passlib, Django or Firebase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// What apps keep with them, by the app's name. Apps of one sector keep the same: only one of them is named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, GivenMetadata>,
}

/// What an app keeps with somebody who is brought, or given out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenMetadata {
    /// What the person sees too: up to 4 KiB.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub public: Object,
    /// What the app alone sees: up to 4 KiB.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub private: Object,
}

/// Somebody who may become a user.
#[derive(Clone, Debug)]
pub struct Newcomer {
    emails: Vec<(EmailAddress, bool)>,
    profile: Profile,
    status: UserStatus,
    created_at: Timestamp,
    pub(crate) password_hash: Option<Secret<String>>,
    metadata: BTreeMap<String, Kept>,
}

/// Whether somebody can be called so, and a language.
///
/// # Errors
/// [`ApiError::InvalidMember`] names the one that cannot be.
pub fn check_profile(display_name: Option<&str>, locale: Option<&str>) -> Result<(), ApiError> {
    if let Some(name) = display_name {
        let length = name.chars().count();
        if !(1..=100).contains(&length) || name.chars().any(char::is_control) {
            return Err(ApiError::invalid(
                "display_name",
                "expected 1 to 100 characters without line breaks",
            ));
        }
    }
    if let Some(locale) = locale {
        let fits = (2..=35).contains(&locale.len())
            && locale.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !fits {
            return Err(ApiError::invalid("locale", "expected a BCP 47 tag such as de-CH"));
        }
    }
    Ok(())
}

impl Newcomer {
    /// Reads what is given about somebody.
    ///
    /// # Errors
    /// [`ApiError::InvalidMember`] names what cannot be.
    pub fn read(given: &GivenPerson, now: Timestamp) -> Result<Self, ApiError> {
        if !(1..=MOST_EMAILS).contains(&given.emails.len()) {
            return Err(ApiError::invalid("emails", "expected 1 to 10 addresses"));
        }
        let mut emails: Vec<(EmailAddress, bool)> = Vec::with_capacity(given.emails.len());
        for email in &given.emails {
            let address = EmailAddress::parse(&email.address)
                .map_err(|error| ApiError::invalid("emails", error.to_string()))?;
            if emails.iter().any(|(other, _)| other.canonical() == address.canonical()) {
                return Err(ApiError::invalid("emails", "an address is given twice"));
            }
            emails.push((address, email.verified));
        }
        // Else whoever proves an address that was only claimed would be let into an account that is somebody else's.
        if emails.len() > 1 && emails.iter().any(|(_, verified)| !verified) {
            return Err(ApiError::invalid("emails", "an address that is not verified must be the only one"));
        }
        check_profile(given.display_name.as_deref(), given.locale.as_deref())?;
        let membership = read_membership(given.role, &given.groups)?;
        let (display_name, locale) = (given.display_name.clone(), given.locale.clone());
        let profile = Profile { display_name, locale, ..Profile::default() };
        if let Some(hash) = &given.password_hash {
            check_hash(hash, emails.iter().all(|(_, verified)| *verified))?;
        }
        Ok(Self {
            emails,
            profile: with_membership(profile, &membership),
            status: given.status.into(),
            created_at: given.created_at.as_deref().map_or(Ok(now), |text| read_time(text, now))?,
            password_hash: given.password_hash.clone().map(Secret::new),
            metadata: given.metadata.iter().map(|(app, kept)| (app.clone(), kept.into())).collect(),
        })
    }

    /// The addresses.
    pub fn addresses(&self) -> impl Iterator<Item = &EmailAddress> {
        self.emails.iter().map(|(address, _)| address)
    }

    /// Whether the realm takes the password that they bring, if they bring one.
    ///
    /// # Errors
    /// [`ApiError::PasswordsOff`], or [`ApiError::InvalidMember`] for a hash that costs too much to check.
    pub fn check_password(&self, server: &Server, realm: &RealmName) -> Result<(), ApiError> {
        let Some(hash) = &self.password_hash else { return Ok(()) };
        let most = user_passwords::of_realm(server, realm)?.most_memory_kib();
        let sound = StoredHash::parse(hash.expose()).and_then(|stored| stored.check_cost(most));
        sound.map_err(|error| ApiError::invalid("password_hash", error.to_string()))
    }

    /// Whether the metadata that they bring is short enough, and of apps of the realm, each of another sector.
    ///
    /// # Errors
    /// [`ApiError::InvalidMember`].
    pub fn check_metadata(&self, server: &Server, realm: &RealmName) -> Result<(), ApiError> {
        let mut sectors = Vec::with_capacity(self.metadata.len());
        for (name, kept) in &self.metadata {
            let sector = sector_of(server, realm, name)?;
            if sectors.contains(&sector) {
                return Err(ApiError::invalid(
                    "metadata",
                    "two of the apps share a sector, and what they keep",
                ));
            }
            sectors.push(sector);
            kept.check()?;
        }
        Ok(())
    }

    /// Keeps the metadata with who became a user, under the subjects that their first sign-in would have given.
    ///
    /// # Errors
    /// The store's, or [`ApiError::Internal`] when memory fails.
    pub async fn keep_metadata(
        &self,
        server: &Server,
        user: &User,
        changes: &mut Changes,
    ) -> Result<(), ApiError> {
        let Some((address, _)) = self.emails.first() else { return Ok(()) };
        for (name, kept) in &self.metadata {
            let sector = sector_of(server, &user.realm, name)?;
            let of_address = server.keys.subject(&sector, address);
            // Somebody else may have come with this address before.
            let taken = server.store.subject(of_address).await?.is_some();
            let subject = if taken { server.keys.user_subject(&sector, user.id) } else { of_address };
            let row = UserSubject { user: user.id, sector: server.keys.sector(&sector), subject };
            changes.push(Change::SubjectAdded(row));
            changes.push(Change::Metadata(kept.row(server, (subject, user.id), 0)?));
        }
        Ok(())
    }

    /// Whether somebody in the realm has one of the addresses.
    ///
    /// # Errors
    /// The store's.
    pub async fn is_known(&self, server: &Server, realm: &RealmName) -> Result<bool, ApiError> {
        for address in self.addresses() {
            if user_of(server, realm, address).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes a user of them, and tells so.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when memory fails.
    pub fn become_user(
        &self,
        server: &Server,
        realm: &RealmName,
        random: &mut dyn Random,
        changes: &mut Changes,
    ) -> Result<User, ApiError> {
        let id = UserId::new(self.created_at, random);
        let mut user = User {
            id,
            realm: realm.clone(),
            status: self.status,
            sealed_profile: None,
            created_at: self.created_at,
            signed_in_at: NEVER,
            version: 1,
        };
        user.sealed_profile = seal_profile(server, &user, &self.profile)?;
        changes.push(Change::UserAdded(user.clone()));
        for (place, (address, verified)) in self.emails.iter().enumerate() {
            changes.push(Change::IdentifierAdded(UserIdentifier {
                realm: realm.clone(),
                kind: IdentifierKind::Email,
                digest: server.keys.identifier(realm, address),
                user: id,
                sealed: seal_identifier(server, random, realm, address)?,
                primary: place == 0,
                verified_at: verified.then_some(self.created_at),
                created_at: self.created_at,
            }));
        }
        let told = |kind| Event::new(kind).of_user(id).within(realm).by_method("administrator").into();
        changes.push(told(EventKind::UserCreated));
        if let Some(hash) = &self.password_hash {
            let most = user_passwords::of_realm(server, realm)?.most_memory_kib();
            let imported = user_passwords::import(server, id, hash.expose(), most)?;
            changes.push(imported.map_err(|error| ApiError::invalid("password_hash", error.to_string()))?);
            changes.push(told(EventKind::PasswordSet));
        }
        Ok(user)
    }
}

/// The sector of an app of the realm that keeps something with its people.
fn sector_of(server: &Server, realm: &RealmName, name: &str) -> Result<Sector, ApiError> {
    let app = server.app(name).filter(|app| app.realm == *realm && app.accounts.is_some());
    let app =
        app.ok_or_else(|| ApiError::invalid("metadata", "no app of the realm with accounts has this name"))?;
    Ok(app.sector.clone())
}

impl From<&GivenMetadata> for Kept {
    fn from(given: &GivenMetadata) -> Self {
        Self { public: given.public.clone(), private: given.private.clone() }
    }
}

fn read_time(text: &str, now: Timestamp) -> Result<Timestamp, ApiError> {
    let expected =
        || ApiError::invalid("created_at", "expected a time of the past such as 2027-01-31T12:00:00Z");
    let moment: jiff::Timestamp = text.parse().map_err(|_| expected())?;
    let moment = Timestamp::from_millis(moment.as_millisecond());
    if moment > NEVER && moment <= now { Ok(moment) } else { Err(expected()) }
}

fn check_hash(hash: &str, is_proven: bool) -> Result<(), ApiError> {
    StoredHash::parse(hash).map_err(|error| ApiError::invalid("password_hash", error.to_string()))?;
    if !is_proven {
        // Whoever claimed the address at the former place would have a way into the account of whoever proves it here.
        return Err(ApiError::invalid("password_hash", "a password needs an address that is verified"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn check(line: &str, expected: Result<usize, &'static str>) {
        let given: GivenPerson = serde_json::from_str(line).unwrap();
        let read = Newcomer::read(&given, NOW).map(|newcomer| newcomer.emails.len());
        let told = read.map_err(|error| match error {
            ApiError::InvalidMember { member, .. } => member,
            other => panic!("{other:?}"),
        });
        assert_eq!(told, expected, "{line}");
    }

    #[test]
    fn what_is_given_about_a_person_is_checked() {
        check(r#"{"emails": [{"address": "a@b.example"}]}"#, Ok(1));
        check(
            r#"{"emails": [{"address": "a@b.example", "verified": true}, {"address": "c@b.example", "verified": true}]}"#,
            Ok(2),
        );
        check(r#"{"emails": []}"#, Err("emails"));
        check(r#"{"emails": [{"address": "nobody"}]}"#, Err("emails"));
        check(
            r#"{"emails": [{"address": "a@b.example", "verified": true}, {"address": "c@b.example"}]}"#,
            Err("emails"),
        );
        check(
            r#"{"emails": [{"address": "a@b.example", "verified": true}, {"address": "A@B.example", "verified": true}]}"#,
            Err("emails"),
        );
        check(r#"{"emails": [{"address": "a@b.example"}], "display_name": "a\nb"}"#, Err("display_name"));
        check(r#"{"emails": [{"address": "a@b.example"}], "locale": "german!"}"#, Err("locale"));
        check(
            r#"{"emails": [{"address": "a@b.example"}], "created_at": "2099-01-01T00:00:00Z"}"#,
            Err("created_at"),
        );
        check(r#"{"emails": [{"address": "a@b.example"}], "created_at": "yesterday"}"#, Err("created_at"));
        check(
            r#"{"emails": [{"address": "a@b.example", "verified": true}], "password_hash": "plain"}"#,
            Err("password_hash"),
        );
    }
}
