//! An operator's own pages and logos, from the folder of templates: `pages/<page>.html` in place of the page of ours that is
//! called so, `<app>/logo.svg` or `logo.png`. All are read and compiled before they are used; a page that fails all the
//! same is printed as ours.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use axum::body::Bytes;
use minijinja::Environment;

use super::{
    assets::digest,
    render::{SOURCES, environment},
};
use crate::config::nearest::near;

/// The folder of pages within that of templates.
pub const FOLDER: &str = "pages/";
/// What a logo is called, and what it is.
const LOGOS: [(&str, &str); 2] = [("logo.svg", "image/svg+xml"), ("logo.png", "image/png")];
/// Longest page, and largest logo, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Pages and logos that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// A file cannot be read.
    #[error("{} cannot be read: {reason}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// A file is too long.
    #[error("{} is longer than {LONGEST} bytes", .0.display())]
    TooLong(PathBuf),
    /// There is no page of this name.
    #[error("{name}: there is no such page{hint}", hint = .near.map_or(String::new(), |near| format!(": did you mean {FOLDER}{near}?")))]
    Unknown {
        /// The name below the folder of templates.
        name: String,
        /// One that is called nearly so.
        near: Option<&'static str>,
    },
    /// A page is not understood.
    #[error("the page {name} cannot be used: {reason}")]
    Broken {
        /// The name below the folder of templates.
        name: String,
        /// What is wrong, and where.
        reason: String,
    },
    /// A logo is no picture of its kind.
    #[error("{} is not what its name says: an SVG begins with <svg or <?xml, a PNG with its signature", .0.display())]
    NoPicture(PathBuf),
}

/// A logo.
#[derive(Debug)]
pub struct Logo {
    /// Its name, with the digest of its content.
    pub name: String,
    /// Its media type.
    pub kind: &'static str,
    /// Itself.
    pub picture: Bytes,
}

/// What an operator has of their own.
#[derive(Debug, Default)]
pub struct OwnPages {
    templates: Option<Environment<'static>>,
    logos: BTreeMap<String, Logo>,
}

/// Whether a file of the folder is one of these, by its name below it.
pub fn is_one(name: &str) -> bool {
    is_page(name) || LOGOS.iter().any(|(logo, _)| app_of(name, logo).is_some())
}

fn is_page(name: &str) -> bool {
    name.starts_with(FOLDER) && name.ends_with(".html")
}

/// The app of a logo: the folder right below that of templates.
fn app_of<'a>(name: &'a str, logo: &str) -> Option<&'a str> {
    name.strip_suffix(logo)?.strip_suffix('/').filter(|app| !app.is_empty() && !app.contains('/'))
}

impl OwnPages {
    /// Reads files, by their names below the folder of templates.
    ///
    /// # Errors
    /// [`OwnError`]: the first file that cannot be used.
    pub fn load(files: &[(String, PathBuf)]) -> Result<Self, OwnError> {
        let mut own = Self::default();
        let mut sources: BTreeMap<&'static str, String> = BTreeMap::new();
        for (name, path) in files {
            let content = read(path)?;
            if let Some(page) = name.strip_prefix(FOLDER).filter(|_| is_page(name)) {
                let names = || SOURCES.iter().map(|(known, _)| *known);
                let Some(known) = names().find(|known| *known == page) else {
                    return Err(OwnError::Unknown { name: name.clone(), near: near(page, names()) });
                };
                let text = String::from_utf8(content)
                    .map_err(|error| OwnError::Broken { name: name.clone(), reason: error.to_string() })?;
                sources.insert(known, text);
            } else if let Some((app, kind, ending)) = logo_of(name) {
                if !is_picture(kind, &content) {
                    return Err(OwnError::NoPicture(path.clone()));
                }
                let name = format!("{}.{ending}", digest(&content));
                own.logos.insert(app.to_owned(), Logo { name, kind, picture: content.into() });
            }
        }
        if !sources.is_empty() {
            own.templates = Some(compiled(sources)?);
        }
        Ok(own)
    }

