//! Reads about users and sessions.

use countersign_domain::{
    app_password::AppPassword,
    ceremony::Ceremony,
    credential::{Credential, CredentialKind},
    id::{CeremonyId, ChallengeId, SessionId, SignInId, UserId},
    pending_sign_in::PendingSignIn,
    realm::RealmName,
    secret::Digest,
    session::Session,
    subject::Subject,
    user::{IdentifierKind, User, UserIdentifier, UserSubject},
    user_password::{PasswordWish, UserPassword},
};

use super::Store;
use crate::{Error, sql};

impl Store {
    /// A user by its id.
    ///
    /// # Errors
    /// As for every read.
    pub async fn user(&self, id: UserId) -> Result<Option<User>, Error> {
        self.first(sql::select_user(id)).await?.map(sql::read_user).transpose()
    }

    /// The user who has an identifier in a realm.
    ///
    /// # Errors
    /// As for every read.
    pub async fn user_by_identifier(
        &self,
        realm: &RealmName,
        kind: IdentifierKind,
        digest: Digest,
    ) -> Result<Option<User>, Error> {
        self.first(sql::select_user_by_identifier(realm, kind, digest)).await?.map(sql::read_user).transpose()
    }

    /// The first `most` users of a realm whose ids follow `after`, in the order of their ids.
    ///
    /// # Errors
    /// As for every read.
    pub async fn users_after(&self, realm: &RealmName, after: UserId, most: i64) -> Result<Vec<User>, Error> {
        self.all(sql::select_users_after(realm, after, most), sql::read_user).await
    }

    /// What a user is found by: by kind, the primary one first.
    ///
    /// # Errors
    /// As for every read.
    pub async fn identifiers_of(&self, user: UserId) -> Result<Vec<UserIdentifier>, Error> {
        self.all(sql::select_identifiers_of(user), sql::read_identifier).await
    }

    /// How many identifiers a user has, and how many sessions, those that are over and not swept yet with them. Both lie far
    /// apart: to count them costs much less than to read them.
    ///
    /// # Errors
    /// As for every read.
    pub async fn count_of_user(&self, user: UserId) -> Result<(usize, usize), Error> {
        let counted = self.first(sql::count_of_user(user)).await?;
        counted.map_or(Ok((0, 0)), sql::read_count_of_user)
    }

    /// The subject that a user has in a sector.
    ///
    /// # Errors
    /// As for every read.
    pub async fn user_subject(&self, user: UserId, sector: Digest) -> Result<Option<UserSubject>, Error> {
        self.first(sql::select_user_subject(user, sector)).await?.map(sql::read_user_subject).transpose()
    }

    /// Who has a subject.
    ///
    /// # Errors
    /// As for every read.
    pub async fn subject(&self, subject: Subject) -> Result<Option<UserSubject>, Error> {
        self.first(sql::select_subject(subject)).await?.map(sql::read_user_subject).transpose()
    }

    /// A session by its id, whether it is over or not.
    ///
    /// # Errors
    /// As for every read.
    pub async fn session(&self, id: SessionId) -> Result<Option<Session>, Error> {
        self.first(sql::select_session(id)).await?.map(sql::read_session).transpose()
    }

    /// The sessions of a user, oldest first, those that are over too until they are swept.
    ///
    /// # Errors
    /// As for every read.
    pub async fn sessions_of(&self, user: UserId) -> Result<Vec<Session>, Error> {
        self.all(sql::select_sessions_of(user), sql::read_session).await
    }

    /// How many sessions a user has, those that are over and not swept yet with them. They lie far apart: to count them
    /// costs much less than to read them.
    ///
    /// # Errors
    /// As for every read.
    pub async fn session_count(&self, user: UserId) -> Result<usize, Error> {
        let count = self.count("session", sql::count_sessions_of(user)).await?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// The password of a user.
    ///
    /// # Errors
    /// As for every read.
    pub async fn password(&self, user: UserId) -> Result<Option<UserPassword>, Error> {
        self.first(sql::select_password(user)).await?.map(sql::read_password).transpose()
    }

    /// What a user signs in with beside mails and a password, oldest first.
    ///
    /// # Errors
    /// As for every read.
    pub async fn credentials_of(&self, user: UserId) -> Result<Vec<Credential>, Error> {
        self.all(sql::select_credentials_of(user), sql::read_credential).await
    }

    /// The kinds of what a user signs in with beside mails and a password, each once: for whoever needs no more.
    ///
    /// # Errors
    /// As for every read.
    pub async fn credential_kinds(&self, user: UserId) -> Result<Vec<CredentialKind>, Error> {
        self.all(sql::select_credential_kinds(user), sql::read_credential_kind).await
    }

    /// The passkey or security key that has this keyed digest of its credential id.
    ///
    /// # Errors
    /// As for every read.
    pub async fn credential(&self, realm: &RealmName, lookup: Digest) -> Result<Option<Credential>, Error> {
        self.first(sql::select_credential(realm, lookup)).await?.map(sql::read_credential).transpose()
    }

    /// The app password with this digest, whether it is over or not.
    ///
    /// # Errors
    /// As for every read.
    pub async fn app_password(&self, digest: Digest) -> Result<Option<AppPassword>, Error> {
        self.first(sql::select_app_password(digest)).await?.map(sql::read_app_password).transpose()
    }

    /// The app passwords of a user, oldest first, those that are over too until they are swept.
    ///
    /// # Errors
    /// As for every read.
    pub async fn app_passwords_of(&self, user: UserId) -> Result<Vec<AppPassword>, Error> {
        self.all(sql::select_app_passwords_of(user), sql::read_app_password).await
    }

    /// A sign-in that is under way, whether it is over or not.
    ///
    /// # Errors
    /// As for every read.
    pub async fn pending_sign_in(&self, id: SignInId) -> Result<Option<PendingSignIn>, Error> {
        self.first(sql::select_pending_sign_in(id)).await?.map(sql::read_pending_sign_in).transpose()
    }

    /// A question to an authenticator, whether it is over or not.
    ///
    /// # Errors
    /// As for every read.
    pub async fn ceremony(&self, id: CeremonyId) -> Result<Option<Ceremony>, Error> {
        self.first(sql::select_ceremony(id)).await?.map(sql::read_ceremony).transpose()
    }

    /// The password that was wished with a challenge.
    ///
    /// # Errors
    /// As for every read.
    pub async fn password_wish(&self, challenge: ChallengeId) -> Result<Option<PasswordWish>, Error> {
        self.first(sql::select_wish(challenge)).await?.map(sql::read_wish).transpose()
    }
}
