-- Manual journals: drafted by one user, booked or rejected by another.

CREATE TABLE journal (
  id           TEXT PRIMARY KEY,
  merchant_id  TEXT NOT NULL,
  template     TEXT NOT NULL,
  reason       TEXT NOT NULL,
  value_date   TEXT NOT NULL,
  -- its lines, JSON
  lines        TEXT NOT NULL,
  -- the journal it undoes; each is undone once
  reverses     TEXT,
  state        TEXT NOT NULL,
  -- who decided and when, JSON
  decision     TEXT NOT NULL,
  proposed_by  TEXT NOT NULL,
  created_at   BIGINT NOT NULL,
  version      BIGINT NOT NULL
);
CREATE INDEX journal_listed ON journal(merchant_id, id);
