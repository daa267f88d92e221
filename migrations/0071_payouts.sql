-- Payout plans, the batches they are sent in, and each payout.

CREATE TABLE payout_plan (
  id            TEXT PRIMARY KEY,
  merchant_id   TEXT NOT NULL,
  -- who made it and who decided, with times: JSON of the state
  state         TEXT NOT NULL,
  decision      TEXT NOT NULL,
  -- the plan's document and its certificate, as hashed
  document      TEXT NOT NULL,
  certificate   TEXT NOT NULL,
  -- SHA-256 of the document, hex: what an approval is of
  hash          TEXT NOT NULL,
  -- the schedule and the moment it was due, where no person asked: one plan for each
  schedule_id   TEXT,
  due_at        BIGINT,
  made_by       TEXT,
  created_at    BIGINT NOT NULL,
  version       BIGINT NOT NULL
);
CREATE INDEX payout_plan_listed ON payout_plan (merchant_id, id);
CREATE INDEX payout_plan_open ON payout_plan (state, id);
CREATE UNIQUE INDEX payout_plan_due ON payout_plan (schedule_id, due_at);

CREATE TABLE payout_batch (
  id              TEXT PRIMARY KEY,
  merchant_id     TEXT NOT NULL,
  plan_id         TEXT NOT NULL,
  rail_account_id TEXT NOT NULL,
  rail_ref        TEXT,
  lease_owner     TEXT,
  lease_until     BIGINT,
  outcome         TEXT NOT NULL,
  detail          TEXT,
  attempts        BIGINT NOT NULL,
  created_at      BIGINT NOT NULL,
  asked_at        BIGINT,
  version         BIGINT NOT NULL
);
CREATE INDEX payout_batch_plan ON payout_batch (plan_id, id);

CREATE TABLE payout (
  id                  TEXT PRIMARY KEY,
  merchant_id         TEXT NOT NULL,
  plan_id             TEXT NOT NULL,
  batch_id            TEXT NOT NULL,
  supplier_id         TEXT NOT NULL,
  supplier_account_id TEXT NOT NULL,
  rail_account_id     TEXT NOT NULL,
  -- the ledger's accounts, JSON
  booking             TEXT NOT NULL,
  currency            TEXT NOT NULL,
  amount              BIGINT NOT NULL,
  borne               BIGINT NOT NULL,
  purpose             TEXT,
  rail_ref            TEXT,
  state               TEXT NOT NULL,
  -- what the state carries, JSON
  detail              TEXT NOT NULL,
  -- what the rail charged so far, JSON
  charged             TEXT,
  created_at          BIGINT NOT NULL,
  updated_at          BIGINT NOT NULL,
  version             BIGINT NOT NULL
);
CREATE INDEX payout_listed ON payout (merchant_id, id);
CREATE INDEX payout_supplier ON payout (merchant_id, supplier_id, id);
CREATE INDEX payout_plan_items ON payout (plan_id, id);
CREATE INDEX payout_batch_items ON payout (batch_id, id);
CREATE INDEX payout_open ON payout (id) WHERE state IN ('held', 'sent', 'unknown', 'unclaimed');
