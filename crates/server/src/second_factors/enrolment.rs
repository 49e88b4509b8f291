//! The way a TOTP comes to a person: the question that waits for its first code, and what an authenticator app reads the
//! secret from. It knows no routes.

use countersign_domain::{
    assurance::Methods,
    ceremony::{Ceremony, CeremonyKind, LIFE},
    changes::{Changes, FlowChange},
    credential::{Credential, CredentialKind},
    id::{CeremonyId, CredentialId, UserId},
    realm::RealmName,
    session::Session,
    time::Timestamp,
    totp::{Match, PERIOD_SECONDS, TotpCode},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use qrcode::{EcLevel, QrCode, render::svg};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{totp::TotpSecret, window};
use crate::{credentials, error::ApiError, state::Server};

/// Wrong codes after which the question is over.
pub const TRIES: u32 = 5;
/// Longest name of an app or a person in an authenticator app, in characters.
const LONGEST_NAME: usize = 64;
/// Pixels of a module of the picture: a camera reads it from a screen.
const MODULE: u32 = 4;
/// Everything but the unreserved characters of RFC 3986, 2.3.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What is kept sealed of a question.
#[derive(Deserialize, Serialize)]
struct Kept {
    secret: Zeroizing<String>,
    tries: u32,
}

/// Where an enrolment takes place: within a session, or a sign-in that is under way.
#[derive(Clone, Copy)]
pub struct Within<'a> {
    /// The realm.
    pub realm: &'a RealmName,
    /// The bytes of the session's or the sign-in's id.
    pub id: &'a [u8; 16],
    /// Whose it is.
    pub user: UserId,
}

impl<'a> From<&'a Session> for Within<'a> {
    fn from(session: &'a Session) -> Self {
        Self { realm: &session.realm, id: session.id.bytes(), user: session.user }
    }
}

/// A TOTP that waits for its first code.
#[derive(Clone)]
pub struct Enrolment {
    /// The question.
    pub ceremony: Ceremony,
    /// The secret.
    pub totp: TotpSecret,
    tries: u32,
}

/// What the first code made of an enrolment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// It was right: this is the newest step of the credential.
    Right(i64),
    /// It was wrong; so many more may be.
    Wrong(u32),
}

impl Enrolment {
    /// Asks for the first code of a new TOTP.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when memory fails.
    pub fn begin(server: &Server, within: Within<'_>, totp: TotpSecret) -> Result<Self, ApiError> {
        let now = server.now();
        let id = CeremonyId::new(now, &mut *server.random());
        let ceremony = Ceremony {
            id,
            realm: within.realm.clone(),
            kind: CeremonyKind::Enrolment,
            within: *within.id,
            user: Some(within.user),
            sealed: Vec::new(),
            expires_at: now + LIFE,
        };
        Self { ceremony, totp, tries: 0 }.sealed(server)
    }

    /// The question with this id, if it was asked there and waits.
    ///
    /// # Errors
    /// The store's, or [`ApiError::Internal`] when it does not open.
    pub async fn find(server: &Server, within: Within<'_>, id: CeremonyId) -> Result<Option<Self>, ApiError> {
        let now = server.now();
        let found = server.store.ceremony(id).await?;
        let takes = |ceremony: &Ceremony| {
            ceremony.takes(CeremonyKind::Enrolment, within.id, now) && ceremony.user == Some(within.user)
        };
        let Some(ceremony) = found.filter(takes) else { return Ok(None) };
        let opened = credentials::open_question(server, &ceremony)?;
        let kept: Kept = serde_json::from_slice(opened.expose()).map_err(|_| ApiError::Internal)?;
        let totp = TotpSecret::from_bytes(kept.secret.as_bytes())?;
        Ok(Some(Self { ceremony, totp, tries: kept.tries }))
    }

    fn sealed(mut self, server: &Server) -> Result<Self, ApiError> {
        let secret = String::from_utf8(self.totp.to_bytes()?.to_vec()).map_err(|_| ApiError::Internal)?;
        let kept = Kept { secret: Zeroizing::new(secret), tries: self.tries };
        let bytes = serde_json::to_vec(&kept).map(Zeroizing::new).map_err(|_| ApiError::Internal)?;
        let place = (&self.ceremony.realm, &self.ceremony.id);
        self.ceremony.sealed = credentials::seal_question(server, place, &bytes)?;
        Ok(self)
    }

    /// Looks at the first code. To be written first is that the question was answered, and where the code was wrong that
    /// it is asked once more: somebody who mistypes need not scan anew, and five wrong codes end it.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when memory fails.
    pub fn answer(
        &self,
        server: &Server,
        typed: &str,
        now: Timestamp,
    ) -> Result<(Confirmed, Changes), ApiError> {
        let mut changes = Changes(vec![FlowChange::Answered(self.ceremony.id).into()]);
        let found = TotpCode::parse(typed).map(|typed| self.totp.find(&typed, (0, window(server)), now));
        if let Ok(Match::Step(step)) = found {
            return Ok((Confirmed::Right(step), changes));
        }
        let tries = self.tries + 1;
        if tries < TRIES {
            let again = Self { tries, ..self.clone() }.sealed(server)?;
            changes.push(FlowChange::Asked(again.ceremony).into());
        }
        Ok((Confirmed::Wrong(TRIES.saturating_sub(tries)), changes))
    }

