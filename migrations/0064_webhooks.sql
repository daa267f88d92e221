-- Where merchants want to hear of events, and what became of each telling.

CREATE TABLE webhook_endpoint (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    merchant_id TEXT NOT NULL,
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    -- Event types as a JSON list; an empty one means all.
    events TEXT NOT NULL,
    -- enabled, disabled, deleted.
    state TEXT NOT NULL,
    reason TEXT,
    state_since BIGINT NOT NULL,
    failing_since BIGINT,
    -- Sealed: the signing secrets, newest first.
    secrets {{BYTES}} NOT NULL,
    -- Until when, by the wall, the second secret signs too.
    previous_until BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX webhook_endpoint_listed ON webhook_endpoint (merchant_id, id);

-- One row for each event and endpoint that wants it.
CREATE TABLE webhook_delivery (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    merchant_id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    -- pending, delivered, failed.
    state TEXT NOT NULL,
    -- When the schedule in force began, and how often it was tried since; business time.
    since BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    -- Who is sending it, until when by the wall.
    lease_owner TEXT,
    lease_until BIGINT,
    -- The last tries as JSON, the newest first.
    history TEXT NOT NULL,
    ended_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX webhook_delivery_once ON webhook_delivery (event_id, endpoint_id);
CREATE INDEX webhook_delivery_listed ON webhook_delivery (endpoint_id, id);
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, next_at, id) WHERE state = 'pending';
CREATE INDEX webhook_delivery_ended ON webhook_delivery (ended_at) WHERE ended_at IS NOT NULL;
