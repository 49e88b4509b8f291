//! Public keys made for these tests; their private halves were thrown away.

/// SubjectPublicKeyInfo of an RSA key of 1024 bits.
pub(in crate::doctor) const RSA_1024: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCsvb0JwUMZOJSCoLlE0duHUM27BZccDJy/XhenX7+fFSNGZNYYvEnpiR86uQ4mX8POwLu+HfMts5z4xNYbQWSrQot5fiuYYTwak33a/OrJ5hKOXUR/21/7ArPxJ+N04Y96hEL0IT/IOsy67VJMj7NoCzplIARlNOudGt52YkozOwIDAQAB";

/// SubjectPublicKeyInfo of an RSA key of 2048 bits.
pub(in crate::doctor) const RSA_2048: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwG77iHRGTEhyMXEpuwjnJf7a8AQy7hmbVe6X6TicUrCGUjzqQT0696sOBgz+vkkn+KJj/aNsSm4dKv9ngEsgXpEWNWv633TkHn4/zM1R+vyUrOxksqhtIBiDX8D8xromh/46OJYyc7R3dUOG2YKavkazX/Gt2C6h7I1tJ0GMQrqdgXzdnPg77zYevFLuGGeFksGgvzmCne3xPJnmZY9ClpcmTkFNmTcm2OE15DHSfLW8Z+kCgPvTLGxFNzkw5BnRXEbwn8R7JQ4vqOlzngaYaUduIVSSRkGNfWUdL1VDClteLYICr1ogTnI7YBpWmlkC1apLgdaO36ef1Qr9pL9XNQIDAQAB";

/// The same key as bare RSAPublicKey.
pub(in crate::doctor) const RSA_2048_BARE: &str = "MIIBCgKCAQEAwG77iHRGTEhyMXEpuwjnJf7a8AQy7hmbVe6X6TicUrCGUjzqQT0696sOBgz+vkkn+KJj/aNsSm4dKv9ngEsgXpEWNWv633TkHn4/zM1R+vyUrOxksqhtIBiDX8D8xromh/46OJYyc7R3dUOG2YKavkazX/Gt2C6h7I1tJ0GMQrqdgXzdnPg77zYevFLuGGeFksGgvzmCne3xPJnmZY9ClpcmTkFNmTcm2OE15DHSfLW8Z+kCgPvTLGxFNzkw5BnRXEbwn8R7JQ4vqOlzngaYaUduIVSSRkGNfWUdL1VDClteLYICr1ogTnI7YBpWmlkC1apLgdaO36ef1Qr9pL9XNQIDAQAB";

/// An Ed25519 key.
pub(in crate::doctor) const ED25519: &str = "DGWOmmoIotBMwIwBNkO+7EvmJgFzM02AYjU0nygKZZ8=";
