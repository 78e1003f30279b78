-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- Service levels of provider accounts, added up by day (UTC), so that a month reads a few rows of each account.
--
--     attempts of a merchant, by id (which holds the time)
--     ---- days that are rolled up ----| until_at ---- read from attempts themselves ---->
--
-- A day is rolled up once it is over for an hour; a large one by the hour. Attempts, outcomes and transfers are only ever appended: as long
-- as a day has as many rows as when it was rolled up, it has the same ones. level_checks keeps these numbers; they
-- are compared now and then, and a day that has more by then (an outcome that became known late) is rolled up anew.

CREATE TABLE level_spans (
    merchant_id uuid PRIMARY KEY,
    until_at    timestamptz NOT NULL, -- what was before is rolled up
    due_at      timestamptz NOT NULL  -- the next is not tried before
) WITH (fillfactor = 50);

CREATE TABLE level_checks (           -- days, or hours, with any row
    merchant_id uuid NOT NULL,
    day_at      timestamptz NOT NULL, -- its begin, as in the other tables
    ends_at     timestamptz NOT NULL,
    due_at      timestamptz NOT NULL, -- to be compared then
    attempts    bigint NOT NULL,
    outcomes    bigint NOT NULL,
    transfers   bigint NOT NULL,
    PRIMARY KEY (merchant_id, day_at)
) WITH (fillfactor = 50);
CREATE INDEX level_checks_due ON level_checks (due_at);

CREATE TABLE level_days (             -- of attempts begun on that day
    merchant_id      uuid NOT NULL,
    account_id       uuid NOT NULL,
    day_at           timestamptz NOT NULL,
    attempts         bigint NOT NULL,
    approved         bigint NOT NULL,
    declined         bigint NOT NULL,
    failed           bigint NOT NULL,
    unknown          bigint NOT NULL,
    still_unknown    bigint NOT NULL,
    minutes_asked    bigint NOT NULL,
    minutes_answered bigint NOT NULL,
    provider         text NOT NULL,
    latency          text NOT NULL,   -- of answered ones: 'bucket:count ...', see level_bucket
    PRIMARY KEY (merchant_id, day_at, account_id, provider)
);

CREATE TABLE level_costs (            -- likewise, of what was approved
    merchant_id    uuid NOT NULL,
    account_id     uuid NOT NULL,
    day_at         timestamptz NOT NULL,
    expected_minor bigint NOT NULL,
    currency       text NOT NULL CHECK (length(currency) = 3),
    PRIMARY KEY (merchant_id, day_at, account_id, currency)
);

CREATE TABLE level_fees (             -- booked on that day, for attempts of that or an earlier one
    merchant_id  uuid NOT NULL,
    account_id   uuid NOT NULL,
    day_at       timestamptz NOT NULL,
    asked_at     timestamptz NOT NULL, -- their day
    booked_minor bigint NOT NULL,
    currency     text NOT NULL CHECK (length(currency) = 3),
    PRIMARY KEY (merchant_id, day_at, account_id, asked_at, currency)
);

-- Each is 2 % wider than the one before: what is told of a bucket is within 1 % of any latency in it.
CREATE FUNCTION level_bucket(us bigint) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN floor(ln(greatest(us, 1)::double precision) * 50)::integer;
CREATE FUNCTION level_bucket_us(bucket integer) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN round(exp((bucket + 0.5) / 50.0))::bigint;
-- The day that an id was made on.
CREATE FUNCTION level_day(id uuid) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN 'epoch'::timestamptz + interval '1 ms'
        * (('x' || substr(translate(id::text, '-', ''), 1, 12))::bit(48)::bigint / 86400000 * 86400000);

-- The first id from `since` on that is not rolled up.
CREATE FUNCTION level_since(merchant uuid, since uuid) RETURNS uuid
    LANGUAGE sql STABLE STRICT
    RETURN greatest(since, (SELECT balance_floor(s.until_at) FROM level_spans s WHERE s.merchant_id = merchant));

