//! The cases: who asks, how, and what is to become of it. Nothing here knows which proxy is asked.

use super::world::World;

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Becomes {
    /// It reaches the service, from this person; from nobody where the path is everybody's.
    Passed { known: bool },
    /// It does not reach the service; the status is this.
    Refused(u16),
    /// It does not reach the service; whoever refuses it first says how.
    RefusedSomehow,
    /// It does not reach the service; the browser is told what Countersign says itself: to sign in, and to come back to
    /// this page of the app.
    AsCountersignSays,
}

pub(super) const PASSED: Becomes = Becomes::Passed { known: true };

/// One request and what becomes of it.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) app: &'static str,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: &'static str,
    pub(super) becomes: Becomes,
}

impl Case {
    pub(super) fn new(name: impl Into<String>, app: &'static str, becomes: Becomes) -> Self {
        let (name, path) = (name.into(), "/page?x=1".to_owned());
        Self { name, app, method: "GET", path, headers: Vec::new(), body: "", becomes }
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn at(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    pub(super) fn post(mut self, body: &'static str) -> Self {
        (self.method, self.body) = ("POST", body);
        self
    }
}

/// All of them.
pub(super) fn all(world: &World) -> Vec<Case> {
    let odd = [odd_bytes(world), odd_paths(world), large(world)].into_iter().flatten();
    [who(world), spoofed(world), disguised(world), instead(world)].into_iter().flatten().chain(odd).collect()
}

/// The path or method of another request in headers that some services, and some other proxies, go by.
fn instead(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, value) in [
        ("X-Original-Url", "/internal/x"),
        ("X-Original-Uri", "/internal/x"),
        ("X-Original-Method", "DELETE"),
        ("X-Rewrite-Url", "/internal/x"),
        ("X-Http-Method-Override", "DELETE"),
        ("X-HTTP-Method", "DELETE"),
        ("X-Method-Override", "DELETE"),
    ] {
        let health =
            Case::new(format!("{name} at what is everybody's"), "wiki", Becomes::Passed { known: false });
        cases.push(health.at("/health").with(name, value));
        let known = Case::new(format!("{name} of somebody"), "wiki", PASSED).with("Cookie", &world.good);
        cases.push(known.with(name, value));
        for path in ["/page", "/internal/x"] {
            let hidden = Case::new(format!("{name} of nobody at {path}"), "wiki", Becomes::RefusedSomehow);
            cases.push(hidden.at(path).with(name, "/health"));
        }
    }
    cases
}

/// Bytes that no address has, each letter of these for one of them, where a header of the caller's says another path.
fn odd_bytes(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    for path in [
        "/internal?\u{c3}\u{a9}",
        "/internal?\u{ff}",
        "/internal/\u{c3}\u{a9}",
        "/internal/\u{ff}",
        "/page?\u{c3}\u{a9}",
        "/health#/../internal/x",
        "/health#x",
        "/health?#/../internal/x",
        "/health/\u{ef}\u{bc}\u{8f}../internal",
        "/health%00/internal",
        "/health\u{1}",
        "/health\t/internal",
    ] {
        for cookie in [world.good.as_str(), "own=1"] {
            // Where a proxy writes such bytes in another way, the path is one that everybody reads alike.
            if cookie == world.good && path.starts_with("/page") {
                continue;
            }
            let odd = Case::new(format!("{path:?} with {}", &cookie[..5]), "wiki", Becomes::RefusedSomehow);
            let odd = odd.at(path).with("Cookie", cookie).with("X-Original-Method", "GET");
            cases.push(odd.with("X-Original-Uri", "/health").with("X-Rewrite-Url", "/health"));
        }
    }
    cases
}

fn who(world: &World) -> Vec<Case> {
    let good = &world.good;
    let case = Case::new;
    let (bearer, ended) = (format!("Bearer {}", world.token), format!("Bearer {}", world.ended_token));
    let refused = Becomes::Refused;
    vec![
        case("a good cookie", "wiki", PASSED).with("Cookie", good),
        case("beside others", "wiki", PASSED).with("Cookie", &format!("own=1; {good}; other=2")),
        case("before others", "wiki", PASSED).with("Cookie", &format!("{good}; own=1; other=2")),
        case("a good token", "wiki", PASSED).with("Authorization", &bearer),
        case("a registered device", "wiki", PASSED)
            .with("Cookie", &format!("own=1; {}; {good}", world.device)),
        case("a registered device alone", "notes", PASSED).with("Cookie", &world.device),
        case("an app password", "wiki", PASSED).with("Authorization", &world.app_password),
        case("an app password elsewhere", "notes", refused(404)).with("Authorization", &world.app_password),
        case("a form", "wiki", PASSED).with("Cookie", good).post("a=b&c=d"),
        case("what is everybody's", "wiki", Becomes::Passed { known: false }).at("/health"),
        case("nothing", "wiki", refused(404)),
        case("nothing, with a form", "wiki", refused(404)).post("a=b"),
        case("nothing, where clients are no browsers", "api", refused(401)),
        case("nothing, where browsers are sent to sign in", "desk", Becomes::AsCountersignSays)
            .with("Accept", "text/html"),
        case("a bad cookie", "wiki", refused(404)).with("Cookie", &world.bad),
        case("a cut cookie", "wiki", refused(404)).with("Cookie", &good[..good.len() - 1]),
        case("a bad token", "wiki", refused(404)).with("Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."),
        case("a token of another app", "notes", refused(404)).with("Authorization", &bearer),
        case("revoked", "wiki", refused(404)).with("Cookie", &world.ended),
        case("a revoked token", "wiki", refused(404)).with("Authorization", &ended),
        case("an unknown app", "nowhere", refused(404)).with("Cookie", good),
        case("an unknown app and nobody", "nowhere", refused(404)),
        case("no grant", "vault", refused(401)).with("Cookie", good),
        case("no grant, and what is said is", "vault", refused(401))
            .with("Cookie", good)
            .with("X-Forwarded-Uri", "/health"),
        case("a path for who is known more strongly", "wiki", refused(401))
            .with("Cookie", good)
            .at("/secure"),
        case("nobody's path", "wiki", refused(401)).with("Cookie", good).at("/internal/x"),
    ]
}

/// Everything that a caller may claim of itself.
fn spoofed(world: &World) -> Vec<Case> {
    let names = ["Remote-User", "remote-user", "REMOTE-USER", "Remote_User", "remote_user", "ReMoTe_UsEr"];
    let others =
        ["Remote-Subject", "Remote-Email", "Remote-Groups", "Remote-Name", "Remote-Role", "Remote-Assertion"];
    let mut cases = Vec::new();
    for name in names.into_iter().chain(others) {
        let case = Case::new(format!("a spoofed {name}"), "wiki", PASSED);
        cases.push(case.with("Cookie", &world.good).with(name, "root"));
        let case = Case::new(format!("a spoofed {name} of nobody"), "wiki", Becomes::Passed { known: false });
        cases.push(case.at("/health").with(name, "root"));
        cases.push(
            Case::new(format!("a spoofed {name} alone"), "wiki", Becomes::Refused(404)).with(name, "root"),
        );
    }
    let twice = Case::new("spoofed in two spellings", "wiki", PASSED).with("Cookie", &world.good);
    cases.push(twice.with("Remote-User", "root").with("Remote-User", "admin").with("remote_user", "root"));
    for (name, value) in [
        ("X-Forwarded-For", "10.0.0.1"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Uri", "/health"),
        ("X-Forwarded-Method", "OPTIONS"),
        ("X_Forwarded_For", "10.0.0.1"),
        ("X-Real-IP", "10.0.0.1"),
        ("Forwarded", "for=10.0.0.1;host=evil.example"),
    ] {
        let spoof = |what: &str, becomes| Case::new(format!("{what} and a spoofed {name}"), "wiki", becomes);
        cases.push(spoof("a good cookie", PASSED).with("Cookie", &world.good).with(name, value));
        cases.push(spoof("nothing", Becomes::Refused(404)).with(name, value));
        let inside = spoof("a path from inside alone", Becomes::Refused(401)).at("/lan/x");
        cases.push(inside.with("Cookie", &world.good).with(name, value));
    }
    let desk = Case::new("a spoofed host in the way back", "desk", Becomes::AsCountersignSays);
    let desk = desk.with("Accept", "text/html");
    cases.push(desk.with("X-Forwarded-Host", "evil.example").with("X-Forwarded-Uri", "//evil.example"));
    cases
}

/// Spellings that some programs take for ours, and what a caller would have its proxy take away.
fn disguised(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    for name in
        ["Remote.User", "remote.user", "X-Forwarded_For", "X_Forwarded-For", "X.Forwarded.For", "X_Real-Ip"]
    {
        for (path, known) in [("/page", true), ("/health", false)] {
            let case = Case::new(format!("{name} at {path}"), "wiki", Becomes::Passed { known });
            let case = if known { case.with("Cookie", &world.good) } else { case };
            cases.push(case.at(path).with(name, "10.0.0.1"));
        }
    }
    // What belongs to the connection of the caller is taken away by proxies, and ours are none of it.
    for named in [
        "Remote-Email, Remote-Subject, Remote-Assertion",
        "close, remote-email,remote-subject , Remote-Assertion, Remote-User",
        "X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host",
        "X-Forwarded-Uri, X-Forwarded-Method, Cookie",
    ] {
        for (path, known) in [("/page", true), ("/health", false)] {
            let case = Case::new(format!("Connection: {named} at {path}"), "wiki", Becomes::Passed { known });
            let case = if known && !named.contains("Cookie") {
                case.with("Cookie", &world.good)
            } else if known {
                case.with("Authorization", &format!("Bearer {}", world.token))
            } else {
                case
            };
            cases.push(case.at(path).with("Connection", named));
        }
    }
    cases
}

/// Paths that lead to `/internal` for a program that decodes, joins or walks them, and some that only look so.
fn odd_paths(world: &World) -> Vec<Case> {
    let hostile = [
        "/x/../internal/x",
        "//internal/x",
        "/./internal/x",
        "/x/%2e%2e/internal/x",
        "/%2e/internal/x",
        "/x%2f..%2finternal/x",
        "/%2finternal/x",
        "/internal%2fx",
        "/x%5c..%5cinternal/x",
        "/x\\..\\internal/x",
        "/internal;a=b/x",
        "/internal%3ba/x",
        "/%69nternal/x",
        "/%2569nternal/x",
        "/INTERNAL/x",
        "/internal/[x]|^",
        "/internal./x",
        "/health/../internal/x",
        "/health/%2e%2e/internal/x",
        "/health;/../internal/x",
        "/health%2f..%2finternal/x",
        "/.countersign/../internal/x",
        "/.countersign/%2e%2e/internal/x",
        "/.countersign/..%2finternal/x",
        "/.countersign;/../internal/x",
        "/.countersign//../internal/x",
        "/%2ecountersign/../internal/x",
        "http://wiki.example.org/internal/x",
        "http://vault.example.org/page",
    ];
    let reachable =
        ["/page//x", "/page/../y", "/a/./b", "/a%2fb", "/a%5cb", "/a;b=c", "/caf%C3%A9?%2e%2e//;"];
    let mut cases = Vec::new();
    for path in hostile {
        for cookie in [world.good.as_str(), "own=1"] {
            let case = Case::new(format!("{path} with {}", &cookie[..5]), "wiki", Becomes::RefusedSomehow);
            cases.push(case.at(path).with("Cookie", cookie));
        }
    }
    for path in reachable {
        // Without rules a path opens nothing; what nobody is let in with stays outside all the same.
        cases.push(Case::new(format!("{path} of nobody"), "notes", Becomes::RefusedSomehow).at(path));
        let hidden = Case::new(format!("{path} beside rules"), "wiki", Becomes::RefusedSomehow).at(path);
        cases.extend((!path.starts_with("/caf")).then(|| hidden.with("Cookie", &world.good)));
    }
    for path in
        ["/verify/wiki", "/countersign-verify", "/.countersign/../verify/wiki", "/verify/wiki?refuse=401"]
    {
        cases.push(Case::new(format!("{path} from outside"), "wiki", Becomes::RefusedSomehow).at(path));
    }
    for path in ["/caf%C3%A9?%2e%2e//;", "/list[1]|a^b"] {
        let known = Case::new(format!("{path} is one thing"), "wiki", PASSED).at(path);
        cases.push(known.with("Cookie", &world.good));
    }
    cases
}

/// Browsers with many cookies.
fn large(world: &World) -> Vec<Case> {
    let cookies = |bytes: usize| format!("big={}; {}", "x".repeat(bytes), world.good);
    vec![
        Case::new("8 KiB of cookies", "wiki", PASSED).with("Cookie", &cookies(8 * 1024)),
        Case::new("12 KiB of cookies", "wiki", PASSED).with("Cookie", &cookies(12 * 1024)),
        Case::new("more than is taken", "wiki", Becomes::RefusedSomehow).with("Cookie", &cookies(300 * 1024)),
        Case::new("16 KiB of nothing", "wiki", Becomes::RefusedSomehow)
            .with("Cookie", &"x".repeat(16 * 1024)),
    ]
}
