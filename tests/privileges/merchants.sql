-- ada reads the books of merchant a and none of merchant b's rows, whatever she sets, calls or makes up.
-- She may make temporary tables and functions here, which no login may: the worst case.
GRANT TEMPORARY ON DATABASE turnpike TO ada;
\connect - ada
SET search_path = tap, pg_catalog;
\set a '0a0a0a0a-0a0a-7a0a-8a0a-0a0a0a0a0a0a'
\set b '0b0b0b0b-0b0b-7b0b-8b0b-0b0b0b0b0b0b'
BEGIN;

CREATE TEMP TABLE views AS
SELECT c.oid::regclass::text AS name
FROM pg_catalog.pg_class c
WHERE c.relnamespace = 'finance'::regnamespace AND c.relkind = 'v'
  AND EXISTS (SELECT FROM pg_catalog.pg_attribute x WHERE x.attrelid = c.oid AND x.attname = 'merchant_id');
-- What takes a merchant, or reads for all that the login sees.
CREATE TEMP TABLE calls (number integer, statement text);
INSERT INTO calls VALUES
    (1, $$finance.trial_balance('infinity')$$), (2, $$finance.trial_balance('infinity', 'effective')$$),
    (3, $$finance.balance('merchant:sales')$$), (4, $$finance.account_statement('merchant:sales', '-infinity')$$),
    (5, $$finance.day_book((now() AT TIME ZONE 'UTC')::date - 3)$$), (6, $$finance.aging('infinity')$$),
    (7, $$finance.success_and_cost_by_route('-infinity')$$), (8, $$finance.statement('0a0a0a0a-0a0a-7a0a-8a0a-0a0a0a0a0a0a')$$);

