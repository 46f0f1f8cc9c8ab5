-- What the facts mean: one row a movement, made by folding its events, and the limits it runs against.
CREATE SCHEMA closedloop;

CREATE TABLE closedloop.loop (
    movement_id bigint PRIMARY KEY,
    version int NOT NULL,
    state text NOT NULL,
    entry_place_id bigint,
    next_place_id bigint,
    released_at timestamptz,
    due_at timestamptz,
    last_card text NOT NULL DEFAULT '',
    flags text[] NOT NULL DEFAULT '{}',
    view jsonb NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 85);
CREATE INDEX loop_by_state ON closedloop.loop (state, movement_id);
CREATE INDEX loop_by_destination ON closedloop.loop (next_place_id, state) WHERE next_place_id IS NOT NULL;

-- due_at is the limit itself; flag_at is when the sweep may speak of it, which is later
-- where the release reached us late (15 minutes after its receipt, mission §6).
CREATE TABLE closedloop.deadline (
    movement_id bigint NOT NULL,
    stop int NOT NULL,
    limb text NOT NULL CHECK (limb IN ('arrival', 'confirmation', 'exit', 'hold', 'desk')),
    limit_no int NOT NULL,
    due_at timestamptz NOT NULL,
    flag_at timestamptz NOT NULL,
    place_id bigint,
    closed_at timestamptz,
    PRIMARY KEY (movement_id, stop, limb, limit_no)
);
CREATE INDEX deadline_open ON closedloop.deadline (flag_at) WHERE closed_at IS NULL;
