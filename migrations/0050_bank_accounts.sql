-- A merchant's accounts at banks: client money (1010) and its own (1000). The number is sealed in `details`.

CREATE TABLE bank_account (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    merchant_id TEXT NOT NULL,
    -- the ledger's dimension
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    currency TEXT NOT NULL,
    country TEXT NOT NULL,
    bic TEXT,
    hint TEXT NOT NULL,
    -- names of gateway accounts, JSON
    sweeps TEXT NOT NULL,
    -- number and the bank's own name of the account on statements, sealed
    details {{BYTES}} NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX bank_account_name ON bank_account (merchant_id, kind, name, currency);
CREATE INDEX bank_account_merchant ON bank_account (merchant_id, id);
