//! From a file of Fluent to texts. Fluent's own parser reads each text; what it lets through is refused here where we
//! do not want it: what refers to something outside of the text, places that nobody fills, letters that nobody sees.
//! Whoever writes texts need not be trusted: what is read is bounded in depth and length.

use std::collections::HashSet;

use fluent_syntax::{
    ast::{self, Expression, InlineExpression, Pattern, PatternElement, VariantKey},
    parser::{self, ErrorKind},
    unicode::unescape_unicode_to_string,
};
use icu_plurals::PluralCategory;

use super::{
    Key, Plurals, Problem, TextError,
    entries::{Entry, Kind, entries, is_identifier, parts},
    text::{Choice, Numbers, Piece, Text, Variant},
};
use crate::config::nearest::near;

/// Most characters that a text can say, without what is put into it.
pub(super) const LONGEST: usize = 500;
/// Most things that are said to be wrong with a file: a file that is no text at all has one in each line.
const MOST_PROBLEMS: usize = 100;
/// Most `{` and `(` of a text: Fluent's parser calls itself for each, and so does whatever walks through what it read.
pub(super) const MOST_OPENINGS: usize = 64;

/// Texts by their keys, in the order of these.
///
/// # Errors
/// Everything that is wrong; of a hundred things and more, the first hundred.
pub(super) fn read(source: &str, plurals: Plurals) -> Result<Vec<(Key, Text)>, Vec<Problem>> {
    let (mut texts, mut known, mut problems) = (Vec::new(), HashSet::new(), Vec::new());
    let entries = entries(source);
    for (place, entry) in entries.iter().enumerate() {
        let has_attributes = entries.get(place + 1).is_some_and(|next| next.kind == Kind::Attribute);
        match read_entry(entry, has_attributes, plurals) {
            Ok(Some((key, _))) if !known.insert(key) => {
                problems.push((entry.line, TextError::Repeated(key.name())));
            }
            Ok(text) => texts.extend(text),
            Err((line, error)) => problems.push((entry.line + line, error)),
        }
        if problems.len() == MOST_PROBLEMS {
            break;
        }
    }
    texts.sort_unstable_by_key(|(key, _)| *key);
    if problems.is_empty() { Ok(texts) } else { Err(problems) }
}

/// The text of a part of a file, or what is wrong with it and how many lines below its first.
fn read_entry(
    entry: &Entry<'_>,
    has_attributes: bool,
    plurals: Plurals,
) -> Result<Option<(Key, Text)>, Problem> {
    let here = |error| (0, error);
    if entry.kind == Kind::Comment {
        let stray = |line: &str| !line.starts_with('#') && !line.trim().is_empty();
        return entry.source.lines().position(stray).map_or(Ok(None), |line| Err((line, TextError::Line)));
    }
    let name = entry.name().ok_or(here(TextError::Line))?;
    if entry.kind == Kind::Message {
        check_name(name).map_err(here)?;
        if has_attributes && !entry.says_something() {
            return Ok(None);
        }
    } else if entry.message.is_none() {
        return Err(here(TextError::Alone(name.to_owned())));
    } else if entry.message.is_some_and(|message| !is_identifier(message)) {
        return Ok(None); // It was said of the message.
    }
    let name = entry.key().unwrap_or_default();
    let Some(key) = Key::of_name(&name) else {
        let near = near(&name, Key::names());
        return Err(here(TextError::Key(name, near)));
    };
    if !entry.says_something() {
        return Err(here(TextError::Empty(name)));
    }
    Ok(Some((key, Reader { key, plurals }.read(entry.source)?)))
}

/// Whether a message can have this name.
fn check_name(name: &str) -> Result<(), TextError> {
    match Key::of_name(name).map(parts) {
        _ if is_identifier(name) => Ok(()),
        _ if name.starts_with('-') => Err(TextError::Term(name.to_owned())),
        Some((message, Some(attribute))) => {
            Err(TextError::Dotted { message: message.to_owned(), attribute: attribute.to_owned() })
        }
        _ if name.contains('.') && name.split('.').all(is_identifier) => {
            Err(TextError::Key(name.to_owned(), near(name, Key::names())))
        }
        _ => Err(TextError::Line),
    }
}

/// Reads one text.
struct Reader {
    key: Key,
    plurals: Plurals,
}

