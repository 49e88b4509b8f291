-- What passwords need. Hashes are sealed: the database alone gives nothing to guess at.

-- The password of a user, if there is one.
CREATE TABLE user_password (
  user_id {key} NOT NULL PRIMARY KEY,
  sealed_hash {bytes} NOT NULL,
  made_at {integer} NOT NULL,
  version {integer} NOT NULL
) {table};

-- A password that somebody wishes who has not proven the mailbox yet; goes with the challenge.
CREATE TABLE password_wish (
  challenge {key} NOT NULL PRIMARY KEY,
  sealed_hash {bytes} NOT NULL,
  expires_at {integer} NOT NULL
) {table};
CREATE INDEX password_wish_expiry ON password_wish (expires_at);
