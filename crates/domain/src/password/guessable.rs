//! What anybody would try first: the most used passwords, one thing over and over, and what is known of a person. It
//! knows no lengths.

use super::pieces;

/// The most used passwords of eight characters and more, in lower case and in order of their bytes.
const COMMON: &str = include_str!("common.txt");
/// Words of four characters and more that passwords are made of most, likewise; those of [`COMMON`] are not among them.
const WORDS: &str = include_str!("words.txt");
/// Characters that must be left of a password without what everybody knows.
pub(super) const LEAST_LEFT: usize = 8;
/// Shortest part of a name that is looked for.
const SHORTEST_WORD: usize = 3;

/// Whether it is among the most used ones, a run of neighbours, something short over and over, or one word that
/// everybody uses with what is commonly put around it.
pub fn is_common(password: &str) -> bool {
    let letters: Vec<char> = password.chars().flat_map(char::to_lowercase).collect();
    let unit = &letters[..period(&letters)];
    (unit.len() < LEAST_LEFT && unit.len() * 2 <= letters.len())
        || is_run(&letters)
        || is_listed(COMMON, &String::from_iter(unit))
        || pieces::is_one_word(&letters)
}

/// Whether it is what passwords are made of most.
pub(super) fn is_common_word(word: &str) -> bool {
    is_listed(WORDS, word) || is_listed(COMMON, word)
}

fn is_listed(list: &str, password: &str) -> bool {
    // A text of lines is searched like a list: by the line in which the middle falls.
    let (mut rest, wanted) = (list, password.as_bytes());
    while !rest.is_empty() {
        let middle = rest.len() / 2;
        let start = rest[..middle].rfind('\n').map_or(0, |end| end + 1);
        let end = rest[start..].find('\n').map_or(rest.len(), |length| start + length);
        match rest.as_bytes()[start..end].cmp(wanted) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Greater => rest = &rest[..start],
            std::cmp::Ordering::Less => rest = rest.get(end + 1..).unwrap_or_default(),
        }
    }
    false
}

/// The length of the shortest beginning that, repeated, gives the whole (the last time perhaps in part).
fn period(letters: &[char]) -> usize {
    // The failure function of Knuth, Morris and Pratt: linear, whatever the password.
    let mut borders = vec![0; letters.len()];
    let mut border = 0;
    for index in 1..letters.len() {
        while border > 0 && letters[index] != letters[border] {
            border = borders[border - 1];
        }
        border += usize::from(letters[index] == letters[border]);
        borders[index] = border;
    }
    letters.len() - borders.last().copied().unwrap_or_default()
}

/// Whether each character follows the one before it, up or down: `abcd`, `9876`, and with digits `890123`.
fn is_run(letters: &[char]) -> bool {
    [1, -1, 9].into_iter().any(|wanted| letters.windows(2).all(|pair| pieces::step(pair) == wanted))
}

/// Whether little is left of it without what everybody knows of the person and the app.
pub fn is_contextual(password: &str, known: &[&str]) -> bool {
    let mut words: Vec<String> = Vec::new();
    for text in known {
        let text = text.to_lowercase();
        words.push(text.chars().filter(|letter| letter.is_alphanumeric()).collect());
        words.extend(text.split(|letter: char| !letter.is_alphanumeric()).map(str::to_owned));
    }
    words.retain(|word| word.chars().count() >= SHORTEST_WORD);
    // The longest first: a part must not break up the whole.
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let mut left: String =
        password.to_lowercase().chars().filter(|letter| letter.is_alphanumeric()).collect();
    let before = left.len();
    for word in &words {
        left = left.replace(word.as_str(), "");
    }
    left.len() < before && left.chars().count() < LEAST_LEFT
}

#[cfg(test)]
mod tests {
    use super::{COMMON, WORDS, is_listed, period};

    #[test]
    fn every_line_is_found_and_nothing_beside() {
        assert!(COMMON.lines().count() > 3000, "ASVS asks for the 3000 most used");
        assert!(WORDS.lines().count() > 2000);
        for list in [COMMON, WORDS] {
            let lines: Vec<&str> = list.lines().collect();
            assert!(lines.is_sorted());
            for line in lines {
                assert!(is_listed(list, line), "{line}");
                assert!(!is_listed(list, &format!("{line}~")), "{line}");
                assert!(
                    !is_listed(list, &line[1..]) || list.lines().any(|other| other == &line[1..]),
                    "{line}"
                );
            }
            assert!(!is_listed(list, ""));
        }
    }

    #[test]
    fn a_period_is_the_shortest_that_repeats() {
        for (text, expected) in [("", 0), ("a", 1), ("aaaa", 1), ("abab", 2), ("ababa", 2), ("abcabcd", 7)] {
            assert_eq!(period(&text.chars().collect::<Vec<_>>()), expected, "{text}");
        }
    }
}
