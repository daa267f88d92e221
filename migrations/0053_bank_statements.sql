-- Statements of banks that were read, and their lines: each line once, however many files print it.
CREATE TABLE bank_statement (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    merchant_id TEXT NOT NULL,
    bank_account_id TEXT NOT NULL,
    -- SHA-256 of the file, and the statement's place in it
    file_hash TEXT NOT NULL,
    place BIGINT NOT NULL,
    format TEXT NOT NULL,
    reference TEXT NOT NULL,
    currency TEXT NOT NULL,
    opening BIGINT,
    closing BIGINT,
    -- dates of its first and last booked line
    from_on TEXT,
    to_on TEXT,
    line_count BIGINT NOT NULL,
    pending_count BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX bank_statement_file ON bank_statement (merchant_id, file_hash, place);
CREATE INDEX bank_statement_merchant ON bank_statement (merchant_id, id);
CREATE INDEX bank_statement_account ON bank_statement (bank_account_id, to_on, id);

CREATE TABLE bank_line (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    merchant_id TEXT NOT NULL,
    bank_account_id TEXT NOT NULL,
    -- what tells it apart at its account, hashed
    line_key TEXT NOT NULL,
    -- the statement it was first read in
    statement_id TEXT NOT NULL,
    amount BIGINT NOT NULL,
    charges BIGINT NOT NULL,
    currency TEXT NOT NULL,
    booked_on TEXT NOT NULL,
    value_on TEXT NOT NULL,
    is_reversal SMALLINT NOT NULL,
    reference TEXT,
    -- JSON
    names TEXT NOT NULL,
    said TEXT NOT NULL,
    state TEXT NOT NULL,
    -- JSON
    state_detail TEXT NOT NULL,
    recorded_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX bank_line_key ON bank_line (bank_account_id, line_key);
CREATE INDEX bank_line_statement ON bank_line (statement_id, id);
CREATE INDEX bank_line_open ON bank_line (merchant_id, currency, id) WHERE state IN ('suspense', 'unbooked');