-- A cheap function that tells of every row it is shown: what a barrier must keep from seeing others'.
CREATE FUNCTION pg_temp.spy(shown text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
    IF shown ~ '0b0b0b0b|merchant-b|main-b|till-b|of":"b' THEN
        RAISE EXCEPTION 'seen: %', shown;
    END IF;
    RETURN true;
END $$;
-- How many rows of another merchant can be read under a setting: as text, so that an error is no row. NULL: it cannot be set.
CREATE FUNCTION pg_temp.foreign_under(setting text, value text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v     record;
    found bigint;
    total bigint := 0;
BEGIN
    BEGIN
        PERFORM set_config(setting, value, true);
        FOR v IN SELECT name FROM pg_temp.views UNION ALL SELECT statement FROM pg_temp.calls LOOP
            BEGIN
                EXECUTE format('SELECT count(*) FROM %s x WHERE merchant_id <> ''0a0a0a0a-0a0a-7a0a-8a0a-0a0a0a0a0a0a''', v.name) INTO found;
                total := total + found;
            EXCEPTION WHEN query_canceled THEN NULL;
                      WHEN OTHERS THEN NULL;
            END;
        END LOOP;
        RAISE EXCEPTION USING ERRCODE = 'TP001';
    EXCEPTION WHEN query_canceled THEN RETURN total;
              WHEN SQLSTATE 'TP001' THEN RETURN total;
              WHEN OTHERS THEN RETURN NULL;
    END;
END $$;
CREATE TEMP TABLE settings AS
SELECT s.name, v.value
FROM pg_catalog.pg_settings s
CROSS JOIN LATERAL (
    SELECT unnest(CASE s.vartype WHEN 'bool' THEN ARRAY['on', 'off'] WHEN 'enum' THEN s.enumvals
                                 WHEN 'string' THEN ARRAY['', 'public', 'pg_temp', 'bob', 'postgres', 'turnpike_owner']
                                 ELSE ARRAY[s.min_val, s.max_val] END) AS value) v
WHERE s.context = 'user' AND s.name NOT IN ('client_encoding', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'statement_timeout', 'lock_timeout', 'exit_on_error')
UNION ALL
VALUES ('role', 'turnpike_finance'), ('role', 'turnpike_owner'), ('role', 'bob'), ('session_authorization', 'bob'), ('session_authorization', 'postgres'),
       ('search_path', 'pg_temp, public, finance'), ('turnpike.login', 'bob'), ('session_user', 'bob'), ('is_superuser', 'on');

SELECT plan((3 * (SELECT count(*) FROM views) + 3 * (SELECT count(*) FROM calls) + (SELECT count(*) FROM settings) + 23)::integer);

-- She sees a's.
SELECT isnt_empty('SELECT FROM ' || name, 'something is seen in ' || name) FROM views;
SELECT isnt_empty('SELECT FROM ' || statement, 'something is seen in ' || statement) FROM calls;
-- And nothing of b, not even while the rows are looked through.
SELECT lives_ok(format('SELECT count(*) FROM %s x WHERE pg_temp.spy(x::text)', name), 'no foreign row is shown to a condition of ' || name) FROM views;
SELECT lives_ok(format('SELECT count(*) FROM %s x WHERE pg_temp.spy(x::text)', statement), 'no foreign row is shown to a condition of ' || statement) FROM calls;
SELECT lives_ok(format('SELECT count(*) FROM %s x WHERE 1 / (merchant_id <> %L)::integer = 1', name, :'b'), 'no error tells of a foreign row in ' || name) FROM views;
SELECT lives_ok(format('SELECT count(*) FROM %s x WHERE 1 / (merchant_id <> %L)::integer = 1', statement, :'b'), 'no error tells of a foreign row in ' || statement) FROM calls;
-- Whatever she sets.
SELECT ok(coalesce(pg_temp.foreign_under(name, value), 0) = 0, name || ' = ' || value) FROM settings;

-- What names b's merchant, or something of b's under her own.
SELECT is_empty(format('SELECT * FROM finance.statement(%L)', :'b'), 'a statement of another merchant');
SELECT is_empty(format('SELECT * FROM finance.account_statement(''merchant:sales'', ''-infinity'', merchant => %L)', :'b'), 'an account of another merchant');
SELECT is_empty(format('SELECT * FROM finance.day_book((now() AT TIME ZONE ''UTC'')::date - 3, %L)', :'b'), 'a day of another merchant');
SELECT is_empty('SELECT * FROM finance.balance(''user:till-b'')', 'a balance of another merchant''s account');
SELECT throws_ok(format('SELECT finance.open_account(%L, ''user:x'', ''asset'', ''x'')', :'b'), '42501', NULL, 'an account is opened');
SELECT throws_ok(format($$SELECT finance.propose_entry(%L, 'entry', '[{"debit": "suspense", "credit": "merchant:sales", "amount_minor": 1, "currency": "EUR"}]', 'because')$$, :'b'), '42501', NULL, 'an entry is proposed');
SELECT throws_ok(format('SELECT finance.decide_entry(%L, %L, true)', :'b', overlay(:'b' PLACING 'acc0' FROM 10)), '42501', NULL, 'an entry is decided');
SELECT throws_ok(format('SELECT finance.close_period(%L, now(), ''because'')', :'b'), '42501', NULL, 'a period is closed');
SELECT throws_ok(format('SELECT finance.propose_correction(%L, gen_random_uuid(), ''because'')', :'b'), '42501', NULL, 'a correction is proposed');
SELECT throws_ok(format('SELECT finance.decide_entry(%L, %L, true)', :'a', overlay(:'b' PLACING 'acc0' FROM 10)), '22023', NULL, 'another''s entry under one''s own merchant');
SELECT throws_ok(format($$SELECT finance.propose_entry(%L, 'fee', json_build_array(json_build_object('debit', 'fees:other', 'credit', 'provider:paypal:' || finance.show_id('acc', overlay(%L::text PLACING 'acc0' FROM 10)::uuid) || ':pending', 'amount_minor', 1, 'currency', 'EUR'))::jsonb, 'because')$$, :'a', :'b'),
                 '22023', NULL, 'another''s account at a provider under one''s own merchant');

-- Names of her own before those that the views mean.
CREATE TABLE pg_temp.finance_access AS SELECT 'ada'::text AS login, :'b'::uuid AS merchant_id;
CREATE TABLE pg_temp.merchants AS SELECT :'b'::uuid AS merchant_id;
CREATE FUNCTION pg_temp.finance_merchants() RETURNS SETOF uuid LANGUAGE sql AS $$SELECT '0b0b0b0b-0b0b-7b0b-8b0b-0b0b0b0b0b0b'::uuid$$;
SELECT is(pg_temp.foreign_under('search_path', 'pg_temp, finance, public, pg_catalog'), 0::bigint, 'tables and functions of her own shadow nothing');

-- The tables and what is known about them.
SELECT throws_ok('SELECT * FROM public.payments', '42501', NULL, 'the tables are closed');
SELECT throws_ok('SELECT * FROM public.finance_access', '42501', NULL, 'who sees what is closed');
SELECT throws_ok('COPY (SELECT 1) TO ''/tmp/turnpike-never''', '42501', NULL, 'no file is written');
SELECT throws_ok('COPY (SELECT 1) TO PROGRAM ''true''', '42501', NULL, 'no program is run');
SELECT throws_ok('SELECT pg_read_file(''postgresql.conf'')', '42501', NULL, 'no file is read');
SELECT throws_ok('SET SESSION AUTHORIZATION bob', NULL, NULL, 'nobody becomes another');
SELECT throws_ok('SET ROLE turnpike_owner', '42501', NULL, 'nor the owner');
SELECT throws_ok('SELECT public.balance_before(''0b0b0b0b-0b0b-7b0b-8b0b-0b0b0b0b0b0b'', ''ffffffff-ffff-ffff-ffff-ffffffffffff'')', '42501', NULL, 'inner functions are closed');
SELECT is_empty('SELECT FROM pg_catalog.pg_stats WHERE schemaname IN (''public'', ''finance'')', 'no statistics of columns');
SELECT is_empty('SELECT FROM pg_catalog.pg_stat_activity WHERE usename <> session_user AND query NOT IN ('''', ''<insufficient privilege>'')', 'no queries of others');
SELECT throws_ok('CREATE TABLE finance.mine (a integer)', '42501', NULL, 'nothing is left where others look');
SELECT * FROM finish();
ROLLBACK;
