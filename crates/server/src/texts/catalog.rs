//! The texts of all languages: those that come with the program and, before them, an operator's own.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use super::{Locale, TextError, Texts, Wording};

/// The name of an operator's files.
pub const FILE: &str = "texts.txt";
/// Longest file, in bytes.
const LONGEST_FILE: u64 = 256 * 1024;

/// The texts of a language that come with the program: of mails and first pages, of the account's, of operators'.
type Source = [&'static str; 3];

macro_rules! source {
    ($tag:literal) => {
        [
            include_str!(concat!($tag, ".txt")),
            include_str!(concat!("account/", $tag, ".txt")),
            include_str!(concat!("admin/", $tag, ".txt")),
        ]
    };
}

const SOURCES: [(Locale, Source); 5] = [
    (Locale::ENGLISH, source!("en")),
    (Locale::GERMAN, source!("de")),
    (Locale::FRENCH, source!("fr")),
    (Locale::SPANISH, source!("es")),
    (Locale::JAPANESE, source!("ja")),
];
/// The texts that only templates of pages name, in the language that has all.
pub(super) const ENGLISH_PAGES: [&str; 2] = [SOURCES[0].1[1], SOURCES[0].1[2]];

/// Texts by their language's tag.
type Languages = BTreeMap<String, Texts>;

/// The texts that there are.
#[derive(Debug)]
pub struct Catalog {
    built_in: Languages,
    /// An operator's for every app.
    own: Languages,
    /// An operator's for one app each, by its name.
    of_apps: BTreeMap<String, Languages>,
}

/// What is wrong with files of texts, a line for each thing.
#[derive(Debug, thiserror::Error)]
pub struct TextProblems(Vec<String>);

impl fmt::Display for TextProblems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("\n"))
    }
}

/// A built-in language as a file to begin with: every line is a comment, what is changed is let in. The nearest
/// language that is built in, English for others.
#[must_use]
pub fn template(locale: &Locale) -> String {
    let of_tag = |tag: &str| SOURCES.iter().find(|(known, _)| known.tag() == tag);
    let source = locale.widening().find_map(of_tag).map_or(SOURCES[0].1, |(_, source)| *source);
    source.iter().flat_map(|part| part.lines()).map(|line| format!("#{line}\n")).collect()
}

impl Catalog {
    /// The texts that come with the program.
    ///
    /// # Errors
    /// [`TextProblems`] if a file was damaged before the program was built, which tests rule out.
    pub fn built_in() -> Result<Self, TextProblems> {
        let mut built_in = Languages::new();
        for (locale, source) in SOURCES {
            let texts = Texts::parse(&source.concat()).map_err(|problems| in_file(locale.tag(), problems))?;
            built_in.insert(locale.tag().to_owned(), texts);
        }
        Ok(Self { built_in, own: Languages::new(), of_apps: BTreeMap::new() })
    }

    /// The same and an operator's, from files by their names below a folder: `<locale>/texts.txt` for every app,
    /// `<app>/<locale>/texts.txt` for one. A language that is not built in is added.
    ///
    /// # Errors
    /// [`TextProblems`]: everything that is wrong in any of them.
    pub fn with(files: &[(String, PathBuf)]) -> Result<Self, TextProblems> {
        let (mut catalog, mut problems) = (Self::built_in()?, Vec::new());
        for (name, path) in files {
            match read(name, path) {
                Ok((None, locale, texts)) => {
                    catalog.own.insert(locale, texts);
                }
                Ok((Some(app), locale, texts)) => {
                    catalog.of_apps.entry(app).or_default().insert(locale, texts);
                }
                Err(TextProblems(found)) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(catalog) } else { Err(TextProblems(problems)) }
    }

    /// Whether an app can speak a language, exactly: `de-CH` only where it has texts of its own.
    #[must_use]
    pub fn knows(&self, app: &str, tag: &str) -> bool {
        self.layers(app).any(|languages| languages.contains_key(tag))
    }

    /// The language of an app's that fits somebody best; see [`Locale::negotiate`].
    #[must_use]
    pub fn negotiate(&self, app: &str, wanted: &str) -> Locale {
        Locale::negotiate(wanted, |tag| self.knows(app, tag))
    }

    /// All languages that any app can speak, once each.
    #[must_use]
    pub fn locales(&self) -> Vec<Locale> {
        let all = [&self.built_in, &self.own].into_iter().chain(self.of_apps.values());
        let mut tags: Vec<&String> = all.flat_map(Languages::keys).collect();
        tags.sort_unstable();
        tags.dedup();
        tags.into_iter().filter_map(|tag| Locale::parse(tag)).collect()
    }

    /// The texts for somebody. What is missing in their language is said in the wider one, at last in English; in
    /// each, the app's own come before those of every app, and these before the built-in ones.
    #[must_use]
    pub fn wording(&self, app: &str, locale: &Locale) -> Wording<'_> {
        let tags = locale.widening().chain(["en"]);
        Wording(
            tags.flat_map(|tag| self.layers(app).filter_map(move |languages| languages.get(tag))).collect(),
        )
    }

    /// The most particular first.
    fn layers(&self, app: &str) -> impl Iterator<Item = &Languages> {
        self.of_apps.get(app).into_iter().chain([&self.own, &self.built_in])
    }
}

