-- Events get a place in the order in which they were written. Ids are made before a change is written, by several
-- processes, so that a reader who goes on from the last id it saw could miss one; nobody who goes on from a place can.
ALTER TABLE event ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
UPDATE event SET seq = told.place
    FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS place FROM event) AS told WHERE told.id = event.id;
CREATE UNIQUE INDEX event_order ON event (seq);
CREATE INDEX event_told ON event (merchant_id, seq);
DROP INDEX event_listed;

-- The last place given; whoever gives one holds the ledger's head row.
CREATE TABLE event_head (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL
);
INSERT INTO event_head (id, seq) SELECT 1, COALESCE(MAX(seq), 0) FROM event;
