-- Credentials beside passwords, and sign-ins that need more than one proof.

-- What a user signs in with: a passkey or security key (lookup: keyed digest of its credential id), a TOTP, recovery
-- codes. What a kind needs to check one is sealed as a whole; counter is its newest: signature, step, or codes spent.
CREATE TABLE credential (
  id {key} NOT NULL PRIMARY KEY,
  realm {name} NOT NULL,
  user_id {key} NOT NULL,
  kind {name} NOT NULL,
  lookup {key},
  vouched_by {name} NOT NULL,
  sealed {bytes} NOT NULL,
  sealed_label {bytes},
  counter {integer} NOT NULL,
  created_at {integer} NOT NULL,
  used_at {integer},
  version {integer} NOT NULL
) {table};
CREATE INDEX credential_owner ON credential (user_id);
CREATE UNIQUE INDEX credential_lookup ON credential (realm, lookup);

-- Sign-ins under way: what is proven so far, by whoever holds the binding.
CREATE TABLE pending_sign_in (
  id {key} NOT NULL PRIMARY KEY,
  realm {name} NOT NULL,
  app {name} NOT NULL,
  user_id {key},
  binding {key} NOT NULL,
  methods {name} NOT NULL,
  proven_at {integer},
  acr {name} NOT NULL,
  sealed {bytes} NOT NULL,
  created_at {integer} NOT NULL,
  expires_at {integer} NOT NULL,
  version {integer} NOT NULL
) {table};
CREATE INDEX pending_sign_in_owner ON pending_sign_in (user_id);
CREATE INDEX pending_sign_in_expiry ON pending_sign_in (expires_at);

-- Questions to authenticators that wait for their one answer, within a session or a sign-in under way.
CREATE TABLE ceremony (
  id {key} NOT NULL PRIMARY KEY,
  realm {name} NOT NULL,
  kind {name} NOT NULL,
  within {key} NOT NULL,
  user_id {key},
  sealed {bytes} NOT NULL,
  expires_at {integer} NOT NULL
) {table};
CREATE INDEX ceremony_owner ON ceremony (user_id);
CREATE INDEX ceremony_expiry ON ceremony (expires_at);
