//! What we say to people, in mails and on pages, in every language: lines of `key = text with {place}s`. Knows nothing
//! of what a mail or a page looks like.

pub mod catalog;
pub mod key;
pub mod locale;

pub use self::{catalog::Catalog, key::Key, locale::Locale};
use crate::config::nearest::near;

/// Most characters of a text.
const LONGEST: usize = 500;

/// Texts of a language: all of them, or those that an operator has of their own.
#[derive(Debug, Default)]
pub struct Texts(Vec<(Key, Text)>);

/// One text: pieces to print, places to fill.
#[derive(Debug, PartialEq, Eq)]
struct Text(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    Place(String),
}

/// What is wrong with a line of texts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// No `=`, or nothing after it.
    #[error("expected `key = text`")]
    Line,
    /// The key is not known.
    #[error("there is no text `{0}`{hint}", hint = .1.map_or(String::new(), |near| format!(": did you mean `{near}`?")))]
    Key(String, Option<&'static str>),
    /// The key is there twice.
    #[error("`{0}` is there a second time")]
    Repeated(&'static str),
    /// A brace has no partner.
    #[error("`{0}`: a brace has no partner")]
    Brace(&'static str),
    /// A place that nobody fills.
    #[error("`{key}`: nothing is put in `{{{place}}}`: this text can hold {known}")]
    Place {
        /// The text.
        key: &'static str,
        /// The place.
        place: String,
        /// The places that there are.
        known: String,
    },
    /// A text without the one thing that it is there to say.
    #[error("`{0}` must hold `{{{1}}}`")]
    Missing(&'static str, &'static str),
    /// A character that moves what is around it, or that nobody sees.
    #[error("`{0}` has a control character")]
    Control(&'static str),
    /// More than 500 characters.
    #[error("`{0}` is longer than {LONGEST} characters")]
    TooLong(&'static str),
}

impl Texts {
    /// Reads texts: empty lines and lines that begin with `#` are passed over. Not every key need be there.
    ///
    /// # Errors
    /// Everything that is wrong, with its line; lines count from 1.
    pub fn parse(source: &str) -> Result<Self, Vec<(usize, TextError)>> {
        let (mut texts, mut problems) = (Self::default(), Vec::new());
        for (line, number) in source.trim_start_matches('\u{feff}').lines().zip(1..) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            match parse_line(line) {
                Ok((key, _)) if texts.find(key).is_some() => {
                    problems.push((number, TextError::Repeated(key.name())));
                }
                Ok(text) => texts.0.push(text),
                Err(error) => problems.push((number, error)),
            }
        }
        if problems.is_empty() { Ok(texts) } else { Err(problems) }
    }

    /// The places in a text, as they stand.
    fn places_of(text: &str) -> impl Iterator<Item = &str> {
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(place, _)| place))
    }

    fn find(&self, key: Key) -> Option<&Text> {
        self.0.iter().find(|(known, _)| *known == key).map(|(_, text)| text)
    }
}

/// The texts for one person: those of the operator for their app and language first, then what stands in for them.
#[derive(Debug)]
pub struct Wording<'a>(Vec<&'a Texts>);

impl Wording<'_> {
    /// A text with its places filled; a place that nobody fills stays empty.
    #[must_use]
    pub fn say(&self, key: Key, places: &[(&str, &str)]) -> String {
        self.0.iter().find_map(|texts| texts.find(key)).map(|text| text.fill(places)).unwrap_or_default()
    }
}

fn parse_line(line: &str) -> Result<(Key, Text), TextError> {
    let (name, source) = line.split_once('=').ok_or(TextError::Line)?;
    let (name, source) = (name.trim(), source.trim());
    let Some(key) = Key::of_name(name) else {
        return Err(TextError::Key(name.to_owned(), near(name, Key::names())));
    };
    if source.is_empty() {
        return Err(TextError::Line);
    }
    if source.chars().count() > LONGEST {
        return Err(TextError::TooLong(key.name()));
    }
    if source.chars().any(is_control) {
        return Err(TextError::Control(key.name()));
    }
    let text = Text::parse(source).ok_or(TextError::Brace(key.name()))?;
    text.check(key)?;
    Ok((key, text))
}

