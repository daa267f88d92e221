-- Disputes, what we said in them, and which dispute a notice is about.

CREATE TABLE dispute (
  id                  TEXT PRIMARY KEY,
  merchant_id         TEXT NOT NULL,
  payment_id          TEXT NOT NULL,
  gateway_account_id  TEXT NOT NULL,
  gateway             TEXT NOT NULL,
  gateway_ref         TEXT NOT NULL,
  capture_ref         TEXT NOT NULL,
  amount              BIGINT NOT NULL,
  currency            TEXT NOT NULL,
  reason              TEXT NOT NULL,
  stage               TEXT,
  state               TEXT NOT NULL,
  -- the gateway's own word for the state
  word                TEXT NOT NULL,
  deadline            BIGINT,
  -- what is booked: the hold that stands, every movement with what it took from whom (JSON)
  money               TEXT NOT NULL,
  opened_at           BIGINT NOT NULL,
  updated_at          BIGINT NOT NULL,
  closed_at           BIGINT,
  version             BIGINT NOT NULL,
  UNIQUE (merchant_id, gateway_account_id, gateway_ref)
);
CREATE INDEX dispute_listed ON dispute(merchant_id, id);
CREATE INDEX dispute_payment ON dispute(payment_id, id);
CREATE INDEX dispute_open ON dispute(id) WHERE closed_at IS NULL;

CREATE TABLE dispute_answer (
  id          TEXT PRIMARY KEY,
  merchant_id TEXT NOT NULL,
  dispute_id  TEXT NOT NULL,
  -- what is said, JSON
  said        TEXT NOT NULL,
  outcome     TEXT NOT NULL,
  created_at  BIGINT NOT NULL,
  version     BIGINT NOT NULL
);
CREATE INDEX dispute_answer_dispute ON dispute_answer(dispute_id, id);
CREATE INDEX dispute_answer_unsettled ON dispute_answer(id) WHERE outcome IN ('open', 'unknown');

ALTER TABLE inbox ADD COLUMN dispute_ref TEXT;
CREATE INDEX payment_capture ON payment(gateway_account_id, capture_ref);
