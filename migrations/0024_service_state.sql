-- When a part of the service began to work and when it ceased to: a row for each change, whichever
-- process noticed it.
CREATE TABLE kernel.service_state (
    part text NOT NULL,
    since timestamptz NOT NULL,
    works boolean NOT NULL,
    PRIMARY KEY (part, since)
);
