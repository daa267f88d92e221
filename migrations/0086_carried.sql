-- What a call to a rail carried, written down with its lease: payouts and the file's hash, JSON; null before the first.
ALTER TABLE payout_batch ADD COLUMN carried TEXT;
