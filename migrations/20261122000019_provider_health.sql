-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- Accounts that get no new payments for a while: switched off or drained by a person, or in planned maintenance.
-- Rows are the record of who did what and why; only their end is written later.
CREATE TABLE account_holds (
    merchant_id uuid NOT NULL,
    account_id  uuid NOT NULL,
    hold_id     uuid NOT NULL,
    created_at  timestamptz NOT NULL,
    from_at     timestamptz NOT NULL,
    until_at    timestamptz,          -- NULL: until somebody ends it
    ended_at    timestamptz,
    weekly      boolean NOT NULL,     -- from_at to until_at, and each week again at the same time (UTC)
    kind        text NOT NULL CHECK (kind IN ('disabled', 'drained', 'maintenance')),
    reason      text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    author      text NOT NULL,
    ended_by    text NOT NULL,        -- '': not ended; 'expired': by itself
    PRIMARY KEY (merchant_id, account_id, hold_id),
    FOREIGN KEY (merchant_id, account_id) REFERENCES accounts (merchant_id, account_id),
    CONSTRAINT account_holds_time_check CHECK (until_at > from_at),
    CONSTRAINT account_holds_weekly_check
        CHECK (NOT weekly OR (until_at IS NOT NULL AND until_at - from_at <= interval '7 days')),
    CONSTRAINT account_holds_ended_check CHECK ((ended_at IS NULL) = (ended_by = ''))
);
CREATE INDEX account_holds_open ON account_holds (merchant_id, account_id) WHERE ended_at IS NULL;

-- How each gateway host sees each account, written over every few seconds; a hint for the other hosts.
CREATE TABLE host_health (
    merchant_id uuid NOT NULL,
    account_id  uuid NOT NULL,
    host_id     uuid NOT NULL,        -- the gateway's, kept in its state folder
    written_at  timestamptz NOT NULL, -- by the database's clock, so that hosts need not agree
    calls       bigint NOT NULL,
    failures    bigint NOT NULL,
    p95_us      bigint NOT NULL,
    slow        boolean NOT NULL,
    state       text NOT NULL CHECK (state IN ('closed', 'half_open', 'open')),
    why         text NOT NULL,
    PRIMARY KEY (merchant_id, account_id, host_id)
) WITH (fillfactor = 50);

GRANT SELECT, INSERT ON account_holds, host_health TO turnpike_gateway;
GRANT UPDATE (ended_at, ended_by) ON account_holds TO turnpike_gateway;
GRANT UPDATE, DELETE ON host_health TO turnpike_gateway;

-- ---- what providers did, by month ---------------------------------------------------------------

CREATE VIEW finance.provider_service_levels WITH (security_barrier) AS
WITH asked AS (
    SELECT a.merchant_id, a.account_id, a.provider, a.currency, a.attempt_id, a.expected_fee_minor,
           date_trunc('month', a.created_at AT TIME ZONE 'UTC')::date AS month,
           date_trunc('minute', a.created_at) AS minute,
           f.outcome AS first_outcome, f.elapsed_us,
           f.http_status BETWEEN 100 AND 499 AND f.http_status <> 429 AS is_answered,
           l.outcome
      FROM public.attempts a
      LEFT JOIN LATERAL (SELECT v.outcome, v.send_number, v.elapsed_us, v.http_status FROM public.outcomes v
                          WHERE v.merchant_id = a.merchant_id AND v.attempt_id = a.attempt_id
                            AND v.outcome <> 'none' ORDER BY v.number LIMIT 1) f ON true
      LEFT JOIN LATERAL (SELECT v.outcome FROM public.outcomes v
                          WHERE v.merchant_id = a.merchant_id AND v.attempt_id = a.attempt_id
                            AND v.outcome <> 'none' ORDER BY v.number DESC LIMIT 1) l ON true
     WHERE a.merchant_id IN (SELECT merchant_id FROM public.finance_access
                              WHERE login = session_user)
       AND (f.outcome = 'failed' AND f.send_number = 0) IS NOT TRUE -- never sent
), booked AS (
    SELECT a.merchant_id, a.account_id, a.currency, sum(t.amount_minor)::bigint AS minor,
           date_trunc('month', a.created_at AT TIME ZONE 'UTC')::date AS month
      FROM public.transfers t
      JOIN public.attempts a ON a.merchant_id = t.merchant_id AND a.attempt_id = t.attempt_id
     WHERE t.kind = 'fee' AND t.state = 'posted'
       AND t.merchant_id IN (SELECT merchant_id FROM public.finance_access
                              WHERE login = session_user)
     GROUP BY 1, 2, 3, 5
), counted AS (
    SELECT merchant_id, month, provider, account_id, currency, count(*) AS attempts,
           count(*) FILTER (WHERE outcome = 'approved') AS approved,
           count(*) FILTER (WHERE outcome IN ('declined_soft', 'declined_hard')) AS declined,
           count(*) FILTER (WHERE outcome = 'failed') AS failed,
           count(*) FILTER (WHERE first_outcome = 'unknown') AS unknown,
           count(*) FILTER (WHERE outcome = 'unknown') AS still_unknown,
           count(DISTINCT minute) AS minutes_asked,
           count(DISTINCT minute) FILTER (WHERE is_answered) AS minutes_answered,
           percentile_disc(0.50) WITHIN GROUP (ORDER BY elapsed_us) FILTER (WHERE is_answered) AS p50,
           percentile_disc(0.95) WITHIN GROUP (ORDER BY elapsed_us) FILTER (WHERE is_answered) AS p95,
           percentile_disc(0.99) WITHIN GROUP (ORDER BY elapsed_us) FILTER (WHERE is_answered) AS p99,
           coalesce(sum(expected_fee_minor) FILTER (WHERE outcome = 'approved'), 0)::bigint AS expected
      FROM asked
     GROUP BY merchant_id, month, provider, account_id, currency
)
SELECT n.merchant_id, n.month, n.provider, ac.name AS account, n.account_id, n.currency, n.attempts,
       n.approved, n.declined, n.failed, n.unknown, n.still_unknown,
       round(n.approved::numeric / n.attempts, 6) AS success_rate,
       round(n.unknown::numeric / n.attempts, 6) AS unknown_rate,
       n.minutes_asked, n.minutes_answered,
       round(n.minutes_answered::numeric / n.minutes_asked, 6) AS availability,
       n.p50 / 1000 AS p50_ms, n.p95 / 1000 AS p95_ms, n.p99 / 1000 AS p99_ms,
       n.expected * c.unit AS cost_expected, n.expected AS cost_expected_minor,
       coalesce(b.minor, 0) * c.unit AS cost_booked, coalesce(b.minor, 0) AS cost_booked_minor
  FROM counted n
  LEFT JOIN public.accounts ac ON ac.merchant_id = n.merchant_id AND ac.account_id = n.account_id
  LEFT JOIN public.currencies c ON c.code = n.currency
  LEFT JOIN booked b ON b.merchant_id = n.merchant_id AND b.account_id = n.account_id
                    AND b.currency = n.currency AND b.month = n.month;

