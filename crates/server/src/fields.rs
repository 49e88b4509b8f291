//! The fields of a request's head, whoever read them, by one rule: what two parties on the way may read in two ways is not
//! acted upon.

use http::{HeaderMap, HeaderValue};

use crate::{error::ApiError, listener::Head};

/// Fields by their names, which are in lower case.
pub trait Fields {
    /// The values of a field, as they came.
    fn values(&self, name: &'static str) -> impl Iterator<Item = &[u8]>;

    /// Whether a field came at all.
    fn has(&self, name: &'static str) -> bool {
        self.values(name).next().is_some()
    }

    /// The text of a field that came once; none where it did not come.
    ///
    /// # Errors
    /// [`ApiError::InvalidHeader`] when it came twice or is no text.
    fn single(&self, name: &'static str) -> Result<Option<&str>, ApiError> {
        let mut values = self.values(name);
        let Some(value) = values.next() else { return Ok(None) };
        // A test for text letter by letter takes as long as half the hash of a token of 600.
        let text = std::str::from_utf8(value).ok().filter(|text| text.is_ascii());
        match (text, values.next()) {
            (Some(text), None) => Ok(Some(text)),
            _ => Err(ApiError::InvalidHeader(name)),
        }
    }

    /// The same where nothing is said of what is odd: that counts as none.
    fn text(&self, name: &'static str) -> Option<&str> {
        self.single(name).ok().flatten()
    }
}

impl Fields for HeaderMap {
    fn values(&self, name: &'static str) -> impl Iterator<Item = &[u8]> {
        self.get_all(name).iter().map(HeaderValue::as_bytes)
    }
}

impl Fields for Head<'_> {
    fn values(&self, name: &'static str) -> impl Iterator<Item = &[u8]> {
        self.values(name)
    }
}
