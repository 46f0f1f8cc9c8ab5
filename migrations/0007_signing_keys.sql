-- Keys that sign the passes which gates read without a network. Two may be alive at a time: the
-- one that signs, and the one before it or after it, which is only read. The private part is sealed.

CREATE TABLE registry.signing_key (
    kid int PRIMARY KEY CHECK (kid BETWEEN 1 AND 255),
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 65),
    private_sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    signs_from timestamptz NOT NULL,
    retired_at timestamptz
);

CREATE TRIGGER bump AFTER INSERT OR UPDATE OR DELETE ON registry.signing_key
    FOR EACH STATEMENT EXECUTE FUNCTION registry.bump_epoch();
