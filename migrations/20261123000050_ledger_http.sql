-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- The ledger over HTTP. A finance login sees its merchants by who it is, the gateway names the merchant of the key: both
-- read by the same functions, which are told whose books are meant.

CREATE FUNCTION ledger_trial_balance(merchants uuid[], as_of timestamptz, basis text)
RETURNS TABLE (merchant_id uuid, account text, currency text, debit numeric, debit_minor bigint, credit numeric,
               credit_minor bigint, balance numeric, balance_minor bigint)
    LANGUAGE plpgsql STABLE STRICT
    SET search_path = public, pg_temp
    SET enable_seqscan = off
AS $$
DECLARE
    upto uuid := balance_moment(as_of);
BEGIN
    IF basis NOT IN ('recorded', 'effective') THEN
        RAISE EXCEPTION 'basis is recorded or effective, not %', basis USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY
    WITH sums AS (
        SELECT k.id, b.account, b.currency, b.debit_minor AS debit, b.credit_minor AS credit
        FROM unnest(merchants) AS k (id)
        CROSS JOIN LATERAL balance_before(k.id, upto) b
        UNION ALL -- booked later for an earlier moment, or the other way round
        SELECT k.id, side.account, t.currency, side.debit, side.credit
        FROM unnest(merchants) AS k (id)
        JOIN transfers t ON t.merchant_id = k.id AND t.effective_at IS NOT NULL
                        AND (t.effective_at < as_of) <> (t.transfer_id < upto) AND t.state = 'posted'
        CROSS JOIN LATERAL (SELECT CASE WHEN t.transfer_id < upto THEN -t.amount_minor ELSE t.amount_minor END AS minor) s
        CROSS JOIN LATERAL (VALUES (t.debit_account, s.minor, 0::bigint), (t.credit_account, 0::bigint, s.minor))
                   AS side (account, debit, credit)
        WHERE basis = 'effective'
    )
    SELECT s.id, s.account, s.currency, sum(s.debit) * c.unit, sum(s.debit)::bigint, sum(s.credit) * c.unit,
           sum(s.credit)::bigint, (sum(s.debit) - sum(s.credit)) * c.unit, (sum(s.debit) - sum(s.credit))::bigint
    FROM sums s
    LEFT JOIN currencies c ON c.code = s.currency
    GROUP BY s.id, s.account, s.currency, c.unit
    ORDER BY s.id, s.account, s.currency;
END
$$;
CREATE OR REPLACE FUNCTION finance.trial_balance(as_of timestamptz, basis text DEFAULT 'recorded')
RETURNS TABLE (merchant_id uuid, account text, currency text, debit numeric, debit_minor bigint, credit numeric,
               credit_minor bigint, balance numeric, balance_minor bigint)
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT * FROM ledger_trial_balance(ARRAY(SELECT finance_merchants()), as_of, basis);
END
$$;

