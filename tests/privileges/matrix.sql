-- The catalog says of every role, object and verb what matrix.txt says, and nothing else.
SET search_path = tap, pg_catalog;
BEGIN;
SELECT plan(4);
SELECT is_empty('SELECT line FROM actual EXCEPT SELECT line FROM expected', 'nobody may what matrix.txt does not have');
SELECT is_empty('SELECT line FROM expected EXCEPT SELECT line FROM actual', 'all that matrix.txt has is granted');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace IN ('public'::regnamespace, 'finance'::regnamespace)
    AND c.relkind IN ('r', 'v') AND pg_get_userbyid(c.relowner) <> 'turnpike_owner' AND c.relname <> 'schema_migrations'$$,
    'everything belongs to the owner''s role');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace IN ('public'::regnamespace, 'finance'::regnamespace)
    AND p.prosqlbody IS NULL AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search\_path=%')$$,
    'every function finds its names where its owner wrote them, whoever calls it');
SELECT * FROM finish();
ROLLBACK;
