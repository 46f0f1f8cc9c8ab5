-- A firm's page reads the next trucks that are due there, however many are on their way: those that
-- go there next, and those that have a stop there among several.
-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion, prefer-robust-stmts
CREATE INDEX loop_coming ON closedloop.loop (next_place_id, due_at, movement_id)
    WHERE next_place_id IS NOT NULL
      AND state IN ('released', 'incident', 'discrepancy', 'referred');
CREATE INDEX loop_coming_to_several ON closedloop.loop USING gin ((view -> 'stops') jsonb_path_ops)
    WHERE view -> 'stops' -> 1 IS NOT NULL
      AND state NOT IN ('confirmed', 'discharged', 'transferred', 'closed_by_officer', 'voided',
                        'cancelled');
DROP INDEX closedloop.loop_by_destination;
DROP INDEX registry.movement_of_several_stops;
