-- migrate:up

-- Roles live in the whole cluster, so they may be there already (another database, or an operator who
-- made them by hand with a password). turnpike_gateway gets its LOGIN from whoever sets the server up.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'turnpike_owner') THEN
        CREATE ROLE turnpike_owner NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'turnpike_gateway') THEN
        CREATE ROLE turnpike_gateway NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'turnpike_finance') THEN
        CREATE ROLE turnpike_finance NOLOGIN;
    END IF;
    IF NOT pg_has_role(current_user, 'turnpike_owner', 'MEMBER') THEN
        EXECUTE format('GRANT turnpike_owner TO %I', current_user);
    END IF;
END
$$;

-- Finance logins must not even see the names of the base tables.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO turnpike_owner;
GRANT USAGE ON SCHEMA public TO turnpike_gateway;
CREATE SCHEMA finance AUTHORIZATION turnpike_owner;

-- Read only means no temporary tables either.
DO $$
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END
$$;

-- The gateway compares the schema with what it expects before it says that it is ready.
DO $$
BEGIN
    IF to_regclass('public.schema_migrations') IS NOT NULL THEN
        GRANT SELECT ON public.schema_migrations TO turnpike_gateway;
    END IF;
END
$$;

-- migrate:down

DROP SCHEMA finance;
GRANT USAGE ON SCHEMA public TO PUBLIC;
REVOKE ALL ON SCHEMA public FROM turnpike_owner, turnpike_gateway;
