-- The merchant's own prices. An entry never changes but for being withdrawn; the newest that holds wins.

CREATE TABLE fixed_price (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    merchant_id TEXT NOT NULL,
    sku TEXT NOT NULL,
    -- NULL: wherever the currency is shown.
    country TEXT,
    amount BIGINT NOT NULL,
    currency TEXT NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_until BIGINT,
    created_at BIGINT NOT NULL,
    withdrawn_at BIGINT
);

CREATE INDEX fixed_price_by_sku ON fixed_price (merchant_id, sku);
CREATE INDEX fixed_price_by_id ON fixed_price (merchant_id, id);

-- The country whose prices a quote looked up.
ALTER TABLE quote ADD COLUMN country TEXT;
