-- When all lines of a statement were taken; none where the program ended in the middle of them.
ALTER TABLE bank_statement ADD COLUMN read_at BIGINT;
UPDATE bank_statement SET read_at = recorded_at;
