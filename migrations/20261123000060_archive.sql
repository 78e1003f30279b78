-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- Payments that have been over for long: their attempts lie in files. docs/archive.md says what stays here, and why.
-- Erasing throws the salt away with the restore that must come first: what is left in the file cannot be read any more.
ALTER TABLE payments
    ADD COLUMN archived_at timestamptz,         -- NULL: not archived, and so are the others
    ADD COLUMN archive_id uuid,
    ADD COLUMN archived_authorized bigint,      -- of its limits; NULL: it had none
    ADD COLUMN archived_captured bigint,
    ADD COLUMN archived_refunded bigint,
    ADD COLUMN archived_fees text,              -- JSON, of the payment itself: expected, by attempt of it and its operations
    ADD COLUMN archive_salt bytea,              -- of the key of its record; only of the payment itself, as the hash
    ADD COLUMN archive_hash bytea,              -- SHA-256 of the record
    ADD CONSTRAINT payments_archive_check CHECK ((archived_at IS NULL) = (archive_id IS NULL)
        AND (archive_salt IS NULL) = (archive_hash IS NULL) AND (archive_salt IS NULL OR archived_at IS NOT NULL)
        AND length(archive_salt) = 16 AND length(archive_hash) = 32);

-- One row per file that something was moved to. Appended, by archive_take alone.
CREATE TABLE archives (
    merchant_id   uuid NOT NULL,
    archive_id    uuid NOT NULL,
    first_id      uuid NOT NULL, -- of the payments in it
    last_id       uuid NOT NULL,
    created_at    timestamptz NOT NULL,
    payment_count bigint NOT NULL CHECK (payment_count > 0),
    row_count     bigint NOT NULL CHECK (row_count > 0),
    byte_count    bigint NOT NULL CHECK (byte_count > 0),
    author        text NOT NULL CHECK (length(author) BETWEEN 1 AND 200),
    sha256        bytea NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (merchant_id, archive_id)
);
GRANT SELECT ON archives TO turnpike_gateway;

-- ---- what may be archived -----------------------------------------------------------------------

-- The same as before, in PL/pgSQL, which keeps its plans: these are asked for each payment.
CREATE OR REPLACE FUNCTION erase_members(merchant uuid, subject uuid) RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN (
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
         WHERE o.merchant_id = merchant AND o.order_id = subject AND o.try_number > 1) m);
END
$$;

CREATE OR REPLACE FUNCTION erase_attempts(merchant uuid, members uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN (
SELECT coalesce(array_agg(a.attempt_id), '{}')
  FROM unnest(members) AS m (payment_id)
 CROSS JOIN LATERAL (SELECT t.attempt_id FROM attempts t
                      WHERE t.merchant_id = merchant AND t.payment_id = m.payment_id OFFSET 0) a);
END
$$;

CREATE OR REPLACE FUNCTION erase_inbound(merchant uuid, members uuid[], attempt_ids uuid[])
    RETURNS TABLE (account_id uuid, event_id text, state text)
    LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
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
END
$$;

ALTER FUNCTION erase_obstacle(uuid, uuid) RENAME TO open_obstacle;

-- What lies in a file cannot be erased there: it comes back first.
CREATE FUNCTION erase_obstacle(merchant uuid, subject uuid) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM payments p WHERE p.merchant_id = merchant AND p.payment_id = subject AND p.archived_at IS NOT NULL) THEN
        RETURN 'it is archived: turnpike archive --restore it first';
    END IF;
    RETURN open_obstacle(merchant, subject);
END
$$;

-- Why it stays; NULL: it may be archived. Of live payments none that providers may still come back to: a refund, a
-- dispute, an answer that was late.
CREATE FUNCTION archive_obstacle(merchant uuid, subject uuid) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
AS $$
DECLARE
    members uuid[] := erase_members(merchant, subject);
    young   timestamptz := transaction_timestamp() - interval '200 days';
    it      record;
