//! Text that an app's server gives for its mails: plain, with `%code%`, and without links, so that nobody can use
//! this server to spread them. Knows what a mail program would make a link of; knows no markup.

/// Where the code is put.
const CODE: &str = "%code%";

/// Plain text of a caller's, checked: no links, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerText(String);

/// Why a caller's text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallerTextError {
    /// There is nothing in it.
    #[error("the text is empty")]
    Empty,
    /// More than 150 characters for a subject, 4,000 for a content.
    #[error("the text is too long")]
    TooLong,
    /// A control character; a content may have line ends and tabs.
    #[error("the text has a control character")]
    Control,
    /// Something that mail programs turn into a link: a scheme, `www.`, a host name, an address.
    #[error("the text has something that looks like a link")]
    Link,
}

impl CallerText {
    /// Most characters in a subject.
    pub const SUBJECT_LIMIT: usize = 150;
    /// Most characters in a content.
    pub const CONTENT_LIMIT: usize = 4_000;

    /// A subject: one line.
    ///
    /// # Errors
    /// [`CallerTextError`] says what is wrong with it.
    pub fn subject(text: &str) -> Result<Self, CallerTextError> {
        check(text, Self::SUBJECT_LIMIT, char::is_control)?;
        Ok(Self(text.trim().to_owned()))
    }

    /// A content: lines, with empty ones between paragraphs.
    ///
    /// # Errors
    /// [`CallerTextError`] says what is wrong with it.
    pub fn content(text: &str) -> Result<Self, CallerTextError> {
        let unified = text.replace("\r\n", "\n");
        check(&unified, Self::CONTENT_LIMIT, |c| c.is_control() && c != '\n' && c != '\t')?;
        Ok(Self(unified.trim().to_owned()))
    }

    /// Whether the code is mentioned.
    #[must_use]
    pub fn mentions_code(&self) -> bool {
        self.0.contains(CODE)
    }

    /// The text with the code put in; without a code the place stays empty.
    #[must_use]
    pub fn with_code(&self, code: &str) -> String {
        self.0.replace(CODE, code)
    }

    /// The paragraphs, with `%code%` still in them.
    pub fn paragraphs(&self) -> impl Iterator<Item = &str> {
        self.0.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty())
    }
}

/// Puts the code into a piece of caller's text.
pub(super) fn put_code(piece: &str, code: &str) -> String {
    piece.replace(CODE, code)
}

/// Whether a paragraph is the code's place and nothing else.
pub(super) fn is_code_place(paragraph: &str) -> bool {
    paragraph == CODE
}

fn check(text: &str, limit: usize, forbidden: impl Fn(char) -> bool) -> Result<(), CallerTextError> {
    if text.trim().is_empty() {
        Err(CallerTextError::Empty)
    } else if text.chars().count() > limit {
        Err(CallerTextError::TooLong)
    } else if text.chars().any(|c| forbidden(c) || is_invisible(c)) {
        Err(CallerTextError::Control)
    } else if has_link(text) || has_link(&text.replace(CODE, "")) {
        Err(CallerTextError::Link)
    } else {
        Ok(())
    }
}

/// Characters that hide or reorder others: line separators, zero-width ones, direction overrides.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// What mail programs make links of: schemes, and a dot inside a word that is followed by two letters or more.
fn has_link(text: &str) -> bool {
    let lower = text.to_lowercase();
    ["://", "www.", "mailto:", "tel:", "javascript:"].iter().any(|scheme| lower.contains(scheme))
        || lower.match_indices(['.', '\u{FF0E}', '\u{FF61}']).any(|(at, dot)| {
            let before = lower[..at].chars().next_back();
            let mut after = lower[at + dot.len()..].chars();
            before.is_some_and(|c| c.is_alphanumeric() || c == '-')
                && (after.next().is_some_and(char::is_alphabetic)
                    && after.next().is_some_and(char::is_alphanumeric))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_links_from_text() {
        let cases = [
            ("Your code is %code%.", Ok(())),
            ("Ihr Code, z.B. für heute. Bis 12.30 Uhr.", Ok(())),
            ("コードは%code%です。ありがとう。", Ok(())),
            ("Wait... what? 3.50 Euro", Ok(())),
            ("see https://example.org", Err(CallerTextError::Link)),
            ("see HTTP://1.2.3.4", Err(CallerTextError::Link)),
            ("see example.org", Err(CallerTextError::Link)),
            ("see пример.рф", Err(CallerTextError::Link)),
            ("write to a@b.example", Err(CallerTextError::Link)),
            ("www.x", Err(CallerTextError::Link)),
            ("a\0b", Err(CallerTextError::Control)),
            ("a\rb", Err(CallerTextError::Control)),
            ("a\u{202E}b", Err(CallerTextError::Control)),
            (" \n ", Err(CallerTextError::Empty)),
        ];
        for (text, expected) in cases {
            assert_eq!(CallerText::content(text).map(|_| ()), expected, "{text:?}");
        }
    }

    #[test]
    fn limits_and_lines() {
        assert_eq!(CallerText::subject("a\nb"), Err(CallerTextError::Control));
        assert_eq!(CallerText::subject(&"é".repeat(151)), Err(CallerTextError::TooLong));
        assert!(CallerText::subject(&"é".repeat(150)).is_ok());
        assert_eq!(CallerText::content(&"x".repeat(4_001)), Err(CallerTextError::TooLong));
        let content = CallerText::content("Hello,\r\nyou\r\n\r\n%code%\r\n\r\nBye").unwrap();
        assert_eq!(content.paragraphs().collect::<Vec<_>>(), ["Hello,\nyou", "%code%", "Bye"]);
        assert_eq!(CallerText::subject("%code% is it").unwrap().with_code("123456"), "123456 is it");
    }
}
