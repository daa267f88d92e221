-- Where the holder of a bank account has its seat, as its bank is told it (JSON); `null` where nobody said so.
ALTER TABLE bank_account ADD COLUMN address TEXT NOT NULL DEFAULT 'null';
