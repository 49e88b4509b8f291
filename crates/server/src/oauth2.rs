//! What `/oauth2` routes share: form bodies and errors in the words of RFC 6749.

use crate::fields::Fields as _;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{ApiError, Problem};

/// An error of RFC 6749, 5.2.
#[derive(Debug)]
pub enum OauthError {
    /// The request lacks something, or repeats it.
    InvalidRequest(&'static str),
    /// No app can be told from the credentials.
    InvalidClient,
    /// The refresh token is not good here, whatever the reason.
    InvalidGrant,
    /// Another grant type than `refresh_token`.
    UnsupportedGrantType,
    /// The store does not answer, or the body did not arrive.
    Other(ApiError),
}

/// The body of an error.
#[derive(Debug, Serialize, ToSchema)]
pub struct OauthErrorBody {
    /// `invalid_request`, `invalid_client`, `invalid_grant` or `unsupported_grant_type`.
    pub error: &'static str,
    /// What to do.
    pub error_description: &'static str,
}

/// The parameters of introspection and revocation. Others are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TokenForm {
    /// The token.
    #[schema(min_length = 1)]
    pub token: String,
    /// Ignored: a token tells its kind itself.
    pub token_type_hint: Option<String>,
}

impl OauthError {
    /// No app can be told from the credentials.
    #[must_use]
    pub const fn invalid_client() -> Self {
        Self::InvalidClient
    }

    /// What was wrong with an API key.
    #[must_use]
    pub fn from_key(error: ApiError) -> Self {
        match error {
            ApiError::Unavailable | ApiError::Internal => Self::Other(error),
            _ => Self::InvalidClient,
        }
    }
}

impl From<ApiError> for OauthError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::InvalidHeader(_) => Self::InvalidRequest("a header is repeated or is not text"),
            error => Self::Other(error),
        }
    }
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        let (status, error, error_description) = match self {
            Self::InvalidRequest(why) => (crate::error::BAD_REQUEST, "invalid_request", why),
            Self::InvalidClient => (
                crate::error::UNAUTHORIZED,
                "invalid_client",
                "authenticate with a secret API key of the app",
            ),
            Self::InvalidGrant => {
                (crate::error::BAD_REQUEST, "invalid_grant", "the refresh token is not good: sign in again")
            }
            Self::UnsupportedGrantType => {
                (crate::error::BAD_REQUEST, "unsupported_grant_type", "grant_type is refresh_token here")
            }
            Self::Other(error) => return error.into_response(),
        };
        let mut response =
            crate::api::answer(status, OauthErrorBody { error, error_description }).into_response();
        if status == crate::error::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"countersign\", Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            response.extensions_mut().insert(Problem("invalid_client"));
        }
        response
    }
}

/// A form body, read strictly: a parameter that occurs twice is an error (RFC 6749, 3.2).
#[derive(Debug, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Longest form in bytes: a token and a little.
    pub const LONGEST: usize = 16 * 1024;

    /// Most parameters of a form: each is compared with all before it.
    const MOST: usize = 128;

    /// Checks that a request carries a form.
    ///
    /// # Errors
    /// [`OauthError::InvalidRequest`] for another media type.
    pub fn expect(headers: &HeaderMap) -> Result<(), OauthError> {
        let media_type = headers.single("content-type")?.unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Ok(())
        } else {
            Err(OauthError::InvalidRequest("send Content-Type: application/x-www-form-urlencoded"))
        }
    }

    /// Reads a form.
    ///
    /// # Errors
    /// [`OauthError::InvalidRequest`] when it does not decode or repeats a parameter.
    pub fn read(bytes: &[u8]) -> Result<Self, OauthError> {
        let text =
            std::str::from_utf8(bytes).map_err(|_| OauthError::InvalidRequest("the form is not UTF-8"))?;
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == Self::MOST {
                return Err(OauthError::InvalidRequest("the form has too many parameters"));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                return Err(OauthError::InvalidRequest("the form does not decode"));
            };
            if pairs.iter().any(|(other, _)| *other == name) {
                return Err(OauthError::InvalidRequest("a parameter occurs twice"));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// A parameter, if it is there and not empty.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(other, value)| other == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The names of all parameters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The `token` parameter.
    ///
    /// # Errors
    /// [`OauthError::InvalidRequest`] when it is missing.
    pub fn token(&self) -> Result<&str, OauthError> {
        self.value("token").ok_or(OauthError::InvalidRequest("the parameter token is missing"))
    }
}

fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p39_a_form_has_parameters_enough_and_no_more() {
        let form = |count: usize| (0..count).map(|place| format!("p{place}=x&")).collect::<String>();
        assert!(Form::read(form(Form::MOST).as_bytes()).is_ok());
        assert!(Form::read(form(Form::MOST + 1).as_bytes()).is_err());
    }
}
