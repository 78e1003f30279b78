-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- Plans are made once a session: what these ask is always a range of a key.
CREATE OR REPLACE FUNCTION balance_between(merchant uuid, since uuid, upto uuid)
RETURNS TABLE (account text, currency text, debit_minor bigint, credit_minor bigint)
    LANGUAGE plpgsql STABLE STRICT
    SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN QUERY
    SELECT side.account, t.currency, sum(side.debit)::bigint, sum(side.credit)::bigint
    FROM transfers t
    CROSS JOIN LATERAL (VALUES (t.debit_account, t.amount_minor, 0::bigint), (t.credit_account, 0::bigint, t.amount_minor))
               AS side (account, debit, credit)
    WHERE t.merchant_id = merchant AND t.transfer_id >= since AND t.transfer_id < upto AND t.state = 'posted'
    GROUP BY side.account, t.currency;
END
$$;

CREATE OR REPLACE FUNCTION balance_bound(merchant uuid, before uuid) RETURNS uuid
    LANGUAGE plpgsql STABLE STRICT
    SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN coalesce((SELECT b.upto FROM balance_bounds b
                      WHERE b.merchant_id = merchant
                        AND b.upto <= least(before, (SELECT s.paged FROM balance_sound s WHERE s.merchant_id = merchant))
                        AND EXISTS (SELECT FROM balance_sound s WHERE s.merchant_id = merchant)
                      ORDER BY b.upto DESC LIMIT 1), '00000000-0000-0000-0000-000000000000');
END
$$;

