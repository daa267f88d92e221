-- The line that took an invoice's debit back, and its day, until another debit pays it again.
ALTER TABLE fee_charge ADD COLUMN returned_line_id TEXT;
ALTER TABLE fee_charge ADD COLUMN returned_on TEXT;
CREATE INDEX fee_charge_seen ON fee_charge (bank_account_id, currency)
    WHERE bank_account_id IS NOT NULL AND bank_line_id IS NOT NULL;
