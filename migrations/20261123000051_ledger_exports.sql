-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- Exports that were asked for over HTTP (/v1/ledger/exports) are made as reports are, once: the same rows, of period `once`.
--
--     waiting --begin--> making --> made --> expired, when the file is removed
--                         |  ^
--                         v  | begin, after next_at, so long as it has a place
--                        failed
--
-- `place` is among the merchant's own that are not over: so many at once, however many ask at the same moment.
ALTER TABLE report_runs
    ADD COLUMN export_id uuid,         -- NULL: a regular report
    ADD COLUMN asked_by uuid,          -- the API key
    ADD COLUMN asked_at timestamptz,
    ADD COLUMN reached_at timestamptz, -- how far in its period it has come
    ADD COLUMN place integer CHECK (place BETWEEN 1 AND 100),
    ADD COLUMN account text NOT NULL DEFAULT '';
ALTER TABLE report_runs DROP CONSTRAINT report_runs_period_check;
ALTER TABLE report_runs ADD CONSTRAINT report_runs_period_check CHECK (period IN ('hour', 'day', 'week', 'month', 'once'));
ALTER TABLE report_runs DROP CONSTRAINT report_runs_state_check;
ALTER TABLE report_runs ADD CONSTRAINT report_runs_state_check CHECK (state IN ('waiting', 'making', 'made', 'failed', 'expired'));
ALTER TABLE report_runs DROP CONSTRAINT report_runs_check1;
ALTER TABLE report_runs ADD CONSTRAINT report_runs_made_check
    CHECK ((state IN ('made', 'expired')) = (made_at IS NOT NULL AND sha256 IS NOT NULL AND event_id IS NOT NULL));
ALTER TABLE report_runs ADD CONSTRAINT report_runs_once_check
    CHECK ((period = 'once') = (export_id IS NOT NULL) AND (export_id IS NULL) = (asked_by IS NULL)
           AND (export_id IS NULL) = (asked_at IS NULL) AND (export_id IS NOT NULL OR place IS NULL));
ALTER TABLE report_runs ADD CONSTRAINT report_runs_open_check
    CHECK (export_id IS NULL OR (place IS NOT NULL) = (state IN ('waiting', 'making')) OR state = 'failed');
CREATE UNIQUE INDEX report_runs_export ON report_runs (merchant_id, export_id) WHERE export_id IS NOT NULL;
CREATE UNIQUE INDEX report_runs_place ON report_runs (merchant_id, place) WHERE place IS NOT NULL;
CREATE INDEX report_runs_due ON report_runs (next_at) WHERE place IS NOT NULL;
CREATE INDEX report_runs_kept ON report_runs (made_at) WHERE export_id IS NOT NULL AND state = 'made';

COMMENT ON VIEW finance.reports IS 'Reports that the gateway makes regularly, and exports that were asked for over HTTP: one row for each report and period that it has begun.';
COMMENT ON COLUMN finance.reports.name IS 'The report, as the configuration names it; of an export its id.';
COMMENT ON COLUMN finance.reports.period IS 'hour, day, week or month; once: an export.';
COMMENT ON COLUMN finance.reports.state IS 'making, made or failed; what failed is made again. Of an export also waiting, and expired: its file was removed.';
COMMENT ON COLUMN finance.reports.tries IS 'How often it was begun; an export that failed is made again twice.';

RESET ROLE;

-- migrate:down

DELETE FROM report_runs WHERE period = 'once';
DROP INDEX report_runs_kept;
DROP INDEX report_runs_due;
ALTER TABLE report_runs DROP CONSTRAINT report_runs_open_check;
ALTER TABLE report_runs DROP CONSTRAINT report_runs_once_check;
ALTER TABLE report_runs DROP CONSTRAINT report_runs_made_check;
ALTER TABLE report_runs ADD CONSTRAINT report_runs_check1
    CHECK ((state = 'made') = (made_at IS NOT NULL AND sha256 IS NOT NULL AND event_id IS NOT NULL));
ALTER TABLE report_runs DROP CONSTRAINT report_runs_state_check;
ALTER TABLE report_runs ADD CONSTRAINT report_runs_state_check CHECK (state IN ('making', 'made', 'failed'));
ALTER TABLE report_runs DROP CONSTRAINT report_runs_period_check;
ALTER TABLE report_runs ADD CONSTRAINT report_runs_period_check CHECK (period IN ('hour', 'day', 'week', 'month'));
ALTER TABLE report_runs
    DROP COLUMN account,
    DROP COLUMN place,
    DROP COLUMN reached_at,
    DROP COLUMN asked_at,
    DROP COLUMN asked_by,
    DROP COLUMN export_id;
COMMENT ON VIEW finance.reports IS 'Reports that the gateway makes regularly: one row for each report and period that it has begun.';
COMMENT ON COLUMN finance.reports.name IS 'The report, as the configuration names it.';
COMMENT ON COLUMN finance.reports.period IS 'hour, day, week or month.';
COMMENT ON COLUMN finance.reports.state IS 'making, made or failed; what failed is made again.';
COMMENT ON COLUMN finance.reports.tries IS 'How often it was begun.';
