//! Writing records the way a zone file has them, so that advice can be copied. Reads nothing.

/// The longest string a TXT record can hold (RFC 1035, section 3.3); longer values are several strings.
const STRING: usize = 255;

/// The line of a zone file that publishes `value` at `name`. `value` is ASCII.
pub(super) fn text_line(name: &str, value: &str) -> String {
    let strings: Vec<String> = value
        .as_bytes()
        .chunks(STRING)
        .map(|chunk| {
            format!("\"{}\"", String::from_utf8_lossy(chunk).replace('\\', "\\\\").replace('"', "\\\""))
        })
        .collect();
    format!("{name}. IN TXT {}", strings.join(" "))
}

#[cfg(test)]
mod tests {
    use super::text_line;

    #[test]
    fn long_values_are_several_strings() {
        assert_eq!(text_line("a.example", "v=spf1 -all"), "a.example. IN TXT \"v=spf1 -all\"");
        let line = text_line("a.example", &"x".repeat(300));
        assert_eq!(line, format!("a.example. IN TXT \"{}\" \"{}\"", "x".repeat(255), "x".repeat(45)));
    }
}
