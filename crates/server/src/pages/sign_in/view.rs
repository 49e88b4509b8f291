//! What the sign-in page shows: the step that comes next, chosen from what may come, and other ways beside it. It decides
//! nothing about who gets in.

use std::collections::BTreeMap;

use axum::response::Response;
use countersign_domain::{
    challenge::{Challenge, Status},
    policy::Verdict,
    time::Span,
};
use minijinja::{Value, context};
use serde_json::Value as Json;

use super::{held::Standing, trouble::words, visit::Visit};
use crate::{api::sign_in::steps_of, call::Call, error::ApiError, pages::voice::Voice, texts::Key};

/// The texts that stand on the page as they are, by their names in the template.
const TEXTS: [(&str, Key); 38] = [
    ("email", Key::PageEmail),
    ("name", Key::PageName),
    ("go_on", Key::PageGoOn),
    ("as", Key::PageAs),
    ("restart", Key::PageRestart),
    ("mailed", Key::PageMailed),
    ("code", Key::PageCode),
    ("link", Key::PageLink),
    ("link_too", Key::PageLinkToo),
    ("waiting", Key::PageWaiting),
    ("link_opened", Key::PageLinkOpened),
    ("resend", Key::PageResend),
    ("send_mail", Key::PageSendMail),
    ("use_mail", Key::PageUseMail),
    ("password", Key::PagePassword),
    ("use_password", Key::PageUsePassword),
    ("totp", Key::PageTotp),
    ("totp_text", Key::PageTotpText),
    ("use_totp", Key::PageUseTotp),
    ("recovery_code", Key::PageRecovery),
    ("recovery_code_text", Key::PageRecoveryText),
    ("use_recovery_code", Key::PageUseRecovery),
    ("use_passkey", Key::PageUsePasskey),
    ("use_security_key", Key::PageUsePasskey),
    ("passkey_text", Key::PagePasskeyText),
    ("needs_script", Key::PageNeedsScript),
    ("step_up_text", Key::PageStepUpText),
    ("enrol", Key::PageEnrol),
    ("new_totp", Key::PageNewTotp),
    ("new_totp_text", Key::PageNewTotpText),
    ("picture", Key::PagePicture),
    ("key", Key::PageKey),
    ("new_passkey", Key::PageNewPasskey),
    ("other_ways", Key::PageOtherWays),
    ("signed_in_text", Key::PageSignedInText),
    ("sign_out", Key::PageSignOut),
    ("reference", Key::PageReference),
    ("wrong_passkey", Key::WrongPasskey),
];

/// What the page is printed from.
pub(super) struct Shown<'a> {
    pub(super) call: &'a Call,
    pub(super) visit: &'a Visit,
    pub(super) voice: &'a Voice,
    /// The sign-in under way, if there is one.
    pub(super) standing: Option<&'a Standing>,
    /// What the last step answered, where it is to be shown.
    pub(super) answer: Option<Json>,
    /// The step that was refused, why, and the request's id.
    pub(super) refused: Option<(&'a str, &'a ApiError, String)>,
}

/// What the page asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    Start,
    Mail,
    Password,
    Totp,
    RecoveryCode,
    Passkey,
    Enrol,
    NewTotp,
}

impl View {
    const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Mail => "mail",
            Self::Password => "password",
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
            Self::Passkey => "passkey",
            Self::Enrol => "enrol",
            Self::NewTotp => "new_totp",
        }
    }

    fn of_step(step: &str) -> Option<Self> {
        Some(match step {
            "mail" => Self::Mail,
            "password" => Self::Password,
            "totp" => Self::Totp,
            "recovery_code" => Self::RecoveryCode,
            "passkey" | "security_key" => Self::Passkey,
            _ => return None,
        })
    }
}

