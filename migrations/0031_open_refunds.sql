-- Refunds that no gateway has settled, by id: read page by page, so that many that wait for funds hide none.
DROP INDEX refund_open;
CREATE INDEX refund_open ON refund (id) WHERE state IN ('pending', 'awaiting_funds');
