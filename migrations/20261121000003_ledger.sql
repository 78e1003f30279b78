-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- Rules of this file (tests/lint/catalog.sql holds them): merchant_id leads every key of a tenant table;
-- ids and times are parameters; no serials, enums, triggers or deferrable constraints. Columns stand by
-- width (ids, times and amounts, numbers, texts), which leaves no gaps in rows and log. There are no
-- foreign keys on the hot tables: each check would lock and log its parent row, and a bundle of rows is
-- committed whole or not at all. docs/ledger.md has the query that looks for orphans.

-- ---- who writes -------------------------------------------------------------------------------

CREATE TABLE writers (
    writer_id    uuid PRIMARY KEY,
    instance_id  uuid NOT NULL,         -- of the state folder: one gateway's at a time
    boot_id      uuid NOT NULL,         -- of its master's start: those of another are dead
    slot         integer NOT NULL,
    started_at   timestamptz NOT NULL,
    heartbeat_at timestamptz NOT NULL,
    watermark_at timestamptz NOT NULL, -- attempts made before are final or parked
    reaped_at    timestamptz,          -- its process is gone
    adopted_at   timestamptz           -- nothing of it is left to be found
) WITH (fillfactor = 50);

-- One row per committed batch. A probe puts its own row where a batch may still arrive: only one of
-- the two can ever be committed.
CREATE TABLE batches (
    writer_id  uuid NOT NULL,
    batch_no   bigint NOT NULL,
    is_probe   boolean NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (writer_id, batch_no)
);

-- ---- requests ---------------------------------------------------------------------------------

CREATE TABLE idempotency (
    merchant_id uuid NOT NULL,
    key         text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
    payment_id  uuid NOT NULL,
    writer_id   uuid NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, key)
);

-- Of keys that open no payment: orders, batches, cancels.
CREATE TABLE answers (
    merchant_id  uuid NOT NULL,
    key          text NOT NULL,
    status       integer NOT NULL CHECK (status BETWEEN 100 AND 599),
    content_type text NOT NULL,
    location     text NOT NULL,
    body         bytea NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, key)
);

-- The first final answer of a payment, packed. By payment, not by key: keys come in no order, and an
-- index of them is read and written all over.
CREATE TABLE payment_answers (
    merchant_id uuid NOT NULL,
    payment_id  uuid NOT NULL,
    created_at  timestamptz NOT NULL,
    status      integer NOT NULL CHECK (status BETWEEN 100 AND 599),
    body        bytea NOT NULL,
    PRIMARY KEY (merchant_id, payment_id)
);

CREATE TABLE payments (
    merchant_id       uuid NOT NULL,
    payment_id        uuid NOT NULL,
    writer_id         uuid NOT NULL,
    created_at        timestamptz NOT NULL,
    amount_minor      bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 999999999999999),
    batch_no          bigint NOT NULL,
    try_number        integer NOT NULL CHECK (try_number >= 1),
    capture_automatic boolean NOT NULL,
    livemode          boolean NOT NULL,
    kind              text NOT NULL CHECK (kind IN ('payment', 'payout')),
    currency          text NOT NULL CHECK (length(currency) = 3),
    reference         text CHECK (length(reference) BETWEEN 1 AND 255),
    method_type       text NOT NULL,
    country           text NOT NULL,
    key               text NOT NULL,
    -- Personal data, in columns that can be erased; the rest is never changed.
    customer          text,
    metadata          text,
    routing           text,
    tokens_sealed     bytea,
    PRIMARY KEY (merchant_id, payment_id)
);
CREATE UNIQUE INDEX payments_reference_key ON payments (merchant_id, kind, reference, try_number)
    WHERE reference IS NOT NULL;
-- For lists of payouts; payments, which are many more, are listed by the primary key.
CREATE INDEX payments_payout ON payments (merchant_id, payment_id) WHERE kind = 'payout';

-- ---- attempts, sends, outcomes ------------------------------------------------------------------

