-- tap.actual: every privilege of every role that is not the owner's, one line each, as the catalog has it. "PUBLIC" is
-- what a login has that was given nothing.
CREATE VIEW tap.actual AS
WITH roles (shown, name) AS (
    VALUES ('PUBLIC', 'nobody_at_all'), ('turnpike_gateway', 'turnpike_gateway'), ('turnpike_finance', 'turnpike_finance'),
           ('login-of-finance', 'ada')
), relations AS (
    SELECT c.oid, n.nspname || '.' || c.relname AS name, c.relkind
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'finance') AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
), verbs (place, verb) AS (
    VALUES (1, 'SELECT'), (2, 'INSERT'), (3, 'UPDATE'), (4, 'DELETE'), (5, 'TRUNCATE'), (6, 'REFERENCES'), (7, 'TRIGGER')
), tables AS (
    SELECT r.shown, t.name, string_agg(v.verb, ',' ORDER BY v.place) AS verbs
    FROM roles r CROSS JOIN relations t CROSS JOIN verbs v
    WHERE has_table_privilege(r.name, t.oid, v.verb)
    GROUP BY r.shown, t.name
), columns AS (
    SELECT r.shown, t.name, v.verb || '(' || string_agg(a.attname, ',' ORDER BY a.attname COLLATE "C") || ')' AS verbs
    FROM roles r CROSS JOIN relations t CROSS JOIN verbs v
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE v.verb IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') AND NOT has_table_privilege(r.name, t.oid, v.verb)
      AND has_column_privilege(r.name, t.oid, a.attnum, v.verb)
    GROUP BY r.shown, t.name, v.verb
)
SELECT shown || ' ' || name || ' ' || verbs AS line FROM tables
UNION ALL
SELECT shown || ' ' || name || ' ' || verbs FROM columns
UNION ALL
SELECT r.shown || ' function ' || n.nspname || '.' || p.proname || '(' || replace(pg_get_function_identity_arguments(p.oid), ', ', ',') || ')'
       || CASE WHEN p.prosecdef THEN ' EXECUTE as owner' ELSE ' EXECUTE' END
FROM roles r CROSS JOIN pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('public', 'finance') AND has_function_privilege(r.name, p.oid, 'EXECUTE')
  AND has_schema_privilege(r.name, n.oid, 'USAGE')
UNION ALL
SELECT r.shown || ' schema ' || s.name || ' ' || v.verb
FROM roles r CROSS JOIN (VALUES ('public'), ('finance')) s (name) CROSS JOIN (VALUES ('USAGE'), ('CREATE')) v (verb)
WHERE has_schema_privilege(r.name, s.name, v.verb)
UNION ALL
SELECT r.shown || ' database ' || v.verb
FROM roles r CROSS JOIN (VALUES ('CONNECT'), ('CREATE'), ('TEMPORARY')) v (verb)
WHERE has_database_privilege(r.name, current_database(), v.verb)
UNION ALL
SELECT r.shown || ' is ' || x.what
FROM roles r JOIN pg_roles p ON p.rolname = r.name
CROSS JOIN LATERAL (VALUES ('superuser', p.rolsuper), ('may create roles', p.rolcreaterole), ('may create databases', p.rolcreatedb),
                           ('replication', p.rolreplication), ('above row security', p.rolbypassrls)) x (what, so)
WHERE x.so
UNION ALL
SELECT r.shown || ' member of ' || m.rolname
FROM roles r JOIN pg_roles m ON m.rolname <> r.name AND pg_has_role(r.name, m.oid, 'MEMBER');
