-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- What finance reads: views run by their owner, each row checked against the login that opened the
-- session (never against a variable that the session could set). No access to the tables below.

CREATE TABLE currencies (
    code     text PRIMARY KEY CHECK (length(code) = 3),
    exponent integer NOT NULL CHECK (exponent BETWEEN 0 AND 4),
    unit     numeric NOT NULL -- of one minor unit
);
-- ISO 4217; tests/unit/ledger compares it with gateway/base/money.c.
INSERT INTO currencies SELECT code, 0, 1 FROM regexp_split_to_table('
        BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF', '\s+') AS code WHERE code <> '';
INSERT INTO currencies SELECT code, 2, 0.01 FROM regexp_split_to_table('
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP
        BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR
        FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR
        KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV
        MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR
        SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
        USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG', '\s+') AS code WHERE code <> '';
INSERT INTO currencies SELECT code, 3, 0.001 FROM regexp_split_to_table('
        BHD IQD JOD KWD LYD OMR TND', '\s+') AS code WHERE code <> '';
INSERT INTO currencies SELECT code, 4, 0.0001 FROM regexp_split_to_table('
        CLF UYW', '\s+') AS code WHERE code <> '';

GRANT SELECT ON currencies TO turnpike_gateway;

-- "pay_" and 26 Crockford base32 characters, as the API shows a UUID.
CREATE FUNCTION finance.show_id(kind text, id uuid) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog
    RETURN kind || '_' || (
        SELECT string_agg(
                   substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ',
                          substring(('x00' || replace(id::text, '-', ''))::bit(136)
                                    FROM 7 + 5 * digit FOR 5)::bit(5)::integer + 1, 1),
                   '' ORDER BY digit)
        FROM generate_series(0, 25) AS digit);

-- ---- payments ---------------------------------------------------------------------------------

CREATE VIEW finance.payments WITH (security_barrier) AS
SELECT p.merchant_id,
       m.name AS merchant,
       p.livemode,
       finance.show_id('pay', p.payment_id) AS payment,
       p.payment_id,
       p.created_at,
       (p.created_at AT TIME ZONE 'UTC')::date AS booking_date,
       p.reference,
       p.try_number,
       p.method_type AS method,
       coalesce(e.status, 'processing') AS status,
       coalesce(e.created_at, p.created_at) AS status_at,
       p.currency,
       p.amount_minor * c.unit AS amount,
       p.amount_minor,
       coalesce(l.authorized, 0) * c.unit AS amount_authorized,
       coalesce(l.authorized, 0) AS amount_authorized_minor,
       coalesce(l.captured, 0) * c.unit AS amount_captured,
       coalesce(l.captured, 0) AS amount_captured_minor,
       coalesce(l.refunded, 0) * c.unit AS amount_refunded,
       coalesce(l.refunded, 0) AS amount_refunded_minor,
       (SELECT count(*) FROM public.attempts a
         WHERE a.merchant_id = p.merchant_id AND a.payment_id = p.payment_id) AS attempts
FROM public.payments p
JOIN public.merchants m ON m.merchant_id = p.merchant_id
LEFT JOIN public.currencies c ON c.code = p.currency
LEFT JOIN public.payment_limits l
       ON l.merchant_id = p.merchant_id AND l.payment_id = p.payment_id
LEFT JOIN LATERAL (SELECT status, created_at FROM public.events v
                    WHERE v.merchant_id = p.merchant_id AND v.payment_id = p.payment_id
                    ORDER BY number DESC LIMIT 1) e ON true
WHERE p.kind = 'payment'
  AND p.merchant_id IN (SELECT merchant_id FROM public.finance_access
                         WHERE login = session_user);

COMMENT ON VIEW finance.payments IS
    'One row per payment that a merchant asked for, with its current status and sums.';

-- ---- payouts ----------------------------------------------------------------------------------

CREATE VIEW finance.payouts WITH (security_barrier) AS
SELECT p.merchant_id,
       m.name AS merchant,
       p.livemode,
       finance.show_id('pyt', p.payment_id) AS payout,
       p.payment_id AS payout_id,
       p.created_at,
       (p.created_at AT TIME ZONE 'UTC')::date AS booking_date,
       p.reference,
       p.try_number,
       p.country,
       coalesce(e.status, 'processing') AS status,
       coalesce(e.created_at, p.created_at) AS status_at,
       p.currency,
       p.amount_minor * c.unit AS amount,
       p.amount_minor,
       (SELECT count(*) FROM public.attempts a
         WHERE a.merchant_id = p.merchant_id AND a.payment_id = p.payment_id) AS attempts
FROM public.payments p
JOIN public.merchants m ON m.merchant_id = p.merchant_id
LEFT JOIN public.currencies c ON c.code = p.currency
LEFT JOIN LATERAL (SELECT status, created_at FROM public.events v
                    WHERE v.merchant_id = p.merchant_id AND v.payment_id = p.payment_id
                    ORDER BY number DESC LIMIT 1) e ON true
WHERE p.kind = 'payout'
  AND p.merchant_id IN (SELECT merchant_id FROM public.finance_access
                         WHERE login = session_user);

COMMENT ON VIEW finance.payouts IS
    'One row per payout that a merchant asked for, with its current status.';

-- ---- attempts -----------------------------------------------------------------------------------

CREATE VIEW finance.attempts WITH (security_barrier) AS
SELECT a.merchant_id,
       finance.show_id('att', a.attempt_id) AS attempt,
       finance.show_id(CASE a.operation WHEN 'payout' THEN 'pyt' ELSE 'pay' END, a.payment_id)
           AS payment,
       a.attempt_id,
       a.payment_id,
       a.number,
       a.created_at,
       (a.created_at AT TIME ZONE 'UTC')::date AS booking_date,
       a.operation,
       a.provider,
       ac.name AS account,
       coalesce(o.outcome, 'sent') AS outcome,
       o.reason,
       o.code AS provider_code,
       o.reference AS provider_reference,
       o.debug_id AS provider_debug_id,
       o.created_at AS outcome_at,
       a.currency,
       a.amount_minor * c.unit AS amount,
       a.amount_minor,
       a.expected_fee_minor * c.unit AS fee_expected,
       a.expected_fee_minor AS fee_expected_minor,
       o.fee_minor * c.unit AS fee_stated,
       o.fee_minor AS fee_stated_minor
FROM public.attempts a
LEFT JOIN public.accounts ac ON ac.merchant_id = a.merchant_id AND ac.account_id = a.account_id
LEFT JOIN public.currencies c ON c.code = a.currency
LEFT JOIN LATERAL (SELECT * FROM public.outcomes v
                    WHERE v.merchant_id = a.merchant_id AND v.attempt_id = a.attempt_id
                      AND v.outcome <> 'none'
                    ORDER BY number DESC LIMIT 1) o ON true
WHERE a.merchant_id IN (SELECT merchant_id FROM public.finance_access
                         WHERE login = session_user);

COMMENT ON VIEW finance.attempts IS
    'One row per try to move money through a provider, with the latest that is known of it.';

-- ---- transfers ----------------------------------------------------------------------------------

CREATE VIEW finance.transfers WITH (security_barrier) AS
SELECT t.merchant_id,
       finance.show_id('trf', t.transfer_id) AS transfer,
       finance.show_id(CASE a.operation WHEN 'payout' THEN 'pyt' ELSE 'pay' END, t.payment_id)
           AS payment,
       finance.show_id('att', t.attempt_id) AS attempt,
       t.transfer_id,
       t.payment_id,
       t.attempt_id,
       t.pending_id,
       t.created_at,
       (t.created_at AT TIME ZONE 'UTC')::date AS booking_date,
       t.kind,
       t.state,
       a.provider,
       t.debit_account,
       t.credit_account,
       t.currency,
       t.amount_minor * c.unit AS amount,
       t.amount_minor
FROM public.transfers t
LEFT JOIN public.attempts a ON a.merchant_id = t.merchant_id AND a.attempt_id = t.attempt_id
LEFT JOIN public.currencies c ON c.code = t.currency
WHERE t.merchant_id IN (SELECT merchant_id FROM public.finance_access
                         WHERE login = session_user);

COMMENT ON VIEW finance.transfers IS
    'The journal: every movement debits one account and credits another by the same amount; nothing is ever changed or deleted.';

-- ---- trial balance and balances per day -----------------------------------------------------------

CREATE VIEW finance.trial_balance WITH (security_barrier) AS
WITH entries AS (
    SELECT t.merchant_id, side.account, t.currency, side.is_debit, t.amount_minor,
           t.state = 'posted' AS is_posted,
           t.state = 'pending' AND NOT EXISTS (
               SELECT FROM public.transfers n
                WHERE n.merchant_id = t.merchant_id AND n.pending_id = t.transfer_id) AS is_open
    FROM public.transfers t
    CROSS JOIN LATERAL (VALUES (t.debit_account, true), (t.credit_account, false))
               AS side (account, is_debit)
    WHERE t.state <> 'voided'
      AND t.merchant_id IN (SELECT merchant_id FROM public.finance_access
                             WHERE login = session_user)
), sums AS (
    SELECT merchant_id, account, currency,
           coalesce(sum(amount_minor) FILTER (WHERE is_posted AND is_debit), 0) AS debit_minor,
           coalesce(sum(amount_minor) FILTER (WHERE is_posted AND NOT is_debit), 0) AS credit_minor,
           coalesce(sum(amount_minor) FILTER (WHERE is_open AND is_debit), 0)
               AS pending_debit_minor,
           coalesce(sum(amount_minor) FILTER (WHERE is_open AND NOT is_debit), 0)
               AS pending_credit_minor
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

COMMENT ON VIEW finance.trial_balance IS
    'Sums of every account now; per merchant and currency debits equal credits.';

CREATE VIEW finance.balances_per_day WITH (security_barrier) AS
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

COMMENT ON VIEW finance.balances_per_day IS
    'Posted movements of each account and day, and the balance at the end of that day.';

-- ---- fees ---------------------------------------------------------------------------------------

CREATE VIEW finance.fees_by_provider WITH (security_barrier) AS
WITH movements AS (
    SELECT t.merchant_id,
           (t.created_at AT TIME ZONE 'UTC')::date AS booking_date,
           a.provider, t.currency, t.payment_id, t.kind,
           CASE WHEN t.kind IN ('payment', 'payout') THEN t.amount_minor END AS gross_minor,
           CASE WHEN t.kind IN ('payment', 'payout') THEN a.expected_fee_minor END
               AS expected_minor,
           CASE WHEN t.debit_account LIKE 'fees:%' THEN t.amount_minor
                WHEN t.credit_account LIKE 'fees:%' THEN -t.amount_minor END AS booked_minor
    FROM public.transfers t
    JOIN public.attempts a ON a.merchant_id = t.merchant_id AND a.attempt_id = t.attempt_id
    WHERE t.state = 'posted'
      AND t.merchant_id IN (SELECT merchant_id FROM public.finance_access
                             WHERE login = session_user)
), sums AS (
    SELECT merchant_id, booking_date, provider, currency,
           count(DISTINCT payment_id) FILTER (WHERE kind = 'payment') AS payments,
           count(DISTINCT payment_id) FILTER (WHERE kind = 'payout') AS payouts,
           coalesce(sum(gross_minor) FILTER (WHERE kind = 'payment'), 0) AS gross_minor,
           coalesce(sum(gross_minor) FILTER (WHERE kind = 'payout'), 0) AS paid_out_minor,
           coalesce(sum(expected_minor), 0) AS expected_minor,
           coalesce(sum(booked_minor), 0) AS booked_minor
    FROM movements
    GROUP BY merchant_id, booking_date, provider, currency
)
SELECT s.booking_date AS date,
       s.provider,
       s.currency,
       s.payments,
       s.gross_minor * c.unit AS gross,
       s.gross_minor,
       s.payouts,
       s.paid_out_minor * c.unit AS paid_out,
       s.paid_out_minor,
       s.expected_minor * c.unit AS fee_expected,
       s.expected_minor AS fee_expected_minor,
       s.booked_minor * c.unit AS fee_booked,
       s.booked_minor AS fee_booked_minor,
       s.merchant_id
FROM sums s
LEFT JOIN public.currencies c ON c.code = s.currency;

COMMENT ON VIEW finance.fees_by_provider IS
    'What each provider cost, by day and currency. What did we pay in fees today? SELECT * FROM fees_by_provider WHERE date = current_date;';

-- ---- what the columns mean ------------------------------------------------------------------------

COMMENT ON COLUMN finance.payments.merchant_id IS
    'The merchant (a live merchant and its test twin are two).';
COMMENT ON COLUMN finance.payments.merchant IS 'Name of the merchant.';
COMMENT ON COLUMN finance.payments.livemode IS 'False for test money.';
COMMENT ON COLUMN finance.payments.payment IS 'The payments id as the API shows it.';
COMMENT ON COLUMN finance.payments.payment_id IS 'The same id as a UUID, for joins.';
COMMENT ON COLUMN finance.payments.created_at IS 'When the payment was asked for (UTC).';
COMMENT ON COLUMN finance.payments.booking_date IS 'The UTC day of created_at.';
COMMENT ON COLUMN finance.payments.reference IS
    'The merchants own reference, for instance an order number.';
COMMENT ON COLUMN finance.payments.try_number IS 'Which try under this reference, from 1.';
COMMENT ON COLUMN finance.payments.method IS 'Kind of payment method: card, wallet, test.';
COMMENT ON COLUMN finance.payments.status IS
    'processing, requires_action, authorized, succeeded, declined, failed, canceled or review.';
COMMENT ON COLUMN finance.payments.status_at IS 'Since when it has this status.';
COMMENT ON COLUMN finance.payments.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN finance.payments.amount IS 'Amount asked for, in major units.';
COMMENT ON COLUMN finance.payments.amount_minor IS 'Amount asked for, in minor units (cents).';
COMMENT ON COLUMN finance.payments.amount_authorized IS 'Authorized, in major units.';
COMMENT ON COLUMN finance.payments.amount_authorized_minor IS 'Authorized, in minor units.';
COMMENT ON COLUMN finance.payments.amount_captured IS 'Captured, in major units.';
COMMENT ON COLUMN finance.payments.amount_captured_minor IS 'Captured, in minor units.';
COMMENT ON COLUMN finance.payments.amount_refunded IS 'Refunded, in major units.';
COMMENT ON COLUMN finance.payments.amount_refunded_minor IS 'Refunded, in minor units.';
COMMENT ON COLUMN finance.payments.attempts IS 'How many attempts were made.';

COMMENT ON COLUMN finance.payouts.merchant_id IS
    'The merchant (a live merchant and its test twin are two).';
COMMENT ON COLUMN finance.payouts.merchant IS 'Name of the merchant.';
COMMENT ON COLUMN finance.payouts.livemode IS 'False for test money.';
COMMENT ON COLUMN finance.payouts.payout IS 'The payouts id as the API shows it.';
COMMENT ON COLUMN finance.payouts.payout_id IS
    'The same id as a UUID, for joins (payment_id of attempts and transfers).';
COMMENT ON COLUMN finance.payouts.created_at IS 'When the payout was begun (UTC).';
COMMENT ON COLUMN finance.payouts.booking_date IS 'The UTC day of created_at.';
COMMENT ON COLUMN finance.payouts.reference IS
    'The merchants own reference, for instance the number of a settlement.';
COMMENT ON COLUMN finance.payouts.try_number IS 'Which try under this reference, from 1.';
COMMENT ON COLUMN finance.payouts.country IS 'Country of the beneficiary.';
COMMENT ON COLUMN finance.payouts.status IS
    'processing, unclaimed, succeeded, declined, failed, returned, canceled or review.';
COMMENT ON COLUMN finance.payouts.status_at IS 'Since when it has this status.';
COMMENT ON COLUMN finance.payouts.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN finance.payouts.amount IS 'Amount to pay out, in major units.';
COMMENT ON COLUMN finance.payouts.amount_minor IS 'Amount to pay out, in minor units (cents).';
COMMENT ON COLUMN finance.payouts.attempts IS 'How many attempts were made.';

COMMENT ON COLUMN finance.attempts.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.attempts.attempt IS
    'The attempts id as the API and the providers pages show it.';
COMMENT ON COLUMN finance.attempts.payment IS
    'The payments (pay_) or payouts (pyt_) id as the API shows it.';
COMMENT ON COLUMN finance.attempts.attempt_id IS 'The attempts id as a UUID, for joins.';
COMMENT ON COLUMN finance.attempts.payment_id IS
    'The payments or payouts id as a UUID, for joins.';
COMMENT ON COLUMN finance.attempts.number IS 'Which attempt of its payment, from 1.';
COMMENT ON COLUMN finance.attempts.created_at IS 'When it was decided (UTC).';
COMMENT ON COLUMN finance.attempts.booking_date IS 'The UTC day of created_at.';
COMMENT ON COLUMN finance.attempts.operation IS 'sale, authorize, capture, void, refund or payout.';
COMMENT ON COLUMN finance.attempts.provider IS 'The provider tried.';
COMMENT ON COLUMN finance.attempts.account IS 'The merchants name for the account at the provider.';
COMMENT ON COLUMN finance.attempts.outcome IS
    'approved, pending, requires_action, declined_soft, declined_hard, failed, unknown, or sent (no answer yet).';
COMMENT ON COLUMN finance.attempts.reason IS 'Why, in Turnpikes words.';
COMMENT ON COLUMN finance.attempts.provider_code IS 'Why, in the providers code.';
COMMENT ON COLUMN finance.attempts.provider_reference IS 'The providers id of the movement.';
COMMENT ON COLUMN finance.attempts.provider_debug_id IS
    'The providers request id, for its support.';
COMMENT ON COLUMN finance.attempts.outcome_at IS 'When the outcome became known (UTC).';
COMMENT ON COLUMN finance.attempts.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN finance.attempts.amount IS 'Amount in major units.';
COMMENT ON COLUMN finance.attempts.amount_minor IS 'Amount in minor units.';
COMMENT ON COLUMN finance.attempts.fee_expected IS
    'Fee expected by the fee table when the route was chosen, in major units.';
COMMENT ON COLUMN finance.attempts.fee_expected_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.attempts.fee_stated IS
    'Fee that the provider stated, in major units; empty when it did not.';
COMMENT ON COLUMN finance.attempts.fee_stated_minor IS 'The same in minor units.';

COMMENT ON COLUMN finance.transfers.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.transfers.transfer IS 'The transfers id.';
COMMENT ON COLUMN finance.transfers.payment IS
    'The payment (pay_) or payout (pyt_) that it belongs to.';
COMMENT ON COLUMN finance.transfers.attempt IS 'The attempt that caused it.';
COMMENT ON COLUMN finance.transfers.transfer_id IS 'The transfers id as a UUID.';
COMMENT ON COLUMN finance.transfers.payment_id IS
    'The payments or payouts id as a UUID, for joins.';
COMMENT ON COLUMN finance.transfers.attempt_id IS 'The attempts id as a UUID, for joins.';
COMMENT ON COLUMN finance.transfers.pending_id IS
    'The pending transfer that this one posts or voids.';
COMMENT ON COLUMN finance.transfers.created_at IS 'When it was booked (UTC).';
COMMENT ON COLUMN finance.transfers.booking_date IS 'The UTC day of created_at.';
COMMENT ON COLUMN finance.transfers.kind IS 'payment, fee, authorization, refund, payout, and what people enter: see entry_kinds.';
COMMENT ON COLUMN finance.transfers.state IS
    'posted: it counts. pending: reserved. voided: the pending one is released, nothing moved.';
COMMENT ON COLUMN finance.transfers.provider IS 'The provider of the attempt.';
COMMENT ON COLUMN finance.transfers.debit_account IS 'The account that is debited.';
COMMENT ON COLUMN finance.transfers.credit_account IS 'The account that is credited.';
COMMENT ON COLUMN finance.transfers.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN finance.transfers.amount IS 'Amount in major units, always positive.';
COMMENT ON COLUMN finance.transfers.amount_minor IS 'Amount in minor units.';

COMMENT ON COLUMN finance.trial_balance.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.trial_balance.account IS 'The account.';
COMMENT ON COLUMN finance.trial_balance.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN finance.trial_balance.debit IS 'Sum of posted debits, in major units.';
COMMENT ON COLUMN finance.trial_balance.debit_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.trial_balance.credit IS 'Sum of posted credits, in major units.';
COMMENT ON COLUMN finance.trial_balance.credit_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.trial_balance.balance IS 'Debits less credits, in major units.';
COMMENT ON COLUMN finance.trial_balance.balance_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.trial_balance.pending_debit IS
    'Reserved debits not yet posted or voided, in major units.';
COMMENT ON COLUMN finance.trial_balance.pending_debit_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.trial_balance.pending_credit IS
    'Reserved credits not yet posted or voided, in major units.';
COMMENT ON COLUMN finance.trial_balance.pending_credit_minor IS 'The same in minor units.';

COMMENT ON COLUMN finance.balances_per_day.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.balances_per_day.booking_date IS 'The UTC day.';
COMMENT ON COLUMN finance.balances_per_day.account IS 'The account.';
COMMENT ON COLUMN finance.balances_per_day.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN finance.balances_per_day.debit IS 'Debits of the day, in major units.';
COMMENT ON COLUMN finance.balances_per_day.debit_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.balances_per_day.credit IS 'Credits of the day, in major units.';
COMMENT ON COLUMN finance.balances_per_day.credit_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.balances_per_day.balance IS
    'Debits less credits up to the end of the day, in major units.';
COMMENT ON COLUMN finance.balances_per_day.balance_minor IS 'The same in minor units.';

COMMENT ON COLUMN finance.fees_by_provider.date IS
    'The UTC day on which the movements were booked.';
COMMENT ON COLUMN finance.fees_by_provider.provider IS 'The provider.';
COMMENT ON COLUMN finance.fees_by_provider.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN finance.fees_by_provider.payments IS 'How many payments succeeded.';
COMMENT ON COLUMN finance.fees_by_provider.gross IS 'Their sum, in major units.';
COMMENT ON COLUMN finance.fees_by_provider.gross_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.fees_by_provider.payouts IS 'How many payouts succeeded.';
COMMENT ON COLUMN finance.fees_by_provider.paid_out IS 'Their sum, in major units.';
COMMENT ON COLUMN finance.fees_by_provider.paid_out_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.fees_by_provider.fee_expected IS
    'Fees by the fee tables when the routes were chosen, in major units.';
COMMENT ON COLUMN finance.fees_by_provider.fee_expected_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.fees_by_provider.fee_booked IS
    'Fees booked in the journal, in major units.';
COMMENT ON COLUMN finance.fees_by_provider.fee_booked_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.fees_by_provider.merchant_id IS 'The merchant.';

GRANT USAGE ON SCHEMA finance TO turnpike_finance;
GRANT SELECT ON finance.payments, finance.payouts, finance.attempts, finance.transfers,
    finance.trial_balance, finance.balances_per_day, finance.fees_by_provider TO turnpike_finance;
REVOKE ALL ON FUNCTION finance.show_id(text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finance.show_id(text, uuid) TO turnpike_finance;

RESET ROLE;

-- migrate:down

DROP VIEW finance.fees_by_provider, finance.balances_per_day, finance.trial_balance,
    finance.transfers, finance.attempts, finance.payouts, finance.payments;
DROP FUNCTION finance.show_id(text, uuid);
DROP TABLE currencies;
