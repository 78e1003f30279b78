-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- Sums of each account, rolled up now and then, so that a balance reads a few rows of its merchant and not all.
-- Exact at every moment: what is counted is told by the transaction that wrote it, not by any time.
--
--     transfers of a merchant, by id (which grows with time)
--     ---- all counted ----| since: counted are those that `taken` sees; the others are added when read -->
--
-- Below `since` nothing appears that is not told to the mark: it lies twenty seconds before `rolled_at`, by this
-- server's clock, and is moved there only when no transaction is open any more that has a number up to
-- `rolled_xid`, which was given out after that moment; and a writer whose transfer's id is older than ten seconds
-- draws `since` back in its own transaction (gateway/ledger/sql.c).
-- Transfers are never written within a savepoint: `taken` would take an open subtransaction for a done one.

CREATE TABLE balance_marks (
    merchant_id uuid PRIMARY KEY,
    since       uuid NOT NULL,        -- below this transfer all are counted
    paged       uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000', -- up to here balance_pages are right; never above `since`
    rolled_at   timestamptz NOT NULL, -- the begin of the last roll that counted all
    rolled_xid  xid8 NOT NULL,        -- who wrote this row; not its xmin: it was copied from elsewhere
    taken       pg_snapshot NOT NULL  -- from `since` on those are counted that it sees
) WITH (fillfactor = 50);

CREATE TABLE balance_snapshots (
    merchant_id          uuid NOT NULL,
    debit_minor          bigint NOT NULL,
    credit_minor         bigint NOT NULL,
    pending_debit_minor  bigint NOT NULL,
    pending_credit_minor bigint NOT NULL,
    account              text NOT NULL,
    currency             text NOT NULL CHECK (length(currency) = 3),
    PRIMARY KEY (merchant_id, account, currency)
) WITH (fillfactor = 50);

-- The first id that the gateway could have made at that moment.
CREATE FUNCTION balance_floor(moment timestamptz) RETURNS uuid
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid;

-- The marks that can be believed. Not: those of a copy made with pg_dump, whose transactions had other numbers;
-- those from the time ahead, after this server's clock went back; those that are too old to tell transactions
-- apart (two thousand million have 32 bits). Their merchants are counted anew.
CREATE VIEW balance_sound AS
SELECT m.*,
       pg_snapshot_xmin(m.taken)::text::bigint AS taken_from,
       pg_snapshot_xmax(m.taken)::text::bigint AS taken_to,
       pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 2147483648 AS ahead
FROM balance_marks m
WHERE m.xmin = m.rolled_xid::xid
  AND m.rolled_at <= statement_timestamp() + interval '10 s'
  AND m.rolled_xid::text::bigint > pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1073741824;

-- What is not yet counted: for each side of a transfer what it adds, and what it ends of an earlier one. The
-- number of a transaction is widened to 64 bits by the one that is 2^31 ahead; the upper bound of the ids tells
-- the planner that few rows are meant.
CREATE VIEW balance_tail AS
SELECT k.merchant_id,
       t.transfer_id,
       CASE side.n WHEN 1 THEN t.debit_account WHEN 2 THEN t.credit_account
                   WHEN 3 THEN o.debit_account ELSE o.credit_account END AS account,
       CASE WHEN side.n <= 2 THEN t.currency ELSE o.currency END AS currency,
       CASE WHEN side.n = 1 AND t.state = 'posted' THEN t.amount_minor ELSE 0 END AS debit_minor,
       CASE WHEN side.n = 2 AND t.state = 'posted' THEN t.amount_minor ELSE 0 END AS credit_minor,
       CASE WHEN side.n = 1 AND t.state = 'pending' THEN t.amount_minor
            WHEN side.n = 3 THEN -o.amount_minor ELSE 0 END AS pending_debit_minor,
       CASE WHEN side.n = 2 AND t.state = 'pending' THEN t.amount_minor
            WHEN side.n = 4 THEN -o.amount_minor ELSE 0 END AS pending_credit_minor