impl Shown<'_> {
    /// The page of the step that comes next.
    pub(super) fn print(&self) -> Response {
        let steps = self.standing.map(|standing| steps_of(self.call, &standing.verdict)).unwrap_or_default();
        let view = self.view(&steps);
        let heading = match view {
            View::Mail if self.challenge().is_some() => Key::PageCheckMail,
            View::NewTotp => Key::PageNewTotp,
            _ if self.is_further() => Key::PageOneMore,
            _ => Key::PageSignIn,
        };
        let others: Vec<&str> =
            steps.iter().copied().filter(|step| View::of_step(step) != Some(view)).collect();
        self.page(view.name(), heading, context! { others, ..self.of_step(view, &steps) })
    }

    /// The page for somebody who is signed in and has to show more.
    pub(super) fn print_step_up(&self) -> Response {
        self.page("step_up", Key::PageStepUp, Value::UNDEFINED)
    }

    /// The page for somebody who is signed in and goes nowhere from here.
    pub(super) fn print_done(&self) -> Response {
        self.page("done", Key::PageSignedIn, Value::UNDEFINED)
    }

    fn page(&self, view: &str, heading: Key, more: Value) -> Response {
        let voice = self.voice;
        let texts: BTreeMap<&str, String> =
            TEXTS.iter().map(|(name, key)| (*name, voice.say(*key))).collect();
        let problem = self.refused.as_ref().map(|(step, error, _)| words(voice, step, error));
        let reference = self.refused.as_ref().map(|(_, _, id)| id);
        let values = context! {
            title => voice.say(heading),
            view, texts, problem, reference, here => self.visit.here(), ..more
        };
        voice.form_page("sign_in.html", values, self.visit.return_to.as_ref().map(|to| to.origin()))
    }

    /// What stands on the page of one step alone.
    fn of_step(&self, view: View, steps: &[&str]) -> Value {
        let (server, app, now) = (&self.call.server, &self.call.app, self.call.server.now());
        let said = self.standing.map(|standing| &standing.said);
        let who = said.and_then(|said| said.email.clone().or_else(|| said.username.clone()));
        let challenge = self.challenge();
        let trust = server.policy(app).trust.seconds() / 86_400;
        let trust = u64::try_from(trust).ok().filter(|days| *days > 0);
        let trust = trust.map(|days| self.voice.say_count(Key::PageTrust, days));
        let new_totp = self.answer.as_ref().map(|answer| answer["new_totp"].clone());
        let has_link = challenge.is_some_and(|challenge| challenge.link.is_some());
        let kinds = self.standing.map(|standing| kinds(&standing.verdict)).unwrap_or_default();
        let is_digits = app.challenge.code.is_digits();
        context! {
            who, trust, has_link, is_digits, kinds,
            has_code => challenge.is_some_and(|challenge| challenge.code.is_some()),
            expires => challenge.map(|challenge| clock(challenge.expires_at.since(now))),
            resend => challenge.map(|challenge| (challenge.created_at + app.challenge.resend_pause).since(now))
                .filter(|left| left.millis() > 0).map(clock),
            number => challenge.map(|challenge| challenge.confirmation.to_string()),
            waits => view == View::Mail && has_link,
            is_further => self.is_further(),
            takes_usernames => server.realm(&app.realm).passwords,
            offers_passkey => view == View::Start && self.begins_with_passkey()
                || view == View::Passkey || steps.contains(&"passkey"),
            totp => new_totp.map(|totp| context! {
                ceremony => totp["ceremony"].as_str(), secret => totp["secret"].as_str(),
                picture => totp["qr_svg"].as_str(),
            }),
        }
    }

    fn view(&self, steps: &[&str]) -> View {
        let Some(standing) = self.standing else { return View::Start };
        if self.answer.as_ref().is_some_and(|answer| answer["new_totp"].is_object()) {
            return View::NewTotp;
        }
        if matches!(standing.verdict, Verdict::Enrol(_)) {
            return View::Enrol;
        }
        let chosen = self.visit.with.as_deref().filter(|with| steps.contains(with));
        if let Some(view) = chosen.and_then(View::of_step) {
            return view;
        }
        let said = &standing.said;
        let is_named = said.email.is_some() || said.username.is_some() || standing.row.user.is_some();
        if !is_named && !self.is_further() {
            // It waits for a passkey that says who it is; whoever has none gives a name.
            return View::Start;
        }
        if self.challenge().is_some() && steps.contains(&"mail") {
            return View::Mail;
        }
        // Something that is typed before something that not every browser can do.
        let preferred = ["password", "mail"].into_iter().filter(|_| !self.is_further());
        let first = preferred.chain(steps.iter().copied()).find(|step| steps.contains(step));
        first.and_then(View::of_step).unwrap_or(View::Start)
    }

    /// Whether something is proven already.
    fn is_further(&self) -> bool {
        self.standing.is_some_and(|standing| !standing.row.methods.is_empty())
    }

    fn begins_with_passkey(&self) -> bool {
        let verdict = Verdict::More(self.call.server.policy(&self.call.app).beginnings());
        steps_of(self.call, &verdict).contains(&"passkey")
    }

    /// What was mailed last, as long as it is good for something.
    fn challenge(&self) -> Option<&Challenge> {
        let challenge = self.standing?.challenge.as_ref()?;
        let status = challenge.status(self.call.server.now());
        matches!(status, Status::Pending | Status::Passed).then_some(challenge)
    }
}

/// A time that is left, as a clock shows it: `9:59`.
fn clock(left: Span) -> String {
    let seconds = left.seconds_up().max(0);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// What has to be made, by name.
fn kinds(verdict: &Verdict) -> Vec<&'static str> {
    match verdict {
        Verdict::Enrol(kinds) => kinds.iter().map(|kind| kind.name()).collect(),
        Verdict::Enough | Verdict::More(_) => Vec::new(),
    }
}
