-- Cameras, keys of other programs, and what changed since.
-- squawk-ignore-file require-concurrent-index-creation, prefer-robust-stmts, adding-foreign-key-constraint, constraint-missing-not-valid, adding-field-with-default

-- The lane that a camera looks at, where what it sends names none.
ALTER TABLE registry.device ADD COLUMN gate text NOT NULL DEFAULT '';

-- A clock that was never set is not believed: the reading has the time of its receipt, and says so.
ALTER TABLE registry.camera_read ADD COLUMN clock_wrong boolean NOT NULL DEFAULT false;
-- What an officer made of a plate that nobody reported.
ALTER TABLE registry.camera_read ADD COLUMN settled text NOT NULL DEFAULT ''
    CONSTRAINT camera_read_settled CHECK (settled IN ('', 'movement', 'dismissed'));
ALTER TABLE registry.camera_read ADD COLUMN settled_by uuid;
ALTER TABLE registry.camera_read ADD COLUMN settled_at timestamptz;
CREATE INDEX camera_read_unsettled ON registry.camera_read (taken_at)
    WHERE outcome = 'unregistered' AND settled = '';

INSERT INTO kernel.retention (class, amount, least, most) VALUES
    ('camera_reads', 21, 7, 90),
    ('camera_strays', 3, 1, 14);

-- A key lets another program act as an account, within scopes and a quota, until an hour. One
-- office prepares it, another releases it; its tokens come one after the other.
CREATE TABLE registry.api_key (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES registry.account (id),
    label text NOT NULL CHECK (label <> ''),
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
    per_minute int NOT NULL CHECK (per_minute BETWEEN 1 AND 6000),
    per_day int NOT NULL CHECK (per_day BETWEEN 1 AND 5000000),
    expires_at timestamptz NOT NULL,
    prepared_by uuid NOT NULL,
    prepared_at timestamptz NOT NULL,
    decision text CHECK (decision IN ('released', 'refused')),
    decided_by uuid,
    decided_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT api_key_lasts CHECK (expires_at > prepared_at),
    CONSTRAINT api_key_by_two CHECK (decided_by <> prepared_by),
    CONSTRAINT api_key_decided CHECK (num_nonnulls(decision, decided_by, decided_at) IN (0, 3))
);
CREATE INDEX api_key_by_account ON registry.api_key (account_id);
CREATE TRIGGER bump AFTER INSERT OR UPDATE OR DELETE ON registry.api_key
    FOR EACH STATEMENT EXECUTE FUNCTION registry.bump_epoch();
ALTER TABLE registry.token ADD COLUMN key_id uuid REFERENCES registry.api_key (id);

-- How much of a quota is used up: the window that is now, and no older one.
CREATE TABLE registry.key_use (
    key_id uuid NOT NULL REFERENCES registry.api_key (id),
    span text NOT NULL CHECK (span IN ('minute', 'day')),
    starts_at timestamptz NOT NULL,
    used int NOT NULL CHECK (used > 0),
    used_at timestamptz NOT NULL,
    PRIMARY KEY (key_id, span)
) WITH (fillfactor = 50);

-- Every version of every loop, for readers who come back with a cursor. Positions are given when
-- the feed is read, as the outbox's are: numbers drawn by writers appear in the order of their
-- commits, and a reader would step over the slower one.
CREATE TABLE closedloop.change (
    movement_id bigint NOT NULL,
    version int NOT NULL,
    state text NOT NULL,
    at timestamptz NOT NULL,
    position bigint,
    PRIMARY KEY (movement_id, version)
);
CREATE SEQUENCE closedloop.change_position AS bigint;
CREATE INDEX change_waiting ON closedloop.change (at) WHERE position IS NULL;
CREATE INDEX change_by_position ON closedloop.change (position) WHERE position IS NOT NULL;
