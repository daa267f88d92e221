-- Tax withheld from suppliers for authorities: the turnover it is of, what was withheld with which payout, what was paid.

-- A supplier's gross sales in one currency, in the order in which they were counted; the last row has the totals.
CREATE TABLE withholding_turnover (
  supplier_id      TEXT NOT NULL,
  currency         TEXT NOT NULL,
  nth              BIGINT NOT NULL,
  merchant_id      TEXT NOT NULL,
  payment_id       TEXT NOT NULL,
  -- sale or refund; a refund below zero failed
  kind             TEXT NOT NULL,
  amount           BIGINT NOT NULL,
  -- the same in the payment's currency
  charged          BIGINT NOT NULL,
  charged_currency TEXT NOT NULL,
  sold_total       BIGINT NOT NULL,
  refunded_total   BIGINT NOT NULL,
  counted_at       BIGINT NOT NULL,
  PRIMARY KEY (supplier_id, currency, nth)
);
CREATE INDEX withholding_turnover_of ON withholding_turnover (payment_id, supplier_id);

-- What a payout accounted for under one rule, in order; the last row says how far the turnover is accounted for.
CREATE TABLE withholding (
  supplier_id    TEXT NOT NULL,
  rule           TEXT NOT NULL,
  currency       TEXT NOT NULL,
  nth            BIGINT NOT NULL,
  merchant_id    TEXT NOT NULL,
  authority      TEXT NOT NULL,
  rule_version   TEXT NOT NULL,
  percent        TEXT NOT NULL,
  share_of_base  TEXT NOT NULL,
  -- of the day on which it was booked: 2026-11, 2026-Q4
  period         TEXT NOT NULL,
  payout_id      TEXT NOT NULL,
  sold           BIGINT NOT NULL,
  refunded       BIGINT NOT NULL,
  base           BIGINT NOT NULL,
  due            BIGINT NOT NULL,
  credit_before  BIGINT NOT NULL,
  withheld       BIGINT NOT NULL,
  credit         BIGINT NOT NULL,
  sold_total     BIGINT NOT NULL,
  refunded_total BIGINT NOT NULL,
  booked_at      BIGINT NOT NULL,
  PRIMARY KEY (supplier_id, rule, currency, nth)
);
CREATE INDEX withholding_certified ON withholding (merchant_id, rule, period, currency, supplier_id);
CREATE INDEX withholding_owed ON withholding (merchant_id, authority, period, currency);

-- Payments to authorities, proposed by one user and booked by another.
CREATE TABLE withholding_remittance (
  id              TEXT PRIMARY KEY,
  merchant_id     TEXT NOT NULL,
  authority       TEXT NOT NULL,
  period          TEXT NOT NULL,
  currency        TEXT NOT NULL,
  bank_account_id TEXT NOT NULL,
  bank            TEXT NOT NULL,
  reference       TEXT NOT NULL,
  -- suppliers, rules, amounts: JSON
  lines           TEXT NOT NULL,
  state           TEXT NOT NULL,
  -- who decided and when: JSON
  decision        TEXT NOT NULL,
  proposed_by     TEXT NOT NULL,
  created_at      BIGINT NOT NULL,
  version         BIGINT NOT NULL
);
CREATE INDEX withholding_remittance_listed ON withholding_remittance (merchant_id, id);

-- What of each period's tax was paid; nth makes two payments of the same tax meet.
CREATE TABLE withholding_remitted (
  supplier_id   TEXT NOT NULL,
  rule          TEXT NOT NULL,
  currency      TEXT NOT NULL,
  period        TEXT NOT NULL,
  nth           BIGINT NOT NULL,
  merchant_id   TEXT NOT NULL,
  authority     TEXT NOT NULL,
  remittance_id TEXT NOT NULL,
  amount        BIGINT NOT NULL,
  PRIMARY KEY (supplier_id, rule, currency, period, nth)
);
