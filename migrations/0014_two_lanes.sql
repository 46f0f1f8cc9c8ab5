-- One pass let through in two lanes: found by the fold, looked for by the duty desk.
-- squawk-ignore-file require-concurrent-index-creation
CREATE INDEX loop_two_lanes ON closedloop.loop (updated_at)
    WHERE flags @> ARRAY['used_in_two_lanes'];
