-- Tracing (M15): cases, the clock that runs on them, teams and their work, files that are taken out,
-- and how many people an officer looked at.
-- squawk-ignore-file require-concurrent-index-creation

-- What is uncertain by more than a minute is rare, and is looked for as far as it may have been off:
-- everything else is found within a minute of its time.
CREATE INDEX event_doubtful ON registry.event (place_id, occurred_at) WHERE uncertainty_ms > 60000;
CREATE INDEX visit_doubtful ON closedloop.visit (place_id, visited_at) WHERE uncertainty_ms > 60000;
CREATE INDEX camera_read_doubtful ON registry.camera_read (place_id, taken_at)
    WHERE uncertainty_ms > 60000;

-- Of many meetings with one person the nearest, as a question answers it; nothing is stored in it.
CREATE TYPE closedloop.trace_nearest AS (
    place_id bigint, gate text, at timestamptz, doubt_ms int, movement_id bigint, ordinal int,
    plate text, masked_name text
);

-- An officer who looked at far more people than they, or the office, usually do.
CREATE TABLE kernel.access_alarm (
    actor_id uuid NOT NULL,
    day date NOT NULL,
    actor_name text NOT NULL,
    shown int NOT NULL CHECK (shown > 0),
    usual int NOT NULL CHECK (usual >= 0),
    raised_at timestamptz NOT NULL,
    PRIMARY KEY (actor_id, day)
);
CREATE INDEX access_alarm_by_day ON kernel.access_alarm (day);

-- `district_code` is that of whoever opened it, empty for the whole city. What was looked at is
-- counted here too, and the counts outlive the people.
CREATE TABLE closedloop.trace_case (
    id uuid PRIMARY KEY,
    number text NOT NULL CONSTRAINT trace_case_has_a_number CHECK (number <> ''),
    reason text NOT NULL CONSTRAINT trace_case_has_a_reason CHECK (reason <> ''),
    district_code text,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    subjects int NOT NULL CHECK (subjects > 0),
    people_shown int NOT NULL DEFAULT 0 CHECK (people_shown >= 0),
    rules_version int NOT NULL,
    opened_by uuid NOT NULL,
    opened_at timestamptz NOT NULL,
    needs_second boolean NOT NULL,
    decided_by uuid,
    decided_at timestamptz,
    approved boolean,
    closed_by uuid,
    closed_at timestamptz,
    CONSTRAINT trace_case_window CHECK (until > since AND until - since <= interval '180 days'),
    CONSTRAINT trace_case_by_two CHECK (NOT approved OR decided_by <> opened_by),
    CONSTRAINT trace_case_decided CHECK (num_nonnulls(decided_by, decided_at, approved) IN (0, 3)),
    CONSTRAINT trace_case_closed CHECK (num_nonnulls(closed_by, closed_at) IN (0, 2))
);
CREATE INDEX trace_case_by_time ON closedloop.trace_case (opened_at);

CREATE TABLE closedloop.trace_subject (
    case_id uuid NOT NULL REFERENCES closedloop.trace_case (id),
    number int NOT NULL CHECK (number > 0),
    kind text NOT NULL CHECK (kind IN ('person', 'plate', 'place')),
    person_id uuid,
    plate text NOT NULL DEFAULT '',
    place_id bigint,
    PRIMARY KEY (case_id, number)
);

-- Whom and what a case came upon. A place that several cases were at is told.
CREATE TABLE closedloop.trace_shown (
    case_id uuid NOT NULL REFERENCES closedloop.trace_case (id),
    person_id uuid NOT NULL,
    PRIMARY KEY (case_id, person_id)
);
CREATE TABLE closedloop.trace_place (
    place_id bigint NOT NULL,
    case_id uuid NOT NULL REFERENCES closedloop.trace_case (id),
    last_at timestamptz NOT NULL,
    PRIMARY KEY (place_id, case_id)
);

-- The marks of the clock are those of the rule set; each is set once.
CREATE TABLE closedloop.trace_mark (
    case_id uuid NOT NULL REFERENCES closedloop.trace_case (id),
    mark text NOT NULL,
    done_by uuid NOT NULL,
    done_at timestamptz NOT NULL,
    PRIMARY KEY (case_id, mark)
);

-- A member is an account, or a unit that sends somebody.
CREATE TABLE closedloop.trace_team (
    id uuid PRIMARY KEY,
    name text NOT NULL CONSTRAINT trace_team_name CHECK (name <> ''),
    district_code text,
    made_by uuid NOT NULL,
    made_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE UNIQUE INDEX trace_team_once ON closedloop.trace_team (name) WHERE ended_at IS NULL;
CREATE TABLE closedloop.trace_member (
    team_id uuid NOT NULL REFERENCES closedloop.trace_team (id),
    ordinal int NOT NULL,
    part text NOT NULL,
    unit text NOT NULL DEFAULT '',
    account_id uuid,
    PRIMARY KEY (team_id, ordinal),
    CONSTRAINT trace_member_is_somebody CHECK (unit <> '' OR account_id IS NOT NULL)
);

CREATE TABLE closedloop.trace_task (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES closedloop.trace_case (id),
    what text NOT NULL CONSTRAINT trace_task_says_what CHECK (what <> ''),
    team_id uuid NOT NULL REFERENCES closedloop.trace_team (id),
    state text NOT NULL CHECK (state IN ('assigned', 'acknowledged', 'done')),
    changed_at timestamptz NOT NULL
);
CREATE INDEX trace_task_by_case ON closedloop.trace_task (case_id);
CREATE INDEX trace_task_by_team ON closedloop.trace_task (team_id, state);
CREATE TABLE closedloop.trace_step (
    id uuid CONSTRAINT trace_step_once PRIMARY KEY,
    task_id uuid NOT NULL REFERENCES closedloop.trace_task (id),
    number int NOT NULL,
    kind text NOT NULL CHECK (kind IN ('assigned', 'acknowledged', 'done', 'handed_over')),
    team_id uuid NOT NULL,
    actor_id uuid NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT trace_step_in_order UNIQUE (task_id, number)
);

CREATE TABLE closedloop.trace_export (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES closedloop.trace_case (id),
    asked_by uuid NOT NULL,
    asked_at timestamptz NOT NULL,
    decided_by uuid,
    decided_at timestamptz,
    approved boolean,
    CONSTRAINT trace_export_by_two CHECK (NOT approved OR decided_by <> asked_by),
    CONSTRAINT trace_export_decided CHECK (num_nonnulls(decided_by, decided_at, approved) IN (0, 3))
);
CREATE INDEX trace_export_by_case ON closedloop.trace_export (case_id, asked_at);

-- Of an officer's day (of Asia/Shanghai): subjects that were traced, people who were shown.
CREATE TABLE closedloop.trace_count (
    actor_id uuid NOT NULL,
    day date NOT NULL,
    traced int NOT NULL DEFAULT 0 CHECK (traced >= 0),
    shown int NOT NULL DEFAULT 0 CHECK (shown >= 0),
    refused int NOT NULL DEFAULT 0 CHECK (refused >= 0),
    PRIMARY KEY (actor_id, day)
);
CREATE INDEX trace_count_by_day ON closedloop.trace_count (day);
CREATE TABLE closedloop.trace_counted (
    actor_id uuid NOT NULL,
    day date NOT NULL,
    case_id uuid NOT NULL,
    number int NOT NULL,
    PRIMARY KEY (actor_id, day, case_id, number)
);

INSERT INTO kernel.retention (class, amount, least, most) VALUES
    ('traces', 180, 30, 1095),
    ('trace_quota', 100, 1, 1000);
