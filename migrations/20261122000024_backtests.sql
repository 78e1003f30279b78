-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- Backtests that were asked for: those that wait, those under way, and what the others said until it is forgotten.
-- merchant_id zero: of the house's own rule sets, over all merchants.
CREATE TABLE backtests (
    merchant_id uuid NOT NULL,
    backtest_id uuid NOT NULL,
    runner_id   uuid,                 -- the process that computes it, or did last
    created_at  timestamptz NOT NULL,
    since_at    timestamptz NOT NULL, -- of the payments that are looked at
    until_at    timestamptz NOT NULL,
    due_at      timestamptz NOT NULL, -- queued: when it may begin; running: the end of the lease; else: when it is forgotten
    started_at  timestamptz,
    ended_at    timestamptz,
    epoch       bigint NOT NULL,      -- grows with each claim: whoever had it before writes no more
    version     integer NOT NULL,
    place       integer CHECK (place BETWEEN 1 AND 16), -- among the merchant's own that are not over
    tries       integer NOT NULL,
    state       text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    author      text NOT NULL,        -- id of a key
    reason      text NOT NULL,        -- why it failed; else ''
    result      text NOT NULL CHECK (length(result) <= 1048576), -- JSON; '' until it is done
    PRIMARY KEY (merchant_id, backtest_id),
    -- So many wait for a merchant at most, however many ask at once.
    CONSTRAINT backtests_place_key UNIQUE (merchant_id, place),
    CONSTRAINT backtests_version_fkey FOREIGN KEY (merchant_id, version)
        REFERENCES rule_versions (merchant_id, version),
    CONSTRAINT backtests_span_check CHECK (until_at > since_at),
    CONSTRAINT backtests_over_check
        CHECK ((place IS NULL) = (state IN ('done', 'failed')) AND (place IS NULL) = (ended_at IS NOT NULL)),
    CONSTRAINT backtests_end_check CHECK ((state = 'done') = (result <> '') AND (state = 'failed') = (reason <> ''))
);
CREATE INDEX backtests_due ON backtests (due_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON backtests TO turnpike_gateway;

RESET ROLE;

-- migrate:down

DROP TABLE backtests;
