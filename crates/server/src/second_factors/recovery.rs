//! Recovery codes of people: a sheet as it is kept, and whether a code is on it.

use countersign_domain::{
    assurance::{Method, Methods},
    credential::{Credential, CredentialKind},
    id::CredentialId,
    recovery_code::{self, ON_A_SHEET, RecoveryCode},
    second_factor::Verdict,
    secret::Digest,
    user::User,
};

use super::{Attempt, Proven};
use crate::{credentials, error::ApiError, outbox::notice::Notice, state::Server};

/// What one wrong code costs of a person's budget for a day: it hits nothing, and a hundred a day are enough.
const CHARGE: u32 = 1;
/// Bytes of a digest.
const DIGEST: usize = 32;

/// A new sheet for a person: as it is kept, and the codes to show once.
///
/// # Errors
/// [`ApiError::Internal`] when memory fails.
pub fn draw(server: &Server, user: &User) -> Result<(Credential, Vec<RecoveryCode>), ApiError> {
    let mut random = server.random();
    let now = server.now();
    let id = CredentialId::new(now, &mut *random);
    let codes: Vec<RecoveryCode> = (0..ON_A_SHEET).map(|_| RecoveryCode::draw(&mut *random)).collect();
    let digests: Vec<u8> =
        codes.iter().flat_map(|code| *server.keys.recovery_code(id, code).bytes()).collect();
    let sheet = Credential {
        id,
        realm: user.realm.clone(),
        user: user.id,
        kind: CredentialKind::RecoveryCodes,
        lookup: None,
        vouched_by: Methods::NONE,
        sealed: credentials::seal(server, (&user.realm, &id), &digests)?,
        sealed_label: None,
        counter: 0,
        created_at: now,
        used_at: None,
        version: 0,
    };
    Ok((sheet, codes))
}

/// The place of a code on a sheet, if it is there. All codes are compared, each in a time that tells nothing.
fn place_of(server: &Server, sheet: &Credential, typed: &RecoveryCode) -> Result<Option<usize>, ApiError> {
    let digests = credentials::open(server, sheet)?;
    let digest = server.keys.recovery_code(sheet.id, typed);
    let mut place = None;
    for (index, kept) in digests.expose().chunks_exact(DIGEST).enumerate() {
        let mut bytes = [0; DIGEST];
        bytes.copy_from_slice(kept);
        if Digest::new(bytes) == digest {
            place = Some(index);
        }
    }
    Ok(place)
}

/// Decides whether `typed` is a recovery code of the person's that was not used before. To be written are the counters,
/// the sheet at its version, an event, and mails to every address of theirs.
///
/// # Errors
/// The store's, or [`ApiError::Internal`] when something sealed does not open.
pub async fn prove_recovery(attempt: &Attempt<'_>, typed: &str) -> Result<Proven, ApiError> {
    let server = attempt.server;
    let (mut verdict, mut found) = (Verdict::Wrong, None);
    let all = server.store.credentials_of(attempt.user.id).await?;
    let sheet = all.into_iter().find(|credential| credential.kind == CredentialKind::RecoveryCodes);
    if let (Some(sheet), Ok(typed)) = (sheet, RecoveryCode::parse(typed))
        && let Some(place) = place_of(server, &sheet, &typed)?
    {
        match recovery_code::spend(sheet.counter, place) {
            Some(counter) => {
                verdict = Verdict::Right;
                found = Some(Credential { counter, used_at: Some(attempt.now), ..sheet });
            }
            None => verdict = Verdict::Spent,
        }
    }
    let left = found.as_ref().map(|sheet| recovery_code::left(sheet.counter));
    let mut decision = attempt.settle((verdict, CHARGE), found, Method::RecoveryCode).await?;
    if let (Ok(()), Some(left)) = (&decision.outcome, left) {
        let notice = Notice::RecoveryCodeUsed { left };
        server.tell_user(attempt.app, attempt.user, &notice, &mut decision.changes).await?;
        // Whoever has the authenticator that was lost may have its browser too.
        decision.changes.extend(credentials::end_trust(server, attempt.user.id).await?);
    }
    Ok(decision)
}
