-- Applications that are mended and reviewed again, look-alikes, and the life of a code.
-- These tables are small, and a file runs in one transaction.
-- squawk-ignore-file require-concurrent-index-creation, adding-field-with-default
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

-- In a database with the C locale pg_trgm takes a Chinese character for a gap and finds nothing.
-- Here every character becomes one letter or digit, so that trigrams mean the same everywhere.
CREATE FUNCTION registry.alike_key(said text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(string_agg(
               CASE WHEN ascii(one.sign) < 128 THEN one.sign
                    ELSE substr('0123456789abcdefghijklmnopqrstuvwxyz', ascii(one.sign) % 36 + 1, 1)
               END, '' ORDER BY one.place), '')
      FROM string_to_table(lower(normalize(said, NFKC)), NULL) WITH ORDINALITY AS one (sign, place)
     WHERE ascii(one.sign) > 127 OR ascii(one.sign) BETWEEN 48 AND 57
           OR ascii(one.sign) BETWEEN 97 AND 122
$$;

-- What every second firm is called says nothing of which one it is.
CREATE FUNCTION registry.name_key(said text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT registry.alike_key(
        regexp_replace(said, '(有限责任|股份|有限)*公司|co\.?,? *ltd\.?', '', 'gi'))
$$;

ALTER TABLE registry.application ADD COLUMN contact_phone_blind bytea;
ALTER TABLE registry.application ADD COLUMN channel text NOT NULL DEFAULT 'page';
ALTER TABLE registry.application ADD COLUMN filed_by uuid;
ALTER TABLE registry.application ADD COLUMN mended_at timestamptz;
ALTER TABLE registry.application
    ADD COLUMN name_key text GENERATED ALWAYS AS (registry.name_key(name)) STORED,
    ADD COLUMN address_key text GENERATED ALWAYS AS (registry.alike_key(address)) STORED;
CREATE INDEX application_name_alike ON registry.application
    USING gin (name_key public.gin_trgm_ops) WHERE state = 'pending';
CREATE INDEX application_address_alike ON registry.application
    USING gin (address_key public.gin_trgm_ops) WHERE state = 'pending';
CREATE INDEX application_by_phone ON registry.application (contact_phone_blind)
    WHERE state = 'pending';
CREATE INDEX application_waiting ON registry.application (applied_at) WHERE state = 'pending';

ALTER TABLE registry.place ADD COLUMN contact_phone_blind bytea;
ALTER TABLE registry.place ADD COLUMN status_reason text NOT NULL DEFAULT '';
ALTER TABLE registry.place ADD COLUMN suspended_until timestamptz;
ALTER TABLE registry.place
    ADD COLUMN name_key text GENERATED ALWAYS AS (registry.name_key(name)) STORED,
    ADD COLUMN address_key text GENERATED ALWAYS AS (registry.alike_key(address)) STORED;
CREATE INDEX place_name_alike ON registry.place USING gin (name_key public.gin_trgm_ops);
CREATE INDEX place_address_alike ON registry.place USING gin (address_key public.gin_trgm_ops);
CREATE INDEX place_by_phone ON registry.place (contact_phone_blind);

CREATE INDEX place_by_name ON registry.place (district_code, kind, lower(name));

CREATE INDEX code_by_place ON registry.code (place_id, gate);

-- Every review stays, whatever the applicant sends afterwards.
CREATE TABLE registry.application_review (
    application_id uuid NOT NULL REFERENCES registry.application (id),
    number int NOT NULL,
    decision text NOT NULL CHECK (decision IN ('approved', 'rejected')),
    reason text NOT NULL,
    reviewer uuid NOT NULL,
    reviewer_name text NOT NULL,
    reviewed_at timestamptz NOT NULL,
    PRIMARY KEY (application_id, number)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON registry.application_review
    FOR EACH ROW EXECUTE FUNCTION registry.refuse_change();

-- What somebody of the staff found at a posted code. No driver's scan: it has no movement.
CREATE TABLE registry.test_scan (
    id uuid PRIMARY KEY,
    place_id bigint NOT NULL REFERENCES registry.place (id),
    gate text NOT NULL,
    code text,
    result text NOT NULL
        CHECK (result IN ('works', 'damaged', 'wrong_place', 'not_found', 'hidden')),
    note text NOT NULL,
    actor_id uuid NOT NULL,
    actor_name text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX test_scan_by_place ON registry.test_scan (place_id, at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON registry.test_scan
    FOR EACH ROW EXECUTE FUNCTION registry.refuse_change();

-- Rows of an uploaded list that were not taken, sealed, for whoever uploaded it, for a day.
CREATE TABLE registry.import_rejects (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX import_rejects_by_expiry ON registry.import_rejects (expires_at);
