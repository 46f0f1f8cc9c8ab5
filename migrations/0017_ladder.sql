-- The enquiry ladder: when each limit is looked at next, and how far it has climbed.
-- squawk-ignore-file require-concurrent-index-creation, prefer-robust-stmts, ban-drop-table
ALTER TABLE closedloop.deadline ADD COLUMN next_at timestamptz;
-- Minutes from the limit to the last rung that was taken; none before the first.
ALTER TABLE closedloop.deadline ADD COLUMN climbed int;
UPDATE closedloop.deadline SET next_at = flag_at WHERE closed_at IS NULL;
CREATE INDEX deadline_next ON closedloop.deadline (next_at) WHERE closed_at IS NULL;
CREATE INDEX deadline_climbing ON closedloop.deadline (climbed, movement_id)
    WHERE closed_at IS NULL AND climbed >= 0;

-- What was found by itself when a limit passed (rung L1), before anybody is asked.
CREATE TABLE alerts.reconciliation (
    movement_id bigint NOT NULL,
    stop int NOT NULL,
    limb text NOT NULL,
    limit_no int NOT NULL,
    found jsonb NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (movement_id, stop, limb, limit_no)
);

-- A ladder that was climbed to its end leaves a mark on the firm and on the carrier.
CREATE TABLE alerts.mark (
    movement_id bigint NOT NULL,
    stop int NOT NULL,
    limb text NOT NULL,
    limit_no int NOT NULL,
    about text NOT NULL CHECK (about IN ('firm', 'carrier')),
    place_id bigint,
    plate text NOT NULL DEFAULT '',
    at timestamptz NOT NULL,
    PRIMARY KEY (movement_id, stop, limb, limit_no, about),
    CONSTRAINT mark_names_whom CHECK ((about = 'firm') = (place_id IS NOT NULL)
                                      AND (about = 'carrier') = (plate <> ''))
);
CREATE INDEX mark_by_place ON alerts.mark (place_id, at) WHERE place_id IS NOT NULL;
CREATE INDEX mark_by_plate ON alerts.mark (plate, at) WHERE plate <> '';

-- Who looks after a movement's alerts now. A claim ends by itself, and wins over nothing.
CREATE TABLE alerts.claim (
    movement_id bigint PRIMARY KEY,
    account_id uuid NOT NULL,
    claimed_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    CONSTRAINT claim_lasts CHECK (until > claimed_at)
);

-- Not to be looked at before an hour; the ladder goes on all the same.
CREATE TABLE alerts.snooze (
    movement_id bigint PRIMARY KEY,
    account_id uuid NOT NULL,
    snoozed_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    CONSTRAINT snooze_lasts CHECK (until > snoozed_at)
);

-- What was said in a call or written as proof: sealed, read by duty officers, audited.
CREATE TABLE alerts.note (
    movement_id bigint NOT NULL,
    event_id uuid NOT NULL,
    sealed bytea NOT NULL,
    written_at timestamptz NOT NULL,
    PRIMARY KEY (movement_id, event_id)
);

-- When a device last spoke to us, and what it still kept.
CREATE TABLE registry.device_pulse (
    device_id uuid PRIMARY KEY REFERENCES registry.device (id),
    seen_at timestamptz NOT NULL,
    waiting int NOT NULL DEFAULT 0 CHECK (waiting >= 0)
);

-- A road is closed or a site is down: many limits are extended at once, by two officers.
CREATE TABLE alerts.extension (
    id uuid PRIMARY KEY,
    place_id bigint NOT NULL,
    -- Trucks bound for the place, or those that it let in.
    side text NOT NULL CHECK (side IN ('to', 'from')),
    minutes int NOT NULL CHECK (minutes BETWEEN 1 AND 1440),
    reason text NOT NULL CHECK (reason <> ''),
    proposed_by uuid NOT NULL,
    proposed_at timestamptz NOT NULL,
    decided_by uuid,
    decided_at timestamptz,
    approved boolean,
    applied_at timestamptz,
    limits int,
    -- Who proposed it may take it back, and not approve it.
    CONSTRAINT extension_by_two CHECK (NOT approved OR decided_by <> proposed_by),
    CONSTRAINT extension_decided CHECK (num_nonnulls(decided_by, decided_at, approved) IN (0, 3)),
    CONSTRAINT extension_applied CHECK (applied_at IS NULL OR approved)
);
CREATE INDEX extension_waiting ON alerts.extension (proposed_at) WHERE applied_at IS NULL;
