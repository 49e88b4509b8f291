//! Reads about what people change about themselves, and what apps keep with them.

use countersign_domain::{
    id::UserId, metadata::Metadata, secret::Digest, subject::Subject, time::Timestamp, undo::Undo,
    user::UserSubject,
};

use super::Store;
use crate::{Error, sql};

impl Store {
    /// All subjects of a user, one for each sector of apps.
    ///
    /// # Errors
    /// As for every read.
    pub async fn subjects_of(&self, user: UserId) -> Result<Vec<UserSubject>, Error> {
        self.all(sql::select_subjects_of(user), sql::read_user_subject).await
    }

    /// The link that takes something back, whether it is over or not.
    ///
    /// # Errors
    /// As for every read.
    pub async fn undo(&self, link: Digest) -> Result<Option<Undo>, Error> {
        self.first(sql::select_undo(link)).await?.map(sql::read_undo).transpose()
    }

    /// All links of a user that take something back, oldest first.
    ///
    /// # Errors
    /// As for every read.
    pub async fn undos_of(&self, user: UserId) -> Result<Vec<Undo>, Error> {
        self.all(sql::select_undos_of(user), sql::read_undo).await
    }

    /// At most `most` erasures whose time has come.
    ///
    /// # Errors
    /// As for every read.
    pub async fn erasures_due(&self, now: Timestamp, most: i64) -> Result<Vec<Undo>, Error> {
        self.all(sql::select_erasures_due(now, most), sql::read_undo).await
    }

    /// What is kept with a person at a sector of apps.
    ///
    /// # Errors
    /// As for every read.
    pub async fn metadata(&self, subject: Subject) -> Result<Option<Metadata>, Error> {
        self.first(sql::select_metadata(subject)).await?.map(sql::read_metadata).transpose()
    }
}
