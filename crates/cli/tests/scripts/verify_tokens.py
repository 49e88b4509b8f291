"""Verifies tokens with PyJWT, knowing only where the key set is and who issues; those that come with a shared secret
(base64url), with that. Exits with 1 when one does not hold."""

import base64
import json
import sys

import jwt

jwks, issuer, tokens = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
client = jwt.PyJWKClient(jwks)
for entry in tokens:
    token, algorithm, audience = entry["token"], entry["algorithm"], entry["audience"]
    if "secret" in entry:
        key = base64.urlsafe_b64decode(entry["secret"] + "=" * (-len(entry["secret"]) % 4))
    else:
        key = client.get_signing_key_from_jwt(token).key
    claims = jwt.decode(token, key, algorithms=[algorithm], audience=audience, issuer=issuer,
                        options={"require": ["exp", "iat", "sub", "jti"]})
    header = jwt.get_unverified_header(token)
    assert header["typ"] == "at+jwt", header
    assert header["alg"] == algorithm, header
    assert claims["client_id"] == audience, claims
    # The same token with one letter of its claims changed must not hold.
    head, body, signature = token.split(".")
    changed = ".".join([head, body[:-2] + ("A" if body[-2] != "A" else "B") + body[-1], signature])
    try:
        jwt.decode(changed, key, algorithms=[algorithm], audience=audience, issuer=issuer)
    except jwt.InvalidTokenError:
        continue
    raise SystemExit(f"a changed token of {algorithm} was accepted")
