//! Reads about grants.

use countersign_domain::{
    grant::{MOST_READ, StoredGrant},
    id::GrantId,
    realm::RealmName,
    secret::Digest,
};

use super::Store;
use crate::{Error, sql};

/// Which grants a list is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantList {
    /// Those of these holders.
    Holders(Vec<Digest>),
    /// Those for this target.
    Target(Digest),
    /// All of a realm.
    Realm(RealmName),
}

impl Store {
    /// The grants of some names, as far as there are any: one read, however many names there are. Over ones too.
    ///
    /// # Errors
    /// As for every read; [`Error::Unavailable`] for more names than [`MOST_READ`].
    pub async fn grants(&self, ids: &[GrantId]) -> Result<Vec<StoredGrant>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        if ids.len() > MOST_READ {
            return Err(Error::Unavailable(format!("more than {MOST_READ} grants are asked for at once")));
        }
        self.all(sql::select_grants(ids), sql::read_grant).await
    }

    /// The first `most` grants of a list whose names follow `after`, in the order of their names. Over ones too.
    ///
    /// # Errors
    /// As for every read.
    pub async fn grants_after(
        &self,
        list: &GrantList,
        after: GrantId,
        most: i64,
    ) -> Result<Vec<StoredGrant>, Error> {
        let statement = match list {
            GrantList::Holders(holders) if holders.is_empty() => return Ok(Vec::new()),
            GrantList::Holders(holders) => sql::select_grants_of_holders(holders, after, most),
            GrantList::Target(target) => sql::select_grants_of_target(*target, after, most),
            GrantList::Realm(realm) => sql::select_grants_of_realm(realm, after, most),
        };
        self.all(statement, sql::read_grant).await
    }
}
