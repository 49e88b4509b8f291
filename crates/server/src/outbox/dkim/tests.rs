//! Signatures against vectors, foreign keys and tampering.

use aws_lc_rs::signature::{self, UnparsedPublicKey};

use super::*;

const MESSAGE: &[u8] = b"From: A <a@example.org>\r\nTo: <b@example.net>\r\nSubject: Hello\r\n  you\r\nDate: Sat, 01 Aug 2026 00:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nHi.\r\n\r\nWe  lost. \r\n\r\n";

fn signed(algorithm: Algorithm) -> (DkimKey, String) {
    let pem = generate(algorithm).unwrap();
    let key = DkimKey::from_pem("Example.org", "s1", &pem).unwrap();
    let out = sign(MESSAGE, std::slice::from_ref(&key), Timestamp::from_millis(1_785_542_400_000)).unwrap();
    (key, String::from_utf8(out).unwrap())
}

/// The signature, and what it must be a signature of, put together from the sent bytes alone.
fn take_apart(sent: &str) -> (Vec<u8>, Vec<u8>) {
    let (headers, _) = canonical::split(sent.as_bytes());
    let own = String::from_utf8(headers[0].to_vec()).unwrap();
    let value = own.strip_prefix("DKIM-Signature: ").unwrap().replace("\r\n ", " ");
    let (before, b) = value.trim_end().split_once(" b=").unwrap();
    let mut input = canonical::select(&headers[1..], &SIGNED);
    input.extend_from_slice(format!("dkim-signature:{before} b=").as_bytes());
    (input, BASE64.decode(b.replace(' ', "").as_bytes()).unwrap())
}

#[test]
fn signatures_verify_and_changes_break_them() {
    for algorithm in [Algorithm::Ed25519, Algorithm::Rsa] {
        let (key, sent) = signed(algorithm);
        assert!(sent.ends_with(std::str::from_utf8(MESSAGE).unwrap()));
        assert!(sent.lines().all(|line| line.len() <= 160));
        let (mut input, signature) = take_apart(&sent);
        let record = key.dns_record().unwrap().1;
        let public = BASE64.decode(record.split("p=").nth(1).unwrap().as_bytes()).unwrap();
        let verify = |input: &[u8]| match algorithm {
            Algorithm::Ed25519 => {
                let digest = digest::digest(&digest::SHA256, input);
                UnparsedPublicKey::new(&signature::ED25519, &public).verify(digest.as_ref(), &signature)
            }
            Algorithm::Rsa => UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, &public)
                .verify(input, &signature),
        };
        verify(&input).unwrap();
        input[10] ^= 1;
        assert!(verify(&input).is_err());
    }
}

#[test]
fn signs_as_rfc_8463_does() {
    // The key and the message of RFC 8463, appendix A; the signed headers differ, the body hash does not.
    let seed = BASE64.decode(b"nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").unwrap();
    let key = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let pkcs8: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        BASE64.encode(pkcs8.as_ref())
    );
    let key = DkimKey::from_pem("football.example.com", "brisbane", &Secret::new(pem)).unwrap();
    let (name, value) = key.dns_record().unwrap();
    assert_eq!(name, "brisbane._domainkey.football.example.com");
    assert_eq!(value, "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");

    let headers = "From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\n\
        Subject: Is dinner ready?\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
        Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n";
    let message = format!("{headers}\r\nHi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n");
    let sent = sign(message.as_bytes(), &[key], Timestamp::from_millis(1_528_637_909_000)).unwrap();
    let sent = String::from_utf8(sent).unwrap();
    assert!(sent.contains(" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"), "{sent}");

    let (split, _) = canonical::split(message.as_bytes());
    let names = ["from", "to", "subject", "date", "message-id", "from", "subject", "date"];
    let mut input = canonical::select(&split, &names);
    input.extend_from_slice(
        b"dkim-signature:v=1; a=ed25519-sha256; c=relaxed/relaxed; d=football.example.com; i=@football.example.com; \
        q=dns/txt; s=brisbane; t=1528637909; h=from : to : subject : date : message-id : from : subject : date; \
        bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; b=",
    );
    let digest = digest::digest(&digest::SHA256, &input);
    let expected = "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==";
    let key = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    assert_eq!(BASE64.encode(key.sign(digest.as_ref()).as_ref()), expected);
}

#[test]
fn refuses_bad_keys_and_names() {
    let good = generate(Algorithm::Ed25519).unwrap();
    for (domain, selector) in
        [("", "s"), ("a b", "s"), ("example.org", "s;d=x"), ("example.org.", "s"), ("a", "s\r\n")]
    {
        assert_eq!(
            DkimKey::from_pem(domain, selector, &good).err(),
            Some(DkimError::Name),
            "{domain:?} {selector:?}"
        );
    }
    for pem in [
        include_str!("testdata/rsa1024.pem"),
        "",
        "nonsense",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ] {
        let outcome = DkimKey::from_pem("a.example", "s", &Secret::new(pem.to_owned()));
        assert_eq!(outcome.err(), Some(DkimError::NotAKey), "{pem:?}");
    }
}
