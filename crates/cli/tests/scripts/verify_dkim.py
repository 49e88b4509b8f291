"""Verifies every signature of a mail with dkimpy; the DNS is a table. Exits with 1 when one does not hold."""

import json
import sys

import dkim

message = open(sys.argv[1], "rb").read()
records = json.loads(sys.argv[2])


def dnsfunc(name, timeout=5):
    """The TXT record of a name."""
    found = records.get(name.decode().rstrip("."))
    return found.encode() if found else None


signatures = message.lower().count(b"\ndkim-signature:") + message.lower().startswith(b"dkim-signature:")
assert signatures == len(records), f"{signatures} signatures for {len(records)} keys"
algorithms = set()
for index in range(signatures):
    signature = dkim.DKIM(message)
    assert signature.verify(idx=index, dnsfunc=dnsfunc), f"signature {index} does not hold"
    algorithms.add(signature.signature_fields[b"a"])
    for old, new in [(b"From:", b"From: x"), (b"Subject:", b"Subject: x"), (b"#", b"##")]:
        changed = message.replace(old, new, 1) if old != b"#" else new.join(message.rsplit(old, 1))
        assert changed != message, old
        try:
            held = dkim.DKIM(changed).verify(idx=index, dnsfunc=dnsfunc)
        except dkim.DKIMException:
            held = False
        assert not held, f"signature {index} holds after a change of {old}"
assert algorithms == {b"rsa-sha256", b"ed25519-sha256"}, algorithms
