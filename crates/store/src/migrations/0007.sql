-- Sealing keys by realm ('' for the server's own), wrapped by the master key.
CREATE TABLE sealing_key (
  number {integer} NOT NULL PRIMARY KEY,
  realm {name} NOT NULL,
  generation {integer} NOT NULL,
  wrapped {bytes} NOT NULL,
  handover {bytes},
  created_at {integer} NOT NULL,
  active_at {integer} NOT NULL
) {table};
CREATE UNIQUE INDEX sealing_key_generation ON sealing_key (realm, generation);
