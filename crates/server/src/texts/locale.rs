//! The languages that people are written to in, and which one fits somebody best (BCP 47 tags, `Accept-Language`).
//! Knows no texts.

use std::borrow::Cow;

/// A language, perhaps of a place or in a script: `de`, `pt-BR`, `zh-Hant`. Always in its canonical spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Locale(Cow<'static, str>);

/// Most entries of a list that are looked at: browsers send fewer than ten.
const LONGEST_LIST: usize = 32;
/// Longest tag: a language, a script, a place and a variant.
const LONGEST_TAG: usize = 20;
/// Languages that are written from right to left.
const RIGHT_TO_LEFT: [&str; 10] = ["ar", "arc", "ckb", "dv", "fa", "he", "ps", "sd", "ur", "yi"];

impl Locale {
    /// English, for everybody else too.
    pub const ENGLISH: Self = Self(Cow::Borrowed("en"));
    /// German.
    pub const GERMAN: Self = Self(Cow::Borrowed("de"));
    /// French.
    pub const FRENCH: Self = Self(Cow::Borrowed("fr"));
    /// Spanish.
    pub const SPANISH: Self = Self(Cow::Borrowed("es"));
    /// Japanese.
    pub const JAPANESE: Self = Self(Cow::Borrowed("ja"));
    /// Those whose texts come with the program.
    pub const BUILT_IN: [Self; 5] =
        [Self::ENGLISH, Self::GERMAN, Self::FRENCH, Self::SPANISH, Self::JAPANESE];

    /// What its speakers call it, where it comes with the program; its tag otherwise.
    #[must_use]
    pub fn endonym(&self) -> &str {
        match self.tag() {
            "en" => "English",
            "de" => "Deutsch",
            "fr" => "Français",
            "es" => "Español",
            "ja" => "日本語",
            tag => tag,
        }
    }

    /// The BCP 47 tag.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.0
    }

    /// Reads a tag such as `de`, `de-ch` or `de_AT.UTF-8`; `None` for what is no tag. Extensions are left out.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let mut subtags = tag.trim().split('.').next()?.split(['-', '_']);
        let language = subtags.next().filter(|language| matches!(language.len(), 2 | 3))?;
        let mut canonical = language.to_ascii_lowercase();
        for subtag in subtags.take_while(|subtag| subtag.len() > 1) {
            canonical.push('-');
            match subtag.len() {
                2 => canonical.push_str(&subtag.to_ascii_uppercase()),
                4 if !subtag.starts_with(|letter: char| letter.is_ascii_digit()) => {
                    let (first, rest) = subtag.split_at_checked(1)?;
                    canonical.extend([first.to_ascii_uppercase(), rest.to_ascii_lowercase()]);
                }
                _ => canonical.push_str(&subtag.to_ascii_lowercase()),
            }
        }
        let plain = canonical.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let language = language.bytes().all(|byte| byte.is_ascii_alphabetic());
        (plain && language && canonical.len() <= LONGEST_TAG).then_some(Self(Cow::Owned(canonical)))
    }

    /// The tag and, for what there is not in it, the wider ones (RFC 4647, 3.4): `de-CH`, then `de`.
    pub fn widening(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.tag()), |tag| tag.rsplit_once('-').map(|(wider, _)| wider))
    }

    /// `rtl` or `ltr`, for `dir`.
    #[must_use]
    pub fn direction(&self) -> &'static str {
        let language = self.widening().last().unwrap_or_default();
        if RIGHT_TO_LEFT.contains(&language) { "rtl" } else { "ltr" }
    }

    /// The locale that fits best of those that are `known`: `wanted` is one tag, or a list with weights as in
    /// `Accept-Language` (RFC 9110, 12.5.4). The highest weight wins, then the first one; English if nothing fits.
    #[must_use]
    pub fn negotiate(wanted: &str, known: impl Fn(&str) -> bool) -> Self {
        let mut best = (0, Self::default());
        for range in wanted.split(',').take(LONGEST_LIST) {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let weight = weight(parameters);
            if weight > best.0
                && let Some(wanted) = Self::parse(tag)
                && let Some(found) = wanted.widening().find(|tag| known(tag))
            {
                best = (weight, Self(Cow::Owned(found.to_owned())));
            }
        }
        best.1
    }
}

