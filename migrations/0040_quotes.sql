-- Promised prices. Rates are decimal text; `market` is the provenance as JSON, never queried.

CREATE TABLE quote (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    merchant_id TEXT NOT NULL,
    -- The units it was priced by, minor units of from_currency, as a JSON list.
    units TEXT NOT NULL,
    from_amount BIGINT NOT NULL,
    from_currency TEXT NOT NULL,
    to_amount BIGINT NOT NULL,
    to_currency TEXT NOT NULL,
    reference_rate TEXT NOT NULL,
    spread_bps BIGINT NOT NULL,
    buffer_bps BIGINT NOT NULL,
    final_rate TEXT NOT NULL,
    market TEXT NOT NULL,
    lock_for TEXT NOT NULL,
    indicative SMALLINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_by TEXT,
    used_at BIGINT
);
