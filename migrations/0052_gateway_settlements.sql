-- How a gateway pays out; NULL for accounts made before there was a choice: the gateway's usual.
ALTER TABLE gateway_account ADD COLUMN settlement TEXT;

-- A gateway paying out: one row for each batch it reports.
CREATE TABLE gateway_settlement (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    merchant_id TEXT NOT NULL,
    -- the account's name
    gateway_account TEXT NOT NULL,
    reference TEXT NOT NULL,
    mode TEXT NOT NULL,
    state TEXT NOT NULL,
    -- JSON
    state_detail TEXT NOT NULL,
    currency TEXT NOT NULL,
    gross BIGINT NOT NULL,
    refunds BIGINT NOT NULL,
    chargebacks BIGINT NOT NULL,
    held BIGINT NOT NULL,
    fee BIGINT NOT NULL,
    tax BIGINT NOT NULL,
    net BIGINT NOT NULL,
    accrued BIGINT NOT NULL,
    rounding BIGINT NOT NULL,
    drift BIGINT NOT NULL,
    deposit_reference TEXT,
    closed_at BIGINT NOT NULL,
    paid_at BIGINT,
    received_at BIGINT,
    recorded_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX gateway_settlement_reference ON gateway_settlement (merchant_id, gateway_account, reference);
CREATE INDEX gateway_settlement_merchant ON gateway_settlement (merchant_id, id);
CREATE INDEX gateway_settlement_open ON gateway_settlement (merchant_id, currency)
    WHERE state IN ('expected', 'in_transit');

-- What a batch settles: each fact once for ever.
CREATE TABLE gateway_settlement_item (
    merchant_id TEXT NOT NULL,
    gateway_account TEXT NOT NULL,
    kind TEXT NOT NULL,
    reference TEXT NOT NULL,
    gateway_settlement_id TEXT NOT NULL,
    payment_id TEXT,
    amount BIGINT NOT NULL,
    currency TEXT NOT NULL,
    PRIMARY KEY (merchant_id, gateway_account, kind, reference)
);
CREATE INDEX gateway_settlement_item_of ON gateway_settlement_item (gateway_settlement_id, kind, reference);
CREATE INDEX gateway_settlement_item_payment ON gateway_settlement_item (payment_id, kind);
CREATE INDEX payment_captured ON payment (gateway_account_id, captured_at) WHERE captured_at IS NOT NULL;
