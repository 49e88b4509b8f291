//! The one source that the text and the HTML of a mail are printed from: a list of blocks, and a subject. Decides
//! what is said and in which order; knows no markup.

use minijinja::{Value, context};

use super::{
    caller_text::{self, CallerText},
    letter::{Letter, Purpose},
    notice::Notice,
};
use crate::{
    api::rfc3339,
    texts::{Key, Wording},
};

/// One thing that is said in a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// How it is shown.
    pub kind: Kind,
    /// The words.
    pub text: String,
    /// Where a button leads; empty elsewhere.
    pub href: String,
}

/// How a block is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The first line, large.
    Heading,
    /// Running text; may have line ends.
    Paragraph,
    /// The code, alone, easy to read and to copy.
    Code,
    /// A link that is to be opened.
    Button,
    /// Small print.
    Note,
    /// The origin-bound last line, for machines: `@host #code`.
    Origin,
}

impl Kind {
    /// The name that templates see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Heading => "heading",
            Self::Paragraph => "paragraph",
            Self::Code => "code",
            Self::Button => "button",
            Self::Note => "note",
            Self::Origin => "origin",
        }
    }
}

impl From<Block> for Value {
    fn from(block: Block) -> Self {
        context! { kind => block.kind.name(), text => block.text, href => block.href }
    }
}

/// The texts that depend on the purpose.
struct Words {
    subject: Key,
    subject_link: Key,
    heading: Key,
    code: Key,
    link: Key,
    link_too: Key,
    button: Key,
    ignore: Key,
}

const SIGN_IN: Words = Words {
    subject: Key::SignInSubject,
    subject_link: Key::SignInSubjectLink,
    heading: Key::SignInHeading,
    code: Key::SignInCode,
    link: Key::SignInLink,
    link_too: Key::SignInLinkToo,
    button: Key::SignInButton,
    ignore: Key::SignInIgnore,
};

const CONFIRM: Words = Words {
    subject: Key::ConfirmSubject,
    subject_link: Key::ConfirmSubjectLink,
    heading: Key::ConfirmHeading,
    code: Key::ConfirmCode,
    link: Key::ConfirmLink,
    link_too: Key::ConfirmLinkToo,
    button: Key::ConfirmButton,
    ignore: Key::ConfirmIgnore,
};

const RESET: Words = Words {
    subject: Key::ResetSubject,
    subject_link: Key::ResetSubjectLink,
    heading: Key::ResetHeading,
    code: Key::ResetCode,
    link: Key::ResetLink,
    link_too: Key::ResetLinkToo,
    button: Key::ResetButton,
    ignore: Key::ResetIgnore,
};

