-- A refund gives back the tax that its own sale bore, so an accounting says which of the turnover's rows it is of: those behind
-- turnover_after, up to turnover_nth. A refund of what an earlier text taxed is a row of its own, of no sales: both are the same.
ALTER TABLE withholding ADD COLUMN concerned SMALLINT NOT NULL DEFAULT 1;
ALTER TABLE withholding ADD COLUMN rounding TEXT NOT NULL DEFAULT 'half_up';
ALTER TABLE withholding ADD COLUMN turnover_after BIGINT NOT NULL DEFAULT 0;
ALTER TABLE withholding ADD COLUMN turnover_nth BIGINT NOT NULL DEFAULT 0;

-- A supplier who was not meant has no base, whatever was sold.
UPDATE withholding SET concerned = 0 WHERE base = 0 AND sold <> refunded;
-- Where as much went back as was sold, it was what the accounting before it was, or the one after.
UPDATE withholding SET concerned = COALESCE(
  (SELECT p.concerned FROM withholding p
   WHERE p.supplier_id = withholding.supplier_id AND p.rule = withholding.rule AND p.currency = withholding.currency
   AND p.nth < withholding.nth AND p.sold <> p.refunded ORDER BY p.nth DESC LIMIT 1),
  (SELECT p.concerned FROM withholding p
   WHERE p.supplier_id = withholding.supplier_id AND p.rule = withholding.rule AND p.currency = withholding.currency
   AND p.nth > withholding.nth AND p.sold <> p.refunded ORDER BY p.nth LIMIT 1),
  1) WHERE base = 0 AND sold = refunded;

-- Older accountings are of the rows up to the one whose totals they have.
UPDATE withholding SET turnover_nth = COALESCE(
  (SELECT MAX(t.nth) FROM withholding_turnover t
   WHERE t.supplier_id = withholding.supplier_id AND t.currency = withholding.currency
   AND t.sold_total = withholding.sold_total AND t.refunded_total = withholding.refunded_total
   AND t.counted_at <= withholding.booked_at),
  (SELECT MAX(t.nth) FROM withholding_turnover t
   WHERE t.supplier_id = withholding.supplier_id AND t.currency = withholding.currency
   AND t.counted_at <= withholding.booked_at),
  0);
-- Behind the accounting before; the first one behind what was sold before its rule.
UPDATE withholding SET turnover_after = COALESCE(
  (SELECT p.turnover_nth FROM withholding p
   WHERE p.supplier_id = withholding.supplier_id AND p.rule = withholding.rule AND p.currency = withholding.currency
   AND p.nth = withholding.nth - 1),
  (SELECT MAX(t.nth) FROM withholding_turnover t
   WHERE t.supplier_id = withholding.supplier_id AND t.currency = withholding.currency
   AND t.sold_total = withholding.sold_total - withholding.sold
   AND t.refunded_total = withholding.refunded_total - withholding.refunded AND t.nth <= withholding.turnover_nth),
  0);
CREATE INDEX withholding_of_turnover ON withholding (supplier_id, rule, currency, turnover_nth);
