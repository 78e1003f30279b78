-- The rules of the schema, asked of the catalog. Each row that comes back is a violation.
--
--     psql -X -A -t -f tests/lint/catalog.sql DATABASE
--
-- House tables belong to no tenant: they are read before a merchant is known, or by the gateway alone.
WITH house (name) AS (
    VALUES ('merchants'), ('api_keys'), ('directory_version'), ('finance_access'), ('currencies'), ('account_kinds'), ('entry_kinds'),
           ('writers'), ('writer_numbers'), ('batches'), ('schema_migrations'), ('ended_sessions'), ('audit'), ('audit_ends')
), tables AS (
    SELECT c.oid, c.relname AS name, c.relname IN (SELECT name FROM house) AS is_house, c.relowner
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
), indexes AS (
    SELECT t.name AS table_name, t.is_house, i.indexrelid::regclass::text AS name, i.indisunique,
           am.amname,
           (SELECT a.attname FROM pg_attribute a
             WHERE a.attrelid = t.oid AND a.attnum = i.indkey[0]) AS first_column
    FROM tables t
    JOIN pg_index i ON i.indrelid = t.oid
    JOIN pg_class ic ON ic.oid = i.indexrelid
    JOIN pg_am am ON am.oid = ic.relam
)
SELECT 'table ' || t.name || ' has no merchant_id uuid NOT NULL' AS violation
FROM tables t
WHERE NOT t.is_house AND NOT EXISTS (
    SELECT FROM pg_attribute a
    WHERE a.attrelid = t.oid AND a.attname = 'merchant_id' AND a.atttypid = 'uuid'::regtype
      AND a.attnotnull)
UNION ALL
SELECT 'table ' || t.name || ' has no primary key'
FROM tables t
WHERE NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t.oid AND i.indisprimary)
UNION ALL
-- Ranges of time (BRIN) and the small queues of what is not yet known are looked through for all tenants;
-- the account in a webhook's address is looked for before its tenant is known.
SELECT 'index ' || i.name || ' of ' || i.table_name || ' does not lead with merchant_id'
FROM indexes i
WHERE NOT i.is_house AND i.first_column IS DISTINCT FROM 'merchant_id'
  AND (i.indisunique OR (i.amname <> 'brin'
                         AND i.name NOT IN ('unresolved_lane', 'payout_orders_settle', 'reviews_due',
                                            'accounts_id', 'backtests_due', 'level_checks_due', 'process_open_due', 'report_runs_due', 'report_runs_kept')))
UNION ALL
SELECT 'foreign key ' || c.conname || ' of ' || t.name || ' does not lead with merchant_id'
FROM tables t
JOIN pg_constraint c ON c.conrelid = t.oid AND c.contype = 'f'
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[1]
WHERE NOT t.is_house AND a.attname <> 'merchant_id'
UNION ALL
SELECT 'constraint ' || c.conname || ' is deferrable'
FROM pg_constraint c
WHERE c.connamespace = 'public'::regnamespace AND c.condeferrable
UNION ALL
SELECT 'column ' || t.name || '.' || a.attname || ' takes a default from a sequence'
FROM tables t
JOIN pg_attribute a ON a.attrelid = t.oid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval%'
UNION ALL
SELECT 'sequence ' || c.relname || ' exists'
FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S'
UNION ALL
SELECT 'trigger ' || g.tgname || ' exists on ' || t.name
FROM tables t
JOIN pg_trigger g ON g.tgrelid = t.oid
WHERE NOT g.tgisinternal
UNION ALL
SELECT 'type ' || y.typname || ' is an enum or a domain'
FROM pg_type y
WHERE y.typnamespace = 'public'::regnamespace AND y.typtype IN ('e', 'd')
UNION ALL
SELECT 'column ' || t.name || '.' || a.attname || ' is of type ' || a.atttypid::regtype
FROM tables t
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE t.name <> 'schema_migrations'
  AND a.atttypid::regtype::text NOT IN ('uuid', 'text', 'bigint', 'integer', 'boolean', 'bytea',
                                        'timestamp with time zone', 'numeric')
  -- Transactions are told apart by their own types, in the one table that does.
  AND NOT (t.name = 'balance_marks' AND a.atttypid::regtype::text IN ('xid8', 'pg_snapshot'))
