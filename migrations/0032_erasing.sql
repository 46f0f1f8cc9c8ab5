-- What is to be erased is found by what is still there, the oldest first: a year of journeys must
-- not be gone through every hour for the day's that are due.
-- The file is one transaction, in which no index can be made concurrently.
-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion

-- When somebody was put on a journey; of earlier rows nobody knows, and they come first.
ALTER TABLE registry.movement_person ADD COLUMN attached_at timestamptz NOT NULL DEFAULT '-infinity';
CREATE INDEX movement_person_with_health ON registry.movement_person (attached_at)
    WHERE declared <> '{}' OR evidence <> '{}';
CREATE INDEX movement_person_with_mask ON registry.movement_person (attached_at)
    WHERE masked_name <> '' OR subject <> '';
CREATE INDEX movement_with_submission ON registry.movement (reported_at)
    WHERE submission_sealed IS NOT NULL;
-- Ranges give no order.
DROP INDEX registry.movement_by_report;
CREATE INDEX movement_by_report ON registry.movement (reported_at);