FROM merchants k
LEFT JOIN LATERAL (SELECT * FROM balance_sound s WHERE s.merchant_id = k.merchant_id OFFSET 0) m ON true
JOIN transfers t
  ON t.merchant_id = k.merchant_id
 AND t.transfer_id >= coalesce(m.since, '00000000-0000-0000-0000-000000000000')
 AND t.transfer_id <= 'ffffffff-ffff-ffff-ffff-ffffffffffff'
 AND CASE WHEN m.taken IS NULL THEN true
          WHEN m.ahead - ((m.ahead - t.xmin::text::bigint) & 4294967295) < m.taken_from THEN false
          WHEN m.ahead - ((m.ahead - t.xmin::text::bigint) & 4294967295) >= m.taken_to THEN true
          ELSE NOT pg_visible_in_snapshot(
                   (m.ahead - ((m.ahead - t.xmin::text::bigint) & 4294967295))::text::xid8, m.taken)
     END
LEFT JOIN LATERAL (SELECT p.* FROM transfers p
                    WHERE p.merchant_id = t.merchant_id AND p.transfer_id = t.pending_id
                      AND p.state = 'pending' OFFSET 0) o ON true
JOIN (VALUES (1), (2), (3), (4)) AS side (n)
  ON CASE WHEN side.n <= 2 THEN t.state <> 'voided' ELSE o.debit_account IS NOT NULL END;

