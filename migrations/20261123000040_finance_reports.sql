-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- ---- a number for each account ------------------------------------------------------------------

-- Given when an account is first rolled up, and kept for good: the number of its kind in the chart and which account
-- of that kind it is, 11000001 the first of 1100.
CREATE TABLE account_numbers (
    merchant_id uuid NOT NULL,
    number      bigint NOT NULL,
    opened_at   timestamptz NOT NULL,
    account     text NOT NULL,
    PRIMARY KEY (merchant_id, account),
    UNIQUE (merchant_id, number)
);
GRANT SELECT, INSERT ON account_numbers TO turnpike_gateway;

ALTER TABLE balance_snapshots ADD COLUMN number bigint;
CREATE INDEX balance_snapshots_new ON balance_snapshots (merchant_id) WHERE number IS NULL;

-- Of at most so many merchants. How many have more: above 0 it is worth asking again. A merchant that is rolled up now
-- is left to the next time.
CREATE FUNCTION number_accounts(merchants bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT
    SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    m record;
BEGIN
    FOR m IN
        SELECT k.merchant_id
        FROM balance_marks k
        WHERE k.merchant_id IN (SELECT s.merchant_id FROM balance_snapshots s WHERE s.number IS NULL LIMIT 1000)
        ORDER BY k.merchant_id LIMIT merchants
        FOR UPDATE OF k SKIP LOCKED
    LOOP
        INSERT INTO account_numbers (merchant_id, number, opened_at, account)
        SELECT m.merchant_id,
               coalesce((SELECT max(o.number) FROM account_numbers o
                          WHERE o.merchant_id = m.merchant_id AND o.number BETWEEN k.number * 10000::bigint AND k.number * 10000::bigint + 9999),
                        k.number * 10000::bigint)
                   + row_number() OVER (PARTITION BY k.number ORDER BY n.account COLLATE "C"),
               clock_timestamp(), n.account
        FROM (SELECT DISTINCT s.account FROM balance_snapshots s WHERE s.merchant_id = m.merchant_id AND s.number IS NULL) n
        JOIN account_kinds k ON k.kind = account_kind(n.account)
        WHERE NOT EXISTS (SELECT FROM account_numbers o WHERE o.merchant_id = m.merchant_id AND o.account = n.account);
        UPDATE balance_snapshots s
        SET number = coalesce((SELECT o.number FROM account_numbers o
                                WHERE o.merchant_id = s.merchant_id AND o.account = s.account), 0)
        WHERE s.merchant_id = m.merchant_id AND s.number IS NULL;
    END LOOP;
    RETURN 0;
END
$$;
REVOKE EXECUTE ON FUNCTION number_accounts(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION number_accounts(bigint) TO turnpike_gateway;

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
COMMENT ON COLUMN finance.accounts.account_number IS
    'Its own number: that of its kind, and which account of the kind it is (11000001 is the first of 1100). Empty in its first minutes.';
COMMENT ON COLUMN finance.accounts.opened_at IS 'When it got its number (UTC).';

-- ---- the day book -------------------------------------------------------------------------------

-- The moment of a UUIDv7, to the millisecond (RFC 9562 section 5.7).
CREATE FUNCTION ledger_moment(id uuid) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_timestamp(('x' || substr(replace(id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0);

CREATE VIEW finance.day_book WITH (security_barrier) AS
SELECT t.merchant_id,
       (public.ledger_moment(t.transfer_id) AT TIME ZONE 'UTC')::date AS day,
       t.created_at AS booked_at,
       coalesce(t.effective_at, t.created_at) AS effective_at,
       t.kind,
       p.reference,
       finance.show_id(CASE p.kind WHEN 'payout' THEN 'pyt' ELSE 'pay' END, t.payment_id) AS payment,
       t.debit_account,
       d.number AS debit_number,
       t.credit_account,
       k.number AS credit_number,
       t.currency,
       t.amount_minor * c.unit AS amount,
       t.amount_minor,
       t.transfer_id
FROM public.transfers t
LEFT JOIN public.payments p ON p.merchant_id = t.merchant_id AND p.payment_id = t.payment_id
LEFT JOIN public.account_numbers d ON d.merchant_id = t.merchant_id AND d.account = t.debit_account
LEFT JOIN public.account_numbers k ON k.merchant_id = t.merchant_id AND k.account = t.credit_account
LEFT JOIN public.currencies c ON c.code = t.currency
WHERE t.state = 'posted'
  AND t.merchant_id IN (SELECT merchant_id FROM public.finance_access
                         WHERE login = session_user);
COMMENT ON VIEW finance.day_book IS
    'Everything that was booked, one row per posted movement. Large: finance.day_book(day) reads one day, in order and numbered.';

CREATE FUNCTION finance.day_book(day date, merchant uuid DEFAULT NULL)
RETURNS TABLE (number bigint, merchant_id uuid, booked_at timestamptz, effective_at timestamptz, kind text, reference text,
               payment text, debit_account text, debit_number bigint, credit_account text, credit_number bigint,
               currency text, amount numeric, amount_minor bigint, transfer_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp
    SET enable_seqscan = off
BEGIN ATOMIC
SELECT row_number() OVER (PARTITION BY m.id ORDER BY b.transfer_id), b.merchant_id, b.booked_at, b.effective_at, b.kind,
       b.reference, b.payment, b.debit_account, b.debit_number, b.credit_account, b.credit_number, b.currency, b.amount,
       b.amount_minor, b.transfer_id
FROM public.finance_merchants() AS m (id)
CROSS JOIN LATERAL (
    SELECT * FROM finance.day_book v
    WHERE v.merchant_id = m.id
      AND v.transfer_id >= public.balance_moment(day_book.day::timestamp AT TIME ZONE 'UTC')
      AND v.transfer_id < public.balance_moment((day_book.day + 1)::timestamp AT TIME ZONE 'UTC')) b
WHERE merchant IS NULL OR m.id = merchant
ORDER BY m.id, b.transfer_id;
END;
COMMENT ON FUNCTION finance.day_book(date, uuid) IS
    'The day book: what was booked on a UTC day, in its order, numbered from 1 for each merchant. Debits are credits, line by line.';

-- ---- how old is what is owed --------------------------------------------------------------------

-- First in, first out: what came last is what is still there. Of a balance the newest movements that make it up.
CREATE FUNCTION finance.aging(as_of timestamptz)
RETURNS TABLE (merchant_id uuid, account text, kind text, currency text, balance numeric, balance_minor bigint,
               days_0_1_minor bigint, days_2_7_minor bigint, days_8_30_minor bigint, days_31_90_minor bigint,
               days_over_90_minor bigint)
    LANGUAGE sql STABLE STRICT SECURITY DEFINER
    SET search_path = public, pg_temp
    SET enable_seqscan = off
BEGIN ATOMIC
WITH marks (place, days) AS (VALUES (0, 0), (1, 2), (2, 8), (3, 31), (4, 91)),
sums AS (
    SELECT m.id, b.account, b.currency, k.kind, k.type, marks.place, b.debit_minor, b.credit_minor
    FROM public.finance_merchants() AS m (id)
    CROSS JOIN marks
    CROSS JOIN LATERAL public.balance_before(m.id, public.balance_moment(CASE marks.days WHEN 0 THEN as_of ELSE
        ((((least(as_of, statement_timestamp()) - interval '1 us') AT TIME ZONE 'UTC')::date + 1 - marks.days)::timestamp AT TIME ZONE 'UTC') END)) b
    JOIN public.account_kinds k ON k.kind = public.account_kind(b.account)
    WHERE k.type IN ('asset', 'liability') AND k.kind <> 'bank'
), wide AS (
    SELECT s.id, s.account, s.kind, s.currency,
           max(s.debit_minor - s.credit_minor) FILTER (WHERE s.place = 0) AS owed, -- debit is owed to us
           array_agg(s.debit_minor ORDER BY s.place) AS debits, array_agg(s.credit_minor ORDER BY s.place) AS credits,
           max(s.place) AS places
    FROM sums s
    GROUP BY s.id, s.account, s.kind, s.currency
), grown AS ( -- what came on the side of the balance since the beginning of each span
    SELECT w.id, w.account, w.kind, w.currency, w.owed,
           CASE WHEN w.owed >= 0 THEN w.debits[1] ELSE w.credits[1] END AS total,
           CASE WHEN w.owed >= 0 THEN w.debits ELSE w.credits END AS before
    FROM wide w
), newest AS (
    SELECT g.*,
           least(abs(g.owed), g.total - coalesce(g.before[2], 0)) AS a,
           least(abs(g.owed), g.total - coalesce(g.before[3], 0)) AS b,
           least(abs(g.owed), g.total - coalesce(g.before[4], 0)) AS c,
           least(abs(g.owed), g.total - coalesce(g.before[5], 0)) AS d
    FROM grown g
)
SELECT n.id, n.account, n.kind, n.currency, n.owed * u.unit, n.owed, n.a * sign(n.owed)::bigint,
       (n.b - n.a) * sign(n.owed)::bigint, (n.c - n.b) * sign(n.owed)::bigint, (n.d - n.c) * sign(n.owed)::bigint,
       (abs(n.owed) - n.d) * sign(n.owed)::bigint
FROM newest n
LEFT JOIN public.currencies u ON u.code = n.currency
WHERE n.owed <> 0
ORDER BY n.id, n.account, n.currency;
END;
COMMENT ON FUNCTION finance.aging(timestamptz) IS
    'What is owed and since when, of every account of kind asset or liability but banks, up to a moment: debits less credits, and how much of it is 0 to 1, 2 to 7, 8 to 30, 31 to 90 or more UTC days old. First in, first out: what is taken off is taken off what is oldest.';

CREATE VIEW finance.aging WITH (security_barrier) AS
SELECT a.merchant_id, a.account, a.kind, a.currency, a.balance, a.balance_minor, a.days_0_1_minor, a.days_2_7_minor,
       a.days_8_30_minor, a.days_31_90_minor, a.days_over_90_minor
FROM finance.aging(statement_timestamp()) a;
COMMENT ON VIEW finance.aging IS
    'What is owed and since when, now; finance.aging(as_of) at another moment.';

-- ---- what each route did and cost ---------------------------------------------------------------

-- An attempt's route: the rule that chose, and the account that it chose. Attempts without a decision of their own go by
-- the one before.
CREATE FUNCTION finance.success_and_cost_by_route(since timestamptz, until timestamptz DEFAULT 'infinity')
RETURNS TABLE (merchant_id uuid, day date, rule text, rule_set text, provider text, account text, operation text, method text,
               currency text, attempts bigint, approved bigint, declined bigint, failed bigint, open bigint,
               success_rate numeric, amount_approved numeric, amount_approved_minor bigint, fee numeric, fee_minor bigint,
               fee_per_approved numeric, fee_basis_points numeric)
    LANGUAGE sql STABLE STRICT SECURITY DEFINER
    SET search_path = public, pg_temp
    SET enable_seqscan = off
BEGIN ATOMIC
WITH tried AS (
    SELECT m.id, a.created_at, a.provider, a.account_id, a.operation, a.currency, a.amount_minor, a.expected_fee_minor,
           p.method_type, coalesce(o.outcome, 'sent') AS outcome, o.fee_minor,
           coalesce(a.decision, (SELECT f.decision FROM public.attempts f
                                  WHERE f.merchant_id = a.merchant_id AND f.payment_id = a.payment_id
                                    AND f.number < a.number AND f.decision IS NOT NULL
                                  ORDER BY f.number DESC LIMIT 1)) AS decision
    FROM public.finance_merchants() AS m (id)
    JOIN public.attempts a ON a.merchant_id = m.id
                          AND a.attempt_id >= public.balance_moment(since) AND a.attempt_id < public.balance_moment(until)
    JOIN public.payments p ON p.merchant_id = a.merchant_id AND p.payment_id = a.payment_id
    LEFT JOIN LATERAL (SELECT v.outcome, v.fee_minor FROM public.outcomes v
                        WHERE v.merchant_id = a.merchant_id AND v.attempt_id = a.attempt_id AND v.outcome <> 'none'
                        ORDER BY v.number DESC LIMIT 1) o ON true
    WHERE a.operation IN ('sale', 'authorize', 'payout')
), summed AS (
    SELECT t.id, (t.created_at AT TIME ZONE 'UTC')::date AS day, t.decision::json ->> 'rule' AS rule,
           t.decision::json ->> 'rule_set' AS rule_set, t.provider, t.account_id, t.operation, t.method_type, t.currency,
           count(*) AS attempts,
           count(*) FILTER (WHERE t.outcome = 'approved') AS approved,
           count(*) FILTER (WHERE t.outcome LIKE 'declined%') AS declined,
           count(*) FILTER (WHERE t.outcome = 'failed') AS failed,
           count(*) FILTER (WHERE t.outcome <> 'approved' AND t.outcome <> 'failed' AND t.outcome NOT LIKE 'declined%') AS open,
           coalesce(sum(t.amount_minor) FILTER (WHERE t.outcome = 'approved'), 0)::bigint AS amount,
           coalesce(sum(coalesce(t.fee_minor, t.expected_fee_minor)) FILTER (WHERE t.outcome = 'approved'), 0)::bigint AS fee
    FROM tried t
    GROUP BY t.id, 2, 3, 4, t.provider, t.account_id, t.operation, t.method_type, t.currency
)
SELECT s.id, s.day, s.rule, s.rule_set, s.provider, a.name, s.operation, s.method_type, s.currency, s.attempts, s.approved,
       s.declined, s.failed, s.open,
       round(s.approved::numeric / nullif(s.approved + s.declined + s.failed, 0), 4),
       s.amount * c.unit, s.amount, s.fee * c.unit, s.fee,
       round(s.fee * c.unit / nullif(s.approved, 0), 4), round(s.fee * 10000::numeric / nullif(s.amount, 0), 2)
FROM summed s
LEFT JOIN public.accounts a ON a.merchant_id = s.id AND a.account_id = s.account_id
LEFT JOIN public.currencies c ON c.code = s.currency
ORDER BY s.id, s.day, s.rule, s.provider, a.name, s.operation, s.method_type, s.currency;
END;
COMMENT ON FUNCTION finance.success_and_cost_by_route(timestamptz, timestamptz) IS
    'By day (UTC), rule and account: how attempts went and what the approved ones cost (the fee as the provider stated it, else as foreseen), of attempts begun in a span.';

CREATE VIEW finance.success_and_cost_by_route WITH (security_barrier) AS
SELECT r.merchant_id, r.day, r.rule, r.rule_set, r.provider, r.account, r.operation, r.method, r.currency, r.attempts,
       r.approved, r.declined, r.failed, r.open, r.success_rate, r.amount_approved, r.amount_approved_minor, r.fee,
       r.fee_minor, r.fee_per_approved, r.fee_basis_points
FROM finance.success_and_cost_by_route(statement_timestamp() - interval '30 days') r;
COMMENT ON VIEW finance.success_and_cost_by_route IS
    'The last thirty days by day (UTC), rule and account: how attempts went, and what the approved ones cost. finance.success_and_cost_by_route(since, until) is of another span.';

ALTER VIEW finance.routing_earned RENAME TO what_routing_earned;

COMMENT ON COLUMN finance.day_book.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.day_book.day IS 'The UTC day on which it was booked.';
COMMENT ON COLUMN finance.day_book.booked_at IS 'When it was booked (UTC).';
COMMENT ON COLUMN finance.day_book.effective_at IS 'Since when it counts (UTC).';
COMMENT ON COLUMN finance.day_book.kind IS 'payment, fee, refund, payout, settlement, ...: the transfer''s kind.';
COMMENT ON COLUMN finance.day_book.reference IS 'The merchant''s own reference of the payment.';
COMMENT ON COLUMN finance.day_book.payment IS 'The payment or payout as the API shows it; empty: it belongs to none.';
COMMENT ON COLUMN finance.day_book.debit_account IS 'The account that is debited.';
COMMENT ON COLUMN finance.day_book.debit_number IS 'Its number.';
COMMENT ON COLUMN finance.day_book.credit_account IS 'The account that is credited.';
COMMENT ON COLUMN finance.day_book.credit_number IS 'Its number.';
COMMENT ON COLUMN finance.day_book.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN finance.day_book.amount IS 'Amount in major units.';
COMMENT ON COLUMN finance.day_book.amount_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.day_book.transfer_id IS 'The transfer: grows in the order of booking.';
COMMENT ON COLUMN finance.aging.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.aging.account IS 'The account.';
COMMENT ON COLUMN finance.aging.kind IS 'Its kind, of finance.account_kinds.';
COMMENT ON COLUMN finance.aging.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN finance.aging.balance IS 'Debits less credits in major units: above 0 it is owed to the merchant, below 0 by the merchant.';
COMMENT ON COLUMN finance.aging.balance_minor IS 'The same in minor units; the parts below add up to it.';
COMMENT ON COLUMN finance.aging.days_0_1_minor IS 'Of it, from today and yesterday (UTC days).';
COMMENT ON COLUMN finance.aging.days_2_7_minor IS 'Of it, 2 to 7 days old.';
COMMENT ON COLUMN finance.aging.days_8_30_minor IS 'Of it, 8 to 30 days old.';
COMMENT ON COLUMN finance.aging.days_31_90_minor IS 'Of it, 31 to 90 days old.';
COMMENT ON COLUMN finance.aging.days_over_90_minor IS 'Of it, older.';
COMMENT ON COLUMN finance.success_and_cost_by_route.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.success_and_cost_by_route.day IS 'The UTC day on which the attempt began.';
COMMENT ON COLUMN finance.success_and_cost_by_route.rule IS 'The rule that chose; default: the built-in order.';
COMMENT ON COLUMN finance.success_and_cost_by_route.rule_set IS 'SHA-256 of the rule set that it is of.';
COMMENT ON COLUMN finance.success_and_cost_by_route.provider IS 'The provider.';
COMMENT ON COLUMN finance.success_and_cost_by_route.account IS 'The merchant''s name for the account at the provider.';
COMMENT ON COLUMN finance.success_and_cost_by_route.operation IS 'sale, authorize or payout.';
COMMENT ON COLUMN finance.success_and_cost_by_route.method IS 'Kind of payment method.';
COMMENT ON COLUMN finance.success_and_cost_by_route.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN finance.success_and_cost_by_route.attempts IS 'How many attempts went this way.';
COMMENT ON COLUMN finance.success_and_cost_by_route.approved IS 'Of them, approved.';
COMMENT ON COLUMN finance.success_and_cost_by_route.declined IS 'Declined, softly or for good.';
COMMENT ON COLUMN finance.success_and_cost_by_route.failed IS 'Surely did nothing: errors, time-outs before anything was sent.';
COMMENT ON COLUMN finance.success_and_cost_by_route.open IS 'Not known yet, or waiting for the payer.';
COMMENT ON COLUMN finance.success_and_cost_by_route.success_rate IS 'approved of those that have ended, 0 to 1; empty: none has.';
COMMENT ON COLUMN finance.success_and_cost_by_route.amount_approved IS 'Sum of the approved, in major units.';
COMMENT ON COLUMN finance.success_and_cost_by_route.amount_approved_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.success_and_cost_by_route.fee IS 'What the approved cost, as the provider stated, else as foreseen; in major units.';
COMMENT ON COLUMN finance.success_and_cost_by_route.fee_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.success_and_cost_by_route.fee_per_approved IS 'fee by approved attempt, in major units.';
COMMENT ON COLUMN finance.success_and_cost_by_route.fee_basis_points IS 'fee by amount, in hundredths of a percent.';

REVOKE ALL ON FUNCTION finance.day_book(date, uuid), finance.aging(timestamptz),
    finance.success_and_cost_by_route(timestamptz, timestamptz), ledger_moment(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finance.day_book(date, uuid), finance.aging(timestamptz),
    finance.success_and_cost_by_route(timestamptz, timestamptz) TO turnpike_finance;
GRANT SELECT ON finance.day_book, finance.aging, finance.success_and_cost_by_route TO turnpike_finance;

RESET ROLE;

-- migrate:down

ALTER VIEW finance.what_routing_earned RENAME TO routing_earned;
DROP VIEW finance.success_and_cost_by_route, finance.aging;
DROP FUNCTION finance.success_and_cost_by_route(timestamptz, timestamptz);
DROP FUNCTION finance.aging(timestamptz);
DROP FUNCTION finance.day_book(date, uuid);
DROP VIEW finance.day_book;
DROP FUNCTION ledger_moment(uuid);
DROP VIEW finance.accounts;
CREATE VIEW finance.accounts WITH (security_barrier) AS
SELECT x.merchant_id, x.account, x.currency, k.number, k.kind, coalesce(k.type, o.type) AS type,
       coalesce(k.normal, CASE WHEN o.type IN ('asset', 'expense') THEN 'debit' WHEN o.type IS NOT NULL THEN 'credit' END) AS normal,
       coalesce(o.title, k.meaning) AS title, o.opened_by
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
LEFT JOIN public.ledger_accounts o ON o.merchant_id = x.merchant_id AND o.account = x.account;
COMMENT ON VIEW finance.accounts IS 'Every account that was ever booked on, by currency, or opened, with its place in the chart.';
COMMENT ON COLUMN finance.accounts.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.accounts.account IS 'The account.';
COMMENT ON COLUMN finance.accounts.currency IS 'ISO 4217 code; empty: the row of its opening.';
COMMENT ON COLUMN finance.accounts.number IS 'The number of its kind in the chart.';
COMMENT ON COLUMN finance.accounts.kind IS 'Its kind, of finance.account_kinds.';
COMMENT ON COLUMN finance.accounts.type IS 'asset, liability, equity, income or expense.';
COMMENT ON COLUMN finance.accounts.normal IS 'The side on which it grows: debit or credit.';
COMMENT ON COLUMN finance.accounts.title IS 'What it is.';
COMMENT ON COLUMN finance.accounts.opened_by IS 'Who opened it, of a person''s own.';
GRANT SELECT ON finance.accounts TO turnpike_finance;
ALTER VIEW finance.accounts OWNER TO turnpike_owner;
DROP FUNCTION number_accounts(bigint);
DROP INDEX balance_snapshots_new;
ALTER TABLE balance_snapshots DROP COLUMN number;
DROP TABLE account_numbers;
