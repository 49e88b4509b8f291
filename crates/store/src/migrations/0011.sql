-- The secret that a registered device had before its newest one: good for a moment more.
ALTER TABLE session ADD COLUMN former_digest {bytes};
