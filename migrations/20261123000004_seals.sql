-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- Seals: transfers that were committed, by id, whose change would be noticed (gateway/ledger/seal.h, decision 0010).
-- A transfer is of the seal that seal_late names for it, else of the one in whose range its id lies.
CREATE TABLE seals (
    merchant_id   uuid NOT NULL,
    number        bigint NOT NULL CHECK (number >= 1),
    previous      bigint NOT NULL CHECK (previous >= 0 AND previous < number),
    sealed_at     timestamptz NOT NULL,
    from_id       uuid NOT NULL,   -- ids above this one, of the first seal this one, too ...
    to_id         uuid NOT NULL,   -- ... up to this one
    row_count     bigint NOT NULL CHECK (row_count >= 1),
    late_count    bigint NOT NULL CHECK (late_count BETWEEN 0 AND row_count),
    total         bigint NOT NULL,
    root          bytea NOT NULL,
    marks_hash    bytea NOT NULL,
    previous_head bytea NOT NULL,
    head          bytea NOT NULL,
    signature     bytea NOT NULL,
    key_id        bytea NOT NULL,
    marks         bytea NOT NULL,  -- id and the first 8 bytes of the leaf of each row, those that came late first
    PRIMARY KEY (merchant_id, number)
);
ALTER TABLE seals ALTER COLUMN marks SET STORAGE EXTERNAL; -- hashes: nothing to compress

-- Transfers that may have come below what was sealed already: whoever writes one whose id is ten seconds old says so
-- here, in the same transaction (gateway/ledger/sql.c). Hardly ever one.
CREATE TABLE seal_late (
    merchant_id uuid NOT NULL,
    transfer_id uuid NOT NULL,
    number      bigint, -- of its seal; NULL: it waits for one
    PRIMARY KEY (merchant_id, transfer_id)
);
CREATE INDEX seal_late_number ON seal_late (merchant_id, number);

GRANT SELECT, INSERT ON seals, seal_late TO turnpike_gateway;
GRANT UPDATE (number) ON seal_late TO turnpike_gateway;

RESET ROLE;

-- migrate:down

DROP TABLE seal_late, seals;
