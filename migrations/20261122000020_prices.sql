-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- What fees were computed from: fee tables of accounts, and rates, as they were when they were used. A decision
-- names them by this digest, so that it can be made again (P6). Never changed: the content is what its digest says.
CREATE TABLE price_tables (
    merchant_id uuid NOT NULL,        -- zero: the house's, which are rates
    digest      bytea NOT NULL CHECK (length(digest) = 32),
    created_at  timestamptz NOT NULL, -- put into the directory, or first used
    kind        text NOT NULL CHECK (kind IN ('fees', 'rates')),
    author      text NOT NULL,        -- who put it there; '' not known
    content     text NOT NULL,        -- canonical JSON: members sorted, no spaces
    PRIMARY KEY (merchant_id, digest),
    CONSTRAINT price_tables_content_check CHECK (digest = sha256(convert_to(content, 'UTF8')))
);

GRANT SELECT, INSERT ON price_tables TO turnpike_gateway;

RESET ROLE;

-- migrate:down

DROP TABLE price_tables;