/// The app, the locale's tag and the texts of a file.
fn read(name: &str, path: &Path) -> Result<(Option<String>, String, Texts), TextProblems> {
    let one = |why: String| TextProblems(vec![format!("{name}: {why}")]);
    let folders: Vec<&str> = name.trim_end_matches(FILE).trim_end_matches('/').split('/').collect();
    let (app, tag) = match folders.as_slice() {
        [tag] => (None, *tag),
        [app, tag] => (Some((*app).to_owned()), *tag),
        _ => (None, ""),
    };
    match Locale::parse(tag) {
        Some(locale) if locale.tag() == tag => {}
        Some(locale) => return Err(one(format!("the folder of this language is named {}", locale.tag()))),
        None => return Err(one(format!("it belongs in the folder of a language, such as de/{FILE}"))),
    }
    let length = fs::metadata(path).map_err(|error| one(error.to_string()))?.len();
    if length > LONGEST_FILE {
        return Err(one(format!("longer than {LONGEST_FILE} bytes")));
    }
    let source = fs::read_to_string(path).map_err(|error| one(error.to_string()))?;
    let texts = Texts::parse(&source).map_err(|problems| in_file(name, problems))?;
    Ok((app, tag.to_owned(), texts))
}

fn in_file(name: &str, problems: Vec<(usize, TextError)>) -> TextProblems {
    TextProblems(problems.into_iter().map(|(line, error)| format!("{name}, line {line}: {error}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Key;

    fn catalog(files: &[(&str, &str)]) -> Result<Catalog, TextProblems> {
        let folder = tempfile::tempdir().unwrap();
        let write = |(index, (name, source)): (usize, &(&str, &str))| {
            let path = folder.path().join(index.to_string());
            fs::write(&path, source).unwrap();
            ((*name).to_owned(), path)
        };
        Catalog::with(&files.iter().enumerate().map(write).collect::<Vec<_>>())
    }

    #[test]
    fn every_language_has_every_text_with_the_same_places() {
        let catalog = Catalog::built_in().unwrap();
        assert_eq!(catalog.locales().len(), Locale::BUILT_IN.len());
        for locale in Locale::BUILT_IN {
            let texts = &catalog.built_in[locale.tag()];
            for key in Key::all() {
                let places = |texts: &Texts| {
                    let text = texts.find(key).unwrap_or_else(|| panic!("{key:?} in {locale:?}"));
                    let mut places: Vec<String> = text.places().map(str::to_owned).collect();
                    places.sort_unstable();
                    places
                };
                assert_eq!(places(texts), places(&catalog.built_in["en"]), "{key:?} in {locale:?}");
            }
        }
    }

    #[test]
    fn a_template_says_nothing_until_a_line_is_let_in() {
        let template = template(&Locale::parse("de-AT").unwrap());
        assert_eq!(Texts::parse(&template).unwrap().0.len(), 0);
        let texts = Texts::parse(&template.replace('#', "")).unwrap();
        assert_eq!(texts.0.len(), Key::all().count());
        assert!(template.contains("#sign_in.button = Anmelden\n"));
    }

    #[test]
    fn the_most_particular_text_is_said_and_what_is_missing_stands_in() {
        let catalog = catalog(&[
            ("de/texts.txt", "keep = de"),
            ("de-CH/texts.txt", "sign_in.button = de-CH"),
            ("it/texts.txt", "sign_in.button = it"),
            ("en/texts.txt", "confirm.button = own en"),
            ("shop/de/texts.txt", "keep = shop de {app}"),
            ("shop/nl/texts.txt", "keep = shop nl"),
        ])
        .unwrap();
        let cases = [
            ("forum", "de", Key::Keep, "de"),
            ("forum", "de-CH", Key::Keep, "de"),
            ("forum", "de-CH", Key::SignInButton, "de-CH"),
            ("forum", "de", Key::SignInButton, "Anmelden"),
            ("shop", "de-CH", Key::Keep, "shop de My Shop"),
            ("forum", "it", Key::SignInButton, "it"),
            ("forum", "it", Key::ConfirmButton, "own en"),
            ("forum", "it", Key::SignInCode, "Enter this code to sign in:"),
            ("shop", "nl", Key::Keep, "shop nl"),
            ("forum", "nl", Key::SignInButton, "Sign in"),
        ];
        for (app, tag, key, expected) in cases {
            let wording = catalog.wording(app, &Locale::parse(tag).unwrap());
            assert_eq!(wording.say(key, &[("app", "My Shop")]), expected, "{app} {tag} {key:?}");
        }
        for (app, wanted, expected) in [
            ("shop", "nl", "nl"),
            ("forum", "nl", "en"),
            ("forum", "it-IT", "it"),
            ("forum", "de-CH-1996", "de-CH"),
        ] {
            assert_eq!(catalog.negotiate(app, wanted).tag(), expected, "{app} {wanted}");
        }
        assert_eq!(catalog.locales().len(), 8);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let problems = catalog(&[
            ("texts.txt", "keep = x"),
            ("shop/texts.txt", "keep = x"),
            ("pt-br/texts.txt", "keep = x"),
            ("shop/de/texts.txt", "kepp = x\nkeep = {"),
            ("fr/texts.txt", "keep = good"),
        ]);
        assert_eq!(
            problems.unwrap_err().to_string(),
            "texts.txt: it belongs in the folder of a language, such as de/texts.txt\n\
             shop/texts.txt: it belongs in the folder of a language, such as de/texts.txt\n\
             pt-br/texts.txt: the folder of this language is named pt-BR\n\
             shop/de/texts.txt, line 1: there is no text `kepp`: did you mean `keep`?\n\
             shop/de/texts.txt, line 2: `keep`: a brace has no partner"
        );
        assert!(Catalog::with(&[("de/texts.txt".to_owned(), PathBuf::from("/nonexistent"))]).is_err());
    }
}
