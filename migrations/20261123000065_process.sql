-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- How payments proceed: what was completed, how long it took, which steps erred, what is stuck (docs/process.md). Added up by
-- the hour of what began in it, so that a question reads a few rows of each hour, and the rows themselves only of the last.
--
--     payments and attempts of a merchant, by id (which holds the time)
--     ---- hours that are rolled up ----| until_at ---- read from payments, events, attempts ---->
--
-- An hour is rolled up when it is over for ten minutes, and again as long as something of it is open. What has ended never
-- changes in it: the first end counts.

CREATE TABLE process_spans (
    merchant_id uuid PRIMARY KEY,
    until_at    timestamptz NOT NULL -- what began before is rolled up
) WITH (fillfactor = 50);

CREATE TABLE process_open (              -- hours of which something was open
    merchant_id uuid NOT NULL,
    hour_at     timestamptz NOT NULL,
    due_at      timestamptz NOT NULL,    -- to be rolled up anew then
    PRIMARY KEY (merchant_id, hour_at)
) WITH (fillfactor = 50);
CREATE INDEX process_open_due ON process_open (due_at);

CREATE TABLE process_hours (
    merchant_id uuid NOT NULL,
    hour_at     timestamptz NOT NULL,
    number      bigint NOT NULL CHECK (number > 0),
    scope       text NOT NULL CHECK (scope IN ('process', 'step')),
    name        text NOT NULL,           -- kind of process: payment, payout, capture, ...; or step: route, sale, ...
    part        text NOT NULL,           -- what is counted: see process_parts
    buckets     text NOT NULL,           -- of times: 'bucket:count ...', see process_bucket; of others ''
    PRIMARY KEY (merchant_id, hour_at, scope, name, part)
);

-- As level_bucket; no time at all has a bucket of its own.
CREATE FUNCTION process_bucket(us bigint) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN us <= 0 THEN -1 ELSE level_bucket(us) END;
CREATE FUNCTION process_bucket_us(bucket integer) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN bucket < 0 THEN 0 ELSE level_bucket_us(bucket) END;

-- What began in a span of ids of one merchant, counted. A process ends with the first event whose status ends it; it waits
-- while its status says that somebody else must act. A step has come to something with its first outcome.
CREATE FUNCTION process_parts(merchant uuid, since uuid, until uuid)
    RETURNS TABLE (scope text, name text, part text, number bigint, buckets text)
    LANGUAGE plpgsql STABLE STRICT ROWS 50
    SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_hashjoin = on SET enable_mergejoin = on SET enable_material = on
    SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
