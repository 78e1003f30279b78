-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- How often a card was declined, by its token (HMAC): card networks limit how often it may be tried again.
-- Written only by declines, read by one probe of its key when a payment is opened. Live money alone: test
-- money never reaches a network.
CREATE TABLE token_budget (
    merchant_id  uuid NOT NULL,
    token_hash   bytea NOT NULL CHECK (length(token_hash) = 32),
    forbidden_at timestamptz,          -- the network or the issuer says: never again
    updated_at   timestamptz NOT NULL,
    most         integer NOT NULL CHECK (most BETWEEN 1 AND 35), -- declines within 30 days
    declines     bytea NOT NULL,       -- the newest 35: microseconds, 8 bytes each
    PRIMARY KEY (merchant_id, token_hash)
) WITH (fillfactor = 70);

-- Is the `most` newest decline one of the last 30 days? They stand in order; big-endian bytes sort as numbers.
CREATE FUNCTION budget_is_spent(declines bytea, most integer, moment timestamptz) RETURNS boolean
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN length(declines) >= 8 * most
       AND substring(declines FROM length(declines) - 8 * most + 1 FOR 8)
           > int8send(((extract(epoch FROM moment) - 30 * 86400) * 1000000)::bigint);

GRANT SELECT, INSERT, UPDATE ON token_budget TO turnpike_gateway;

RESET ROLE;

-- migrate:down

DROP FUNCTION budget_is_spent(bytea, integer, timestamptz);
DROP TABLE token_budget;
