//! One text, as it is said: words, places to fill, and words that a number chooses. What may stand in one is for
//! [`reader`](super::reader) to say.

use std::fmt::Write as _;

use icu_plurals::PluralCategory;

use super::Plurals;

/// What is put into a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument<'a> {
    /// Words, as they are.
    Words(&'a str),
    /// A number: texts may choose their words by it. Printed in digits alone.
    Number(u64),
}

impl<'a> From<&'a str> for Argument<'a> {
    fn from(words: &'a str) -> Self {
        Self::Words(words)
    }
}

impl From<u64> for Argument<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

/// One text.
#[derive(Debug, Default)]
pub(super) struct Text(pub(super) Vec<Piece>);

/// A part of a text.
#[derive(Debug)]
pub(super) enum Piece {
    Words(Box<str>),
    Place(&'static str),
    Choice(Choice),
}

/// One of several texts, by the number in a place: Fluent's select expression.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) place: &'static str,
    pub(super) variants: Vec<Variant>,
}

/// One of them. The first that fits is said, else the one that stands in.
#[derive(Debug)]
pub(super) struct Variant {
    pub(super) number: Numbers,
    pub(super) stands_in: bool,
    pub(super) text: Text,
}

/// The numbers that a variant is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    Exactly(u64),
    Of(PluralCategory),
}

impl Text {
    /// Appends the text. Without the marks of direction that bundles of Fluent put around every place (U+2068, U+2069):
    /// a subject, an address or a code has to be what it seems, letter by letter.
    pub(super) fn say(&self, plurals: Plurals, arguments: &[(&str, Argument<'_>)], said: &mut String) {
        for piece in &self.0 {
            match piece {
                Piece::Words(words) => said.push_str(words),
                Piece::Place(place) => match find(place, arguments) {
                    Some(Argument::Words(words)) => said.push_str(words),
                    Some(Argument::Number(number)) => write!(said, "{number}").unwrap_or_default(),
                    None => {}
                },
                Piece::Choice(choice) => {
                    if let Some(text) = choice.text(plurals, arguments) {
                        text.say(plurals, arguments, said);
                    }
                }
            }
        }
    }

    /// All places in it, as often as they are there; those that choose too.
    #[cfg(test)]
    pub(super) fn places(&self) -> Vec<&'static str> {
        let of_piece = |piece: &Piece| match piece {
            Piece::Words(_) => Vec::new(),
            Piece::Place(place) => vec![*place],
            Piece::Choice(choice) => {
                let inner = choice.variants.iter().flat_map(|variant| variant.text.places());
                [choice.place].into_iter().chain(inner).collect()
            }
        };
        self.0.iter().flat_map(of_piece).collect()
    }
}

impl Choice {
    fn text(&self, plurals: Plurals, arguments: &[(&str, Argument<'_>)]) -> Option<&Text> {
        let fits: Option<&Variant> = match find(self.place, arguments) {
            Some(Argument::Number(number)) => {
                let numbers = [Numbers::Exactly(number), Numbers::Of(plurals.category(number))];
                self.variants.iter().find(|variant| numbers.contains(&variant.number))
            }
            _ => None,
        };
        fits.or_else(|| self.variants.iter().find(|variant| variant.stands_in)).map(|variant| &variant.text)
    }
}

fn find<'a>(place: &str, arguments: &[(&str, Argument<'a>)]) -> Option<Argument<'a>> {
    arguments.iter().find(|(known, _)| *known == place).map(|(_, argument)| *argument)
}
