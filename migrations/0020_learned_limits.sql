-- Arrival limits that were learned from completed loops, a version each time one changes.
CREATE TABLE registry.learned_limit (
    origin_id bigint NOT NULL,
    place_id bigint NOT NULL,
    version int NOT NULL,
    minutes int NOT NULL CHECK (minutes > 0),
    -- So many loops; so many of a hundred of them arrived within so many minutes.
    samples int NOT NULL CHECK (samples > 0),
    percent int NOT NULL CHECK (percent BETWEEN 1 AND 100),
    within_minutes int NOT NULL,
    learned_at timestamptz NOT NULL,
    PRIMARY KEY (origin_id, place_id, version)
);
CREATE TRIGGER epoch AFTER INSERT OR UPDATE OR DELETE ON registry.learned_limit
    FOR EACH STATEMENT EXECUTE FUNCTION registry.bump_epoch();
