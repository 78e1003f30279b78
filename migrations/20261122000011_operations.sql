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

RESET ROLE;

-- migrate:down

ALTER TABLE payment_limits DROP COLUMN hold_id;
DROP INDEX payments_parent;
DELETE FROM payments WHERE parent_id IS NOT NULL;
ALTER TABLE payments DROP CONSTRAINT payments_parent_check;
ALTER TABLE payments DROP CONSTRAINT payments_kind_check;
ALTER TABLE payments ADD CONSTRAINT payments_kind_check CHECK (kind IN ('payment', 'payout'));
ALTER TABLE payments DROP COLUMN parent_id;