-- Roll up at most `merchants`, and about `transfers`; returns how many could not be done to the end. One
-- statement, so one snapshot: it is what the marks say was counted. A mark that another writes now is left alone;
-- one that another has written since this snapshot, too (FOR UPDATE finds it as it is now, next to sums as they
-- were). What is new to a merchant with many is counted in parts, from the oldest on, as far as nothing can appear
-- any more. Busy merchants, and new ones, have their turn after three seconds, the others
-- after ten minutes.
CREATE FUNCTION roll_balances(merchants bigint, transfers bigint) RETURNS bigint
    LANGUAGE sql VOLATILE STRICT
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
BEGIN ATOMIC
WITH now AS MATERIALIZED (
    SELECT pg_current_snapshot() AS taken, pg_snapshot_xmin(pg_current_snapshot()) AS oldest,
           pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next, transaction_timestamp() AS at
), made AS (
    INSERT INTO balance_marks (merchant_id, since, rolled_at, rolled_xid, taken)
    SELECT k.merchant_id, '00000000-0000-0000-0000-000000000000', n.at, pg_current_xact_id(), '1:1:'
    FROM now n
    CROSS JOIN merchants k
    WHERE (SELECT true FROM balance_marks m WHERE m.merchant_id = k.merchant_id) IS NULL
      AND (SELECT true FROM transfers t WHERE t.merchant_id = k.merchant_id
              AND t.transfer_id >= '00000000-0000-0000-0000-000000000000' LIMIT 1)
    ORDER BY k.merchant_id
    ON CONFLICT (merchant_id) DO NOTHING
), unsound AS MATERIALIZED ( -- as in balance_sound, but of the row as it is now
    SELECT m.merchant_id
    FROM balance_marks m
    CROSS JOIN now n
    WHERE m.xmin <> m.rolled_xid::xid
       OR m.rolled_at > n.at + interval '10 s'
       OR m.rolled_xid::text::bigint <= n.next - 1073741824
    ORDER BY m.merchant_id LIMIT roll_balances.merchants
    FOR UPDATE OF m SKIP LOCKED
), emptied AS (
    UPDATE balance_snapshots s
    SET debit_minor = 0, credit_minor = 0, pending_debit_minor = 0, pending_credit_minor = 0
    WHERE s.merchant_id = ANY (ARRAY(SELECT u.merchant_id FROM unsound u))
), begun AS (
    UPDATE balance_marks m
    SET since = '00000000-0000-0000-0000-000000000000', rolled_at = n.at,
        paged = '00000000-0000-0000-0000-000000000000', rolled_xid = pg_current_xact_id(), taken = '1:1:'
    FROM unsound u
    CROSS JOIN now n
    WHERE m.merchant_id = u.merchant_id
), due AS MATERIALIZED (
    SELECT m.*
    FROM balance_sound s
    JOIN balance_marks m ON m.merchant_id = s.merchant_id
    CROSS JOIN now n
    WHERE m.rolled_at <= n.at - interval '3 s'
      AND CASE WHEN (SELECT true FROM transfers t
                      WHERE t.merchant_id = m.merchant_id AND t.transfer_id >= m.since
                      ORDER BY t.transfer_id OFFSET 200 LIMIT 1) THEN true
               WHEN m.rolled_at > n.at - interval '10 min' AND s.taken_to > 1 THEN false
               WHEN m.rolled_xid::text::bigint < n.next - 268435456 THEN true
               ELSE (SELECT true FROM transfers t
                      WHERE t.merchant_id = m.merchant_id AND t.transfer_id >= m.since
                      ORDER BY t.transfer_id LIMIT 1)
          END
    ORDER BY m.rolled_at LIMIT roll_balances.merchants
    FOR UPDATE OF m SKIP LOCKED
), held AS MATERIALIZED ( -- settled: below it nothing appears any more
    SELECT d.merchant_id, d.since, n.oldest > d.rolled_xid AS is_settled,
           CASE WHEN n.oldest > d.rolled_xid
                THEN greatest(d.since, balance_floor(d.rolled_at - interval '20 s'))
                ELSE d.since END AS settled,
           (SELECT t.transfer_id FROM transfers t
             WHERE t.merchant_id = d.merchant_id AND t.transfer_id >= d.since
             ORDER BY t.transfer_id
             OFFSET (SELECT roll_balances.transfers / greatest(count(*), 1) FROM due) LIMIT 1) AS beyond
    FROM due d
    CROSS JOIN now n
    WHERE pg_visible_in_snapshot(d.rolled_xid, n.taken)
), part AS MATERIALIZED ( -- stuck: many, and an old transaction is open; its turn comes again
    SELECT h.*, h.beyond IS NOT NULL AND NOT h.is_settled AS is_stuck,
           h.beyond IS NULL OR (h.is_settled AND h.settled = h.since) AS is_whole,
           CASE WHEN h.beyond IS NULL OR (h.is_settled AND h.settled = h.since)
                THEN 'ffffffff-ffff-ffff-ffff-ffffffffffff'
                ELSE least(h.beyond, h.settled) END AS upto
    FROM held h
), added AS MATERIALIZED (
    SELECT b.merchant_id, b.account, b.currency, sum(b.debit_minor)::bigint AS debit_minor,
           sum(b.credit_minor)::bigint AS credit_minor,
           sum(b.pending_debit_minor)::bigint AS pending_debit_minor,
           sum(b.pending_credit_minor)::bigint AS pending_credit_minor
    FROM part h
    CROSS JOIN LATERAL (SELECT * FROM balance_tail t
                         WHERE t.merchant_id = h.merchant_id AND t.transfer_id < h.upto OFFSET 0) b
    GROUP BY b.merchant_id, b.account, b.currency
), kept AS (
    INSERT INTO balance_snapshots AS s (merchant_id, account, currency, debit_minor, credit_minor,
                                        pending_debit_minor, pending_credit_minor)
    SELECT a.merchant_id, a.account, a.currency, a.debit_minor, a.credit_minor, a.pending_debit_minor,
           a.pending_credit_minor
    FROM added a
    ON CONFLICT (merchant_id, account, currency) DO UPDATE
    SET debit_minor = s.debit_minor + excluded.debit_minor,
        credit_minor = s.credit_minor + excluded.credit_minor,
        pending_debit_minor = s.pending_debit_minor + excluded.pending_debit_minor,
        pending_credit_minor = s.pending_credit_minor + excluded.pending_credit_minor
), changed AS (
    UPDATE balance_marks m
    SET rolled_xid = pg_current_xact_id(),
        since = CASE WHEN h.is_whole THEN h.settled ELSE h.upto END,
        taken = CASE WHEN h.is_whole THEN n.taken ELSE m.taken END,
        rolled_at = CASE WHEN h.is_whole OR h.is_stuck THEN n.at ELSE m.rolled_at END
    FROM part h
    CROSS JOIN now n
    WHERE m.merchant_id = h.merchant_id
)
SELECT count(*) FILTER (WHERE NOT is_whole AND NOT is_stuck)
       + (count(*) >= roll_balances.merchants)::integer
FROM part;
END;

