-- What people change about themselves, and what apps keep with them.

-- Links that take something back: the removal of an address, or an erasure, which happens when the link is over.
CREATE TABLE user_undo (
  link {key} NOT NULL PRIMARY KEY,
  user_id {key} NOT NULL,
  kind {name} NOT NULL,
  sealed {bytes},
  created_at {integer} NOT NULL,
  expires_at {integer} NOT NULL
) {table};
CREATE INDEX user_undo_owner ON user_undo (user_id);
CREATE INDEX user_undo_end ON user_undo (expires_at);

-- What a sector of apps keeps with a person, by the person's subject there.
CREATE TABLE user_metadata (
  subject {key} NOT NULL PRIMARY KEY,
  user_id {key} NOT NULL,
  sealed {bytes} NOT NULL,
  version {integer} NOT NULL
) {table};
CREATE INDEX user_metadata_owner ON user_metadata (user_id);
