-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- Rule sets, as they were written: never changed. merchant_id zero: the house's own, for merchants without one.
CREATE TABLE rule_versions (
    merchant_id uuid NOT NULL,
    version     integer NOT NULL CHECK (version > 0),
    created_at  timestamptz NOT NULL,
    digest      bytea NOT NULL CHECK (length(digest) = 32),
    author      text NOT NULL,        -- id of a key, 'cli:<user>', or 'file': the gateway's rules_file
    comment     text NOT NULL,
    content     text NOT NULL CHECK (length(content) <= 4194304),
    PRIMARY KEY (merchant_id, version),
    CONSTRAINT rule_versions_digest_key UNIQUE (merchant_id, digest),
    CONSTRAINT rule_versions_same_check CHECK (digest = sha256(convert_to(content, 'UTF8')))
);

-- What became of them; what is in force is read off the last moves. Never changed either.
CREATE TABLE rule_moves (
    merchant_id uuid NOT NULL,
    number      integer NOT NULL CHECK (number > 0),
    version     integer,              -- NULL: none: the house's set, or the file, decides again
    former      integer,              -- in force until then; NULL: none
    percent_millionths integer NOT NULL CHECK (percent_millionths BETWEEN 0 AND 1000000),
    created_at  timestamptz NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('proposed', 'approved', 'published', 'canary', 'canary_stopped',
                                              'shadow', 'shadow_stopped', 'rolled_back')),
    author      text NOT NULL,        -- as of versions; 'monitor': by itself
    reason      text NOT NULL,
    bounds      text NOT NULL,        -- JSON; of a canary: when it stops; of a proposal: its mode, too
    PRIMARY KEY (merchant_id, number),
    CONSTRAINT rule_moves_version_fkey FOREIGN KEY (merchant_id, version)
        REFERENCES rule_versions (merchant_id, version),
    CONSTRAINT rule_moves_former_fkey FOREIGN KEY (merchant_id, former)
        REFERENCES rule_versions (merchant_id, version),
    CONSTRAINT rule_moves_none_check CHECK (version IS NOT NULL OR kind = 'rolled_back')
);

-- What attempts came to while a canary ran, under its own set and under the live one; workers add to it.
CREATE TABLE rule_tallies (
    merchant_id uuid NOT NULL,
    number      integer NOT NULL,     -- the move that began the canary
    arm         text NOT NULL CHECK (arm IN ('live', 'canary')),
    approved    bigint NOT NULL,
    declined    bigint NOT NULL,      -- and failed: answered, but not approved
    unknown     bigint NOT NULL,
    fee_count   bigint NOT NULL,      -- approved, with a fee that is known
    fee_sum     bigint NOT NULL,      -- of expected fees as millionths of the amount
    fee_squares bigint NOT NULL,      -- of their squares, in millions
    looks       integer NOT NULL,     -- of the canary's row: how often it was judged
    PRIMARY KEY (merchant_id, number, arm),
    FOREIGN KEY (merchant_id, number) REFERENCES rule_moves (merchant_id, number)
) WITH (fillfactor = 50);

-- Four eyes: a set that one key publishes waits until another approves it.
ALTER TABLE merchants ADD COLUMN rules_approval boolean NOT NULL DEFAULT false;

GRANT SELECT, INSERT ON rule_versions, rule_moves, rule_tallies TO turnpike_gateway;
GRANT UPDATE ON rule_tallies TO turnpike_gateway;

RESET ROLE;

-- migrate:down

ALTER TABLE merchants DROP COLUMN rules_approval;
DROP TABLE rule_tallies, rule_moves, rule_versions;