-- The same columns as before, with the same meaning.
CREATE OR REPLACE VIEW finance.trial_balance WITH (security_barrier) AS
WITH entries AS (
    SELECT s.merchant_id, s.account, s.currency, s.debit_minor, s.credit_minor,
           s.pending_debit_minor, s.pending_credit_minor
    FROM public.finance_access f
    JOIN public.balance_sound m ON m.merchant_id = f.merchant_id
    JOIN public.balance_snapshots s ON s.merchant_id = f.merchant_id
    WHERE f.login = session_user
    UNION ALL
    SELECT b.merchant_id, b.account, b.currency, b.debit_minor, b.credit_minor,
           b.pending_debit_minor, b.pending_credit_minor
    FROM public.finance_access f
    JOIN public.balance_tail b ON b.merchant_id = f.merchant_id
    WHERE f.login = session_user
), sums AS (
    SELECT merchant_id, account, currency,
           sum(debit_minor) AS debit_minor,
           sum(credit_minor) AS credit_minor,
           sum(pending_debit_minor) AS pending_debit_minor,
           sum(pending_credit_minor) AS pending_credit_minor
    FROM entries
    GROUP BY merchant_id, account, currency
)
SELECT s.merchant_id,
       s.account,
       s.currency,
       s.debit_minor * c.unit AS debit,
       s.debit_minor,
       s.credit_minor * c.unit AS credit,
       s.credit_minor,
       (s.debit_minor - s.credit_minor) * c.unit AS balance,
       s.debit_minor - s.credit_minor AS balance_minor,
       s.pending_debit_minor * c.unit AS pending_debit,
       s.pending_debit_minor,
       s.pending_credit_minor * c.unit AS pending_credit,
       s.pending_credit_minor
FROM sums s
LEFT JOIN public.currencies c ON c.code = s.currency;

GRANT SELECT ON balance_sound, balance_tail TO turnpike_gateway;
GRANT SELECT, INSERT, UPDATE ON balance_marks, balance_snapshots TO turnpike_gateway;
REVOKE EXECUTE ON FUNCTION roll_balances(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION roll_balances(bigint, bigint) TO turnpike_gateway;

RESET ROLE;

-- migrate:down

CREATE OR REPLACE VIEW finance.trial_balance WITH (security_barrier) AS
WITH entries AS (
    SELECT t.merchant_id, side.account, t.currency, side.is_debit, t.amount_minor,
           t.state = 'posted' AS is_posted,
           t.state = 'pending' AND NOT EXISTS (
               SELECT FROM public.transfers n
                WHERE n.merchant_id = t.merchant_id AND n.pending_id = t.transfer_id) AS is_open
    FROM public.transfers t
    CROSS JOIN LATERAL (VALUES (t.debit_account, true), (t.credit_account, false))
               AS side (account, is_debit)
    WHERE t.state <> 'voided'
      AND t.merchant_id IN (SELECT merchant_id FROM public.finance_access
                             WHERE login = session_user)
), sums AS (
    SELECT merchant_id, account, currency,
           coalesce(sum(amount_minor) FILTER (WHERE is_posted AND is_debit), 0) AS debit_minor,
           coalesce(sum(amount_minor) FILTER (WHERE is_posted AND NOT is_debit), 0) AS credit_minor,
           coalesce(sum(amount_minor) FILTER (WHERE is_open AND is_debit), 0)
               AS pending_debit_minor,
           coalesce(sum(amount_minor) FILTER (WHERE is_open AND NOT is_debit), 0)
               AS pending_credit_minor
    FROM entries
    GROUP BY merchant_id, account, currency
)
SELECT s.merchant_id,
       s.account,
       s.currency,
       s.debit_minor * c.unit AS debit,
       s.debit_minor,
       s.credit_minor * c.unit AS credit,
       s.credit_minor,
       (s.debit_minor - s.credit_minor) * c.unit AS balance,
       s.debit_minor - s.credit_minor AS balance_minor,
       s.pending_debit_minor * c.unit AS pending_debit,
       s.pending_debit_minor,
       s.pending_credit_minor * c.unit AS pending_credit,
       s.pending_credit_minor
FROM sums s
LEFT JOIN public.currencies c ON c.code = s.currency;
DROP FUNCTION roll_balances(bigint, bigint);
DROP VIEW balance_tail, balance_sound;
DROP FUNCTION balance_floor(timestamptz);
DROP TABLE balance_snapshots, balance_marks;
