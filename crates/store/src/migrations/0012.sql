-- What people give to clients that send a name and a password. What it is called and good for is sealed.
CREATE TABLE app_password (
  id {key} NOT NULL PRIMARY KEY,
  realm {name} NOT NULL,
  user_id {key} NOT NULL,
  digest {key} NOT NULL,
  sealed {bytes} NOT NULL,
  created_at {integer} NOT NULL,
  expires_at {integer},
  used_at {integer}
) {table};
CREATE UNIQUE INDEX app_password_digest ON app_password (digest);
CREATE INDEX app_password_user ON app_password (user_id);
