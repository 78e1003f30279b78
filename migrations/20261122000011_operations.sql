-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- An operation on a payment (capture, void, refund) is a row of `payments` of its own, with a parent: it
-- has a key, attempts, sends, outcomes, events and an answer like every other (docs/payments.md).
ALTER TABLE payments ADD COLUMN parent_id uuid;
ALTER TABLE payments DROP CONSTRAINT payments_kind_check;
ALTER TABLE payments ADD CONSTRAINT payments_kind_check
    CHECK (kind IN ('payment', 'payout', 'capture', 'void', 'refund'));
ALTER TABLE payments ADD CONSTRAINT payments_parent_check
    CHECK ((parent_id IS NOT NULL) = (kind IN ('capture', 'void', 'refund')));
CREATE INDEX payments_parent ON payments (merchant_id, parent_id, payment_id)
    WHERE parent_id IS NOT NULL;

-- The transfer that holds what is authorized and not yet captured; NULL: nothing is held.
ALTER TABLE payment_limits ADD COLUMN hold_id uuid;

-- ---- what finance sees --------------------------------------------------------------------------

CREATE VIEW finance.operations WITH (security_barrier) AS
SELECT p.merchant_id,
       m.name AS merchant,
       p.livemode,
       finance.show_id(CASE p.kind WHEN 'capture' THEN 'cap' WHEN 'void' THEN 'voi' ELSE 'ref' END,
                       p.payment_id) AS operation,
       finance.show_id('pay', p.parent_id) AS payment,
       p.payment_id AS operation_id,
       p.parent_id AS payment_id,
       p.kind,
       p.created_at,
       (p.created_at AT TIME ZONE 'UTC')::date AS booking_date,
       p.reference,
       coalesce(e.status, 'processing') AS status,
       coalesce(e.created_at, p.created_at) AS status_at,
       p.currency,
       p.amount_minor * c.unit AS amount,
       p.amount_minor
FROM public.payments p
JOIN public.merchants m ON m.merchant_id = p.merchant_id
LEFT JOIN public.currencies c ON c.code = p.currency
LEFT JOIN LATERAL (SELECT status, created_at FROM public.events v
                    WHERE v.merchant_id = p.merchant_id AND v.payment_id = p.payment_id
                    ORDER BY number DESC LIMIT 1) e ON true
WHERE p.parent_id IS NOT NULL
  AND p.merchant_id IN (SELECT merchant_id FROM public.finance_access
                         WHERE login = session_user);

COMMENT ON VIEW finance.operations IS
    'One row per capture, void or refund of a payment, with its current status.';
COMMENT ON COLUMN finance.operations.merchant_id IS 'The merchant: equal to merchant_id of the other views.';
COMMENT ON COLUMN finance.operations.merchant IS 'Name of the merchant.';
COMMENT ON COLUMN finance.operations.livemode IS 'False: of a test key; no money moved.';
COMMENT ON COLUMN finance.operations.operation IS 'Id as the API shows it: cap_, voi_ or ref_.';
COMMENT ON COLUMN finance.operations.payment IS 'The payment that it acts on, as the API shows it.';
COMMENT ON COLUMN finance.operations.operation_id IS 'The same as a UUID.';
COMMENT ON COLUMN finance.operations.payment_id IS 'The payment as a UUID.';
COMMENT ON COLUMN finance.operations.kind IS 'capture, void or refund.';
COMMENT ON COLUMN finance.operations.created_at IS 'When it was asked for.';
COMMENT ON COLUMN finance.operations.booking_date IS 'The same as a day, UTC.';
COMMENT ON COLUMN finance.operations.reference IS 'The merchant''s own id.';
COMMENT ON COLUMN finance.operations.status IS
    'processing, succeeded, declined, failed or review.';
COMMENT ON COLUMN finance.operations.status_at IS 'Since when it has this status.';
COMMENT ON COLUMN finance.operations.currency IS 'ISO 4217.';
COMMENT ON COLUMN finance.operations.amount IS 'In major units.';
COMMENT ON COLUMN finance.operations.amount_minor IS 'In minor units.';
GRANT SELECT ON finance.operations TO turnpike_finance;

-- An attempt of an operation belongs to the operation.
CREATE OR REPLACE VIEW finance.attempts WITH (security_barrier) AS
SELECT a.merchant_id,
       finance.show_id('att', a.attempt_id) AS attempt,
       finance.show_id(CASE a.operation WHEN 'payout' THEN 'pyt' WHEN 'capture' THEN 'cap'
                                        WHEN 'void' THEN 'voi' WHEN 'refund' THEN 'ref'
                                        ELSE 'pay' END, a.payment_id)
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

RESET ROLE;

-- migrate:down

CREATE OR REPLACE VIEW finance.attempts WITH (security_barrier) AS
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
DROP VIEW finance.operations;
ALTER TABLE payment_limits DROP COLUMN hold_id;
DROP INDEX payments_parent;
DELETE FROM payments WHERE parent_id IS NOT NULL;
ALTER TABLE payments DROP CONSTRAINT payments_parent_check;
ALTER TABLE payments DROP CONSTRAINT payments_kind_check;
ALTER TABLE payments ADD CONSTRAINT payments_kind_check CHECK (kind IN ('payment', 'payout'));
ALTER TABLE payments DROP COLUMN parent_id;
