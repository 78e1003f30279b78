-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- Personal data can be erased; the books cannot. docs/erasure.md lists every column, and what becomes of it.
ALTER TABLE payments ADD COLUMN erased_at timestamptz; -- NULL: not erased
ALTER TABLE payout_orders ADD COLUMN erased_at timestamptz;

-- What was erased, when, why and by whom; not what it was. Appended, by erase_payment alone.
CREATE TABLE erasures (
    merchant_id   uuid NOT NULL,
    erasure_id    uuid NOT NULL,  -- of one request: it may have found many payments
    payment_id    uuid NOT NULL,  -- the payment; the payout as shown
    created_at    timestamptz NOT NULL,
    object        text NOT NULL CHECK (object IN ('payment', 'payout')),
    named         text NOT NULL CHECK (named IN ('payment', 'payout', 'reference', 'customer')),
    author        text NOT NULL CHECK (length(author) BETWEEN 1 AND 200),
    reason        text NOT NULL CHECK (length(reason) BETWEEN 3 AND 2000),
    customer_hash bytea CHECK (length(customer_hash) = 32), -- HMAC of the customer that was named
    counts        text NOT NULL,  -- {"payments.customer": 1, ...}: rows that had something, by column
    PRIMARY KEY (merchant_id, erasure_id, payment_id)
);
GRANT SELECT ON erasures TO turnpike_gateway;