-- How many rows there are: of attempts made from `since` to `until`, and of transfers made then.
CREATE FUNCTION level_numbers(merchant uuid, since uuid, until uuid,
                              OUT attempts bigint, OUT outcomes bigint, OUT transfers bigint)
    LANGUAGE sql STABLE STRICT
    SET enable_seqscan = off
BEGIN ATOMIC
SELECT (SELECT count(*) FROM attempts a WHERE a.merchant_id = merchant AND a.attempt_id >= since AND a.attempt_id < until),
       (SELECT count(*) FROM outcomes o WHERE o.merchant_id = merchant AND o.attempt_id >= since AND o.attempt_id < until),
       (SELECT count(*) FROM transfers t WHERE t.merchant_id = merchant AND t.transfer_id >= since AND t.transfer_id < until);
END;

-- How many attempts: what it costs to roll them up.
CREATE FUNCTION level_size(merchant uuid, begins timestamptz, ends timestamptz) RETURNS bigint
    LANGUAGE sql STABLE STRICT
    SET enable_seqscan = off
    RETURN (SELECT count(*) FROM attempts a WHERE a.merchant_id = merchant
               AND a.attempt_id >= balance_floor(begins) AND a.attempt_id < balance_floor(ends));

-- One day, or hour, of one merchant; what was there of it is replaced. The numbers are taken first: what comes meanwhile
-- makes them differ at the next comparison.
CREATE FUNCTION roll_level_day(merchant uuid, day timestamptz, ends timestamptz, due timestamptz) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT
    SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_hashjoin = on SET enable_mergejoin = on SET enable_material = on
    SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    since uuid := balance_floor(day);
    until uuid := balance_floor(ends);
