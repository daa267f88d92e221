-- A merchant's payments in one state, and at one gateway, by id: a page of them reads no others.
CREATE INDEX payment_state ON payment (merchant_id, state, id);
CREATE INDEX payment_gateway ON payment (merchant_id, gateway, id);
