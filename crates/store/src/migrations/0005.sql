-- The log of events, what vouches for it, and what webhooks are told.

-- Who is meant is a pseudonym: a user's under `event_key`, anybody else's for a day. Empty text and bytes are none.
CREATE TABLE event (
  id {key} NOT NULL PRIMARY KEY,
  node {key} NOT NULL,
  kind {name} NOT NULL,
  outcome {name} NOT NULL,
  realm {name} NOT NULL,
  app {name} NOT NULL,
  actor {name} NOT NULL,
  person {key} NOT NULL,
  is_user {integer} NOT NULL,
  target {name} NOT NULL,
  method {name} NOT NULL,
  request {key} NOT NULL,
  sealed {bytes},
  mac {key} NOT NULL
) {table};

-- The events of users, to be found by them.
CREATE TABLE event_person (
  person {key} NOT NULL,
  event_id {key} NOT NULL,
  PRIMARY KEY (person, event_id)
) {table};
CREATE INDEX event_person_event ON event_person (event_id);

-- The key that names a user in the log and seals what is told about them. It goes with the user.
CREATE TABLE event_key (
  user_id {key} NOT NULL PRIMARY KEY,
  sealed {bytes} NOT NULL
) {table};

-- Signed statements: each covers events of one node and vouches for all statements before it.
CREATE TABLE event_checkpoint (
  sequence {integer} NOT NULL PRIMARY KEY,
  node {key} NOT NULL,
  first_id {key} NOT NULL,
  last_id {key} NOT NULL,
  covered {integer} NOT NULL,
  oldest {integer} NOT NULL,
  made_at {integer} NOT NULL,
  events {key} NOT NULL,
  previous {key} NOT NULL,
  signature {bytes} NOT NULL
) {table};
CREATE INDEX event_checkpoint_last ON event_checkpoint (node, last_id);

-- What webhooks are still to be told; `sealed` holds it, and goes with the row.
CREATE TABLE webhook_delivery (
  id {key} NOT NULL PRIMARY KEY,
  hook {name} NOT NULL,
  sealed {bytes} NOT NULL,
  attempts {integer} NOT NULL,
  due_at {integer} NOT NULL,
  expires_at {integer} NOT NULL
) {table};
CREATE INDEX webhook_delivery_due ON webhook_delivery (due_at);
CREATE INDEX webhook_delivery_expiry ON webhook_delivery (expires_at);
