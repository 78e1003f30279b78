-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- Whether a merchant has a page's worth of new transfers was asked of all merchants every three seconds, 0.1 ms each. Now
-- only of those whose `since` has moved by ten seconds since they were looked at, or whose pages were drawn back.
ALTER TABLE balance_marks ADD COLUMN page_after uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
ALTER TABLE balance_marks ADD COLUMN page_seen uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000'; -- `paged` then

-- Make at most `pages` pages of `size` transfers for each of at most `merchants`. How many merchants have more: above 0
-- it is worth asking again. Those that another pages now are left to it. Savepoints would cost subtransactions: none here.
CREATE OR REPLACE FUNCTION page_balances(merchants bigint, pages bigint, size bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT
    SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    m      record;
    bound  uuid;
    beyond uuid;
    made   bigint;
    looked bigint := 0;
    more   bigint := 0;
    ended  boolean;
BEGIN
    FOR m IN
        SELECT k.merchant_id, k.since, k.paged
        FROM balance_sound s
        JOIN balance_marks k ON k.merchant_id = s.merchant_id
        WHERE s.since > s.paged AND (k.since >= k.page_after OR k.paged < k.page_seen)
        ORDER BY k.paged LIMIT merchants
        FOR UPDATE OF k SKIP LOCKED
    LOOP
        bound := coalesce((SELECT b.upto FROM balance_bounds b
                            WHERE b.merchant_id = m.merchant_id AND b.upto <= m.paged
                            ORDER BY b.upto DESC LIMIT 1), '00000000-0000-0000-0000-000000000000');
        IF EXISTS (SELECT FROM balance_bounds b WHERE b.merchant_id = m.merchant_id AND b.upto > bound) THEN
            DELETE FROM balance_bounds b WHERE b.merchant_id = m.merchant_id AND b.upto > bound;
            DELETE FROM balance_pages p WHERE p.merchant_id = m.merchant_id AND p.upto > bound;
        END IF;
        made := 0;
        ended := false;
        looked := looked + 1;
        LOOP
            SELECT t.transfer_id INTO beyond
            FROM transfers t
            WHERE t.merchant_id = m.merchant_id AND t.transfer_id >= bound AND t.transfer_id < m.since
            ORDER BY t.transfer_id OFFSET size LIMIT 1;
            EXIT WHEN NOT FOUND;
            IF made = pages THEN
                more := more + 1;
                ended := true;
                EXIT;
            END IF;
            INSERT INTO balance_pages (merchant_id, account, currency, upto, since, debit_minor, credit_minor)
            SELECT m.merchant_id, b.account, b.currency, beyond, bound,
                   b.debit_minor + coalesce(p.debit_minor, 0), b.credit_minor + coalesce(p.credit_minor, 0)
            FROM balance_between(m.merchant_id, bound, beyond) b
            LEFT JOIN LATERAL (SELECT g.debit_minor, g.credit_minor FROM balance_pages g
                                WHERE g.merchant_id = m.merchant_id AND g.account = b.account
                                  AND g.currency = b.currency AND g.upto <= bound
                                ORDER BY g.upto DESC LIMIT 1) p ON true;
            INSERT INTO balance_bounds (merchant_id, upto) VALUES (m.merchant_id, beyond);
            bound := beyond;
            made := made + 1;
        END LOOP;
        UPDATE balance_marks k
        SET paged = bound, page_seen = bound, rolled_xid = pg_current_xact_id(),
            page_after = CASE WHEN ended THEN '00000000-0000-0000-0000-000000000000'
                              ELSE balance_floor(ledger_moment(m.since) + interval '10 s') END
        WHERE k.merchant_id = m.merchant_id;
    END LOOP;
    RETURN CASE WHEN looked < merchants THEN more ELSE greatest(more, 1) END;
END
$$;

GRANT EXECUTE ON FUNCTION ledger_moment(uuid) TO turnpike_gateway;

RESET ROLE;

-- migrate:down

REVOKE EXECUTE ON FUNCTION ledger_moment(uuid) FROM turnpike_gateway;
-- Make at most `pages` pages of `size` transfers for each of at most `merchants`. How many merchants have more: above 0
-- it is worth asking again. Those that another pages now are left to it. Savepoints would cost subtransactions: none here.
CREATE OR REPLACE FUNCTION page_balances(merchants bigint, pages bigint, size bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT
    SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    m      record;
    bound  uuid;
    beyond uuid;
    made   bigint;
    more   bigint := 0;
BEGIN
    FOR m IN
        SELECT k.merchant_id, k.since, k.paged
        FROM balance_sound s
        JOIN balance_marks k ON k.merchant_id = s.merchant_id
        WHERE s.since > s.paged
          AND (SELECT true FROM transfers t
                WHERE t.merchant_id = s.merchant_id AND t.transfer_id >= s.paged AND t.transfer_id < s.since
                ORDER BY t.transfer_id OFFSET size LIMIT 1)
        ORDER BY s.paged LIMIT merchants
        FOR UPDATE OF k SKIP LOCKED
    LOOP
        bound := coalesce((SELECT b.upto FROM balance_bounds b
                            WHERE b.merchant_id = m.merchant_id AND b.upto <= m.paged
                            ORDER BY b.upto DESC LIMIT 1), '00000000-0000-0000-0000-000000000000');
        IF EXISTS (SELECT FROM balance_bounds b WHERE b.merchant_id = m.merchant_id AND b.upto > bound) THEN
            DELETE FROM balance_bounds b WHERE b.merchant_id = m.merchant_id AND b.upto > bound;
            DELETE FROM balance_pages p WHERE p.merchant_id = m.merchant_id AND p.upto > bound;
        END IF;
        made := 0;
        LOOP
            SELECT t.transfer_id INTO beyond
            FROM transfers t
            WHERE t.merchant_id = m.merchant_id AND t.transfer_id >= bound AND t.transfer_id < m.since
            ORDER BY t.transfer_id OFFSET size LIMIT 1;
            EXIT WHEN NOT FOUND;
            IF made = pages THEN
                more := more + 1;
                EXIT;
            END IF;
            INSERT INTO balance_pages (merchant_id, account, currency, upto, since, debit_minor, credit_minor)
            SELECT m.merchant_id, b.account, b.currency, beyond, bound,
                   b.debit_minor + coalesce(p.debit_minor, 0), b.credit_minor + coalesce(p.credit_minor, 0)
            FROM balance_between(m.merchant_id, bound, beyond) b
            LEFT JOIN LATERAL (SELECT g.debit_minor, g.credit_minor FROM balance_pages g
                                WHERE g.merchant_id = m.merchant_id AND g.account = b.account
                                  AND g.currency = b.currency AND g.upto <= bound
                                ORDER BY g.upto DESC LIMIT 1) p ON true;
            INSERT INTO balance_bounds (merchant_id, upto) VALUES (m.merchant_id, beyond);
            bound := beyond;
            made := made + 1;
        END LOOP;
        UPDATE balance_marks k SET paged = bound, rolled_xid = pg_current_xact_id() WHERE k.merchant_id = m.merchant_id;
    END LOOP;
    RETURN more;
END
$$;
ALTER TABLE balance_marks DROP COLUMN page_seen, DROP COLUMN page_after;
