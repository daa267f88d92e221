-- The books: accounts, transactions, entries, the chain of blocks, and the writer's own rows.

CREATE TABLE setting (
    key     TEXT   NOT NULL PRIMARY KEY,
    value   TEXT   NOT NULL,
    version BIGINT NOT NULL
);

-- balance is debits minus credits in minor units; seq is the number of entries so far.
CREATE TABLE ledger_account (
    id          {{ID}}   NOT NULL PRIMARY KEY,
    merchant_id TEXT     NOT NULL,
    code        BIGINT   NOT NULL,
    owner       TEXT     NOT NULL,
    currency    TEXT     NOT NULL,
    layer       SMALLINT NOT NULL,
    balance     BIGINT   NOT NULL,
    seq         BIGINT   NOT NULL,
    UNIQUE (merchant_id, code, owner, currency, layer)
) {{HOT}};

-- One row for each dimension of an account's owner: "every account that concerns this supplier" is a range of it.
CREATE TABLE ledger_dimension (
    merchant_id TEXT   NOT NULL,
    dimension   TEXT   NOT NULL,
    account_id  BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, dimension, account_id)
) {{CLUSTERED}};

-- number has no gaps; (merchant_id, event, source) is the last guard against booking one fact twice.
CREATE TABLE ledger_transaction (
    number       {{ID}} NOT NULL PRIMARY KEY,
    id           TEXT   NOT NULL UNIQUE,
    merchant_id  TEXT   NOT NULL,
    event        TEXT   NOT NULL,
    source       TEXT   NOT NULL,
    subject      TEXT,
    effective_at BIGINT NOT NULL,
    recorded_at  BIGINT NOT NULL,
    block        BIGINT NOT NULL,
    UNIQUE (merchant_id, event, source)
);
CREATE INDEX ledger_transaction_of_merchant ON ledger_transaction (merchant_id, number);
CREATE INDEX ledger_transaction_about ON ledger_transaction (merchant_id, subject, number);

-- amount is debit minus credit; balance_after is the account's balance once this entry stands.
CREATE TABLE ledger_entry (
    account_id         BIGINT NOT NULL,
    seq                BIGINT NOT NULL,
    transaction_number BIGINT NOT NULL,
    position           BIGINT NOT NULL,
    amount             BIGINT NOT NULL,
    balance_after      BIGINT NOT NULL,
    PRIMARY KEY (account_id, seq)
) {{CLUSTERED}};
CREATE INDEX ledger_entry_of_transaction ON ledger_entry (transaction_number, position);
CREATE INDEX ledger_entry_in_order ON ledger_entry (account_id, transaction_number, seq);

-- One block for each batch that posted something.
CREATE TABLE ledger_block (
    seq               {{ID}}    NOT NULL PRIMARY KEY,
    prev_hash         {{BYTES}} NOT NULL,
    hash              {{BYTES}} NOT NULL,
    first_transaction BIGINT    NOT NULL,
    transactions      BIGINT    NOT NULL,
    recorded_at       BIGINT    NOT NULL
);
CREATE INDEX ledger_block_recorded ON ledger_block (recorded_at);

-- The one row that every write transaction locks first.
CREATE TABLE ledger_head (
    id          {{ID}}    NOT NULL PRIMARY KEY CHECK (id = 1),
    seq         BIGINT    NOT NULL,
    hash        {{BYTES}} NOT NULL,
    number      BIGINT    NOT NULL,
    accounts    BIGINT    NOT NULL,
    recorded_at BIGINT    NOT NULL
) {{HOT}};

-- One row for each writer: the batch it wrote last. After a failed COMMIT it tells whether that batch stands.
CREATE TABLE writer_batch (
    writer      TEXT   NOT NULL PRIMARY KEY,
    batch       TEXT   NOT NULL,
    recorded_at BIGINT NOT NULL
) {{HOT}};
