-- Market deals, what they closed, and how far the position account is closed altogether.

CREATE TABLE fx_deal (
  id              TEXT NOT NULL PRIMARY KEY,
  merchant_id     TEXT NOT NULL,
  kind            TEXT NOT NULL,
  sold            BIGINT NOT NULL,
  sold_currency   TEXT NOT NULL,
  bought          BIGINT NOT NULL,
  bought_currency TEXT NOT NULL,
  -- where the money came from and went, what the bank took: JSON
  legs            TEXT NOT NULL,
  value_date      TEXT NOT NULL,
  bank_ref        TEXT NOT NULL,
  named           SMALLINT NOT NULL,
  -- what of the deal's own legs closed something, in minor units of the pair's base and quote
  closed_base     BIGINT NOT NULL,
  closed_quote    BIGINT NOT NULL,
  transaction_id  TEXT NOT NULL,
  recorded_by     TEXT NOT NULL,
  recorded_at     BIGINT NOT NULL,
  UNIQUE (merchant_id, bank_ref)
);
CREATE INDEX fx_deal_listed ON fx_deal (merchant_id, id);

-- Two lots that met. by_transaction is NULL where the deal itself closed.
CREATE TABLE fx_closing (
  deal_id        TEXT NOT NULL,
  nth            BIGINT NOT NULL,
  merchant_id    TEXT NOT NULL,
  pair           TEXT NOT NULL,
  lot            TEXT NOT NULL,
  lot_number     BIGINT NOT NULL,
  by_transaction TEXT,
  by_number      BIGINT,
  base           BIGINT NOT NULL,
  lot_quote      BIGINT NOT NULL,
  by_quote       BIGINT NOT NULL,
  realized       BIGINT NOT NULL,
  subject        TEXT,
  recorded_at    BIGINT NOT NULL,
  PRIMARY KEY (deal_id, nth)
);
CREATE INDEX fx_closing_of_lot ON fx_closing (merchant_id, lot_number);
CREATE INDEX fx_closing_by ON fx_closing (merchant_id, by_number) WHERE by_number IS NOT NULL;
CREATE INDEX fx_closing_recorded ON fx_closing (merchant_id, recorded_at, deal_id, nth);

-- One row for each merchant: every lot up to this transaction's number is closed. Whoever records a deal raises its
-- version, so that no lot is closed twice.
CREATE TABLE fx_book (
  merchant_id TEXT NOT NULL PRIMARY KEY,
  closed_upto BIGINT NOT NULL,
  version     BIGINT NOT NULL
);

-- What a deal moves at a bank account, until the bank's statement says so too.
CREATE TABLE fx_bank_leg (
  id              TEXT NOT NULL PRIMARY KEY,
  merchant_id     TEXT NOT NULL,
  deal_id         TEXT NOT NULL,
  bank_account_id TEXT NOT NULL,
  -- above zero: paid in
  amount          BIGINT NOT NULL,
  currency        TEXT NOT NULL,
  value_date      TEXT NOT NULL,
  bank_ref        TEXT NOT NULL,
  line_id         TEXT,
  version         BIGINT NOT NULL
);
CREATE INDEX fx_bank_leg_open ON fx_bank_leg (bank_account_id, amount) WHERE line_id IS NULL;
