//! A message as it goes over the wire, after `DATA` or in a chunk: no line of it can be taken for its end or for a
//! command. Knows no conversation.

/// What `DATA` wants (RFC 5321, 4.5.2): the lines, dots at their start doubled, and the end.
pub(super) fn stuff_dots(message: &[u8], out: &mut Vec<u8>) {
    out.reserve(message.len() + 64);
    lines(message, b".", out);
    out.extend_from_slice(b".\r\n");
}

/// A message as one and the last chunk (RFC 3030): the command, which says how many bytes come, and the lines.
pub(super) fn chunk(message: &[u8], out: &mut Vec<u8>) {
    out.reserve(message.len() + 64);
    let start = out.len();
    lines(message, b"", out);
    let length = out.len() - start;
    out.splice(start..start, format!("BDAT {length} LAST\r\n").into_bytes());
}

/// Every line ended by CRLF and by nothing else, so that no server, and none it hands the mail on to, can take a part
/// of it for the end. `dot` is what comes before a dot at the start of a line.
fn lines(message: &[u8], dot: &[u8], out: &mut Vec<u8>) {
    for line in message.strip_suffix(b"\n").unwrap_or(message).split(|byte| *byte == b'\n') {
        if line.first() == Some(&b'.') {
            out.extend_from_slice(dot);
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.contains(&b'\r') {
            out.extend(line.iter().map(|byte| if *byte == b'\r' { b' ' } else { *byte }));
        } else {
            out.extend_from_slice(line);
        }
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn p10_no_line_of_a_message_ends_it() {
        let cases = [
            ("a\r\n", "a\r\n.\r\n", "a\r\n"),
            ("a", "a\r\n.\r\n", "a\r\n"),
            (".\r\n", "..\r\n.\r\n", ".\r\n"),
            ("a\n.\nb", "a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"),
            ("a\r.\rb\r\n", "a . b\r\n.\r\n", "a . b\r\n"),
            ("a\r\n.\r\r\n", "a\r\n.. \r\n.\r\n", "a\r\n. \r\n"),
            ("\r.\r\nb", " .\r\nb\r\n.\r\n", " .\r\nb\r\n"),
            ("", "\r\n.\r\n", "\r\n"),
        ];
        for (message, stuffed, content) in cases {
            let (mut data, mut bdat) = (Vec::new(), b"RCPT\r\n".to_vec());
            stuff_dots(message.as_bytes(), &mut data);
            assert_eq!(String::from_utf8(data).unwrap(), stuffed, "{message:?}");
            chunk(message.as_bytes(), &mut bdat);
            let expected = format!("RCPT\r\nBDAT {} LAST\r\n{content}", content.len());
            assert_eq!(String::from_utf8(bdat).unwrap(), expected, "{message:?}");
        }
    }

    fn hostile() -> impl Strategy<Value = Vec<u8>> {
        const PIECES: [&str; 9] =
            ["\r", "\n", ".", "\r\n.\r\n", "BDAT 0 LAST\r\n", "MAIL FROM:<>", "a", "\0", "\u{fc}"];
        prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40)
            .prop_map(|pieces| pieces.concat().into_bytes())
    }

    /// The lines of something that has no other line ends than CRLF and ends with one.
    fn strictly(bytes: &[u8]) -> Option<Vec<&[u8]>> {
        let text = bytes.strip_suffix(b"\r\n")?;
        let lines = text.split(|byte| *byte == b'\n').collect::<Vec<_>>();
        let (last, others) = lines.split_last()?;
        let mut clean = others.iter().map(|line| line.strip_suffix(b"\r")).collect::<Option<Vec<&[u8]>>>()?;
        clean.push(last);
        clean.iter().all(|line| !line.contains(&b'\r')).then_some(clean)
    }

    proptest! {
        #[test]
        fn p10_no_message_ends_early_or_adds_a_command(message in hostile()) {
            let (mut data, mut bdat) = (Vec::new(), Vec::new());
            stuff_dots(&message, &mut data);
            let stuffed = strictly(&data).unwrap();
            let (end, content) = stuffed.split_last().unwrap();
            prop_assert_eq!(*end, b".");
            prop_assert!(content.iter().all(|line| *line != b"."));

            chunk(&message, &mut bdat);
            let command = bdat.iter().position(|byte| *byte == b'\n').unwrap() + 1;
            let (command, chunk) = bdat.split_at(command);
            let counted = format!("BDAT {} LAST\r\n", chunk.len());
            prop_assert_eq!(command, counted.as_bytes());
            let plain = strictly(chunk).unwrap();
            // Both ways say the same.
            let unstuffed = content.iter().map(|line| line.strip_prefix(b".").unwrap_or(line));
            prop_assert_eq!(unstuffed.collect::<Vec<_>>(), plain);
        }
    }
}
