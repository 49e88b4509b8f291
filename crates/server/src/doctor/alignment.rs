//! Whether two domains belong together, as DMARC asks (RFC 7489, section 3.1). Organisational domains are found by
//! walking up the tree to where a DMARC record is, not with the list of public suffixes, which would age in a binary.

/// Labels above a name that are asked for a record.
const PARENTS: usize = 8;

/// The name and its parents, down to two labels, nearest first: where a DMARC record may stand.
pub(super) fn ancestry(domain: &str) -> Vec<&str> {
    let mut names = vec![domain];
    let mut rest = domain;
    while let Some((_, parent)) = rest.split_once('.') {
        if !parent.contains('.') || names.len() > PARENTS {
            break;
        }
        names.push(parent);
        rest = parent;
    }
    names
}

/// Whether `name` is `zone` or below it.
pub(super) fn is_within(name: &str, zone: &str) -> bool {
    name == zone || name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.'))
}

/// Whether `other` is aligned with the `From` domain: the same when strict, else of the same organisation, whose
/// domain is where the DMARC record was found.
pub(super) fn aligned(from: &str, other: &str, organisation: &str, strict: bool) -> bool {
    if strict {
        return from == other;
    }
    is_within(from, other) && other.contains('.')
        || is_within(other, from)
        || is_within(from, organisation) && is_within(other, organisation)
}

#[cfg(test)]
mod tests {
    use super::{aligned, ancestry};

    #[test]
    fn parents_end_at_two_labels() {
        assert_eq!(ancestry("a.b.example.org"), ["a.b.example.org", "b.example.org", "example.org"]);
        assert_eq!(ancestry("example.org"), ["example.org"]);
        assert_eq!(ancestry("org"), ["org"]);
    }

    #[test]
    fn domains_align() {
        let cases = [
            ("example.org", "example.org", "example.org", true, true),
            ("example.org", "bounce.example.org", "example.org", true, false),
            ("example.org", "bounce.example.org", "example.org", false, true),
            ("login.example.org", "example.org", "login.example.org", false, true),
            ("login.example.org", "bounce.example.org", "example.org", false, true),
            ("login.example.org", "bounce.example.org", "login.example.org", false, false),
            ("example.org", "badexample.org", "example.org", false, false),
            ("example.org", "org", "example.org", false, false),
            ("example.org", "mailer.example", "example.org", false, false),
        ];
        for (from, other, organisation, strict, expected) in cases {
            assert_eq!(aligned(from, other, organisation, strict), expected, "{from} {other} {organisation}");
        }
    }
}
