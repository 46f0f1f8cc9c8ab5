-- Who was seen where without a truck's report: people who came to a venue, and plates that a camera
-- read. Tracing reads both beside the ledger of movements.

-- `person_id` is empty where the person was erased, or where nobody could say who it was; `shown` is
-- what the venue's screen told. A visit has no movement: its id is the sender's, once and for ever.
CREATE TABLE closedloop.visit (
    id uuid CONSTRAINT visit_once PRIMARY KEY,
    body_hash bytea NOT NULL,
    place_id bigint NOT NULL,
    gate text NOT NULL DEFAULT '',
    person_id uuid,
    masked_name text NOT NULL DEFAULT '',
    guardian_id uuid,
    way text NOT NULL CHECK (way IN ('scan', 'id_card', 'paper', 'assisted')),
    shown text NOT NULL CHECK (shown IN ('clear', 'ask', 'stop')),
    reasons jsonb NOT NULL DEFAULT '[]',
    visited_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    uncertainty_ms int NOT NULL DEFAULT 0 CHECK (uncertainty_ms >= 0),
    offline boolean NOT NULL DEFAULT false,
    actor text NOT NULL
);
CREATE INDEX visit_by_place ON closedloop.visit (place_id, visited_at);
CREATE INDEX visit_by_person ON closedloop.visit (person_id, visited_at) WHERE person_id IS NOT NULL;
CREATE INDEX visit_by_receipt ON closedloop.visit (received_at);

-- `id` is the camera's own number of the reading; `picture` is a reference, the picture itself stays
-- with the camera. `movement_id` is the truck's that was meant, where one was found.
CREATE TABLE registry.camera_read (
    device_id uuid NOT NULL,
    id text NOT NULL,
    body_hash bytea NOT NULL,
    place_id bigint NOT NULL,
    gate text NOT NULL DEFAULT '',
    plate text NOT NULL,
    confidence real NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    taken_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    uncertainty_ms int NOT NULL DEFAULT 0 CHECK (uncertainty_ms >= 0),
    picture text NOT NULL DEFAULT '',
    movement_id bigint,
    outcome text NOT NULL
        CHECK (outcome IN ('matched', 'candidate', 'unregistered', 'doubtful', 'double')),
    PRIMARY KEY (device_id, id)
);
CREATE INDEX camera_read_by_plate ON registry.camera_read (plate, taken_at);
CREATE INDEX camera_read_by_place ON registry.camera_read (place_id, taken_at);
CREATE INDEX camera_read_by_receipt ON registry.camera_read (received_at);