BEGIN
    DELETE FROM level_checks k WHERE k.merchant_id = merchant AND k.day_at = day;
    DELETE FROM level_days d WHERE d.merchant_id = merchant AND d.day_at = day;
    DELETE FROM level_costs c WHERE c.merchant_id = merchant AND c.day_at = day;
    DELETE FROM level_fees f WHERE f.merchant_id = merchant AND f.day_at = day;
    INSERT INTO level_checks (merchant_id, day_at, ends_at, due_at, attempts, outcomes, transfers)
    SELECT merchant, day, ends, due, n.attempts, n.outcomes, n.transfers
      FROM level_numbers(merchant, since, until) n
     WHERE n.attempts + n.outcomes + n.transfers > 0;

    -- As gateway/ledger/sql_health.c reads it from attempts: what came first; and what is known now.
    WITH first AS (
        SELECT DISTINCT ON (v.attempt_id) v.attempt_id, v.outcome, v.send_number, v.elapsed_us,
               v.http_status BETWEEN 100 AND 499 AND v.http_status <> 429 AS is_answered
          FROM outcomes v
         WHERE v.merchant_id = merchant AND v.attempt_id >= since AND v.attempt_id < until
           AND v.outcome <> 'none'
         ORDER BY v.attempt_id, v.number
    ), last AS (
        SELECT DISTINCT ON (v.attempt_id) v.attempt_id, v.outcome
          FROM outcomes v
         WHERE v.merchant_id = merchant AND v.attempt_id >= since AND v.attempt_id < until
           AND v.outcome <> 'none'
         ORDER BY v.attempt_id DESC, v.number DESC
    ), asked AS MATERIALIZED (
        SELECT a.account_id, a.provider, a.currency, a.expected_fee_minor,
               date_trunc('minute', a.created_at) AS minute, f.outcome AS first_outcome, f.elapsed_us,
               f.is_answered,
               CASE WHEN f.outcome IN ('approved', 'declined_soft', 'declined_hard', 'failed')
                    THEN f.outcome ELSE l.outcome END AS outcome
          FROM attempts a
          LEFT JOIN first f ON f.attempt_id = a.attempt_id
          LEFT JOIN last l ON l.attempt_id = a.attempt_id
         WHERE a.merchant_id = merchant AND a.attempt_id >= since AND a.attempt_id < until
           AND (f.outcome = 'failed' AND f.send_number = 0) IS NOT TRUE -- never sent: the provider was not asked
    ), minutes AS (
        SELECT n.account_id, n.provider, count(*) AS asked,
               count(*) FILTER (WHERE n.is_answered) AS answered
          FROM (SELECT q.account_id, q.provider, bool_or(q.is_answered) AS is_answered
                  FROM asked q GROUP BY q.account_id, q.provider, q.minute) n
         GROUP BY n.account_id, n.provider
    ), buckets AS (
        SELECT b.account_id, b.provider,
               string_agg(b.bucket || ':' || b.number, ' ' ORDER BY b.bucket) AS latency
          FROM (SELECT q.account_id, q.provider, level_bucket(q.elapsed_us) AS bucket,
                       count(*) AS number
                  FROM asked q WHERE q.is_answered
                 GROUP BY q.account_id, q.provider, level_bucket(q.elapsed_us)) b
         GROUP BY b.account_id, b.provider
    ), counted AS (
        SELECT q.account_id, q.provider, count(*) AS attempts,
               count(*) FILTER (WHERE q.outcome = 'approved') AS approved,
               count(*) FILTER (WHERE q.outcome IN ('declined_soft', 'declined_hard')) AS declined,
               count(*) FILTER (WHERE q.outcome = 'failed') AS failed,
               count(*) FILTER (WHERE q.first_outcome = 'unknown') AS unknown,
               count(*) FILTER (WHERE q.outcome = 'unknown') AS still_unknown
          FROM asked q
         GROUP BY q.account_id, q.provider
    ), days AS (
        INSERT INTO level_days (merchant_id, account_id, day_at, attempts, approved, declined, failed,
                                unknown, still_unknown, minutes_asked, minutes_answered, provider,
                                latency)
        SELECT merchant, n.account_id, day, n.attempts, n.approved, n.declined, n.failed, n.unknown,
               n.still_unknown, x.asked, x.answered, n.provider, coalesce(b.latency, '')
          FROM counted n
          JOIN minutes x ON x.account_id = n.account_id AND x.provider = n.provider
          LEFT JOIN buckets b ON b.account_id = n.account_id AND b.provider = n.provider
    )
    INSERT INTO level_costs (merchant_id, account_id, day_at, expected_minor, currency)
    SELECT merchant, q.account_id, day,
           coalesce(sum(q.expected_fee_minor) FILTER (WHERE q.outcome = 'approved'), 0)::bigint,
           q.currency
      FROM asked q
     GROUP BY q.account_id, q.currency;

    INSERT INTO level_fees (merchant_id, account_id, day_at, asked_at, booked_minor, currency)
    SELECT merchant, a.account_id, day, level_day(t.attempt_id), sum(t.amount_minor)::bigint, t.currency
      FROM transfers t
     CROSS JOIN LATERAL (SELECT x.account_id FROM attempts x
                          WHERE x.merchant_id = merchant AND x.attempt_id = t.attempt_id OFFSET 0) a
     WHERE t.merchant_id = merchant AND t.transfer_id >= since AND t.transfer_id < until
       AND t.kind = 'fee' AND t.state = 'posted'
     GROUP BY a.account_id, level_day(t.attempt_id), t.currency;
END
$$;

-- When a day of then is compared again: outcomes become known within days, those of payouts within 35.
CREATE FUNCTION level_due(day timestamptz, moment timestamptz) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN day > moment - interval '8 days' THEN moment + interval '10 minutes'
                WHEN day > moment - interval '70 days' THEN moment + interval '6 hours'
                ELSE 'infinity'::timestamptz END;

