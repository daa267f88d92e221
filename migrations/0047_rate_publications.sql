-- Rates as their sources published them. They belong to no merchant: everybody's prices rest on the same. Never changed;
-- a correction is a later row of the same market time.

CREATE TABLE rate_publication (
    source TEXT NOT NULL,
    as_of BIGINT NOT NULL,
    -- SHA-256 of the source's answer.
    evidence TEXT NOT NULL,
    -- The date (UTC) of as_of.
    day TEXT NOT NULL,
    base TEXT NOT NULL,
    -- units_per_base or base_per_unit.
    quoted TEXT NOT NULL,
    -- reference or mid.
    kind TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    fetched_at BIGINT NOT NULL,
    -- When the next publication is due, or the interval of a running source: one of the two.
    next_at BIGINT,
    interval_us BIGINT,
    -- Currency to decimal text, as a JSON object.
    rates TEXT NOT NULL,
    PRIMARY KEY (source, as_of, evidence)
) {{CLUSTERED}};
CREATE INDEX rate_publication_day ON rate_publication (day, source);
