-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- Lists of a merchant's events, and the way to one of them: ids grow with time, so new ones go to one page.
-- What it costs each payment: docs/benchmarks.md.
CREATE INDEX events_id ON events (merchant_id, event_id);

-- For followers (gateway/ledger/follow.h). No event of the batch has a smaller id; NULL: it has none.
ALTER TABLE batches ADD COLUMN first_event uuid;

-- Writers are numbered in the order in which they can be seen: whoever has seen number n has seen all below.
-- NULL: registered by an earlier version. The counter is a row, not a sequence: numbers of a sequence are seen
-- in any order.
ALTER TABLE writers ADD COLUMN number integer;
CREATE UNIQUE INDEX writers_number_key ON writers (number);
CREATE TABLE writer_numbers (
    id   integer PRIMARY KEY CHECK (id = 1),
    last integer NOT NULL
);
INSERT INTO writer_numbers VALUES (1, 0);

GRANT SELECT, UPDATE ON writer_numbers TO turnpike_gateway;

RESET ROLE;

-- migrate:down

DROP TABLE writer_numbers;
ALTER TABLE writers DROP COLUMN number;
ALTER TABLE batches DROP COLUMN first_event;
DROP INDEX events_id;
