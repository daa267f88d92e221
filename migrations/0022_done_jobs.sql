-- Jobs that are done are removed after a week: they are found by their end.
CREATE INDEX job_done ON job (done_at) WHERE done_at IS NOT NULL;
