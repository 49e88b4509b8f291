//! The path of a request as a service may understand it. Proxies and services differ in what they make of doubled
//! slashes, dots, encoded slashes and parameters; a path that leaves them a choice is told apart from one that does not.

/// A path without its query, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Path {
    /// Everybody reads it in the same way.
    Plain(String),
    /// Two programs may take it for two things.
    Ambiguous,
}

impl Path {
    /// Reads the target of a request (RFC 9112, 3.2.1): what comes before `?`.
    #[must_use]
    pub fn parse(target: &str) -> Self {
        let path = target.split(['?', '#']).next().unwrap_or_default();
        let Some(decoded) = decode(path) else { return Self::Ambiguous };
        let mut segments =
            decoded.strip_prefix('/').map(|rest| rest.split('/')).into_iter().flatten().peekable();
        if segments.peek().is_none() {
            return Self::Ambiguous;
        }
        while let Some(segment) = segments.next() {
            // An empty segment is one thing at the end alone, and a directory's own name is one nowhere. Some services
            // leave out trailing dots and spaces, others what comes behind a semicolon.
            let is_last = segments.peek().is_none();
            if segment.is_empty() && !is_last || segment.ends_with(['.', ' ']) {
                return Self::Ambiguous;
            }
        }
        Self::Plain(decoded)
    }

    /// Whether it is `prefix` or below it, segment by segment; none where that cannot be said. Where `exactly`, letters
    /// count as they are written; otherwise capitals are no other letters.
    pub(super) fn is_below(&self, prefix: &str, exactly: bool) -> Option<bool> {
        let Self::Plain(path) = self else { return None };
        let prefix = prefix.trim_end_matches('/').as_bytes();
        let path = path.as_bytes();
        let Some((head, rest)) = path.split_at_checked(prefix.len()) else { return Some(false) };
        let same = if exactly { head == prefix } else { head.eq_ignore_ascii_case(prefix) };
        Some(same && matches!(rest.first(), None | Some(b'/')))
    }
}

/// The text that percent-encoding stands for; none where the encoding is broken, or hides what separates.
fn decode(path: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let (byte, was_encoded) = match byte {
            b'%' => (hex(bytes.next()?)? << 4 | hex(bytes.next()?)?, true),
            byte => (byte, false),
        };
        let separates = matches!(byte, b'\\' | b';' | 0..=0x1f | 0x7f);
        if separates || was_encoded && matches!(byte, b'/' | b'.' | b'%' | b'?' | b'#') {
            return None;
        }
        decoded.push(byte);
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn p37_a_path_that_can_be_read_in_two_ways_is_known_for_it() {
        for (target, expected) in [
            ("/", Some("/")),
            ("/a/b?c=//../d", Some("/a/b")),
            ("/a/b/", Some("/a/b/")),
            ("/%61dmin", Some("/admin")),
            ("/caf%C3%A9", Some("/café")),
            ("/a b", Some("/a b")),
            ("/.well-known/x", Some("/.well-known/x")),
            ("", None),
            ("*", None),
            ("admin", None),
            ("http://host/admin", None),
            ("//admin", None),
            ("/a//b", None),
            ("/a//", None),
            ("/./admin", None),
            ("/x/../admin", None),
            ("/x/..", None),
            ("/x/.", None),
            ("/x/%2e%2e/admin", None),
            ("/x/%2E./admin", None),
            ("/x%2fadmin", None),
            ("/x%2Fadmin", None),
            ("/x%5cadmin", None),
            ("/x\\admin", None),
            ("/admin;x=1", None),
            ("/admin%3bx", None),
            ("/admin%00", None),
            ("/admin%0a", None),
            ("/admin.", None),
            ("/admin%20", None),
            ("/admin%", None),
            ("/admin%2", None),
            ("/admin%zz", None),
            ("/%252fadmin", None),
            ("/%ff", None),
        ] {
            let expected = expected.map_or(Path::Ambiguous, |path| Path::Plain(path.to_owned()));
            assert_eq!(Path::parse(target), expected, "{target}");
        }
    }

    #[test]
    fn below_is_by_segments() {
        for (path, prefix, exactly, below) in [
            ("/admin", "/admin", true, true),
            ("/admin/", "/admin", true, true),
            ("/admin", "/admin/", true, true),
            ("/admin/x", "/admin", true, true),
            ("/administration", "/admin", true, false),
            ("/Admin/x", "/admin", true, false),
            ("/Admin/x", "/admin", false, true),
            ("/x", "/", true, true),
            ("/a", "/admin", false, false),
        ] {
            assert_eq!(Path::parse(path).is_below(prefix, exactly), Some(below), "{path} {prefix}");
        }
        assert_eq!(Path::Ambiguous.is_below("/", true), None);
    }

    proptest! {
        /// What is plain stays the same when a careless service decodes once more, joins slashes or walks dots.
        #[test]
        fn p37_what_is_plain_is_the_same_for_every_reader(target in "[/a.%25cCfF;?\\\\ ]{0,12}|.{0,12}") {
            if let Path::Plain(path) = Path::parse(&target) {
                prop_assert!(path.starts_with('/') && !path.contains("//") && !path.contains('\\'));
                prop_assert!(path.split('/').all(|segment| segment != "." && segment != ".."));
                prop_assert!(!path.contains('%') && !path.contains(';') && !path.chars().any(|c| c.is_ascii_control()));
            }
        }
    }
}
