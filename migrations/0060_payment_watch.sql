-- When a payment's gateway is asked next. A row of its own beside the payment: a question leaves the payment's version,
-- on which every other decision about it rests, as it was.
CREATE TABLE payment_watch (
    payment_id TEXT NOT NULL PRIMARY KEY,
    gateway TEXT NOT NULL,
    -- NULL: it is asked about no more.
    next_ask_at BIGINT,
    -- The last question, or the creation.
    asked_at BIGINT NOT NULL,
    -- Questions without an answer since the last answer.
    in_vain BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX payment_watch_due ON payment_watch (gateway, next_ask_at, payment_id) WHERE next_ask_at IS NOT NULL;

-- Payments that were open before there were rungs are due at once, the oldest first.
INSERT INTO payment_watch (payment_id, gateway, next_ask_at, asked_at, in_vain, version)
    SELECT id, gateway, created_at, created_at, 0, 1 FROM payment WHERE is_open = 1;