impl Reader {
    fn read(&self, source: &str) -> Result<Text, Problem> {
        let here = |error| (0, error);
        let key = self.key.name();
        // What is missing at the end is missing on the last line that says something.
        let source = source.trim_end_matches([' ', '\n', '\r']);
        if source.bytes().filter(|byte| matches!(byte, b'{' | b'(')).count() > MOST_OPENINGS {
            return Err(here(TextError::Crowded(key)));
        }
        if has_broken_escape(source) {
            return Err(here(TextError::Syntax(key, ESCAPE.to_owned())));
        }
        let resource = parser::parse(source).map_err(|(_, errors)| {
            let first = errors.first();
            let above = first.and_then(|error| source.get(..error.pos.start)).unwrap_or_default();
            (above.matches('\n').count(), first.map_or(TextError::Line, |error| in_words(key, &error.kind)))
        })?;
        match resource.body.as_slice() {
            [ast::Entry::Message(ast::Message { value: Some(pattern), .. })] => {
                let text = self.pattern(pattern).map_err(here)?;
                self.check(&text).map_err(here)?;
                Ok(text)
            }
            _ => Err(here(TextError::Line)),
        }
    }

    fn pattern(&self, pattern: &Pattern<&str>) -> Result<Text, TextError> {
        let mut pieces = Vec::with_capacity(pattern.elements.len());
        for element in &pattern.elements {
            pieces.push(match element {
                PatternElement::TextElement { value } => self.words(value)?,
                PatternElement::Placeable { expression } => self.expression(expression)?,
            });
        }
        Ok(Text(pieces))
    }

    fn expression(&self, expression: &Expression<&str>) -> Result<Piece, TextError> {
        match expression {
            Expression::Select { selector, variants } => self.choice(selector, variants),
            Expression::Inline(InlineExpression::StringLiteral { value }) => {
                self.words(&unescape_unicode_to_string(value))
            }
            Expression::Inline(InlineExpression::NumberLiteral { value }) => self.words(value),
            Expression::Inline(InlineExpression::VariableReference { id }) => {
                self.place(id.name).map(Piece::Place)
            }
            Expression::Inline(InlineExpression::Placeable { expression }) => self.expression(expression),
            Expression::Inline(InlineExpression::MessageReference { id, .. }) => {
                self.refused(format!("a reference to `{}`", id.name))
            }
            Expression::Inline(InlineExpression::TermReference { id, .. }) => {
                self.refused(format!("the term `-{}`", id.name))
            }
            Expression::Inline(InlineExpression::FunctionReference { id, .. }) => {
                self.refused(format!("the function `{}`", id.name))
            }
        }
    }

    fn words(&self, words: &str) -> Result<Piece, TextError> {
        let key = self.key.name();
        match words.chars().find(|letter| is_control(*letter)) {
            Some('\n') => Err(TextError::Lines(key)),
            Some(_) => Err(TextError::Control(key)),
            None => Ok(Piece::Words(words.into())),
        }
    }

    fn place(&self, name: &str) -> Result<&'static str, TextError> {
        let known = self.key.places().iter().find(|place| **place == name);
        known.copied().ok_or_else(|| TextError::Place {
            key: self.key.name(),
            place: name.to_owned(),
            known: self.known(),
        })
    }

    fn choice(
        &self,
        selector: &InlineExpression<&str>,
        variants: &[ast::Variant<&str>],
    ) -> Result<Piece, TextError> {
        let InlineExpression::VariableReference { id } = selector else {
            return Err(TextError::Selector(self.key.name()));
        };
        let place = self.place(id.name)?;
        if !Key::is_number(place) {
            return Err(TextError::Selector(self.key.name()));
        }
        let mut read: Vec<Variant> = Vec::with_capacity(variants.len());
        for variant in variants {
            let number = self.numbers(&variant.key)?;
            if read.iter().any(|known| known.number == number) {
                let variant = written(&variant.key).to_owned();
                return Err(TextError::RepeatedVariant { key: self.key.name(), variant });
            }
            read.push(Variant { number, stands_in: variant.default, text: self.pattern(&variant.value)? });
        }
        Ok(Piece::Choice(Choice { place, variants: read }))
    }

    fn numbers(&self, key: &VariantKey<&str>) -> Result<Numbers, TextError> {
        let names = self.plurals.names();
        let numbers = match key {
            VariantKey::NumberLiteral { value } => value.parse().ok().map(Numbers::Exactly),
            VariantKey::Identifier { name } if names.contains(name) => {
                PluralCategory::get_for_cldr_string(name).map(Numbers::Of)
            }
            VariantKey::Identifier { .. } => None,
        };
        numbers.ok_or_else(|| TextError::Variant {
            key: self.key.name(),
            variant: written(key).to_owned(),
            known: names.join(", "),
        })
    }

    /// Whether it says something, not too much, and what matters.
    fn check(&self, text: &Text) -> Result<(), TextError> {
        match self.key.needed() {
            _ if longest(text) > LONGEST => Err(TextError::TooLong(self.key.name())),
            _ if is_empty(text) => Err(TextError::Empty(self.key.name().to_owned())),
            Some(needed) if !always_holds(text, needed) => Err(TextError::Missing(self.key.name(), needed)),
            _ => Ok(()),
        }
    }

    fn refused<T>(&self, what: String) -> Result<T, TextError> {
        Err(TextError::Reference { key: self.key.name(), what, known: self.known() })
    }

    /// What it may hold, in words.
    fn known(&self) -> String {
        let places: Vec<_> = self.key.places().iter().map(|place| format!("`{{ ${place} }}`")).collect();
        if places.is_empty() { "no place".to_owned() } else { places.join(" and ") }
    }
}