-- Roll up one day that is over, of whoever is behind most (of a day with more than `most` attempts, an hour; with
-- more than that in an hour, nothing: it is tried again a day later). When nobody is behind, compare up to `checks`
-- days and roll up those that differ. Returns above 0 when it is worth asking again at once. Two at a time take
-- different ones.
CREATE FUNCTION roll_levels(moment timestamptz, checks bigint, most bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT
    SET search_path = public, pg_temp
    SET enable_seqscan = off
AS $$
DECLARE
    closed timestamptz := date_trunc('day', moment - interval '1 hour', 'UTC');
    span record;
    next_id uuid;
    begins timestamptz;
    ends timestamptz;
    looked bigint := 0;
    now_there record;
BEGIN
    INSERT INTO level_spans (merchant_id, until_at, due_at)
    SELECT k.merchant_id, level_day(f.attempt_id), moment
      FROM merchants k
     CROSS JOIN LATERAL (SELECT t.attempt_id FROM attempts t WHERE t.merchant_id = k.merchant_id
                          ORDER BY t.attempt_id LIMIT 1) f
     WHERE NOT EXISTS (SELECT FROM level_spans s WHERE s.merchant_id = k.merchant_id)
     ORDER BY k.merchant_id
        ON CONFLICT (merchant_id) DO NOTHING;

    SELECT s.merchant_id, s.until_at INTO span
      FROM level_spans s WHERE s.until_at < closed AND s.due_at <= moment
     ORDER BY s.until_at, s.merchant_id LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF FOUND THEN
        SELECT n.id INTO next_id
          FROM ((SELECT a.attempt_id AS id FROM attempts a
                  WHERE a.merchant_id = span.merchant_id AND a.attempt_id >= balance_floor(span.until_at)
                  ORDER BY a.attempt_id LIMIT 1)
                UNION ALL
                (SELECT t.transfer_id FROM transfers t
                  WHERE t.merchant_id = span.merchant_id AND t.transfer_id >= balance_floor(span.until_at)
                  ORDER BY t.transfer_id LIMIT 1)) n
         ORDER BY n.id LIMIT 1;
        begins := greatest(span.until_at, level_day(next_id));
        ends := date_trunc('day', begins, 'UTC') + interval '1 day';
        IF next_id IS NULL OR begins >= closed THEN
            UPDATE level_spans s SET until_at = closed WHERE s.merchant_id = span.merchant_id;
            RETURN 1;
        END IF;
        IF level_size(span.merchant_id, begins, ends) > most THEN
            ends := begins + interval '1 hour';
        END IF;
        IF level_size(span.merchant_id, begins, ends) > most THEN
            UPDATE level_spans s SET due_at = moment + interval '1 day'
             WHERE s.merchant_id = span.merchant_id;
            RETURN 1;
        END IF;
        PERFORM roll_level_day(span.merchant_id, begins, ends, level_due(begins, moment));
        UPDATE level_spans s SET until_at = ends WHERE s.merchant_id = span.merchant_id;
        RETURN 1;
    END IF;

    FOR span IN SELECT k.* FROM level_checks k WHERE k.due_at <= moment
                 ORDER BY k.due_at LIMIT checks FOR UPDATE SKIP LOCKED LOOP
        looked := looked + 1;
        SELECT * INTO now_there
          FROM level_numbers(span.merchant_id, balance_floor(span.day_at), balance_floor(span.ends_at));
        IF (now_there.attempts, now_there.outcomes, now_there.transfers)
           <> (span.attempts, span.outcomes, span.transfers) THEN
            PERFORM roll_level_day(span.merchant_id, span.day_at, span.ends_at, level_due(span.day_at, moment));
            RETURN 1;
        END IF;
        UPDATE level_checks k SET due_at = level_due(span.day_at, moment)
         WHERE k.merchant_id = span.merchant_id AND k.day_at = span.day_at;
    END LOOP;
    RETURN (looked >= checks)::integer;
END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON level_spans, level_checks, level_days, level_costs, level_fees
    TO turnpike_gateway;

RESET ROLE;

-- migrate:down

DROP FUNCTION roll_levels(timestamptz, bigint, bigint);
DROP FUNCTION level_due(timestamptz, timestamptz);
DROP FUNCTION roll_level_day(uuid, timestamptz, timestamptz, timestamptz);
DROP FUNCTION level_size(uuid, timestamptz, timestamptz);
DROP FUNCTION level_numbers(uuid, uuid, uuid);
DROP FUNCTION level_since(uuid, uuid);
DROP FUNCTION level_day(uuid);
DROP FUNCTION level_bucket_us(integer);
DROP FUNCTION level_bucket(bigint);
DROP TABLE level_fees, level_costs, level_days, level_checks, level_spans;
