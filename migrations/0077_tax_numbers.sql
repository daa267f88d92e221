-- What statements name beside a legal name. Empty where none was given.
ALTER TABLE merchant ADD COLUMN tax_number TEXT NOT NULL DEFAULT '';
ALTER TABLE supplier ADD COLUMN tax_number TEXT NOT NULL DEFAULT '';
