//! How text becomes the seven-bit lines of a mail: encoded words (RFC 2047), quoted-printable and base64 (RFC
//! 2045), dates (RFC 5322). Whatever goes in, no line end, control character or separator of a caller's comes out.

use countersign_domain::time::Timestamp;
use data_encoding::BASE64;

/// Most bytes of text in one encoded word, so that a header line stays within 76 characters.
const WORD: usize = 39;
/// Longest line of an encoded body, without its end.
const LINE: usize = 76;

/// Text of a header without structure (a subject): itself if it is plain and short, encoded words otherwise.
#[must_use]
pub fn unstructured(text: &str) -> String {
    let plain = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if plain && text.len() <= 64 && !text.contains("=?") && text.trim().len() == text.len() {
        text.to_owned()
    } else {
        encoded_words(text)
    }
}

/// A name before an address: a quoted string if nothing in it needs escaping, encoded words otherwise.
#[must_use]
pub fn phrase(text: &str) -> String {
    let plain =
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" !#$%&'*+-./^_`{|}~".contains(&byte));
    if plain && text.len() <= 60 { format!("\"{text}\"") } else { encoded_words(text) }
}

/// RFC 2047 `encoded-word`s in UTF-8 and base64, each with whole characters, folded one to a line.
fn encoded_words(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.floor_char_boundary(WORD));
        if !out.is_empty() {
            out.push_str("\r\n ");
        }
        out.push_str("=?UTF-8?B?");
        BASE64.encode_append(word.as_bytes(), &mut out);
        out.push_str("?=");
        rest = after;
    }
    out
}

/// Writes a text body with its `Content-Transfer-Encoding` header, the empty line, and a line end at its end:
/// quoted-printable where most is ASCII (short, readable at the wire), base64 elsewhere.
pub fn body(text: &str, out: &mut Vec<u8>) {
    let foreign = text.bytes().filter(|byte| !byte.is_ascii()).count();
    if foreign * 4 < text.len() {
        out.extend_from_slice(b"Content-Transfer-Encoding: quoted-printable\r\n\r\n");
        quoted_printable(text, out);
    } else {
        out.extend_from_slice(b"Content-Transfer-Encoding: base64\r\n\r\n");
        base64_lines(text, out);
    }
}

