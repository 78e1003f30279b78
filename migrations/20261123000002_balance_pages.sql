-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- When a movement counts for people: NULL is the moment when it was booked, as for all that the gateway books.
ALTER TABLE transfers ADD COLUMN effective_at timestamptz;
CREATE INDEX transfers_effective ON transfers (merchant_id, effective_at) WHERE effective_at IS NOT NULL;

-- Balances at any past moment: a page each thousand transfers of a merchant, and the transfers since.
--
--     transfers of a merchant, by id     |----- 1000 -----|----- 1000 -----|---- ... ----> since (balance_marks)
--                                        bound            bound            bound = paged
--
-- A transfer stands at the moment of its id, which is made when it is posted. balance_pages has the sums of all posted
-- transfers below a bound, for each account that changed since the bound before; so it also tells where to look for an
-- account that moves rarely. Bounds above `paged` are not believed: whoever writes a transfer with an id below `since`
-- draws both back in its own transaction, and what is above is then made anew.

CREATE TABLE balance_bounds (
    merchant_id uuid NOT NULL,
    upto        uuid NOT NULL,
    PRIMARY KEY (merchant_id, upto)
);
CREATE TABLE balance_pages (
    merchant_id  uuid NOT NULL,
    upto         uuid NOT NULL, -- all transfers below it
    since        uuid NOT NULL, -- the bound before
    debit_minor  bigint NOT NULL,
    credit_minor bigint NOT NULL,
    account      text NOT NULL,
    currency     text NOT NULL CHECK (length(currency) = 3),
    PRIMARY KEY (merchant_id, account, currency, upto)
);

-- As balance_floor, which is inlined for that, but of any moment, the infinite ones, too.
CREATE FUNCTION balance_moment(moment timestamptz) RETURNS uuid
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN moment <= 'epoch' THEN '00000000-0000-0000-0000-000000000000'
                WHEN moment > '9999-12-31' THEN 'ffffffff-ffff-ffff-ffff-ffffffffffff'
                ELSE balance_floor(moment) END;

-- What posted transfers from `since` to `upto` add to each account.
CREATE FUNCTION balance_between(merchant uuid, since uuid, upto uuid)
RETURNS TABLE (account text, currency text, debit_minor bigint, credit_minor bigint)
    LANGUAGE sql STABLE STRICT
    SET enable_seqscan = off SET enable_bitmapscan = off
BEGIN ATOMIC
SELECT side.account, t.currency, sum(side.debit)::bigint, sum(side.credit)::bigint
FROM transfers t
CROSS JOIN LATERAL (VALUES (t.debit_account, t.amount_minor, 0::bigint), (t.credit_account, 0::bigint, t.amount_minor))
           AS side (account, debit, credit)
WHERE t.merchant_id = merchant AND t.transfer_id >= since AND t.transfer_id < upto AND t.state = 'posted'
GROUP BY side.account, t.currency;
END;

-- The newest bound that can be believed up to that id.
CREATE FUNCTION balance_bound(merchant uuid, before uuid) RETURNS uuid
    LANGUAGE sql STABLE STRICT
    SET enable_seqscan = off
    RETURN coalesce((SELECT b.upto FROM balance_bounds b
                      WHERE b.merchant_id = merchant
                        AND b.upto <= least(before, (SELECT s.paged FROM balance_sound s WHERE s.merchant_id = merchant))
                        AND EXISTS (SELECT FROM balance_sound s WHERE s.merchant_id = merchant)
                      ORDER BY b.upto DESC LIMIT 1), '00000000-0000-0000-0000-000000000000');

-- Sums of posted transfers below that id; of one account when it is named.
CREATE FUNCTION balance_before(merchant uuid, before uuid, one text DEFAULT NULL)
RETURNS TABLE (account text, currency text, debit_minor bigint, credit_minor bigint)
    LANGUAGE plpgsql STABLE
    SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    bound uuid := balance_bound(merchant, before);
