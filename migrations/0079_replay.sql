-- What each settlement was computed from, and the fee rules of that day: kept so that it can be computed again.

-- JSON; NULL in settlements that are older than this column
ALTER TABLE settlement ADD COLUMN inputs TEXT;

CREATE TABLE fee_book (
  -- SHA-256 of the rules
  id         TEXT NOT NULL PRIMARY KEY,
  -- every schedule in force, JSON
  rules      TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX settlement_made ON settlement(merchant_id, created_at, id);
