-- Closed periods, and the statements issued with them.

CREATE TABLE period_close (
  id           TEXT PRIMARY KEY,
  merchant_id  TEXT NOT NULL,
  -- the last booking date of it, in the merchant's zone
  until        TEXT NOT NULL,
  zone         TEXT NOT NULL,
  -- the instant at which the period is over
  ends_before  BIGINT NOT NULL,
  state        TEXT NOT NULL,
  -- what was checked, JSON
  checks       TEXT NOT NULL,
  -- who decided and when, the ledger's head and last number, JSON
  decision     TEXT NOT NULL,
  proposed_by  TEXT NOT NULL,
  created_at   BIGINT NOT NULL,
  closed_at    BIGINT,
  -- the last transaction booked in it
  last_number  BIGINT,
  version      BIGINT NOT NULL,
  UNIQUE (merchant_id, until)
);
CREATE INDEX period_close_listed ON period_close(merchant_id, id);

CREATE TABLE issued_statement (
  id           TEXT NOT NULL PRIMARY KEY,
  merchant_id  TEXT NOT NULL,
  -- from 1, without gaps, for each merchant
  number       BIGINT NOT NULL,
  period_id    TEXT NOT NULL,
  supplier_id  TEXT NOT NULL,
  currency     TEXT NOT NULL,
  from_date    TEXT NOT NULL,
  to_date      TEXT NOT NULL,
  zone         TEXT NOT NULL,
  opening      BIGINT NOT NULL,
  closing      BIGINT NOT NULL,
  entries      BIGINT NOT NULL,
  -- the ledger's numbers it lies between
  after_number BIGINT NOT NULL,
  upto_number  BIGINT NOT NULL,
  sha256       TEXT NOT NULL,
  body         {{BYTES}} NOT NULL,
  issued_at    BIGINT NOT NULL,
  UNIQUE (merchant_id, number)
);
CREATE INDEX issued_statement_listed ON issued_statement(merchant_id, id);
CREATE INDEX issued_statement_supplier ON issued_statement(merchant_id, supplier_id, id);
