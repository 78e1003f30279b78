-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- SHA-256 of the public keys whose certificates the merchant's clients present, one behind the other;
-- empty: its API keys work over any connection.
ALTER TABLE merchants ADD COLUMN client_keys bytea NOT NULL DEFAULT ''
    CONSTRAINT merchants_client_keys_check
    CHECK (length(client_keys) % 32 = 0 AND length(client_keys) <= 128);

RESET ROLE;

-- migrate:down

ALTER TABLE merchants DROP COLUMN client_keys;
