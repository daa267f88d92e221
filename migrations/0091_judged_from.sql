-- Behind which transaction a rule of `verify` judges: what was allowed when it was booked stays so.
CREATE TABLE judged_from (
  rule         TEXT   NOT NULL PRIMARY KEY,
  after_number BIGINT NOT NULL
);
-- A deal at a market could once be dated into a period that was closed.
INSERT INTO judged_from (rule, after_number) SELECT 'deals_of_closed_periods', COALESCE(MAX(number), 0) FROM ledger_transaction;
