-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- Who may use the gateway, and with which provider accounts. Rarely written, cached by every worker:
-- directory_version grows with each change.

CREATE TABLE merchants (
    merchant_id uuid PRIMARY KEY,
    twin_id     uuid,
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    livemode    boolean NOT NULL,
    country     text NOT NULL DEFAULT '',
    disabled    boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL
);

-- A house table, not a tenant's: it is read by digest, before the merchant is known.
CREATE TABLE api_keys (
    key_id      uuid PRIMARY KEY,
    merchant_id uuid REFERENCES merchants, -- NULL: an operator of the house
    role        text NOT NULL CHECK (role IN ('merchant', 'finance', 'operator')),
    livemode    boolean NOT NULL,
    hint        text NOT NULL,
    digest      bytea NOT NULL CHECK (length(digest) = 32),
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz,
    disabled_at timestamptz,
    CONSTRAINT api_keys_digest_key UNIQUE (digest),
    CONSTRAINT api_keys_merchant_check CHECK (merchant_id IS NOT NULL OR role = 'operator')
);
CREATE INDEX api_keys_merchant ON api_keys (merchant_id);

CREATE TABLE accounts (
    merchant_id      uuid NOT NULL REFERENCES merchants,
    account_id       uuid NOT NULL,
    provider         text NOT NULL CHECK (provider <> ''),
    name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    base_url         text NOT NULL,
    secret_ref       text NOT NULL,
    settings         text NOT NULL DEFAULT '{}',
    fees             text NOT NULL DEFAULT '',
    currencies       text NOT NULL DEFAULT '',
    methods          text NOT NULL DEFAULT '',
    amount_max_minor bigint NOT NULL DEFAULT 0 CHECK (amount_max_minor >= 0),
    disabled         boolean NOT NULL DEFAULT false,
    created_at       timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, account_id),
    CONSTRAINT accounts_name_key UNIQUE (merchant_id, provider, name)
);

CREATE TABLE directory_version (
    id      integer PRIMARY KEY CHECK (id = 1),
    version bigint NOT NULL
);
INSERT INTO directory_version VALUES (1, 1);

-- Which database login may read which merchant's books, through the views of schema finance.
CREATE TABLE finance_access (
    login       text NOT NULL,
    merchant_id uuid NOT NULL REFERENCES merchants,
    PRIMARY KEY (login, merchant_id)
);

RESET ROLE;

-- migrate:down

DROP TABLE finance_access, directory_version, accounts, api_keys, merchants;
