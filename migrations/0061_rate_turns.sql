-- Whose turn it is to ask a source of rates, of all programs on one database, and what it said last: the others take it
-- from here. The columns behind asked_by are those of rate_publication; none before the first answer.
CREATE TABLE rate_turn (
    source TEXT NOT NULL PRIMARY KEY,
    asked_at BIGINT NOT NULL,
    asked_by TEXT NOT NULL,
    as_of BIGINT,
    evidence TEXT,
    day TEXT,
    base TEXT,
    quoted TEXT,
    kind TEXT,
    published_at BIGINT,
    fetched_at BIGINT,
    next_at BIGINT,
    interval_us BIGINT,
    rates TEXT,
    version BIGINT NOT NULL
);
