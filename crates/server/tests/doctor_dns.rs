//! The mail check against a real name server: Debian's `dnsmasq` with a private zone on a loopback port. A missing
//! `dnsmasq` fails these tests, unless `COUNTERSIGN_TEST_SKIP` names `dns`.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

#[path = "support/dns.rs"]
mod dns;
#[path = "support/skip.rs"]
mod skip;

use countersign_server::doctor::{Area, Finding, KeyType, Level, MailCheck, SelectorKey, check_mail};
use dns::NameServer;

/// Longer than one string of a TXT record, as every RSA key of 2048 bits is.
const RSA: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwG77iHRGTEhyMXEpuwjnJf7a8AQy7hmbVe6X6TicUrCGUjzqQT0696sOBgz+vkkn+KJj/aNsSm4dKv9ngEsgXpEWNWv633TkHn4/zM1R+vyUrOxksqhtIBiDX8D8xromh/46OJYyc7R3dUOG2YKavkazX/Gt2C6h7I1tJ0GMQrqdgXzdnPg77zYevFLuGGeFksGgvzmCne3xPJnmZY9ClpcmTkFNmTcm2OE15DHSfLW8Z+kCgPvTLGxFNzkw5BnRXEbwn8R7JQ4vqOlzngaYaUduIVSSRkGNfWUdL1VDClteLYICr1ogTnI7YBpWmlkC1apLgdaO36ef1Qr9pL9XNQIDAQAB";

const SPF: &str = "--txt-record=example.org,v=spf1 ip4:192.0.2.1 -all";
const DMARC: &str = "--txt-record=_dmarc.example.org,v=DMARC1; p=reject; rua=mailto:d@example.org";
const DKIM: &str = "mail._domainkey.example.org";

fn dkim(key: &str) -> String {
    let (first, second) = key.split_at(200);
    format!("--txt-record={DKIM},v=DKIM1; k=rsa; p={first},{second}")
}

fn good_zone() -> Vec<String> {
    [
        SPF,
        DMARC,
        &dkim(RSA),
        "--mx-host=example.org,mx.example.org,10",
        "--host-record=mx.example.org,192.0.2.25",
        "--ptr-record=1.2.0.192.in-addr.arpa,out.example.org",
        "--address=/out.example.org/192.0.2.1",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// The good zone with the option that begins so replaced, or left out.
fn zone_with(beginning: &str, replacement: Option<String>) -> Vec<String> {
    let mut zone = good_zone();
    let before = zone.len();
    zone.retain(|option| !option.starts_with(beginning));
    assert_eq!(zone.len(), before - 1, "{beginning}");
    zone.extend(replacement);
    zone
}

async fn complaints(zone: &[String]) -> Vec<Finding> {
    let server = NameServer::start(zone);
    let check = MailCheck {
        selectors: vec![SelectorKey {
            selector: "mail".to_owned(),
            key_type: KeyType::Rsa,
            public_key: RSA.to_owned(),
        }],
        sending_addresses: vec!["192.0.2.1".parse().expect("an address")],
        nameserver: Some(server.address()),
        ..MailCheck::of("example.org")
    };
    let findings = check_mail(&check).await;
    assert!(findings.len() >= 5, "{findings:#?}");
    findings.into_iter().filter(|finding| finding.level != Level::Good).collect()
}

#[tokio::test]
async fn a_good_zone_is_good() {
    if skip::asked_for("dns") {
        return;
    }
    assert_eq!(complaints(&good_zone()).await, []);
}

#[tokio::test]
async fn each_broken_record_is_found() {
    if skip::asked_for("dns") {
        return;
    }
    let spf = "--txt-record=example.org";
    let dkim_record = "--txt-record=mail._domainkey";
    let dmarc = "--txt-record=_dmarc";
    let other_address = SPF.replace("192.0.2.1", "192.0.2.99");
    let no_policy = DMARC.replace("reject", "none");
    let cases = [
        (spf, None, Area::Spf, Level::Problem, "has no SPF record"),
        (spf, Some(other_address), Area::Spf, Level::Problem, "192.0.2.1 sends our mail"),
        (dkim_record, None, Area::Dkim, Level::Problem, "There is no DKIM record"),
        (
            dkim_record,
            Some(dkim(&RSA.replace("xrom", "xrun"))),
            Area::Dkim,
            Level::Problem,
            "another public key",
        ),
        (dmarc, None, Area::Dmarc, Level::Problem, "has no DMARC record"),
        (dmarc, Some(no_policy), Area::Dmarc, Level::Warning, "is none"),
        ("--mx-host", None, Area::Mx, Level::Problem, "neither MX nor address"),
        ("--ptr-record", None, Area::ReverseDns, Level::Problem, "has no name in the reverse DNS"),
    ];
    for (beginning, replacement, area, level, part) in cases {
        let found = complaints(&zone_with(beginning, replacement)).await;
        let [finding] = found.as_slice() else { panic!("{beginning}: {found:#?}") };
        assert_eq!((finding.area, finding.level), (area, level), "{finding:?}");
        assert!(finding.summary.contains(part), "{finding:?}");
    }
}

#[tokio::test]
async fn a_dead_name_server_is_one_finding_within_seconds() {
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let check = MailCheck { nameserver: Some(closed), ..MailCheck::of("example.org") };
    let findings = tokio::time::timeout(std::time::Duration::from_secs(12), check_mail(&check)).await;
    let findings = findings.expect("an end within twelve seconds");
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!((findings[0].area, findings[0].level), (Area::Resolver, Level::Problem));
}
