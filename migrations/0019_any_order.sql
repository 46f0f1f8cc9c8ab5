-- A truck with several stops may come to them in any order: each of its firms expects it.
-- squawk-ignore-file require-concurrent-index-creation, prefer-robust-stmts
CREATE INDEX movement_of_several_stops ON registry.movement USING gin (stops)
    WHERE cardinality(stops) > 1;
