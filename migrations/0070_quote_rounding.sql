-- How the prices of a quote end; quotes from before are exact.

ALTER TABLE quote ADD COLUMN rounding TEXT;