BEGIN
    RETURN QUERY
    SELECT x.account, x.currency, sum(x.debit_minor)::bigint, sum(x.credit_minor)::bigint
    FROM (SELECT p.account, p.currency, p.debit_minor, p.credit_minor
          FROM balance_snapshots s
          CROSS JOIN LATERAL (SELECT * FROM balance_pages g
                               WHERE g.merchant_id = s.merchant_id AND g.account = s.account AND g.currency = s.currency
                                 AND g.upto <= bound
                               ORDER BY g.upto DESC LIMIT 1) p
          WHERE s.merchant_id = merchant AND (one IS NULL OR s.account = one)
          UNION ALL
          SELECT b.account, b.currency, b.debit_minor, b.credit_minor
          FROM balance_between(merchant, bound, before) b
          WHERE one IS NULL OR b.account = one) x
    GROUP BY x.account, x.currency;
END
$$;

-- Make at most `pages` pages of `size` transfers for each of at most `merchants`. How many merchants have more: above 0
-- it is worth asking again. Those that another pages now are left to it. Savepoints would cost subtransactions: none here.
CREATE FUNCTION page_balances(merchants bigint, pages bigint, size bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT
    SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    m      record;
    bound  uuid;
    beyond uuid;
    made   bigint;
    more   bigint := 0;
BEGIN
    FOR m IN
        SELECT k.merchant_id, k.since, k.paged
        FROM balance_sound s
        JOIN balance_marks k ON k.merchant_id = s.merchant_id
        WHERE s.since > s.paged
          AND (SELECT true FROM transfers t
                WHERE t.merchant_id = s.merchant_id AND t.transfer_id >= s.paged AND t.transfer_id < s.since
                ORDER BY t.transfer_id OFFSET size LIMIT 1)
        ORDER BY s.paged LIMIT merchants
        FOR UPDATE OF k SKIP LOCKED
    LOOP
        bound := coalesce((SELECT b.upto FROM balance_bounds b
                            WHERE b.merchant_id = m.merchant_id AND b.upto <= m.paged
                            ORDER BY b.upto DESC LIMIT 1), '00000000-0000-0000-0000-000000000000');
        IF EXISTS (SELECT FROM balance_bounds b WHERE b.merchant_id = m.merchant_id AND b.upto > bound) THEN
            DELETE FROM balance_bounds b WHERE b.merchant_id = m.merchant_id AND b.upto > bound;
            DELETE FROM balance_pages p WHERE p.merchant_id = m.merchant_id AND p.upto > bound;
        END IF;
        made := 0;
        LOOP
            SELECT t.transfer_id INTO beyond
            FROM transfers t
            WHERE t.merchant_id = m.merchant_id AND t.transfer_id >= bound AND t.transfer_id < m.since
            ORDER BY t.transfer_id OFFSET size LIMIT 1;
            EXIT WHEN NOT FOUND;
            IF made = pages THEN
                more := more + 1;
                EXIT;
            END IF;
            INSERT INTO balance_pages (merchant_id, account, currency, upto, since, debit_minor, credit_minor)
            SELECT m.merchant_id, b.account, b.currency, beyond, bound,
                   b.debit_minor + coalesce(p.debit_minor, 0), b.credit_minor + coalesce(p.credit_minor, 0)
            FROM balance_between(m.merchant_id, bound, beyond) b
            LEFT JOIN LATERAL (SELECT g.debit_minor, g.credit_minor FROM balance_pages g
                                WHERE g.merchant_id = m.merchant_id AND g.account = b.account
                                  AND g.currency = b.currency AND g.upto <= bound
                                ORDER BY g.upto DESC LIMIT 1) p ON true;
            INSERT INTO balance_bounds (merchant_id, upto) VALUES (m.merchant_id, beyond);
            bound := beyond;
            made := made + 1;
        END LOOP;
        UPDATE balance_marks k SET paged = bound, rolled_xid = pg_current_xact_id() WHERE k.merchant_id = m.merchant_id;
    END LOOP;
    RETURN more;
END
$$;

GRANT SELECT, INSERT, DELETE ON balance_bounds, balance_pages TO turnpike_gateway;
REVOKE EXECUTE ON FUNCTION page_balances(bigint, bigint, bigint), balance_before(uuid, uuid, text),
    balance_between(uuid, uuid, uuid), balance_bound(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION page_balances(bigint, bigint, bigint), balance_between(uuid, uuid, uuid) TO turnpike_gateway;

-- The merchants of whoever asks: the login that opened the session, whatever it has set since.
CREATE FUNCTION finance_merchants() RETURNS SETOF uuid
    LANGUAGE sql STABLE
BEGIN ATOMIC
SELECT f.merchant_id FROM finance_access f WHERE f.login = session_user::text;
END;

CREATE FUNCTION finance.trial_balance(as_of timestamptz, basis text DEFAULT 'recorded')
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
COMMENT ON FUNCTION finance.trial_balance(timestamptz, text) IS
    'Posted sums of every account up to a moment (not with it). Basis recorded: what was booked before it; effective: what counts before it, booked whenever. Per merchant and currency debits equal credits.';

CREATE FUNCTION finance.balance(account text, as_of timestamptz DEFAULT 'infinity')
RETURNS TABLE (merchant_id uuid, currency text, balance numeric, balance_minor bigint)
    LANGUAGE sql STABLE STRICT SECURITY DEFINER
    SET enable_seqscan = off
BEGIN ATOMIC
SELECT k.id, b.currency, (b.debit_minor - b.credit_minor) * c.unit, b.debit_minor - b.credit_minor
FROM public.finance_merchants() AS k (id)
CROSS JOIN LATERAL public.balance_before(k.id, public.balance_moment(as_of), account) b
LEFT JOIN public.currencies c ON c.code = b.currency
ORDER BY k.id, b.currency;
END;
COMMENT ON FUNCTION finance.balance(text, timestamptz) IS
    'Debits less credits of one account, by currency, up to a moment; without one: now.';

-- The movements of one account, oldest first, with what it came to after each; a page at a time. An account that moves
-- rarely is looked for only where its pages say that it moved.
CREATE FUNCTION finance.account_statement(account text, since timestamptz, until timestamptz DEFAULT 'infinity',
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
COMMENT ON FUNCTION finance.account_statement(text, timestamptz, timestamptz, integer, uuid, uuid) IS
    'The movements of one account from a moment to another, oldest first, with the balance after each; lines opening and closing say what it began and ended with. At most `lines` movements: the next page begins after the last one (its transfer_id as `after`; whoever sees several merchants names one).';

REVOKE ALL ON FUNCTION finance.trial_balance(timestamptz, text), finance.balance(text, timestamptz),
    finance.account_statement(text, timestamptz, timestamptz, integer, uuid, uuid), finance_merchants() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finance.trial_balance(timestamptz, text), finance.balance(text, timestamptz),
    finance.account_statement(text, timestamptz, timestamptz, integer, uuid, uuid) TO turnpike_finance;

RESET ROLE;

-- migrate:down

DROP FUNCTION finance.account_statement(text, timestamptz, timestamptz, integer, uuid, uuid);
DROP FUNCTION finance.balance(text, timestamptz);
DROP FUNCTION finance.trial_balance(timestamptz, text);
DROP FUNCTION finance_merchants();
DROP FUNCTION page_balances(bigint, bigint, bigint);
DROP FUNCTION balance_before(uuid, uuid, text);
DROP FUNCTION balance_bound(uuid, uuid);
DROP FUNCTION balance_between(uuid, uuid, uuid);
DROP FUNCTION balance_moment(timestamptz);
DROP TABLE balance_pages, balance_bounds;
DROP INDEX transfers_effective;
ALTER TABLE transfers DROP COLUMN effective_at;