-- Ways to what is kept apart from the payment. Answers here are those of payouts that waited: few.
CREATE INDEX answers_location ON answers (merchant_id, location);
CREATE INDEX inbound_events_payment ON inbound_events (merchant_id, payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX inbound_events_attempt ON inbound_events (merchant_id, attempt_id) WHERE attempt_id IS NOT NULL;
CREATE INDEX inbound_events_nameless ON inbound_events (merchant_id, account_id)
    WHERE payment_id IS NULL AND attempt_id IS NULL;

-- The payment with its operations; the payout with the payments of its tries, whose keys name it (order_key).
CREATE FUNCTION erase_members(merchant uuid, subject uuid) RETURNS uuid[]
    LANGUAGE sql STABLE
BEGIN ATOMIC
SELECT coalesce(array_agg(DISTINCT m.payment_id), '{}')
  FROM (SELECT p.payment_id FROM payments p
         WHERE p.merchant_id = merchant AND p.payment_id = subject AND p.parent_id IS NULL
        UNION ALL
        SELECT p.payment_id FROM payments p WHERE p.merchant_id = merchant AND p.parent_id = subject
        UNION ALL
        SELECT p.payment_id
          FROM payout_orders o
         CROSS JOIN LATERAL (SELECT t.payment_id FROM payments t
                              WHERE t.merchant_id = merchant AND t.kind = 'payout' AND t.payment_id > o.order_id
                                AND t.payment_id < balance_floor(coalesce(o.done_at, transaction_timestamp()) + interval '1 day')
                                AND t.key LIKE '§payout:' || o.order_id || ':%' OFFSET 0) p
         WHERE o.merchant_id = merchant AND o.order_id = subject AND o.try_number > 1) m;
END;

CREATE FUNCTION erase_attempts(merchant uuid, members uuid[]) RETURNS uuid[]
    LANGUAGE sql STABLE
BEGIN ATOMIC
SELECT coalesce(array_agg(a.attempt_id), '{}')
  FROM unnest(members) AS m (payment_id)
 CROSS JOIN LATERAL (SELECT t.attempt_id FROM attempts t
                      WHERE t.merchant_id = merchant AND t.payment_id = m.payment_id OFFSET 0) a;
END;

-- The provider's own messages about them: most name an attempt or a payment, some only what the provider calls it.
CREATE FUNCTION erase_inbound(merchant uuid, members uuid[], attempt_ids uuid[])
    RETURNS TABLE (account_id uuid, event_id text, state text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
SELECT e.account_id, e.event_id, e.state FROM inbound_events e
 WHERE e.merchant_id = merchant AND e.payment_id = ANY (members)
UNION
SELECT e.account_id, e.event_id, e.state FROM inbound_events e
 WHERE e.merchant_id = merchant AND e.attempt_id = ANY (attempt_ids)
UNION
SELECT e.account_id, e.event_id, e.state
  FROM attempts a
  JOIN outcomes o ON o.merchant_id = a.merchant_id AND o.attempt_id = a.attempt_id
  JOIN inbound_events e ON e.merchant_id = a.merchant_id AND e.account_id = a.account_id
   AND e.payment_id IS NULL AND e.attempt_id IS NULL
 CROSS JOIN unnest(string_to_array(e.provider_ids, chr(10))) AS p (id)
 WHERE a.merchant_id = merchant AND a.attempt_id = ANY (attempt_ids) AND p.id <> ''
   AND (o.reference = p.id OR strpos(o.facts, '"' || p.id || '"') > 0);
END;

-- Why it cannot be erased yet; NULL: it can. What is open needs its data: to repeat a send, to look up, to capture.
CREATE FUNCTION erase_obstacle(merchant uuid, subject uuid) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
AS $$
DECLARE
    members uuid[] := erase_members(merchant, subject);
    attempt_ids   uuid[] := erase_attempts(merchant, members);
BEGIN
    RETURN coalesce(
        (SELECT format('the payout is %s', CASE o.state WHEN 'begun' THEN 'not over' ELSE o.state END)
           FROM payout_orders o WHERE o.merchant_id = merchant AND o.order_id = subject
            AND o.state NOT IN ('failed', 'canceled', 'rejected') AND o.done_at IS NULL),
        (SELECT format('the %s is %s', p.kind, coalesce(e.status, 'processing'))
           FROM payments p
           LEFT JOIN LATERAL (SELECT v.status FROM events v
                               WHERE v.merchant_id = p.merchant_id AND v.payment_id = p.payment_id
                               ORDER BY v.number DESC LIMIT 1) e ON true
          WHERE p.merchant_id = merchant AND p.payment_id = ANY (members)
            AND coalesce(e.status, 'processing') NOT IN ('succeeded', 'declined', 'failed', 'canceled', 'returned')
          LIMIT 1),
        (SELECT 'a provider is still asked about an attempt of it' FROM unresolved u
          WHERE u.merchant_id = merchant AND u.attempt_id = ANY (attempt_ids) LIMIT 1),
        (SELECT CASE WHEN l.refund_open > 0 THEN 'a refund of it is under way' ELSE 'it can still be captured' END
           FROM payment_limits l
          WHERE l.merchant_id = merchant AND l.payment_id = ANY (members || attempt_ids)
            AND (l.refund_open > 0 OR l.capture_open > 0 OR l.authorized > l.captured) LIMIT 1),
        (SELECT format('a review of it is %s', r.state) FROM reviews r
          WHERE r.merchant_id = merchant AND r.payment_id = ANY (members) AND r.state <> 'resolved' LIMIT 1),
        (SELECT 'a message of the provider about it waits' FROM erase_inbound(merchant, members, attempt_ids) i
          WHERE i.state = 'waiting' LIMIT 1));
END
$$;

-- False: there is no such payment or payout. Until the transaction ends nobody else erases it.
CREATE FUNCTION erase_lock(merchant uuid, subject uuid) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM FROM payout_orders o WHERE o.merchant_id = merchant AND o.order_id = subject FOR UPDATE;
    IF FOUND THEN
        RETURN true;
    END IF;
    PERFORM FROM payments p WHERE p.merchant_id = merchant AND p.payment_id = subject AND p.parent_id IS NULL FOR UPDATE;
    RETURN FOUND;
END
$$;

-- Of answers: the caller has read them, and gives what is left of each. One that came meanwhile is not erased
-- unseen: then this is to be done again.
CREATE FUNCTION erase_answers(merchant uuid, members uuid[], subject uuid, ids uuid[], bodies bytea[], keys text[],
                              kept bytea[]) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE
    SET search_path = public, pg_temp
AS $$
DECLARE
    of_payments bigint;
    of_keys     bigint;
BEGIN
    IF (SELECT count(*) FROM payment_answers a WHERE a.merchant_id = merchant AND a.payment_id = ANY (members)
           AND a.payment_id <> ALL (ids)) > 0 THEN
        RAISE EXCEPTION 'it has been answered meanwhile' USING ERRCODE = 'serialization_failure';
    END IF;
    UPDATE payment_answers a SET body = n.body FROM unnest(ids, bodies) AS n (payment_id, body)
     WHERE a.merchant_id = merchant AND a.payment_id = n.payment_id AND a.payment_id = ANY (members)
       AND a.body <> n.body;
    GET DIAGNOSTICS of_payments = ROW_COUNT;
    UPDATE answers a SET body = n.body FROM unnest(keys, kept) AS n (key, body)
     WHERE a.merchant_id = merchant AND a.key = n.key AND a.location = '/v1/payouts/' || finance.show_id('pyt', subject)
       AND a.body <> n.body;
    GET DIAGNOSTICS of_keys = ROW_COUNT;
    RETURN jsonb_build_object('payment_answers.body', of_payments, 'answers.body', of_keys);
END
$$;

-- Attempts, what was sent, answered and said of them.
CREATE FUNCTION erase_tries(merchant uuid, members uuid[], attempt_ids uuid[]) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE
    SET search_path = public, pg_temp
AS $$
DECLARE
    none    CONSTANT bytea := decode(repeat('00', 32), 'hex');
    hashes  bigint;
    sent    bigint;
    links   bigint;
    inbound bigint;
BEGIN
    UPDATE attempts a SET token_hash = none
     WHERE a.merchant_id = merchant AND a.attempt_id = ANY (attempt_ids) AND a.token_hash <> none;
    GET DIAGNOSTICS hashes = ROW_COUNT;
    UPDATE sends s SET body_sealed = NULL
     WHERE s.merchant_id = merchant AND s.attempt_id = ANY (attempt_ids) AND s.body_sealed IS NOT NULL;
    GET DIAGNOSTICS sent = ROW_COUNT;
    UPDATE outcomes o SET facts = (o.facts::jsonb - 'action_url')::text
     WHERE o.merchant_id = merchant AND o.attempt_id = ANY (attempt_ids) AND strpos(o.facts, '"action_url"') > 0;
    GET DIAGNOSTICS links = ROW_COUNT;
    UPDATE inbound_events e SET body_sealed = ''
      FROM erase_inbound(merchant, members, attempt_ids) i
     WHERE e.merchant_id = merchant AND e.account_id = i.account_id AND e.event_id = i.event_id
       AND e.body_sealed <> '';
    GET DIAGNOSTICS inbound = ROW_COUNT;
    RETURN jsonb_build_object('attempts.token_hash', hashes, 'sends.body_sealed', sent, 'outcomes.facts', links,
                              'inbound_events.body_sealed', inbound);
END
$$;

-- What people wrote about it: that they decided, what and when, stays.
CREATE FUNCTION erase_words(merchant uuid, members uuid[]) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE
    SET search_path = public, pg_temp
AS $$
DECLARE
    told  bigint;
    cases bigint;
BEGIN
    UPDATE events e SET data = (e.data::jsonb || '{"reason": "erased", "evidence": "erased"}')::text
     WHERE e.merchant_id = merchant AND e.payment_id = ANY (members) AND strpos(e.data, '"evidence"') > 0
       AND e.data::jsonb ->> 'evidence' <> 'erased';
    GET DIAGNOSTICS told = ROW_COUNT;
    UPDATE reviews r SET reason = CASE r.reason WHEN '' THEN '' ELSE 'erased' END,
                         evidence = CASE r.evidence WHEN '' THEN '' ELSE 'erased' END,
                         detail = CASE r.detail WHEN '' THEN '' ELSE 'erased' END
     WHERE r.merchant_id = merchant AND r.payment_id = ANY (members)
       AND (r.reason NOT IN ('', 'erased') OR r.evidence NOT IN ('', 'erased') OR r.detail NOT IN ('', 'erased'));
    GET DIAGNOSTICS cases = ROW_COUNT;
    RETURN jsonb_build_object('events.data', told, 'reviews.reason', cases);
END
$$;

-- The payments themselves. An operation's routing says what it acts on at the provider, and stays but for the words.
CREATE FUNCTION erase_rows(merchant uuid, members uuid[], subject uuid, at timestamptz) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE
    SET search_path = public, pg_temp
AS $$
DECLARE
    counts jsonb;
    orders bigint;
BEGIN
    SELECT jsonb_build_object('payments.customer', count(p.customer), 'payments.metadata', count(p.metadata),
                              'payments.tokens_sealed', count(p.tokens_sealed),
                              'payments.routing', count(*) FILTER (WHERE p.parent_id IS NOT NULL AND p.routing::jsonb ? 'reason'))
      INTO counts FROM payments p WHERE p.merchant_id = merchant AND p.payment_id = ANY (members);
    UPDATE payments p SET customer = NULL, metadata = NULL, tokens_sealed = NULL, erased_at = coalesce(p.erased_at, at),
           routing = CASE WHEN p.parent_id IS NULL THEN p.routing ELSE (p.routing::jsonb - 'reason')::text END
     WHERE p.merchant_id = merchant AND p.payment_id = ANY (members)
       AND (p.erased_at IS NULL OR p.customer IS NOT NULL OR p.metadata IS NOT NULL OR p.tokens_sealed IS NOT NULL);
    UPDATE payout_orders o SET request_sealed = NULL, detail = '', erased_at = coalesce(o.erased_at, at)
     WHERE o.merchant_id = merchant AND o.order_id = subject AND (o.erased_at IS NULL OR o.request_sealed IS NOT NULL);
    GET DIAGNOSTICS orders = ROW_COUNT;
    RETURN counts || jsonb_build_object('payout_orders.request_sealed', orders);
END
$$;

-- All of it, with its record: how many rows of which columns. NULL: nothing was left to erase, and nothing is noted.
CREATE FUNCTION erase_payment(merchant uuid, subject uuid, erasure uuid, at timestamptz, named text, author text, reason text,
                              customer_hash bytea, ids uuid[], bodies bytea[], keys text[], kept bytea[]) RETURNS text
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
DECLARE
    members  uuid[] := erase_members(merchant, subject);
    attempt_ids    uuid[] := erase_attempts(merchant, members);
    obstacle text   := erase_obstacle(merchant, subject);
    counts   jsonb;
BEGIN
    IF obstacle IS NOT NULL THEN
        RAISE EXCEPTION '%', obstacle USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    counts := erase_rows(merchant, members, subject, at) || erase_tries(merchant, members, attempt_ids)
              || erase_words(merchant, members)
              || erase_answers(merchant, members, subject, ids, bodies, keys, kept);
    SELECT jsonb_object_agg(c.key, c.value) INTO counts FROM jsonb_each(counts) c WHERE c.value <> '0';
    IF counts IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO erasures (merchant_id, erasure_id, payment_id, created_at, object, named, author, reason, customer_hash, counts)
    SELECT merchant, erasure, subject, at,
           CASE WHEN EXISTS (SELECT FROM payments p WHERE p.merchant_id = merchant AND p.payment_id = subject
                                AND p.kind = 'payment') THEN 'payment' ELSE 'payout' END,
           named, author, reason, customer_hash, counts::text
        ON CONFLICT ON CONSTRAINT erasures_pkey DO NOTHING; -- done again after a restore
    RETURN counts::text;
END
$$;

REVOKE ALL ON FUNCTION erase_members(uuid, uuid), erase_attempts(uuid, uuid[]), erase_inbound(uuid, uuid[], uuid[]),
    erase_obstacle(uuid, uuid), erase_lock(uuid, uuid), erase_tries(uuid, uuid[], uuid[]), erase_words(uuid, uuid[]),
    erase_answers(uuid, uuid[], uuid, uuid[], bytea[], text[], bytea[]), erase_rows(uuid, uuid[], uuid, timestamptz),
    erase_payment(uuid, uuid, uuid, timestamptz, text, text, text, bytea, uuid[], bytea[], text[], bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_members(uuid, uuid), erase_attempts(uuid, uuid[]), erase_inbound(uuid, uuid[], uuid[]),
    erase_obstacle(uuid, uuid), erase_lock(uuid, uuid),
    erase_payment(uuid, uuid, uuid, timestamptz, text, text, text, bytea, uuid[], bytea[], text[], bytea[]) TO turnpike_gateway;

CREATE VIEW finance.erasures WITH (security_barrier) AS
SELECT e.merchant_id, e.erasure_id, finance.show_id(CASE e.object WHEN 'payment' THEN 'pay' ELSE 'pyt' END, e.payment_id) AS payment,
       e.payment_id, e.created_at AS erased_at, e.author AS erased_by, e.reason, e.named, e.counts
FROM public.erasures e
WHERE e.merchant_id IN (SELECT merchant_id FROM public.finance_access WHERE login = session_user);
COMMENT ON VIEW finance.erasures IS 'Payments and payouts whose personal data were erased: when, why and by whom. The books are as before.';
COMMENT ON COLUMN finance.erasures.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.erasures.erasure_id IS 'The request to erase: one may have found many payments.';
COMMENT ON COLUMN finance.erasures.payment IS 'The payment (pay_...) or payout (pyt_...), with its operations and tries.';
COMMENT ON COLUMN finance.erasures.payment_id IS 'The same as a UUID, for joins.';
COMMENT ON COLUMN finance.erasures.erased_at IS 'When.';
COMMENT ON COLUMN finance.erasures.erased_by IS 'Who erased it, as they named themselves.';
COMMENT ON COLUMN finance.erasures.reason IS 'Why.';
COMMENT ON COLUMN finance.erasures.named IS 'What was named: payment, payout, reference or customer.';
COMMENT ON COLUMN finance.erasures.counts IS 'How many rows of which columns had something to erase, as JSON.';
GRANT SELECT ON finance.erasures TO turnpike_finance;

RESET ROLE;

-- migrate:down

DROP VIEW finance.erasures;
DROP FUNCTION erase_payment(uuid, uuid, uuid, timestamptz, text, text, text, bytea, uuid[], bytea[], text[], bytea[]);
DROP FUNCTION erase_rows(uuid, uuid[], uuid, timestamptz);
DROP FUNCTION erase_words(uuid, uuid[]);
DROP FUNCTION erase_tries(uuid, uuid[], uuid[]);
DROP FUNCTION erase_answers(uuid, uuid[], uuid, uuid[], bytea[], text[], bytea[]);
DROP FUNCTION erase_lock(uuid, uuid);
DROP FUNCTION erase_obstacle(uuid, uuid);
DROP FUNCTION erase_inbound(uuid, uuid[], uuid[]);
DROP FUNCTION erase_attempts(uuid, uuid[]);
DROP FUNCTION erase_members(uuid, uuid);
DROP INDEX inbound_events_nameless;
DROP INDEX inbound_events_attempt;
DROP INDEX inbound_events_payment;
DROP INDEX answers_location;
DROP TABLE erasures;
ALTER TABLE payout_orders DROP COLUMN erased_at;
ALTER TABLE payments DROP COLUMN erased_at;
