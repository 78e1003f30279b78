-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- What became of each account's payments, minute by minute, and how long its answers took: charts over time. Written by one
-- process of each host a minute, for accounts that had any; kept for 31 days.
CREATE TABLE provider_minutes (
    merchant_id uuid NOT NULL,
    account_id  uuid NOT NULL,
    at          timestamptz NOT NULL, -- the minute begins
    host_id     uuid NOT NULL,
    approved    integer NOT NULL,     -- as routing counts them (router/outcomes.h): an unknown one that turns out later is not counted again
    declined    integer NOT NULL,
    failed      integer NOT NULL,
    unknown     integer NOT NULL,
    p50_us      bigint NOT NULL,      -- of the last minutes' calls, at the end of this one; 0: not known
    p95_us      bigint NOT NULL,
    p99_us      bigint NOT NULL,
    state       text NOT NULL CHECK (state IN ('closed', 'half_open', 'open')),
    slow        boolean NOT NULL,
    PRIMARY KEY (merchant_id, account_id, at, host_id)
);
GRANT SELECT, INSERT, DELETE ON provider_minutes TO turnpike_gateway;

RESET ROLE;

-- migrate:down
SET LOCAL ROLE turnpike_owner;
DROP TABLE provider_minutes;
RESET ROLE;
