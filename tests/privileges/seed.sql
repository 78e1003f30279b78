-- Two merchants with the same life each; ada reads the books of the first, and may propose and approve there.
SET search_path = public, pg_catalog;
CREATE FUNCTION tap.seed(m uuid, letter text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    acc  uuid := overlay(m::text PLACING 'acc0' FROM 10)::uuid;
    pay  uuid;
    att  uuid;
    kind text;
    n    integer := 0;
BEGIN
    INSERT INTO merchants (merchant_id, name, livemode, country, disabled, created_at) VALUES (m, 'merchant-' || letter, true, 'DE', false, now());
    INSERT INTO accounts (merchant_id, account_id, provider, name, base_url, secret_ref, created_at) VALUES (m, acc, 'paypal', 'main-' || letter, '', '', now());
    INSERT INTO price_tables VALUES (m, sha256(convert_to('{"of":"' || letter || '"}', 'UTF8')), now(), 'fees', letter, '{"of":"' || letter || '"}');
    FOREACH kind IN ARRAY ARRAY['payment', 'capture', 'payout'] LOOP
        n := n + 1;
        pay := overlay(overlay(m::text PLACING substr(balance_floor(now() - interval '3 days')::text, 1, 13) FROM 1) PLACING lpad(n::text, 4, '0') FROM 20)::uuid;
        att := overlay(pay::text PLACING 'a' FROM 25)::uuid;
        INSERT INTO payments (merchant_id, payment_id, writer_id, created_at, amount_minor, batch_no, try_number, kind, method_type, currency,
                              livemode, reference, country, capture_automatic, key, parent_id)
        VALUES (m, pay, m, now() - interval '3 days', 1000, 1, 1, kind, 'card', 'EUR', true, letter || n, 'DE', true, letter,
                CASE kind WHEN 'capture' THEN overlay(pay::text PLACING '0001' FROM 20)::uuid END);
        INSERT INTO attempts (merchant_id, payment_id, attempt_id, account_id, writer_id, created_at, amount_minor, expected_fee_minor, batch_no,
                              number, operation, provider, currency, decision, token_hash)
        VALUES (m, pay, att, acc, m, now() - interval '3 days', 1000, 30, 1, 1, CASE kind WHEN 'payment' THEN 'sale' ELSE kind END, 'paypal', 'EUR',
                json_build_object('rule', letter, 'rule_set', 'ff', 'candidates', json_build_array(
                    json_build_object('provider', 'paypal', 'account', 'main-' || letter, 'kept', true, 'expected_fee', 30, 'fees', encode(sha256(convert_to('{"of":"' || letter || '"}', 'UTF8')), 'hex')))), '');
        INSERT INTO outcomes (merchant_id, attempt_id, created_at, fee_minor, elapsed_us, number, send_number, http_status, send_left, outcome,
                              code, reason, reference, facts, debug_id)
        VALUES (m, att, now() - interval '3 days', 30, 1000, 1, 1, 200, true, 'approved', letter, '', letter, '', letter);
        INSERT INTO events (merchant_id, payment_id, event_id, attempt_id, writer_id, created_at, batch_no, number, type, status, data)
        VALUES (m, pay, att, att, m, now() - interval '3 days', 1, 1, kind || '.succeeded', 'succeeded', '{}');
        INSERT INTO payment_limits (merchant_id, payment_id, authorized, captured, capture_open, refunded, refund_open, currency)
        VALUES (m, pay, 1000, 1000, 0, 0, 0, 'EUR');
        INSERT INTO transfers (merchant_id, transfer_id, payment_id, attempt_id, writer_id, created_at, amount_minor, batch_no, state, debit_account,
                               credit_account, currency, kind)
        SELECT m, overlay(pay::text PLACING v.mark FROM 25)::uuid, pay, att, m, now() - interval '3 days', v.minor, 1, 'posted', v.debit, v.credit, 'EUR', v.kind
        FROM (VALUES ('d', 1000, 'provider:paypal:' || finance.show_id('acc', acc) || ':pending', 'merchant:sales', 'payment'),
                     ('e', 30, 'fees:payment', 'provider:paypal:' || finance.show_id('acc', acc) || ':pending', 'fee')) v (mark, minor, debit, credit, kind);
    END LOOP;
    INSERT INTO unresolved (merchant_id, attempt_id, payment_id, account_id, provider, next_at, lease_until, epoch, tries, reason, parked_at)
    SELECT m, t.attempt_id, t.payment_id, acc, 'paypal', now() - interval '1 day', now() - interval '1 day', 1, 1, 'main-' || letter, now() - interval '2 days'
    FROM attempts t WHERE t.merchant_id = m ORDER BY t.attempt_id LIMIT 1;
    INSERT INTO archives VALUES (m, acc, acc, acc, now(), 1, 1, 1, letter, decode(repeat('00', 32), 'hex'));
    INSERT INTO audit VALUES (acc, m, acc, NULL, now(), 0, 'operator', 'main-' || letter, 'refundPayment', 'of' || letter, '', '', '{"of":"' || letter || '"}');
    INSERT INTO audit_ends VALUES (acc, now(), 201, 'done', '', 'main-' || letter, 'succeeded');
    INSERT INTO erasures VALUES (m, acc, acc, now(), 'payment', 'payment', letter, 'because of ' || letter, NULL, '{}');
    INSERT INTO ledger_accounts VALUES (m, now(), 'user:till-' || letter, 'asset', letter, letter);
    INSERT INTO ledger_entries VALUES (m, acc, now(), now(), 'entry', 'because of ' || letter, letter, letter);
    INSERT INTO ledger_entry_lines (merchant_id, entry_id, amount_minor, number, leg, debit_account, credit_account, currency)
    VALUES (m, acc, 500, 1, 'gross', 'user:till-' || letter, 'merchant:sales', 'EUR');
    INSERT INTO ledger_periods VALUES (m, now() - interval '10 days', now(), letter, 'closed by ' || letter);
    INSERT INTO report_runs (merchant_id, period_from, period_to, begun_at, next_at, epoch, row_count, byte_count, tries, name, period, what, state, file, host, error)
    VALUES (m, now() - interval '2 hours', now() - interval '1 hour', now(), now(), 1, 0, 0, 1, 'main-' || letter, 'hour', 'csv', 'failed', 'main-' || letter, letter, '');
    INSERT INTO ledger_period_sums VALUES (m, now() - interval '10 days', 7, 0, 'bank:' || letter, 'EUR');
END $$;
SELECT tap.seed('0a0a0a0a-0a0a-7a0a-8a0a-0a0a0a0a0a0a', 'a'), tap.seed('0b0b0b0b-0b0b-7b0b-8b0b-0b0b0b0b0b0b', 'b');
SELECT roll_balances(8, 100000), number_accounts(8);
INSERT INTO finance_access (login, merchant_id, may_propose, may_approve) VALUES
    ('ada', '0a0a0a0a-0a0a-7a0a-8a0a-0a0a0a0a0a0a', true, true), ('bob', '0b0b0b0b-0b0b-7b0b-8b0b-0b0b0b0b0b0b', true, true);
GRANT USAGE ON SCHEMA tap TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA tap TO PUBLIC;
