-- Signing keys become a realm's own. A key of one app names no realm; one that names neither is from before this step, and
-- signs for the realm `default`. The new index comes first, so that no generation can be made twice in between. The
-- comment is MariaDB's to carry out (an executable comment), where the name of an index is its table's.
ALTER TABLE signing_key ADD COLUMN realm {name} NOT NULL DEFAULT '';
CREATE UNIQUE INDEX signing_key_of_owner ON signing_key (realm, app, algorithm, generation);
DROP INDEX IF EXISTS signing_key_generation /*! ON signing_key */;
