//! Every refusal as it leaves: a problem document (RFC 9457) with a stable `code`. The one table of status codes.

use axum::response::{IntoResponse, Response};
use countersign_domain::{id::RequestId, refusal::Refusal, time::Span};
use http::{HeaderValue, StatusCode, header};

/// For the errors of RFC 6749, which have words of their own.
pub(crate) const BAD_REQUEST: StatusCode = StatusCode::BAD_REQUEST;
/// For a handler that panicked, outside of the router.
pub(crate) const INTERNAL_SERVER_ERROR: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;
/// For a request that took too long, outside of the router.
pub(crate) const SERVICE_UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
/// For the errors of RFC 6749.
pub(crate) const UNAUTHORIZED: StatusCode = StatusCode::UNAUTHORIZED;

/// What a status code is called, for documents; nothing for what is none.
pub(crate) fn reason(code: &str) -> &'static str {
    let status = code.parse().ok().and_then(|code: u16| StatusCode::from_u16(code).ok());
    status.and_then(|status| status.canonical_reason()).unwrap_or_default()
}

/// Why a request is refused, in the words of the interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// The rules say no.
    Refused(Refusal),
    /// No `Authorization` header with an API key.
    KeyMissing,
    /// The key is no key: the text says why.
    KeyMalformed(String),
    /// Nobody has this key.
    KeyUnknown,
    /// The key has ended.
    KeyEnded,
    /// The key is of another kind than this route wants.
    KeyKind(&'static str),
    /// A publishable key from a page that its app does not list.
    OriginNotAllowed,
    /// The app is switched off.
    AppDisabled,
    /// The token is not good, whatever the reason.
    InvalidToken,
    /// The body is not JSON, or too long, or of another type.
    Body(BodyError),
    /// A member of the body is not what it should be.
    InvalidMember {
        /// Which one.
        member: &'static str,
        /// A stable code for the reason.
        code: &'static str,
        /// What to do.
        detail: String,
    },
    /// A header that may come once and as text came otherwise. Its name.
    InvalidHeader(&'static str),
    /// The same `Idempotency-Key` with another body.
    IdempotencyKeyReused,
    /// Too many requests from one network.
    TooManyRequests(Span),
    /// The app's messages of today are used up.
    AppLimit(Span),
    /// What is asked needs a proof that was given a moment ago.
    NotFresh,
    /// Nothing is there.
    NotFound,
    /// The route exists for other methods.
    MethodNotAllowed,
    /// What is to be made exists.
    AlreadyExists(&'static str),
    /// It comes from the configuration file and is changed there.
    Declared,
    /// The store does not answer, or too many write at once.
    Unavailable,
    /// A programmer's error.
    Internal,

    /// The realm's people have no passwords.
    PasswordsOff,
    /// Too many passwords wait to be hashed.
    PasswordsBusy,
    /// What is to be removed is the last way into the account.
    LastWayIn,

    /// The admin key lacks this scope.
    ScopeNeeded(&'static str),
    /// The admin key is of one realm, and all are concerned.
    AllRealmsNeeded,
    /// A browser asks with an admin key.
    BrowserRefused,
    /// What is to be removed is needed: by what.
    InUse(&'static str),
    /// Somebody of the realm has the address.
    AddressTaken,
    /// The realm has as many open invitations as it may.
    TooManyInvitations,

    /// What was proven is right and not enough: how the sign-in goes on.
    MoreNeeded(Box<serde_json::Value>),

    /// What is asked needs proofs of all that the person signs in with.
    StrongerNeeded,
    /// The person has as many credentials of the kind as there may be.
    TooManyCredentials,
    /// Recovery codes stand in for another factor, and there is none.
    NoFactor,

    /// The server is known by an address alone, and passkeys are for names.
    PasskeysOff,

    /// The browser is not registered, whatever the reason.
    RegistrationRefused,
}

/// What is wrong with a body as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// `Content-Type` is not the one expected.
    MediaType(&'static str),
    /// Longer than the limit in bytes.
    TooLarge(usize),
    /// Not JSON at all.
    Malformed(String),
    /// JSON of another shape: an unknown or missing member, a wrong type.
    Shape(String),
    /// It did not arrive.
    Incomplete,
}

/// Longest detail that repeats anything of a caller's.
const LONGEST_DETAIL: usize = 300;

impl ApiError {
    /// A member of a body, or of a query, that is not what it should be.
    #[must_use]
    pub fn invalid(member: &'static str, detail: impl Into<String>) -> Self {
        Self::InvalidMember { member, code: "invalid_member", detail: detail.into() }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<countersign_store::Error> for ApiError {
    fn from(error: countersign_store::Error) -> Self {
        match error {
            countersign_store::Error::Corrupt { .. } => tracing::error!(%error, "a stored row does not read"),
            countersign_store::Error::Conflict => tracing::warn!("a decision lost every race for its rows"),
            _ => tracing::error!(%error, "the store did not answer"),
        }
        Self::Unavailable
    }
}

impl From<crate::passwords::Error> for ApiError {
    fn from(error: crate::passwords::Error) -> Self {
        if error == crate::passwords::Error::Busy {
            return Self::PasswordsBusy;
        }
        tracing::error!(%error, "a password could not be hashed");
        Self::Unavailable
    }
}

/// What a refusal looks like: status, code, title.
type Row = (StatusCode, &'static str, &'static str);

impl ApiError {
    #[rustfmt::skip]
    fn row(&self) -> Row {
        use StatusCode as S;
        match self {
            Self::Refused(refusal) => refusal_row(*refusal),
            Self::KeyMissing => (S::UNAUTHORIZED, "api_key_missing", "Send an API key as Authorization: Bearer"),
            Self::KeyMalformed(_) => (S::UNAUTHORIZED, "api_key_malformed", "The API key does not read"),
            Self::KeyUnknown => (S::UNAUTHORIZED, "api_key_unknown", "The API key is unknown"),
            Self::KeyEnded => (S::UNAUTHORIZED, "api_key_ended", "The API key has expired or was revoked"),
            Self::KeyKind(_) => (S::FORBIDDEN, "api_key_kind", "Another kind of API key is needed"),
            Self::OriginNotAllowed => (S::FORBIDDEN, "origin_not_allowed", "The app does not list this origin"),
            Self::AppDisabled => (S::FORBIDDEN, "app_disabled", "The app is switched off"),
            Self::InvalidToken => (S::UNAUTHORIZED, "invalid_token", "The token is not valid"),
            Self::Body(BodyError::MediaType(_)) => (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body has another media type"),
            Self::Body(BodyError::TooLarge(_)) => (S::PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large"),
            Self::Body(BodyError::Malformed(_)) => (S::BAD_REQUEST, "malformed_json", "The body is not JSON"),
            Self::Body(BodyError::Incomplete) => (S::REQUEST_TIMEOUT, "body_incomplete", "The body did not arrive"),
            Self::Body(BodyError::Shape(_)) => (S::UNPROCESSABLE_ENTITY, "invalid_request", "The body has another shape"),
            Self::InvalidMember { code, .. } => (S::UNPROCESSABLE_ENTITY, code, "A member of the body is not valid"),
            Self::InvalidHeader(_) => (S::BAD_REQUEST, "invalid_header", "A header is repeated or is not text"),
            Self::IdempotencyKeyReused => (S::UNPROCESSABLE_ENTITY, "idempotency_key_reused", "This Idempotency-Key came with another body"),
            Self::TooManyRequests(_) => (S::TOO_MANY_REQUESTS, "too_many_requests", "Too many requests from your network"),
            Self::AppLimit(_) => (S::TOO_MANY_REQUESTS, "app_limit", "The app has sent enough messages for today"),
            Self::NotFresh => (S::FORBIDDEN, "fresh_sign_in_needed", "Sign in again first"),
            Self::NotFound => (S::NOT_FOUND, "not_found", "There is nothing here"),
            Self::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "method_not_allowed", "Use another method"),
            Self::AlreadyExists(_) => (S::CONFLICT, "already_exists", "It exists already"),
            Self::Declared => (S::CONFLICT, "declared_in_file", "It is declared in the configuration file: change it there"),
            Self::Unavailable => (S::SERVICE_UNAVAILABLE, "unavailable", "Try again in a moment"),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, "internal_error", "Something went wrong here"),

            Self::PasswordsOff => (S::FORBIDDEN, "passwords_off", "There are no passwords here"),
            Self::PasswordsBusy => (S::SERVICE_UNAVAILABLE, "passwords_busy", "Too many passwords are being checked: try again in a moment"),
            Self::LastWayIn => (S::CONFLICT, "last_way_in", "It is the last way into the account"),

            Self::ScopeNeeded(_) => (S::FORBIDDEN, "scope_needed", "The admin key lacks a scope"),
            Self::AllRealmsNeeded => (S::FORBIDDEN, "all_realms_needed", "This concerns all realms: it takes an admin key of all of them"),
            Self::BrowserRefused => (S::FORBIDDEN, "browser_refused", "Admin keys are not for browsers"),
            Self::AddressTaken => (S::CONFLICT, "address_taken", "Somebody of the realm has this address"),
            Self::TooManyInvitations => (S::CONFLICT, "too_many_invitations", "The realm has 1000 open invitations"),
            Self::InUse(_) => (S::CONFLICT, "in_use", "It is in use"),

            Self::MoreNeeded(_) => (S::UNAUTHORIZED, "more_needed", "This is right, and not enough: go on with the sign-in"),

            Self::StrongerNeeded => (S::FORBIDDEN, "stronger_sign_in_needed", "Sign in with your second factor first"),
            Self::TooManyCredentials => (S::CONFLICT, "too_many_credentials", "There are too many: remove one first"),
            Self::NoFactor => (S::CONFLICT, "no_second_factor", "There is no second factor yet: add one first"),

            Self::RegistrationRefused => (S::UNAUTHORIZED, "registration_refused", "The device is not registered"),

            Self::PasskeysOff => (S::FORBIDDEN, "passkeys_off", "There are no passkeys here: the server has an address for a name"),
        }
    }

    /// The stable code, for logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.row().1
    }

    /// What happened, for people.
    pub(crate) fn title(&self) -> &'static str {
        self.row().2
    }

    /// The status that it leaves with.
    pub(crate) fn status(&self) -> StatusCode {
        self.row().0
    }

    /// What to do, where more can be said.
    pub(crate) fn detail(&self) -> Option<String> {
        let detail = match self {
            Self::Refused(refusal) => refusal.to_string(),
            Self::KeyMalformed(detail)
            | Self::Body(BodyError::Malformed(detail) | BodyError::Shape(detail)) => detail.clone(),
            Self::InvalidHeader(name) => format!("send {name} once, in visible ASCII"),
            Self::KeyKind(wanted) => format!("this route wants a {wanted} key"),
            Self::Body(BodyError::MediaType(expected)) => format!("expected {expected}"),
            Self::Body(BodyError::TooLarge(limit)) => format!("at most {limit} bytes"),
            Self::InvalidMember { detail, .. } => detail.clone(),
            Self::AlreadyExists(what) => format!("another {what} has this name"),
            Self::ScopeNeeded(scope) => format!("this takes an admin key with the scope {scope}"),
            Self::BrowserRefused => "send no Origin, Sec-Fetch-* or Cookie header".to_owned(),
            Self::InUse(why) => (*why).to_owned(),
            _ => return None,
        };
        // Control characters of a caller's own text stay out of terminals and logs.
        Some(detail.chars().filter(|letter| !letter.is_control()).take(LONGEST_DETAIL).collect())
    }

    /// The seconds after which a try may succeed, where waiting helps.
    pub(crate) fn retry_after(&self) -> Option<i64> {
        match self {
            Self::Refused(
                Refusal::TooManyAttempts { retry_after }
                | Refusal::ResendTooSoon { retry_after }
                | Refusal::TooManyMessages { retry_after }
                | Refusal::TooManyPasswords { retry_after }
                | Refusal::TooManyProofs { retry_after },
            )
            | Self::TooManyRequests(retry_after)
            | Self::AppLimit(retry_after) => Some(retry_after.seconds_up().max(1)),
            Self::Unavailable | Self::PasswordsBusy => Some(1),
            _ => None,
        }
    }

    fn document(&self) -> serde_json::Map<String, serde_json::Value> {
        let (status, code, title) = self.row();
        let mut document = serde_json::Map::new();
        document.insert("type".into(), format!("urn:countersign:problem:{code}").into());
        document.insert("title".into(), title.into());
        document.insert("status".into(), status.as_u16().into());
        document.insert("code".into(), code.into());
        if let Some(detail) = self.detail() {
            document.insert("detail".into(), detail.into());
        }
        if let Self::InvalidMember { member, .. } = self {
            document.insert("member".into(), (*member).into());
        }
        if let Self::ScopeNeeded(scope) = self {
            document.insert("scope".into(), (*scope).into());
        }
        if let Self::Refused(Refusal::InvalidCode { tries_left } | Refusal::InvalidNumber { tries_left }) =
            self
        {
            document.insert("tries_left".into(), (*tries_left).into());
        }
        if let Self::MoreNeeded(sign_in) = self {
            document.insert("sign_in".into(), (**sign_in).clone());
        }
        if let Some(seconds) = self.retry_after() {
            document.insert("retry_after".into(), seconds.into());
        }
        document
    }
}

#[rustfmt::skip]
fn refusal_row(refusal: Refusal) -> Row {
    use StatusCode as S;
    match refusal {
        Refusal::InvalidCode { .. } => (S::UNAUTHORIZED, "invalid_code", "The code is wrong"),
        Refusal::InvalidBinding => (S::UNAUTHORIZED, "invalid_binding", "The binding is wrong"),
        Refusal::InvalidNumber { .. } => (S::UNAUTHORIZED, "invalid_number", "The number is wrong"),
        Refusal::ChallengeNotFound => (S::NOT_FOUND, "challenge_not_found", "There is no such challenge"),
        Refusal::ChallengeOver => (S::GONE, "challenge_over", "The challenge is over: ask for a new one"),
        Refusal::NotApproved => (S::CONFLICT, "not_approved", "The link has not been approved yet"),
        Refusal::SessionOver => (S::UNAUTHORIZED, "session_over", "The session is over: sign in again"),
        Refusal::SignUpClosed => (S::FORBIDDEN, "sign_up_closed", "This app takes no new people"),
        Refusal::UserDisabled => (S::FORBIDDEN, "user_disabled", "The account is switched off"),
        Refusal::IdentifierTaken => (S::CONFLICT, "identifier_taken", "Somebody else has it"),
        Refusal::TooManyIdentifiers => (S::CONFLICT, "too_many_identifiers", "There are too many: remove one first"),
        Refusal::LastWayIn => (S::CONFLICT, "last_way_in", "It is the last way in: add another one first"),
        Refusal::UserErasing => (S::FORBIDDEN, "account_erasing", "The account will be erased"),
        Refusal::TooManyAttempts { .. } => (S::TOO_MANY_REQUESTS, "too_many_attempts", "Too many wrong codes: use the link of a new mail"),
        Refusal::ResendTooSoon { .. } => (S::TOO_MANY_REQUESTS, "resend_too_soon", "A message was sent a moment ago"),
        Refusal::TooManyMessages { .. } => (S::TOO_MANY_REQUESTS, "too_many_messages", "Too many messages to this address"),

        Refusal::InvalidPassword => (S::UNAUTHORIZED, "invalid_password", "The name or the password is wrong"),
        Refusal::TooManyPasswords { .. } => (S::TOO_MANY_REQUESTS, "too_many_passwords", "Too many wrong passwords: sign in with a code, or choose a new password"),

        Refusal::SignInOver => (S::GONE, "sign_in_over", "The sign-in is over: begin again"),
        Refusal::MethodNotOffered => (S::CONFLICT, "method_not_offered", "This is not asked for now"),

        Refusal::TooManyProofs { .. } => (S::TOO_MANY_REQUESTS, "too_many_attempts", "Too many wrong codes: wait, or use a passkey or a security key"),
        Refusal::InvalidPasskey => (S::UNAUTHORIZED, "invalid_passkey", "The passkey or security key is not accepted"),
        Refusal::CeremonyOver => (S::GONE, "ceremony_over", "The question to the authenticator is over: ask again"),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, ..) = self.row();
        let retry_after = self.retry_after();
        let mut response = status.into_response();
        response.extensions_mut().insert(Problem(self.code()));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            let challenge = match self {
                Self::InvalidToken => "Bearer error=\"invalid_token\"",
                _ => "Bearer",
            };
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        // Its document is written once the request's id is known.
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the body of a refused response, with the request's id in it. Other responses stay as they are.
pub fn finish(response: &mut Response, id: RequestId) {
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        let mut document = error.document();
        document.insert("request_id".into(), id.to_string().into());
        *response.body_mut() = serde_json::Value::Object(document).to_string().into();
        // The router has counted the empty body that was there before.
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
}

/// Left on a refused response, so that logs and metrics can name the reason.
#[derive(Clone, Copy, Debug)]
pub struct Problem(pub &'static str);
