//! Properties of the parser over hostile input.

use countersign_domain::identifier::{AddressError, EmailAddress};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Strings that are mostly not addresses: any characters, and those that mean something to some parser.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z@.\"()<>,;: \\\\\\[\\]\r\n\0\t-]{0,40}",
        "\\PC{0,20}@\\PC{0,40}",
        "[a-z]{1,5}@(xn--)?[a-z0-9-]{0,20}\\.[a-z]{2,3}",
        proptest::collection::vec(any::<char>(), 0..1100).prop_map(String::from_iter),
    ]
}

/// Addresses that are taken, ASCII and international.
fn valid() -> impl Strategy<Value = String> {
    let domain = prop_oneof![
        "[a-zA-Z0-9]{1,10}(\\.[a-z]{2,5}){1,3}",
        select(vec![
            "münchen.de",
            "straße.de",
            "例え.テスト",
            "אבג.example",
            "xn--mnchen-3ya.de",
            "\u{1F4A9}.la"
        ])
        .prop_map(str::to_owned),
    ];
    ("[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,8}(\\.[a-zA-Z0-9+]{1,8}){0,2}", domain)
        .prop_map(|(local, domain)| format!("{local}@{domain}"))
}

/// Characters that have broken parsers, mailers or normalisers.
fn poison() -> impl Strategy<Value = char> {
    let known = "\r\n\0\t\u{7f}\u{85}\u{a0}\u{ad}\u{200b}\u{200d}\u{202e}\u{2028}\u{feff}\u{fffd}\u{131}\u{130}\
                 \u{212a}\u{17f}\u{df}\u{3002}\u{ff0e}\u{ff20}\u{ff0c}\u{ff1e}\u{301}@.,;:<>()[]\"\\ -+%!/xn";
    prop_oneof![3 => select(known.chars().collect::<Vec<_>>()), 1 => any::<char>()]
}

/// One change of an address: what is put in, taken out, doubled or turned to the other case, and where.
#[derive(Clone, Debug)]
enum Mutation {
    Insert(Index, char),
    Replace(Index, char),
    Remove(Index),
    Double(Index),
    FlipCase(Index),
    Cut(Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        (any::<Index>(), poison()).prop_map(|(at, with)| Mutation::Insert(at, with)),
        (any::<Index>(), poison()).prop_map(|(at, with)| Mutation::Replace(at, with)),
        any::<Index>().prop_map(Mutation::Remove),
        any::<Index>().prop_map(Mutation::Double),
        any::<Index>().prop_map(Mutation::FlipCase),
        any::<Index>().prop_map(Mutation::Cut),
    ]
}

fn mutate(address: &str, mutations: &[Mutation]) -> String {
    let mut characters: Vec<char> = address.chars().collect();
    for change in mutations {
        let length = characters.len();
        match change {
            Mutation::Insert(at, with) => characters.insert(at.index(length + 1), *with),
            _ if length == 0 => {}
            Mutation::Replace(at, with) => characters[at.index(length)] = *with,
            Mutation::Remove(at) => drop(characters.remove(at.index(length))),
            Mutation::Double(at) => characters.insert(at.index(length), characters[at.index(length)]),
            Mutation::FlipCase(at) => flip_case(&mut characters[at.index(length)]),
            Mutation::Cut(at) => characters.truncate(at.index(length)),
        }
    }
    characters.into_iter().collect()
}

fn flip_case(character: &mut char) {
    *character = if character.is_ascii_uppercase() {
        character.to_ascii_lowercase()
    } else {
        character.to_ascii_uppercase()
    };
}

/// What holds for every input, taken or not.
fn holds(input: &str) -> Result<(), TestCaseError> {
    match EmailAddress::parse(input) {
        Ok(address) => holds_for_taken(input, &address),
        Err(AddressError::TooLong) => Ok(()),
        Err(_) => {
            prop_assert!(input.len() <= 1024, "a long input is refused for its length");
            Ok(())
        }
    }
}

fn holds_for_taken(input: &str, address: &EmailAddress) -> Result<(), TestCaseError> {
    let canonical = address.canonical();
    let harmless = |byte: u8| byte.is_ascii_graphic() && !b" <>,;:\"\\()[]".contains(&byte);
    prop_assert!(canonical.bytes().all(harmless), "{canonical:?}");
    prop_assert!(!canonical.bytes().any(|byte| byte.is_ascii_uppercase()), "{canonical:?}");
    prop_assert_eq!(canonical.matches('@').count(), 1);
    prop_assert!(canonical.len() <= 254 && (1..=64).contains(&address.local().len()));
    prop_assert_eq!(format!("{}@{}", address.local(), address.domain()), canonical);

    let hosts = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    prop_assert!(address.domain().bytes().all(hosts), "{canonical:?}");
    prop_assert!(address.domain().split('.').all(|label| (1..=63).contains(&label.len())));

    let (local, domain) = sides(input);
    prop_assert_eq!(address.local(), local.to_ascii_lowercase());
    if domain.is_ascii() {
        prop_assert_eq!(address.domain(), domain.to_ascii_lowercase());
    }
    let again = EmailAddress::parse(canonical);
    prop_assert_eq!(again.as_ref(), Ok(address), "{:?}", canonical);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn p10_no_input_gives_more_than_one_plain_recipient(input in hostile()) {
        holds(&input)?;
    }

    #[test]
    fn p10_no_change_of_a_valid_address_gives_more_than_one_plain_recipient(
        address in valid(),
        mutations in proptest::collection::vec(mutation(), 1..5),
    ) {
        holds(&mutate(&address, &mutations))?;
    }

    #[test]
    fn valid_addresses_are_taken(address in valid()) {
        prop_assert!(EmailAddress::parse(&address).is_ok());
        holds(&address)?;
    }

    #[test]
    fn p14_changed_addresses_are_equal_only_by_ascii_case_or_the_mapping_of_domains(
        address in valid(),
        mutations in proptest::collection::vec(mutation(), 1..3),
    ) {
        let changed = mutate(&address, &mutations);
        let parsed = (EmailAddress::parse(&address), EmailAddress::parse(&changed));
        if let (Ok(one), Ok(other)) = parsed {
            prop_assert_eq!(one == other, same_mailbox(&address, &changed), "{:?} {:?}", address, changed);
        }
    }
}

/// Whether mail to both goes to the same place, told without the parser under test: local parts that differ in
/// ASCII case alone, domains that are the same name to a resolver.
fn same_mailbox(one: &str, other: &str) -> bool {
    let ((one_local, one_domain), (other_local, other_domain)) = (sides(one), sides(other));
    one_local.eq_ignore_ascii_case(other_local)
        && idna::domain_to_unicode(one_domain).0 == idna::domain_to_unicode(other_domain).0
}

/// What is before and after the first `@`.
fn sides(address: &str) -> (&str, &str) {
    address.trim_matches(' ').split_once('@').unwrap_or_default()
}