impl Default for Locale {
    fn default() -> Self {
        Self::ENGLISH
    }
}

/// A weight in thousandths; what cannot be read counts as nothing.
fn weight(parameters: &str) -> u32 {
    let Some(value) = parameters.trim().strip_prefix("q=") else {
        return if parameters.trim().is_empty() { 1000 } else { 0 };
    };
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits = whole.len() == 1 && fraction.len() <= 3 && fraction.bytes().all(|b| b.is_ascii_digit());
    let thousandths = format!("{whole}{fraction:0<3}").parse().unwrap_or(0);
    if digits && thousandths <= 1000 { thousandths } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn negotiates_the_nearest() {
        let cases = [
            ("", "en"),
            ("de", "de"),
            ("de-CH", "de"),
            ("DE_at.UTF-8", "de"),
            ("zh-Hant, ja;q=0.5", "ja"),
            ("fr;q=0.3, es;q=0.9, en;q=0.8", "es"),
            ("fr, de", "fr"),
            ("de;q=0, fr;q=0.001", "fr"),
            ("*", "en"),
            ("deu", "en"),
            ("de;q=2", "en"),
            ("de;q=é", "en"),
            ("de;x", "en"),
            ("es;q=", "en"),
            (" es ; q=0.7 ", "es"),
            ("\r\nTo: x", "en"),
            ("PT_br", "pt-BR"),
            ("pt-BR-x-me, de", "pt-BR"),
            ("pt, de;q=0.1", "de"),
        ];
        let known = ["en", "de", "fr", "es", "ja", "pt-BR"];
        for (wanted, expected) in cases {
            assert_eq!(Locale::negotiate(wanted, |tag| known.contains(&tag)).tag(), expected, "{wanted:?}");
        }
        let long = format!("{}de", "xx,".repeat(40));
        assert_eq!(Locale::negotiate(&long, |tag| tag == "de"), Locale::ENGLISH);
    }

    #[test]
    fn tags_are_spelt_in_one_way() {
        let cases = [
            ("DE", Some("de")),
            ("pt-br", Some("pt-BR")),
            ("ZH-hANT-tw", Some("zh-Hant-TW")),
            ("sl-Rozaj", Some("sl-rozaj")),
            ("es-419", Some("es-419")),
            ("de-u-co-phonebk", Some("de")),
            ("shop", None),
            ("d", None),
            ("12", None),
            ("../..", None),
            ("de-é", None),
            ("de-aaaaaaaaaaaaaaaaaaaa", None),
        ];
        for (written, expected) in cases {
            assert_eq!(Locale::parse(written).as_ref().map(Locale::tag), expected, "{written}");
        }
        assert_eq!(
            Locale::parse("zh-Hant-TW").unwrap().widening().collect::<Vec<_>>(),
            ["zh-Hant-TW", "zh-Hant", "zh"]
        );
        assert_eq!(Locale::parse("ar-EG").unwrap().direction(), "rtl");
        assert_eq!(Locale::ENGLISH.direction(), "ltr");
    }

    proptest! {
        #[test]
        fn what_was_read_reads_again_and_is_safe_in_headers(tag in "\\PC{0,12}|[a-zA-Z]{2,3}([-_][a-zA-Z0-9]{1,8}){0,3}") {
            if let Some(locale) = Locale::parse(&tag) {
                prop_assert!(locale.tag().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
                prop_assert_eq!(Locale::parse(locale.tag()), Some(locale));
            }
        }
    }
}
