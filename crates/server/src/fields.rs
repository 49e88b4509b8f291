//! The fields of a request's head, whoever read them: what is answered from memory alone asks for them by this.

use http::HeaderMap;

use crate::{call, error::ApiError, listener::Head};

/// Fields by their names, which are in lower case.
pub trait Fields {
    /// Whether a field came at all.
    fn has(&self, name: &'static str) -> bool;

    /// The text of a field that came once; none where it did not come.
    ///
    /// # Errors
    /// [`ApiError::InvalidHeader`] when it came twice or is no text: what two parties on the way may read in two ways is
    /// not acted upon.
    fn single(&self, name: &'static str) -> Result<Option<&str>, ApiError>;

    /// The same where nothing is said of what is odd: that counts as none.
    fn text(&self, name: &'static str) -> Option<&str> {
        self.single(name).ok().flatten()
    }
}

impl Fields for HeaderMap {
    fn has(&self, name: &'static str) -> bool {
        self.contains_key(name)
    }

    fn single(&self, name: &'static str) -> Result<Option<&str>, ApiError> {
        call::single(self, name)
    }
}

impl Fields for Head<'_> {
    fn has(&self, name: &'static str) -> bool {
        self.values(name).next().is_some()
    }

    fn single(&self, name: &'static str) -> Result<Option<&str>, ApiError> {
        let mut values = self.values(name);
        let Some(value) = values.next() else { return Ok(None) };
        let text = std::str::from_utf8(value).ok().filter(|text| text.is_ascii());
        match (text, values.next()) {
            (Some(text), None) => Ok(Some(text)),
            _ => Err(ApiError::InvalidHeader(name)),
        }
    }
}
