-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- Statements (camt.053) say the merchant's own reference of each movement. Who does not ask for the column does not pay for it.
CREATE OR REPLACE VIEW finance.journal WITH (security_barrier) AS
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
       END AS is_payout,
       (SELECT p.reference FROM public.payments p
         WHERE p.merchant_id = t.merchant_id AND p.payment_id = t.payment_id) AS reference
FROM public.transfers t
WHERE t.merchant_id IN (SELECT merchant_id FROM public.finance_access
                         WHERE login = session_user)
ORDER BY t.merchant_id, t.transfer_id;
COMMENT ON COLUMN finance.journal.reference IS 'The merchant''s own reference of the payment; NULL: none.';

RESET ROLE;

-- migrate:down

SET LOCAL ROLE turnpike_owner;

DROP VIEW finance.journal;
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
GRANT SELECT ON finance.journal TO turnpike_finance;

RESET ROLE;
