//! An address as a mail server is told it: one mailbox, in ASCII, with nothing in it that means something else.
//! Knows the envelope's and the header's syntax; does not know whether anybody reads there.

/// One mailbox's address, fit for an SMTP command and a header without quoting (RFC 5321 `Mailbox` as dot-string).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address(String);

/// Text that is not one plain address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not one plain mail address")]
pub struct NotAnAddress;

/// The longest address that fits into an SMTP path (RFC 5321, 4.5.3.1.3, without the angle brackets).
const LONGEST: usize = 254;

impl Address {
    /// Takes an address that has been parsed and normalised already, and refuses what could be read as more.
    ///
    /// # Errors
    /// [`NotAnAddress`] for anything but printable ASCII with exactly one `@` between two parts that are not
    /// empty, or for one of the characters that mean something in a header or a command: space and `<>,;:"\()[]`.
    pub fn parse(text: &str) -> Result<Self, NotAnAddress> {
        let plain = text.len() <= LONGEST && text.bytes().all(is_plain);
        match text.split_once('@') {
            Some((local, domain)) if plain && is_part(local) && is_part(domain) => Ok(Self(text.to_owned())),
            _ => Err(NotAnAddress),
        }
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands right of the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !br#"<>,;:"\()[]"#.contains(&byte)
}

fn is_part(part: &str) -> bool {
    !part.is_empty() && !part.contains('@') && !part.starts_with('.') && !part.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_plain_addresses() {
        for text in ["a@b", "a.b+c@example.org", "o'neill@xn--bcher-kva.example", "-f@example.org"] {
            assert_eq!(Address::parse(text).as_ref().map(Address::as_str), Ok(text));
        }
        assert_eq!(Address::parse("a@b.example").unwrap().domain(), "b.example");
    }

    #[test]
    fn p10_refuses_everything_that_means_more_than_one_mailbox() {
        let long = format!("{}@example.org", "a".repeat(250));
        let cases = [
            "",
            "@",
            "a@",
            "@b",
            "a",
            "a@b@c",
            "a b@c",
            "a@b,c@d",
            "a@b;",
            "<a@b>",
            "a@b\r\nRCPT TO:<c@d>",
            "a@b\0",
            "\"a\"@b",
            "a\\@b",
            "a(x)@b",
            "a@[1.2.3.4]",
            "é@b",
            "a@bücher.example",
            ".a@b",
            "a.@b",
            "a@b.",
            "a@b\n",
            "a:b@c",
            &long,
        ];
        for text in cases {
            assert_eq!(Address::parse(text), Err(NotAnAddress), "{text:?}");
        }
    }
}
