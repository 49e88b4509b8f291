//! A good zone has only good findings; every record broken once changes just what it should.

mod keys;
mod table;

use self::keys::ED25519;
pub(super) use self::keys::{RSA_1024, RSA_2048, RSA_2048_BARE};
use self::table::{Table, address, exchange, name, text};
use super::{Area, Finding, KeyType, Kind, Level, MailCheck, SelectorKey, check_mail_with};

/// Levels, and parts of the texts.
type Complaints<'a> = &'a [(Level, &'a str)];

const DOMAIN: &str = "example.org";
const RSA_NAME: &str = "mail._domainkey.example.org";

fn good_zone() -> Table {
    let mut zone = Table::default();
    zone.set(DOMAIN, Kind::Text, [text("something=else"), text("v=spf1 ip4:192.0.2.0/28 mx -all")]);
    zone.set(DOMAIN, Kind::Exchange, [exchange(10, "mx.example.org")]);
    zone.set("mx.example.org", Kind::Ipv4, [address("192.0.2.25")]);
    zone.set("mx.example.org", Kind::Ipv6, [address("2001:db8::25")]);
    zone.set(RSA_NAME, Kind::Text, [text(&format!("v=DKIM1; k=rsa; p={RSA_2048}"))]);
    zone.set("tiny._domainkey.example.org", Kind::Text, [text(&format!("v=DKIM1; k=ed25519; p={ED25519}"))]);
    zone.set("_dmarc.example.org", Kind::Text, [text("v=DMARC1; p=reject; rua=mailto:d@example.org")]);
    zone.set("1.2.0.192.in-addr.arpa", Kind::Pointer, [name("out.example.org")]);
    zone.set("out.example.org", Kind::Ipv4, [address("192.0.2.1")]);
    zone.set(
        "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
        Kind::Pointer,
        [name("mx.example.org")],
    );
    zone
}

fn our_check() -> MailCheck {
    let key = |selector: &str, key_type, public_key: &str| SelectorKey {
        selector: selector.to_owned(),
        key_type,
        public_key: public_key.to_owned(),
    };
    MailCheck {
        selectors: vec![key("mail", KeyType::Rsa, RSA_2048), key("tiny", KeyType::Ed25519, ED25519)],
        sending_addresses: vec![
            "192.0.2.1".parse().expect("an address"),
            "2001:db8::25".parse().expect("an address"),
        ],
        ..MailCheck::of("Example.org.")
    }
}

async fn run(zone: &Table, check: &MailCheck) -> Vec<Finding> {
    check_mail_with(zone, check).await
}

/// What is not good, as it is compared: area, level, and a part of the text.
fn assert_complaints(case: &str, findings: &[Finding], expected: &[(Area, Level, &str)]) {
    let complaints: Vec<&Finding> = findings.iter().filter(|finding| finding.level != Level::Good).collect();
    let matching = complaints.len() == expected.len()
        && complaints.iter().zip(expected).all(|(finding, (area, level, part))| {
            finding.area == *area
                && finding.level == *level
                && format!("{}\n{}", finding.summary, finding.advice).contains(part)
        });
    assert!(matching, "{case}: expected {expected:?}, found {complaints:#?}");
    for finding in complaints {
        assert!(!finding.advice.is_empty(), "{case}: {finding:?} gives no advice");
    }
}

/// Changes one record and expects complaints about its area only, and all other areas as they were.
async fn changed(area: Area, zone_name: &str, records: Vec<super::Record>, expected: Complaints<'_>) {
    let case = format!("{zone_name} {records:?}");
    let mut zone = good_zone();
    let before = run(&zone, &our_check()).await;
    let kind = if area == Area::ReverseDns { Kind::Pointer } else { Kind::Text };
    zone.set(zone_name, kind, records);
    let after = run(&zone, &our_check()).await;
    let expected: Vec<_> = expected.iter().map(|(level, part)| (area, *level, *part)).collect();
    assert_complaints(&case, &after, &expected);
    let others = |findings: &[Finding]| -> Vec<Finding> {
        findings.iter().filter(|finding| finding.area != area).cloned().collect()
    };
    assert_eq!(others(&before), others(&after), "{case}");
}

#[tokio::test]
async fn a_good_zone_is_good() {
    let findings = run(&good_zone(), &our_check()).await;
    assert_complaints("good", &findings, &[]);
    assert_eq!(findings.len(), 3 + 2 + 1 + 1 + 2);
    assert!(findings.iter().all(|finding| finding.advice.is_empty()));
}

#[tokio::test]
async fn spf_is_judged() {
    use Level::{Problem, Warning};
    let cases: &[(&str, Complaints<'_>)] = &[
        ("", &[(Problem, "\"v=spf1 ip4:192.0.2.1 ip6:2001:db8::25 -all\"")]),
        ("v=spf1 ip4:192.0.2.0/28 mx ?all", &[(Warning, "\"v=spf1 ip4:192.0.2.0/28 mx -all\"")]),
        ("v=spf1 ip4:192.0.2.0/28 mx", &[(Warning, "does not say that others may not")]),
        ("v=spf1 +all", &[(Problem, "lets everybody send")]),
        ("v=spf1 include:open.example.org -all", &[(Problem, "lets everybody send")]),
        ("v=spf1 redirect=open.example.org", &[(Problem, "lets everybody send")]),
        ("v=spf1 mx -all", &[(Problem, "\"v=spf1 ip4:192.0.2.1 mx -all\"")]),
        ("v=spf1 ip4:192.0.2.1 -all", &[(Problem, "2001:db8::25 sends our mail")]),
        ("v=spf1 -ip4:192.0.2.1 ip4:192.0.2.0/28 mx -all", &[(Problem, "192.0.2.1 sends our mail")]),
        ("v=spf1 ip4:192.0.2.300 -all", &[(Problem, "\u{201c}ip4:192.0.2.300\u{201d} holds no IPv4")]),
        ("v=spf1 ipv4:192.0.2.1 -all", &[(Problem, "is no mechanism of SPF")]),
        ("v=spf1 include:nothing.example.org -all", &[(Problem, "leads to no SPF record")]),
        ("v=spf1 include:loop.example.org -all", &[(Problem, "more than ten DNS lookups")]),
        ("v=spf1 a:v1.example.org ip4:192.0.2.1 mx -all", &[(Warning, "names what has no records")]),
        (
            "v=spf1 a:v1.example.org a:v2.example.org a:v3.example.org mx -all",
            &[(Problem, "more than two names")],
        ),
        ("v=spf1 ip4:192.0.2.1 mx ptr -all", &[(Warning, "uses ptr")]),
        ("v=spf1 mx exists:%{i}.s.example.org -all", &[(Warning, "exists:%{i}.s.example.org")]),
        ("v=spf1 ip4:192.0.2.1 mx exists:%{i}.s.example.org ~all", &[]),
        ("v=spf1 include:inner.example.org ~all", &[]),
        ("v=spf1 redirect=inner.example.org", &[]),
        ("v=spf1 a:out.example.org/28 a:mx.example.org//64 -all", &[]),
        ("v=spf1 exists:mx.example.org -all", &[(Problem, "lets everybody send")]),
    ];
    for (record, expected) in cases {
        let mut zone = good_zone();
        let records = if record.is_empty() { vec![] } else { vec![text(record)] };
        zone.set(DOMAIN, Kind::Text, records);
        zone.set("open.example.org", Kind::Text, [text("v=spf1 +all")]);
        zone.set("loop.example.org", Kind::Text, [text("v=spf1 include:loop.example.org -all")]);
        zone.set("inner.example.org", Kind::Text, [text("v=spf1 ip4:192.0.2.1 ip6:2001:db8::/64 -all")]);
        let expected: Vec<_> = expected.iter().map(|(level, part)| (Area::Spf, *level, *part)).collect();
        assert_complaints(record, &run(&zone, &our_check()).await, &expected);
    }
    let two = vec![text("v=spf1 mx -all"), text("v=spf1 a -all")];
    changed(Area::Spf, DOMAIN, two, &[(Problem, "has 2 SPF records")]).await;
}

#[tokio::test]
async fn the_limits_of_spf_are_exact() {
    let spf = |record: &str| {
        let mut zone = good_zone();
        zone.set(DOMAIN, Kind::Text, [text(record)]);
        zone
    };
    let lookups = |count: usize| format!("v=spf1 {} ip4:192.0.2.1 -all", "a:mx.example.org ".repeat(count));
    assert_complaints("ten lookups", &run(&spf(&lookups(10)), &our_check()).await, &[]);
    let eleven = [(Area::Spf, Level::Problem, "more than ten DNS lookups")];
    assert_complaints("eleven lookups", &run(&spf(&lookups(11)), &our_check()).await, &eleven);

    for (count, expected) in [(10, &[][..]), (11, &[(Area::Spf, Level::Problem, "more than ten MX")][..])] {
        let mut zone = spf("v=spf1 a:mx.example.org ip4:192.0.2.1 mx:many.example.org -all");
        zone.set("many.example.org", Kind::Exchange, vec![exchange(10, "mx.example.org"); count]);
        assert_complaints(&format!("{count} exchanges"), &run(&zone, &our_check()).await, expected);
    }
}

#[tokio::test]
async fn dkim_is_judged() {
    use Level::{Problem, Warning};
    let rsa = |before: &str, after: &str| format!("{before}p={RSA_2048}{after}");
    let cases = [
        (vec![], Some((Problem, "There is no DKIM record"))),
        (vec![text("v=DKIM1; k=rsa; p=")], Some((Problem, "revoked"))),
        (vec![text("v=DKIM1; k=rsa")], Some((Problem, "has no public key"))),
        (vec![text(&format!("v=DKIM1; p={RSA_1024}"))], Some((Problem, "another public key"))),
        (vec![text("v=DKIM1; p=!!")], Some((Problem, "not base64"))),
        (vec![text(&rsa("v=DKIM1; k=ed25519; ", ""))], Some((Problem, "keys of type ed25519"))),
        (vec![text(&rsa("v=DKIM2; ", ""))], Some((Problem, "must begin with v=DKIM1"))),
        (vec![text(&rsa("k=rsa; v=DKIM1; ", ""))], Some((Problem, "must begin with v=DKIM1"))),
        (vec![text(&rsa("v=DKIM1 k=rsa ", ";;"))], Some((Problem, "cannot be read"))),
        (vec![text(&rsa("", "")), text(&rsa("", ""))], Some((Problem, "There are 2 TXT records"))),
        (vec![text(&rsa("v=DKIM1; h=sha1; ", ""))], Some((Problem, "does not allow SHA-256"))),
        (vec![text(&rsa("v=DKIM1; s=tlsrpt; ", ""))], Some((Problem, "not for mail"))),
        (vec![text(&rsa("v=DKIM1; t=s:y; ", ""))], Some((Warning, "t=y"))),
        (vec![text(&rsa("", ""))], None),
        (vec![text(&rsa("v=DKIM1; h=sha1:sha256; s=email; t=s; ", " ;"))], None),
        (vec![text(&RSA_2048.replace('A', "A ").replacen("M", "v=DKIM1; p=M", 1))], None),
    ];
    for (records, expected) in cases {
        let expected: Vec<_> = expected.into_iter().collect();
        changed(Area::Dkim, RSA_NAME, records, &expected).await;
    }
}

#[tokio::test]
async fn the_dkim_record_to_publish_is_split_into_strings() {
    let mut zone = good_zone();
    zone.set(RSA_NAME, Kind::Text, []);
    let findings = run(&zone, &our_check()).await;
    let problem = findings.iter().find(|finding| finding.level == Level::Problem).expect("a problem");
    let record = problem.advice.split(" IN TXT ").nth(1).expect("a record");
    let strings: Vec<&str> = record.split(' ').collect();
    let joined = record.trim_matches('"').replace("\" \"", "");
    assert!(strings.len() > 1, "{record}");
    assert_eq!(joined, format!("v=DKIM1; k=rsa; p={RSA_2048}"));
}

#[tokio::test]
async fn keys_themselves_are_judged() {
    let mut zone = good_zone();
    let mut check = our_check();
    check.selectors[0].public_key = RSA_1024.to_owned();
    zone.set(RSA_NAME, Kind::Text, [text(&format!("p={RSA_1024}"))]);
    let short = [(Area::Dkim, Level::Warning, "has 1024 bits")];
    assert_complaints("short", &run(&zone, &check).await, &short);

    check.selectors.remove(0);
    let only = [(Area::Dkim, Level::Warning, "Ed25519 only")];
    assert_complaints("only Ed25519", &run(&zone, &check).await, &only);

    check.selectors.clear();
    let none = [(Area::Dkim, Level::Problem, "not signed")];
    assert_complaints("no keys", &run(&zone, &check).await, &none);
}

#[tokio::test]
async fn dmarc_is_judged() {
    use Level::{Problem, Warning};
    let cases: &[(&[&str], Complaints<'_>)] = &[
        (&[], &[(Problem, "_dmarc.example.org. IN TXT \"v=DMARC1; p=reject; rua=")]),
        (&["p=reject"], &[(Problem, "has no DMARC record")]),
        (&["v=DMARC1; p=reject; rua=x", "v=DMARC1; p=none"], &[(Problem, "there are 2 of them")]),
        (&["v=DMARC1; rua=mailto:d@example.org"], &[(Problem, "no policy (p=)")]),
        (&["v=DMARC1; p=block; rua=x"], &[(Problem, "p=block is no policy")]),
        (&["v=DMARC1; p=reject; reject"], &[(Problem, "is not tag=value")]),
        (&["v=DMARC1; p=none; rua=mailto:d@example.org"], &[(Warning, "policy of example.org is none")]),
        (&["v=DMARC1; p=reject; pct=20; rua=x"], &[(Warning, "\"v=DMARC1; p=reject; rua=x\"")]),
        (&["v=DMARC1; p=reject"], &[(Warning, "\"v=DMARC1; p=reject; rua=mailto:")]),
        (&["v=DMARC1;p=quarantine;pct=100;adkim=s;aspf=s;rua=x", "unrelated"], &[]),
    ];
    for (records, expected) in cases {
        let records = records.iter().map(|record| text(record)).collect();
        changed(Area::Dmarc, "_dmarc.example.org", records, expected).await;
    }
}

#[tokio::test]
async fn dmarc_of_the_organisation_applies_below_it() {
    let mut zone = good_zone();
    zone.set("login.example.org", Kind::Exchange, [exchange(10, "mx.example.org")]);
    zone.set("login.example.org", Kind::Text, [text("v=spf1 ip4:192.0.2.1 mx -all")]);
    let mut check = our_check();
    check.domain = "login.example.org".to_owned();
    assert_complaints("relaxed", &run(&zone, &check).await, &[]);

    let strict = "v=DMARC1; p=reject; sp=none; adkim=s; aspf=s; rua=mailto:d@example.org";
    zone.set("_dmarc.example.org", Kind::Text, [text(strict)]);
    let expected = [
        (Area::Dmarc, Level::Warning, "is none"),
        (Area::Dmarc, Level::Problem, "Signatures by example.org do not count"),
        (Area::Dmarc, Level::Warning, "SPF for example.org does not count"),
    ];
    assert_complaints("strict", &run(&zone, &check).await, &expected);

    check.domain = "elsewhere.example".to_owned();
    zone.set("_dmarc.elsewhere.example", Kind::Text, [text("v=DMARC1; p=reject; rua=x")]);
    zone.set("elsewhere.example", Kind::Ipv4, [address("192.0.2.9")]);
    let expected = [
        (Area::Dmarc, Level::Problem, "Sign with d=elsewhere.example"),
        (Area::Dmarc, Level::Warning, "SPF for example.org does not count"),
    ];
    assert_complaints("unrelated", &run(&zone, &check).await, &expected);
}

#[tokio::test]
async fn places_for_bounces_are_judged() {
    use Level::{Problem, Warning};
    let mut zone = good_zone();
    zone.set(DOMAIN, Kind::Text, [text("v=spf1 ip4:192.0.2.1 ip6:2001:db8::25 -all")]);
    let cases = [
        (vec![], Some((Problem, "neither MX nor address"))),
        (vec![exchange(0, "")], Some((Warning, "null MX"))),
        (
            vec![exchange(5, "gone.example.org"), exchange(10, "mx.example.org")],
            Some((Problem, "gone.example.org")),
        ),
        (vec![exchange(5, "out.example.org"), exchange(10, "mx.example.org")], None),
    ];
    for (records, expected) in cases {
        let expected: Vec<_> = expected.into_iter().map(|(level, part)| (Area::Mx, level, part)).collect();
        zone.set(DOMAIN, Kind::Exchange, records);
        assert_complaints("exchange", &run(&zone, &our_check()).await, &expected);
    }
    zone.set(DOMAIN, Kind::Exchange, []);
    zone.set(DOMAIN, Kind::Ipv6, [address("2001:db8::80")]);
    assert_complaints("address only", &run(&zone, &our_check()).await, &[]);
}

#[tokio::test]
async fn reverse_names_are_judged() {
    use Level::{Problem, Warning};
    let reverse = "1.2.0.192.in-addr.arpa";
    let missing = [(Problem, "1.2.0.192.in-addr.arpa. IN PTR")];
    changed(Area::ReverseDns, reverse, vec![], &missing).await;
    let other = [(Problem, "mx.example.org. IN A 192.0.2.1")];
    changed(Area::ReverseDns, reverse, vec![name("mx.example.org")], &other).await;
    changed(Area::ReverseDns, reverse, vec![name("mx.example.org"), name("out.example.org")], &[]).await;

    let mut zone = good_zone();
    zone.set(DOMAIN, Kind::Text, [text("v=spf1 ip4:10.0.0.0/8 -all")]);
    let mut check = our_check();
    check.sending_addresses = vec!["::ffff:10.1.2.3".parse().expect("an address")];
    let private = [(Area::ReverseDns, Warning, "10.1.2.3 is not a public address")];
    assert_complaints("private", &run(&zone, &check).await, &private);
}

#[tokio::test]
async fn silence_is_reported() {
    let silent = |zone_name: &str| {
        let mut zone = good_zone();
        zone.silence(zone_name);
        zone
    };
    let expected = [(Area::Resolver, Level::Problem, "gives no answer about example.org: silence")];
    let findings = run(&silent(DOMAIN), &our_check()).await;
    assert_complaints("all", &findings, &expected);
    assert_eq!(findings.len(), 1);
    let cases = [
        (RSA_NAME, Area::Dkim, Level::Problem),
        ("_dmarc.example.org", Area::Dmarc, Level::Problem),
        ("1.2.0.192.in-addr.arpa", Area::ReverseDns, Level::Warning),
        ("out.example.org", Area::ReverseDns, Level::Warning),
    ];
    for (zone_name, area, level) in cases {
        let findings = run(&silent(zone_name), &our_check()).await;
        assert_complaints(zone_name, &findings, &[(area, level, "no answer: silence")]);
    }
}

#[test]
fn findings_are_written_in_snake_case() {
    let finding = Finding::problem(Area::ReverseDns, "what is", "what to do");
    let written = serde_json::to_value(&finding).expect("JSON");
    let expected = serde_json::json!({
        "area": "reverse_dns", "level": "problem", "summary": "what is", "advice": "what to do"
    });
    assert_eq!(written, expected);
}
