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

-- Holds that stood before are told in the new shape: begun by the last event that held the truck.
UPDATE closedloop.loop l
   SET view = jsonb_set(l.view, '{hold}', l.view -> 'hold' || jsonb_build_object(
           'id', begun.event_id, 'by', begun.actor, 'since', begun.occurred_at,
           'review_by', begun.occurred_at + interval '30 minutes',
           'takeover_by', begun.occurred_at + interval '60 minutes',
           'expires_at', begun.occurred_at + interval '4 hours'))
  FROM (SELECT DISTINCT ON (movement_id) movement_id, event_id, occurred_at,
               CASE WHEN kind = 'entry' THEN 'rules' ELSE actor END AS actor
          FROM registry.event
         WHERE kind = 'hold' OR kind = 'entry' AND body ->> 'card' = 'red'
            OR kind = 'desk' AND body ->> 'outcome' = 'hold'
         ORDER BY movement_id, occurred_at DESC, event_id) begun
 WHERE begun.movement_id = l.movement_id AND l.view -> 'hold' ? 'source'
   AND NOT l.view -> 'hold' ? 'id';
