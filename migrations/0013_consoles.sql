-- Consoles: a key that never leaves the device, sessions that end by themselves, and what a bundle
-- is read by.
-- squawk-ignore-file require-concurrent-index-creation, prefer-robust-stmts
ALTER TABLE registry.device ADD COLUMN public_key bytea;
ALTER TABLE registry.device ADD COLUMN enrolled_at timestamptz;
ALTER TABLE registry.token ADD COLUMN expires_at timestamptz;

-- A code lets one device put its key there, once; what is kept is its hash.
CREATE TABLE registry.enrolment_code (
    code_hash bytea PRIMARY KEY,
    device_id uuid NOT NULL REFERENCES registry.device (id),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE INDEX movement_by_gate ON registry.movement (entry_place_id, window_to);
CREATE INDEX loop_by_gate ON closedloop.loop (entry_place_id, updated_at);
CREATE INDEX loop_by_change ON closedloop.loop (updated_at);
CREATE INDEX evidence_by_batch ON registry.evidence (batch_id);

-- The shift's end: who handed over to whom, what was shown, what was not sent yet and why.
CREATE TABLE registry.handover (
    id uuid PRIMARY KEY,
    device_id uuid NOT NULL REFERENCES registry.device (id),
    place_id bigint NOT NULL REFERENCES registry.place (id),
    gate text NOT NULL,
    gave text NOT NULL CHECK (gave <> ''),
    took text NOT NULL CHECK (took <> ''),
    counts jsonb NOT NULL,
    unsynced int NOT NULL CHECK (unsynced >= 0),
    signed_for text NOT NULL DEFAULT '',
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT unsynced_is_signed_for CHECK (unsynced = 0 OR signed_for <> '')
);
CREATE INDEX handover_by_time ON registry.handover (received_at);

-- Closures and waiting times, as drivers see them before they come.
CREATE TABLE registry.gate_notice (
    id uuid PRIMARY KEY,
    place_id bigint NOT NULL REFERENCES registry.place (id),
    gate text NOT NULL DEFAULT '',
    kind text NOT NULL CHECK (kind IN ('closed', 'wait')),
    minutes int CHECK (minutes BETWEEN 0 AND 1440),
    reason text NOT NULL DEFAULT '',
    until timestamptz,
    said_by text NOT NULL,
    said_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT wait_names_its_minutes CHECK ((kind = 'wait') = (minutes IS NOT NULL))
);
CREATE INDEX gate_notice_standing ON registry.gate_notice (place_id) WHERE ended_at IS NULL;
