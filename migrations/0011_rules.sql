-- Areas that a source names, evidence about trucks, and rule sets that two people release.
-- squawk-ignore-file adding-field-with-default, require-concurrent-index-creation, constraint-missing-not-valid
CREATE TABLE registry.area (
    kind text NOT NULL,
    source text NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    since timestamptz NOT NULL,
    until timestamptz,
    level text NOT NULL,
    words text[] NOT NULL CHECK (cardinality(words) > 0),
    included text[] NOT NULL DEFAULT '{}',
    spared text[] NOT NULL DEFAULT '{}',
    batch_id uuid NOT NULL REFERENCES registry.evidence_batch (id),
    PRIMARY KEY (kind, source, name, since),
    CONSTRAINT area_ends_after_it_began CHECK (until > since)
);
CREATE TRIGGER bump AFTER INSERT OR UPDATE OR DELETE ON registry.area
    FOR EACH STATEMENT EXECUTE FUNCTION registry.bump_epoch();

-- Evidence about the truck, copied onto its open movements as that about people is.
ALTER TABLE registry.movement ADD COLUMN vehicle jsonb NOT NULL DEFAULT '{}';

-- A certificate serves one truck: whom a reference was given to first is looked up.
CREATE INDEX evidence_by_reference ON registry.evidence (kind, reference) WHERE reference <> '';

-- Whoever releases a rule set is not who proposed it, and saw what it would have changed.
CREATE TABLE registry.shadow_run (
    id uuid PRIMARY KEY,
    version int NOT NULL REFERENCES registry.rule_set (version),
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    asked_by uuid,
    asked_at timestamptz NOT NULL,
    ran_at timestamptz,
    scans bigint NOT NULL DEFAULT 0,
    unknown bigint NOT NULL DEFAULT 0,
    changes bigint NOT NULL DEFAULT 0,
    cards jsonb NOT NULL DEFAULT '{}',
    changed jsonb NOT NULL DEFAULT '[]'
);
CREATE INDEX shadow_run_by_version ON registry.shadow_run (version, asked_at);
CREATE INDEX shadow_run_waiting ON registry.shadow_run (asked_at) WHERE ran_at IS NULL;

ALTER TABLE registry.rule_set ADD COLUMN released_by uuid;
ALTER TABLE registry.rule_set ADD COLUMN released_at timestamptz;
ALTER TABLE registry.rule_set
    ADD CONSTRAINT rule_set_released_by_another CHECK (released_by <> created_by);