CREATE FUNCTION ledger_statement(merchants uuid[], account text, since timestamptz, until timestamptz, lines integer, after uuid)
RETURNS TABLE (merchant_id uuid, line text, booked_at timestamptz, effective_at timestamptz, transfer_id uuid,
               payment_id uuid, kind text, counter_account text, currency text, debit numeric, debit_minor bigint,
               credit numeric, credit_minor bigint, balance numeric, balance_minor bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    name   text := account;
    most   integer := least(greatest(lines, 0), 100000);
    ends   uuid := balance_moment(until);
    k      record;
    span   record;
    t      record;
    begins uuid;
    sums   jsonb;
    minor  bigint;
    given  integer := 0;
BEGIN
    FOR k IN SELECT m AS id FROM unnest(merchants) m ORDER BY 1 LOOP
        begins := greatest(balance_moment(since), after);
        SELECT coalesce(jsonb_object_agg(b.currency, b.debit_minor - b.credit_minor), '{}') INTO sums
        FROM balance_before(k.id, begins, name) b;
        IF after < balance_moment(since) THEN
            RETURN QUERY
            SELECT k.id, 'opening', since, NULL::timestamptz, NULL::uuid, NULL::uuid, NULL::text, NULL::text, o.key,
                   NULL::numeric, NULL::bigint, NULL::numeric, NULL::bigint, o.value::bigint * c.unit, o.value::bigint
            FROM jsonb_each_text(sums) o
            LEFT JOIN currencies c ON c.code = o.key;
        END IF;
        FOR span IN
            SELECT p.since AS lower, p.upto AS upper
            FROM balance_snapshots s
            JOIN balance_pages p ON p.merchant_id = s.merchant_id AND p.account = s.account AND p.currency = s.currency
            WHERE s.merchant_id = k.id AND s.account = name AND p.upto > begins
              AND p.upto <= balance_bound(k.id, 'ffffffff-ffff-ffff-ffff-ffffffffffff') AND p.since < ends
            GROUP BY p.since, p.upto
            UNION ALL
            SELECT balance_bound(k.id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'), 'ffffffff-ffff-ffff-ffff-ffffffffffff'
            ORDER BY 1
        LOOP
            FOR t IN
                SELECT j.*, u.unit
                FROM transfers j
                LEFT JOIN currencies u ON u.code = j.currency
                WHERE j.merchant_id = k.id AND j.transfer_id >= greatest(span.lower, begins)
                  AND j.transfer_id < least(span.upper, ends) AND j.state = 'posted'
                  AND name IN (j.debit_account, j.credit_account)
                ORDER BY j.transfer_id
            LOOP
                EXIT WHEN given >= most AND t.transfer_id <> after;
                minor := CASE WHEN t.debit_account = name THEN t.amount_minor ELSE -t.amount_minor END;
                sums := jsonb_set(sums, ARRAY[t.currency], to_jsonb(coalesce((sums ->> t.currency)::bigint, 0) + minor));
                CONTINUE WHEN t.transfer_id = after; -- the last line of the page before
                given := given + 1;
                RETURN QUERY VALUES (k.id, 'movement', t.created_at, coalesce(t.effective_at, t.created_at), t.transfer_id,
                    t.payment_id, t.kind, CASE WHEN minor > 0 THEN t.credit_account ELSE t.debit_account END, t.currency,
                    CASE WHEN minor > 0 THEN minor * t.unit END, CASE WHEN minor > 0 THEN minor END,
                    CASE WHEN minor < 0 THEN -minor * t.unit END, CASE WHEN minor < 0 THEN -minor END,
                    (sums ->> t.currency)::bigint * t.unit, (sums ->> t.currency)::bigint);
            END LOOP;
            EXIT WHEN given >= most;
        END LOOP;
        IF given < most AND ends < 'ffffffff-ffff-ffff-ffff-ffffffffffff' THEN
            RETURN QUERY
            SELECT k.id, 'closing', until, NULL::timestamptz, NULL::uuid, NULL::uuid, NULL::text, NULL::text, o.key,
                   NULL::numeric, NULL::bigint, NULL::numeric, NULL::bigint, o.value::bigint * c.unit, o.value::bigint
            FROM jsonb_each_text(sums) o
            LEFT JOIN currencies c ON c.code = o.key;
        END IF;
        EXIT WHEN given >= most;
    END LOOP;
END
$$;
CREATE OR REPLACE FUNCTION finance.account_statement(account text, since timestamptz, until timestamptz DEFAULT 'infinity',
                                          lines integer DEFAULT 1000, after uuid DEFAULT '00000000-0000-0000-0000-000000000000',
                                          merchant uuid DEFAULT NULL)
RETURNS TABLE (merchant_id uuid, line text, booked_at timestamptz, effective_at timestamptz, transfer_id uuid,
               payment_id uuid, kind text, counter_account text, currency text, debit numeric, debit_minor bigint,
               credit numeric, credit_minor bigint, balance numeric, balance_minor bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    chosen uuid[] := ARRAY(SELECT m FROM finance_merchants() m WHERE merchant IS NULL OR m = merchant);
BEGIN
    IF merchant IS NULL AND after > '00000000-0000-0000-0000-000000000000' AND cardinality(chosen) > 1 THEN
        RAISE EXCEPTION 'the next page of which merchant''s statement?'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'You see several: add merchant => its id, from the first page on.';
    END IF;
    RETURN QUERY SELECT * FROM ledger_statement(chosen, account, since, until, lines, after);
END
$$;

-- Every account with what it comes to now; an account that a person opened, and that has no movement yet, without a
-- currency.
CREATE FUNCTION ledger_accounts_of(merchant uuid)
RETURNS TABLE (id text, account text, currency text, number bigint, kind text, type text, normal text, title text,
               debit_minor bigint, credit_minor bigint, pending_debit_minor bigint, pending_credit_minor bigint)
    LANGUAGE plpgsql STABLE STRICT
    SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN QUERY
    WITH current AS MATERIALIZED (SELECT * FROM balance_now(merchant))
    SELECT x.account || coalesce(':' || x.currency, ''), x.account, x.currency, n.number, k.kind,
           coalesce(k.type, o.type),
           coalesce(k.normal, CASE WHEN o.type IN ('asset', 'expense') THEN 'debit' WHEN o.type IS NOT NULL THEN 'credit' END),
           coalesce(o.title, k.meaning), x.debit_minor::bigint, x.credit_minor::bigint, x.pending_debit_minor::bigint,
           x.pending_credit_minor::bigint
    FROM (SELECT * FROM current
          UNION ALL
          SELECT a.account, NULL, 0, 0, 0, 0
          FROM ledger_accounts a
          WHERE a.merchant_id = merchant AND a.account NOT IN (SELECT b.account FROM current b)) x
    LEFT JOIN account_kinds k ON k.kind = account_kind(x.account)
    LEFT JOIN account_numbers n ON n.merchant_id = merchant AND n.account = x.account
    LEFT JOIN ledger_accounts o ON o.merchant_id = merchant AND o.account = x.account;
END
$$;

-- Of everything that is booked (no as_of), with what is reserved; or before a moment, where it is not known what was
-- reserved then.
CREATE FUNCTION ledger_balances(merchant uuid, as_of timestamptz, basis text)
RETURNS TABLE (account text, currency text, debit_minor bigint, credit_minor bigint, pending_debit_minor bigint,
               pending_credit_minor bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF as_of IS NULL THEN
        RETURN QUERY
        SELECT b.account, b.currency, b.debit_minor::bigint, b.credit_minor::bigint, b.pending_debit_minor::bigint,
               b.pending_credit_minor::bigint
        FROM balance_now(merchant) b;
    ELSE
        RETURN QUERY
        SELECT b.account, b.currency, b.debit_minor, b.credit_minor, NULL::bigint, NULL::bigint
        FROM ledger_trial_balance(ARRAY[merchant], as_of, basis) b;
    END IF;
END
$$;

-- What a transfer is of: the payment or payout, and the operation on it. An operation's transfers are booked on its
-- payment, and its attempt is the operation's own.
CREATE FUNCTION ledger_cause(merchant uuid, payment uuid, attempt uuid)
RETURNS TABLE (payment_id uuid, payment_kind text, attempt_id uuid, operation_id uuid, operation_kind text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
SELECT p.payment_id, p.kind, a.attempt_id, o.payment_id, o.kind
FROM (SELECT) AS one
LEFT JOIN LATERAL (SELECT v.payment_id, v.kind FROM public.payments v
                    WHERE v.merchant_id = merchant AND v.payment_id = payment OFFSET 0) p ON true
LEFT JOIN LATERAL (SELECT v.attempt_id, v.payment_id FROM public.attempts v -- the order names the index, also of an empty table
                    WHERE v.merchant_id = merchant AND v.attempt_id >= attempt
                    ORDER BY v.attempt_id LIMIT 1) a ON a.attempt_id = attempt
LEFT JOIN LATERAL (SELECT v.payment_id, v.kind FROM public.payments v
                    WHERE v.merchant_id = merchant AND v.payment_id = a.payment_id AND v.parent_id = payment OFFSET 0) o ON true;
END;

-- Where the transfers of a payment, or of a payout, can be: no index leads there from it, and one would cost each payment.
-- But what moves its money is written with an outcome or an event of it, or was decided by people: a few seconds around
-- each of these moments, as ranges of ids that do not overlap.
CREATE FUNCTION ledger_moments_of(merchant uuid, payment uuid) RETURNS TABLE (lower uuid, upper uuid)
    LANGUAGE plpgsql STABLE STRICT
    SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN QUERY
    WITH family AS MATERIALIZED (
        SELECT payment AS id
        UNION
        SELECT p.payment_id FROM payments p WHERE p.merchant_id = merchant AND p.parent_id = payment
    ), moments AS (
        SELECT e.created_at AS at FROM family f CROSS JOIN LATERAL
               (SELECT v.created_at FROM events v WHERE v.merchant_id = merchant AND v.payment_id = f.id OFFSET 0) e
        UNION ALL
        SELECT x.created_at FROM family f CROSS JOIN LATERAL
               (SELECT a.attempt_id, a.created_at FROM attempts a WHERE a.merchant_id = merchant AND a.payment_id = f.id OFFSET 0) a
               CROSS JOIN LATERAL (SELECT a.created_at UNION ALL SELECT o.created_at FROM outcomes o
                                    WHERE o.merchant_id = merchant AND o.attempt_id = a.attempt_id) x
        UNION ALL
        SELECT d.decided_at FROM ledger_entry_lines l
        JOIN ledger_decisions d ON d.merchant_id = l.merchant_id AND d.entry_id = l.entry_id
        WHERE l.merchant_id = merchant AND l.payment_id IN (SELECT f.id FROM family f)
    )
    SELECT balance_moment(lower(r.span)), balance_moment(upper(r.span))
    FROM (SELECT unnest(range_agg(tstzrange(m.at - interval '10 s', m.at + interval '10 s'))) AS span FROM moments m) r;
END
$$;

-- A page of transfers, newest first, of ids from `since` and below `before`. It looks at no more than `most`: when there may
-- be more, the last row has no state, and the next page is below its transfer_id. So a filter that finds nothing costs a
-- known number of rows of the primary key, and never the whole ledger. Ranges of ids are skipped where it is known that
-- nothing is: of a payment by its moments, of an account's posted transfers by its balance pages.
CREATE FUNCTION ledger_transfers(merchant uuid, since uuid, before uuid, payment uuid, of_account text, of_kind text,
                                 of_state text, lines integer, most integer)
RETURNS TABLE (transfer_id uuid, payment_id uuid, payment_kind text, attempt_id uuid, operation_id uuid,
               operation_kind text, pending_id uuid, created_at timestamptz, effective_at timestamptz, amount_minor bigint, state text, kind text,
               debit_account text, credit_account text, currency text)
    LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    t      transfers;
    family uuid[];
    spans  uuid[][] := ARRAY[ARRAY['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']]::uuid[][];
    bound  uuid;
    looked integer := 0;
    given  integer := 0;
    last   uuid;
BEGIN
    IF payment IS NOT NULL THEN
        family := ARRAY(SELECT payment UNION SELECT p.payment_id FROM payments p WHERE p.merchant_id = merchant AND p.parent_id = payment);
        spans := coalesce((SELECT array_agg(ARRAY[m.lower, m.upper] ORDER BY m.lower DESC) FROM ledger_moments_of(merchant, payment) m), '{}');
    ELSIF of_account IS NOT NULL AND of_state = 'posted' THEN
        bound := balance_bound(merchant, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
        spans := (SELECT array_agg(ARRAY[x.lower, x.upper] ORDER BY x.lower DESC)
                  FROM (SELECT p.since AS lower, p.upto AS upper
                        FROM balance_snapshots s
                        JOIN balance_pages p ON p.merchant_id = s.merchant_id AND p.account = s.account AND p.currency = s.currency
                        WHERE s.merchant_id = merchant AND s.account = of_account AND p.upto > ledger_transfers.since
                          AND p.upto <= bound AND p.since < before
                        GROUP BY p.since, p.upto
                        UNION ALL
                        SELECT bound, 'ffffffff-ffff-ffff-ffff-ffffffffffff') x);
    END IF;
    FOR i IN 1 .. coalesce(array_length(spans, 1), 0) LOOP
        FOR t IN
            SELECT j.*
            FROM transfers j
            WHERE j.merchant_id = merchant AND j.transfer_id >= greatest(spans[i][1], since)
              AND j.transfer_id < least(spans[i][2], before)
            ORDER BY j.transfer_id DESC
        LOOP
            IF given = lines OR looked = most THEN
                RETURN QUERY SELECT last, NULL::uuid, NULL::text, NULL::uuid, NULL::uuid, NULL::text, NULL::uuid,
                    NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text;
                RETURN;
            END IF;
            looked := looked + 1;
            last := t.transfer_id;
            CONTINUE WHEN (family IS NOT NULL AND t.payment_id <> ALL (family))
                       OR (of_account IS NOT NULL AND of_account NOT IN (t.debit_account, t.credit_account))
                       OR (of_kind IS NOT NULL AND t.kind <> of_kind)
                       OR (of_state IS NOT NULL AND t.state <> of_state);
            given := given + 1;
            RETURN QUERY
            SELECT t.transfer_id, c.payment_id, c.payment_kind, c.attempt_id, c.operation_id, c.operation_kind, t.pending_id,
                   t.created_at, coalesce(t.effective_at, t.created_at), t.amount_minor, t.state, t.kind, t.debit_account,
                   t.credit_account, t.currency
            FROM ledger_cause(merchant, t.payment_id, t.attempt_id) c;
        END LOOP;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION ledger_trial_balance(uuid[], timestamptz, text),
    ledger_statement(uuid[], text, timestamptz, timestamptz, integer, uuid), ledger_accounts_of(uuid),
    ledger_balances(uuid, timestamptz, text), ledger_cause(uuid, uuid, uuid), ledger_moments_of(uuid, uuid),
    ledger_transfers(uuid, uuid, uuid, uuid, text, text, text, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_trial_balance(uuid[], timestamptz, text),
    ledger_statement(uuid[], text, timestamptz, timestamptz, integer, uuid), ledger_accounts_of(uuid),
    ledger_balances(uuid, timestamptz, text), ledger_cause(uuid, uuid, uuid), ledger_moments_of(uuid, uuid),
    ledger_transfers(uuid, uuid, uuid, uuid, text, text, text, integer, integer), balance_before(uuid, uuid, text),
    balance_bound(uuid, uuid) TO turnpike_gateway;
GRANT SELECT (merchant_id, account, type, title) ON ledger_accounts TO turnpike_gateway;
GRANT SELECT (merchant_id, entry_id, payment_id) ON ledger_entry_lines TO turnpike_gateway;
GRANT SELECT (merchant_id, entry_id, decided_at) ON ledger_decisions TO turnpike_gateway;

RESET ROLE;

-- migrate:down

REVOKE SELECT (merchant_id, account, type, title) ON ledger_accounts FROM turnpike_gateway;
REVOKE SELECT (merchant_id, entry_id, payment_id) ON ledger_entry_lines FROM turnpike_gateway;
REVOKE SELECT (merchant_id, entry_id, decided_at) ON ledger_decisions FROM turnpike_gateway;
REVOKE EXECUTE ON FUNCTION balance_before(uuid, uuid, text), balance_bound(uuid, uuid) FROM turnpike_gateway;
CREATE OR REPLACE FUNCTION finance.trial_balance(as_of timestamptz, basis text DEFAULT 'recorded')
RETURNS TABLE (merchant_id uuid, account text, currency text, debit numeric, debit_minor bigint, credit numeric,
               credit_minor bigint, balance numeric, balance_minor bigint)
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
    SET search_path = public, pg_temp
    SET enable_seqscan = off
AS $$
DECLARE
    upto uuid := balance_moment(as_of);
BEGIN
    IF basis NOT IN ('recorded', 'effective') THEN
        RAISE EXCEPTION 'basis is recorded or effective, not %', basis USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY
    WITH sums AS (
        SELECT k.id, b.account, b.currency, b.debit_minor AS debit, b.credit_minor AS credit
        FROM finance_merchants() AS k (id)
        CROSS JOIN LATERAL balance_before(k.id, upto) b
        UNION ALL -- booked later for an earlier moment, or the other way round
        SELECT k.id, side.account, t.currency, side.debit, side.credit
        FROM finance_merchants() AS k (id)
        JOIN transfers t ON t.merchant_id = k.id AND t.effective_at IS NOT NULL
                        AND (t.effective_at < as_of) <> (t.transfer_id < upto) AND t.state = 'posted'
        CROSS JOIN LATERAL (SELECT CASE WHEN t.transfer_id < upto THEN -t.amount_minor ELSE t.amount_minor END AS minor) s
        CROSS JOIN LATERAL (VALUES (t.debit_account, s.minor, 0::bigint), (t.credit_account, 0::bigint, s.minor))
                   AS side (account, debit, credit)
        WHERE basis = 'effective'
    )
    SELECT s.id, s.account, s.currency, sum(s.debit) * c.unit, sum(s.debit)::bigint, sum(s.credit) * c.unit,
           sum(s.credit)::bigint, (sum(s.debit) - sum(s.credit)) * c.unit, (sum(s.debit) - sum(s.credit))::bigint
    FROM sums s
    LEFT JOIN currencies c ON c.code = s.currency
    GROUP BY s.id, s.account, s.currency, c.unit
    ORDER BY s.id, s.account, s.currency;
END
$$;

CREATE OR REPLACE FUNCTION finance.account_statement(account text, since timestamptz, until timestamptz DEFAULT 'infinity',
                                          lines integer DEFAULT 1000, after uuid DEFAULT '00000000-0000-0000-0000-000000000000',
                                          merchant uuid DEFAULT NULL)
RETURNS TABLE (merchant_id uuid, line text, booked_at timestamptz, effective_at timestamptz, transfer_id uuid,
               payment_id uuid, kind text, counter_account text, currency text, debit numeric, debit_minor bigint,
               credit numeric, credit_minor bigint, balance numeric, balance_minor bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    name   text := account;
    most   integer := least(greatest(lines, 0), 100000);
    ends   uuid := balance_moment(until);
    k      record;
    span   record;
    t      record;
    begins uuid;
    sums   jsonb;
    minor  bigint;
    given  integer := 0;
BEGIN
    IF merchant IS NULL AND after > '00000000-0000-0000-0000-000000000000'
       AND (SELECT count(*) FROM finance_merchants()) > 1 THEN
        RAISE EXCEPTION 'the next page of which merchant''s statement?'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'You see several: add merchant => its id, from the first page on.';
    END IF;
    FOR k IN SELECT m AS id FROM finance_merchants() m WHERE merchant IS NULL OR m = merchant ORDER BY 1 LOOP
        begins := greatest(balance_moment(since), after);
        SELECT coalesce(jsonb_object_agg(b.currency, b.debit_minor - b.credit_minor), '{}') INTO sums
        FROM balance_before(k.id, begins, name) b;
        IF after < balance_moment(since) THEN
            RETURN QUERY
            SELECT k.id, 'opening', since, NULL::timestamptz, NULL::uuid, NULL::uuid, NULL::text, NULL::text, o.key,
                   NULL::numeric, NULL::bigint, NULL::numeric, NULL::bigint, o.value::bigint * c.unit, o.value::bigint
            FROM jsonb_each_text(sums) o
            LEFT JOIN currencies c ON c.code = o.key;
        END IF;
        FOR span IN
            SELECT p.since AS lower, p.upto AS upper
            FROM balance_snapshots s
            JOIN balance_pages p ON p.merchant_id = s.merchant_id AND p.account = s.account AND p.currency = s.currency
            WHERE s.merchant_id = k.id AND s.account = name AND p.upto > begins
              AND p.upto <= balance_bound(k.id, 'ffffffff-ffff-ffff-ffff-ffffffffffff') AND p.since < ends
            GROUP BY p.since, p.upto
            UNION ALL
            SELECT balance_bound(k.id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'), 'ffffffff-ffff-ffff-ffff-ffffffffffff'
            ORDER BY 1
        LOOP
            FOR t IN
                SELECT j.*, u.unit
                FROM transfers j
                LEFT JOIN currencies u ON u.code = j.currency
                WHERE j.merchant_id = k.id AND j.transfer_id >= greatest(span.lower, begins)
                  AND j.transfer_id < least(span.upper, ends) AND j.state = 'posted'
                  AND name IN (j.debit_account, j.credit_account)
                ORDER BY j.transfer_id
            LOOP
                EXIT WHEN given >= most AND t.transfer_id <> after;
                minor := CASE WHEN t.debit_account = name THEN t.amount_minor ELSE -t.amount_minor END;
                sums := jsonb_set(sums, ARRAY[t.currency], to_jsonb(coalesce((sums ->> t.currency)::bigint, 0) + minor));
                CONTINUE WHEN t.transfer_id = after; -- the last line of the page before
                given := given + 1;
                RETURN QUERY VALUES (k.id, 'movement', t.created_at, coalesce(t.effective_at, t.created_at), t.transfer_id,
                    t.payment_id, t.kind, CASE WHEN minor > 0 THEN t.credit_account ELSE t.debit_account END, t.currency,
                    CASE WHEN minor > 0 THEN minor * t.unit END, CASE WHEN minor > 0 THEN minor END,
                    CASE WHEN minor < 0 THEN -minor * t.unit END, CASE WHEN minor < 0 THEN -minor END,
                    (sums ->> t.currency)::bigint * t.unit, (sums ->> t.currency)::bigint);
            END LOOP;
            EXIT WHEN given >= most;
        END LOOP;
        IF given < most AND ends < 'ffffffff-ffff-ffff-ffff-ffffffffffff' THEN
            RETURN QUERY
            SELECT k.id, 'closing', until, NULL::timestamptz, NULL::uuid, NULL::uuid, NULL::text, NULL::text, o.key,
                   NULL::numeric, NULL::bigint, NULL::numeric, NULL::bigint, o.value::bigint * c.unit, o.value::bigint
            FROM jsonb_each_text(sums) o
            LEFT JOIN currencies c ON c.code = o.key;
        END IF;
        EXIT WHEN given >= most;
    END LOOP;
END
$$;

DROP FUNCTION ledger_transfers(uuid, uuid, uuid, uuid, text, text, text, integer, integer);
DROP FUNCTION ledger_moments_of(uuid, uuid);
DROP FUNCTION ledger_cause(uuid, uuid, uuid);
DROP FUNCTION ledger_balances(uuid, timestamptz, text);
DROP FUNCTION ledger_accounts_of(uuid);
DROP FUNCTION ledger_statement(uuid[], text, timestamptz, timestamptz, integer, uuid);
DROP FUNCTION ledger_trial_balance(uuid[], timestamptz, text);
