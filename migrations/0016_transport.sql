-- Transport passes, and lanes by direction and kind (seed 002).
-- squawk-ignore-file constraint-missing-not-valid, adding-field-with-default
ALTER TABLE registry.evidence ADD COLUMN valid_until timestamptz;

ALTER TABLE registry.gate ADD COLUMN direction text NOT NULL DEFAULT 'both'
    CONSTRAINT gate_direction_known CHECK (direction IN ('in', 'out', 'both'));
ALTER TABLE registry.gate ADD COLUMN serves text NOT NULL DEFAULT 'all'
    CONSTRAINT gate_serves_known CHECK (serves IN ('all', 'trucks', 'cars'));

-- Six digits of the region that issued it and six of its own.
CREATE TABLE registry.transport_pass (
    number text PRIMARY KEY CONSTRAINT transport_pass_number CHECK (number ~ '^[0-9]{12}$'),
    id uuid NOT NULL CONSTRAINT transport_pass_once UNIQUE,
    kind text NOT NULL,
    plate text NOT NULL,
    goods text NOT NULL,
    carrier text NOT NULL DEFAULT '',
    issued_at timestamptz NOT NULL,
    issued_by uuid NOT NULL,
    valid_until timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_by uuid,
    revoke_reason text NOT NULL DEFAULT '',
    CONSTRAINT transport_pass_lasts CHECK (valid_until > issued_at),
    CONSTRAINT transport_pass_revoked_for CHECK (revoked_at IS NULL OR revoke_reason <> '')
);
CREATE INDEX transport_pass_by_plate ON registry.transport_pass (plate);
CREATE INDEX transport_pass_by_time ON registry.transport_pass (issued_at);

CREATE TABLE registry.transport_serial (
    region text PRIMARY KEY REFERENCES registry.district (code),
    last int NOT NULL CONSTRAINT transport_serial_room CHECK (last BETWEEN 1 AND 999999)
);

INSERT INTO kernel.retention (class, amount, least, most) VALUES ('transport_passes', 90, 30, 730);
