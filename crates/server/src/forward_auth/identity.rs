//! Who somebody is, for one app: the headers that its service is told, always all of them, each empty where the app may
//! not know it or nobody does.

use countersign_domain::{
    group::GroupName,
    scope::{Scope, Scopes},
    subject::Subject,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::assertion;

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

const NAMES: [HeaderName; 7] = [SUBJECT, USER, EMAIL, GROUPS, NAME, ROLE, ASSERTION];

/// A subject as text.
const SUBJECT_BYTES: usize = 32;

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
    pub person: Person,
}

/// What an app is told of somebody: its headers as they are written, in one piece of memory.
#[derive(Clone, Debug)]
pub struct Told {
    lines: Box<str>,
    /// Where each value ends.
    ends: [usize; 7],
}

impl Told {
    fn new(values: [&str; 7]) -> Self {
        let (mut lines, mut ends) =
            (String::with_capacity(written(values.map(str::len).iter().sum())), [0; 7]);
        for ((name, value), end) in NAMES.iter().zip(values).zip(&mut ends) {
            lines.extend([name.as_str(), ": "]);
            // Nothing that could end the line: it was encoded before, and is looked at once more where it is written.
            lines.push_str(if value.bytes().all(|byte| matches!(byte, b' '..=b'~')) { value } else { "" });
            *end = lines.len();
            lines.push_str("\r\n");
        }
        Self { lines: lines.into(), ends }
    }

    /// All headers: each its name, its value and a line's end.
    #[must_use]
    pub const fn lines(&self) -> &str {
        &self.lines
    }

    /// Puts all headers into an answer.
    pub fn write(&self, headers: &mut HeaderMap) {
        let mut from = 0;
        for (name, end) in NAMES.into_iter().zip(self.ends) {
            let value = &self.lines[from + name.as_str().len() + 2..end];
            headers.insert(name, HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static("")));
            from = end + 2;
        }
    }
}

/// Bytes of all headers whose values have so many.
fn written(values: usize) -> usize {
    values + NAMES.iter().map(|name| name.as_str().len() + ": \r\n".len()).sum::<usize>()
}

impl Identity {
    /// What an app with these scopes is told of a person.
    #[must_use]
    pub fn new(subject: Subject, scopes: Scopes, person: Person) -> Self {
        let person = Person {
            username: person.username.filter(|_| scopes.has(Scope::USERNAME)),
            email: person.email.filter(|_| scopes.has(Scope::EMAIL)),
            name: person.name.filter(|_| scopes.has(Scope::NAME)),
            is_admin: person.is_admin.filter(|_| scopes.has(Scope::USER_ROLE)),
            groups: if scopes.has(Scope::GROUPS) { person.groups } else { Vec::new() },
        };
        Self { subject, scopes, person }
    }

    /// All that the app is told, with this assertion.
    #[must_use]
    pub fn told(&self, assertion: &str) -> Told {
        let Person { username, email, name, is_admin, groups } = &self.person;
        let groups = groups.iter().map(GroupName::as_str).collect::<Vec<_>>().join(",");
        let role = is_admin.map_or("", |is_admin| if is_admin { "admin" } else { "user" });
        Told::new([
            &self.subject.to_string(),
            &plain(username.as_deref()),
            &plain(email.as_deref()),
            &groups,
            &plain(name.as_deref()),
            role,
            assertion,
        ])
    }

    /// What it takes of memory beside itself, and what is told of it, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let Person { username, email, name, groups, .. } = &self.person;
        let texts = [username, email, name].into_iter().flatten().map(String::len).sum::<usize>();
        let groups = groups.iter().map(|group| group.as_str().len() + 40).sum::<usize>();
        let scopes = self.scopes.iter().map(|scope| scope.as_str().len() + 40).sum::<usize>();
        // Told in headers, where a letter may become three, and in the assertion, where three become four.
        let told = assertion::USUAL_BYTES + SUBJECT_BYTES + groups * 3 + texts * 5;
        scopes + groups + texts + written(told)
    }
}

/// All headers, empty, for a request that needs nobody.
pub fn write_nobody(headers: &mut HeaderMap) {
    for name in NAMES {
        headers.insert(name, HeaderValue::from_static(""));
    }
}

/// A text that every service reads in the same way: what is not printable ASCII, and `%`, is percent-encoded.
fn plain(text: Option<&str>) -> String {
    use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
    const ODD: &AsciiSet = &CONTROLS.add(b'%');
    text.map(|text| utf8_percent_encode(text.trim(), ODD).to_string()).unwrap_or_default()
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
        let identity = Identity::new(subject, Scopes::parse(scopes).unwrap(), person());
        identity.told("a.b.c").write(&mut headers);
        assert_eq!(headers.len(), 7);
        assert!(headers[SUBJECT] == subject.to_string() && headers[ASSERTION] == "a.b.c");
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
