-- The information desk (seeds 002 and 003): work items with their steps, help and complaints by
-- telephone and form, calls to be made, and firms that are asked before a truck comes.

-- A work item. `id` is the sender's, once and for ever. What somebody said and who they are is
-- sealed and goes before the rest; `about_movement` and `about_event` name what it is about, where
-- an officer has found it. Steps are told by alerts.ticket_event.
CREATE TABLE alerts.ticket (
    id uuid CONSTRAINT ticket_once PRIMARY KEY,
    body_hash bytea NOT NULL,
    number text NOT NULL CONSTRAINT ticket_number_once UNIQUE
        CONSTRAINT ticket_number_readable CHECK (number ~ '^12328-[0-9]{8}-[0-9]{4,}$'),
    kind text NOT NULL CHECK (kind IN ('screening', 'complaint', 'help')),
    category text NOT NULL CHECK (category <> ''),
    source text NOT NULL CHECK (source IN ('phone', 'web', 'api', 'list', 'loop')),
    priority int NOT NULL CHECK (priority BETWEEN 1 AND 4),
    -- More came within an hour from this telephone than one caller sends: behind others as urgent.
    crowded boolean NOT NULL DEFAULT false,
    state text NOT NULL
        CHECK (state IN ('received', 'pushed', 'replied', 'reviewed', 'answered', 'closed')),
    version int NOT NULL DEFAULT 1 CHECK (version > 0),
    rules_version int NOT NULL,
    lang text NOT NULL CHECK (lang IN ('zh', 'en')),
    received_at timestamptz NOT NULL,
    since timestamptz NOT NULL,
    due_at timestamptz,
    answer_by timestamptz NOT NULL,
    finished_at timestamptz,
    district_code text NOT NULL DEFAULT '',
    unit_kind text NOT NULL DEFAULT ''
        CHECK (unit_kind IN ('', 'district', 'police', 'firm', 'checkpoint')),
    unit_district text NOT NULL DEFAULT '',
    unit_place_id bigint,
    plate text NOT NULL DEFAULT '',
    seen_at timestamptz,
    about_movement bigint,
    about_event uuid,
    caller_sealed bytea,
    phone_sealed bytea,
    phone_blind bytea,
    masked_name text NOT NULL DEFAULT '',
    masked_phone text NOT NULL DEFAULT '',
    batch_id uuid,
    tries int NOT NULL DEFAULT 0 CHECK (tries >= 0),
    not_before timestamptz,
    claimed_by uuid,
    claimed_until timestamptz,
    reopened boolean NOT NULL DEFAULT false,
    rating int CHECK (rating BETWEEN 1 AND 5),
    CONSTRAINT ticket_ends CHECK ((finished_at IS NOT NULL) = (state IN ('answered', 'closed'))),
    CONSTRAINT ticket_runs CHECK ((due_at IS NULL) = (finished_at IS NOT NULL)),
    CONSTRAINT ticket_unit_is_somewhere CHECK ((unit_kind IN ('firm', 'checkpoint'))
                                                = (unit_place_id IS NOT NULL)),
    CONSTRAINT ticket_claim_whole CHECK ((claimed_by IS NULL) = (claimed_until IS NULL))
);
CREATE INDEX ticket_open ON alerts.ticket (kind, priority, received_at) WHERE finished_at IS NULL;
CREATE INDEX ticket_late ON alerts.ticket (due_at) WHERE finished_at IS NULL;
CREATE INDEX ticket_of_unit ON alerts.ticket (unit_place_id, received_at)
    WHERE unit_place_id IS NOT NULL;
CREATE INDEX ticket_by_phone ON alerts.ticket (phone_blind, received_at)
    WHERE phone_blind IS NOT NULL;
