-- The day on which a rail takes a batch, by the route that it goes by; null in what was written down before.
ALTER TABLE payout_batch ADD COLUMN execute_on TEXT;
