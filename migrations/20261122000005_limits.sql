-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- A merchant's own limits of admission control. 0: the gateway's settings hold.
ALTER TABLE merchants
    ADD COLUMN rate          bigint NOT NULL DEFAULT 0 CHECK (rate BETWEEN 0 AND 1000000),
    ADD COLUMN burst         bigint NOT NULL DEFAULT 0 CHECK (burst BETWEEN 0 AND 10000000),
    ADD COLUMN in_flight_max bigint NOT NULL DEFAULT 0 CHECK (in_flight_max BETWEEN 0 AND 1000000);

RESET ROLE;

-- migrate:down

ALTER TABLE merchants DROP COLUMN rate, DROP COLUMN burst, DROP COLUMN in_flight_max;
