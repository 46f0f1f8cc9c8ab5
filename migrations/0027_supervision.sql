-- Which places should have a code, by whose list; and how they are supervised (seeds 001, 003, 004).
-- squawk-ignore-file require-concurrent-index-creation, adding-field-with-default

-- The unified social credit code of whoever runs the place, where it is known.
ALTER TABLE registry.place ADD COLUMN credit_code text NOT NULL DEFAULT '';
CREATE INDEX place_by_credit ON registry.place (credit_code) WHERE credit_code <> '';
CREATE INDEX place_by_name_key ON registry.place (district_code, name_key);

-- One list of one office: the source of every denominator.
CREATE TABLE registry.coverage_list (
    id uuid PRIMARY KEY,
    source text NOT NULL,
    office text NOT NULL,
    as_of date NOT NULL,
    actor_id uuid,
    accepted int NOT NULL,
    changed int NOT NULL,
    repeated int NOT NULL,
    refused int NOT NULL,
    imported_at timestamptz NOT NULL
);
CREATE INDEX coverage_list_by_time ON registry.coverage_list (imported_at);

-- `key` tells one row of every list from every other: credit code and address, or district, name
-- and address. `street` and `trade` are the two units that answer for it.
CREATE TABLE registry.due_place (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL CONSTRAINT due_place_once UNIQUE,
    list_id uuid NOT NULL REFERENCES registry.coverage_list (id),
    credit_code text NOT NULL DEFAULT '',
    name text NOT NULL,
    district_code text NOT NULL REFERENCES registry.district (code),
    street text NOT NULL DEFAULT '',
    trade text NOT NULL DEFAULT '',
    address text NOT NULL DEFAULT '',
    name_key text GENERATED ALWAYS AS (registry.name_key(name)) STORED,
    address_key text GENERATED ALWAYS AS (registry.alike_key(address)) STORED,
    place_id bigint REFERENCES registry.place (id),
    matched_by text NOT NULL DEFAULT ''
        CHECK (matched_by IN ('', 'credit', 'name', 'officer', 'own')),
    struck_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX due_place_by_place ON registry.due_place (place_id) WHERE place_id IS NOT NULL;
CREATE INDEX due_place_by_district ON registry.due_place (district_code, street, id);
CREATE INDEX due_place_by_trade ON registry.due_place (trade, id);
CREATE INDEX due_place_by_list ON registry.due_place (list_id);
CREATE INDEX due_place_unmatched ON registry.due_place (id) WHERE place_id IS NULL;

-- What became of a row: renamed by a later list, moved to another district, linked by hand.
CREATE TABLE registry.due_change (
    id uuid PRIMARY KEY,
    due_id bigint NOT NULL REFERENCES registry.due_place (id),
    kind text NOT NULL
        CHECK (kind IN ('renamed', 'moved', 'units', 'linked', 'unlinked', 'struck', 'restored')),
    before text NOT NULL,
    after text NOT NULL,
    reason text NOT NULL,
    actor_id uuid,
    at timestamptz NOT NULL
);
CREATE INDEX due_change_by_row ON registry.due_change (due_id, at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON registry.due_change
    FOR EACH ROW EXECUTE FUNCTION registry.refuse_change();

-- Street sweeps: a round of some days, its teams, the places of each, and what was found there.
CREATE TABLE alerts.street_round (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    district_code text NOT NULL REFERENCES registry.district (code),
    teams int NOT NULL CHECK (teams BETWEEN 1 AND 99),
    made_by uuid NOT NULL,
    made_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX street_round_by_time ON alerts.street_round (made_at);
CREATE TABLE alerts.street_stop (
    round_id uuid NOT NULL REFERENCES alerts.street_round (id),
    due_id bigint NOT NULL REFERENCES registry.due_place (id),
    team int NOT NULL,
    position int NOT NULL,
    visited_at timestamptz,
    PRIMARY KEY (round_id, due_id)
);
CREATE INDEX street_stop_by_team ON alerts.street_stop (round_id, team, position);

-- `id` is the sender's, once and for ever; `photo` names an attachment.
CREATE TABLE alerts.street_visit (
    id uuid PRIMARY KEY,
    body_hash bytea NOT NULL,
    round_id uuid NOT NULL REFERENCES alerts.street_round (id),
    due_id bigint NOT NULL REFERENCES registry.due_place (id),
    team int NOT NULL,
    findings text[] NOT NULL,
    note text NOT NULL,
    photo uuid,
    actor_id uuid NOT NULL,
    visited_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL
);
CREATE INDEX street_visit_by_place ON alerts.street_visit (due_id, visited_at);
CREATE INDEX street_visit_by_time ON alerts.street_visit (visited_at);

-- One place on one ladder. What the columns say is folded from the acts, and kept for lists.
CREATE TABLE alerts.oversight (
    id uuid PRIMARY KEY,
    due_id bigint NOT NULL REFERENCES registry.due_place (id),
    ladder text NOT NULL,
    step text NOT NULL,
    mark text NOT NULL DEFAULT ''
        CHECK (mark IN ('', 'pennant', 'mend_notice', 'black_plaque')),
    deadline timestamptz,
    look_back date,
    opened_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE UNIQUE INDEX oversight_one_open ON alerts.oversight (due_id, ladder) WHERE ended_at IS NULL;
CREATE INDEX oversight_open ON alerts.oversight (opened_at) WHERE ended_at IS NULL;
CREATE INDEX oversight_ended ON alerts.oversight (ended_at) WHERE ended_at IS NOT NULL;
CREATE TABLE alerts.oversight_act (
    id uuid PRIMARY KEY,
    body_hash bytea NOT NULL,
    oversight_id uuid NOT NULL REFERENCES alerts.oversight (id),
    number int NOT NULL,
    step text NOT NULL,
    ground text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    evidence text NOT NULL DEFAULT '',
    photo uuid,
    passed boolean,
    deadline timestamptz,
    look_back date,
    actor_id uuid NOT NULL,
    at timestamptz NOT NULL,
    UNIQUE (oversight_id, number)
);
CREATE INDEX oversight_act_by_time ON alerts.oversight_act (at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON alerts.oversight_act
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change_until_due('at', 'supervision');

-- One thing that is wrong at one place. `street` and `trade` are the units that answer for it.
CREATE TABLE alerts.problem (
    id uuid PRIMARY KEY,
    due_id bigint NOT NULL REFERENCES registry.due_place (id),
    finding text NOT NULL,
    street text NOT NULL,
    trade text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'mended', 'closed')),
    deadline timestamptz NOT NULL,
    source text NOT NULL CHECK (source IN ('visit', 'officer', 'proposal')),
    reference text NOT NULL DEFAULT '',
    opened_by uuid NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    times_reopened int NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX problem_once ON alerts.problem (reference) WHERE reference <> '';
CREATE INDEX problem_by_place ON alerts.problem (due_id, opened_at);
CREATE INDEX problem_open ON alerts.problem (deadline) WHERE state <> 'closed';
CREATE INDEX problem_closed ON alerts.problem (closed_at) WHERE closed_at IS NOT NULL;
CREATE TABLE alerts.problem_act (
    id uuid PRIMARY KEY,
    body_hash bytea NOT NULL,
    problem_id uuid NOT NULL REFERENCES alerts.problem (id),
    number int NOT NULL,
    act text NOT NULL CHECK (act IN ('open', 'mend', 'send_back', 'close', 'reopen')),
    note text NOT NULL DEFAULT '',
    evidence text NOT NULL DEFAULT '',
    photo uuid,
    actor_id uuid NOT NULL,
    at timestamptz NOT NULL,
    UNIQUE (problem_id, number)
);
CREATE INDEX problem_act_by_time ON alerts.problem_act (at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON alerts.problem_act
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change_until_due('at', 'supervision');

-- What several offices enforce together at one place.
CREATE TABLE alerts.joint_task (
    id uuid PRIMARY KEY,
    due_id bigint NOT NULL REFERENCES registry.due_place (id),
    parties text[] NOT NULL CHECK (cardinality(parties) >= 2),
    purpose text NOT NULL,
    meets_at timestamptz NOT NULL,
    asked_by uuid NOT NULL,
    asked_at timestamptz NOT NULL,
    result text NOT NULL DEFAULT '',
    done_by uuid,
    done_at timestamptz
);
CREATE INDEX joint_task_by_time ON alerts.joint_task (meets_at);

-- What the clock found, said once for each day; pages read it off the clock and not from here.
CREATE TABLE alerts.supervision_flag (
    flagged uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('check_missed', 'look_back_due', 'mending_late')),
    on_day date NOT NULL,
    raised_at timestamptz NOT NULL,
    PRIMARY KEY (flagged, kind, on_day)
);

-- What the loop proposes as a problem, and what an officer said to it.
CREATE TABLE alerts.proposal_answer (
    reference text PRIMARY KEY,
    accepted boolean NOT NULL,
    reason text NOT NULL,
    actor_id uuid NOT NULL,
    at timestamptz NOT NULL
);

-- A day's report as it was sent up; a correction is a version of its own. '' is the whole city.
CREATE TABLE alerts.supervision_day (
    day date NOT NULL,
    district_code text NOT NULL,
    version int NOT NULL,
    body jsonb NOT NULL,
    reason text NOT NULL DEFAULT '',
    made_by uuid,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (day, district_code, version)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON alerts.supervision_day
    FOR EACH ROW EXECUTE FUNCTION registry.refuse_change();

INSERT INTO kernel.retention (class, amount, least, most) VALUES ('supervision', 365, 90, 1825);
