-- What a day's report asks for.
-- squawk-ignore-file require-concurrent-index-creation, prefer-robust-stmts
CREATE INDEX event_of_the_enquiry ON registry.event (received_at)
    WHERE kind IN ('call', 'reply', 'closed', 'referred', 'extended', 'merged');
CREATE INDEX alert_by_time ON alerts.alert USING brin (raised_at);
CREATE INDEX movement_by_report ON registry.movement USING brin (reported_at);