    /// The credential that it becomes, whose newest step is that of the first code: this code signs nobody in any more.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when memory fails.
    pub fn credential(
        &self,
        server: &Server,
        (step, label): (i64, Option<&str>),
    ) -> Result<Credential, ApiError> {
        let now = server.now();
        let (realm, id) = (&self.ceremony.realm, CredentialId::new(now, &mut *server.random()));
        Ok(Credential {
            id,
            realm: realm.clone(),
            user: self.ceremony.user.ok_or(ApiError::Internal)?,
            kind: CredentialKind::Totp,
            lookup: None,
            vouched_by: Methods::NONE,
            sealed: credentials::seal(server, (realm, &id), &self.totp.to_bytes()?)?,
            sealed_label: label
                .map(|label| credentials::seal_label(server, (realm, &id), label))
                .transpose()?,
            counter: step,
            created_at: now,
            used_at: None,
            version: 0,
        })
    }
}

/// What an authenticator app reads, as a URI (the Key Uri Format of Google Authenticator): `account` is the person's.
#[must_use]
pub fn uri(totp: &TotpSecret, issuer: &str, account: &str) -> Zeroizing<String> {
    let short = |name: &str| name.chars().take(LONGEST_NAME).collect::<String>();
    let (issuer, account) = (short(issuer), short(account));
    let escaped = |text| utf8_percent_encode(text, ESCAPED);
    Zeroizing::new(format!(
        "otpauth://totp/{}:{}?secret={}&issuer={}&algorithm={}&digits={}&period={PERIOD_SECONDS}",
        escaped(&issuer),
        escaped(&account),
        *totp.text(),
        escaped(&issuer),
        totp.algorithm.name(),
        totp.digits.count(),
    ))
}

/// A URI as a picture to scan, in SVG, without anything that a page must load.
///
/// # Errors
/// [`ApiError::Internal`] when it is too long, which the length of names rules out.
pub fn picture(uri: &str) -> Result<Zeroizing<String>, ApiError> {
    let code = QrCode::with_error_correction_level(uri, EcLevel::L).map_err(|_| ApiError::Internal)?;
    let drawn = code.render::<svg::Color<'_>>().module_dimensions(MODULE, MODULE).build();
    // A page puts it into its own text, where no XML declaration may stand.
    let start = drawn.find("<svg").unwrap_or_default();
    Ok(Zeroizing::new(drawn[start..].to_owned()))
}

#[cfg(test)]
mod tests {
    use countersign_domain::totp::{Digits, TotpAlgorithm};

    use super::*;
    use crate::keys::testing::Counting;

    #[test]
    fn the_uri_says_everything_and_nothing_in_a_name_adds_to_it() {
        let totp = TotpSecret::draw(TotpAlgorithm::Sha256, Digits::Eight, &mut Counting(1));
        let secret = "AEBAGBAFAYDQQCIKBMGA2DQPCAIREEYUCULBOGAZDINRYHI6D4QA";
        assert_eq!(
            uri(&totp, "The Forum", "ann@mail.example").as_str(),
            format!(
                "otpauth://totp/The%20Forum:ann%40mail.example?secret={secret}&issuer=The%20Forum&algorithm=SHA256&digits=8&period=30"
            )
        );
        let hostile = uri(&totp, "A&secret=B:C/#", "é?x=\u{202e}\r\n");
        assert_eq!(hostile.matches("secret=").count(), 1, "{}", *hostile);
        assert_eq!(hostile.matches([':', '/', '?', '#']).count(), 6, "{}", *hostile);
        let longest = uri(&totp, &"界".repeat(500), &"界".repeat(500));
        assert!(picture(&longest).is_ok(), "{}", longest.len());
    }

    #[test]
    fn the_picture_is_one_element_and_loads_nothing() {
        let drawn = picture("otpauth://totp/a:b?secret=AAAA").unwrap();
        assert!(drawn.starts_with("<svg ") && drawn.ends_with("</svg>"));
        assert!(!drawn.contains("href") && !drawn.contains("script"));
    }

    #[test]
    fn a_secret_comes_back_from_its_bytes() {
        for algorithm in TotpAlgorithm::ALL {
            for digits in [Digits::Six, Digits::Eight] {
                let totp = TotpSecret::draw(algorithm, digits, &mut Counting(9));
                let back = TotpSecret::from_bytes(&totp.to_bytes().unwrap()).unwrap();
                assert_eq!((back.algorithm, back.digits), (algorithm, digits));
                assert_eq!(back.secret.expose(), totp.secret.expose());
                assert_eq!(back.secret.expose().len(), algorithm.secret_bytes());
            }
        }
        for bytes in [
            &b""[..],
            b"{}",
            br#"{"secret":"A","algorithm":"SHA1","digits":6}"#,
            br#"{"secret":"AA","algorithm":"MD5","digits":6}"#,
            br#"{"secret":"AA","algorithm":"SHA1","digits":7}"#,
        ] {
            assert!(TotpSecret::from_bytes(bytes).is_err());
        }
    }
}
