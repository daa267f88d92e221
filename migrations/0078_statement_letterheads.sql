-- Who issued a statement to whom, and where the ledger's chain stood, as they were when it was issued (JSON); `null` for
-- what was issued before.
ALTER TABLE issued_statement ADD COLUMN letterhead TEXT NOT NULL DEFAULT 'null';
