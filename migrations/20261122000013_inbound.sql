-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- What providers send by themselves: kept as it came (sealed) before it is answered, once for each event of an
-- account, and then applied once: the attempt it is about is looked up at once. No money is booked by it.
--
--   waiting --its attempt is due for a look--> applied
--      |  \--about nothing that is looked up--> ignored
--      |  \--names nothing we know, again and again--> dead
--      '--later--> waiting
CREATE TABLE inbound_events (
    merchant_id  uuid NOT NULL,
    account_id   uuid NOT NULL,
    attempt_id   uuid,               -- as the event names it
    payment_id   uuid,               -- likewise
    received_at  timestamptz NOT NULL,
    happened_at  timestamptz,        -- as the event says
    next_at      timestamptz NOT NULL, -- waiting: due, or its lease ends
    done_at      timestamptz,        -- no longer waiting
    epoch        bigint NOT NULL CHECK (epoch >= 0), -- how often it was claimed
    tries        integer NOT NULL CHECK (tries >= 0), -- how often that came to an end
    operations   integer NOT NULL,   -- whose outcome it states: bit set
    event_id     text NOT NULL CHECK (length(event_id) BETWEEN 1 AND 128),
    provider     text NOT NULL,
    event_type   text NOT NULL,
    says         text NOT NULL,      -- the outcome it states; 'none'
    provider_ids text NOT NULL,      -- the provider's ids of what it is about, a line each
    state        text NOT NULL CHECK (state IN ('waiting', 'applied', 'ignored', 'dead')),
    reason       text NOT NULL,
    body_sealed  bytea NOT NULL,     -- headers that matter and body
    PRIMARY KEY (merchant_id, account_id, event_id)
) WITH (fillfactor = 80);
-- What waits, account by account: none keeps the others waiting.
CREATE INDEX inbound_events_due ON inbound_events (merchant_id, account_id, next_at)
    WHERE state = 'waiting';

-- A webhook's address names the account alone: it is looked for before the merchant is known.
CREATE INDEX accounts_id ON accounts (account_id);

-- The attempts that an event is about, of its own account: by the attempt's id, which providers tell back, else by
-- the payment's; else by the provider's ids, among what waits in the account's lane. And the operations on that
-- payment whose outcome is not known: a capture is told with the id of what it captures.
CREATE FUNCTION inbound_targets(merchant uuid, account uuid, attempt uuid, payment uuid, of_provider text, ids text)
    RETURNS TABLE (attempt_id uuid, payment_id uuid, operation text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
-- By its order, so that the primary key is the way to it however empty the tables are when this is planned.
SELECT f.attempt_id, f.payment_id, f.operation
  FROM (SELECT a.* FROM attempts a WHERE a.merchant_id = merchant AND a.attempt_id >= attempt
         ORDER BY a.attempt_id LIMIT 1) f
 WHERE f.attempt_id = attempt AND f.account_id = account
UNION ALL
SELECT a.attempt_id, a.payment_id, a.operation FROM attempts a
 WHERE a.merchant_id = merchant AND a.payment_id = payment AND a.account_id = account AND attempt IS NULL
UNION ALL
SELECT r.attempt_id, r.payment_id, r.operation
  FROM (SELECT u.attempt_id, u.payment_id,
               (SELECT t.operation FROM attempts t
                 WHERE t.merchant_id = u.merchant_id AND t.payment_id = u.payment_id
                   AND t.attempt_id = u.attempt_id) AS operation
          FROM unresolved u
         WHERE u.provider = of_provider AND u.account_id = account AND u.merchant_id = merchant
         ORDER BY u.next_at LIMIT 1000) r
 WHERE attempt IS NULL AND payment IS NULL AND ids <> ''
   AND (SELECT true FROM outcomes o CROSS JOIN unnest(string_to_array(ids, chr(10))) AS p (id)
         WHERE o.merchant_id = merchant AND o.attempt_id = r.attempt_id
           AND (o.reference = p.id OR strpos(o.facts, '"' || p.id || '"') > 0) LIMIT 1)
UNION ALL
SELECT a.attempt_id, a.payment_id, a.operation
  FROM payments c
 CROSS JOIN LATERAL (SELECT t.* FROM attempts t
                      WHERE t.merchant_id = c.merchant_id AND t.payment_id = c.payment_id OFFSET 0) a
 WHERE c.merchant_id = merchant AND c.parent_id IS NOT NULL AND a.account_id = account
   AND c.parent_id = coalesce(payment, (SELECT f.payment_id
                                          FROM (SELECT t.* FROM attempts t
                                                 WHERE t.merchant_id = merchant AND t.attempt_id >= attempt
                                                 ORDER BY t.attempt_id LIMIT 1) f
                                         WHERE f.attempt_id = attempt))
   AND (SELECT u.reason <> 'recheck' FROM unresolved u
         WHERE u.merchant_id = a.merchant_id AND u.attempt_id = a.attempt_id);
END;

-- Does the event say what is known: that it was approved, or that it was not, or something of before?
CREATE FUNCTION inbound_agrees(operations integer, operation text, says text, known text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN known IS NOT NULL AND (operations >> CASE operation WHEN 'sale' THEN 1 WHEN 'authorize' THEN 2 WHEN 'capture' THEN 3
                                         WHEN 'void' THEN 4 WHEN 'refund' THEN 5 ELSE 6 END) & 1 = 1
        AND (says = 'pending' OR (says <> 'none' AND (says = 'approved') = (known = 'approved')));


-- Does the event name an attempt or a payment of ours, as far as this account is concerned? One program of a
-- provider may tell two accounts of everything: what is the other's, the other is told, too.
CREATE FUNCTION inbound_ours(merchant uuid, account uuid, attempt uuid, payment uuid) RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
SELECT CASE WHEN attempt IS NOT NULL
            THEN coalesce((SELECT f.attempt_id <> attempt OR f.account_id = account
                             FROM (SELECT t.attempt_id, t.account_id FROM attempts t
                                    WHERE t.merchant_id = merchant AND t.attempt_id >= attempt
                                    ORDER BY t.attempt_id LIMIT 1) f), true)
            ELSE payment IS NOT NULL AND (SELECT true FROM attempts t
                                           WHERE t.merchant_id = merchant AND t.payment_id = payment
                                             AND t.account_id <> account LIMIT 1) IS NULL END;
END;

-- What becomes of an event about `found` attempts, of which `busy` are in somebody's hands. What names nothing of
-- ours is another's payment at the same account, and soon left alone.
CREATE FUNCTION inbound_ends(found bigint, busy bigint, is_ours boolean, tries integer, tries_max integer)
    RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN busy > 0 THEN 'waiting' WHEN found > 0 THEN 'applied'
                WHEN is_ours AND tries >= tries_max THEN 'dead'
                WHEN NOT is_ours AND tries >= least(tries_max, 8) THEN 'ignored'
                ELSE 'waiting' END;

GRANT SELECT, INSERT ON inbound_events TO turnpike_gateway;
GRANT UPDATE (next_at, done_at, epoch, tries, state, reason) ON inbound_events TO turnpike_gateway;

RESET ROLE;

-- migrate:down

DROP FUNCTION inbound_targets(uuid, uuid, uuid, uuid, text, text);
DROP FUNCTION inbound_agrees(integer, text, text, text);
DROP FUNCTION inbound_ours(uuid, uuid, uuid, uuid);
DROP FUNCTION inbound_ends(bigint, bigint, boolean, integer, integer);
DROP TABLE inbound_events;
DROP INDEX accounts_id;
