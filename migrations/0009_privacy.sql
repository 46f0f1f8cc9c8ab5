-- Keys under the master key, how long each class of data is kept, and who was shown what.
-- The file is one transaction, in which no index can be made concurrently; and what may be erased
-- must be able to be empty, which every reader of this release knows.
-- squawk-ignore-file require-concurrent-index-creation, ban-drop-not-null

-- A data key, wrapped by the master key whose fingerprint stands beside it. `index` is the one root
-- of look-ups and tags, which never changes; of the others the newest that seals already is used.
-- A destroyed key leaves its row, so that what it sealed is known to be gone and not to be broken.
CREATE TABLE kernel.data_key (
    id int PRIMARY KEY CHECK (id > 0),
    purpose text NOT NULL CHECK (purpose IN ('seal', 'index')),
    wrapped bytea,
    master text NOT NULL,
    created_at timestamptz NOT NULL,
    seals_from timestamptz NOT NULL,
    retired_at timestamptz,
    destroyed_at timestamptz,
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL)),
    CHECK (purpose = 'seal' OR destroyed_at IS NULL)
);
CREATE UNIQUE INDEX data_key_one_index ON kernel.data_key (purpose) WHERE purpose = 'index';

-- How long each class is kept, in days; the quota is a number of readings for an officer and day.
CREATE TABLE kernel.retention (
    class text PRIMARY KEY,
    amount int NOT NULL,
    least int NOT NULL CHECK (least >= 0),
    most int NOT NULL,
    CONSTRAINT retention_within_bounds CHECK (amount BETWEEN least AND most)
);
INSERT INTO kernel.retention (class, amount, least, most) VALUES
    ('drafts', 1, 1, 30),
    ('phone_codes', 1, 1, 7),
    ('messages', 1, 1, 30),
    ('sessions', 0, 0, 7),
    ('submissions', 21, 7, 90),
    ('health', 21, 7, 90),
    ('people', 21, 7, 180),
    ('masked_names', 90, 21, 365),
    ('evidence', 60, 30, 400),
    ('contacts', 90, 30, 365),
    ('devices', 90, 30, 365),
    ('records', 365, 180, 1095),
    ('audit', 1095, 365, 3650),
    ('reveal_quota', 200, 1, 1000);

CREATE TABLE kernel.retention_change (
    id uuid PRIMARY KEY,
    class text NOT NULL REFERENCES kernel.retention (class),
    before int NOT NULL,
    after int NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    actor_id uuid NOT NULL,
    actor_name text NOT NULL,
    at timestamptz NOT NULL
);
CREATE TRIGGER retention_change_is_append_only BEFORE UPDATE OR DELETE ON kernel.retention_change
FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER retention_change_is_not_emptied BEFORE TRUNCATE ON kernel.retention_change
FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

-- What is append-only may go when its time is over, and only for the job that says so: the
-- database itself looks at the age. The column that tells it is the trigger's first argument, the
-- class the second.
CREATE FUNCTION kernel.refuse_change_until_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'DELETE' AND current_setting('checkpoint.retention', true) = 'on'
       AND (to_jsonb(old) ->> tg_argv[0])::timestamptz
           < now() - (SELECT make_interval(days => amount) FROM kernel.retention
                       WHERE class = tg_argv[1]) THEN
        RETURN old;
    END IF;
    RAISE EXCEPTION '% is append-only', tg_table_name USING errcode = 'restrict_violation';
END $$;

DROP TRIGGER audit_is_append_only ON kernel.audit;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON kernel.audit
FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change_until_due('at', 'audit');
DROP TRIGGER append_only ON registry.event;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON registry.event
FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change_until_due('received_at', 'records');
DROP TRIGGER append_only ON alerts.alert;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON alerts.alert
FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change_until_due('raised_at', 'records');

-- A person who was erased keeps the id, which the ledger and the record of accesses speak of.
ALTER TABLE registry.person
    ALTER COLUMN id_blind DROP NOT NULL,
    ALTER COLUMN id_sealed DROP NOT NULL,
    ALTER COLUMN name_sealed DROP NOT NULL,
    ADD COLUMN erase_asked_at timestamptz,
    ADD COLUMN erased_at timestamptz;
CREATE INDEX person_to_erase ON registry.person (updated_at) WHERE erased_at IS NULL;
CREATE INDEX movement_person_by_person ON registry.movement_person (person_id);
CREATE INDEX driver_device_by_use ON registry.driver_device (seen_at);

ALTER TABLE registry.application
    ALTER COLUMN contact_sealed DROP NOT NULL,
    ALTER COLUMN contact_phone_sealed DROP NOT NULL;

-- How many people an officer was shown on one day (of Asia/Shanghai), and how many more were asked
-- for when the quota was used up.
CREATE TABLE registry.reveal_count (
    actor_id uuid NOT NULL,
    day date NOT NULL,
    used int NOT NULL DEFAULT 0 CHECK (used >= 0),
    refused int NOT NULL DEFAULT 0 CHECK (refused >= 0),
    PRIMARY KEY (actor_id, day)
);
