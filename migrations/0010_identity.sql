-- Who is who: merchants, users, keys, gateway accounts, suppliers; what was asked before; the audit trail.

CREATE TABLE merchant (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    zone TEXT NOT NULL,
    recognise TEXT NOT NULL,
    return_origins TEXT NOT NULL,
    tax_jurisdiction TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE merchant_user (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    merchant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE api_key (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    merchant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    environment TEXT NOT NULL,
    scopes TEXT NOT NULL,
    origins TEXT NOT NULL,
    hint TEXT NOT NULL,
    hash {{BYTES}} NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX api_key_hash ON api_key (hash);
CREATE INDEX api_key_merchant ON api_key (merchant_id, id);

CREATE TABLE gateway_account (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    merchant_id TEXT NOT NULL,
    gateway TEXT NOT NULL,
    name TEXT NOT NULL,
    funds_flow TEXT NOT NULL,
    recharge TEXT NOT NULL,
    unreturned_fee TEXT,
    available_when TEXT NOT NULL,
    fx_point TEXT NOT NULL,
    holds TEXT NOT NULL,
    public TEXT NOT NULL,
    secrets {{BYTES}} NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX gateway_account_name ON gateway_account (merchant_id, name);
CREATE INDEX gateway_account_gateway ON gateway_account (gateway, id);

CREATE TABLE supplier (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    merchant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    country TEXT NOT NULL,
    currency TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX supplier_merchant ON supplier (merchant_id, id);

CREATE TABLE supplier_account (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    merchant_id TEXT NOT NULL,
    supplier_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    country TEXT NOT NULL,
    currency TEXT NOT NULL,
    holder TEXT NOT NULL,
    hint TEXT NOT NULL,
    details {{BYTES}} NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX supplier_account_supplier ON supplier_account (merchant_id, supplier_id, id);

-- One row for each key a caller gave; it points at what the request made.
CREATE TABLE idempotency (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    merchant_id TEXT NOT NULL,
    route TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    body_hash {{BYTES}} NOT NULL,
    resource TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    status BIGINT,
    body {{BYTES}}
);
CREATE UNIQUE INDEX idempotency_scope ON idempotency (merchant_id, route, idempotency_key);
CREATE INDEX idempotency_age ON idempotency (created_at);

-- Append-only, one hash chain for each merchant.
CREATE TABLE audit_entry (
    merchant_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    id TEXT NOT NULL,
    at BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous {{BYTES}} NOT NULL,
    hash {{BYTES}} NOT NULL,
    PRIMARY KEY (merchant_id, seq)
);
