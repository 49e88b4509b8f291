-- What accounts need. Names of people occur as keyed digests and sealed; apps' pseudonyms as they are.

-- People of realms, where apps have accounts.
CREATE TABLE realm_user (
  id {key} NOT NULL PRIMARY KEY,
  realm {name} NOT NULL,
  status {name} NOT NULL,
  sealed_profile {bytes},
  created_at {integer} NOT NULL,
  signed_in_at {integer} NOT NULL,
  version {integer} NOT NULL
) {table};
CREATE INDEX realm_user_order ON realm_user (realm, id);

-- What a person is found by: within a realm and kind it belongs to one user.
CREATE TABLE user_identifier (
  realm {name} NOT NULL,
  kind {name} NOT NULL,
  digest {key} NOT NULL,
  user_id {key} NOT NULL,
  sealed {bytes} NOT NULL,
  is_primary {integer} NOT NULL,
  verified_at {integer},
  created_at {integer} NOT NULL,
  PRIMARY KEY (realm, kind, digest)
) {table};
CREATE INDEX user_identifier_owner ON user_identifier (user_id);

-- How a sector of apps (a keyed digest of it) knows a user, for ever.
CREATE TABLE user_subject (
  subject {key} NOT NULL PRIMARY KEY,
  user_id {key} NOT NULL,
  sector {key} NOT NULL
) {table};
CREATE UNIQUE INDEX user_subject_sector ON user_subject (user_id, sector);

-- Browsers with a cookie (cookie_digest) and clients with a refresh token (generation, rotated_at).
CREATE TABLE session (
  id {key} NOT NULL PRIMARY KEY,
  realm {name} NOT NULL,
  user_id {key} NOT NULL,
  app {name} NOT NULL,
  subject {key} NOT NULL,
  method {name} NOT NULL,
  proven_at {integer} NOT NULL,
  cookie_digest {key},
  generation {integer} NOT NULL,
  rotated_at {integer},
  sealed_device {bytes},
  created_at {integer} NOT NULL,
  used_at {integer} NOT NULL,
  idle_ends_at {integer} NOT NULL,
  expires_at {integer} NOT NULL,
  version {integer} NOT NULL
) {table};
CREATE INDEX session_owner ON session (user_id);
CREATE INDEX session_idle ON session (idle_ends_at);
