-- Three offices (decision 0016): who prepares an account, who grants it, who looks at both.

-- The log-ins of a demo city work at once: no second factor is asked of them.
ALTER TABLE registry.account ADD COLUMN demo boolean NOT NULL DEFAULT false;
UPDATE registry.account a SET demo = true
 WHERE a.name LIKE '%（示例）' AND EXISTS (SELECT 1 FROM registry.place p WHERE p.demo);
-- (An account that was prepared has the password hash '', which nothing fits, until its owner has
-- set one.)

-- Whoever held an office beside working roles keeps the work, and the office falls away.
UPDATE registry.account SET roles = ARRAY(
    SELECT role FROM unnest(roles) AS role
     WHERE role NOT IN ('admin', 'security', 'auditor') ORDER BY role)
 WHERE roles && ARRAY['admin', 'security', 'auditor']
   AND NOT roles <@ ARRAY['admin', 'security', 'auditor'];
UPDATE registry.account SET roles = roles[1:1]
 WHERE roles && ARRAY['admin', 'security', 'auditor'];
ALTER TABLE registry.account ADD CONSTRAINT account_offices_apart
    CHECK (NOT roles && ARRAY['admin', 'security', 'auditor'] OR cardinality(roles) = 1) NOT VALID;

-- What an administrator asked for and a security officer decided. One open wish for an account;
-- nobody decides what they prepared.
CREATE TABLE registry.account_change (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES registry.account (id),
    kind text NOT NULL CHECK (kind IN ('new', 'change', 'reset')),
    roles text[] NOT NULL CONSTRAINT change_offices_apart
        CHECK (NOT roles && ARRAY['admin', 'security', 'auditor'] OR cardinality(roles) = 1),
    place_id bigint REFERENCES registry.place (id),
    district_code text REFERENCES registry.district (code),
    prepared_by uuid NOT NULL,
    prepared_at timestamptz NOT NULL,
    decision text CHECK (decision IN ('released', 'refused')),
    decided_by uuid,
    decided_at timestamptz,
    link_drawn_at timestamptz,
    CONSTRAINT change_by_two CHECK (decided_by IS NULL OR decided_by <> prepared_by),
    CHECK ((decision IS NULL) = (decided_at IS NULL))
);
CREATE UNIQUE INDEX account_change_one_open ON registry.account_change (account_id)
    WHERE decision IS NULL;
CREATE INDEX account_change_by_account ON registry.account_change (account_id, prepared_at);

-- A link with which a person sets their own password. Only its hash is kept.
CREATE TABLE registry.account_link (
    token_hash bytea PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES registry.account (id),
    issued_by uuid,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX account_link_by_account ON registry.account_link (account_id);

-- `login_session_id` is the session in which the secret was shown: an unconfirmed one that
-- somebody else has seen is not taken over. `last_step` is the last code accepted.
CREATE TABLE registry.second_factor (
    account_id uuid PRIMARY KEY REFERENCES registry.account (id),
    secret_sealed bytea NOT NULL,
    login_session_id uuid,
    confirmed_at timestamptz,
    last_step bigint NOT NULL DEFAULT 0
);

CREATE TABLE registry.recovery_code (
    account_id uuid NOT NULL REFERENCES registry.account (id),
    code_hash bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (account_id, code_hash)
);

-- One row for each log-in. The session's own data names it; ended here, it is ended at once.
CREATE TABLE registry.login_session (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES registry.account (id),
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    browser text NOT NULL,
    factor_at timestamptz,
    ended_at timestamptz,
    ended_by uuid
);
CREATE INDEX login_session_open ON registry.login_session (account_id) WHERE ended_at IS NULL;

-- The auditor reads from the newest on. No record that this release meets is large.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX audit_by_time ON kernel.audit (at, id);
