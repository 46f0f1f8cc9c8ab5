-- What was said about a limit that passed. An alert is open while its deadline is:
-- that it was raised stays on record when a late arrival closes it.
CREATE SCHEMA alerts;

CREATE TABLE alerts.alert (
    movement_id bigint NOT NULL,
    stop int NOT NULL,
    limb text NOT NULL,
    limit_no int NOT NULL,
    step text NOT NULL,
    due_at timestamptz NOT NULL,
    raised_at timestamptz NOT NULL,
    PRIMARY KEY (movement_id, stop, limb, limit_no, step)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON alerts.alert
    FOR EACH ROW EXECUTE FUNCTION registry.refuse_change();