CREATE INDEX ticket_by_batch ON alerts.ticket (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX ticket_finished ON alerts.ticket (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX ticket_of_movement ON alerts.ticket (about_movement) WHERE about_movement IS NOT NULL;

-- Numbers that are read out begin anew each day: a sequence, which nobody waits for, less what it
-- was when the day's first number was given. Numbers that were not used after all leave gaps.
CREATE SEQUENCE alerts.ticket_sequence;
CREATE TABLE alerts.ticket_day (
    day date PRIMARY KEY,
    base bigint NOT NULL CHECK (base >= 0)
);
CREATE FUNCTION alerts.next_ticket_number(at timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    today date := (at AT TIME ZONE 'Asia/Shanghai')::date;
    serial bigint := nextval('alerts.ticket_sequence');
    start bigint;
BEGIN
    SELECT base INTO start FROM alerts.ticket_day WHERE day = today;
    IF NOT FOUND THEN
        INSERT INTO alerts.ticket_day (day, base) VALUES (today, serial - 1) ON CONFLICT DO NOTHING;
        SELECT base INTO start FROM alerts.ticket_day WHERE day = today;
        -- Who drew before the day was opened, and comes after whoever opened it, draws again.
        IF serial <= start THEN
            serial := nextval('alerts.ticket_sequence');
        END IF;
    END IF;
    RETURN '12328-' || to_char(today, 'YYYYMMDD') || '-'
           || lpad((serial - start)::text, greatest(4, length((serial - start)::text)), '0');
END $$;

-- What happened to a work item, one row for each step; never changed. `actor` is `caller`, `system`
-- or `account:ID`.
CREATE TABLE alerts.ticket_event (
    ticket_id uuid NOT NULL REFERENCES alerts.ticket (id),
    sequence int NOT NULL CHECK (sequence > 0),
    event_id uuid NOT NULL CONSTRAINT ticket_event_once UNIQUE,
    body_hash bytea NOT NULL,
    act text NOT NULL,
    state text NOT NULL,
    due_at timestamptz,
    late boolean NOT NULL DEFAULT false,
    actor text NOT NULL,
    body jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL,
    PRIMARY KEY (ticket_id, sequence)
);
CREATE INDEX ticket_event_by_time ON alerts.ticket_event (at);

-- The words of a step, and what was answered to the script: sealed, and gone before the step.
CREATE TABLE alerts.ticket_words (
    event_id uuid PRIMARY KEY,
    ticket_id uuid NOT NULL REFERENCES alerts.ticket (id),
    sealed bytea NOT NULL
);
CREATE INDEX ticket_words_of_ticket ON alerts.ticket_words (ticket_id);

-- People to be called, brought as one list.
CREATE TABLE alerts.ticket_batch (
    id uuid PRIMARY KEY,
    body_hash bytea NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    category text NOT NULL,
    district_code text NOT NULL DEFAULT '',
    accepted int NOT NULL CHECK (accepted >= 0),
    refused int NOT NULL CHECK (refused >= 0),
    made_by uuid NOT NULL,
    made_at timestamptz NOT NULL
);

-- A firm and its district were told of a truck that has a pass to come, and asked about it.
CREATE TABLE alerts.expectation (
    movement_id bigint NOT NULL,
    stop int NOT NULL,
    place_id bigint NOT NULL,
    asked_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (movement_id, stop, place_id)
);
CREATE INDEX expectation_of_place ON alerts.expectation (place_id, due_at);

-- What was answered; the last one counts, and none is changed.
CREATE TABLE alerts.expectation_answer (
    movement_id bigint NOT NULL,
    event_id uuid NOT NULL,
    body_hash bytea NOT NULL,
    stop int NOT NULL,
    place_id bigint NOT NULL,
    answer text NOT NULL CHECK (answer IN ('yes', 'no', 'not_us', 'later')),
    other_place_id bigint,
    later_at timestamptz,
    note_sealed bytea,
    after_entry boolean NOT NULL,
    actor text NOT NULL,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (movement_id, event_id),
    CONSTRAINT expectation_later CHECK ((answer = 'later') = (later_at IS NOT NULL)),
    CONSTRAINT expectation_other CHECK (other_place_id IS NULL OR answer = 'not_us')
);
CREATE INDEX expectation_answer_by_time ON alerts.expectation_answer (answered_at);

INSERT INTO kernel.retention (class, amount, least, most) VALUES
    ('callers', 30, 7, 180),
    ('tickets', 365, 180, 1095);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON alerts.ticket_event
FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change_until_due('at', 'tickets');
CREATE TRIGGER not_emptied BEFORE TRUNCATE ON alerts.ticket_event
FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON alerts.expectation_answer
FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change_until_due('answered_at', 'records');
CREATE TRIGGER not_emptied BEFORE TRUNCATE ON alerts.expectation_answer
FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();
