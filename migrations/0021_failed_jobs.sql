-- Jobs that were given up are counted at every scrape of the metrics.
CREATE INDEX job_failed ON job (id) WHERE last_error IS NOT NULL;
