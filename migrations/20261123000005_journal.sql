-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- What exports read: rows as they are, ids as UUIDs (a program writes them as pay_... a hundred times as fast), in the
-- order of a key, so that millions are read without a sort. For questions there are the wider views.

CREATE VIEW finance.merchants WITH (security_barrier) AS
SELECT m.merchant_id,
       finance.show_id('mer', m.merchant_id) AS id,
       m.name AS merchant,
       m.livemode,
       m.country,
       m.created_at
FROM public.merchants m
WHERE m.merchant_id IN (SELECT merchant_id FROM public.finance_access
                         WHERE login = session_user);

COMMENT ON VIEW finance.merchants IS 'The merchants that this login may see: a live one and its test twin are two.';
COMMENT ON COLUMN finance.merchants.merchant_id IS 'The merchant, as the other views name it.';
COMMENT ON COLUMN finance.merchants.id IS 'The same as the API shows it: mer_.';
COMMENT ON COLUMN finance.merchants.merchant IS 'Its name.';
COMMENT ON COLUMN finance.merchants.livemode IS 'False for test money.';
COMMENT ON COLUMN finance.merchants.country IS 'ISO 3166-1, empty when not told.';
COMMENT ON COLUMN finance.merchants.created_at IS 'When it was put into the directory (UTC).';

CREATE VIEW finance.journal WITH (security_barrier) AS
SELECT t.merchant_id,
       t.transfer_id,
       t.payment_id,
       t.attempt_id,
       t.pending_id,
       t.created_at,
       coalesce(t.effective_at, t.created_at) AS effective_at,
       t.amount_minor,
       t.state,
       t.kind,
       t.debit_account,
       t.credit_account,
       t.currency,
       -- Most say it themselves; of the others the attempt knows.
       CASE WHEN t.kind = 'payout' OR t.debit_account IN ('merchant:payouts', 'fees:payout')
                 OR t.credit_account IN ('merchant:payouts', 'fees:payout') THEN true
            WHEN t.debit_account IN ('merchant:sales', 'merchant:refunds', 'fees:payment', 'fees:refund')
                 OR t.credit_account IN ('merchant:sales', 'merchant:refunds', 'fees:payment', 'fees:refund') THEN false
            ELSE coalesce((SELECT a.operation = 'payout' FROM public.attempts a
                            WHERE a.merchant_id = t.merchant_id AND a.attempt_id = t.attempt_id), false)
       END AS is_payout
FROM public.transfers t
WHERE t.merchant_id IN (SELECT merchant_id FROM public.finance_access
                         WHERE login = session_user)
ORDER BY t.merchant_id, t.transfer_id;

COMMENT ON VIEW finance.journal IS
    'The journal as exports read it: rows of finance.transfers with UUIDs for ids, in the order of merchant and transfer. Large: name a merchant_id, or SET enable_sort = off.';
COMMENT ON COLUMN finance.journal.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.journal.transfer_id IS 'The transfer: grows with the time it was recorded.';
COMMENT ON COLUMN finance.journal.payment_id IS 'The payment or payout.';
COMMENT ON COLUMN finance.journal.attempt_id IS 'The attempt that caused it.';
COMMENT ON COLUMN finance.journal.pending_id IS 'Of what ends a pending transfer: that transfer.';
COMMENT ON COLUMN finance.journal.created_at IS 'When it was recorded (UTC).';
COMMENT ON COLUMN finance.journal.effective_at IS 'Since when it counts (UTC).';
COMMENT ON COLUMN finance.journal.amount_minor IS 'Amount in minor units.';
COMMENT ON COLUMN finance.journal.state IS 'pending, posted or voided.';
COMMENT ON COLUMN finance.journal.kind IS 'payment, fee, authorization, refund, payout.';
COMMENT ON COLUMN finance.journal.debit_account IS 'The account that is debited.';
COMMENT ON COLUMN finance.journal.credit_account IS 'The account that is credited.';
COMMENT ON COLUMN finance.journal.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN finance.journal.is_payout IS 'payment_id is a payout''s: pyt_ and not pay_ as the API shows it.';

-- ---- what an expected fee was computed from -----------------------------------------------------

