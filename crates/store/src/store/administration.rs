//! Reads for administrators: realms, admin keys, invitations, a message that waits.

use countersign_domain::{
    admin_key::AdminKey,
    app::AppName,
    id::{InvitationId, MessageId, UserId},
    invitation::Invitation,
    message::Message,
    realm::RealmName,
    secret::Digest,
    stored_realm::StoredRealm,
    time::Timestamp,
    user::{User, UserStatus},
};

use super::{Rows, Store};
use crate::{Error, sql};

/// Which users of a realm are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Those whose ids follow.
    pub after: Option<UserId>,
    /// Those who were made at this moment or later.
    pub created_from: Option<Timestamp>,
    /// Those who were made before this moment.
    pub created_before: Option<Timestamp>,
    /// Those with this status.
    pub status: Option<UserStatus>,
}

impl UserFilter {
    /// The first id that may be there and the one behind the last: ids are in the order of their time.
    fn between(&self) -> [UserId; 2] {
        let follows = |id: UserId| (u128::from_be_bytes(*id.bytes())).saturating_add(1);
        let at = |moment: Timestamp| u128::from(moment.millis().max(0).unsigned_abs()) << 80;
        let first = self.after.map_or(0, follows).max(self.created_from.map_or(0, at));
        [first, self.created_before.map_or(u128::MAX, at)]
            .map(|number| UserId::from_bytes(number.to_be_bytes()))
    }
}

impl Store {
    /// The first `most` users of a realm that `filter` lets through, in the order of their ids.
    ///
    /// # Errors
    /// As for every read.
    pub async fn users(&self, realm: &RealmName, filter: &UserFilter, most: i64) -> Result<Vec<User>, Error> {
        self.all(sql::select_users(realm, filter.between(), filter.status, most), sql::read_user).await
    }

    /// All realms that were made through the API.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; a row that does not read is no error for the others.
    pub async fn realms(&self) -> Result<Rows<StoredRealm>, Error> {
        self.rows(sql::select_realms(), sql::read_realm).await
    }

    /// All admin keys, ended ones too.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; a row that does not read is no error for the others.
    pub async fn admin_keys(&self) -> Result<Rows<AdminKey>, Error> {
        self.rows(sql::select_admin_keys(), sql::read_admin_key).await
    }

    /// An invitation by its id, whether it is over or not.
    ///
    /// # Errors
    /// As for every read.
    pub async fn invitation(&self, id: InvitationId) -> Result<Option<Invitation>, Error> {
        self.first(sql::select_invitation(id)).await?.map(sql::read_invitation).transpose()
    }

    /// The invitation of a mailbox to an app, whether it is over or not.
    ///
    /// # Errors
    /// As for every read.
    pub async fn invitation_of(&self, app: &AppName, digest: Digest) -> Result<Option<Invitation>, Error> {
        self.first(sql::select_invitation_of(app, digest)).await?.map(sql::read_invitation).transpose()
    }

    /// The first `most` invitations of a realm whose ids follow `after`, in the order of their ids, those that are over
    /// too until they are swept.
    ///
    /// # Errors
    /// As for every read.
    pub async fn invitations_after(
        &self,
        realm: &RealmName,
        after: InvitationId,
        most: i64,
    ) -> Result<Vec<Invitation>, Error> {
        self.all(sql::select_invitations_after(realm, after, most), sql::read_invitation).await
    }

    /// A message that waits.
    ///
    /// # Errors
    /// As for every read.
    pub async fn message(&self, id: MessageId) -> Result<Option<Message>, Error> {
        self.first(sql::select_message(id)).await?.map(sql::read_message).transpose()
    }

    /// How many invitations of a realm are open.
    ///
    /// # Errors
    /// As for every read.
    pub async fn open_invitations(&self, realm: &RealmName, now: Timestamp) -> Result<i64, Error> {
        self.count("invitation", sql::count_open_invitations(realm, now)).await
    }
}
