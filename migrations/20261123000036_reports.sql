-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- Reports that gateways make regularly (gateway/process/report_errand.h): one row for each report and period, made by one
-- host. `making` is believed only while that host holds the report's lock; epoch fences who comes late.
CREATE TABLE report_runs (
    merchant_id uuid NOT NULL,
    period_from timestamptz NOT NULL,
    period_to   timestamptz NOT NULL, -- not with it
    begun_at    timestamptz NOT NULL, -- the last try
    next_at     timestamptz NOT NULL, -- failed: not before
    made_at     timestamptz,
    event_id    uuid,                 -- it was announced as; NULL: not made
    epoch       bigint NOT NULL,
    row_count   bigint NOT NULL,
    byte_count  bigint NOT NULL,
    tries       integer NOT NULL,
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
    period      text NOT NULL CHECK (period IN ('hour', 'day', 'week', 'month')),
    what        text NOT NULL,
    state       text NOT NULL CHECK (state IN ('making', 'made', 'failed')),
    file        text NOT NULL,        -- its name in the folder
    host        text NOT NULL,
    error       text NOT NULL,
    sha256      bytea CHECK (length(sha256) = 32),
    PRIMARY KEY (merchant_id, name, period, period_from),
    CHECK (period_from < period_to),
    CHECK ((state = 'made') = (made_at IS NOT NULL AND sha256 IS NOT NULL AND event_id IS NOT NULL))
);
-- Webhooks name the event alone.
CREATE UNIQUE INDEX report_runs_event ON report_runs (merchant_id, event_id) WHERE event_id IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON report_runs TO turnpike_gateway;

CREATE VIEW finance.reports WITH (security_barrier) AS
SELECT r.merchant_id,
       r.name,
       r.what,
       r.period,
       r.period_from,
       r.period_to,
       r.state,
       r.file,
       r.row_count,
       r.byte_count,
       encode(r.sha256, 'hex') AS sha256,
       r.made_at,
       r.begun_at,
       CASE WHEN r.state = 'failed' THEN r.next_at END AS next_at,
       r.tries,
       r.host,
       r.error
FROM public.report_runs r
WHERE r.merchant_id IN (SELECT merchant_id FROM public.finance_access
                         WHERE login = session_user);

COMMENT ON VIEW finance.reports IS 'Reports that the gateway makes regularly: one row for each report and period that it has begun.';
COMMENT ON COLUMN finance.reports.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.reports.name IS 'The report, as the configuration names it.';
COMMENT ON COLUMN finance.reports.what IS 'csv, attempts-csv, jsonl, hledger, ledger, beancount, camt053 or trial-balance.';
COMMENT ON COLUMN finance.reports.period IS 'hour, day, week or month.';
COMMENT ON COLUMN finance.reports.period_from IS 'Begin of the period (UTC).';
COMMENT ON COLUMN finance.reports.period_to IS 'Its end, not with it (UTC).';
COMMENT ON COLUMN finance.reports.state IS 'making, made or failed; what failed is made again.';
COMMENT ON COLUMN finance.reports.file IS 'Name of the file in the report''s folder.';
COMMENT ON COLUMN finance.reports.row_count IS 'Rows in it.';
COMMENT ON COLUMN finance.reports.byte_count IS 'Its size.';
COMMENT ON COLUMN finance.reports.sha256 IS 'SHA-256 of the file as it was made, hexadecimal.';
COMMENT ON COLUMN finance.reports.made_at IS 'When it was made (UTC); NULL: it is not.';
COMMENT ON COLUMN finance.reports.begun_at IS 'When the last try began (UTC).';
COMMENT ON COLUMN finance.reports.next_at IS 'When a failed one is tried again (UTC).';
COMMENT ON COLUMN finance.reports.tries IS 'How often it was begun.';
COMMENT ON COLUMN finance.reports.host IS 'The host that began it last.';
COMMENT ON COLUMN finance.reports.error IS 'Why the last try failed; empty: it did not.';

GRANT SELECT ON finance.reports TO turnpike_finance;

RESET ROLE;

-- migrate:down

DROP VIEW finance.reports;
DROP TABLE report_runs;