WITH moved AS (
    SELECT v.payment_id, v.number, v.status, v.created_at,
           v.status IN ('authorized', 'succeeded', 'declined', 'failed', 'canceled', 'returned') AS is_end,
           lead(v.created_at) OVER w AS next_at,
           lag(true) OVER w IS NOT NULL AND bool_or(v.status IN ('authorized', 'succeeded', 'declined', 'failed', 'canceled', 'returned'))
               OVER (PARTITION BY v.payment_id ORDER BY v.number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS is_after
      FROM events v
     WHERE v.merchant_id = merchant AND v.payment_id >= since AND v.payment_id < until
    WINDOW w AS (PARTITION BY v.payment_id ORDER BY v.number)
), ended AS (
    SELECT m.payment_id, max(m.status) FILTER (WHERE m.is_end) AS status,
           max(m.created_at) FILTER (WHERE m.is_end) AS ended_at,
           coalesce(sum(greatest(extract(epoch FROM m.next_at - m.created_at) * 1000000, 0))
                    FILTER (WHERE m.status IN ('processing', 'requires_action', 'review', 'unclaimed')), 0)::bigint AS waiting_us
      FROM moved m
     WHERE m.is_after IS NOT TRUE
     GROUP BY m.payment_id
), process AS MATERIALIZED (
    SELECT p.kind,
           CASE WHEN e.status IN ('authorized', 'succeeded') THEN 'completed'
                WHEN e.status = 'declined' THEN 'declined'
                WHEN e.status = 'canceled' THEN 'canceled'
                WHEN e.status IS NOT NULL THEN 'failed'
                ELSE 'open' END AS end_part,
           greatest((extract(epoch FROM e.ended_at - p.created_at) * 1000000)::bigint, 0) AS cycle_us, e.waiting_us
      FROM payments p
      LEFT JOIN ended e ON e.payment_id = p.payment_id
     WHERE p.merchant_id = merchant AND p.payment_id >= since AND p.payment_id < until
), times AS (
    SELECT q.kind, t.part, process_bucket(t.us) AS bucket, count(*) AS number
      FROM process q
     CROSS JOIN LATERAL (VALUES ('cycle', q.cycle_us), ('waiting', least(q.waiting_us, q.cycle_us)),
                                ('active', greatest(q.cycle_us - q.waiting_us, 0))) AS t (part, us)
     WHERE q.end_part <> 'open'
     GROUP BY q.kind, t.part, process_bucket(t.us)
), first AS (
    SELECT DISTINCT ON (o.attempt_id) o.attempt_id, o.outcome, o.send_number
      FROM outcomes o
     WHERE o.merchant_id = merchant AND o.attempt_id >= since AND o.attempt_id < until AND o.outcome <> 'none'
     ORDER BY o.attempt_id, o.number
), steps AS MATERIALIZED (
    SELECT a.operation, a.number, f.outcome,
           coalesce(f.outcome = 'failed' AND f.send_number = 0, false) AS is_unsent
      FROM attempts a
      LEFT JOIN first f ON f.attempt_id = a.attempt_id
     WHERE a.merchant_id = merchant AND a.attempt_id >= since AND a.attempt_id < until
)
SELECT 'process', q.kind, q.end_part, count(*), '' FROM process q GROUP BY q.kind, q.end_part
UNION ALL
SELECT 'process', t.kind, t.part, sum(t.number)::bigint, string_agg(t.bucket || ':' || t.number, ' ' ORDER BY t.bucket)
  FROM times t GROUP BY t.kind, t.part
UNION ALL
SELECT 'step', s.operation, p.part, count(*), ''
  FROM steps s
 CROSS JOIN LATERAL (VALUES (CASE WHEN s.outcome IS NULL THEN 'open' ELSE 'ended' END),
                            (CASE WHEN s.outcome IN ('failed', 'unknown') THEN 'error' END)) AS p (part)
 WHERE NOT s.is_unsent AND p.part IS NOT NULL
 GROUP BY s.operation, p.part
UNION ALL -- choosing who is asked: it erred when nobody was
SELECT 'step', 'route', p.part, count(*), ''
  FROM steps s
 CROSS JOIN LATERAL (VALUES ('ended'), (CASE WHEN s.is_unsent THEN 'error' END)) AS p (part)
 WHERE s.number = 1 AND s.operation IN ('sale', 'authorize', 'payout') AND p.part IS NOT NULL
 GROUP BY p.part;
END
$$;

-- One hour of one merchant; what was there of it is replaced. Of attempts that were archived since, what was counted stays.
CREATE FUNCTION roll_process_hour(merchant uuid, hour timestamptz, moment timestamptz) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT
    SET search_path = public, pg_temp
    SET enable_seqscan = off
AS $$
DECLARE
    since uuid := balance_floor(hour);
    until uuid := balance_floor(hour + interval '1 hour');
    is_archived boolean := EXISTS (SELECT FROM payments p WHERE p.merchant_id = merchant AND p.payment_id >= since
                                      AND p.payment_id < until AND p.archived_at IS NOT NULL)
                       AND EXISTS (SELECT FROM process_hours h WHERE h.merchant_id = merchant AND h.hour_at = hour);
BEGIN
    DELETE FROM process_open o WHERE o.merchant_id = merchant AND o.hour_at = hour;
    DELETE FROM process_hours h WHERE h.merchant_id = merchant AND h.hour_at = hour
       AND NOT (is_archived AND h.scope = 'step');
    INSERT INTO process_hours (merchant_id, hour_at, number, scope, name, part, buckets)
    SELECT merchant, hour, p.number, p.scope, p.name, p.part, p.buckets
      FROM process_parts(merchant, since, until) p
     WHERE NOT (is_archived AND p.scope = 'step');
    INSERT INTO process_open (merchant_id, hour_at, due_at)
    SELECT merchant, hour, level_due(hour, moment)
     WHERE EXISTS (SELECT FROM process_hours h WHERE h.merchant_id = merchant AND h.hour_at = hour AND h.part = 'open'
                      AND NOT (is_archived AND h.scope = 'step'));
END
$$;

-- Roll up one hour that is over, of whoever is behind most; when nobody is, up to `most` of those that were open. Above 0:
-- it is worth asking again at once. Two at a time take different ones.
CREATE FUNCTION roll_process(moment timestamptz, most bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT
    SET search_path = public, pg_temp
    SET enable_seqscan = off
AS $$
DECLARE
    closed timestamptz := date_trunc('hour', moment - interval '10 minutes', 'UTC');
    span record;
    next_id uuid;
    hour timestamptz;
    looked bigint := 0;
BEGIN
    INSERT INTO process_spans (merchant_id, until_at)
    SELECT k.merchant_id, level_day(f.payment_id)
      FROM merchants k
     CROSS JOIN LATERAL (SELECT p.payment_id FROM payments p WHERE p.merchant_id = k.merchant_id
                          ORDER BY p.payment_id LIMIT 1) f
     WHERE NOT EXISTS (SELECT FROM process_spans s WHERE s.merchant_id = k.merchant_id)
     ORDER BY k.merchant_id
        ON CONFLICT (merchant_id) DO NOTHING;

    SELECT s.merchant_id, s.until_at INTO span
      FROM process_spans s WHERE s.until_at < closed
     ORDER BY s.until_at, s.merchant_id LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF FOUND THEN
        SELECT n.id INTO next_id
          FROM ((SELECT a.attempt_id AS id FROM attempts a
                  WHERE a.merchant_id = span.merchant_id AND a.attempt_id >= balance_floor(span.until_at)
                  ORDER BY a.attempt_id LIMIT 1)
                UNION ALL
                (SELECT p.payment_id FROM payments p
                  WHERE p.merchant_id = span.merchant_id AND p.payment_id >= balance_floor(span.until_at)
                  ORDER BY p.payment_id LIMIT 1)) n
         ORDER BY n.id LIMIT 1;
        hour := process_hour(next_id);
        IF next_id IS NULL OR hour >= closed THEN
            UPDATE process_spans s SET until_at = closed WHERE s.merchant_id = span.merchant_id;
        ELSE
            PERFORM roll_process_hour(span.merchant_id, hour, moment);
            UPDATE process_spans s SET until_at = hour + interval '1 hour' WHERE s.merchant_id = span.merchant_id;
        END IF;
        RETURN 1;
    END IF;

    FOR span IN SELECT o.* FROM process_open o WHERE o.due_at <= moment
                 ORDER BY o.due_at LIMIT most FOR UPDATE SKIP LOCKED LOOP
        looked := looked + 1;
        PERFORM roll_process_hour(span.merchant_id, span.hour_at, moment);
    END LOOP;
    RETURN (looked >= most)::integer;
END
$$;

-- The hour that an id was made in.
CREATE FUNCTION process_hour(id uuid) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN 'epoch'::timestamptz + interval '1 ms'
        * (('x' || substr(translate(id::text, '-', ''), 1, 12))::bit(48)::bigint / 3600000 * 3600000);

-- The measures of what began from since, a whole hour, to until, one too or later than now. Of everybody but what is in the
-- rows of the database at this moment nothing is asked: the API, finance, the metrics and the page all call this.
CREATE FUNCTION process_measures(merchants uuid[], since timestamptz, until timestamptz)
    RETURNS TABLE (scope text, name text, begun bigint, ended bigint, completed bigint, declined bigint, failed bigint,
                   canceled bigint, errors bigint, rate_per_million bigint,
                   active_p50_us bigint, active_p95_us bigint, active_p99_us bigint,
                   waiting_p50_us bigint, waiting_p95_us bigint, waiting_p99_us bigint,
                   cycle_p50_us bigint, cycle_p95_us bigint, cycle_p99_us bigint)
    LANGUAGE plpgsql STABLE STRICT ROWS 20
    SET search_path = public, pg_temp
    SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
WITH rows AS MATERIALIZED (
    SELECT r.scope, r.name, r.part, r.number, r.buckets
      FROM (SELECT u.id, greatest(since, coalesce((SELECT s.until_at FROM process_spans s WHERE s.merchant_id = u.id), since)) AS from_at
              FROM unnest(merchants) AS u (id)) m
     CROSS JOIN LATERAL (
           SELECT h.scope, h.name, h.part, h.number, h.buckets FROM process_hours h
            WHERE h.merchant_id = m.id AND h.hour_at >= since AND h.hour_at < least(until, m.from_at)
           UNION ALL
           SELECT p.scope, p.name, p.part, p.number, p.buckets
             FROM process_parts(m.id, balance_floor(m.from_at), balance_floor(until)) p
            WHERE m.from_at < until) r
), counted AS (
    SELECT r.scope, r.name,
           coalesce(sum(r.number) FILTER (WHERE r.part IN ('completed', 'declined', 'failed', 'canceled', 'ended')), 0)::bigint AS ended,
           coalesce(sum(r.number) FILTER (WHERE r.part = 'open'), 0)::bigint AS open,
           coalesce(sum(r.number) FILTER (WHERE r.part = 'completed'), 0)::bigint AS completed,
           coalesce(sum(r.number) FILTER (WHERE r.part = 'declined'), 0)::bigint AS declined,
           coalesce(sum(r.number) FILTER (WHERE r.part = 'failed'), 0)::bigint AS failed,
           coalesce(sum(r.number) FILTER (WHERE r.part = 'canceled'), 0)::bigint AS canceled,
           coalesce(sum(r.number) FILTER (WHERE r.part = 'error'), 0)::bigint AS errors
      FROM rows r GROUP BY r.scope, r.name
), buckets AS (
    SELECT r.name, r.part, split_part(u.text, ':', 1)::integer AS bucket, sum(split_part(u.text, ':', 2)::bigint) AS number
      FROM rows r
     CROSS JOIN LATERAL unnest(string_to_array(r.buckets, ' ')) AS u (text)
     WHERE r.buckets <> ''
     GROUP BY 1, 2, 3
), ranked AS (
    SELECT b.*, sum(b.number) OVER (PARTITION BY b.name, b.part ORDER BY b.bucket) AS upto,
           sum(b.number) OVER (PARTITION BY b.name, b.part) AS whole
      FROM buckets b
), quantiles AS (
    SELECT k.name, k.part,
           process_bucket_us(min(k.bucket) FILTER (WHERE k.upto >= k.whole * 0.50)) AS p50,
           process_bucket_us(min(k.bucket) FILTER (WHERE k.upto >= k.whole * 0.95)) AS p95,
           process_bucket_us(min(k.bucket) FILTER (WHERE k.upto >= k.whole * 0.99)) AS p99
      FROM ranked k GROUP BY k.name, k.part
)
SELECT c.scope, c.name, c.ended + c.open, c.ended, c.completed, c.declined, c.failed, c.canceled, c.errors,
       CASE WHEN c.ended > 0 THEN CASE c.scope WHEN 'step' THEN c.errors ELSE c.completed END * 1000000 / c.ended END,
       a.p50, a.p95, a.p99, w.p50, w.p95, w.p99, y.p50, y.p95, y.p99
  FROM counted c
  LEFT JOIN quantiles a ON c.scope = 'process' AND a.name = c.name AND a.part = 'active'
  LEFT JOIN quantiles w ON c.scope = 'process' AND w.name = c.name AND w.part = 'waiting'
  LEFT JOIN quantiles y ON c.scope = 'process' AND y.name = c.name AND y.part = 'cycle'
 ORDER BY c.scope, c.name;
END
$$;

-- What waits for longer than it should, and where: the oldest `most` of each merchant and place.
CREATE FUNCTION process_stuck(merchants uuid[], moment timestamptz, most bigint)
    RETURNS TABLE (merchant_id uuid, payment_id uuid, attempt_id uuid, place text, since timestamptz, provider text,
                   kind text, reason text)
    LANGUAGE plpgsql STABLE STRICT ROWS 100
    SET search_path = public, pg_temp
    SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
SELECT s.* FROM unnest(merchants) AS m (id)
 CROSS JOIN LATERAL (
    (SELECT u.merchant_id, u.payment_id, u.attempt_id,
            CASE WHEN u.next_at < moment - interval '5 minutes' THEN 'recovery' ELSE 'provider' END AS place,
            u.parked_at AS since, u.provider, p.kind, u.reason
       FROM unresolved u
       JOIN payments p ON p.merchant_id = u.merchant_id AND p.payment_id = u.payment_id
      WHERE u.merchant_id = m.id
        AND (u.next_at < moment - interval '5 minutes'
             OR u.parked_at < moment - CASE p.kind WHEN 'payout' THEN interval '3 days' ELSE interval '1 hour' END)
      ORDER BY u.parked_at LIMIT most)
    UNION ALL
    (SELECT r.merchant_id, r.payment_id, r.attempt_id, 'review', r.opened_at, r.provider, p.kind, r.kind
       FROM reviews r
       JOIN payments p ON p.merchant_id = r.merchant_id AND p.payment_id = r.payment_id
      WHERE r.merchant_id = m.id AND r.state = 'open'
      ORDER BY r.opened_at LIMIT most)) s;
END
$$;

-- ---- finance -------------------------------------------------------------------------------------

CREATE FUNCTION finance.process(since timestamptz, until timestamptz DEFAULT 'infinity')
    RETURNS TABLE (scope text, name text, begun bigint, ended bigint, completed bigint, declined bigint, failed bigint,
                   canceled bigint, errors bigint, completion_rate numeric, error_rate numeric,
                   active_p50_ms numeric, active_p95_ms numeric, active_p99_ms numeric,
                   waiting_p50_ms numeric, waiting_p95_ms numeric, waiting_p99_ms numeric,
                   cycle_p50_ms numeric, cycle_p95_ms numeric, cycle_p99_ms numeric)
    LANGUAGE sql STABLE STRICT SECURITY DEFINER
    SET search_path = public, pg_temp
BEGIN ATOMIC
SELECT m.scope, m.name, m.begun, m.ended, m.completed, m.declined, m.failed, m.canceled, m.errors,
       CASE m.scope WHEN 'process' THEN m.rate_per_million / 1000000.0 END,
       CASE m.scope WHEN 'step' THEN m.rate_per_million / 1000000.0 END,
       m.active_p50_us / 1000.0, m.active_p95_us / 1000.0, m.active_p99_us / 1000.0,
       m.waiting_p50_us / 1000.0, m.waiting_p95_us / 1000.0, m.waiting_p99_us / 1000.0,
       m.cycle_p50_us / 1000.0, m.cycle_p95_us / 1000.0, m.cycle_p99_us / 1000.0
  FROM public.process_measures(ARRAY(SELECT f.id FROM public.finance_merchants() AS f (id)),
                               date_trunc('hour', since, 'UTC'),
                               least(date_trunc('hour', until, 'UTC'),
                                     date_trunc('hour', statement_timestamp(), 'UTC') + interval '1 hour')) m;
END;

CREATE VIEW finance.process WITH (security_barrier) AS
SELECT p.scope, p.name, p.begun, p.ended, p.completed, p.declined, p.failed, p.canceled, p.errors, p.completion_rate, p.error_rate,
       p.active_p50_ms, p.active_p95_ms, p.active_p99_ms, p.waiting_p50_ms, p.waiting_p95_ms, p.waiting_p99_ms,
       p.cycle_p50_ms, p.cycle_p95_ms, p.cycle_p99_ms
FROM finance.process(date_trunc('hour', statement_timestamp(), 'UTC') - interval '24 hours') p;
COMMENT ON VIEW finance.process IS
    'How payments, payouts and operations of the last 24 whole hours and this one proceed, and which steps err. finance.process(since, until) is of other whole hours (UTC).';
COMMENT ON COLUMN finance.process.scope IS 'process: of whole payments, payouts, operations; step: of attempts, by what they do.';
COMMENT ON COLUMN finance.process.name IS 'payment, payout, capture, void, refund, reauthorize; or the step: route, sale, authorize, ...';
COMMENT ON COLUMN finance.process.begun IS 'How many began in the span.';
COMMENT ON COLUMN finance.process.ended IS 'Of them, ended by now.';
COMMENT ON COLUMN finance.process.completed IS 'Of the ended, authorized or succeeded first; 0 of steps.';
COMMENT ON COLUMN finance.process.declined IS 'Of the ended, declined.';
COMMENT ON COLUMN finance.process.failed IS 'Of the ended, failed or returned.';
COMMENT ON COLUMN finance.process.canceled IS 'Of the ended, canceled.';
COMMENT ON COLUMN finance.process.errors IS 'Steps whose first outcome is failed or unknown; of route: nobody could be asked.';
COMMENT ON COLUMN finance.process.completion_rate IS 'completed of ended, six decimals; empty of steps.';
COMMENT ON COLUMN finance.process.error_rate IS 'errors of ended, six decimals; empty of processes.';
COMMENT ON COLUMN finance.process.active_p50_ms IS 'Median of the time that was not waiting, within 1 %.';
COMMENT ON COLUMN finance.process.active_p95_ms IS 'Its 95th percentile.';
COMMENT ON COLUMN finance.process.active_p99_ms IS 'Its 99th percentile.';
COMMENT ON COLUMN finance.process.waiting_p50_ms IS 'Median of the time in processing, requires_action, review or unclaimed, within 1 %.';
COMMENT ON COLUMN finance.process.waiting_p95_ms IS 'Its 95th percentile.';
COMMENT ON COLUMN finance.process.waiting_p99_ms IS 'Its 99th percentile.';
COMMENT ON COLUMN finance.process.cycle_p50_ms IS 'Median of the time from the beginning to the first end, within 1 %.';
COMMENT ON COLUMN finance.process.cycle_p95_ms IS 'Its 95th percentile.';
COMMENT ON COLUMN finance.process.cycle_p99_ms IS 'Its 99th percentile.';

CREATE FUNCTION finance.stuck()
    RETURNS TABLE (merchant_id uuid, payment text, place text, since timestamptz, provider text, kind text, reason text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp
BEGIN ATOMIC
SELECT s.merchant_id, finance.show_id(CASE s.kind WHEN 'payment' THEN 'pay' WHEN 'payout' THEN 'pyt' WHEN 'capture' THEN 'cap'
                                      WHEN 'void' THEN 'voi' WHEN 'refund' THEN 'ref' ELSE 'rea' END, s.payment_id),
       s.place, s.since, s.provider, s.kind, s.reason
  FROM public.process_stuck(ARRAY(SELECT f.id FROM public.finance_merchants() AS f (id)), statement_timestamp(), 1000) s;
END;
CREATE VIEW finance.stuck WITH (security_barrier) AS
SELECT s.merchant_id, s.payment, s.place, s.since, s.provider, s.kind, s.reason FROM finance.stuck() s;
COMMENT ON VIEW finance.stuck IS
    'Payments, payouts and operations that wait for longer than they should, and where; the oldest thousand of each place.';
COMMENT ON COLUMN finance.stuck.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.stuck.payment IS 'The payment, payout or operation as the API shows it.';
COMMENT ON COLUMN finance.stuck.place IS 'provider: it has not decided for an hour (payouts: three days); recovery: nobody asked it for 5 minutes though it was due; review: a person must decide.';
COMMENT ON COLUMN finance.stuck.since IS 'Since when it waits.';
COMMENT ON COLUMN finance.stuck.provider IS 'The provider of the attempt that it waits for.';
COMMENT ON COLUMN finance.stuck.kind IS 'payment, payout, capture, void, refund or reauthorize.';
COMMENT ON COLUMN finance.stuck.reason IS 'What was said last; of a review: its kind.';

REVOKE ALL ON FUNCTION finance.process(timestamptz, timestamptz), finance.stuck() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finance.process(timestamptz, timestamptz), finance.stuck() TO turnpike_finance;
GRANT SELECT ON finance.process, finance.stuck TO turnpike_finance;
GRANT SELECT, INSERT ON process_spans, process_open, process_hours TO turnpike_gateway;
GRANT UPDATE ON process_spans TO turnpike_gateway;
GRANT UPDATE, DELETE ON process_open TO turnpike_gateway;
GRANT DELETE ON process_hours TO turnpike_gateway;

RESET ROLE;

-- migrate:down

DROP VIEW finance.stuck;
DROP FUNCTION finance.stuck();
DROP VIEW finance.process;
DROP FUNCTION finance.process(timestamptz, timestamptz);
DROP FUNCTION process_stuck(uuid[], timestamptz, bigint);
DROP FUNCTION process_measures(uuid[], timestamptz, timestamptz);
DROP FUNCTION process_hour(uuid);
DROP FUNCTION roll_process(timestamptz, bigint);
DROP FUNCTION roll_process_hour(uuid, timestamptz, timestamptz);
DROP FUNCTION process_parts(uuid, uuid, uuid);
DROP FUNCTION process_bucket_us(integer);
DROP FUNCTION process_bucket(bigint);
DROP TABLE process_hours, process_open, process_spans;
