-- What a mailed code needs. Times are milliseconds since 1970; addresses occur only as keyed digests.

-- Small facts about this database: the check of the root key, the newest time acted upon.
CREATE TABLE fact (
  name {name} NOT NULL PRIMARY KEY,
  value {bytes} NOT NULL,
  version {integer} NOT NULL
) {table};

-- Apps made through the API. Those of the configuration file are not here.
CREATE TABLE app (
  name {name} NOT NULL PRIMARY KEY,
  settings {text} NOT NULL,
  disabled {integer} NOT NULL,
  created_at {integer} NOT NULL,
  version {integer} NOT NULL
) {table};

CREATE TABLE api_key (
  id {key} NOT NULL PRIMARY KEY,
  app {name} NOT NULL,
  kind {name} NOT NULL,
  digest {key} NOT NULL UNIQUE,
  label {text} NOT NULL,
  created_at {integer} NOT NULL,
  expires_at {integer},
  revoked_at {integer},
  last_used_at {integer}
) {table};

-- One row for each (app, address digest), and one for all apps together (app = ''): the counters of a person,
-- and the lock that challenges of this person are decided under.
CREATE TABLE contact (
  app {name} NOT NULL,
  digest {key} NOT NULL,
  sends {bytes} NOT NULL,
  failures {bytes} NOT NULL,
  failures_in_a_row {integer} NOT NULL,
  live {bytes} NOT NULL,
  expires_at {integer} NOT NULL,
  version {integer} NOT NULL,
  PRIMARY KEY (app, digest)
) {table};
CREATE INDEX contact_expiry ON contact (expires_at);

CREATE TABLE challenge (
  id {key} NOT NULL PRIMARY KEY,
  app {name} NOT NULL,
  contact {key} NOT NULL,
  purpose {name} NOT NULL,
  state {name} NOT NULL,
  subject {key} NOT NULL,
  code_digest {key},
  link_digest {key},
  binding_digest {key} NOT NULL,
  confirmation {integer} NOT NULL,
  tries {integer} NOT NULL,
  link_tries {integer} NOT NULL,
  proven_at {integer},
  sealed_address {bytes},
  sealed_origin {bytes},
  created_at {integer} NOT NULL,
  expires_at {integer} NOT NULL,
  keep_until {integer} NOT NULL,
  version {integer} NOT NULL
) {table};
CREATE UNIQUE INDEX challenge_link ON challenge (link_digest);
CREATE INDEX challenge_keep ON challenge (keep_until);

-- The outbox. A row is a promise to deliver, named by the challenge it belongs to; `sealed` holds address and code, and goes with the row.
CREATE TABLE message (
  id {key} NOT NULL PRIMARY KEY,
  app {name} NOT NULL,
  deliver {integer} NOT NULL,
  sealed {bytes} NOT NULL,
  attempts {integer} NOT NULL,
  due_at {integer} NOT NULL,
  created_at {integer} NOT NULL,
  expires_at {integer} NOT NULL
) {table};
CREATE INDEX message_due ON message (due_at);

-- What was taken back before its time: a token by its id, or a subject's tokens issued before a moment.
CREATE TABLE revocation (
  kind {name} NOT NULL,
  app {name} NOT NULL,
  target {key} NOT NULL,
  before_at {integer} NOT NULL,
  revoked_at {integer} NOT NULL,
  expires_at {integer} NOT NULL,
  PRIMARY KEY (kind, app, target)
) {table};
CREATE INDEX revocation_time ON revocation (revoked_at);
CREATE INDEX revocation_expiry ON revocation (expires_at);

-- Signing keys by app ('' for all) and algorithm; `generation` makes two nodes agree on one successor.
CREATE TABLE signing_key (
  id {name} NOT NULL PRIMARY KEY,
  app {name} NOT NULL,
  algorithm {name} NOT NULL,
  generation {integer} NOT NULL,
  sealed {bytes} NOT NULL,
  public {bytes} NOT NULL,
  created_at {integer} NOT NULL,
  active_at {integer} NOT NULL,
  retires_at {integer} NOT NULL,
  gone_at {integer} NOT NULL
) {table};
CREATE UNIQUE INDEX signing_key_generation ON signing_key (app, algorithm, generation);

CREATE TABLE idempotency (
  id {key} NOT NULL PRIMARY KEY,
  body {key} NOT NULL,
  challenge {key} NOT NULL,
  expires_at {integer} NOT NULL
) {table};
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

-- Counters that many requests share: a node takes a block at a time.
CREATE TABLE quota (
  name {name} NOT NULL,
  period {integer} NOT NULL,
  used {integer} NOT NULL,
  expires_at {integer} NOT NULL,
  PRIMARY KEY (name, period)
) {table};
CREATE INDEX quota_expiry ON quota (expires_at);
