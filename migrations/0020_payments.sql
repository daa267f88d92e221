-- Payments, the calls made for them, the notices received, the events told, the jobs.

CREATE TABLE payment (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    order_ref TEXT NOT NULL,
    -- The order reference while the payment lives; NULL frees it for another attempt.
    live_order_ref TEXT,
    amount BIGINT NOT NULL,
    currency TEXT NOT NULL,
    quote_id TEXT,
    gateway TEXT NOT NULL,
    gateway_account_id TEXT NOT NULL,
    method TEXT,
    request_ref TEXT NOT NULL,
    gateway_ref TEXT,
    state TEXT NOT NULL,
    state_detail TEXT NOT NULL,
    is_open SMALLINT NOT NULL,
    is_late SMALLINT NOT NULL,
    is_disputed SMALLINT NOT NULL,
    capture_ref TEXT,
    captured_at BIGINT,
    refunded_total BIGINT NOT NULL,
    terms TEXT NOT NULL,
    customer TEXT NOT NULL,
    return_url TEXT,
    metadata TEXT NOT NULL,
    next_action TEXT,
    secrets {{BYTES}},
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE UNIQUE INDEX payment_live_order ON payment (merchant_id, live_order_ref);
CREATE INDEX payment_order ON payment (merchant_id, order_ref, id);
CREATE INDEX payment_listed ON payment (merchant_id, id);
CREATE INDEX payment_gateway_ref ON payment (gateway, gateway_ref);
CREATE INDEX payment_open ON payment (id) WHERE is_open = 1;

-- Which payment an order was settled by: the second capture of an order cannot be taken for the first.
CREATE TABLE order_settled (
    merchant_id TEXT NOT NULL,
    order_ref TEXT NOT NULL,
    payment_id TEXT NOT NULL,
    settled_at BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, order_ref)
);

CREATE TABLE payment_report (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    payment_id TEXT NOT NULL,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    evidence TEXT NOT NULL,
    detail TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX payment_report_payment ON payment_report (payment_id, id);

CREATE TABLE intent (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    payment_id TEXT NOT NULL,
    refund_id TEXT,
    kind TEXT NOT NULL,
    unique_key TEXT NOT NULL UNIQUE,
    request_ref TEXT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT,
    outcome TEXT NOT NULL,
    detail TEXT,
    attempts BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX intent_payment ON intent (payment_id);
CREATE INDEX intent_unsettled ON intent (kind, id) WHERE outcome IN ('open', 'unknown');

-- Notices as they arrived, for ever.
CREATE TABLE inbox (
    id TEXT NOT NULL PRIMARY KEY,
    gateway TEXT NOT NULL,
    body_sha256 TEXT NOT NULL,
    merchant_id TEXT NOT NULL,
    gateway_account_id TEXT NOT NULL,
    event_ref TEXT,
    event_type TEXT NOT NULL,
    request_ref TEXT,
    gateway_ref TEXT,
    stated_amount BIGINT,
    stated_currency TEXT,
    headers TEXT NOT NULL,
    body {{BYTES}} NOT NULL,
    state TEXT NOT NULL,
    detail TEXT,
    received_at BIGINT NOT NULL,
    settled_at BIGINT,
    version BIGINT NOT NULL,
    UNIQUE (gateway, body_sha256)
);
CREATE INDEX inbox_received ON inbox (id) WHERE state = 'received';

-- What happened, for webhooks and GET /v1/events.
CREATE TABLE event (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    data TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX event_listed ON event (merchant_id, id);

CREATE TABLE job (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    -- One job of this name at a time; NULL once it is done.
    dedup TEXT UNIQUE,
    payload TEXT NOT NULL,
    run_at BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT,
    attempts BIGINT NOT NULL,
    last_error TEXT,
    done_at BIGINT,
    version BIGINT NOT NULL
);
CREATE INDEX job_due ON job (run_at, id) WHERE done_at IS NULL;
