-- A hold has more than one time to keep, may be taken over and appealed against (mission §4, §6).
-- squawk-ignore-file constraint-missing-not-valid, require-concurrent-index-creation, ban-drop-constraint
ALTER TABLE closedloop.deadline DROP CONSTRAINT deadline_limb_check;
ALTER TABLE closedloop.deadline ADD CONSTRAINT deadline_limb_check CHECK (
    limb IN ('arrival', 'confirmation', 'exit', 'hold', 'takeover', 'expiry', 'appeal', 'desk')
);

-- What somebody who is held had to say, in their own words.
CREATE TABLE closedloop.appeal (
    movement_id bigint NOT NULL,
    event_id uuid NOT NULL,
    note_sealed bytea NOT NULL,
    PRIMARY KEY (movement_id, event_id)
);

-- Holds that ended, by the hour.
CREATE INDEX event_hold_ended ON registry.event (received_at)
    WHERE kind IN ('hold_released', 'transferred');
-- Whoever acknowledges for a receiving body stands at one.
CREATE INDEX place_receiving ON registry.place (district_code) WHERE category = 'receiving_body';
