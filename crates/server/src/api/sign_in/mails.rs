//! Steps that prove a mailbox: a mail is asked for, its code is typed or its link was pressed. How a challenge is judged is
//! the same as for apps that know no sign-ins under way.

use countersign_domain::{
    assurance::Method,
    challenge::Purpose,
    changes::{Changes, FlowChange},
    refusal::Refusal,
    token::SecretToken,
};
use http::StatusCode;

use super::{MailedBody, SignInBody, address_of, body_of, factors::offered};
use crate::{
    accounts::{Entry, Passed, complete},
    api::{
        Answer, answer,
        challenge::{challenge_id, find_with_contact, judge, parse_code},
        start::{self, Aim, EndUser, PurposeName, Recipient, StartBody, StartedBody},
    },
    call::Call,
    error::ApiError,
    flow::{self, FlowKey, Pending},
};

/// Mails to the address that the sign-in began with.
pub(super) async fn send(
    call: &Call,
    key: &FlowKey,
    locale: Option<String>,
    end_user: Option<EndUser>,
) -> Answer<SignInBody> {
    // The answer is the sign-in's: another mail of it is no repetition.
    let call = &Call { idempotency_key: None, ..call.clone() };
    let server = &call.server;
    let row = flow::find(server, &call.app, key, call.now).await?;
    let address = address_of(call, &row).await?;
    let verdict = offered(call, &row, &[Method::Code, Method::Link]).await?;
    let mut said = flow::open(server, &row)?;
    let body = StartBody {
        to: Recipient { email: address.canonical().to_owned() },
        purpose: PurposeName::SignIn,
        binding: said.challenge.as_ref().map(|(_, binding)| binding.clone()),
        binding_cookie: false,
        locale,
        end_user,
        subject: None,
        content: None,
    };
    let aim = Aim { purpose: Purpose::SignIn, member: "email", wish: None };
    let prepared = start::prepare(call, body, &[], aim)?;
    prepared.limit(call)?;
    let started = start::begin(call, &prepared).await?;
    let binding = started.binding.clone().ok_or(ApiError::Internal)?;
    said.challenge = Some((started.id.clone(), binding));
    let said = &said;
    let row = server
        .decide(|| async move {
            let mut row = flow::find(server, &call.app, key, call.now).await?;
            flow::seal(server, &mut row, said)?;
            Ok((row.clone(), Changes(vec![FlowChange::Saved(row).into()])))
        })
        .await?;
    let mut body = body_of(call, &Pending { row, verdict, binding: None });
    body.challenge = Some(mailed(started));
    Ok(answer(StatusCode::ACCEPTED, body))
}

fn mailed(started: StartedBody) -> MailedBody {
    let StartedBody { id, confirmation_number, expires_at, resend_after, .. } = started;
    MailedBody { id, confirmation_number, expires_at, resend_after }
}

/// Checks the code that was mailed, or redeems the link.
pub(super) async fn code_or_link(
    call: &Call,
    key: &FlowKey,
    code: Option<&str>,
) -> Result<Result<Entry, Refusal>, ApiError> {
    let (server, app) = (&call.server, &call.app);
    let code = &code.map(parse_code).transpose()?;
    let row = flow::find(server, app, key, call.now).await?;
    let not_mailed = || ApiError::Refused(Refusal::MethodNotOffered);
    let (id, binding) = flow::open(server, &row)?.challenge.ok_or_else(not_mailed)?;
    let (id, binding) = (challenge_id(&id)?, &SecretToken::parse(&binding).map_err(|_| ApiError::Internal)?);
    let person = find_with_contact(server, app, id).await?.0.contact;
    let _lane = server.lanes.enter(&person).await;
    let passed = server
        .decide(|| async move {
            let row = flow::find(server, app, key, call.now).await?;
            let found = find_with_contact(server, app, id).await?;
            let decision = judge(call, found, binding, code.as_ref()).await?;
            complete(call, person, decision, Some(row)).await
        })
        .await?;
    if passed.is_err() {
        server.lanes.note_failure();
    }
    match passed {
        Ok(Passed { entry: Some(entry), .. }) => Ok(Ok(entry)),
        Ok(Passed { entry: None, .. }) => Err(ApiError::Internal),
        Err(refusal) => Ok(Err(refusal)),
    }
}
