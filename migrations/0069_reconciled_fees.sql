-- What the bills of a day taught of the gateway's fees; a bill of the same day that is read again replaces it.

CREATE TABLE reconciled_fees (
    -- the account and the day
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    gateway_account_id TEXT NOT NULL,
    -- in the gateway's zone
    day TEXT NOT NULL,
    -- sums by currency, method and contract, JSON
    lessons TEXT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX reconciled_fees_of ON reconciled_fees (gateway_account_id, day);
