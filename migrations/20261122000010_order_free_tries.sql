-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- Of try_number, those that a busy provider turned away: they do not count towards order_try_max.
ALTER TABLE payout_orders
    ADD COLUMN free_tries integer NOT NULL DEFAULT 0 CHECK (free_tries >= 0);

RESET ROLE;

-- migrate:down

ALTER TABLE payout_orders DROP COLUMN free_tries;
