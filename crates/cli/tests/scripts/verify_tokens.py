"""Verifies tokens with PyJWT, knowing only where the key set is and who issues. Exits with 1 when one does not hold."""

import json
import sys

import jwt

jwks, issuer, tokens = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
client = jwt.PyJWKClient(jwks)
for entry in tokens:
    token, algorithm, audience = entry["token"], entry["algorithm"], entry["audience"]
    key = client.get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key.key, algorithms=[algorithm], audience=audience, issuer=issuer,
                        options={"require": ["exp", "iat", "sub", "jti"]})
    header = jwt.get_unverified_header(token)
    assert header["typ"] == "at+jwt", header
    assert header["alg"] == algorithm, header
    assert claims["client_id"] == audience, claims
    # The same token with one letter of its claims changed must not hold.
    head, body, signature = token.split(".")
    changed = ".".join([head, body[:-2] + ("A" if body[-2] != "A" else "B") + body[-1], signature])
    try:
        jwt.decode(changed, key.key, algorithms=[algorithm], audience=audience, issuer=issuer)
    except jwt.InvalidTokenError:
        continue
    raise SystemExit(f"a changed token of {algorithm} was accepted")
