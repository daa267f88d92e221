-- A rail that alone tells what becomes of a payout after it has paid it is asked about it for some weeks more.
CREATE INDEX payout_paid ON payout (rail_account_id, created_at) WHERE state IN ('paid', 'returned');
