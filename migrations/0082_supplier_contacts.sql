-- Whom a supplier's payout account is told to when it changes, and who was before: JSON, oldest first.
ALTER TABLE supplier ADD COLUMN contacts TEXT NOT NULL DEFAULT '[]';
