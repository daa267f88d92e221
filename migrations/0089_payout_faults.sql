-- By whose fault a payout came back short, as two users said (JSON); NULL where nobody did: it is then the supplier's.
ALTER TABLE payout ADD COLUMN fault TEXT;
