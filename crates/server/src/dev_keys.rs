//! The keys of `countersign dev`: public, the same everywhere, and worth nothing. They are here so that examples can
//! be copied, and so that a configuration for `serve` that holds one of them can be refused. It does not know `dev`.

use countersign_domain::api_key::ApiKeyText;

use crate::keys::RootKey;

/// The secret API key of the sample app of `dev`.
pub const DEV_SECRET_KEY: &str = "cs_sk_0000countersign0dev0not0secret001ecflsn";
/// The publishable API key of the sample app of `dev`.
pub const DEV_PUBLISHABLE_KEY: &str = "cs_pk_0000countersign0dev0not0secret003bh9qce";
/// The root key of `dev`, 64 hexadecimal digits.
pub const DEV_ROOT_KEY: &str = "636f756e7465727369676e206465762c206e6f7420666f722073657276696e67";

/// Whether this is an API key that everybody knows.
#[must_use]
pub fn is_dev_api_key(key: &ApiKeyText) -> bool {
    [DEV_SECRET_KEY, DEV_PUBLISHABLE_KEY].contains(&key.expose())
}

/// Whether this is the root key that everybody knows, however it was written.
#[must_use]
pub fn is_dev_root_key(key: &RootKey) -> bool {
    key.to_text().expose() == DEV_ROOT_KEY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p41_the_keys_of_dev_are_keys_and_are_known_again() {
        for (text, kind) in [(DEV_SECRET_KEY, "secret"), (DEV_PUBLISHABLE_KEY, "publishable")] {
            let key = ApiKeyText::parse(text).unwrap();
            assert_eq!(key.kind().name(), kind);
            assert!(is_dev_api_key(&key));
        }
        assert!(is_dev_root_key(&RootKey::parse(DEV_ROOT_KEY).unwrap()));
        let base64 = data_encoding::BASE64.encode(b"countersign dev, not for serving");
        assert!(is_dev_root_key(&RootKey::parse(&base64).unwrap()));
        assert!(!is_dev_root_key(&RootKey::parse(&DEV_ROOT_KEY.replace("67", "68")).unwrap()));
    }
}
