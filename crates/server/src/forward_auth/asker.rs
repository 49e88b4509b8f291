//! Who may ask: whoever reaches a listener for proxies, and elsewhere who has a key of the app. Anybody else could find
//! out what the cookies that they have are good for.

use countersign_domain::api_key::ApiKeyKind;

use super::question::Question;
use crate::{call::authenticate_any, error::ApiError, fields::Fields, state::Server};

/// How a listener lets questions in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Only with a key.
    Key,
    /// From anybody who reaches it.
    Open,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A proxy: it is told in headers.
    Proxy,
    /// The service itself, with its secret key: it is told in JSON as well.
    Service,
}

impl Asker {
    /// Who asks here.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] where no key was given and one is needed; what is wrong with one that was.
    pub fn of(
        server: &Server,
        door: Door,
        (question, fields): (&Question<'_>, &impl Fields),
    ) -> Result<Self, ApiError> {
        let Some(text) = fields.single("countersign-key")? else {
            return match door {
                Door::Open => Ok(Self::Proxy),
                Door::Key => Err(ApiError::NotFound),
            };
        };
        let (app, key) = authenticate_any(server, text, server.now())?;
        match key.kind {
            _ if app.name.as_str() != question.app => Err(ApiError::NotFound),
            ApiKeyKind::Proxy => Ok(Self::Proxy),
            ApiKeyKind::Secret => Ok(Self::Service),
            ApiKeyKind::Publishable => Err(ApiError::KeyKind("proxy or secret")),
        }
    }
}
