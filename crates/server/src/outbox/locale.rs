//! The languages that people are written to in, and which one fits somebody best (BCP 47 tags, `Accept-Language`).
//! Knows no texts.

/// A language that there are texts for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Locale {
    /// English, for everybody else too.
    #[default]
    English,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
    /// Japanese.
    Japanese,
}

/// Most entries of a list that are looked at: browsers send fewer than ten.
const LONGEST_LIST: usize = 32;

impl Locale {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::English, Self::German, Self::French, Self::Spanish, Self::Japanese];

    /// The BCP 47 tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
            Self::Japanese => "ja",
        }
    }

    /// The locale of a tag such as `de`, `de-CH` or `de_AT.UTF-8`, if there are texts in that language.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let language = tag.trim().split(['-', '_', '.']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|locale| locale.tag().eq_ignore_ascii_case(language))
    }

    /// The locale that fits best: `wanted` is one tag, or a list with weights as in `Accept-Language` (RFC 9110,
    /// 12.5.4). The highest weight wins, then the first one; English if nothing fits.
    #[must_use]
    pub fn negotiate(wanted: &str) -> Self {
        let mut best = (0, Self::default());
        for range in wanted.split(',').take(LONGEST_LIST) {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let weight = weight(parameters);
            if let Some(locale) = Self::of_tag(tag)
                && weight > best.0
            {
                best = (weight, locale);
            }
        }
        best.1
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
    use super::*;

    #[test]
    fn negotiates_the_nearest() {
        let cases = [
            ("", Locale::English),
            ("de", Locale::German),
            ("de-CH", Locale::German),
            ("DE_at.UTF-8", Locale::German),
            ("zh-Hant, ja;q=0.5", Locale::Japanese),
            ("fr;q=0.3, es;q=0.9, en;q=0.8", Locale::Spanish),
            ("fr, de", Locale::French),
            ("de;q=0, fr;q=0.001", Locale::French),
            ("*", Locale::English),
            ("deu", Locale::English),
            ("de;q=2", Locale::English),
            ("de;q=é", Locale::English),
            ("de;x", Locale::English),
            ("es;q=", Locale::English),
            (" es ; q=0.7 ", Locale::Spanish),
            ("\r\nTo: x", Locale::English),
        ];
        for (wanted, expected) in cases {
            assert_eq!(Locale::negotiate(wanted), expected, "{wanted:?}");
        }
    }

    #[test]
    fn looks_at_a_limited_list() {
        assert_eq!(Locale::negotiate(&format!("{}de", "xx,".repeat(40))), Locale::English);
    }
}
