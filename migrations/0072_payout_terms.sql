-- On what terms suppliers are paid out, what each approver may approve, and who approved what.

CREATE TABLE payout_terms (
  supplier_id  TEXT PRIMARY KEY,
  merchant_id  TEXT NOT NULL,
  -- holds, papers, reserve, debts, rail: JSON
  terms        TEXT NOT NULL,
  updated_at   BIGINT NOT NULL,
  version      BIGINT NOT NULL
);
CREATE INDEX payout_terms_merchant ON payout_terms (merchant_id, supplier_id);

CREATE TABLE approver_limit (
  user_id      TEXT PRIMARY KEY,
  merchant_id  TEXT NOT NULL,
  -- amounts by currency, JSON; a currency that is not named is none that may be approved
  limits       TEXT NOT NULL,
  updated_at   BIGINT NOT NULL,
  version      BIGINT NOT NULL
);
CREATE INDEX approver_limit_merchant ON approver_limit (merchant_id, user_id);

-- One row for each maker that an approval stands against: the database itself refuses a maker's own.
CREATE TABLE payout_approval (
  plan_id      TEXT NOT NULL,
  hash         TEXT NOT NULL,
  maker        TEXT NOT NULL,
  checker      TEXT NOT NULL,
  merchant_id  TEXT NOT NULL,
  at           BIGINT NOT NULL,
  PRIMARY KEY (plan_id, hash, maker, checker, at),
  CHECK (maker <> checker)
);
