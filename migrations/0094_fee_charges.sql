-- What gateways charged apart from their payouts: a report, or an invoice that an own bank account paid.
CREATE TABLE fee_charge (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    merchant_id TEXT NOT NULL,
    -- the account's name
    gateway_account TEXT NOT NULL,
    reference TEXT NOT NULL,
    charged_at BIGINT NOT NULL,
    currency TEXT NOT NULL,
    -- without tax
    fee BIGINT NOT NULL,
    tax BIGINT NOT NULL,
    -- how many captures it is for
    captures BIGINT NOT NULL,
    -- fee and tax that were accrued for them
    accrued BIGINT NOT NULL,
    rounding BIGINT NOT NULL,
    drift BIGINT NOT NULL,
    -- NULL: the gateway takes it from what it owes
    bank_account_id TEXT,
    -- the bank's line that debited it; none until a statement has it
    bank_line_id TEXT,
    recorded_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX fee_charge_reference ON fee_charge (merchant_id, gateway_account, reference);
CREATE INDEX fee_charge_listed ON fee_charge (merchant_id, id);
CREATE INDEX fee_charge_unseen ON fee_charge (bank_account_id, currency)
    WHERE bank_account_id IS NOT NULL AND bank_line_id IS NULL;