BEGIN
    SELECT p.archived_at, p.livemode, p.created_at INTO it FROM payments p
     WHERE p.merchant_id = merchant AND p.payment_id = subject AND p.kind = 'payment';
    RETURN CASE
        WHEN it.created_at IS NULL THEN 'it is no payment'
        WHEN it.archived_at IS NOT NULL THEN 'it is archived'
        WHEN it.livemode AND it.created_at > young THEN 'it is younger than 200 days'
        WHEN NOT EXISTS (SELECT FROM attempts a WHERE a.merchant_id = merchant AND a.payment_id = subject) THEN 'nothing was attempted'
        WHEN it.livemode AND EXISTS (SELECT FROM events v WHERE v.merchant_id = merchant AND v.payment_id = ANY (members)
                                        AND v.created_at > young) THEN 'something happened to it in the last 200 days'
        WHEN EXISTS (SELECT FROM hook_endpoints h
                      CROSS JOIN LATERAL (SELECT FROM hook_deliveries d WHERE d.merchant_id = merchant AND d.endpoint_id = h.endpoint_id
                                             AND d.payment_id = ANY (members) AND d.state IN ('waiting', 'sending') LIMIT 1) w
                      WHERE h.merchant_id = merchant) THEN 'a webhook about it waits'
        ELSE open_obstacle(merchant, subject) END;
END
$$;

-- ---- the rows -----------------------------------------------------------------------------------

