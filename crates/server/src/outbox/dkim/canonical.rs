//! A message as DKIM sees it (RFC 6376, 3.4.2 and 3.4.4: relaxed), so that servers on the way may change spaces
//! without breaking a signature. Knows no keys.

/// The headers of a message, each with its folded lines, and its body.
pub(super) fn split(message: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let mut headers: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while let Some(rest) = message.get(at..).filter(|rest| !rest.is_empty()) {
        let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
        if matches!(rest.get(..length), Some(b"\r\n" | b"\n")) {
            at += length;
            break;
        }
        match headers.last_mut() {
            Some((_, end)) if matches!(rest.first(), Some(b' ' | b'\t')) => *end = at + length,
            _ => headers.push((at, at + length)),
        }
        at += length;
    }
    let headers = headers.into_iter().filter_map(|(start, end)| message.get(start..end)).collect();
    (headers, message.get(at..).unwrap_or_default())
}

/// The named headers in relaxed form, each ended by CRLF. A name that comes again means the next one upwards of
/// that name; one that is not there is passed over, which is what signs its absence.
pub(super) fn select(headers: &[&[u8]], names: &[&str]) -> Vec<u8> {
    let mut left: Vec<Option<(String, &[u8])>> = headers.iter().map(|header| parse(header)).collect();
    let mut out = Vec::with_capacity(1024);
    for name in names {
        let found =
            left.iter_mut().rev().find(|header| header.as_ref().is_some_and(|(known, _)| known == name));
        if let Some((name, value)) = found.and_then(Option::take) {
            out.extend_from_slice(name.as_bytes());
            out.push(b':');
            squeeze(value, &mut out);
            out.extend_from_slice(b"\r\n");
        }
    }
    out
}

fn parse(header: &[u8]) -> Option<(String, &[u8])> {
    let colon = header.iter().position(|byte| *byte == b':')?;
    let name = std::str::from_utf8(header.get(..colon)?).ok()?;
    Some((name.trim().to_ascii_lowercase(), header.get(colon + 1..)?))
}

/// A header's value unfolded, its spaces made one each, none at its ends.
fn squeeze(value: &[u8], out: &mut Vec<u8>) {
    let words =
        value.split(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

/// The body with spaces made one each, none at the ends of lines, and no empty lines at its end.
pub(super) fn body(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 2);
    let mut empty_lines = 0;
    for line in body.strip_suffix(b"\n").unwrap_or(body).split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let end = line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
        let Some(line) = line.get(..end).filter(|line| !line.is_empty()) else {
            empty_lines += 1;
            continue;
        };
        out.extend_from_slice(&b"\r\n".repeat(empty_lines));
        empty_lines = 0;
        let mut in_space = false;
        for byte in line {
            let space = matches!(byte, b' ' | b'\t');
            if !space {
                out.push(*byte);
            } else if !in_space {
                out.push(b' ');
            }
            in_space = space;
        }
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_as_in_rfc_6376() {
        let cases: [(&str, &str); 7] = [
            (" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"),
            ("", ""),
            ("\r\n\r\n", ""),
            ("a", "a\r\n"),
            ("a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n"),
            (" \r\na", "\r\na\r\n"),
            ("a \t\r\n \r\n", "a\r\n"),
        ];
        for (input, expected) in cases {
            assert_eq!(String::from_utf8(body(input.as_bytes())).unwrap(), expected, "{input:?}");
        }
    }

    #[test]
    fn headers_as_in_rfc_6376() {
        let (headers, rest) = split(b"A: X\r\nB : Y\t\r\n\tZ  \r\na: W\r\n\r\nbody\r\n");
        assert_eq!((headers.len(), rest), (3, b"body\r\n".as_slice()));
        let selected = select(&headers, &["a", "b", "a", "a", "c"]);
        assert_eq!(String::from_utf8(selected).unwrap(), "a:W\r\nb:Y Z\r\na:X\r\n");
    }
}