CREATE VIEW finance.fee_basis WITH (security_barrier) AS
SELECT a.merchant_id,
       a.attempt_id,
       a.payment_id,
       a.number,
       a.created_at,
       a.operation,
       a.provider,
       ac.name AS account,
       p.method_type AS method,
       p.country,
       a.currency,
       a.amount_minor,
       coalesce(w.amount_minor, p.amount_minor) AS payment_minor,
       a.expected_fee_minor AS fee_expected_minor,
       coalesce(d.month_volume, '0')::bigint AS month_volume_minor,
       d.fees AS fee_table,
       f.content AS fee_table_content,
       f.created_at AS fee_table_since,
       d.rates AS rate_table,
       r.content AS rate_table_content
FROM public.attempts a
JOIN public.payments p ON p.merchant_id = a.merchant_id AND p.payment_id = a.payment_id
LEFT JOIN public.payments w ON w.merchant_id = p.merchant_id AND w.payment_id = p.parent_id
LEFT JOIN public.accounts ac ON ac.merchant_id = a.merchant_id AND ac.account_id = a.account_id
-- The newest decision that looked at this account: the attempt's own, else one before it, else the payment's.
LEFT JOIN LATERAL (
    SELECT c.value ->> 'fees' AS fees, c.value ->> 'month_volume' AS month_volume,
           v.decision::json ->> 'rates' AS rates
    FROM public.attempts v
    CROSS JOIN LATERAL json_array_elements(v.decision::json -> 'candidates') AS c (value)
    WHERE v.merchant_id = a.merchant_id AND v.payment_id IN (a.payment_id, p.parent_id)
      AND v.decision IS NOT NULL AND v.created_at <= a.created_at
      AND c.value ->> 'provider' = a.provider AND c.value ->> 'account' = ac.name AND c.value ->> 'fees' IS NOT NULL
    ORDER BY v.created_at DESC, v.number DESC LIMIT 1) d ON true
LEFT JOIN public.price_tables f ON f.merchant_id = a.merchant_id AND f.digest = decode(d.fees, 'hex')
LEFT JOIN public.price_tables r
       ON r.merchant_id = '00000000-0000-0000-0000-000000000000' AND r.digest = decode(d.rates, 'hex')
WHERE a.merchant_id IN (SELECT merchant_id FROM public.finance_access
                         WHERE login = session_user);

COMMENT ON VIEW finance.fee_basis IS
    'What the expected fee of an attempt was computed from: the fee table as it was, and what it was asked. turnpike ledger payment shows it line by line.';
COMMENT ON COLUMN finance.fee_basis.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.fee_basis.attempt_id IS 'The attempt.';
COMMENT ON COLUMN finance.fee_basis.payment_id IS 'Its payment or payout, or the operation (capture, refund, ...).';
COMMENT ON COLUMN finance.fee_basis.number IS 'Which attempt of it, from 1.';
COMMENT ON COLUMN finance.fee_basis.created_at IS 'When it was decided (UTC).';
COMMENT ON COLUMN finance.fee_basis.operation IS 'sale, authorize, capture, void, refund or payout.';
COMMENT ON COLUMN finance.fee_basis.provider IS 'The provider.';
COMMENT ON COLUMN finance.fee_basis.account IS 'The merchant''s name for the account at the provider.';
COMMENT ON COLUMN finance.fee_basis.method IS 'Kind of payment method.';
COMMENT ON COLUMN finance.fee_basis.country IS 'Country of the payer, empty when not told.';
COMMENT ON COLUMN finance.fee_basis.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN finance.fee_basis.amount_minor IS 'Amount in minor units.';
COMMENT ON COLUMN finance.fee_basis.payment_minor IS 'Amount of the payment that it belongs to, in minor units.';
COMMENT ON COLUMN finance.fee_basis.fee_expected_minor IS 'The fee that was computed, in minor units; NULL: not known.';
COMMENT ON COLUMN finance.fee_basis.month_volume_minor IS 'The volume that tiers were asked with, in minor units.';
COMMENT ON COLUMN finance.fee_basis.fee_table IS 'SHA-256 of the fee table; NULL: no decision names one.';
COMMENT ON COLUMN finance.fee_basis.fee_table_content IS 'The table itself, as JSON.';
COMMENT ON COLUMN finance.fee_basis.fee_table_since IS 'Since when it is kept (UTC).';
COMMENT ON COLUMN finance.fee_basis.rate_table IS 'SHA-256 of the rates; NULL: none were used.';
COMMENT ON COLUMN finance.fee_basis.rate_table_content IS 'The rates themselves, as JSON.';

GRANT SELECT ON finance.fee_basis, finance.merchants, finance.journal TO turnpike_finance;

RESET ROLE;

-- migrate:down

DROP VIEW finance.fee_basis, finance.journal, finance.merchants;