-- Everything that moves, of the payment and its operations: always the same text for the same rows.
CREATE FUNCTION archive_rows(merchant uuid, subject uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
    SET timezone = 'UTC'
    SET bytea_output = 'hex'
AS $$
DECLARE
    members     uuid[] := erase_members(merchant, subject);
    attempt_ids uuid[] := erase_attempts(merchant, members);
BEGIN
    RETURN jsonb_build_object(
        'attempts', (SELECT coalesce(jsonb_agg(to_jsonb(a) ORDER BY a.attempt_id), '[]') FROM attempts a
                      WHERE a.merchant_id = merchant AND a.attempt_id = ANY (attempt_ids)),
        'sends', (SELECT coalesce(jsonb_agg(to_jsonb(s) ORDER BY s.attempt_id, s.number), '[]') FROM sends s
                   WHERE s.merchant_id = merchant AND s.attempt_id = ANY (attempt_ids)),
        'outcomes', (SELECT coalesce(jsonb_agg(to_jsonb(o) ORDER BY o.attempt_id, o.number), '[]') FROM outcomes o
                      WHERE o.merchant_id = merchant AND o.attempt_id = ANY (attempt_ids)),
        'payment_limits', (SELECT coalesce(jsonb_agg(to_jsonb(l) ORDER BY l.payment_id), '[]') FROM payment_limits l
                            WHERE l.merchant_id = merchant AND l.payment_id = ANY (members || attempt_ids)));
END
$$;

-- One payment, locked and without an obstacle: what moves is deleted, what is shown of it stays with the payment.
CREATE FUNCTION archive_move(merchant uuid, archive uuid, at timestamptz, subject uuid, salt bytea, hash bytea) RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = public, pg_temp
AS $$
DECLARE
    members     uuid[] := erase_members(merchant, subject);
    attempt_ids uuid[] := erase_attempts(merchant, members);
    total       bigint := 0;
    moved       bigint;
BEGIN
    UPDATE payments p SET archived_at = at, archive_id = archive,
           archived_authorized = l.authorized, archived_captured = l.captured, archived_refunded = l.refunded,
           archived_fees = CASE p.payment_id WHEN subject THEN
               (SELECT jsonb_object_agg(a.attempt_id, a.expected_fee_minor)::text FROM attempts a
                 WHERE a.merchant_id = merchant AND a.attempt_id = ANY (attempt_ids) AND a.expected_fee_minor IS NOT NULL) END,
           archive_salt = CASE p.payment_id WHEN subject THEN salt END,
           archive_hash = CASE p.payment_id WHEN subject THEN hash END
      FROM unnest(members) AS m (id)
      LEFT JOIN payment_limits l ON l.merchant_id = merchant AND l.payment_id = m.id
     WHERE p.merchant_id = merchant AND p.payment_id = m.id;
    DELETE FROM payment_limits l WHERE l.merchant_id = merchant AND l.payment_id = ANY (members || attempt_ids);
    GET DIAGNOSTICS moved = ROW_COUNT;
    total := total + moved;
    DELETE FROM outcomes o WHERE o.merchant_id = merchant AND o.attempt_id = ANY (attempt_ids);
    GET DIAGNOSTICS moved = ROW_COUNT;
    total := total + moved;
    DELETE FROM sends s WHERE s.merchant_id = merchant AND s.attempt_id = ANY (attempt_ids);
    GET DIAGNOSTICS moved = ROW_COUNT;
    total := total + moved;
    DELETE FROM attempts a WHERE a.merchant_id = merchant AND a.attempt_id = ANY (attempt_ids);
    GET DIAGNOSTICS moved = ROW_COUNT;
    RETURN total + moved;
END
$$;

-- The payments of a file that is on the disk. Returns those that were taken: whose rows are those of the file, and that
-- nothing holds here. An operation that began in the meantime has changed the limits, or finds them gone and is refused.
CREATE FUNCTION archive_take(merchant uuid, archive uuid, at timestamptz, author text, byte_count bigint, sha256 bytea,
                             subjects uuid[], salts bytea[], hashes bytea[]) RETURNS uuid[]
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
DECLARE
    one       record;
    row_count bigint := 0;
    taken     uuid[] := '{}';
    members   uuid[] := ARRAY (SELECT m.id FROM unnest(subjects) AS s (id)
                                CROSS JOIN LATERAL unnest(erase_members(merchant, s.id)) AS m (id));
    limited   uuid[] := members || erase_attempts(merchant, members);
BEGIN
    PERFORM FROM payments p WHERE p.merchant_id = merchant AND p.payment_id = ANY (members) ORDER BY p.payment_id FOR UPDATE;
    PERFORM FROM payment_limits l WHERE l.merchant_id = merchant AND l.payment_id = ANY (limited) ORDER BY l.payment_id FOR UPDATE;
    FOR one IN SELECT s.id, s.salt, s.hash FROM unnest(subjects, salts, hashes) AS s (id, salt, hash)
                ORDER BY s.id
    LOOP
        CONTINUE WHEN archive_obstacle(merchant, one.id) IS NOT NULL
                   OR pg_catalog.sha256(convert_to(archive_rows(merchant, one.id)::text, 'UTF8')) <> one.hash;
        row_count := row_count + archive_move(merchant, archive, at, one.id, one.salt, one.hash);
        taken := taken || one.id;
    END LOOP;
    IF cardinality(taken) > 0 THEN
        INSERT INTO archives (merchant_id, archive_id, first_id, last_id, created_at, payment_count, row_count, byte_count,
                              author, sha256)
        VALUES (merchant, archive, taken[1], taken[cardinality(taken)], at, cardinality(taken), row_count, byte_count, author,
                sha256);
    END IF;
    RETURN taken;
END
$$;

-- The rows of a payment, as they were. False: it is not archived.
CREATE FUNCTION archive_restore(merchant uuid, subject uuid, record jsonb) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = public, pg_temp
    SET timezone = 'UTC'
    SET bytea_output = 'hex'
AS $$
DECLARE
    hash bytea;
BEGIN
    SELECT p.archive_hash INTO hash FROM payments p
     WHERE p.merchant_id = merchant AND p.payment_id = subject AND p.archive_hash IS NOT NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF pg_catalog.sha256(convert_to(record::text, 'UTF8')) <> hash THEN
        RAISE EXCEPTION 'it is not what was archived' USING ERRCODE = 'data_corrupted';
    END IF;
    INSERT INTO attempts SELECT a.* FROM jsonb_populate_recordset(NULL::attempts, record -> 'attempts') a;
    INSERT INTO sends SELECT s.* FROM jsonb_populate_recordset(NULL::sends, record -> 'sends') s;
    INSERT INTO outcomes SELECT o.* FROM jsonb_populate_recordset(NULL::outcomes, record -> 'outcomes') o;
    INSERT INTO payment_limits SELECT l.* FROM jsonb_populate_recordset(NULL::payment_limits, record -> 'payment_limits') l;
    UPDATE payments p SET archived_at = NULL, archive_id = NULL, archived_authorized = NULL, archived_captured = NULL,
           archived_refunded = NULL, archived_fees = NULL, archive_salt = NULL, archive_hash = NULL
     WHERE p.merchant_id = merchant AND p.payment_id = ANY (erase_members(merchant, subject));
    IF pg_catalog.sha256(convert_to(archive_rows(merchant, subject)::text, 'UTF8')) <> hash THEN
        RAISE EXCEPTION 'the tables cannot hold what was archived' USING ERRCODE = 'data_corrupted';
    END IF;
    -- What providers said of it in the meantime found nothing, and does now.
    UPDATE inbound_events i SET state = 'waiting', tries = 0, epoch = 0, next_at = transaction_timestamp(), done_at = NULL
      FROM erase_inbound(merchant, erase_members(merchant, subject), erase_attempts(merchant, erase_members(merchant, subject))) e
     WHERE i.merchant_id = merchant AND i.account_id = e.account_id AND i.event_id = e.event_id
       AND i.state IN ('waiting', 'dead', 'ignored') AND i.reason = 'unknown_reference';
    RETURN true;
END
$$;

REVOKE ALL ON FUNCTION erase_obstacle(uuid, uuid), archive_obstacle(uuid, uuid), archive_rows(uuid, uuid),
    archive_move(uuid, uuid, timestamptz, uuid, bytea, bytea),
    archive_take(uuid, uuid, timestamptz, text, bigint, bytea, uuid[], bytea[], bytea[]),
    archive_restore(uuid, uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_obstacle(uuid, uuid), archive_obstacle(uuid, uuid), archive_rows(uuid, uuid),
    archive_take(uuid, uuid, timestamptz, text, bigint, bytea, uuid[], bytea[], bytea[]),
    archive_restore(uuid, uuid, jsonb) TO turnpike_gateway;

-- ---- what finance sees --------------------------------------------------------------------------

CREATE OR REPLACE VIEW finance.payments WITH (security_barrier) AS
SELECT p.merchant_id,
       m.name AS merchant,
       p.livemode,
       finance.show_id('pay', p.payment_id) AS payment,
       p.payment_id,
       p.created_at,
       (p.created_at AT TIME ZONE 'UTC')::date AS booking_date,
       p.reference,
       p.try_number,
       p.method_type AS method,
       coalesce(e.status, 'processing') AS status,
       coalesce(e.created_at, p.created_at) AS status_at,
       p.currency,
       p.amount_minor * c.unit AS amount,
       p.amount_minor,
       coalesce(l.authorized, p.archived_authorized, 0) * c.unit AS amount_authorized,
       coalesce(l.authorized, p.archived_authorized, 0) AS amount_authorized_minor,
       coalesce(l.captured, p.archived_captured, 0) * c.unit AS amount_captured,
       coalesce(l.captured, p.archived_captured, 0) AS amount_captured_minor,
       coalesce(l.refunded, p.archived_refunded, 0) * c.unit AS amount_refunded,
       coalesce(l.refunded, p.archived_refunded, 0) AS amount_refunded_minor,
       (SELECT count(*) FROM public.attempts a
         WHERE a.merchant_id = p.merchant_id AND a.payment_id = p.payment_id) AS attempts,
       p.archived_at
FROM public.payments p
JOIN public.merchants m ON m.merchant_id = p.merchant_id
LEFT JOIN public.currencies c ON c.code = p.currency
LEFT JOIN public.payment_limits l
       ON l.merchant_id = p.merchant_id AND l.payment_id = p.payment_id
LEFT JOIN LATERAL (SELECT status, created_at FROM public.events v
                    WHERE v.merchant_id = p.merchant_id AND v.payment_id = p.payment_id
                    ORDER BY number DESC LIMIT 1) e ON true
WHERE p.kind = 'payment'
  AND p.merchant_id IN (SELECT merchant_id FROM public.finance_access
                         WHERE login = session_user);
COMMENT ON COLUMN finance.payments.attempts IS 'How many attempts are here: none of an archived payment.';
COMMENT ON COLUMN finance.payments.archived_at IS 'When its attempts were moved to a file (finance.archives); empty: they are here.';

CREATE OR REPLACE VIEW finance.transfers WITH (security_barrier) AS
SELECT t.merchant_id,
       finance.show_id('trf', t.transfer_id) AS transfer,
       finance.show_id(CASE a.operation WHEN 'payout' THEN 'pyt' ELSE 'pay' END, t.payment_id)
           AS payment,
       finance.show_id('att', t.attempt_id) AS attempt,
       t.transfer_id,
       t.payment_id,
       t.attempt_id,
       t.pending_id,
       t.created_at,
       (t.created_at AT TIME ZONE 'UTC')::date AS booking_date,
       t.kind,
       t.state,
       -- Of what is archived the account says it; entries of people, which no gateway wrote, have none.
       coalesce(a.provider, CASE WHEN t.writer_id <> '00000000-0000-0000-0000-000000000000'
           THEN substring(t.debit_account || ' ' || t.credit_account FROM 'provider:([^: ]+):') END) AS provider,
       t.debit_account,
       t.credit_account,
       t.currency,
       t.amount_minor * c.unit AS amount,
       t.amount_minor
FROM public.transfers t
LEFT JOIN public.attempts a ON a.merchant_id = t.merchant_id AND a.attempt_id = t.attempt_id
LEFT JOIN public.currencies c ON c.code = t.currency
WHERE t.merchant_id IN (SELECT merchant_id FROM public.finance_access
                         WHERE login = session_user);

-- Fees that were expected of what is archived stay with its payment.
CREATE OR REPLACE VIEW finance.fees_by_provider WITH (security_barrier) AS
WITH movements AS (
    SELECT f.merchant_id, d.day::date AS booking_date,
           coalesce(a.provider, substring(t.debit_account || ' ' || t.credit_account FROM 'provider:([^: ]+):')) AS provider, t.currency, t.payment_id, t.kind,
           CASE WHEN t.kind IN ('payment', 'payout') THEN t.amount_minor END AS gross_minor,
           CASE WHEN t.kind IN ('payment', 'payout') THEN coalesce(a.expected_fee_minor, (r.archived_fees::jsonb ->> t.attempt_id::text)::bigint) END
               AS expected_minor,
           CASE WHEN t.debit_account LIKE 'fees:%' THEN t.amount_minor
                WHEN t.credit_account LIKE 'fees:%' THEN -t.amount_minor END AS booked_minor
    FROM public.finance_access f
    CROSS JOIN LATERAL (SELECT j.transfer_id AS id FROM public.transfers j
                         WHERE j.merchant_id = f.merchant_id ORDER BY j.transfer_id LIMIT 1) first
    CROSS JOIN LATERAL (SELECT j.transfer_id AS id FROM public.transfers j
                         WHERE j.merchant_id = f.merchant_id ORDER BY j.transfer_id DESC LIMIT 1) last
    CROSS JOIN LATERAL generate_series((public.ledger_moment(first.id) AT TIME ZONE 'UTC')::date::timestamp,
                                       (public.ledger_moment(last.id) AT TIME ZONE 'UTC')::date::timestamp, '1 day') AS d (day)
    CROSS JOIN LATERAL (SELECT * FROM public.transfers j
                         WHERE j.merchant_id = f.merchant_id
                           AND j.transfer_id >= public.balance_moment(d.day AT TIME ZONE 'UTC')
                           AND j.transfer_id < public.balance_moment((d.day + interval '1 day') AT TIME ZONE 'UTC')
                           AND j.state = 'posted'
                        OFFSET 0) t
    LEFT JOIN LATERAL (SELECT v.attempt_id, v.provider, v.expected_fee_minor FROM public.attempts v
                         WHERE v.merchant_id = t.merchant_id AND v.attempt_id = t.attempt_id
                        OFFSET 0) a ON true
    LEFT JOIN LATERAL (SELECT p.archived_at, p.archived_fees FROM public.payments p
                        WHERE a.attempt_id IS NULL AND p.merchant_id = t.merchant_id AND p.payment_id = t.payment_id
                          AND p.archived_at IS NOT NULL
                       OFFSET 0) r ON true
    WHERE f.login = session_user AND (a.attempt_id IS NOT NULL OR r.archived_at IS NOT NULL)
), sums AS (
    SELECT merchant_id, booking_date, provider, currency,
           count(DISTINCT payment_id) FILTER (WHERE kind = 'payment') AS payments,
           count(DISTINCT payment_id) FILTER (WHERE kind = 'payout') AS payouts,
           coalesce(sum(gross_minor) FILTER (WHERE kind = 'payment'), 0) AS gross_minor,
           coalesce(sum(gross_minor) FILTER (WHERE kind = 'payout'), 0) AS paid_out_minor,
           coalesce(sum(expected_minor), 0) AS expected_minor,
           coalesce(sum(booked_minor), 0) AS booked_minor
    FROM movements
    GROUP BY merchant_id, booking_date, provider, currency
)
SELECT s.booking_date AS date,
       s.provider,
       s.currency,
       s.payments,
       s.gross_minor * c.unit AS gross,
       s.gross_minor,
       s.payouts,
       s.paid_out_minor * c.unit AS paid_out,
       s.paid_out_minor,
       s.expected_minor * c.unit AS fee_expected,
       s.expected_minor AS fee_expected_minor,
       s.booked_minor * c.unit AS fee_booked,
       s.booked_minor AS fee_booked_minor,
       s.merchant_id
FROM sums s
LEFT JOIN public.currencies c ON c.code = s.currency;

CREATE VIEW finance.archives WITH (security_barrier) AS
SELECT a.merchant_id, a.archive_id, a.created_at AS archived_at, a.author AS archived_by,
       finance.show_id('pay', a.first_id) AS first_payment, finance.show_id('pay', a.last_id) AS last_payment,
       a.payment_count AS payments, a.row_count AS rows, a.byte_count AS bytes
FROM public.archives a
WHERE a.merchant_id IN (SELECT merchant_id FROM public.finance_access WHERE login = session_user);
COMMENT ON VIEW finance.archives IS 'Files that hold attempts of old payments. The payments, their keys, transfers and balances are here as before; attempts, routes and costs per route of these payments are not.';
COMMENT ON COLUMN finance.archives.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.archives.archive_id IS 'The file, by its name.';
COMMENT ON COLUMN finance.archives.archived_at IS 'When.';
COMMENT ON COLUMN finance.archives.archived_by IS 'Who archived them, as they named themselves.';
COMMENT ON COLUMN finance.archives.first_payment IS 'The oldest payment in it.';
COMMENT ON COLUMN finance.archives.last_payment IS 'The newest payment in it.';
COMMENT ON COLUMN finance.archives.payments IS 'How many payments were moved to it; some may have been restored since.';
COMMENT ON COLUMN finance.archives.rows IS 'How many rows of attempts, sends, outcomes and limits.';
COMMENT ON COLUMN finance.archives.bytes IS 'The size of the file, in bytes.';
GRANT SELECT ON finance.archives TO turnpike_finance;

RESET ROLE;

-- migrate:down

DO $$ BEGIN
    IF EXISTS (SELECT FROM payments WHERE archived_at IS NOT NULL) THEN
        RAISE EXCEPTION 'restore what is archived first: turnpike archive --restore';
    END IF;
END $$;
DROP VIEW finance.archives;
CREATE OR REPLACE VIEW finance.fees_by_provider WITH (security_barrier) AS
WITH movements AS (
    SELECT f.merchant_id, d.day::date AS booking_date,
           a.provider, t.currency, t.payment_id, t.kind,
           CASE WHEN t.kind IN ('payment', 'payout') THEN t.amount_minor END AS gross_minor,
           CASE WHEN t.kind IN ('payment', 'payout') THEN a.expected_fee_minor END
               AS expected_minor,
           CASE WHEN t.debit_account LIKE 'fees:%' THEN t.amount_minor
                WHEN t.credit_account LIKE 'fees:%' THEN -t.amount_minor END AS booked_minor
    FROM public.finance_access f
    CROSS JOIN LATERAL (SELECT j.transfer_id AS id FROM public.transfers j
                         WHERE j.merchant_id = f.merchant_id ORDER BY j.transfer_id LIMIT 1) first
    CROSS JOIN LATERAL (SELECT j.transfer_id AS id FROM public.transfers j
                         WHERE j.merchant_id = f.merchant_id ORDER BY j.transfer_id DESC LIMIT 1) last
    CROSS JOIN LATERAL generate_series((public.ledger_moment(first.id) AT TIME ZONE 'UTC')::date::timestamp,
                                       (public.ledger_moment(last.id) AT TIME ZONE 'UTC')::date::timestamp, '1 day') AS d (day)
    CROSS JOIN LATERAL (SELECT * FROM public.transfers j
                         WHERE j.merchant_id = f.merchant_id
                           AND j.transfer_id >= public.balance_moment(d.day AT TIME ZONE 'UTC')
                           AND j.transfer_id < public.balance_moment((d.day + interval '1 day') AT TIME ZONE 'UTC')
                           AND j.state = 'posted'
                        OFFSET 0) t
    CROSS JOIN LATERAL (SELECT v.provider, v.expected_fee_minor FROM public.attempts v
                         WHERE v.merchant_id = t.merchant_id AND v.attempt_id = t.attempt_id
                        OFFSET 0) a
    WHERE f.login = session_user
), sums AS (
    SELECT merchant_id, booking_date, provider, currency,
           count(DISTINCT payment_id) FILTER (WHERE kind = 'payment') AS payments,
           count(DISTINCT payment_id) FILTER (WHERE kind = 'payout') AS payouts,
           coalesce(sum(gross_minor) FILTER (WHERE kind = 'payment'), 0) AS gross_minor,
           coalesce(sum(gross_minor) FILTER (WHERE kind = 'payout'), 0) AS paid_out_minor,
           coalesce(sum(expected_minor), 0) AS expected_minor,
           coalesce(sum(booked_minor), 0) AS booked_minor
    FROM movements
    GROUP BY merchant_id, booking_date, provider, currency
)
SELECT s.booking_date AS date,
       s.provider,
       s.currency,
       s.payments,
       s.gross_minor * c.unit AS gross,
       s.gross_minor,
       s.payouts,
       s.paid_out_minor * c.unit AS paid_out,
       s.paid_out_minor,
       s.expected_minor * c.unit AS fee_expected,
       s.expected_minor AS fee_expected_minor,
       s.booked_minor * c.unit AS fee_booked,
       s.booked_minor AS fee_booked_minor,
       s.merchant_id
FROM sums s
LEFT JOIN public.currencies c ON c.code = s.currency;
DROP VIEW finance.payments;
CREATE VIEW finance.payments WITH (security_barrier) AS
SELECT p.merchant_id,
       m.name AS merchant,
       p.livemode,
       finance.show_id('pay', p.payment_id) AS payment,
       p.payment_id,
       p.created_at,
       (p.created_at AT TIME ZONE 'UTC')::date AS booking_date,
       p.reference,
       p.try_number,
       p.method_type AS method,
       coalesce(e.status, 'processing') AS status,
       coalesce(e.created_at, p.created_at) AS status_at,
       p.currency,
       p.amount_minor * c.unit AS amount,
       p.amount_minor,
       coalesce(l.authorized, 0) * c.unit AS amount_authorized,
       coalesce(l.authorized, 0) AS amount_authorized_minor,
       coalesce(l.captured, 0) * c.unit AS amount_captured,
       coalesce(l.captured, 0) AS amount_captured_minor,
       coalesce(l.refunded, 0) * c.unit AS amount_refunded,
       coalesce(l.refunded, 0) AS amount_refunded_minor,
       (SELECT count(*) FROM public.attempts a
         WHERE a.merchant_id = p.merchant_id AND a.payment_id = p.payment_id) AS attempts
FROM public.payments p
JOIN public.merchants m ON m.merchant_id = p.merchant_id
LEFT JOIN public.currencies c ON c.code = p.currency
LEFT JOIN public.payment_limits l
       ON l.merchant_id = p.merchant_id AND l.payment_id = p.payment_id
LEFT JOIN LATERAL (SELECT status, created_at FROM public.events v
                    WHERE v.merchant_id = p.merchant_id AND v.payment_id = p.payment_id
                    ORDER BY number DESC LIMIT 1) e ON true
WHERE p.kind = 'payment'
  AND p.merchant_id IN (SELECT merchant_id FROM public.finance_access
                         WHERE login = session_user);
COMMENT ON COLUMN finance.payments.merchant_id IS
    'The merchant (a live merchant and its test twin are two).';
COMMENT ON COLUMN finance.payments.merchant IS 'Name of the merchant.';
COMMENT ON COLUMN finance.payments.livemode IS 'False for test money.';
COMMENT ON COLUMN finance.payments.payment IS 'The payments id as the API shows it.';
COMMENT ON COLUMN finance.payments.payment_id IS 'The same id as a UUID, for joins.';
COMMENT ON COLUMN finance.payments.created_at IS 'When the payment was asked for (UTC).';
COMMENT ON COLUMN finance.payments.booking_date IS 'The UTC day of created_at.';
COMMENT ON COLUMN finance.payments.reference IS
    'The merchants own reference, for instance an order number.';
COMMENT ON COLUMN finance.payments.try_number IS 'Which try under this reference, from 1.';
COMMENT ON COLUMN finance.payments.method IS 'Kind of payment method: card, wallet, test.';
COMMENT ON COLUMN finance.payments.status IS
    'processing, requires_action, authorized, succeeded, declined, failed, canceled or review.';
COMMENT ON COLUMN finance.payments.status_at IS 'Since when it has this status.';
COMMENT ON COLUMN finance.payments.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN finance.payments.amount IS 'Amount asked for, in major units.';
COMMENT ON COLUMN finance.payments.amount_minor IS 'Amount asked for, in minor units (cents).';
COMMENT ON COLUMN finance.payments.amount_authorized IS 'Authorized, in major units.';
COMMENT ON COLUMN finance.payments.amount_authorized_minor IS 'Authorized, in minor units.';
COMMENT ON COLUMN finance.payments.amount_captured IS 'Captured, in major units.';
COMMENT ON COLUMN finance.payments.amount_captured_minor IS 'Captured, in minor units.';
COMMENT ON COLUMN finance.payments.amount_refunded IS 'Refunded, in major units.';
COMMENT ON COLUMN finance.payments.amount_refunded_minor IS 'Refunded, in minor units.';
COMMENT ON COLUMN finance.payments.attempts IS 'How many attempts were made.';
COMMENT ON VIEW finance.payments IS
    'One row per payment that a merchant asked for, with its current status and sums.';
GRANT SELECT ON finance.payments TO turnpike_finance;
CREATE OR REPLACE VIEW finance.transfers WITH (security_barrier) AS
SELECT t.merchant_id,
       finance.show_id('trf', t.transfer_id) AS transfer,
       finance.show_id(CASE a.operation WHEN 'payout' THEN 'pyt' ELSE 'pay' END, t.payment_id)
           AS payment,
       finance.show_id('att', t.attempt_id) AS attempt,
       t.transfer_id,
       t.payment_id,
       t.attempt_id,
       t.pending_id,
       t.created_at,
       (t.created_at AT TIME ZONE 'UTC')::date AS booking_date,
       t.kind,
       t.state,
       a.provider,
       t.debit_account,
       t.credit_account,
       t.currency,
       t.amount_minor * c.unit AS amount,
       t.amount_minor
FROM public.transfers t
LEFT JOIN public.attempts a ON a.merchant_id = t.merchant_id AND a.attempt_id = t.attempt_id
LEFT JOIN public.currencies c ON c.code = t.currency
WHERE t.merchant_id IN (SELECT merchant_id FROM public.finance_access
                         WHERE login = session_user);
DROP FUNCTION archive_restore(uuid, uuid, jsonb);
DROP FUNCTION archive_take(uuid, uuid, timestamptz, text, bigint, bytea, uuid[], bytea[], bytea[]);
DROP FUNCTION archive_move(uuid, uuid, timestamptz, uuid, bytea, bytea);
DROP FUNCTION archive_rows(uuid, uuid);
DROP FUNCTION archive_obstacle(uuid, uuid);
DROP FUNCTION erase_obstacle(uuid, uuid);
ALTER FUNCTION open_obstacle(uuid, uuid) RENAME TO erase_obstacle;
CREATE OR REPLACE FUNCTION erase_members(merchant uuid, subject uuid) RETURNS uuid[]
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
CREATE OR REPLACE FUNCTION erase_attempts(merchant uuid, members uuid[]) RETURNS uuid[]
    LANGUAGE sql STABLE
BEGIN ATOMIC
SELECT coalesce(array_agg(a.attempt_id), '{}')
  FROM unnest(members) AS m (payment_id)
 CROSS JOIN LATERAL (SELECT t.attempt_id FROM attempts t
                      WHERE t.merchant_id = merchant AND t.payment_id = m.payment_id OFFSET 0) a;
END;
CREATE OR REPLACE FUNCTION erase_inbound(merchant uuid, members uuid[], attempt_ids uuid[])
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
DROP TABLE archives;
ALTER TABLE payments DROP CONSTRAINT payments_archive_check, DROP COLUMN archived_at, DROP COLUMN archive_id,
    DROP COLUMN archived_authorized, DROP COLUMN archived_captured, DROP COLUMN archived_refunded, DROP COLUMN archived_fees,
    DROP COLUMN archive_salt, DROP COLUMN archive_hash;
