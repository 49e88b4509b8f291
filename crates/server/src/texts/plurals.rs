//! The plural categories of a language, from the data of Unicode (CLDR). Knows no texts.

use icu_plurals::{PluralCategory, PluralRules, PluralRulesPreferences};

use super::Locale;

/// How a language tells one from many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plurals(PluralRulesPreferences);

impl Plurals {
    /// Those of a language. One that Unicode knows nothing of has `other` alone.
    pub(super) fn of(locale: &Locale) -> Self {
        let known = icu_locale_core::Locale::try_from_str(locale.tag());
        Self(known.map(PluralRulesPreferences::from).unwrap_or_default())
    }

    /// The category of a number.
    pub(super) fn category(self, number: u64) -> PluralCategory {
        self.rules().map_or(PluralCategory::Other, |rules| rules.category_for(number))
    }

    /// The names of those that there are.
    pub(super) fn names(self) -> Vec<&'static str> {
        self.rules().map_or(vec![name(PluralCategory::Other)], |rules| rules.categories().map(name).collect())
    }

    /// Made at each use, which takes 80 ns: what makes rules fit to be shared by threads is dearer everywhere else.
    fn rules(self) -> Option<PluralRules> {
        PluralRules::try_new_cardinal(self.0).ok()
    }
}

/// As Unicode and Fluent write it.
const fn name(category: PluralCategory) -> &'static str {
    match category {
        PluralCategory::Zero => "zero",
        PluralCategory::One => "one",
        PluralCategory::Two => "two",
        PluralCategory::Few => "few",
        PluralCategory::Many => "many",
        PluralCategory::Other => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_tell_one_from_many_in_their_own_ways() {
        for (tag, names, zero, one, million) in [
            ("en", "one other", "other", "one", "other"),
            ("de", "one other", "other", "one", "other"),
            ("de-CH-1996", "one other", "other", "one", "other"),
            ("fr", "one many other", "one", "one", "many"),
            ("es", "one many other", "other", "one", "many"),
            ("ja", "other", "other", "other", "other"),
            ("ar", "zero one two few many other", "zero", "one", "other"),
            ("xx", "other", "other", "other", "other"),
        ] {
            let plurals = Plurals::of(&Locale::parse(tag).unwrap());
            assert_eq!(plurals.names().join(" "), names, "{tag}");
            let of = |number| name(plurals.category(number));
            assert_eq!([of(0), of(1), of(1_000_000)], [zero, one, million], "{tag}");
        }
    }
}
