-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- A reauthorization is an operation on a payment like a capture or a void (docs/payments.md): the provider gives
-- another authorization in the place of the one before.
ALTER TABLE payments DROP CONSTRAINT payments_kind_check;
ALTER TABLE payments ADD CONSTRAINT payments_kind_check
    CHECK (kind IN ('payment', 'payout', 'capture', 'void', 'refund', 'reauthorize'));
ALTER TABLE payments DROP CONSTRAINT payments_parent_check;
ALTER TABLE payments ADD CONSTRAINT payments_parent_check
    CHECK ((parent_id IS NOT NULL) = (kind IN ('capture', 'void', 'refund', 'reauthorize')));
ALTER TABLE attempts DROP CONSTRAINT attempts_operation_check;
ALTER TABLE attempts ADD CONSTRAINT attempts_operation_check
    CHECK (operation IN ('sale', 'authorize', 'capture', 'void', 'refund', 'payout', 'reauthorize'));
ALTER TABLE reviews DROP CONSTRAINT reviews_operation_check;
ALTER TABLE reviews ADD CONSTRAINT reviews_operation_check
    CHECK (operation IN ('sale', 'authorize', 'capture', 'void', 'refund', 'payout', 'reauthorize'));
ALTER TABLE reviews DROP CONSTRAINT reviews_kind_check;
ALTER TABLE reviews ADD CONSTRAINT reviews_kind_check
    CHECK (kind IN ('unknown_too_long', 'pending_too_long', 'amount_mismatch', 'late_success',
                    'reversal_failed', 'provider_refund', 'hold_overdue', 'other'));

-- The authorization in force: the provider's id of it, and until when it holds; NULL: not known. Whoever captures,
-- voids or ends what is held names the id that he acts on, and is refused when it is another by now.
ALTER TABLE payment_limits ADD COLUMN hold_ends_at timestamptz;
ALTER TABLE payment_limits ADD COLUMN hold_reference text;

-- Does the event say what is known: that it was approved, or that it was not, or something of before?
CREATE OR REPLACE FUNCTION inbound_agrees(operations integer, operation text, says text, known text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN known IS NOT NULL AND (operations >> CASE operation WHEN 'sale' THEN 1 WHEN 'authorize' THEN 2 WHEN 'capture' THEN 3
                                         WHEN 'void' THEN 4 WHEN 'refund' THEN 5 WHEN 'reauthorize' THEN 7 ELSE 6 END) & 1 = 1
        AND (says = 'pending' OR (says <> 'none' AND (says = 'approved') = (known = 'approved')));

-- ---- what finance sees --------------------------------------------------------------------------

CREATE OR REPLACE VIEW finance.operations WITH (security_barrier) AS
SELECT p.merchant_id,
       m.name AS merchant,
       p.livemode,
       finance.show_id(CASE p.kind WHEN 'capture' THEN 'cap' WHEN 'void' THEN 'voi'
                                   WHEN 'reauthorize' THEN 'rea' ELSE 'ref' END,
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
    'One row per capture, void, refund or reauthorization of a payment, with its current status.';
COMMENT ON COLUMN finance.operations.operation IS 'Id as the API shows it: cap_, voi_, ref_ or rea_.';
COMMENT ON COLUMN finance.operations.kind IS 'capture, void, refund or reauthorize.';

CREATE OR REPLACE VIEW finance.attempts WITH (security_barrier) AS
SELECT a.merchant_id,
       finance.show_id('att', a.attempt_id) AS attempt,
       finance.show_id(CASE a.operation WHEN 'payout' THEN 'pyt' WHEN 'capture' THEN 'cap'
                                        WHEN 'void' THEN 'voi' WHEN 'refund' THEN 'ref'
                                        WHEN 'reauthorize' THEN 'rea'
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

DELETE FROM reviews WHERE kind = 'hold_overdue' OR operation = 'reauthorize';
DELETE FROM outcomes o USING attempts a WHERE a.operation = 'reauthorize'
    AND o.merchant_id = a.merchant_id AND o.attempt_id = a.attempt_id;
DELETE FROM sends s USING attempts a WHERE a.operation = 'reauthorize'
    AND s.merchant_id = a.merchant_id AND s.attempt_id = a.attempt_id;
DELETE FROM unresolved u USING attempts a WHERE a.operation = 'reauthorize'
    AND u.merchant_id = a.merchant_id AND u.attempt_id = a.attempt_id;
DELETE FROM attempts WHERE operation = 'reauthorize';
DELETE FROM payments WHERE kind = 'reauthorize';
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
CREATE OR REPLACE VIEW finance.operations WITH (security_barrier) AS
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
CREATE OR REPLACE FUNCTION inbound_agrees(operations integer, operation text, says text, known text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN known IS NOT NULL AND (operations >> CASE operation WHEN 'sale' THEN 1 WHEN 'authorize' THEN 2 WHEN 'capture' THEN 3
                                         WHEN 'void' THEN 4 WHEN 'refund' THEN 5 ELSE 6 END) & 1 = 1
        AND (says = 'pending' OR (says <> 'none' AND (says = 'approved') = (known = 'approved')));
ALTER TABLE payment_limits DROP COLUMN hold_reference;
ALTER TABLE payment_limits DROP COLUMN hold_ends_at;
ALTER TABLE reviews DROP CONSTRAINT reviews_kind_check;
ALTER TABLE reviews ADD CONSTRAINT reviews_kind_check
    CHECK (kind IN ('unknown_too_long', 'pending_too_long', 'amount_mismatch', 'late_success',
                    'reversal_failed', 'provider_refund', 'other'));
ALTER TABLE reviews DROP CONSTRAINT reviews_operation_check;
ALTER TABLE reviews ADD CONSTRAINT reviews_operation_check
    CHECK (operation IN ('sale', 'authorize', 'capture', 'void', 'refund', 'payout'));
ALTER TABLE attempts DROP CONSTRAINT attempts_operation_check;
ALTER TABLE attempts ADD CONSTRAINT attempts_operation_check
    CHECK (operation IN ('sale', 'authorize', 'capture', 'void', 'refund', 'payout'));
ALTER TABLE payments DROP CONSTRAINT payments_parent_check;
ALTER TABLE payments ADD CONSTRAINT payments_parent_check
    CHECK ((parent_id IS NOT NULL) = (kind IN ('capture', 'void', 'refund')));
ALTER TABLE payments DROP CONSTRAINT payments_kind_check;
ALTER TABLE payments ADD CONSTRAINT payments_kind_check
    CHECK (kind IN ('payment', 'payout', 'capture', 'void', 'refund'));
