-- The driver's side: drafts of reports, devices that drivers come back with, codes sent to phones.
-- squawk-ignore-file require-concurrent-index-creation, adding-field-with-default

-- A message that goes to one person's phone: number and words, sealed. The feed never shows them.
ALTER TABLE kernel.outbox ADD COLUMN sealed bytea;
ALTER TABLE kernel.outbox ADD COLUMN gave_up_at timestamptz;
-- Nothing has sent messages before, so the table holds little when it is written anew.
ALTER TABLE kernel.outbox ADD COLUMN by_phone boolean
    GENERATED ALWAYS AS (recipient = 'phone' OR recipient LIKE 'movement:%') STORED;
CREATE INDEX outbox_to_phones ON kernel.outbox (next_at)
    WHERE by_phone AND sent_at IS NULL AND gave_up_at IS NULL;

-- When its holder typed the code that was sent to it.
ALTER TABLE registry.person ADD COLUMN phone_proved_at timestamptz;

-- Who holds the cookie of which this is the hash has reported before as that person. Until
-- `proved_until` they have also shown that they know the last four characters of the document.
CREATE TABLE registry.driver_device (
    token_hash bytea PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES registry.person (id),
    bound_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    proved_until timestamptz,
    failures int NOT NULL DEFAULT 0 CHECK (failures >= 0),
    revoked_at timestamptz
);
CREATE INDEX driver_device_by_person ON registry.driver_device (person_id);

-- Wrong guesses at a person's document, counted for life (invariant I7); the database refuses the
-- eleventh whatever the program does.
CREATE TABLE registry.person_attempt (
    person_id uuid PRIMARY KEY REFERENCES registry.person (id),
    failures int NOT NULL CONSTRAINT person_attempts_are_few CHECK (failures BETWEEN 0 AND 10)
);

-- What was typed so far. `owner_hash` is that of the device's cookie; a draft that somebody else
-- began for the driver has none until its link is opened. `became` is the movement that it made, or
-- that it amends.
CREATE TABLE registry.draft (
    id uuid PRIMARY KEY,
    owner_hash bytea,
    link_hash bytea CONSTRAINT draft_link_once UNIQUE,
    kind text NOT NULL CHECK (kind IN ('report', 'amendment')),
    channel text NOT NULL,
    made_by text NOT NULL,
    typed_sealed bytea NOT NULL,
    event_id uuid NOT NULL,
    became bigint,
    sent_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CHECK (num_nonnulls(owner_hash, link_hash) >= 1)
);
CREATE INDEX draft_by_owner ON registry.draft (owner_hash, updated_at);
CREATE INDEX draft_by_expiry ON registry.draft (expires_at);

-- The subject is a keyed hash of the number, known here or not.
CREATE TABLE registry.phone_code (
    phone_blind bytea PRIMARY KEY,
    code_hash bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    failures int NOT NULL DEFAULT 0,
    sent int NOT NULL DEFAULT 1,
    sent_since timestamptz NOT NULL
);