/// Control characters, and those that turn the direction of what follows: a subject that reads otherwise than it is.
fn is_control(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// The characters of the longest that it can say.
fn longest(text: &Text) -> usize {
    let of_piece = |piece: &Piece| match piece {
        Piece::Words(words) => words.chars().count(),
        Piece::Place(_) => 0,
        Piece::Choice(choice) => {
            choice.variants.iter().map(|variant| longest(&variant.text)).max().unwrap_or_default()
        }
    };
    text.0.iter().map(of_piece).sum()
}

fn is_empty(text: &Text) -> bool {
    text.0.iter().all(|piece| match piece {
        Piece::Words(words) => words.is_empty(),
        Piece::Place(_) => false,
        Piece::Choice(choice) => choice.variants.iter().all(|variant| is_empty(&variant.text)),
    })
}

/// Whether a place is filled whatever the numbers are. A variant of a single number says that number in words.
fn always_holds(text: &Text, wanted: &str) -> bool {
    text.0.iter().any(|piece| match piece {
        Piece::Words(_) => false,
        Piece::Place(place) => *place == wanted,
        Piece::Choice(choice) => choice.variants.iter().all(|variant| {
            let says_it = choice.place == wanted && matches!(variant.number, Numbers::Exactly(_));
            (says_it && !variant.stands_in) || always_holds(&variant.text, wanted)
        }),
    })
}

const fn written<'s>(key: &VariantKey<&'s str>) -> &'s str {
    match key {
        VariantKey::Identifier { name } => name,
        VariantKey::NumberLiteral { value } => value,
    }
}

const ESCAPE: &str = "after `\\u` come four hexadecimal digits, after `\\U` six";

/// Whether `\u` or `\U` has too few digits before a letter of several bytes, which the parser would cut in two and
/// panic (fluent-rs issue 389). Where that is no escape, nobody misses it.
fn has_broken_escape(source: &str) -> bool {
    source.match_indices('\\').any(|(place, _)| {
        let mut rest = source.bytes().skip(place + 1);
        let digits = match rest.next() {
            Some(b'u') => 4,
            Some(b'U') => 6,
            _ => return false,
        };
        rest.take(digits).find(|byte| !byte.is_ascii_hexdigit()).is_some_and(|byte| !byte.is_ascii())
    })
}

/// What the parser says, to somebody who writes a text and not a parser.
fn in_words(key: &'static str, error: &ErrorKind) -> TextError {
    let words = match error {
        ErrorKind::MessageReferenceAsSelector
        | ErrorKind::MessageAttributeAsSelector
        | ErrorKind::TermReferenceAsSelector
        | ErrorKind::ExpectedSimpleExpressionAsSelector => return TextError::Selector(key),
        ErrorKind::ExpectedToken('=') => return TextError::Line,
        ErrorKind::UnbalancedClosingBrace => "a closing brace has no partner",
        ErrorKind::ExpectedToken('}') => "a brace is not closed",
        ErrorKind::ExpectedInlineExpression => "a brace has no partner, or no `$name` stands in it",
        ErrorKind::ExpectedCharRange { range } if range == "a-zA-Z" => "a name begins with a letter",
        ErrorKind::ExpectedCharRange { range } if range.starts_with('\n') => "after `->` comes a new line",
        ErrorKind::MissingDefaultVariant => "one of the variants begins with `*`, such as `*[other]`",
        ErrorKind::MissingValue => "a variant says nothing",
        ErrorKind::InvalidUnicodeEscapeSequence(_) => ESCAPE,
        other => return TextError::Syntax(key, other.to_string()),
    };
    TextError::Syntax(key, words.to_owned())
}