CREATE OR REPLACE FUNCTION balance_before(merchant uuid, before uuid, one text DEFAULT NULL)
RETURNS TABLE (account text, currency text, debit_minor bigint, credit_minor bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
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

-- What the accounts of a merchant come to now: what is rolled up, and the few transfers since. By itself, so that no plan
-- for many merchants at once reads all transfers of a large one.
CREATE FUNCTION balance_now(merchant uuid)
RETURNS TABLE (account text, currency text, debit_minor numeric, credit_minor numeric, pending_debit_minor numeric,
               pending_credit_minor numeric)
    LANGUAGE plpgsql STABLE STRICT
    SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN QUERY
    SELECT x.account, x.currency, sum(x.debit_minor), sum(x.credit_minor), sum(x.pending_debit_minor), sum(x.pending_credit_minor)
    FROM (SELECT s.account, s.currency, s.debit_minor, s.credit_minor, s.pending_debit_minor, s.pending_credit_minor
          FROM balance_sound m
          JOIN balance_snapshots s ON s.merchant_id = m.merchant_id
          WHERE m.merchant_id = merchant
          UNION ALL
          SELECT b.account, b.currency, b.debit_minor, b.credit_minor, b.pending_debit_minor, b.pending_credit_minor
          FROM balance_tail b
          WHERE b.merchant_id = merchant) x
    GROUP BY x.account, x.currency;
END
$$;
REVOKE ALL ON FUNCTION balance_now(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION balance_now(uuid) TO turnpike_gateway;

CREATE FUNCTION finance.balances_of(merchant uuid)
RETURNS TABLE (account text, currency text, debit_minor numeric, credit_minor numeric, pending_debit_minor numeric,
               pending_credit_minor numeric)
    LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 10
    SET search_path = public, pg_temp
BEGIN ATOMIC
SELECT b.account, b.currency, b.debit_minor, b.credit_minor, b.pending_debit_minor, b.pending_credit_minor
FROM public.finance_access f
CROSS JOIN LATERAL public.balance_now(f.merchant_id) b
WHERE f.login = session_user::text AND f.merchant_id = merchant;
END;
COMMENT ON FUNCTION finance.balances_of(uuid) IS
    'What the accounts of one merchant come to now, in minor units: the part of finance.trial_balance that is of it.';
REVOKE ALL ON FUNCTION finance.balances_of(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finance.balances_of(uuid) TO turnpike_finance;

-- The same columns as before, with the same meaning.
CREATE OR REPLACE VIEW finance.trial_balance WITH (security_barrier) AS
SELECT f.merchant_id,
       s.account,
       s.currency,
       s.debit_minor * c.unit AS debit,
       s.debit_minor,
       s.credit_minor * c.unit AS credit,
       s.credit_minor,
       (s.debit_minor - s.credit_minor) * c.unit AS balance,
       s.debit_minor - s.credit_minor AS balance_minor,
       s.pending_debit_minor * c.unit AS pending_debit,
       s.pending_debit_minor,
       s.pending_credit_minor * c.unit AS pending_credit,
       s.pending_credit_minor
FROM public.finance_access f
CROSS JOIN LATERAL finance.balances_of(f.merchant_id) s
LEFT JOIN public.currencies c ON c.code = s.currency
WHERE f.login = session_user;

CREATE OR REPLACE VIEW finance.accounts WITH (security_barrier) AS
SELECT x.merchant_id, x.account, x.currency, k.number, k.kind, coalesce(k.type, o.type) AS type,
       coalesce(k.normal, CASE WHEN o.type IN ('asset', 'expense') THEN 'debit' WHEN o.type IS NOT NULL THEN 'credit' END) AS normal,
       coalesce(o.title, k.meaning) AS title, o.opened_by,
       n.number AS account_number, n.opened_at
FROM (SELECT f.merchant_id, b.account, b.currency
      FROM public.finance_access f
      CROSS JOIN LATERAL finance.balances_of(f.merchant_id) b
      WHERE f.login = session_user
      UNION
      SELECT a.merchant_id, a.account, NULL
      FROM public.finance_access f
      JOIN public.ledger_accounts a ON a.merchant_id = f.merchant_id
      WHERE f.login = session_user) x
LEFT JOIN public.account_kinds k ON k.kind = public.account_kind(x.account)
LEFT JOIN public.account_numbers n ON n.merchant_id = x.merchant_id AND n.account = x.account
LEFT JOIN public.ledger_accounts o ON o.merchant_id = x.merchant_id AND o.account = x.account;

RESET ROLE;

-- migrate:down

CREATE OR REPLACE VIEW finance.accounts WITH (security_barrier) AS
SELECT x.merchant_id, x.account, x.currency, k.number, k.kind, coalesce(k.type, o.type) AS type,
       coalesce(k.normal, CASE WHEN o.type IN ('asset', 'expense') THEN 'debit' WHEN o.type IS NOT NULL THEN 'credit' END) AS normal,
       coalesce(o.title, k.meaning) AS title, o.opened_by,
       n.number AS account_number, n.opened_at
FROM (SELECT s.merchant_id, s.account, s.currency
      FROM public.finance_access f
      JOIN public.balance_snapshots s ON s.merchant_id = f.merchant_id
      WHERE f.login = session_user
      UNION
      SELECT b.merchant_id, b.account, b.currency
      FROM public.finance_access f
      JOIN public.balance_tail b ON b.merchant_id = f.merchant_id
      WHERE f.login = session_user
      UNION
      SELECT a.merchant_id, a.account, NULL
      FROM public.finance_access f
      JOIN public.ledger_accounts a ON a.merchant_id = f.merchant_id
      WHERE f.login = session_user) x
LEFT JOIN public.account_kinds k ON k.kind = public.account_kind(x.account)
LEFT JOIN public.account_numbers n ON n.merchant_id = x.merchant_id AND n.account = x.account
LEFT JOIN public.ledger_accounts o ON o.merchant_id = x.merchant_id AND o.account = x.account;

CREATE OR REPLACE VIEW finance.trial_balance WITH (security_barrier) AS
WITH entries AS (
    SELECT s.merchant_id, s.account, s.currency, s.debit_minor, s.credit_minor,
           s.pending_debit_minor, s.pending_credit_minor
    FROM public.finance_access f
    JOIN public.balance_sound m ON m.merchant_id = f.merchant_id
    JOIN public.balance_snapshots s ON s.merchant_id = f.merchant_id
    WHERE f.login = session_user
    UNION ALL
    SELECT b.merchant_id, b.account, b.currency, b.debit_minor, b.credit_minor,
           b.pending_debit_minor, b.pending_credit_minor
    FROM public.finance_access f
    JOIN public.balance_tail b ON b.merchant_id = f.merchant_id
    WHERE f.login = session_user
), sums AS (
    SELECT merchant_id, account, currency,
           sum(debit_minor) AS debit_minor,
           sum(credit_minor) AS credit_minor,
           sum(pending_debit_minor) AS pending_debit_minor,
           sum(pending_credit_minor) AS pending_credit_minor
    FROM entries
    GROUP BY merchant_id, account, currency
)
SELECT s.merchant_id,
       s.account,
       s.currency,
       s.debit_minor * c.unit AS debit,
       s.debit_minor,
       s.credit_minor * c.unit AS credit,
       s.credit_minor,
       (s.debit_minor - s.credit_minor) * c.unit AS balance,
       s.debit_minor - s.credit_minor AS balance_minor,
       s.pending_debit_minor * c.unit AS pending_debit,
       s.pending_debit_minor,
       s.pending_credit_minor * c.unit AS pending_credit,
       s.pending_credit_minor
FROM sums s
LEFT JOIN public.currencies c ON c.code = s.currency;

DROP FUNCTION finance.balances_of(uuid);
DROP FUNCTION balance_now(uuid);
CREATE OR REPLACE FUNCTION balance_before(merchant uuid, before uuid, one text DEFAULT NULL)
RETURNS TABLE (account text, currency text, debit_minor bigint, credit_minor bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
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

CREATE OR REPLACE FUNCTION balance_bound(merchant uuid, before uuid) RETURNS uuid
    LANGUAGE sql STABLE STRICT
    SET enable_seqscan = off
    RETURN coalesce((SELECT b.upto FROM balance_bounds b
                      WHERE b.merchant_id = merchant
                        AND b.upto <= least(before, (SELECT s.paged FROM balance_sound s WHERE s.merchant_id = merchant))
                        AND EXISTS (SELECT FROM balance_sound s WHERE s.merchant_id = merchant)
                      ORDER BY b.upto DESC LIMIT 1), '00000000-0000-0000-0000-000000000000');

CREATE OR REPLACE FUNCTION balance_between(merchant uuid, since uuid, upto uuid)
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
