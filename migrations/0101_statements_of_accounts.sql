-- A file may be read for more than one account: each has its own statements of it.
DROP INDEX bank_statement_file;
CREATE UNIQUE INDEX bank_statement_file ON bank_statement (merchant_id, file_hash, place, bank_account_id);