CREATE TABLE attempts (
    merchant_id        uuid NOT NULL,
    payment_id         uuid NOT NULL,
    attempt_id         uuid NOT NULL,
    account_id         uuid NOT NULL,
    writer_id          uuid NOT NULL,
    created_at         timestamptz NOT NULL,
    amount_minor       bigint NOT NULL CHECK (amount_minor BETWEEN 0 AND 999999999999999),
    expected_fee_minor bigint CHECK (expected_fee_minor >= 0),
    batch_no           bigint NOT NULL,
    number             integer NOT NULL CHECK (number >= 1),
    operation          text NOT NULL
        CHECK (operation IN ('sale', 'authorize', 'capture', 'void', 'refund', 'payout')),
    provider           text NOT NULL,
    currency           text NOT NULL CHECK (length(currency) = 3),
    decision           text,
    token_hash         bytea NOT NULL,
    run_id             uuid,
    step_id            text,
    PRIMARY KEY (merchant_id, attempt_id),
    CONSTRAINT attempts_number_key UNIQUE (merchant_id, payment_id, number)
);
-- For the adoption scan: rows lie in the order of time.
CREATE INDEX attempts_created_brin ON attempts USING brin (created_at) WITH (pages_per_range = 32);

CREATE TABLE sends (
    merchant_id     uuid NOT NULL,
    attempt_id      uuid NOT NULL,
    created_at      timestamptz NOT NULL,
    key_valid_until timestamptz NOT NULL,
    not_after       timestamptz NOT NULL,
    number          integer NOT NULL CHECK (number >= 1),
    moves_money     boolean NOT NULL,
    step            text NOT NULL,
    adapter_version text NOT NULL,
    provider_key    text,   -- NULL: the attempt's id, as shown
    body_sealed     bytea,
    PRIMARY KEY (merchant_id, attempt_id, number)
);

CREATE TABLE outcomes (
    merchant_id uuid NOT NULL,
    attempt_id  uuid NOT NULL,
    created_at  timestamptz NOT NULL,
    fee_minor   bigint,
    elapsed_us  bigint NOT NULL,
    number      integer NOT NULL CHECK (number >= 1),
    send_number integer NOT NULL CHECK (send_number >= 0),
    http_status integer NOT NULL,
    send_left   boolean NOT NULL,
    outcome     text NOT NULL
        CHECK (outcome IN ('none', 'approved', 'pending', 'requires_action', 'declined_soft',
                           'declined_hard', 'failed', 'unknown')),
    code        text NOT NULL,
    reason      text NOT NULL,
    reference   text NOT NULL,
    facts       text NOT NULL,
    debug_id    text NOT NULL,
    PRIMARY KEY (merchant_id, attempt_id, number)
);

-- ---- the books ----------------------------------------------------------------------------------

CREATE TABLE transfers (
    merchant_id    uuid NOT NULL,
    transfer_id    uuid NOT NULL,
    payment_id     uuid NOT NULL,
    attempt_id     uuid NOT NULL,
    pending_id     uuid,
    writer_id      uuid NOT NULL,
    created_at     timestamptz NOT NULL,
    amount_minor   bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 999999999999999),
    batch_no       bigint NOT NULL,
    state          text NOT NULL CHECK (state IN ('pending', 'posted', 'voided')),
    debit_account  text NOT NULL CHECK (debit_account <> ''),
    credit_account text NOT NULL CHECK (credit_account <> ''),
    currency       text NOT NULL CHECK (length(currency) = 3),
    kind           text NOT NULL CHECK (kind <> ''),
    PRIMARY KEY (merchant_id, transfer_id),
    CONSTRAINT transfers_accounts_check CHECK (debit_account <> credit_account),
    CONSTRAINT transfers_phase_check
        CHECK (CASE state WHEN 'pending' THEN pending_id IS NULL
                          WHEN 'voided' THEN pending_id IS NOT NULL
                          ELSE true END)
);
-- A pending transfer is posted or voided once.
CREATE UNIQUE INDEX transfers_pending_key ON transfers (merchant_id, pending_id)
    WHERE pending_id IS NOT NULL;
