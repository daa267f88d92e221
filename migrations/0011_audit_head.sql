-- The end of each merchant's audit trail: the writer continues the chain from here, in the batch of the effect.
CREATE TABLE audit_head (
    merchant_id TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash {{BYTES}} NOT NULL
);
INSERT INTO audit_head (merchant_id, seq, hash)
    SELECT merchant_id, seq, hash FROM audit_entry entry
    WHERE seq = (SELECT MAX(other.seq) FROM audit_entry other WHERE other.merchant_id = entry.merchant_id);