UNION ALL
SELECT 'column ' || t.name || '.' || a.attname || ' is numeric: money is bigint minor units'
FROM tables t
JOIN pg_attribute a ON a.attrelid = t.oid AND a.atttypid = 'numeric'::regtype
WHERE t.name <> 'currencies'
UNION ALL
SELECT 'table ' || t.name || ' does not belong to turnpike_owner'
FROM tables t
WHERE t.relowner <> 'turnpike_owner'::regrole AND t.name <> 'schema_migrations'
UNION ALL
-- What may change in place is listed here and nowhere else.
SELECT 'turnpike_gateway may ' || p.privilege || ' ' || t.name
FROM tables t
CROSS JOIN (VALUES ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('REFERENCES'), ('TRIGGER'))
           AS p (privilege)
WHERE has_table_privilege('turnpike_gateway', t.oid, p.privilege)
  AND (t.name, p.privilege) NOT IN (
      ('payment_limits', 'UPDATE'), ('unresolved', 'UPDATE'), ('unresolved', 'DELETE'),
      ('writers', 'UPDATE'), ('writer_numbers', 'UPDATE'), ('token_budget', 'UPDATE'), ('merchants', 'UPDATE'), ('api_keys', 'UPDATE'),
      ('accounts', 'UPDATE'), ('directory_version', 'UPDATE'), ('payout_orders', 'UPDATE'),
      ('balance_bounds', 'DELETE'), ('balance_pages', 'DELETE'),
      ('payout_batches', 'UPDATE'), ('reviews', 'UPDATE'), ('balance_marks', 'UPDATE'), ('balance_snapshots', 'UPDATE'),
      ('hook_endpoints', 'UPDATE'), ('hook_secrets', 'UPDATE'), ('hook_deliveries', 'UPDATE'),
      ('host_health', 'UPDATE'), ('host_health', 'DELETE'), ('rule_tallies', 'UPDATE'),
      ('backtests', 'UPDATE'), ('backtests', 'DELETE'), ('report_runs', 'UPDATE'), ('ended_sessions', 'DELETE'),
      ('level_spans', 'UPDATE'), ('level_spans', 'DELETE'), ('level_checks', 'UPDATE'), ('level_checks', 'DELETE'),
      ('level_days', 'UPDATE'), ('level_days', 'DELETE'), ('level_costs', 'UPDATE'), ('level_costs', 'DELETE'),
      ('level_fees', 'UPDATE'), ('level_fees', 'DELETE'), ('provider_minutes', 'DELETE'),
      ('process_spans', 'UPDATE'), ('process_open', 'UPDATE'), ('process_open', 'DELETE'), ('process_hours', 'DELETE'))
UNION ALL
SELECT 'turnpike_gateway may update ' || t.name || '.' || a.attname
FROM tables t
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE NOT has_table_privilege('turnpike_gateway', t.oid, 'UPDATE')
  AND has_column_privilege('turnpike_gateway', t.oid, a.attnum, 'UPDATE')
  AND (t.name, a.attname) NOT IN (
      ('payments', 'customer'), ('payments', 'metadata'), ('payments', 'routing'),
      ('payments', 'tokens_sealed'),
      ('sends', 'body_sealed'), ('account_holds', 'ended_at'), ('account_holds', 'ended_by'),
      ('inbound_events', 'next_at'), ('inbound_events', 'done_at'), ('inbound_events', 'epoch'),
      ('inbound_events', 'tries'), ('inbound_events', 'state'), ('inbound_events', 'reason'),
      ('seal_late', 'number'))
UNION ALL
SELECT 'turnpike_finance may ' || p.privilege || ' ' || t.name
FROM tables t
CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS p (privilege)
WHERE has_table_privilege('turnpike_finance', t.oid, p.privilege)
UNION ALL
SELECT 'view finance.' || c.relname || ' is no security barrier, or not its owner''s'
FROM pg_class c
WHERE c.relnamespace = 'finance'::regnamespace AND c.relkind = 'v'
  AND (c.relowner <> 'turnpike_owner'::regrole
       OR NOT coalesce('security_barrier=true' = ANY (c.reloptions), false)
       OR coalesce('security_invoker=true' = ANY (c.reloptions), false))
UNION ALL
SELECT 'view finance.' || c.relname || coalesce('.' || a.attname, '') || ' has no comment'
FROM pg_class c
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'finance'::regnamespace AND c.relkind = 'v'
  AND (obj_description(c.oid) IS NULL OR col_description(c.oid, a.attnum) IS NULL);
