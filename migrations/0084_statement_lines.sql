-- How many lines a statement has, beside the ledger entries behind them: one line may be of several. Of what was issued before,
-- its file says it.
ALTER TABLE issued_statement ADD COLUMN lines BIGINT;
