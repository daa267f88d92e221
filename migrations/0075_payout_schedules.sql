-- Schedules by which plans of payouts are drafted, and what came of each of their dates.

CREATE TABLE payout_schedule (
  id           TEXT PRIMARY KEY,
  merchant_id  TEXT NOT NULL,
  -- cron, zone, holidays, minimum, what it pays: JSON
  terms        TEXT NOT NULL,
  -- users who gave it its content: JSON
  makers       TEXT NOT NULL,
  -- active, paused, deleted
  state        TEXT NOT NULL,
  -- what the state carries, the next date among it: JSON
  detail       TEXT NOT NULL,
  created_at   BIGINT NOT NULL,
  version      BIGINT NOT NULL
);
CREATE INDEX payout_schedule_listed ON payout_schedule (merchant_id, id);

-- One row for each date that has come, written with its plan: of two programs that draft for one date, one finds the row
-- there.
CREATE TABLE payout_schedule_run (
  schedule_id  TEXT NOT NULL,
  -- the day in the schedule's zone
  date         TEXT NOT NULL,
  merchant_id  TEXT NOT NULL,
  due_at       BIGINT NOT NULL,
  -- drafted, made_up, missed, failed; with its plan or why: JSON
  outcome      TEXT NOT NULL,
  at           BIGINT NOT NULL,
  PRIMARY KEY (schedule_id, date)
);
