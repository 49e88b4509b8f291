//! A file of texts as its parts, each of which is read by itself: so that one that is wrong hides no other, and each
//! is short. Knows where texts begin and how they are named, not what is in them.

use super::Key;

/// A part of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'s> {
    /// The line that it begins on; lines count from 1.
    pub(super) line: usize,
    pub(super) kind: Kind,
    /// The message that an attribute belongs to, as it is written.
    pub(super) message: Option<&'s str>,
    /// All of it, to its last line end; of an attribute without what stands before its name.
    pub(super) source: &'s str,
}

/// What begins with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A comment, or what stands before the first text.
    Comment,
    /// `name = text`, or `name =` before its attributes.
    Message,
    /// `    .name = text`.
    Attribute,
}

/// The parts of a file, in their order.
pub(super) fn entries(source: &str) -> Vec<Entry<'_>> {
    let source = source.trim_start_matches('\u{feff}');
    let mut starts = vec![(0, 1, Kind::Comment)];
    let mut offset = 0;
    for (line, number) in source.split_inclusive('\n').zip(1..) {
        starts.extend(Kind::of(line).map(|kind| (offset, number, kind)));
        offset += line.len();
    }
    let ends = starts.iter().skip(1).map(|(offset, ..)| *offset).chain([source.len()]);
    let mut message = None;
    let cut = |((start, line, kind), end): (&(usize, usize, Kind), usize)| {
        let source = source.get(*start..end).unwrap_or_default();
        let mut entry = Entry { line: *line, kind: *kind, message: None, source };
        match kind {
            Kind::Comment => message = None,
            Kind::Message => message = entry.name(),
            Kind::Attribute => {
                entry.message = message;
                entry.source = source.trim_start_matches(' ').trim_start_matches('.');
            }
        }
        entry
    };
    starts.iter().zip(ends).map(cut).collect()
}

impl Kind {
    /// What begins with a line; `None` where it goes on with what is above it.
    fn of(line: &str) -> Option<Self> {
        match line.bytes().next()? {
            b'#' => Some(Self::Comment),
            b'-' => Some(Self::Message),
            letter if letter.is_ascii_alphabetic() => Some(Self::Message),
            _ if line.trim_start_matches(' ').starts_with('.') => Some(Self::Attribute),
            _ => None,
        }
    }
}

impl<'s> Entry<'s> {
    /// What stands before `=`.
    pub(super) fn name(&self) -> Option<&'s str> {
        self.source.split_once('=').map(|(name, _)| name.trim_end_matches(' '))
    }

    /// Whether something stands after `=`.
    pub(super) fn says_something(&self) -> bool {
        self.source.split_once('=').is_some_and(|(_, text)| !text.trim().is_empty())
    }

    /// The name of its text: `message`, or `message.attribute`.
    pub(super) fn key(&self) -> Option<String> {
        match (self.kind, self.message) {
            (Kind::Comment, _) | (Kind::Attribute, None) => None,
            (Kind::Message, _) => self.name().map(str::to_owned),
            (Kind::Attribute, Some(message)) => self.name().map(|name| format!("{message}.{name}")),
        }
    }

    /// The places that are named in it.
    pub(super) fn places(&self) -> Vec<&'s str> {
        let end = |rest: &str| rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        let named = self.source.split("{ $").skip(1).filter_map(|rest| rest.get(..end(rest)?));
        let mut places: Vec<&str> = named.collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}

/// Whether Fluent takes it for a name.
pub(super) fn is_identifier(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    name.starts_with(|letter: char| letter.is_ascii_alphabetic()) && name.bytes().all(plain)
}

/// The two names by which Fluent knows a text.
pub(super) fn parts(key: Key) -> (&'static str, Option<&'static str>) {
    key.name().split_once('.').map_or((key.name(), None), |(message, attribute)| (message, Some(attribute)))
}
