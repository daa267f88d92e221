-- The bank's line that debited a payment of withheld tax; none until a statement has it.
ALTER TABLE withholding_remittance ADD COLUMN bank_line_id TEXT;
CREATE INDEX withholding_remittance_booked ON withholding_remittance (bank_account_id) WHERE state = 'booked';
