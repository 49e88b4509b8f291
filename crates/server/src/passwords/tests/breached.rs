//! Stolen passwords: a range server of our own on a socket, and filters of files.

use std::{fmt::Write as _, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::password;
use crate::passwords::breached::{
    Breaches, BuildError, Filter, FilterError, Guard, RangeServer, Unanswered, build_filter,
};

/// SHA-1 of `password` is 5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8 (as Have I Been Pwned documents it).
const ENDING: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";
const ALLOWED: Guard = Guard { allow_http: true, allow_private: true };

/// Answers one request with `answer` and gives back what was asked.
async fn range_server(answer: String) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/range/", listener.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut request, mut piece) = (Vec::new(), [0; 1024]);
        while !request.ends_with(b"\r\n\r\n") {
            let read = stream.read(&mut piece).await.unwrap();
            request.extend_from_slice(&piece[..read]);
        }
        let _ = stream.write_all(answer.as_bytes()).await;
        if answer.is_empty() {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        String::from_utf8(request).unwrap()
    });
    (url, asked)
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// A body as the server pads it: 800 endings, CRLF between, those that mean nothing with 0.
fn padded(lines: &[(&str, u32)]) -> String {
    let mut body = String::new();
    for number in 0..800 {
        let count = if number < 500 { number + 1 } else { 0 };
        write!(body, "{number:035X}:{count}\r\n").unwrap();
    }
    for (ending, count) in lines {
        write!(body, "{ending}:{count}\r\n").unwrap();
    }
    body
}

fn breaches(url: &str, guard: Guard, is_open: bool) -> Breaches {
    let server = RangeServer::new(url, guard, Duration::from_millis(500)).unwrap();
    Breaches::Range { server, is_open }
}

#[tokio::test]
async fn p24_a_range_server_learns_five_digits_and_padding_means_nothing() {
    let cases = [
        (padded(&[(ENDING, 12_345)]), true),
        (padded(&[(&ENDING.to_lowercase(), 1)]), true),
        (padded(&[(ENDING, 0)]), false),
        (padded(&[]), false),
        (String::new(), false),
    ];
    for (body, expected) in cases {
        let (url, asked) = range_server(ok(&body)).await;
        let found = breaches(&url, ALLOWED, false).contain(&password("password")).await;
        assert_eq!(found, Ok(expected));
        let asked = asked.await.unwrap().to_lowercase();
        assert!(asked.starts_with("get /range/5baa6 http/1.1\r\n"), "{asked}");
        assert!(asked.contains("\r\nadd-padding: true\r\n"), "{asked}");
        assert!(!asked.contains("1e4c9") && !asked.contains("password\r"), "{asked}");
    }
}

#[tokio::test]
async fn p24_without_an_answer_the_operator_decides() {
    let answers = [
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_owned(),
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n".to_owned(),
        ok("<html>not what was asked for</html>"),
        ok(&"A".repeat(3 * 1024 * 1024)),
        "nonsense\r\n\r\n".to_owned(),
        // Too slow.
        String::new(),
    ];
    for answer in answers {
        for (is_open, expected) in [(true, Ok(false)), (false, Err(Unanswered))] {
            let (url, asked) = range_server(answer.clone()).await;
            let found = breaches(&url, ALLOWED, is_open).contain(&password("password")).await;
            assert_eq!(found, expected, "{}", answer.get(..40).unwrap_or(&answer));
            asked.abort();
        }
    }
}

#[tokio::test]
async fn p24_nothing_around_the_server_is_asked_unless_allowed() {
    let only_http = Guard { allow_http: true, allow_private: false };
    let (url, asked) = range_server(ok(ENDING)).await;
    let found = breaches(&url, only_http, false).contain(&password("password")).await;
    assert_eq!(found, Err(Unanswered));
    assert!(!asked.is_finished(), "it was asked");
    asked.abort();
    assert!(RangeServer::new(&url, Guard::default(), Duration::from_secs(1)).is_err());
}

#[tokio::test]
async fn p24_a_filter_has_all_that_was_put_in_and_hardly_more() {
    let folder = tempfile::tempdir().unwrap();
    let (list, target) = (folder.path().join("list.txt"), folder.path().join("filter"));
    let words: String =
        (0..20_000).fold("password\r\n".to_owned(), |words, number| words + &format!("word {number}\n"));
    std::fs::write(&list, &words).unwrap();
    let built = build_filter(&list, &target, 10).unwrap();
    assert_eq!((built.count, built.bytes), (20_001, std::fs::metadata(&target).unwrap().len()));
    // 11.5 bits each, and the index.
    assert!(built.bytes * 8 < 20_001 * 13, "{} bytes", built.bytes);
    let breaches = Breaches::Filter(Filter::open(&target).unwrap().into());
    for number in (0..20_000).step_by(7) {
        assert_eq!(breaches.contain(&password(&format!("word {number}"))).await, Ok(true), "{number}");
    }
    assert_eq!(breaches.contain(&password("password")).await, Ok(true));
    let mut wrongly = 0;
    for number in 0..20_000 {
        wrongly += u32::from(breaches.contain(&password(&format!("other {number}"))).await == Ok(true));
    }
    // One in 1024: 19.5 expected, with a deviation of 4.4.
    assert!((3..45).contains(&wrongly), "{wrongly} of 20000");
}

#[tokio::test]
async fn p24_lists_of_hashes_sorted_or_not_give_the_same_filter() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut lines: Vec<String> = (0_u64..3000)
        .map(|n| format!("{:016X}{:024X}:{n}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15), n))
        .collect();
    lines.push(format!("5BAA6{ENDING}:9"));
    lines.push(format!("5BAA6{ENDING}:9"));
    std::fs::write(path("shuffled"), lines.join("\n")).unwrap();
    lines.sort();
    std::fs::write(path("sorted"), lines.join("\r\n")).unwrap();
    for name in ["shuffled", "sorted"] {
        assert_eq!(build_filter(&path(name), &path(&format!("{name}.filter")), 14).unwrap().count, 3001);
    }
    let read = |name| std::fs::read(path(name)).unwrap();
    assert_eq!(read("shuffled.filter"), read("sorted.filter"));
    let breaches = Breaches::Filter(Filter::open(&path("sorted.filter")).unwrap().into());
    assert_eq!(breaches.contain(&password("password")).await, Ok(true));
    assert_eq!(breaches.contain(&password("quiet lampshade")).await, Ok(false));
}

#[test]
fn p24_what_is_no_filter_or_was_cut_short_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (list, target) = (folder.path().join("list"), folder.path().join("filter"));
    std::fs::write(&list, "\n\n").unwrap();
    assert!(matches!(build_filter(&list, &target, 10), Err(BuildError::Empty)));
    std::fs::write(&list, "one\ntwo\n\u{ff}\n").unwrap();
    for bits in [0, 3, 33] {
        assert!(matches!(build_filter(&list, &target, bits), Err(BuildError::Bits)));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    build_filter(&list, &target, 10).unwrap();
    let whole = std::fs::read(&target).unwrap();
    for length in 0..whole.len() {
        std::fs::write(&target, &whole[..length]).unwrap();
        assert!(matches!(Filter::open(&target), Err(FilterError::Form)), "{length}");
    }
    for place in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[place] ^= 0xff;
        std::fs::write(&target, &damaged).unwrap();
        // Refused or wrong, but never a panic.
        let _ = Filter::open(&target).and_then(|filter| filter.contains(&[0x5b; 20]));
    }
}
