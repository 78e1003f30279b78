-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- A capture has limits of its own: captured is its sum, and refunds of it are counted there
-- (docs/payments.md). Those made before get theirs here; not those of which a refund is still under
-- way that does not know about it: for these it is counted from the refunds, as before.
INSERT INTO payment_limits (merchant_id, payment_id, authorized, captured, capture_open, refunded,
                            refund_open, currency)
SELECT c.merchant_id, c.payment_id, c.amount_minor, c.amount_minor, 0, coalesce(r.refunded, 0), 0,
       c.currency
FROM payments c
CROSS JOIN LATERAL (SELECT o.reference
                      FROM attempts a
                      JOIN outcomes o ON o.merchant_id = a.merchant_id
                                     AND o.attempt_id = a.attempt_id
                     WHERE a.merchant_id = c.merchant_id AND a.payment_id = c.payment_id
                       AND o.outcome = 'approved'
                     ORDER BY o.number DESC LIMIT 1) done
LEFT JOIN LATERAL (SELECT sum(p.amount_minor) FILTER (WHERE e.status = 'succeeded') AS refunded,
                          bool_or(e.status IS NULL OR e.status IN ('processing', 'review')) AS is_open
                     FROM payments p
                     LEFT JOIN LATERAL (SELECT v.status FROM events v
                                         WHERE v.merchant_id = p.merchant_id
                                           AND v.payment_id = p.payment_id
                                         ORDER BY v.number DESC LIMIT 1) e ON true
                    WHERE p.merchant_id = c.merchant_id AND p.parent_id = c.parent_id
                      AND p.kind = 'refund' AND p.routing::jsonb ->> 'on' = done.reference) r ON true
WHERE c.kind = 'capture'
  AND r.is_open IS NOT TRUE
  AND coalesce(r.refunded, 0) <= c.amount_minor
ON CONFLICT (merchant_id, payment_id) DO NOTHING;

RESET ROLE;

-- migrate:down

SET LOCAL ROLE turnpike_owner;
DELETE FROM payment_limits l USING payments p
 WHERE p.merchant_id = l.merchant_id AND p.payment_id = l.payment_id AND p.kind = 'capture';
RESET ROLE;