/// A letter while it is put into words.
pub(super) struct Draft<'a> {
    letter: &'a Letter,
    wording: &'a Wording<'a>,
    /// The app's title, on one line.
    app: String,
    /// The code, or nothing.
    code: &'a str,
    blocks: Vec<Block>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(letter: &'a Letter, wording: &'a Wording<'a>) -> Self {
        let code = letter.code.as_ref().map_or("", |code| code.expose());
        Self { letter, wording, app: one_line(&letter.app_title), code, blocks: Vec::with_capacity(10) }
    }

    /// The subject: the caller's if there is one; ours never has the code in it, for lock screens show subjects.
    pub(super) fn subject(&self) -> String {
        match &self.letter.purpose {
            Purpose::SignIn => self.question(&SIGN_IN),
            Purpose::ConfirmAddress => self.question(&CONFIRM),
            Purpose::ResetPassword => self.question(&RESET),
            Purpose::Tell(notice) => one_line(&self.tell(notice, notice.words().subject)),
        }
    }

    fn question(&self, words: &Words) -> String {
        match &self.letter.subject {
            Some(subject) => one_line(&subject.with_code(self.code)),
            None if self.code.is_empty() => self.say(words.subject_link),
            None => self.say(words.subject),
        }
    }

    /// Everything that is said, in order.
    pub(super) fn blocks(mut self) -> Vec<Block> {
        match &self.letter.purpose {
            Purpose::SignIn => self.ask(&SIGN_IN),
            Purpose::ConfirmAddress => self.ask(&CONFIRM),
            Purpose::ResetPassword => self.ask(&RESET),
            Purpose::Tell(notice) => self.inform(notice),
        }
        self.blocks
    }

    fn ask(&mut self, words: &Words) {
        match &self.letter.content {
            Some(content) => self.caller_content(content, words),
            None => self.our_content(words),
        }
        self.expiry();
        if let Some(place) = &self.letter.requested_from {
            let place = one_line(place);
            let text = self.wording.say(
                Key::RequestedFrom,
                &[("app", self.app.as_str().into()), ("place", place.as_str().into())],
            );
            self.push(Kind::Note, text);
        }
        self.push(Kind::Note, self.say(Key::Keep));
        self.push(Kind::Note, self.say(words.ignore));
        if !self.code.is_empty() && !self.letter.origin_host.is_empty() {
            let host = one_line(&self.letter.origin_host);
            self.push(Kind::Origin, format!("@{host} #{}", self.code));
        }
    }

    fn inform(&mut self, notice: &Notice) {
        let words = notice.words();
        self.push(Kind::Heading, self.tell(notice, words.subject));
        self.push(Kind::Paragraph, self.tell(notice, words.text));
        if let (Some(link), Some(button)) = (notice.link(), words.button) {
            let (text, href) = (self.say(button), one_line(&link.url));
            self.blocks.push(Block { kind: Kind::Button, text, href });
        }
        self.push(Kind::Note, self.tell(notice, words.surprise));
    }

    /// A text of a notice, with all that can be put into it.
    fn tell(&self, notice: &Notice, key: Key) -> String {
        let value = one_line(notice.value());
        let when = moment(notice.moment(self.letter.date));
        let what = match notice {
            Notice::AdministratorChanged { what } => self.say(what.text()),
            Notice::FactorAdded { what } | Notice::FactorRemoved { what } => self.say(what.text()),
            _ => String::new(),
        };
        let mut arguments = vec![
            ("app", self.app.as_str().into()),
            ("address", value.as_str().into()),
            ("device", value.as_str().into()),
            ("when", when.as_str().into()),
            ("what", what.as_str().into()),
        ];
        if let Notice::RecoveryCodeUsed { left } = notice {
            arguments.push(("count", u64::from(*left).into()));
        }
        self.wording.say(key, &arguments)
    }

    fn our_content(&mut self, words: &Words) {
        self.push(Kind::Heading, self.say(words.heading));
        self.code_block(words);
        self.link_block(words);
    }

    /// A caller's paragraphs; then what they do not mention, for a mail without its code is of no use.
    fn caller_content(&mut self, content: &CallerText, words: &Words) {
        for paragraph in content.paragraphs() {
            if caller_text::is_code_place(paragraph) {
                self.push(Kind::Code, self.code.to_owned());
            } else {
                self.push(Kind::Paragraph, caller_text::put_code(paragraph, self.code));
            }
        }
        if !content.mentions_code() {
            self.code_block(words);
        }
        self.link_block(words);
    }

    fn code_block(&mut self, words: &Words) {
        if !self.code.is_empty() {
            self.push(Kind::Paragraph, self.say(words.code));
            self.push(Kind::Code, self.code.to_owned());
        }
    }

    fn link_block(&mut self, words: &Words) {
        if let Some(link) = &self.letter.link {
            let key = if self.code.is_empty() { words.link } else { words.link_too };
            self.push(Kind::Paragraph, self.say(key));
            let (text, href) = (self.say(words.button), one_line(link.expose()));
            self.blocks.push(Block { kind: Kind::Button, text, href });
        }
    }

    fn expiry(&mut self) {
        let (key, count) = match self.letter.minutes {
            minutes if minutes > 0 && minutes % 60 == 0 => (Key::ExpiryHours, u64::from(minutes) / 60),
            minutes => (Key::ExpiryMinutes, u64::from(minutes)),
        };
        let text = self.wording.say(key, &[("app", self.app.as_str().into()), ("count", count.into())]);
        self.push(Kind::Paragraph, text);
    }

    fn say(&self, key: Key) -> String {
        self.wording.say(key, &[("app", self.app.as_str().into())])
    }

    fn push(&mut self, kind: Kind, text: String) {
        self.blocks.push(Block { kind, text, href: String::new() });
    }
}

/// A moment as people of every language read it, to the minute: `2026-11-28 10:00 UTC`.
fn moment(at: countersign_domain::time::Timestamp) -> String {
    let text = rfc3339(at);
    text.get(..16).map_or(text.clone(), |text| format!("{} UTC", text.replace('T', " ")))
}

/// Text without line ends or other control characters: each becomes a space.
pub(super) fn one_line(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
