//! A password in pieces: whether it is one word that everybody uses, however often, with what is commonly put around
//! one: digits, signs, rows of keys. Programs that guess try these first. It knows no lengths that are asked for, and
//! nobody's name.

use super::guessable::{LEAST_LEFT, is_common_word};

/// Longest password that is taken apart. With more characters than that it takes more than one word.
const LONGEST: usize = 64;
/// Shortest and longest word that is looked for, in characters.
const WORD_LENGTHS: std::ops::RangeInclusive<usize> = 4..=24;
/// Fewest letters, and fewest digits or signs, that are a walk.
const LEAST_STEPS: (usize, usize) = (3, 4);
/// Ways over keyboards, in lower case; each is walked backwards too. Where lines meet a walk ends and another begins.
const LINES: [&str; 21] = [
    "qwertyuiop[]\\",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "qwertzuiopü",
    "yxcvbnm,.-",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "`1234567890-=",
    "!@#$%^&*()_+",
    "!\"§$%&/()=",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "qweasdzxc",
    "147258369",
    "741852963",
    "йцукенгшщзхъ",
    "фывапролджэ",
    "ячсмитьбю",
];

/// A common word, where it stands.
struct Occurrence {
    start: usize,
    end: usize,
    word: String,
}

/// Whether a password in lower case is one common word at most, walks, and fewer digits and signs beside than
/// [`LEAST_LEFT`].
pub(super) fn is_one_word(letters: &[char]) -> bool {
    if letters.len() > LONGEST {
        return false;
    }
    let walks: Vec<usize> = (0..letters.len()).map(|start| longest_walk(&letters[start..])).collect();
    let found = occurrences(letters);
    let is_common =
        |word: &str| left_beside(letters, &walks, &found, word).is_some_and(|left| left < LEAST_LEFT);
    is_common("") || found.iter().any(|occurrence| is_common(&occurrence.word))
}

/// How many digits and signs are left beside a word and walks; none where anything else is left.
fn left_beside(letters: &[char], walks: &[usize], found: &[Occurrence], word: &str) -> Option<usize> {
    let mut least: Vec<Option<usize>> = vec![None; letters.len() + 1];
    least[0] = Some(0);
    for start in 0..letters.len() {
        let Some(so_far) = least[start] else { continue };
        let mut reach = |end: usize, left: usize| {
            least[end] = Some(least[end].map_or(left, |known| known.min(left)));
        };
        if !letters[start].is_alphabetic() {
            reach(start + 1, so_far + 1);
        }
        for length in least_steps(letters[start])..=walks[start] {
            reach(start + length, so_far);
        }
        for occurrence in found.iter().filter(|known| known.start == start && known.word == word) {
            reach(occurrence.end, so_far);
        }
    }
    least[letters.len()]
}

fn occurrences(letters: &[char]) -> Vec<Occurrence> {
    let mut found = Vec::new();
    for start in 0..letters.len() {
        for end in WORD_LENGTHS.map(|length| start + length).take_while(|end| *end <= letters.len()) {
            let words = readings(&letters[start..end]).into_iter().filter(|word| is_common_word(word));
            found.extend(words.map(|word| Occurrence { start, end, word }));
        }
    }
    found
}

/// What it may stand for: as it is, backwards, and with signs in place of letters.
fn readings(letters: &[char]) -> Vec<String> {
    let mut readings = vec![String::from_iter(letters), letters.iter().rev().collect()];
    if letters.iter().any(|letter| letter.is_alphabetic()) {
        readings.extend(['i', 'l'].map(|one| letters.iter().map(|letter| meant(*letter, one)).collect()));
    }
    readings
}

fn meant(letter: char, one: char) -> char {
    match letter {
        '@' | '4' => 'a',
        '3' => 'e',
        '0' => 'o',
        '$' | '5' => 's',
        '7' => 't',
        '1' | '!' => one,
        other => other,
    }
}

const fn least_steps(first: char) -> usize {
    if first.is_ascii_digit() || first.is_ascii_punctuation() { LEAST_STEPS.1 } else { LEAST_STEPS.0 }
}

/// The length of the longest walk from the first character on.
fn longest_walk(letters: &[char]) -> usize {
    let on_lines = LINES.iter().map(|line| {
        let forwards: Vec<char> = line.chars().collect();
        let backwards: Vec<char> = line.chars().rev().collect();
        longest_on(letters, &forwards).max(longest_on(letters, &backwards))
    });
    on_lines.max().unwrap_or_default().max(longest_run(letters))
}

/// How far the line is followed, wherever on it one begins.
fn longest_on(letters: &[char], line: &[char]) -> usize {
    let common = |rest: &[char]| letters.iter().zip(rest).take_while(|(one, other)| one == other).count();
    (0..line.len()).map(|place| common(&line[place..])).max().unwrap_or_default()
}

/// How many characters follow each other up or down, or are the same.
fn longest_run(letters: &[char]) -> usize {
    let run = |wanted| 1 + letters.windows(2).take_while(|pair| step(pair) == wanted).count();
    [0, 1, -1, 9].map(run).into_iter().max().unwrap_or_default()
}

/// From a character to the next one; digits go round.
pub(super) fn step(pair: &[char]) -> i64 {
    match pair {
        [one, other] => match (one.to_digit(10), other.to_digit(10)) {
            (Some(one), Some(other)) => i64::from((other + 10 - one) % 10),
            _ => i64::from(u32::from(*other)) - i64::from(u32::from(*one)),
        },
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::is_one_word;

    fn check(password: &str) -> bool {
        is_one_word(&password.to_lowercase().chars().collect::<Vec<_>>())
    }

    #[test]
    fn p24_a_common_word_with_what_is_put_around_it_is_found() {
        for password in [
            "password1234567",
            "1234567password",
            "password-482917",
            "P@ssw0rd1234567",
            "Passw0rd!Passw0rd!",
            "monkeymonkey2026",
            "dragon!!!!!!!!!",
            "drowssap1234567",
            "sunshineabcdefg",
            "iloveyou20262026",
            "qwertyuiopasdfg",
            "qwertzuiop12345",
            "azertyuiop12345",
            "1qaz2wsx3edc4rfv",
            "zaq12wsxcde34rfv",
            "123456789012345",
            "1234-5678-9012-3456",
            "aaaabbbbccccdddd",
            "abcdefgh12345678",
            "йцукенгшщз12345",
            "qwer1234",
        ] {
            assert!(check(password), "{password}");
        }
    }

    #[test]
    fn p24_words_of_ones_own_and_two_words_are_not() {
        for password in [
            "quiet lampshade",
            "correct horse battery staple",
            "the harbour smells of tar",
            "94811 20577 36261",
            "monkey with a lamp",
            "monkey lamp",
            "dragon4829105738",
            "xkcdpassword9999",
            "vioka7!p",
            "ключ от квартиры",
            "7!9#2$4%",
        ] {
            assert!(!check(password), "{password}");
        }
    }

    proptest! {
        #[test]
        fn p24_what_was_drawn_at_random_is_hardly_ever_common(password in "[ -~]{15}|[a-z]{15}|[A-Za-z0-9]{15,40}") {
            prop_assert!(!check(&password), "{password}");
        }

        #[test]
        fn p24_any_text_is_taken_apart(password in "\\PC{0,80}") {
            check(&password);
        }
    }
}
