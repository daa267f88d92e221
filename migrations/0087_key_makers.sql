-- Who made a key, and so has had its text: nobody approves what a key of his own making proposed, nor the other way round.
-- Of keys from before the audit trail says it; the first key of a merchant is its user's own.
ALTER TABLE api_key ADD COLUMN made_by TEXT;
UPDATE api_key SET made_by = (
  SELECT MIN(user_id) FROM audit_entry
  WHERE audit_entry.merchant_id = api_key.merchant_id AND action = 'key.created' AND subject = api_key.id
);
UPDATE api_key SET made_by = user_id WHERE made_by IS NULL;
