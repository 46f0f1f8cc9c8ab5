-- Photos that somebody added to what the record knows. The file is one transaction.
-- `owner` says what a photo belongs to (`movement:4102…`); `sealed` is the picture as it was drawn
-- anew, `sent` a hash of what was sent, so that the same id is one photo for ever.
CREATE TABLE kernel.attachment (
    id uuid CONSTRAINT attachment_once PRIMARY KEY,
    owner text NOT NULL,
    sent bytea NOT NULL,
    sealed bytea NOT NULL,
    kept_by text NOT NULL,
    kept_at timestamptz NOT NULL
);
CREATE INDEX attachment_by_owner ON kernel.attachment (owner, kept_at);
CREATE INDEX attachment_by_age ON kernel.attachment (kept_at);
-- What is sealed cannot be made smaller.
ALTER TABLE kernel.attachment ALTER COLUMN sealed SET STORAGE EXTERNAL;

INSERT INTO kernel.retention (class, amount, least, most) VALUES ('photos', 30, 7, 180);
