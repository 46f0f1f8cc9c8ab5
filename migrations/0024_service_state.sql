-- When a part of the service began to work and when it ceased to: a row for each change, whichever
-- process noticed it. And what pages ask: queues and closures of a day, marks
-- by their time.
-- squawk-ignore-file require-concurrent-index-creation, prefer-robust-stmts
CREATE TABLE kernel.service_state (
    part text NOT NULL,
    since timestamptz NOT NULL,
    works boolean NOT NULL,
    PRIMARY KEY (part, since)
);

CREATE INDEX gate_notice_ended ON registry.gate_notice (place_id, ended_at)
    WHERE ended_at IS NOT NULL;
CREATE INDEX mark_by_time ON alerts.mark (at);
