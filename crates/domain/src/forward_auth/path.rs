//! The path of a request as a service may understand it. Proxies and services differ in what they make of doubled
//! slashes, dots, encoded slashes, parameters, fragments and letters that need no encoding; a path that leaves them a
//! choice is told apart from one that does not.

use icu_normalizer::ComposingNormalizerBorrowed;

/// A path without its query, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Path {
    /// Everybody reads it in the same way.
    Plain(String),
    /// Two programs may take it for two things.
    Ambiguous,
}

impl Path {
    /// Reads the target of a request (RFC 9112, 3.2.1): what comes before `?`. A `#` is no part of one: some programs end
    /// the path there, and some do not.
    #[must_use]
    pub fn parse(target: &str) -> Self {
        let path = target.split('?').next().filter(|_| !target.contains('#'));
        path.and_then(decode).map_or(Self::Ambiguous, Self::written)
    }

    /// Reads a path that is written as it is meant, with nothing encoded.
    #[must_use]
    pub fn written(path: impl Into<String>) -> Self {
        let path = path.into();
        if is_plain(&path) { Self::Plain(path) } else { Self::Ambiguous }
    }

    /// Whether it is `prefix` or below it, segment by segment; none where that cannot be said. Where `exactly`, letters
    /// count as they are written; otherwise capitals are no other letters.
    pub(super) fn is_below(&self, prefix: &str, exactly: bool) -> Option<bool> {
        let Self::Plain(path) = self else { return None };
        let prefix = prefix.trim_end_matches('/');
        if !exactly && !prefix.is_ascii() {
            let mut letters = path.chars().flat_map(char::to_lowercase);
            let same =
                prefix.chars().flat_map(char::to_lowercase).all(|letter| letters.next() == Some(letter));
            return Some(same && matches!(letters.next(), None | Some('/')));
        }
        let (path, prefix) = (path.as_bytes(), prefix.as_bytes());
        let Some((head, rest)) = path.split_at_checked(prefix.len()) else { return Some(false) };
        let same = if exactly { head == prefix } else { head.eq_ignore_ascii_case(prefix) };
        Some(same && matches!(rest.first(), None | Some(b'/')))
    }
}

/// Whether everybody takes a decoded path for the same thing.
fn is_plain(path: &str) -> bool {
    let Some(segments) = path.strip_prefix('/') else { return false };
    let mut segments = segments.split('/').peekable();
    while let Some(segment) = segments.next() {
        // An empty segment is one thing at the end alone, and a directory's own name is one nowhere. Some services leave
        // out trailing dots and spaces, others what comes behind a semicolon.
        let is_last = segments.peek().is_none();
        if segment.is_empty() && !is_last || segment.ends_with(['.', ' ']) {
            return false;
        }
    }
    let is_odd = |letter: char| letter.is_control() || matches!(letter, '\\' | ';' | '%' | '?' | '#');
    // What else can be written with other letters (Unicode, UAX 15), such as a slash of full width, some services read as
    // those.
    !path.contains(is_odd) && (path.is_ascii() || ComposingNormalizerBorrowed::new_nfkc().is_normalized(path))
}

