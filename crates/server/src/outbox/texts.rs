//! The words of our mails in every language: lines of `key = text with {place}s`, read once. Knows nothing of
//! what a mail looks like.

use super::locale::Locale;

/// A language's texts, in the order of [`Key`].
#[derive(Debug)]
pub struct Texts(Vec<Text>);

/// One text: pieces to print, places to fill.
#[derive(Debug, PartialEq, Eq)]
struct Text(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    Place(String),
}

/// A file of texts that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A line is not `key = text`, or a brace has no partner; lines count from 1.
    #[error("line {0} is not `key = text with {{place}}s`")]
    Line(usize),
    /// The key on this line is not known, or is there twice.
    #[error("line {0} has an unknown or repeated key")]
    Key(usize),
    /// A text is missing.
    #[error("the text {0} is missing")]
    Missing(&'static str),
}

macro_rules! keys {
    ($($key:ident = $name:literal,)*) => {
        /// The texts there are.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Key {
            $(#[doc = concat!("`", $name, "`")] $key,)*
        }

        impl Key {
            /// All of them, in order.
            const ALL: &[(Self, &'static str)] = &[$((Self::$key, $name),)*];
        }
    };
}

keys! {
    SignInSubject = "sign_in.subject",
    SignInSubjectLink = "sign_in.subject_link",
    SignInHeading = "sign_in.heading",
    SignInCode = "sign_in.code",
    SignInLink = "sign_in.link",
    SignInLinkToo = "sign_in.link_too",
    SignInButton = "sign_in.button",
    SignInIgnore = "sign_in.ignore",
    ConfirmSubject = "confirm.subject",
    ConfirmSubjectLink = "confirm.subject_link",
    ConfirmHeading = "confirm.heading",
    ConfirmCode = "confirm.code",
    ConfirmLink = "confirm.link",
    ConfirmLinkToo = "confirm.link_too",
    ConfirmButton = "confirm.button",
    ConfirmIgnore = "confirm.ignore",
    ExpiryMinute = "expiry.minute",
    ExpiryMinutes = "expiry.minutes",
    ExpiryHour = "expiry.hour",
    ExpiryHours = "expiry.hours",
    RequestedFrom = "requested_from",
    Keep = "keep",
}

impl Texts {
    /// The texts that come with the program.
    ///
    /// # Errors
    /// [`TextError`] if a file was damaged before the program was built.
    pub fn built_in(locale: Locale) -> Result<Self, TextError> {
        Self::parse(match locale {
            Locale::English => include_str!("texts/en.txt"),
            Locale::German => include_str!("texts/de.txt"),
            Locale::French => include_str!("texts/fr.txt"),
            Locale::Spanish => include_str!("texts/es.txt"),
            Locale::Japanese => include_str!("texts/ja.txt"),
        })
    }

    /// Reads texts: empty lines and lines that begin with `#` are passed over.
    ///
    /// # Errors
    /// [`TextError`] for the first line that cannot be used, or the first text that is missing.
    pub fn parse(source: &str) -> Result<Self, TextError> {
        let mut found: Vec<Option<Text>> = Key::ALL.iter().map(|_| None).collect();
        for (index, line) in source.lines().enumerate() {
            let number = index + 1;
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, text) = line.split_once(" = ").ok_or(TextError::Line(number))?;
            let position = Key::ALL.iter().position(|(_, known)| *known == name);
            match position.and_then(|position| found.get_mut(position)) {
                Some(place @ None) => *place = Some(Text::parse(text).ok_or(TextError::Line(number))?),
                _ => return Err(TextError::Key(number)),
            }
        }
        let named = found.into_iter().zip(Key::ALL);
        named
            .map(|(text, (_, name))| text.ok_or(TextError::Missing(name)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// A text with its places filled; a place that nobody fills stays empty.
    #[must_use]
    pub fn say(&self, key: Key, places: &[(&str, &str)]) -> String {
        self.0.get(key as usize).map(|text| text.fill(places)).unwrap_or_default()
    }
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
    use super::*;

    fn places(text: &Text) -> Vec<&str> {
        let mut names: Vec<_> = text
            .0
            .iter()
            .filter_map(|piece| match piece {
                Piece::Place(name) => Some(name.as_str()),
                Piece::Words(_) => None,
            })
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn every_language_has_every_text_with_the_same_places() {
        let english = Texts::built_in(Locale::English).unwrap();
        for locale in Locale::ALL {
            let texts = Texts::built_in(locale).unwrap();
            for ((text, original), (_, name)) in texts.0.iter().zip(&english.0).zip(Key::ALL) {
                assert_eq!(places(text), places(original), "{name} in {locale:?}");
            }
        }
    }

    #[test]
    fn the_keys_are_in_order() {
        for (index, (key, _)) in Key::ALL.iter().enumerate() {
            assert_eq!(*key as usize, index);
        }
    }

    #[test]
    fn fills_places_once() {
        let text = Text::parse("Hello {app}, {count}!").unwrap();
        assert_eq!(text.fill(&[("app", "{count}"), ("count", "3")]), "Hello {count}, 3!");
        assert_eq!(text.fill(&[]), "Hello , !");
    }

    #[test]
    fn names_the_line_that_is_wrong() {
        let english = include_str!("texts/en.txt");
        let cases = [
            ("nonsense".to_owned(), TextError::Line(1)),
            ("# a\n\nkeep = {app".to_owned(), TextError::Line(3)),
            ("keep = app}".to_owned(), TextError::Line(1)),
            ("kepp = x".to_owned(), TextError::Key(1)),
            ("keep = x\nkeep = y".to_owned(), TextError::Key(2)),
            (english.replace("keep = ", "# "), TextError::Missing("keep")),
        ];
        for (source, expected) in cases {
            assert_eq!(Texts::parse(&source).map(|_| ()), Err(expected), "{source}");
        }
    }
}
