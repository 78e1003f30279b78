-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- What a person corrected of a payment is no movement of its provider, archived or not: no gateway wrote it.
CREATE OR REPLACE VIEW finance.fees_by_provider WITH (security_barrier) AS
WITH movements AS (
    SELECT f.merchant_id, d.day::date AS booking_date,
           coalesce(a.provider, substring(t.debit_account || ' ' || t.credit_account FROM 'provider:([^: ]+):')) AS provider, t.currency, t.payment_id, t.kind,
           CASE WHEN t.kind IN ('payment', 'payout') THEN t.amount_minor END AS gross_minor,
           CASE WHEN t.kind IN ('payment', 'payout') THEN coalesce(a.expected_fee_minor, (r.archived_fees::jsonb ->> t.attempt_id::text)::bigint) END
               AS expected_minor,
           CASE WHEN t.debit_account LIKE 'fees:%' THEN t.amount_minor
                WHEN t.credit_account LIKE 'fees:%' THEN -t.amount_minor END AS booked_minor
    FROM public.finance_access f
    CROSS JOIN LATERAL (SELECT j.transfer_id AS id FROM public.transfers j
                         WHERE j.merchant_id = f.merchant_id ORDER BY j.transfer_id LIMIT 1) first
    CROSS JOIN LATERAL (SELECT j.transfer_id AS id FROM public.transfers j
                         WHERE j.merchant_id = f.merchant_id ORDER BY j.transfer_id DESC LIMIT 1) last
    CROSS JOIN LATERAL generate_series((public.ledger_moment(first.id) AT TIME ZONE 'UTC')::date::timestamp,
                                       (public.ledger_moment(last.id) AT TIME ZONE 'UTC')::date::timestamp, '1 day') AS d (day)
    CROSS JOIN LATERAL (SELECT * FROM public.transfers j
                         WHERE j.merchant_id = f.merchant_id
                           AND j.transfer_id >= public.balance_moment(d.day AT TIME ZONE 'UTC')
                           AND j.transfer_id < public.balance_moment((d.day + interval '1 day') AT TIME ZONE 'UTC')
                           AND j.state = 'posted'
                        OFFSET 0) t
    LEFT JOIN LATERAL (SELECT v.attempt_id, v.provider, v.expected_fee_minor FROM public.attempts v
                         WHERE v.merchant_id = t.merchant_id AND v.attempt_id = t.attempt_id
                        OFFSET 0) a ON true
    LEFT JOIN LATERAL (SELECT p.archived_at, p.archived_fees FROM public.payments p
                        WHERE a.attempt_id IS NULL AND p.merchant_id = t.merchant_id AND p.payment_id = t.payment_id
                          AND p.archived_at IS NOT NULL AND t.writer_id <> '00000000-0000-0000-0000-000000000000'
                       OFFSET 0) r ON true
    WHERE f.login = session_user AND (a.attempt_id IS NOT NULL OR r.archived_at IS NOT NULL)
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

RESET ROLE;

-- migrate:down

CREATE OR REPLACE VIEW finance.fees_by_provider WITH (security_barrier) AS
WITH movements AS (
    SELECT f.merchant_id, d.day::date AS booking_date,
           coalesce(a.provider, substring(t.debit_account || ' ' || t.credit_account FROM 'provider:([^: ]+):')) AS provider, t.currency, t.payment_id, t.kind,
           CASE WHEN t.kind IN ('payment', 'payout') THEN t.amount_minor END AS gross_minor,
           CASE WHEN t.kind IN ('payment', 'payout') THEN coalesce(a.expected_fee_minor, (r.archived_fees::jsonb ->> t.attempt_id::text)::bigint) END
               AS expected_minor,
           CASE WHEN t.debit_account LIKE 'fees:%' THEN t.amount_minor
                WHEN t.credit_account LIKE 'fees:%' THEN -t.amount_minor END AS booked_minor
    FROM public.finance_access f
    CROSS JOIN LATERAL (SELECT j.transfer_id AS id FROM public.transfers j
                         WHERE j.merchant_id = f.merchant_id ORDER BY j.transfer_id LIMIT 1) first
    CROSS JOIN LATERAL (SELECT j.transfer_id AS id FROM public.transfers j
                         WHERE j.merchant_id = f.merchant_id ORDER BY j.transfer_id DESC LIMIT 1) last
    CROSS JOIN LATERAL generate_series((public.ledger_moment(first.id) AT TIME ZONE 'UTC')::date::timestamp,
                                       (public.ledger_moment(last.id) AT TIME ZONE 'UTC')::date::timestamp, '1 day') AS d (day)
    CROSS JOIN LATERAL (SELECT * FROM public.transfers j
                         WHERE j.merchant_id = f.merchant_id
                           AND j.transfer_id >= public.balance_moment(d.day AT TIME ZONE 'UTC')
                           AND j.transfer_id < public.balance_moment((d.day + interval '1 day') AT TIME ZONE 'UTC')
                           AND j.state = 'posted'
                        OFFSET 0) t
    LEFT JOIN LATERAL (SELECT v.attempt_id, v.provider, v.expected_fee_minor FROM public.attempts v
                         WHERE v.merchant_id = t.merchant_id AND v.attempt_id = t.attempt_id
                        OFFSET 0) a ON true
    LEFT JOIN LATERAL (SELECT p.archived_at, p.archived_fees FROM public.payments p
                        WHERE a.attempt_id IS NULL AND p.merchant_id = t.merchant_id AND p.payment_id = t.payment_id
                          AND p.archived_at IS NOT NULL
                       OFFSET 0) r ON true
    WHERE f.login = session_user AND (a.attempt_id IS NOT NULL OR r.archived_at IS NOT NULL)
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
