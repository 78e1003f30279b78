-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- What routing earned, by merchant, day (UTC, of the first attempt) and currency.
CREATE VIEW finance.routing_earned WITH (security_barrier) AS
WITH tried AS (
    SELECT a.merchant_id, a.payment_id, a.number, a.currency, a.amount_minor, a.expected_fee_minor,
           (a.created_at AT TIME ZONE 'UTC')::date AS booking_date,
           CASE WHEN a.number = 1 THEN a.decision END AS decision, l.outcome
      FROM public.attempts a
      LEFT JOIN LATERAL (SELECT v.outcome FROM public.outcomes v
                          WHERE v.merchant_id = a.merchant_id AND v.attempt_id = a.attempt_id
                            AND v.outcome <> 'none' ORDER BY v.number DESC LIMIT 1) l ON true
     WHERE a.operation IN ('sale', 'authorize', 'payout')
       AND a.merchant_id IN (SELECT merchant_id FROM public.finance_access
                              WHERE login = session_user)
), later AS (
    SELECT DISTINCT ON (merchant_id, payment_id) merchant_id, payment_id, amount_minor,
           expected_fee_minor
      FROM tried WHERE number > 1 AND outcome = 'approved'
     ORDER BY merchant_id, payment_id, number
), told AS (
    SELECT f.merchant_id, f.booking_date, f.currency, f.outcome, f.expected_fee_minor AS fee,
           CASE WHEN f.outcome IS DISTINCT FROM 'approved' THEN l.amount_minor END AS recovered,
           CASE WHEN f.outcome IS DISTINCT FROM 'approved' THEN l.expected_fee_minor END AS recovered_fee,
           k.dearest, k.cheapest, k.average
      FROM tried f
      LEFT JOIN later l ON l.merchant_id = f.merchant_id AND l.payment_id = f.payment_id
      LEFT JOIN LATERAL (SELECT max(n.fee) AS dearest, min(n.fee) AS cheapest,
                                div(sum(n.fee), count(*)) AS average
                           FROM (SELECT (c.value->>'expected_fee')::bigint AS fee
                                   FROM jsonb_array_elements(f.decision::jsonb->'candidates') c
                                  WHERE f.outcome = 'approved' AND f.expected_fee_minor IS NOT NULL
                                    AND (c.value->>'kept')::boolean
                                    AND c.value->>'expected_fee' IS NOT NULL) n
                         HAVING count(*) > 1) k ON true
     WHERE f.number = 1
), summed AS (
    SELECT merchant_id, booking_date, currency, count(*) AS payments,
           count(*) FILTER (WHERE outcome = 'approved') AS approved_at_once,
           count(recovered) AS recovered, coalesce(sum(recovered), 0)::bigint AS recovered_minor,
           coalesce(sum(recovered_fee), 0)::bigint AS recovered_fee_minor, count(dearest) AS compared,
           coalesce(sum(dearest - fee), 0)::bigint AS below_dearest_minor,
           coalesce(sum(average - fee), 0)::bigint AS below_average_minor,
           coalesce(sum(fee - cheapest), 0)::bigint AS above_cheapest_minor
      FROM told
     GROUP BY merchant_id, booking_date, currency
)
SELECT s.merchant_id, s.booking_date, s.currency, s.payments, s.approved_at_once, s.recovered,
       s.recovered_minor * c.unit AS recovered_amount, s.recovered_minor AS recovered_amount_minor,
       s.recovered_fee_minor * c.unit AS recovered_fee_expected,
       s.recovered_fee_minor AS recovered_fee_expected_minor, s.compared,
       s.below_dearest_minor * c.unit AS below_dearest, s.below_dearest_minor,
       s.below_average_minor * c.unit AS below_average, s.below_average_minor,
       s.above_cheapest_minor * c.unit AS above_cheapest, s.above_cheapest_minor
  FROM summed s
  LEFT JOIN public.currencies c ON c.code = s.currency;

COMMENT ON VIEW finance.routing_earned IS
    'One row per merchant, day (UTC, of the first attempt) and currency: what failover recovered, and what the choice of the provider saved in fees.';
COMMENT ON COLUMN finance.routing_earned.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.routing_earned.booking_date IS 'The UTC day on which the first attempt was decided.';
COMMENT ON COLUMN finance.routing_earned.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN finance.routing_earned.payments IS 'Payments, holds and payouts that were routed.';
COMMENT ON COLUMN finance.routing_earned.approved_at_once IS 'Of them, approved by the first account tried.';
COMMENT ON COLUMN finance.routing_earned.recovered IS 'Not approved by the first account, and approved by a later one.';
COMMENT ON COLUMN finance.routing_earned.recovered_amount IS 'Their sum, in major units.';
COMMENT ON COLUMN finance.routing_earned.recovered_amount_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.routing_earned.recovered_fee_expected IS 'Fees foreseen for them, in major units.';
COMMENT ON COLUMN finance.routing_earned.recovered_fee_expected_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.routing_earned.compared IS 'Approved at once, and the decision had kept several accounts with known fees.';
COMMENT ON COLUMN finance.routing_earned.below_dearest IS 'Of those: how much less than the dearest kept account the chosen one charges, in major units.';
COMMENT ON COLUMN finance.routing_earned.below_dearest_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.routing_earned.below_average IS 'How much less than the average of the kept accounts; below 0: more.';
COMMENT ON COLUMN finance.routing_earned.below_average_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.routing_earned.above_cheapest IS 'How much more than the cheapest kept account.';
COMMENT ON COLUMN finance.routing_earned.above_cheapest_minor IS 'The same in minor units.';

GRANT SELECT ON finance.routing_earned TO turnpike_finance;

RESET ROLE;

-- migrate:down

DROP VIEW finance.routing_earned;
