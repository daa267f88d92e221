-- The far sides' own truth. One document per noun; the columns beside it are what it is looked up by.
CREATE TABLE IF NOT EXISTS record (
    seq    INTEGER PRIMARY KEY,
    kind   TEXT NOT NULL,
    id     TEXT NOT NULL,
    alias  TEXT,
    due_us INTEGER,
    body   TEXT NOT NULL,
    UNIQUE (kind, id)
) STRICT;
CREATE INDEX IF NOT EXISTS record_alias ON record (kind, alias, seq) WHERE alias IS NOT NULL;
CREATE INDEX IF NOT EXISTS record_due ON record (kind, due_us, seq) WHERE due_us IS NOT NULL;
-- Reports ask for a window of an account's movements.
CREATE INDEX IF NOT EXISTS record_movements ON record (alias, substr(json_extract(body, '$.at'), 1, 19), seq)
    WHERE kind = 'paypal.row';
