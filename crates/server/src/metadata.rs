//! What apps keep with people, between its sealed row and JSON. It knows no routes.

use countersign_domain::{
    id::UserId,
    metadata::{LONGEST_METADATA, Metadata},
    subject::Subject,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{error::ApiError, keys::Context, state::Server};

/// A JSON object of an app's.
pub type Object = Map<String, Value>;

/// Both objects that an app keeps with a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Kept {
    /// The one that the person sees.
    pub public: Object,
    /// The one that the app alone sees.
    pub private: Object,
}

fn place(subject: &Subject) -> Context<'_> {
    Context { table: "user_metadata", column: "sealed", id: subject.bytes() }
}

impl Kept {
    /// What is kept with a person at a sector of apps, and the version of its row.
    ///
    /// # Errors
    /// The store's, or [`ApiError::Internal`] when it does not open.
    pub async fn of(server: &Server, subject: Subject) -> Result<(Self, i64), ApiError> {
        let Some(row) = server.store.metadata(subject).await? else { return Ok((Self::default(), 0)) };
        let opened = server.keys.open(&place(&subject), &row.sealed).map_err(|_| ApiError::Internal)?;
        let kept = serde_json::from_slice(opened.expose()).map_err(|_| ApiError::Internal)?;
        Ok((kept, row.version))
    }

    /// Whether it is short enough.
    ///
    /// # Errors
    /// [`ApiError::InvalidMember`] when an object is longer than 4 KiB.
    pub fn check(&self) -> Result<(), ApiError> {
        for (member, object) in [("public", &self.public), ("private", &self.private)] {
            let length = serde_json::to_vec(object).map_err(|_| ApiError::Internal)?.len();
            if length > LONGEST_METADATA {
                let detail = format!("at most {LONGEST_METADATA} bytes of JSON, this is {length}");
                return Err(ApiError::InvalidMember { member, code: "metadata_too_long", detail });
            }
        }
        Ok(())
    }

    /// The row that keeps it in place of another version.
    ///
    /// # Errors
    /// [`ApiError::InvalidMember`] when an object is longer than 4 KiB, [`ApiError::Internal`] when memory fails.
    pub fn row(
        &self,
        server: &Server,
        (subject, user): (Subject, UserId),
        version: i64,
    ) -> Result<Metadata, ApiError> {
        self.check()?;
        let json = serde_json::to_vec(self).map_err(|_| ApiError::Internal)?;
        let sealed = server.keys.seal(&mut *server.random(), &place(&subject), &json);
        Ok(Metadata { subject, user, sealed: sealed.map_err(|_| ApiError::Internal)?, version })
    }
}
