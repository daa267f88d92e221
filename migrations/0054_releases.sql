-- When the shares of a payment became payable: 2100 to 2110.
ALTER TABLE settlement ADD COLUMN released_at BIGINT;
-- What was released so far, JSON; NULL: nothing.
ALTER TABLE settlement ADD COLUMN released TEXT;
CREATE INDEX settlement_unreleased ON settlement (merchant_id, created_at, id) WHERE released_at IS NULL;
