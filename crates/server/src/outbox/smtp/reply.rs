//! Reads what an SMTP server answers (RFC 5321, 4.2), strictly and with limits. Knows no commands.

/// Longest line, its end included; RFC 5321 allows 512, some servers are chatty.
const LINE: usize = 1024;
/// Longest reply of several lines.
const REPLY: usize = 16 * 1024;

/// A complete reply at the start of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// The code, 200 to 599.
    pub(super) code: u16,
    /// How many bytes of the buffer it takes.
    pub(super) length: usize,
}

/// Something that is no SMTP reply, or too long for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Garbage;

/// Finds the first complete reply; nothing when more bytes are needed.
pub(super) fn parse(buffer: &[u8]) -> Result<Option<Reply>, Garbage> {
    let mut length = 0;
    let mut code = None;
    loop {
        let rest = buffer.get(length..).unwrap_or_default();
        let Some(end) = rest.iter().take(LINE).position(|byte| *byte == b'\n') else {
            let too_long = rest.len() >= LINE || buffer.len() >= REPLY;
            return if too_long { Err(Garbage) } else { Ok(None) };
        };
        let line = rest.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(Garbage)?;
        let (this, last) = parse_line(line)?;
        length += end + 1;
        if *code.get_or_insert(this) != this || length > REPLY {
            return Err(Garbage);
        }
        if last {
            return Ok(Some(Reply { code: this, length }));
        }
    }
}

/// The words of each line of a complete reply, without codes.
pub(super) fn lines(reply: &[u8]) -> impl Iterator<Item = &str> {
    reply
        .split(|byte| *byte == b'\n')
        .filter_map(|line| std::str::from_utf8(line.get(4..)?).ok())
        .map(str::trim_end)
}

/// A line's code, and whether it is the last one.
fn parse_line(line: &[u8]) -> Result<(u16, bool), Garbage> {
    let (first, last) = match line {
        [a @ b'2'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] => {
            ([*a, *b, *c], rest.first() != Some(&b'-'))
        }
        _ => return Err(Garbage),
    };
    if !matches!(line.get(3), None | Some(b' ' | b'-')) || line.contains(&b'\r') || line.contains(&0) {
        return Err(Garbage);
    }
    Ok((first.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0')), last))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_replies() {
        let long = format!("250 {}\r\n", "x".repeat(1100));
        let many = "250-x\r\n".repeat(3000);
        let cases = [
            ("250 ok\r\n", Ok(Some((250_u16, 8_usize)))),
            ("250\r\n", Ok(Some((250, 5)))),
            ("250 a\r\n354 b\r\n", Ok(Some((250, 7)))),
            ("250-a\r\n250-b\r\n250 c\r\n", Ok(Some((250, 21)))),
            ("250-a\r\n250", Ok(None)),
            ("250-a\r\n", Ok(None)),
            ("", Ok(None)),
            ("2", Ok(None)),
            ("250-a\r\n251 b\r\n", Err(Garbage)),
            ("250 ok\n", Err(Garbage)),
            ("25 ok\r\n", Err(Garbage)),
            ("2500 ok\r\n", Err(Garbage)),
            ("150 ok\r\n", Err(Garbage)),
            ("650 ok\r\n", Err(Garbage)),
            ("250 o\rk\r\n", Err(Garbage)),
            ("HTTP/1.1 400 Bad Request\r\n", Err(Garbage)),
            (&long, Err(Garbage)),
            (&many, Err(Garbage)),
        ];
        for (input, expected) in cases {
            let parsed = parse(input.as_bytes()).map(|reply| reply.map(|reply| (reply.code, reply.length)));
            assert_eq!(parsed, expected, "{input:?}");
        }
    }

    #[test]
    fn gives_the_words() {
        let words: Vec<_> = lines(b"250-sink\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 1\r\n").collect();
        assert_eq!(words, ["sink", "AUTH PLAIN LOGIN", "SIZE 1"]);
    }

    proptest! {
        #[test]
        fn never_panics_and_never_takes_more_than_there_is(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(Some(reply)) = parse(&bytes) {
                prop_assert!(reply.length <= bytes.len() && (200..600).contains(&reply.code));
            }
        }

        #[test]
        fn a_reply_in_pieces_is_the_same_reply(cut in 0_usize..21) {
            let whole = b"250-a\r\n250-b\r\n250 c\r\n";
            prop_assert_eq!(parse(&whole[..cut]), Ok(None));
            prop_assert_eq!(parse(whole).unwrap().unwrap().length, 21);
        }
    }
}
