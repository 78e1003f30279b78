-- Each verb is tried for real, by each role on each table and view: what the matrix does not have is refused, what it has
-- is not. Nothing stays: all is taken back.
SET search_path = tap, pg_catalog;
BEGIN;
CREATE FUNCTION pg_temp.tried(role text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        EXECUTE format('SET LOCAL ROLE %I', role);
        EXECUTE statement;
        RAISE EXCEPTION USING ERRCODE = 'TP001'; -- done: back
    EXCEPTION
        WHEN insufficient_privilege THEN RETURN 'refused';
        WHEN SQLSTATE 'TP001' THEN RETURN 'done';
        WHEN wrong_object_type OR object_not_in_prerequisite_state OR feature_not_supported THEN RETURN 'refused'; -- a view that nobody can write
        WHEN OTHERS THEN RETURN 'done'; -- allowed, and wrong for another reason
    END;
END $$;
CREATE TEMP TABLE tries AS
SELECT a.attname AS first_column, r.shown, r.name AS role, c.oid::regclass::text AS object, n.nspname || '.' || c.relname AS name, v.verb,
       CASE v.verb WHEN 'SELECT' THEN format('SELECT * FROM %s WHERE false', c.oid::regclass)
                   WHEN 'INSERT' THEN format('INSERT INTO %s SELECT * FROM %s WHERE false', c.oid::regclass, c.oid::regclass)
                   WHEN 'UPDATE' THEN format('UPDATE %s SET %I = NULL', c.oid::regclass, a.attname)
                   WHEN 'DELETE' THEN format('DELETE FROM %s WHERE false', c.oid::regclass)
                   ELSE format('TRUNCATE %s', c.oid::regclass) END AS statement
FROM (VALUES ('PUBLIC', 'nobody_at_all'), ('turnpike_gateway', 'turnpike_gateway'), ('turnpike_finance', 'turnpike_finance'),
             ('login-of-finance', 'ada')) r (shown, name)
CROSS JOIN pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = (SELECT min(x.attnum) FROM pg_attribute x WHERE x.attrelid = c.oid AND x.attnum > 0 AND NOT x.attisdropped)
CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE')) v (verb)
WHERE n.nspname IN ('public', 'finance') AND c.relkind IN ('r', 'v')
  AND NOT (c.relkind = 'v' AND v.verb = 'TRUNCATE');
SELECT plan(count(*)::integer) FROM tries;
SELECT is(pg_temp.tried(t.role, t.statement),
          CASE WHEN EXISTS (SELECT FROM expected e WHERE split_part(e.line, ' ', 1) = t.shown AND split_part(e.line, ' ', 2) = t.name
                               AND (t.verb = ANY (string_to_array(split_part(e.line, ' ', 3), ','))
                                    OR (t.verb = 'UPDATE' AND split_part(e.line, ' ', 3) ~ ('^UPDATE\((.*,)?' || t.first_column || '[,)]'))))
               THEN 'done' ELSE 'refused' END,
          t.shown || ' ' || t.verb || ' ' || t.name)
FROM tries t;
SELECT * FROM finish();
ROLLBACK;
