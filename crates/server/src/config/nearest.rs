//! The word that somebody probably meant. It knows letters, not settings.

/// Longest word that is looked at, in bytes: far longer than any that there is.
const LONGEST: usize = 128;

/// The word that needs the fewest corrections to become `typed`, if that is few enough to be a typing error.
pub(crate) fn near<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if typed.len() > LONGEST {
        return None;
    }
    let most = (typed.chars().count() / 3).clamp(1, 3);
    nearest(typed, known).filter(|(_, distance)| *distance <= most).map(|(word, _)| word)
}

/// The word that needs the fewest corrections to become `typed`, and how many.
pub(super) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<(&'a str, usize)> {
    known.into_iter().map(|word| (word, distance(typed, word))).min_by_key(|(_, distance)| *distance)
}

/// Letters to insert, remove, replace or exchange with their neighbour (optimal string alignment).
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for (i, letter) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, counterpart) in other.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(letter != counterpart);
            let mut least = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == other[j - 1] && one[i - 1] == *counterpart {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corrections_are_counted() {
        for (one, other, expected) in [
            ("", "", 0),
            ("issuer", "issuer", 0),
            ("isuer", "issuer", 1),
            ("siuser", "issuer", 2),
            ("issure", "issuer", 1),
            ("", "url", 3),
            ("ürl", "url", 1),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
        assert_eq!(near("isuer", ["listeners", "issuer"]), Some("issuer"));
        assert_eq!(near("banana", ["listeners", "issuer"]), None);
    }
}
