//! What we say to people, in mails and on pages, in every language: Fluent files (projectfluent.org), read by rules of
//! our own that are stricter. Knows nothing of what a mail or a page looks like.

pub mod catalog;
mod entries;
mod error;
pub mod key;
pub mod locale;
mod plurals;
mod reader;
mod text;

pub use self::{
    catalog::{Catalog, Wording},
    error::TextError,
    key::Key,
    locale::Locale,
    text::Argument,
};
use self::{plurals::Plurals, text::Text};

/// Texts of a language: all of them, or those that an operator has of their own.
#[derive(Debug)]
pub struct Texts {
    /// In the order of their keys.
    texts: Vec<(Key, Text)>,
    plurals: Plurals,
}

/// Something that is wrong, and the line of the file that it is on; lines count from 1.
pub type Problem = (usize, TextError);

impl Texts {
    /// Reads a file of texts in a language. Not every key need be there.
    ///
    /// # Errors
    /// Everything that is wrong; of a hundred things and more, the first hundred.
    pub fn parse(source: &str, locale: &Locale) -> Result<Self, Vec<Problem>> {
        let plurals = Plurals::of(locale);
        let texts = reader::read(source, plurals)?;
        Ok(Self { texts, plurals })
    }

    /// A text with its places filled, if it is there; a place that nobody fills stays empty.
    fn say(&self, key: Key, arguments: &[(&str, Argument<'_>)]) -> Option<String> {
        let text = self.find(key)?;
        let mut said = String::with_capacity(96);
        text.say(self.plurals, arguments, &mut said);
        Some(said)
    }

    fn find(&self, key: Key) -> Option<&Text> {
        let place = self.texts.binary_search_by_key(&key, |(known, _)| *known).ok()?;
        self.texts.get(place).map(|(_, text)| text)
    }
}

#[cfg(test)]
mod tests;
