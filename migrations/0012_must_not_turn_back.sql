-- A compliant truck is never turned back, and nobody is held without a source (seed 002; I10, I11):
-- the record itself refuses such an event, and what somebody tried is kept.
-- squawk-ignore-file require-concurrent-index-creation, ban-concurrent-index-creation-in-transaction
ALTER TABLE registry.event ADD CONSTRAINT white_names_a_failed_rule CHECK (
    (coalesce(body ->> 'card', '') <> 'white' OR kind <> 'entry')
    AND (coalesce(body ->> 'outcome', '') <> 'turn_back' OR kind <> 'desk')
    OR (body ->> 'rules_version' IS NOT NULL
        AND coalesce(jsonb_path_exists(body,
            '$.reasons[*] ? (@.card == "yellow" || @.card == "white" || @.card == "red")'), false))
) NOT VALID;

ALTER TABLE registry.event ADD CONSTRAINT hold_names_its_source CHECK (
    (coalesce(body ->> 'card', '') <> 'red' OR kind <> 'entry')
    AND (coalesce(body ->> 'outcome', '') <> 'hold' OR kind <> 'desk')
    AND kind <> 'hold'
    OR (coalesce(btrim(body ->> 'source'), '') <> ''
        AND coalesce(btrim(body ->> 'reason'), '') <> '')
) NOT VALID;

-- Whom cards and desks turned back, by the hour.
CREATE INDEX event_turned_back ON registry.event (received_at)
    WHERE body ->> 'card' = 'white' OR body ->> 'outcome' = 'turn_back';
-- What devices showed and should not have: kept as facts, with these flags.
CREATE INDEX event_against_rules ON registry.event (received_at)
    WHERE body -> 'flags' ?| ARRAY['white_against_rules', 'hold_without_source'];

-- What somebody asked for and was refused.
CREATE TABLE closedloop.breach (
    movement_id bigint NOT NULL,
    event_id uuid NOT NULL,
    code text NOT NULL,
    actor text NOT NULL,
    place_id bigint,
    tried_at timestamptz NOT NULL,
    PRIMARY KEY (movement_id, event_id)
);
CREATE INDEX breach_by_time ON closedloop.breach (tried_at);