/// The text that percent-encoding stands for; none where the encoding is broken, hides what separates or what needs none,
/// or is missing where it is needed (RFC 3986, 3.3). Brackets, bars and carets are taken as they are: browsers send them so
/// (URL Standard, path percent-encode set), and they mean nothing but themselves.
fn decode(path: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => {
                let byte = hex(bytes.next()?)? << 4 | hex(bytes.next()?)?;
                // A service that does not decode takes it for another path; nobody who is honest writes so.
                let needs_none = byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
                (!needs_none && !b"/.".contains(&byte)).then_some(byte)?
            }
            byte => {
                (byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,=:@[]|^".contains(&byte)).then_some(byte)?
            }
        };
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
            ("/a%20b/caf%C3%A9", Some("/a b/café")),
            ("/%E6%97%A5%E6%9C%AC", Some("/日本")),
            ("/a,b(c)=d+e@f:g~h%7e!$&'*", Some("/a,b(c)=d+e@f:g~h~!$&'*")),
            ("/a%2cb%5bc%5d%7c", Some("/a,b[c]|")),
            ("/%61dmin", None),
            ("/a b", None),
            ("/café", None),
            ("/a#/../b", None),
            ("/a?b#/../c", None),
            ("/#", None),
            ("/a%23b", None),
            ("/a%3fb", None),
            ("/a\tb", None),
            ("/a%7f", None),
            ("/a%c2%85b", None),
            ("/a%ef%bc%8fb", None),
            ("/%e2%80%a5/b", None),
            ("/%ef%bc%8e%ef%bc%8e/b", None),
            ("/%e2%84%aaey", None),
            ("/cafe%cc%81", None),
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
        for (path, exactly, below) in
            [("/CAF%C3%89/x", false, true), ("/CAF%C3%89/x", true, false), ("/caf%C3%A9", true, true)]
        {
            assert_eq!(Path::parse(path).is_below("/café", exactly), Some(below), "{path}");
        }
        assert_eq!(Path::Ambiguous.is_below("/", true), None);
    }

    #[test]
    fn a_path_of_a_rule_is_written_as_it_is_meant() {
        for path in ["/", "/admin", "/a b/c", "/café", "/a[1]"] {
            assert_eq!(Path::written(path), Path::Plain(path.to_owned()), "{path}");
        }
        for path in
            ["", "admin", "/a%20b", "/a?b", "/a#b", "/a;b", "/../a", "//a", "/a\\b", "/a.", "/\u{ff0f}a"]
        {
            assert_eq!(Path::written(path), Path::Ambiguous, "{path}");
        }
    }

    /// What a service may make of a target, one way or another: ends it at `#`, leaves out parameters, decodes once more,
    /// takes backslashes for slashes, letters for those that they stand for, joins slashes, walks dots.
    fn careless(target: &str, ways: u8) -> String {
        let does = |way: u8| ways >> way & 1 == 1;
        let mut path = target.split('?').next().unwrap_or_default().to_owned();
        if does(0) {
            path = path.split('#').next().unwrap_or_default().to_owned();
        }
        for _ in 0..usize::from(does(1)) + 1 {
            path = percent(&path);
        }
        if does(2) {
            path = ComposingNormalizerBorrowed::new_nfkc().normalize(&path).into_owned();
        }
        if does(3) {
            path = path.replace('\\', "/");
        }
        let mut walked: Vec<&str> = Vec::new();
        for segment in path.split('/').skip(1) {
            let segment = if does(4) { segment.split(';').next().unwrap_or_default() } else { segment };
            let segment = if does(5) { segment.trim_end_matches([' ', '\0']) } else { segment };
            match segment {
                "" | "." => {}
                ".." => drop(walked.pop()),
                segment => walked.push(segment),
            }
        }
        format!("/{}", walked.join("/"))
    }

    /// Decodes whatever does decode.
    fn percent(text: &str) -> String {
        let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
        while let Some((byte, after)) = rest.split_first() {
            let pair = after.split_at_checked(2).filter(|_| *byte == b'%');
            let pair = pair.and_then(|(pair, after)| Some((hex(pair[0])? << 4 | hex(pair[1])?, after)));
            let (byte, after) = pair.unwrap_or((*byte, after));
            bytes.push(byte);
            rest = after;
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[test]
    fn p37_what_browsers_send_unencoded_is_taken_so_and_nothing_else() {
        assert_eq!(Path::parse("/a|b[c]^"), Path::parse("/a%7cb%5Bc%5d%5e"));
        assert_eq!(Path::parse("/a|b[c]^"), Path::Plain("/a|b[c]^".to_owned()));
        for letter in ['"', '<', '>', '{', '}', '`', ' ', '\\', '\u{7f}'] {
            assert_eq!(Path::parse(&format!("/a{letter}")), Path::Ambiguous, "{letter}");
        }
    }

    proptest! {
        /// What is plain consists of letters that everybody reads in the same way, in places where they mean nothing else.
        #[test]
        fn p37_what_is_plain_is_the_same_for_every_reader(
            target in "[/a.%25cCfF;?#\\\\ ]{0,12}|.{0,12}|/[a-z]{0,3}(%[0-9a-fA-F]{2}|[/.#;a\\t\u{ff0f}é]){0,8}",
            ways in any::<u8>(),
        ) {
            if let Path::Plain(path) = Path::parse(&target) {
                prop_assert!(path.starts_with('/') && !path.contains("//"));
                prop_assert!(path.split('/').all(|segment| segment != "." && segment != ".."));
                prop_assert!(!path.contains(['%', ';', '\\', '#', '?']) && !path.contains(char::is_control));
                let raw = target.split('?').next().unwrap_or_default();
                prop_assert!(raw.is_ascii() && raw.bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert!(!target.contains('#'));
                // Apart from a slash at the end, which joins and walks leave out.
                prop_assert_eq!(careless(&target, ways), format!("/{}", path.trim_matches('/')));
            }
        }
    }
}