CREATE INDEX transfers_created_brin ON transfers USING brin (created_at) WITH (pages_per_range = 32);

CREATE TABLE events (
    merchant_id uuid NOT NULL,
    payment_id  uuid NOT NULL,
    event_id    uuid NOT NULL,
    attempt_id  uuid,
    writer_id   uuid NOT NULL,
    created_at  timestamptz NOT NULL,
    batch_no    bigint NOT NULL,
    number      integer NOT NULL CHECK (number >= 1),
    type        text NOT NULL,
    status      text NOT NULL
        CHECK (status IN ('processing', 'requires_action', 'authorized', 'succeeded', 'declined',
                          'failed', 'canceled', 'review', 'unclaimed', 'returned')),
    data        text NOT NULL,
    run_id      uuid,
    step_id     text,
    PRIMARY KEY (merchant_id, payment_id, number)
);

-- ---- what changes in place ------------------------------------------------------------------------

-- The guards: no interleaving of captures and refunds can get past these CHECKs.
CREATE TABLE payment_limits (
    merchant_id  uuid NOT NULL,
    payment_id   uuid NOT NULL,
    authorized   bigint NOT NULL CHECK (authorized >= 0),
    captured     bigint NOT NULL CHECK (captured >= 0),
    capture_open bigint NOT NULL CHECK (capture_open >= 0),
    refunded     bigint NOT NULL CHECK (refunded >= 0),
    refund_open  bigint NOT NULL CHECK (refund_open >= 0),
    currency     text NOT NULL CHECK (length(currency) = 3),
    PRIMARY KEY (merchant_id, payment_id),
    CONSTRAINT payment_limits_capture_check CHECK (captured + capture_open <= authorized),
    CONSTRAINT payment_limits_refund_check CHECK (refunded + refund_open <= captured)
) WITH (fillfactor = 70);

-- Attempts whose money may have moved, waiting for proof. Claimed by lease; the epoch fences zombies.
CREATE TABLE unresolved (
    merchant_id uuid NOT NULL,
    attempt_id  uuid NOT NULL,
    payment_id  uuid NOT NULL,
    account_id  uuid NOT NULL,
    provider    text NOT NULL,
    next_at     timestamptz NOT NULL,
    lease_until timestamptz NOT NULL,
    epoch       bigint NOT NULL,
    tries       integer NOT NULL,
    reason      text NOT NULL,
    parked_at   timestamptz NOT NULL,
    canceled_at timestamptz,           -- the merchant wants it back
    PRIMARY KEY (merchant_id, attempt_id)
) WITH (fillfactor = 50);
-- Claims go round the lanes: no provider and no merchant keeps the others waiting.
CREATE INDEX unresolved_lane ON unresolved (provider, account_id, next_at);

-- ---- what the gateway may do ------------------------------------------------------------------------

GRANT SELECT, INSERT ON writers, batches, idempotency, answers, payment_answers, payments, attempts,
    sends, outcomes, transfers, events, payment_limits, unresolved, merchants, api_keys, accounts
    TO turnpike_gateway;
GRANT SELECT ON directory_version TO turnpike_gateway;
GRANT UPDATE ON payment_limits, unresolved, writers, merchants, api_keys, accounts, directory_version
    TO turnpike_gateway;
GRANT DELETE ON unresolved TO turnpike_gateway;
GRANT UPDATE (customer, metadata, routing, tokens_sealed) ON payments TO turnpike_gateway;
GRANT UPDATE (body_sealed) ON sends TO turnpike_gateway;

RESET ROLE;

-- migrate:down

DROP TABLE unresolved, payment_limits, events, transfers, outcomes, sends, attempts, payments,
    payment_answers, answers, idempotency, batches, writers;