/// Control characters, and those that turn the direction of what follows: a subject that reads otherwise than it is.
fn is_control(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

impl Text {
    fn parse(source: &str) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut rest = source;
        while let Some((words, after)) = rest.split_once('{') {
            let (place, after) = after.split_once('}')?;
            pieces.extend([Piece::Words(words.to_owned()), Piece::Place(place.to_owned())]);
            rest = after;
        }
        pieces.push(Piece::Words(rest.to_owned()));
        let closed = pieces.iter().all(|piece| !matches!(piece, Piece::Words(words) if words.contains('}')));
        closed.then_some(Self(pieces))
    }

    /// Whether there is something to put in every place, and the place that matters is there.
    fn check(&self, key: Key) -> Result<(), TextError> {
        let (name, known) = (key.name(), key.places());
        if let Some(place) = self.places().find(|place| !known.contains(place)) {
            let known: Vec<_> = known.iter().map(|place| format!("`{{{place}}}`")).collect();
            let known = if known.is_empty() { "no place".to_owned() } else { known.join(" and ") };
            return Err(TextError::Place { key: name, place: place.to_owned(), known });
        }
        match key.needed() {
            Some(needed) if !self.places().any(|place| place == needed) => {
                Err(TextError::Missing(name, needed))
            }
            _ => Ok(()),
        }
    }

    fn places(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Place(name) => Some(name.as_str()),
            Piece::Words(_) => None,
        })
    }

    fn fill(&self, places: &[(&str, &str)]) -> String {
        let mut out = String::with_capacity(96);
        for piece in &self.0 {
            out.push_str(match piece {
                Piece::Words(words) => words,
                Piece::Place(name) => {
                    places.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
                }
            });
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fills_places_once() {
        let text = Text::parse("Hello {app}, {count}!").unwrap();
        assert_eq!(text.fill(&[("app", "{count}"), ("count", "3")]), "Hello {count}, 3!");
        assert_eq!(text.fill(&[]), "Hello , !");
    }

    #[test]
    fn says_everything_that_is_wrong_with_its_line() {
        let cases = [
            ("nonsense", "1: expected `key = text`"),
            ("keep =", "1: expected `key = text`"),
            ("# a\n\nkeep = {app", "3: `keep`: a brace has no partner"),
            ("keep = app}", "1: `keep`: a brace has no partner"),
            ("sign_in.haeding = x", "1: there is no text `sign_in.haeding`: did you mean `sign_in.heading`?"),
            ("banana = x", "1: there is no text `banana`"),
            ("keep = x\nkeep = y", "2: `keep` is there a second time"),
            ("keep = {code}", "1: `keep`: nothing is put in `{code}`: this text can hold `{app}`"),
            ("link.over = {app}", "1: `link.over`: nothing is put in `{app}`: this text can hold no place"),
            ("expiry.hours = soon", "1: `expiry.hours` must hold `{count}`"),
            ("requested_from = {app}", "1: `requested_from` must hold `{place}`"),
            ("keep = a\tb", "1: `keep` has a control character"),
            ("sign_in.subject = a\u{202e}b", "1: `sign_in.subject` has a control character"),
            (
                "keep = {\nkepp = x",
                "1: `keep`: a brace has no partner\n2: there is no text `kepp`: did you mean `keep`?",
            ),
        ];
        let long = format!("keep = {}", "é".repeat(LONGEST + 1));
        for (source, expected) in
            cases.into_iter().chain([(&*long, "1: `keep` is longer than 500 characters")])
        {
            let problems = Texts::parse(source).unwrap_err();
            let lines: Vec<_> = problems.iter().map(|(line, error)| format!("{line}: {error}")).collect();
            assert_eq!(lines.join("\n"), expected, "{source}");
        }
        assert_eq!(Texts::parse("\u{feff}# mine\r\nkeep=Mine, {app}\r\n").unwrap().0.len(), 1);
    }

    proptest! {
        #[test]
        fn whatever_it_reads_never_panics(source in "(keep|link.button|expiry.hours|.{0,8}) ?= ?[ {}a-z\\PC]{0,40}\n?") {
            if let Ok(texts) = Texts::parse(&source) {
                let said = Wording(vec![&texts]).say(Key::Keep, &[("app", "App")]);
                prop_assert!(!said.contains(['{', '}', '\n']), "{}", said);
            }
        }
    }
}
