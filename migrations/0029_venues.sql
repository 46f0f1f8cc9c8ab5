-- Common place codes: applications of ordinary places, shops within a larger place, visitors who
-- come back, personal codes on paper, and how long visits are kept.
-- Tables are small or new, and a file runs in one transaction.
-- squawk-ignore-file require-concurrent-index-creation, adding-field-with-default
-- squawk-ignore-file constraint-missing-not-valid, adding-foreign-key-constraint, ban-drop-constraint

ALTER TABLE registry.application DROP CONSTRAINT application_kind_check;
ALTER TABLE registry.application ADD CONSTRAINT application_kind_check
    CHECK (kind IN ('checkpoint', 'destination', 'venue'));
-- The number under a code of the place in which a shop lies, as the applicant read it.
ALTER TABLE registry.application ADD COLUMN within_code text NOT NULL DEFAULT '';
ALTER TABLE registry.place ADD COLUMN within_id bigint REFERENCES registry.place (id);
CREATE INDEX place_within ON registry.place (within_id) WHERE within_id IS NOT NULL;

-- What a visitor said when they came first. `held`: said on the device that holds this person's
-- record; only then it speaks for later visits.
CREATE TABLE registry.visitor (
    person_id uuid PRIMARY KEY REFERENCES registry.person (id),
    address_sealed bytea,
    declared jsonb NOT NULL DEFAULT '{}',
    declared_at timestamptz NOT NULL,
    held boolean NOT NULL DEFAULT false
);

-- A code on paper stands for a person who has no telephone. It holds a random number and no name.
CREATE TABLE registry.person_code (
    id bigint PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES registry.person (id),
    issued_at timestamptz NOT NULL,
    issued_by uuid NOT NULL,
    valid_until timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX person_code_by_person ON registry.person_code (person_id);

-- `own`: from the device that holds the person's record. `relation`: of the guardian to a child
-- that has no document.
ALTER TABLE closedloop.visit ADD COLUMN own boolean NOT NULL DEFAULT false;
ALTER TABLE closedloop.visit ADD COLUMN relation text NOT NULL DEFAULT '';
CREATE INDEX visit_by_guardian ON closedloop.visit (guardian_id) WHERE guardian_id IS NOT NULL;

-- A visitor whom the venue reported to its district, once.
CREATE TABLE closedloop.visit_report (
    visit_id uuid PRIMARY KEY,
    place_id bigint NOT NULL,
    reported_at timestamptz NOT NULL,
    actor text NOT NULL
);

INSERT INTO kernel.retention (class, amount, least, most) VALUES ('visits', 14, 14, 28);
