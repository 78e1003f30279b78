-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- One row per attempt as exports want it: with the payment's own reference, and in the order of a key, so that millions are
-- read without a sort.
CREATE VIEW finance.attempt_rows WITH (security_barrier) AS
SELECT a.merchant_id,
       a.payment_id,
       a.number,
       a.attempt_id,
       finance.show_id(CASE a.operation WHEN 'payout' THEN 'pyt' WHEN 'capture' THEN 'cap'
                                        WHEN 'void' THEN 'voi' WHEN 'refund' THEN 'ref'
                                        WHEN 'reauthorize' THEN 'rea'
                                        ELSE 'pay' END, a.payment_id) AS payment,
       finance.show_id('att', a.attempt_id) AS attempt,
       p.reference,
       p.method_type AS method,
       a.created_at,
       a.operation,
       a.provider,
       ac.name AS account,
       coalesce(o.outcome, 'sent') AS outcome,
       o.reason,
       o.code AS provider_code,
       o.reference AS provider_reference,
       o.created_at AS outcome_at,
       a.currency,
       a.amount_minor * c.unit AS amount,
       a.amount_minor,
       a.expected_fee_minor * c.unit AS fee_expected,
       a.expected_fee_minor AS fee_expected_minor,
       o.fee_minor * c.unit AS fee_stated,
       o.fee_minor AS fee_stated_minor
FROM public.attempts a
JOIN public.payments p ON p.merchant_id = a.merchant_id AND p.payment_id = a.payment_id
LEFT JOIN public.accounts ac ON ac.merchant_id = a.merchant_id AND ac.account_id = a.account_id
LEFT JOIN public.currencies c ON c.code = a.currency
LEFT JOIN LATERAL (SELECT * FROM public.outcomes v
                    WHERE v.merchant_id = a.merchant_id AND v.attempt_id = a.attempt_id
                      AND v.outcome <> 'none'
                    ORDER BY number DESC LIMIT 1) o ON true
WHERE a.merchant_id IN (SELECT merchant_id FROM public.finance_access
                         WHERE login = session_user)
ORDER BY a.merchant_id, a.payment_id, a.number;

COMMENT ON VIEW finance.attempt_rows IS
    'One row per attempt with the payment''s own reference, as exports want it: finance.attempts in the order of merchant, payment and number. Large: name a merchant_id.';
COMMENT ON COLUMN finance.attempt_rows.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.attempt_rows.payment_id IS 'The payment, payout or operation as a UUID.';
COMMENT ON COLUMN finance.attempt_rows.number IS 'Which attempt of it, from 1.';
COMMENT ON COLUMN finance.attempt_rows.attempt_id IS 'The attempt as a UUID.';
COMMENT ON COLUMN finance.attempt_rows.payment IS 'The payment, payout or operation as the API shows it.';
COMMENT ON COLUMN finance.attempt_rows.attempt IS 'The attempt as the API shows it.';
COMMENT ON COLUMN finance.attempt_rows.reference IS 'The merchant''s own reference.';
COMMENT ON COLUMN finance.attempt_rows.method IS 'Kind of payment method.';
COMMENT ON COLUMN finance.attempt_rows.created_at IS 'When it was decided (UTC).';
COMMENT ON COLUMN finance.attempt_rows.operation IS 'sale, authorize, capture, void, refund, reauthorize or payout.';
COMMENT ON COLUMN finance.attempt_rows.provider IS 'The provider tried.';
COMMENT ON COLUMN finance.attempt_rows.account IS 'The merchant''s name for the account at the provider.';
COMMENT ON COLUMN finance.attempt_rows.outcome IS 'What is known last; sent: nothing yet.';
COMMENT ON COLUMN finance.attempt_rows.reason IS 'Why, in Turnpike''s words.';
COMMENT ON COLUMN finance.attempt_rows.provider_code IS 'Why, in the provider''s code.';
COMMENT ON COLUMN finance.attempt_rows.provider_reference IS 'The provider''s id of the movement.';
COMMENT ON COLUMN finance.attempt_rows.outcome_at IS 'When the outcome became known (UTC).';
COMMENT ON COLUMN finance.attempt_rows.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN finance.attempt_rows.amount IS 'Amount in major units.';
COMMENT ON COLUMN finance.attempt_rows.amount_minor IS 'Amount in minor units.';
COMMENT ON COLUMN finance.attempt_rows.fee_expected IS 'Fee that was computed, in major units.';
COMMENT ON COLUMN finance.attempt_rows.fee_expected_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.attempt_rows.fee_stated IS 'Fee that the provider stated, in major units.';
COMMENT ON COLUMN finance.attempt_rows.fee_stated_minor IS 'The same in minor units.';

GRANT SELECT ON finance.attempt_rows TO turnpike_finance;

RESET ROLE;

-- migrate:down

DROP VIEW finance.attempt_rows;
