-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- A day whose attempts were archived has fewer rows than when it was rolled up, and keeps what was counted then: only a
-- day that has more is rolled up anew.
CREATE OR REPLACE FUNCTION roll_levels(moment timestamptz, checks bigint, most bigint) RETURNS bigint
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
        IF now_there.attempts >= span.attempts AND now_there.outcomes >= span.outcomes AND now_there.transfers >= span.transfers
           AND (now_there.attempts, now_there.outcomes, now_there.transfers)
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

-- So nothing live leaves before its day was counted.
CREATE OR REPLACE FUNCTION archive_obstacle(merchant uuid, subject uuid) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
AS $$
DECLARE
    members uuid[] := erase_members(merchant, subject);
    young   timestamptz := transaction_timestamp() - interval '200 days';
    it      record;
BEGIN
    SELECT p.archived_at, p.livemode, p.created_at INTO it FROM payments p
     WHERE p.merchant_id = merchant AND p.payment_id = subject AND p.kind = 'payment';
    RETURN CASE
        WHEN it.created_at IS NULL THEN 'it is no payment'
        WHEN it.archived_at IS NOT NULL THEN 'it is archived'
        WHEN it.livemode AND it.created_at > young THEN 'it is younger than 200 days'
        WHEN NOT EXISTS (SELECT FROM attempts a WHERE a.merchant_id = merchant AND a.payment_id = subject) THEN 'nothing was attempted'
        WHEN it.livemode AND EXISTS (SELECT FROM events v WHERE v.merchant_id = merchant AND v.payment_id = ANY (members)
                                        AND v.created_at > young) THEN 'something happened to it in the last 200 days'
        WHEN it.livemode AND NOT EXISTS (SELECT FROM level_spans s WHERE s.merchant_id = merchant
                                            AND s.until_at > it.created_at + interval '2 days') THEN 'its day is not rolled up'
        WHEN EXISTS (SELECT FROM hook_endpoints h
                      CROSS JOIN LATERAL (SELECT FROM hook_deliveries d WHERE d.merchant_id = merchant AND d.endpoint_id = h.endpoint_id
                                             AND d.payment_id = ANY (members) AND d.state IN ('waiting', 'sending') LIMIT 1) w
                      WHERE h.merchant_id = merchant) THEN 'a webhook about it waits'
        ELSE open_obstacle(merchant, subject) END;
END
$$;

RESET ROLE;

-- migrate:down

SET LOCAL ROLE turnpike_owner;
CREATE OR REPLACE FUNCTION archive_obstacle(merchant uuid, subject uuid) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
AS $$
DECLARE
    members uuid[] := erase_members(merchant, subject);
    young   timestamptz := transaction_timestamp() - interval '200 days';
    it      record;
BEGIN
    SELECT p.archived_at, p.livemode, p.created_at INTO it FROM payments p
     WHERE p.merchant_id = merchant AND p.payment_id = subject AND p.kind = 'payment';
    RETURN CASE
        WHEN it.created_at IS NULL THEN 'it is no payment'
        WHEN it.archived_at IS NOT NULL THEN 'it is archived'
        WHEN it.livemode AND it.created_at > young THEN 'it is younger than 200 days'
        WHEN NOT EXISTS (SELECT FROM attempts a WHERE a.merchant_id = merchant AND a.payment_id = subject) THEN 'nothing was attempted'
        WHEN it.livemode AND EXISTS (SELECT FROM events v WHERE v.merchant_id = merchant AND v.payment_id = ANY (members)
                                        AND v.created_at > young) THEN 'something happened to it in the last 200 days'
        WHEN EXISTS (SELECT FROM hook_endpoints h
                      CROSS JOIN LATERAL (SELECT FROM hook_deliveries d WHERE d.merchant_id = merchant AND d.endpoint_id = h.endpoint_id
                                             AND d.payment_id = ANY (members) AND d.state IN ('waiting', 'sending') LIMIT 1) w
                      WHERE h.merchant_id = merchant) THEN 'a webhook about it waits'
        ELSE open_obstacle(merchant, subject) END;
END
$$;
CREATE OR REPLACE FUNCTION roll_levels(moment timestamptz, checks bigint, most bigint) RETURNS bigint
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
RESET ROLE;
