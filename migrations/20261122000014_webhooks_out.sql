-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- Where merchants want to be told of events, and what becomes of each telling (gateway/ledger/hooks.h).
-- A delivery is an event for an endpoint: its row is written by the transaction that writes the event, so
-- none is ever missed, and none is told of what was not committed.

CREATE TABLE hook_endpoints (
    merchant_id     uuid NOT NULL,
    endpoint_id     uuid NOT NULL,
    created_at      timestamptz NOT NULL,
    resume_at       timestamptz NOT NULL, -- it asked not to be called before
    failing_since   timestamptz,          -- no try has succeeded since
    disabled_at     timestamptz,
    deleted_at      timestamptz,
    failure_count   integer NOT NULL,     -- tries that failed in a row
    livemode        boolean NOT NULL,
    is_draining     boolean NOT NULL,     -- it is back: what waits is due, whatever its time
    url             text NOT NULL CHECK (length(url) BETWEEN 1 AND 2000),
    description     text NOT NULL,
    event_types     text NOT NULL CHECK (event_types <> ''), -- 'payment.* payout.succeeded'
    disabled_reason text NOT NULL,
    PRIMARY KEY (merchant_id, endpoint_id)
);
CREATE INDEX hook_endpoints_live ON hook_endpoints (merchant_id, endpoint_id) WHERE deleted_at IS NULL;

-- Several are valid at once while one takes the place of another.
CREATE TABLE hook_secrets (
    merchant_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    secret_id   uuid NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz,           -- NULL: until it is replaced
    public_key  bytea NOT NULL CHECK (length(public_key) = 32),
    sealed      bytea NOT NULL,        -- empty: erased
    PRIMARY KEY (merchant_id, endpoint_id, secret_id)
);

CREATE TABLE hook_deliveries (
    merchant_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    event_id    uuid NOT NULL,
    payment_id  uuid NOT NULL,          -- what is told in order; a ping's own
    created_at  timestamptz NOT NULL,   -- the event's
    next_at     timestamptz NOT NULL,   -- waiting: of the next try; sending: the end of the lease
    done_at     timestamptz,
    epoch       bigint NOT NULL,
    number      integer NOT NULL,       -- the event's, within its payment
    tries       integer NOT NULL,       -- ever
    round_tries integer NOT NULL,       -- since the last replay: place in the schedule
    last_status integer NOT NULL,       -- 0: no answer
    state       text NOT NULL
        CHECK (state IN ('waiting', 'sending', 'delivered', 'failed', 'skipped')),
    type        text NOT NULL,
    last_error  text NOT NULL,
    PRIMARY KEY (merchant_id, endpoint_id, event_id)
);
-- The queue of each endpoint, what is in hand of it, and the order within a payment.
CREATE INDEX hook_deliveries_due ON hook_deliveries (merchant_id, endpoint_id, next_at)
    WHERE state IN ('waiting', 'sending');
CREATE INDEX hook_deliveries_sending ON hook_deliveries (merchant_id, endpoint_id, next_at)
    WHERE state = 'sending';
CREATE INDEX hook_deliveries_order ON hook_deliveries (merchant_id, endpoint_id, payment_id, number)
    WHERE state IN ('waiting', 'sending');

CREATE TABLE hook_tries (
    merchant_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    event_id    uuid NOT NULL,
    created_at  timestamptz NOT NULL,
    elapsed_us  bigint NOT NULL,
    number      integer NOT NULL,
    status      integer NOT NULL,
    error       text NOT NULL,
    PRIMARY KEY (merchant_id, endpoint_id, event_id, number)
);

GRANT SELECT, INSERT ON hook_endpoints, hook_secrets, hook_deliveries, hook_tries TO turnpike_gateway;
GRANT UPDATE ON hook_endpoints, hook_secrets, hook_deliveries TO turnpike_gateway;

RESET ROLE;

-- migrate:down

DROP TABLE hook_tries, hook_deliveries, hook_secrets, hook_endpoints;
