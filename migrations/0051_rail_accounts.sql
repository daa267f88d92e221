-- A merchant's accounts at payout rails.

CREATE TABLE rail_account (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    merchant_id TEXT NOT NULL,
    -- the ledger's dimension
    name TEXT NOT NULL,
    rail TEXT NOT NULL,
    currency TEXT NOT NULL,
    -- the bank or gateway account whose money is paid out, JSON
    funding TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX rail_account_name ON rail_account (merchant_id, name, currency);
CREATE INDEX rail_account_merchant ON rail_account (merchant_id, id);