COMMENT ON VIEW finance.provider_service_levels IS
    'One row per provider account, currency and month (UTC, of the attempt): availability, success, latency and cost.';
COMMENT ON COLUMN finance.provider_service_levels.merchant_id IS 'Whose account it is.';
COMMENT ON COLUMN finance.provider_service_levels.month IS 'First day of the month, UTC.';
COMMENT ON COLUMN finance.provider_service_levels.provider IS 'Name of the provider.';
COMMENT ON COLUMN finance.provider_service_levels.account IS 'Name of the account.';
COMMENT ON COLUMN finance.provider_service_levels.account_id IS 'Its id.';
COMMENT ON COLUMN finance.provider_service_levels.currency IS 'ISO 4217.';
COMMENT ON COLUMN finance.provider_service_levels.attempts IS 'Tries to move money: payments, captures, voids, refunds, payouts.';
COMMENT ON COLUMN finance.provider_service_levels.approved IS 'Of them, by what is known last.';
COMMENT ON COLUMN finance.provider_service_levels.declined IS 'Soft or hard.';
COMMENT ON COLUMN finance.provider_service_levels.failed IS 'Surely did nothing.';
COMMENT ON COLUMN finance.provider_service_levels.unknown IS 'The first answer said nothing, or did not come; also when it was found out later.';
COMMENT ON COLUMN finance.provider_service_levels.still_unknown IS 'Not known to this day.';
COMMENT ON COLUMN finance.provider_service_levels.success_rate IS 'approved / attempts.';
COMMENT ON COLUMN finance.provider_service_levels.unknown_rate IS 'unknown / attempts.';
COMMENT ON COLUMN finance.provider_service_levels.minutes_asked IS 'Minutes with at least one attempt.';
COMMENT ON COLUMN finance.provider_service_levels.minutes_answered IS 'Minutes of them with an attempt that was answered (HTTP 1xx to 4xx but 429).';
COMMENT ON COLUMN finance.provider_service_levels.availability IS 'minutes_answered / minutes_asked.';
COMMENT ON COLUMN finance.provider_service_levels.p50_ms IS 'Median time to the first answer, milliseconds.';
COMMENT ON COLUMN finance.provider_service_levels.p95_ms IS '95 % were answered within this.';
COMMENT ON COLUMN finance.provider_service_levels.p99_ms IS '99 % were answered within this.';
COMMENT ON COLUMN finance.provider_service_levels.cost_expected IS 'Fees that the fee tables foresaw for what was approved.';
COMMENT ON COLUMN finance.provider_service_levels.cost_expected_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.provider_service_levels.cost_booked IS 'Fees in the books for these attempts.';
COMMENT ON COLUMN finance.provider_service_levels.cost_booked_minor IS 'The same in minor units.';

GRANT SELECT ON finance.provider_service_levels TO turnpike_finance;

RESET ROLE;

-- migrate:down

DROP VIEW finance.provider_service_levels;
DROP TABLE host_health, account_holds;
