-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- What one merchant's accounts moved on one day, and come to at its end: two looks into balance_pages, whatever the day
-- holds. An owner's function, since views ask with the rights of who reads them; it knows who that is.
CREATE FUNCTION finance.sums_of_day(merchant uuid, day date)
RETURNS TABLE (account text, currency text, debit_minor bigint, credit_minor bigint, balance_minor bigint)
    LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 10
    SET search_path = public, pg_temp
BEGIN ATOMIC
SELECT n.account, n.currency, n.debit_minor - coalesce(o.debit_minor, 0), n.credit_minor - coalesce(o.credit_minor, 0),
       n.debit_minor - n.credit_minor
FROM public.finance_access f
CROSS JOIN LATERAL public.balance_before(f.merchant_id, public.balance_moment((day + 1)::timestamp AT TIME ZONE 'UTC')) n
LEFT JOIN LATERAL public.balance_before(f.merchant_id, public.balance_moment(day::timestamp AT TIME ZONE 'UTC')) o
       ON o.account = n.account AND o.currency = n.currency
WHERE f.login = session_user::text AND f.merchant_id = merchant
  AND (n.debit_minor, n.credit_minor) IS DISTINCT FROM (coalesce(o.debit_minor, 0), coalesce(o.credit_minor, 0));
END;
COMMENT ON FUNCTION finance.sums_of_day(uuid, date) IS
    'What the accounts of one merchant moved on one UTC day, in minor units: the part of finance.balances_per_day that is of both.';
REVOKE ALL ON FUNCTION finance.sums_of_day(uuid, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finance.sums_of_day(uuid, date) TO turnpike_finance;

-- The same columns, with the same meaning; a day is the one of the transfer's id, as balances have it. Asked for a day
-- (WHERE booking_date = ...), it computes that day.
CREATE OR REPLACE VIEW finance.balances_per_day WITH (security_barrier) AS
SELECT f.merchant_id,
       d.day::date AS booking_date,
       s.account,
       s.currency,
       s.debit_minor::numeric * c.unit AS debit,
       s.debit_minor::numeric AS debit_minor,
       s.credit_minor::numeric * c.unit AS credit,
       s.credit_minor::numeric AS credit_minor,
       s.balance_minor::numeric * c.unit AS balance,
       s.balance_minor::numeric AS balance_minor
FROM public.finance_access f
CROSS JOIN LATERAL (SELECT j.transfer_id AS id FROM public.transfers j
                     WHERE j.merchant_id = f.merchant_id ORDER BY j.transfer_id LIMIT 1) first
CROSS JOIN LATERAL (SELECT j.transfer_id AS id FROM public.transfers j
                     WHERE j.merchant_id = f.merchant_id ORDER BY j.transfer_id DESC LIMIT 1) last
CROSS JOIN LATERAL generate_series((public.ledger_moment(first.id) AT TIME ZONE 'UTC')::date::timestamp,
                                   (public.ledger_moment(last.id) AT TIME ZONE 'UTC')::date::timestamp, '1 day') AS d (day)
CROSS JOIN LATERAL finance.sums_of_day(f.merchant_id, d.day::date) s
LEFT JOIN public.currencies c ON c.code = s.currency
WHERE f.login = session_user;

RESET ROLE;

-- migrate:down

CREATE OR REPLACE VIEW finance.balances_per_day WITH (security_barrier) AS
WITH days AS (
    SELECT t.merchant_id, side.account, t.currency,
           (t.created_at AT TIME ZONE 'UTC')::date AS booking_date,
           coalesce(sum(t.amount_minor) FILTER (WHERE side.is_debit), 0) AS debit_minor,
           coalesce(sum(t.amount_minor) FILTER (WHERE NOT side.is_debit), 0) AS credit_minor
    FROM public.transfers t
    CROSS JOIN LATERAL (VALUES (t.debit_account, true), (t.credit_account, false))
               AS side (account, is_debit)
    WHERE t.state = 'posted'
      AND t.merchant_id IN (SELECT merchant_id FROM public.finance_access
                             WHERE login = session_user)
    GROUP BY t.merchant_id, side.account, t.currency, booking_date
), running AS (
    SELECT d.*,
           sum(d.debit_minor - d.credit_minor) OVER (
               PARTITION BY d.merchant_id, d.account, d.currency ORDER BY d.booking_date)
               AS balance_minor
    FROM days d
)
SELECT r.merchant_id,
       r.booking_date,
       r.account,
       r.currency,
       r.debit_minor * c.unit AS debit,
       r.debit_minor,
       r.credit_minor * c.unit AS credit,
       r.credit_minor,
       r.balance_minor * c.unit AS balance,
       r.balance_minor
FROM running r
LEFT JOIN public.currencies c ON c.code = r.currency;

DROP FUNCTION finance.sums_of_day(uuid, date);
