-- Whether a run only says what differs between a bill and the books, and nothing follows from it.
ALTER TABLE reconciliation ADD COLUMN dry_run BIGINT NOT NULL DEFAULT 0;
