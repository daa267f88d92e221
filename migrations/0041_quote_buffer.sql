-- What a quote's buffer is made of, as JSON that nobody queries (quotes from before have only the sum in `buffer_bps`),
-- and the token it came in, where it came in one. A token pays once because its quote is inserted under the token's id.

ALTER TABLE quote ADD COLUMN buffer TEXT;
ALTER TABLE quote ADD COLUMN token_id TEXT;
