//! Who somebody is, for one app: the headers that its service is told, always all of them, each empty where the app may
//! not know it or nobody does.

use bytes::Bytes;
use countersign_domain::{
    group::GroupName,
    scope::{Scope, Scopes},
    subject::Subject,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// The person, as the app knows them.
pub const SUBJECT: HeaderName = HeaderName::from_static("remote-subject");
/// The name by which they sign in, with `read:username`.
pub const USER: HeaderName = HeaderName::from_static("remote-user");
/// Their first address, with `read:email`.
pub const EMAIL: HeaderName = HeaderName::from_static("remote-email");
/// Their groups with commas between, with `read:groups`.
pub const GROUPS: HeaderName = HeaderName::from_static("remote-groups");
/// What they are called, with `read:name`. Percent-encoded where it is not ASCII (RFC 3986, 2.1).
pub const NAME: HeaderName = HeaderName::from_static("remote-name");
/// `admin` or `user`, with `read:user-role`.
pub const ROLE: HeaderName = HeaderName::from_static("remote-role");
/// A short-lived token that says the same.
pub const ASSERTION: HeaderName = HeaderName::from_static("remote-assertion");

const NAMES: [HeaderName; 6] = [SUBJECT, USER, EMAIL, GROUPS, NAME, ROLE];

/// What is known of a person, before an app's scopes are looked at.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// The name by which they sign in.
    pub username: Option<String>,
    /// Their first verified address.
    pub email: Option<String>,
    /// What they are called.
    pub name: Option<String>,
    /// Whether they are an administrator; none where there is no account.
    pub is_admin: Option<bool>,
    /// The groups that they are in.
    pub groups: Vec<GroupName>,
}

/// Who somebody is, for one app.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The person, as the app knows them.
    pub subject: Subject,
    /// What the app may know and do.
    pub scopes: Scopes,
    /// What the app may know of the person.
    pub told: Person,
    values: [HeaderValue; 6],
}

impl Identity {
    /// What an app with these scopes is told of a person.
    #[must_use]
    pub fn new(subject: Subject, scopes: Scopes, person: Person) -> Self {
        let told = Person {
            username: person.username.filter(|_| scopes.has(Scope::USERNAME)),
            email: person.email.filter(|_| scopes.has(Scope::EMAIL)),
            name: person.name.filter(|_| scopes.has(Scope::NAME)),
            is_admin: person.is_admin.filter(|_| scopes.has(Scope::USER_ROLE)),
            groups: if scopes.has(Scope::GROUPS) { person.groups } else { Vec::new() },
        };
        let groups = told.groups.iter().map(GroupName::as_str).collect::<Vec<_>>().join(",");
        let role = told.is_admin.map_or("", |is_admin| if is_admin { "admin" } else { "user" });
        let values = together([
            &subject.to_string(),
            &plain(told.username.as_deref()),
            &plain(told.email.as_deref()),
            &groups,
            &plain(told.name.as_deref()),
            role,
        ]);
        Self { subject, scopes, told, values }
    }

    /// Puts all headers but the assertion into an answer.
    pub fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in NAMES.into_iter().zip(&self.values) {
            headers.insert(name, value.clone());
        }
    }

    /// What it takes of memory beside itself, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let Person { username, email, name, groups, .. } = &self.told;
        let texts = [username, email, name].into_iter().flatten().map(String::len).sum::<usize>();
        let values = self.values.iter().map(HeaderValue::len).sum::<usize>();
        let groups = groups.iter().map(|group| group.as_str().len() + 40).sum::<usize>();
        texts + values + groups + self.scopes.iter().map(|scope| scope.as_str().len() + 40).sum::<usize>()
    }
}

/// All headers, empty, for a request that needs nobody.
pub fn write_nobody(headers: &mut HeaderMap) {
    for name in NAMES.into_iter().chain([ASSERTION]) {
        headers.insert(name, HeaderValue::from_static(""));
    }
}

/// A text that every service reads in the same way: what is not printable ASCII, and `%`, is percent-encoded.
fn plain(text: Option<&str>) -> String {
    use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
    const ODD: &AsciiSet = &CONTROLS.add(b'%');
    text.map(|text| utf8_percent_encode(text.trim(), ODD).to_string()).unwrap_or_default()
}

/// Values of headers in one piece of memory.
fn together(texts: [&str; 6]) -> [HeaderValue; 6] {
    let all = Bytes::from(texts.concat());
    let mut from = 0;
    texts.map(|text| {
        let part = all.slice(from..from + text.len());
        from += text.len();
        HeaderValue::from_maybe_shared(part).unwrap_or(HeaderValue::from_static(""))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person() -> Person {
        Person {
            username: Some("ann".to_owned()),
            email: Some("ann@mail.example".to_owned()),
            name: Some("Ann Ü\r\nRemote-Role: admin 100%".to_owned()),
            is_admin: Some(false),
            groups: vec!["family".parse().unwrap(), "tools".parse().unwrap()],
        }
    }

    fn shown(scopes: &[&str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        let subject = Subject::from_bytes([7; 24]);
        Identity::new(subject, Scopes::parse(scopes).unwrap(), person()).write(&mut headers);
        assert_eq!(headers.len(), 6);
        [USER, EMAIL, GROUPS, NAME, ROLE].map(|name| headers[name].to_str().unwrap().to_owned()).to_vec()
    }

    #[test]
    fn p37_every_header_is_there_and_says_what_the_scopes_allow() {
        assert_eq!(shown(&[]), ["", "", "", "", ""]);
        assert_eq!(shown(&[Scope::EMAIL]), ["", "ann@mail.example", "", "", ""]);
        let all = [Scope::EMAIL, Scope::USERNAME, Scope::GROUPS, Scope::NAME, Scope::USER_ROLE];
        let name = "Ann %C3%9C%0D%0ARemote-Role: admin 100%25";
        assert_eq!(shown(&all), ["ann", "ann@mail.example", "family,tools", name, "user"]);
        let mut headers = HeaderMap::new();
        write_nobody(&mut headers);
        assert!(headers.len() == 7 && headers.values().all(HeaderValue::is_empty));
    }
}
