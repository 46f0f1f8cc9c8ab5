-- Whose journeys a telephone may show. Anybody can type a document's number; so a report counts as
-- the person's own only where it came from whoever made the earlier ones, or where there was none.
-- squawk-ignore-file require-concurrent-index-creation, adding-field-with-default

-- When staff saw the document itself, beside the person.
ALTER TABLE registry.person ADD COLUMN verified_at timestamptz;
ALTER TABLE registry.movement_person ADD COLUMN own boolean NOT NULL DEFAULT false;
CREATE INDEX movement_person_own ON registry.movement_person (person_id) WHERE own;
