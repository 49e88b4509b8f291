//! `POST /v1/password/forgotten` and `POST /v1/password/register`: both mail a code or a link and say the same to
//! everybody, whether the person is known or not.

use countersign_domain::challenge::Purpose;
use serde::Deserialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{
    super::{
        Answer, mailbox,
        start::{Aim, EndUser, PurposeName, Recipient, StartBody, StartedBody, prepare, run},
    },
    typed,
};
use crate::{
    call::{Call, Json},
    user_passwords::{common_words, of_app},
};

/// Who forgot their password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgottenBody {
    /// A mailbox of the person's.
    #[schema(min_length = 1, max_length = 254)]
    pub email: String,
    /// The binding of an earlier challenge from the same place: this one replaces it.
    #[serde(default)]
    #[schema(min_length = 32, max_length = 32)]
    pub binding: Option<String>,
    /// Leave the binding with the browser, in a cookie that no script reads, instead of telling it in the answer.
    /// Publishable keys only; send credentials along.
    #[serde(default)]
    pub binding_cookie: bool,
    /// The person's languages as in `Accept-Language`, best first.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub locale: Option<String>,
    /// Who asked, as the app's server saw them. Secret keys only; gone with the challenge.
    #[serde(default)]
    pub end_user: Option<EndUser>,
}

/// Who wants an account, and with which password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterBody {
    /// The person's mailbox.
    #[schema(min_length = 1, max_length = 254)]
    pub email: String,
    /// The password that they wish. It becomes theirs when the code that is mailed was typed, and only if they are new.
    #[schema(value_type = String, min_length = 1, max_length = 1024)]
    pub password: Zeroizing<String>,
    /// The binding of an earlier challenge from the same place: this one replaces it.
    #[serde(default)]
    #[schema(min_length = 32, max_length = 32)]
    pub binding: Option<String>,
    /// Leave the binding with the browser, in a cookie that no script reads, instead of telling it in the answer.
    /// Publishable keys only; send credentials along.
    #[serde(default)]
    pub binding_cookie: bool,
    /// The person's languages as in `Accept-Language`, best first.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub locale: Option<String>,
    /// Who asked, as the app's server saw them. Secret keys only; gone with the challenge.
    #[serde(default)]
    pub end_user: Option<EndUser>,
}

/// Mail a code with which a person chooses a new password.
#[utoipa::path(post, path = "/v1/password/forgotten", operation_id = "forgot_password", tag = "passwords",
    request_body = ForgottenBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeat safely: the same key and body start one challenge")),
    security(("secret_key" = []), ("publishable_key" = [])),
    responses((status = 201, description = "It was started", body = StartedBody)))]
pub async fn forgotten(call: Call, Json(body, bytes): Json<ForgottenBody>) -> Answer<StartedBody> {
    of_app(&call.server, &call.app)?;
    let aim = Aim { purpose: Purpose::ResetPassword, member: "email", wish: None };
    let prepared = prepare(&call, start_body(body), &bytes, aim)?;
    prepared.limit(&call)?;
    run(&call, &prepared).await
}

/// Register with a password: a code is mailed, and whoever types it is signed in, with this password if they are new.
#[utoipa::path(post, path = "/v1/password/register", operation_id = "register_with_password", tag = "passwords",
    request_body = RegisterBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeat safely: the same key and body start one challenge")),
    security(("secret_key" = []), ("publishable_key" = [])),
    responses((status = 201, description = "It was started", body = StartedBody)))]
pub async fn register(call: Call, Json(body, _): Json<RegisterBody>) -> Answer<StartedBody> {
    let hashing = of_app(&call.server, &call.app)?;
    let password = typed(&body.password)?;
    let RegisterBody { email, binding, binding_cookie, locale, end_user, .. } = body;
    let address = mailbox(&email)?;
    let aim = Aim { purpose: Purpose::Register, member: "email", wish: None };
    // What an `Idempotency-Key` is remembered with has nothing of the password: it is no slow hash.
    let bytes = format!("{email:?} {binding:?} {binding_cookie} {locale:?} {end_user:?}");
    let body = start_body(ForgottenBody { email, binding, binding_cookie, locale, end_user });
    let mut prepared = prepare(&call, body, bytes.as_bytes(), aim)?;
    prepared.limit(&call)?;
    hashing.accept(&password, &common_words(&call.app, address.canonical())).await?;
    prepared.wish(hashing.hash(&password, &mut *call.random()).await?);
    run(&call, &prepared).await
}

fn start_body(body: ForgottenBody) -> StartBody {
    let ForgottenBody { email, binding, binding_cookie, locale, end_user } = body;
    StartBody {
        to: Recipient { email },
        purpose: PurposeName::default(),
        binding,
        binding_cookie,
        locale,
        end_user,
        subject: None,
        content: None,
    }
}
