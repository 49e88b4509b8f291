-- Who may use which app. Holder, target and the two together are keyed digests, and everything else is sealed but the
-- realm and the end: the database alone tells how many there are, and not whose or what for.
CREATE TABLE access_grant (
  id {key} NOT NULL PRIMARY KEY,
  realm {name} NOT NULL,
  holder {key} NOT NULL,
  target {key} NOT NULL,
  sealed {bytes} NOT NULL,
  expires_at {integer},
  version {integer} NOT NULL
) {table};
CREATE INDEX access_grant_holder ON access_grant (holder, id);
CREATE INDEX access_grant_target ON access_grant (target, id);
CREATE INDEX access_grant_expiry ON access_grant (expires_at);
