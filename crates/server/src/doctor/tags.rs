//! Lists of `tag=value;` as DKIM and DMARC write them (RFC 6376, section 3.2). Knows no tag's meaning.

/// The tags of one record, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tags(Vec<(String, String)>);

impl Tags {
    /// Parses a record.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub(super) fn parse(record: &str) -> Result<Self, String> {
        let mut tags: Vec<(String, String)> = Vec::new();
        let record = record.trim();
        for part in record.strip_suffix(';').unwrap_or(record).split(';') {
            let (name, value) = tag(part)?;
            if tags.iter().any(|(seen, _)| *seen == name) {
                return Err(format!("the tag {name}= stands twice"));
            }
            tags.push((name, value));
        }
        Ok(Self(tags))
    }

    /// The value of a tag.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first tag.
    pub(super) fn first(&self) -> Option<(&str, &str)> {
        self.0.first().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether a list separated by colons, such as `t=y:s`, holds an item. Without the tag: no.
    pub(super) fn lists(&self, name: &str, item: &str) -> bool {
        self.value(name)
            .is_some_and(|value| value.split(':').any(|listed| listed.trim().eq_ignore_ascii_case(item)))
    }
}

fn tag(part: &str) -> Result<(String, String), String> {
    let (name, value) =
        part.split_once('=').ok_or_else(|| format!("\u{201c}{}\u{201d} is not tag=value", part.trim()))?;
    let (name, value) = (name.trim(), value.trim());
    let well_formed = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if !well_formed {
        return Err(format!("\u{201c}{name}\u{201d} is not the name of a tag"));
    }
    let printable = |letter: char| letter.is_ascii_graphic() || letter.is_ascii_whitespace();
    if !value.chars().all(printable) {
        return Err(format!("the value of {name}= has characters outside ASCII"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::Tags;

    #[test]
    fn lists_are_parsed() {
        let good: &[(&str, &[(&str, &str)])] = &[
            ("v=DKIM1", &[("v", "DKIM1")]),
            (" v = DKIM1 ; p = ab cd ;", &[("v", "DKIM1"), ("p", "ab cd")]),
            ("v=DKIM1;p=", &[("v", "DKIM1"), ("p", "")]),
            ("v=DMARC1; rua=mailto:a@b.c?x=1", &[("v", "DMARC1"), ("rua", "mailto:a@b.c?x=1")]),
        ];
        for (record, expected) in good {
            let expected = expected.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            assert_eq!(Tags::parse(record), Ok(Tags(expected)), "{record}");
        }
        for record in ["", ";", "v", "v=DKIM1;;p=x", "=x", "1v=x", "v=1;v=1", "v=ä", "v-v=1"] {
            assert!(Tags::parse(record).is_err(), "{record}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_parsed_or_refused(record in any::<String>()) {
            if let Ok(tags) = Tags::parse(&record) {
                assert!(tags.first().is_some());
            }
        }
    }
}