    /// The operator's pages, with ours for all others.
    #[must_use]
    pub const fn templates(&self) -> Option<&Environment<'static>> {
        self.templates.as_ref()
    }

    /// The logo of an app.
    #[must_use]
    pub fn logo(&self, app: &str) -> Option<&Logo> {
        self.logos.get(app)
    }
}

fn compiled(sources: BTreeMap<&'static str, String>) -> Result<Environment<'static>, OwnError> {
    let broken = |name: &str, error: minijinja::Error| OwnError::Broken {
        name: format!("{FOLDER}{name}"),
        reason: format!("{error}{}", error.line().map_or(String::new(), |line| format!(", line {line}"))),
    };
    let mut templates = environment().map_err(|error| broken("", error))?;
    for (name, source) in sources {
        templates.add_template_owned(name, source).map_err(|error| broken(name, error))?;
    }
    Ok(templates)
}

fn logo_of(name: &str) -> Option<(&str, &'static str, &'static str)> {
    LOGOS.iter().find_map(|(logo, kind)| Some((app_of(name, logo)?, *kind, logo.rsplit('.').next()?)))
}

fn is_picture(kind: &str, content: &[u8]) -> bool {
    if kind == "image/png" {
        return content.starts_with(b"\x89PNG\r\n\x1a\n");
    }
    let text = content.trim_ascii_start();
    text.starts_with(b"<svg") || text.starts_with(b"<?xml")
}

fn read(path: &Path) -> Result<Vec<u8>, OwnError> {
    let unreadable = |reason| OwnError::Unreadable { path: path.to_owned(), reason };
    if fs::metadata(path).map_err(unreadable)?.len() > LONGEST {
        return Err(OwnError::TooLong(path.to_owned()));
    }
    fs::read(path).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(files: &[(&str, &[u8])]) -> Result<OwnPages, OwnError> {
        let folder = tempfile::tempdir().unwrap();
        let write = |(index, (name, content)): (usize, &(&str, &[u8]))| {
            let path = folder.path().join(index.to_string());
            fs::write(&path, content).unwrap();
            ((*name).to_owned(), path)
        };
        OwnPages::load(&files.iter().enumerate().map(write).collect::<Vec<_>>())
    }

    #[test]
    fn a_page_takes_the_place_of_ours_and_logos_are_an_apps() {
        let own = load(&[
            (
                "pages/message.html",
                b"{% extends 'layout.html' %}{% block body %}Mine: {{ text }}{% endblock %}",
            ),
            ("shop/logo.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ])
        .unwrap();
        let templates = own.templates().unwrap();
        let printed = templates.get_template("message.html").unwrap();
        let printed = printed.render(minijinja::context! { text => "<b>" }).unwrap();
        assert!(printed.contains("Mine: &lt;b&gt;") && printed.contains("<!doctype html>"), "{printed}");
        assert!(templates.get_template("sign_in.html").is_ok(), "all others are ours");
        let logo = own.logo("shop").unwrap();
        assert!(logo.kind == "image/svg+xml" && logo.name.ends_with(".svg") && own.logo("forum").is_none());
        assert!(load(&[]).unwrap().templates().is_none());
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (name, content, told) in [
            (
                "pages/mesage.html",
                "x",
                "pages/mesage.html: there is no such page: did you mean pages/message.html?",
            ),
            ("pages/message.html", "{% if %}", "the page pages/message.html cannot be used: "),
            ("shop/logo.png", "<svg/>", "is not what its name says"),
            ("shop/logo.svg", "alert(1)", "is not what its name says"),
            ("shop/logo.svg", &"x".repeat(65 * 1024), "is longer than 65536 bytes"),
        ] {
            let problem = load(&[(name, content.as_bytes())]).unwrap_err().to_string();
            assert!(problem.contains(told), "{problem}");
        }
        for (name, is_ours) in [
            ("pages/message.html", true),
            ("pages/account/you.html", true),
            ("shop/logo.svg", true),
            ("logo.svg", false),
            ("shop/de/logo.svg", false),
            ("shop/mail.html", false),
            ("pages/x.txt", false),
        ] {
            assert_eq!(is_one(name), is_ours, "{name}");
        }
    }
}