/// Quoted-printable: line ends become CRLF, lines are cut softly, nothing at the start of a line can be taken for
/// the end of the message.
fn quoted_printable(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for line in text.trim_end_matches('\n').split('\n') {
        let mut rest = line.strip_suffix('\r').unwrap_or(line).as_bytes();
        let mut column = 0;
        while !rest.is_empty() {
            // Room is left for the sign of a soft end, except by what ends the line itself.
            let room = LINE - column - usize::from(rest.len() > LINE - column);
            let run = plain_run(&rest[..room.min(rest.len())], column, rest.len());
            out.extend_from_slice(&rest[..run]);
            (rest, column) = (&rest[run..], column + run);
            let Some((&byte, after)) = rest.split_first() else { break };
            // A plain byte is here because its line is full, unless it has a place where it may not stay.
            let plain = PLAIN[usize::from(byte)] && column > 0 && !(byte == b' ' && after.is_empty());
            if plain || column + 3 > LINE - usize::from(!after.is_empty()) {
                out.extend_from_slice(b"=\r\n");
                column = 0;
                continue;
            }
            out.extend_from_slice(&[b'=', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            (rest, column) = (after, column + 3);
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// Bytes that quoted-printable leaves as they are.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        plain[byte as usize] = byte != b'=';
        byte += 1;
    }
    plain
};

/// How many of the next bytes stay as they are at this column, where `left` are left of the line.
fn plain_run(bytes: &[u8], column: usize, left: usize) -> usize {
    // A dot or "From " at the start of a line means something to some servers.
    if column == 0 && matches!(bytes.first(), Some(b'.' | b'F')) {
        return 0;
    }
    let run = bytes.iter().take_while(|byte| PLAIN[usize::from(**byte)]).count();
    // A space at the end of a line would be lost on the way.
    run - usize::from(run == left && bytes[..run].ends_with(b" "))
}

fn base64_lines(text: &str, out: &mut Vec<u8>) {
    let unified = text.trim_end_matches('\n').replace("\r\n", "\n").replace('\n', "\r\n");
    for chunk in unified.as_bytes().chunks(LINE / 4 * 3) {
        out.extend_from_slice(BASE64.encode(chunk).as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// An RFC 5322 date in UTC; a time that no calendar has becomes the start of 1970.
#[must_use]
pub fn date(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_second(at.seconds()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn headers() {
        let cases = [
            ("Your code for App", "Your code for App", "\"Your code for App\""),
            ("Smith, John", "Smith, John", "=?UTF-8?B?U21pdGgsIEpvaG4=?="),
            ("a \"b\"", "a \"b\"", "=?UTF-8?B?YSAiYiI=?="),
            ("=?x?=", "=?UTF-8?B?PT94Pz0=?=", "=?UTF-8?B?PT94Pz0=?="),
            ("a\r\nBcc: b@c", "=?UTF-8?B?YQ0KQmNjOiBiQGM=?=", "=?UTF-8?B?YQ0KQmNjOiBiQGM=?="),
            ("Bücher", "=?UTF-8?B?QsO8Y2hlcg==?=", "=?UTF-8?B?QsO8Y2hlcg==?="),
            ("", "", "\"\""),
        ];
        for (text, subject, name) in cases {
            assert_eq!(unstructured(text), subject);
            assert_eq!(phrase(text), name);
        }
        let folded = unstructured(&"コード".repeat(9));
        assert!(folded.split("\r\n ").all(|word| word.len() <= 67 && word.ends_with("?=")), "{folded}");
    }

    #[test]
    fn bodies() {
        let cases = [
            ("a=b\n", "a=3Db\r\n"),
            (".\n..x", "=2E\r\n=2E.x\r\n"),
            ("From me", "=46rom me\r\n"),
            ("end \nx\t", "end=20\r\nx=09\r\n"),
            ("a\r\nb\rc\0", "a\r\nb=0Dc=00\r\n"),
            ("für", "f=C3=BCr\r\n"),
            ("", "\r\n"),
        ];
        for (text, expected) in cases {
            let mut out = Vec::new();
            quoted_printable(text, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn p10_lines_are_cut_before_they_are_too_long() {
        for length in 60..160 {
            for end in [" ", "=", ".", "x", "é", "  ", ". ", "= ", "=x", "..", "From "] {
                let text = format!("{}{end}", "a".repeat(length));
                let mut out = Vec::new();
                quoted_printable(&text, &mut out);
                let encoded = String::from_utf8(out).unwrap();
                assert!(
                    encoded.split("\r\n").all(|line| line.len() <= LINE && !line.ends_with(' ')),
                    "{encoded}"
                );
                assert!(!encoded.contains("\n.") && !encoded.contains("\nF"), "{encoded}");
                assert_eq!(decode(&encoded), format!("{text}\r\n").into_bytes());
            }
        }
    }

    #[test]
    fn dates() {
        assert_eq!(date(Timestamp::from_millis(1_785_542_400_999)), "Sat, 01 Aug 2026 00:00:00 +0000");
        assert_eq!(date(Timestamp::from_millis(-1)), "Wed, 31 Dec 1969 23:59:59 +0000");
        assert_eq!(date(Timestamp::from_millis(i64::MAX)), "Thu, 01 Jan 1970 00:00:00 +0000");
    }

    fn decode(encoded: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let joined = encoded.replace("=\r\n", "");
        let mut bytes = joined.bytes();
        while let Some(byte) = bytes.next() {
            if byte == b'=' {
                let pair = [bytes.next().unwrap(), bytes.next().unwrap()];
                out.push(u8::from_str_radix(std::str::from_utf8(&pair).unwrap(), 16).unwrap());
            } else {
                out.push(byte);
            }
        }
        out
    }

    proptest! {
        #[test]
        fn p10_quoted_printable_keeps_the_text_and_nothing_else(text in "(?s).{0,300}") {
            let mut out = Vec::new();
            quoted_printable(&text, &mut out);
            let encoded = String::from_utf8(out).unwrap();
            for line in encoded.split("\r\n") {
                prop_assert!(line.len() <= 76, "{line}");
                prop_assert!(!line.starts_with('.') && !line.starts_with("From ") && !line.ends_with([' ', '\t']));
                prop_assert!(line.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
            }
            prop_assert!(!encoded.contains("=_"));
            let expected = text.trim_end_matches('\n').replace("\r\n", "\n").replace('\n', "\r\n") + "\r\n";
            let last_bare = text.trim_end_matches('\n').ends_with('\r');
            if !last_bare {
                prop_assert_eq!(decode(&encoded), expected.into_bytes());
            }
        }
    }
}
