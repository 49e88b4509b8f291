-- What administrators keep: realms, their own keys, and invitations.

-- Realms made through the API. Those of the configuration file are not here.
CREATE TABLE realm (
  name {name} NOT NULL PRIMARY KEY,
  settings {text} NOT NULL,
  created_at {integer} NOT NULL,
  version {integer} NOT NULL
) {table};

-- Keys for /v1/admin over a network. `realm` is '' for all realms; `scopes` are names with spaces between them.
CREATE TABLE admin_key (
  id {key} NOT NULL PRIMARY KEY,
  realm {name} NOT NULL,
  scopes {name} NOT NULL,
  digest {key} NOT NULL UNIQUE,
  label {text} NOT NULL,
  created_at {integer} NOT NULL,
  expires_at {integer},
  revoked_at {integer},
  last_used_at {integer}
) {table};

-- Lists of those who are switched off, among a million who are not.
CREATE INDEX realm_user_status ON realm_user (realm, status, id);

-- Who may come to an app that lets only the invited in: one open invitation for each mailbox, by its keyed digest.
CREATE TABLE invitation (
  id {key} NOT NULL PRIMARY KEY,
  realm {name} NOT NULL,
  app {name} NOT NULL,
  digest {key} NOT NULL,
  created_at {integer} NOT NULL,
  expires_at {integer} NOT NULL
) {table};
CREATE UNIQUE INDEX invitation_mailbox ON invitation (app, digest);
CREATE INDEX invitation_order ON invitation (realm, id);
CREATE INDEX invitation_expiry ON invitation (expires_at);
