-- Where the payer is at home, as the gateway named it with the first capture; NULL where it named none.
ALTER TABLE payment ADD COLUMN payer_country TEXT;
