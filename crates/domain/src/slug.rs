//! The form of permanent names: apps and realms have it. It knows neither.

/// Whether `text` has 1 to 63 of `a-z`, `0-9` and `-`, beginning and ending with a letter or digit.
pub(crate) fn is_slug(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}
