-- What every floor shares: sessions, attempts, the audit trail, the outbox and the heartbeats.
CREATE SCHEMA kernel;

-- The id is a hash of what the browser holds, so a copy of this table opens no session.
CREATE TABLE kernel.session (
    id text PRIMARY KEY,
    data bytea NOT NULL,
    expires_at timestamptz
);
CREATE INDEX session_by_expiry ON kernel.session (expires_at);

-- The subject is a keyed hash of whoever is being guessed at, known here or not.
CREATE TABLE kernel.attempt (
    subject bytea PRIMARY KEY,
    failures int NOT NULL CHECK (failures >= 0),
    locked_until timestamptz
);

CREATE FUNCTION kernel.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', tg_table_name USING errcode = 'restrict_violation';
END $$;

CREATE TABLE kernel.audit (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    actor_id uuid NOT NULL,
    actor_name text NOT NULL,
    action text NOT NULL,
    subject_kind text NOT NULL,
    subject text NOT NULL,
    reason text NOT NULL
);
CREATE INDEX audit_by_subject ON kernel.audit (subject_kind, subject, at);
CREATE INDEX audit_by_actor ON kernel.audit (actor_id, at);
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON kernel.audit
FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON kernel.audit
FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

-- A position is given when the feed is read, not when the message is written: numbers drawn by
-- writers appear in the order of their commits, and a reader that remembers the highest one it saw
-- would step over a slower transaction's message for ever.
CREATE SEQUENCE kernel.outbox_position AS bigint;
CREATE TABLE kernel.outbox (
    id uuid PRIMARY KEY,
    position bigint UNIQUE,
    key text NOT NULL UNIQUE,
    kind text NOT NULL,
    recipient text NOT NULL,
    facts jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    sent_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL
);
CREATE INDEX outbox_without_position ON kernel.outbox (created_at) WHERE position IS NULL;
CREATE INDEX outbox_to_send ON kernel.outbox (next_at) WHERE sent_at IS NULL;

CREATE TABLE kernel.heartbeat (
    name text PRIMARY KEY,
    beat_at timestamptz NOT NULL
);

-- What must stay as it was first written: the fingerprint of the master key, for one.
CREATE TABLE kernel.fact (
    name text PRIMARY KEY,
    value text NOT NULL
);
