-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- Payouts that wait: for an approval, for their turn in a batch, for a provider that is back. An order is not
-- money: it becomes a payout of the ledger (payments, attempts, ...) under a key of its own, which no client can
-- send, so that whoever begins it again finds it begun.

-- Above these sums a payout needs the approval of a second key: {"EUR": 500000}, in minor units.
ALTER TABLE merchants ADD COLUMN payout_limits text NOT NULL DEFAULT '{}';

CREATE TABLE payout_batches (
    merchant_id   uuid NOT NULL,
    batch_id      uuid NOT NULL,
    created_at    timestamptz NOT NULL,
    livemode      boolean NOT NULL,
    reference     text CHECK (length(reference) BETWEEN 1 AND 255),
    row_count     integer NOT NULL CHECK (row_count >= 1),
    invalid_count integer NOT NULL CHECK (invalid_count BETWEEN 0 AND row_count),
    totals        text NOT NULL, -- sums of the good rows, by currency
    state         text NOT NULL CHECK (state IN ('requires_approval', 'open', 'rejected', 'canceled')),
    approval      text NOT NULL, -- what it exceeds; []: nothing
    created_by    uuid NOT NULL, -- API key
    PRIMARY KEY (merchant_id, batch_id)
);
CREATE INDEX payout_batches_reference ON payout_batches (merchant_id, reference)
    WHERE reference IS NOT NULL;

--   requires_approval --approve--> queued <--(nobody can be asked now)-- running --> begun
--     | reject, cancel                | cancel                             |  |
--     v                               v                                    |  '--> failed
--   rejected, canceled             canceled <-------- cancel --------------'
CREATE TABLE payout_orders (
    merchant_id    uuid NOT NULL,
    order_id       uuid NOT NULL,    -- the payout's id for the merchant
    batch_id       uuid,             -- NULL: a single payout
    row_number     integer NOT NULL CHECK (row_number >= 0),
    priority       integer NOT NULL, -- 0: single payouts, 1: rows of batches
    created_at     timestamptz NOT NULL,
    livemode       boolean NOT NULL,
    amount_minor   bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 999999999999999),
    currency       text NOT NULL CHECK (length(currency) = 3),
    reference      text CHECK (length(reference) BETWEEN 1 AND 255),
    request_sealed bytea,            -- the whole request; NULL once it has begun, or was erased
    approval       text NOT NULL,    -- what it exceeds; []: nothing
    created_by     uuid NOT NULL,    -- API key
    state          text NOT NULL
        CHECK (state IN ('requires_approval', 'queued', 'running', 'begun', 'failed', 'canceled',
                         'rejected')),
    next_at        timestamptz NOT NULL, -- queued: due; running: the lease ends; begun: looked at
    epoch          bigint NOT NULL CHECK (epoch >= 0),
    try_number     integer NOT NULL CHECK (try_number >= 1), -- each has a key and a payment of its own
    wait_count     integer NOT NULL CHECK (wait_count >= 0),
    payment_id     uuid NOT NULL,    -- of this try
    reason         text NOT NULL,
    detail         text NOT NULL,
    begun_at       timestamptz,      -- of the first try
    done_at        timestamptz,      -- nothing more happens to it
    status         text NOT NULL,    -- what it came to; '': not yet done
    PRIMARY KEY (merchant_id, order_id)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX payout_orders_row ON payout_orders (merchant_id, batch_id, row_number)
    WHERE batch_id IS NOT NULL;
CREATE INDEX payout_orders_reference ON payout_orders (merchant_id, reference)
    WHERE reference IS NOT NULL;
-- What waits to be done.
CREATE INDEX payout_orders_due ON payout_orders (merchant_id, priority, next_at)
    WHERE state IN ('queued', 'running');
-- Those without a payment of their id, for lists.
CREATE INDEX payout_orders_unbegun ON payout_orders (merchant_id, order_id) WHERE begun_at IS NULL;
-- Is a batch done?
CREATE INDEX payout_orders_open ON payout_orders (merchant_id, batch_id) WHERE done_at IS NULL;
-- Begun, and not yet known to be done: a queue, looked through for all merchants.
CREATE INDEX payout_orders_settle ON payout_orders (next_at)
    WHERE state = 'begun' AND done_at IS NULL;

-- Rows of a batch that were refused. What was wrong, never what was sent.
CREATE TABLE payout_batch_errors (
    merchant_id uuid NOT NULL,
    batch_id    uuid NOT NULL,
    row_number  integer NOT NULL CHECK (row_number >= 1),
    reference   text,
    code        text NOT NULL,
    errors      text NOT NULL,
    PRIMARY KEY (merchant_id, batch_id, row_number)
);

-- Who decided what, of an order or of a batch. Appended, never changed.
CREATE TABLE payout_decisions (
    merchant_id uuid NOT NULL,
    subject_id  uuid NOT NULL,
    decision    text NOT NULL CHECK (decision IN ('approve', 'reject', 'cancel')),
    key_id      uuid NOT NULL,
    role        text NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, subject_id, decision)
);

GRANT SELECT, INSERT ON payout_batches, payout_orders, payout_batch_errors, payout_decisions
    TO turnpike_gateway;
GRANT UPDATE ON payout_batches, payout_orders TO turnpike_gateway;

RESET ROLE;

-- migrate:down

DROP TABLE payout_decisions, payout_batch_errors, payout_orders, payout_batches;
ALTER TABLE merchants DROP COLUMN payout_limits;
