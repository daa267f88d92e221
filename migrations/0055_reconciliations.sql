-- Runs of a gateway's bill against the books, what they found, and what waits for a later bill.

CREATE TABLE reconciliation (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    gateway_account_id TEXT NOT NULL,
    gateway_account TEXT NOT NULL,
    gateway TEXT NOT NULL,
    -- 'pull' or 'file'
    source TEXT NOT NULL,
    -- the first and last day of the bill, in the gateway's zone; NULL until it was read
    first_day TEXT,
    last_day TEXT,
    -- 'running', 'done' or 'failed'
    state TEXT NOT NULL,
    detail TEXT,
    -- SHA-256 of a bill that came as a file
    bill_sha256 TEXT,
    lines BIGINT NOT NULL,
    matched BIGINT NOT NULL,
    repaired BIGINT NOT NULL,
    open BIGINT NOT NULL,
    by_kind TEXT NOT NULL,
    drift TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    version BIGINT NOT NULL
);
CREATE INDEX reconciliation_listed ON reconciliation (merchant_id, id);
CREATE INDEX reconciliation_of_day ON reconciliation (gateway_account_id, first_day);

-- What a run found: the evidence, the repair made or proposed.
CREATE TABLE reconciliation_item (
    reconciliation_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    merchant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    grade TEXT NOT NULL,
    finding_id TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (reconciliation_id, position)
);

-- Facts of the books that their day's bill did not name, and those that a bill named before their day.
CREATE TABLE reconciliation_pool (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    gateway_account_id TEXT NOT NULL,
    -- 'waiting', 'named' or 'missing'
    state TEXT NOT NULL,
    fact TEXT NOT NULL,
    at BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX reconciliation_pool_of ON reconciliation_pool (gateway_account_id, state, at);
