-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- What a person must look at, and what is being reversed by itself. One case per attempt and kind; how it was
-- decided stands, besides, in an event of the payment, which nobody can change.
--
--   open ------------------------------> resolved
--     ^                                     ^
--     | given up             reversed       |
--   reversing ------------------------------'
CREATE TABLE reviews (
    merchant_id       uuid NOT NULL,
    review_id         uuid NOT NULL,
    payment_id        uuid NOT NULL,
    attempt_id        uuid NOT NULL,
    account_id        uuid NOT NULL,
    resolved_by       uuid,                 -- API key; NULL: the gateway, by proof or by a reversal
    reversal_id       uuid,                 -- the refund or void that reverses it
    opened_at         timestamptz NOT NULL,
    resolved_at       timestamptz,
    next_at           timestamptz NOT NULL, -- reversing: due
    lease_until       timestamptz NOT NULL,
    amount_minor      bigint NOT NULL CHECK (amount_minor BETWEEN 0 AND 999999999999999),
    answered_minor    bigint,               -- what the provider said instead
    epoch             bigint NOT NULL CHECK (epoch >= 0),
    tries             integer NOT NULL CHECK (tries >= 0), -- reversals that surely did not work
    waits             integer NOT NULL CHECK (waits >= 0), -- looks since the last of them
    kind              text NOT NULL
        CHECK (kind IN ('unknown_too_long', 'pending_too_long', 'amount_mismatch', 'late_success',
                        'reversal_failed', 'provider_refund', 'other')),
    state             text NOT NULL CHECK (state IN ('open', 'reversing', 'resolved')),
    operation         text NOT NULL
        CHECK (operation IN ('sale', 'authorize', 'capture', 'void', 'refund', 'payout')),
    provider          text NOT NULL,
    currency          text NOT NULL CHECK (length(currency) = 3),
    answered_currency text NOT NULL,
    reference         text NOT NULL, -- the provider's
    detail            text NOT NULL, -- what was said last
    outcome           text NOT NULL, -- how it was decided; '': not yet
    reason            text NOT NULL,
    evidence          text NOT NULL,
    PRIMARY KEY (merchant_id, payment_id, attempt_id, kind),
    CONSTRAINT reviews_id_key UNIQUE (merchant_id, review_id),
    CONSTRAINT reviews_resolved_check CHECK ((state = 'resolved') = (resolved_at IS NOT NULL))
) WITH (fillfactor = 70);
CREATE INDEX reviews_open ON reviews (merchant_id, review_id) WHERE state <> 'resolved';
-- What is to be reversed: a queue, looked through for all merchants.
CREATE INDEX reviews_due ON reviews (next_at) WHERE state = 'reversing';

GRANT SELECT, INSERT, UPDATE ON reviews TO turnpike_gateway;

RESET ROLE;

-- migrate:down

DROP TABLE reviews;
