-- Channels that carry messages out of the house, and each message's way through each of them.
CREATE TABLE kernel.channel (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    kind text NOT NULL CHECK (kind IN ('webhook', 'chat')),
    -- An address has keys in it: who knows it may post there.
    address_sealed bytea NOT NULL,
    secret_sealed bytea,
    shown text NOT NULL,
    -- Recipients of the outbox: roles, or `place:ID`.
    audience text[] NOT NULL CHECK (cardinality(audience) > 0),
    lang text NOT NULL CHECK (lang IN ('zh', 'en')),
    per_hour int NOT NULL CHECK (per_hour BETWEEN 1 AND 3600),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    disabled_at timestamptz,
    CONSTRAINT webhook_is_signed CHECK ((kind = 'webhook') = (secret_sealed IS NOT NULL))
);

CREATE TABLE kernel.delivery (
    message_id uuid NOT NULL REFERENCES kernel.outbox (id) ON DELETE CASCADE,
    channel_id uuid NOT NULL REFERENCES kernel.channel (id),
    attempts int NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    sent_at timestamptz,
    gave_up_at timestamptz,
    error text NOT NULL DEFAULT '',
    PRIMARY KEY (message_id, channel_id)
);
CREATE INDEX delivery_due ON kernel.delivery (channel_id, next_at)
    WHERE sent_at IS NULL AND gave_up_at IS NULL;
CREATE INDEX delivery_sent ON kernel.delivery (channel_id, sent_at) WHERE sent_at IS NOT NULL;
CREATE INDEX delivery_dead ON kernel.delivery (gave_up_at) WHERE gave_up_at IS NOT NULL;

-- How far the messages were handed to the channels: a position of the feed.
INSERT INTO kernel.fact (name, value) VALUES ('fanned', '0') ON CONFLICT DO NOTHING;
