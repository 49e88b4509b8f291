//! What a person sends from the sign-in page, as steps of `/v1/sign-in`: taken by the same functions, so that there is no
//! second set of rules.

use countersign_domain::{refusal::Refusal, token::SecretToken};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    held::{flow_key, forget_flow, highest, keep_flow},
    visit::Visit,
};
use crate::{
    accounts::Entry,
    api::{
        challenge::{challenge_id, cookies_of},
        sign_in::{BeginSignInBody, SignInStepBody, Step, begin_as, step, steps_of},
    },
    call::Call,
    config::CookieKind,
    error::ApiError,
    flow::{self, FlowKey, Pending},
    oauth2::Form,
};

/// What a step led to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// What the browser is given to keep.
    pub(super) cookies: Vec<HeaderValue>,
    /// What the step answered, where a page is to show it.
    pub(super) answer: Option<Value>,
}

/// Takes the step that a form of the page asks for.
///
/// # Errors
/// What `/v1/sign-in` refuses.
pub(super) async fn take(
    call: &Call,
    visit: &Visit,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Outcome, ApiError> {
    match form.value("step").unwrap_or_default() {
        "begin" => begin(call, visit, form.value("name").unwrap_or_default()).await,
        "step_up" => {
            let mut body = BeginSignInBody { step_up: true, ..beginning(visit) };
            if visit.fresh {
                // Nothing of before counts.
                body.max_age = Some(0);
                body.acr_values = vec![highest(call).await?.max(visit.asked()).acr().to_owned()];
            }
            begun(call, &begin_as(call, body).await?)
        }
        "restart" => Ok(Outcome { cookies: forget_flow(&call.server).collect(), answer: None }),
        name => {
            let key = flow_key(&call.server, headers).ok_or(ApiError::Refused(Refusal::SignInOver))?;
            go_on(call, &key, body(&key, name, form)?).await
        }
    }
}

fn beginning(visit: &Visit) -> BeginSignInBody {
    BeginSignInBody { email: None, username: None, acr_values: visit.levels(), step_up: false, max_age: None }
}

/// Begins with a name. Where a mail is all that can follow it is sent at once.
async fn begin(call: &Call, visit: &Visit, name: &str) -> Result<Outcome, ApiError> {
    let (name, mut body) = (name.trim(), beginning(visit));
    if name.contains('@') {
        body.email = Some(name.to_owned());
    } else {
        body.username = Some(name.to_owned());
    }
    let is_mailbox = body.email.is_some();
    let has_passwords = call.server.realm(&call.app.realm).passwords;
    if !is_mailbox && !has_passwords {
        return Err(ApiError::invalid("email", "an address has an @"));
    }
    let pending = begin_as(call, body).await?;
    let mut outcome = begun(call, &pending)?;
    let steps = steps_of(call, &pending.verdict);
    if is_mailbox && steps.contains(&"mail") && !steps.contains(&"password") {
        let binding = pending.binding.ok_or(ApiError::Internal)?;
        let key = FlowKey { id: pending.row.id, binding };
        let mail = body_of_mail(&key);
        // The sign-in began, whatever became of its mail: the page says so, and sends another.
        if let Ok(mailed) = go_on(call, &key, mail).await {
            outcome.cookies.extend(mailed.cookies);
        }
    }
    Ok(outcome)
}

/// Begins without a name, for a passkey that will say it.
pub(super) async fn begin_nameless(call: &Call, visit: &Visit) -> Result<(FlowKey, Outcome), ApiError> {
    let pending = begin_as(call, beginning(visit)).await?;
    let outcome = begun(call, &pending)?;
    let binding = pending.binding.ok_or(ApiError::Internal)?;
    Ok((FlowKey { id: pending.row.id, binding }, outcome))
}

fn begun(call: &Call, pending: &Pending) -> Result<Outcome, ApiError> {
    let binding = pending.binding.as_ref().ok_or(ApiError::Internal)?;
    let cookies = keep_flow(&call.server, &pending.row, binding).into_iter().collect();
    Ok(Outcome { cookies, answer: None })
}

fn body_of_mail(key: &FlowKey) -> SignInStepBody {
    SignInStepBody::Mail { binding: key.binding.expose().to_owned(), locale: None, end_user: None }
}

/// A form as a step of the interface.
fn body(key: &FlowKey, name: &str, form: &Form) -> Result<SignInStepBody, ApiError> {
    let binding = key.binding.expose().to_owned();
    let field = |name: &str| form.value(name).unwrap_or_default().to_owned();
    let secret = |name: &str| Zeroizing::new(field(name));
    let trust_device = form.value("trust").is_some();
    let unread = |error: serde_json::Error| ApiError::invalid("credential", error.to_string());
    Ok(match name {
        "mail" => body_of_mail(key),
        "code" => SignInStepBody::Code { binding, code: field("code") },
        "link" => SignInStepBody::Link { binding },
        "password" => SignInStepBody::Password { binding, password: secret("password"), end_user: None },
        "totp" => SignInStepBody::Totp { binding, code: secret("code"), trust_device },
        "recovery_code" => SignInStepBody::RecoveryCode { binding, code: secret("code") },
        "new_totp_options" => SignInStepBody::NewTotpOptions { binding },
        "new_totp" => SignInStepBody::NewTotp {
            binding,
            ceremony: field("ceremony"),
            code: secret("code"),
            label: None,
        },
        "passkey_options" => SignInStepBody::PasskeyOptions { binding },
        "new_passkey_options" => SignInStepBody::NewPasskeyOptions { binding },
        "passkey" => {
            let credential = serde_json::from_str(&field("credential")).map_err(unread)?;
            SignInStepBody::Passkey { binding, credential, trust_device }
        }
        "new_passkey" => {
            let credential = serde_json::from_str(&field("credential")).map_err(unread)?;
            SignInStepBody::NewPasskey { binding, credential, label: None }
        }
        _ => return Err(ApiError::invalid("step", "there is no such step")),
    })
}

/// Goes on with a sign-in.
///
/// # Errors
/// What `/v1/sign-in` refuses.
pub(super) async fn go_on(call: &Call, key: &FlowKey, body: SignInStepBody) -> Result<Outcome, ApiError> {
    let server = &call.server;
    let mails = matches!(body, SignInStepBody::Mail { .. });
    match step(call, key, body).await? {
        Step::Asked(answered) => {
            let cookies =
                if mails { binding_cookie(call, key).await?.into_iter().collect() } else { Vec::new() };
            let answer = Some(answered.json().await?);
            Ok(Outcome { cookies, answer })
        }
        Step::Proven(Err(refusal)) => {
            server.metrics.refused_proof(&call.app);
            Err(refusal.into())
        }
        Step::Proven(Ok(Entry::Pending(_))) => Ok(Outcome::default()),
        Step::Proven(Ok(Entry::SignedIn(signed_in))) => {
            server.metrics.proved(&call.app, signed_in.session.assurance.methods);
            let mut cookies = cookies_of(call, &signed_in);
            cookies.extend(forget_flow(server));
            Ok(Outcome { cookies, answer: None })
        }
    }
}

/// Leaves the binding of the challenge with the browser, so that the link of the mail asks for no number there.
async fn binding_cookie(call: &Call, key: &FlowKey) -> Result<Option<HeaderValue>, ApiError> {
    let server = &call.server;
    let row = flow::find(server, &call.app, key, server.now()).await?;
    let Some((id, binding)) = flow::open(server, &row)?.challenge else { return Ok(None) };
    let Some(challenge) = server.store.challenge(challenge_id(&id)?).await? else { return Ok(None) };
    let binding = SecretToken::parse(&binding).map_err(|_| ApiError::Internal)?;
    let life = challenge.expires_at.since(server.now());
    Ok(server.config.load().cookies.set(CookieKind::Binding, binding.expose(), life))
}
