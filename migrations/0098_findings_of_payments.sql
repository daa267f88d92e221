-- What stands open about a payment is asked at every look at it, and findings add up.
CREATE INDEX finding_payment ON finding (merchant_id, payment_id, id) WHERE payment_id IS NOT NULL;
