-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- A session of a person is a sealed cookie and has no row: only one that was ended does, until it would have expired.
CREATE TABLE ended_sessions (
    session_id uuid NOT NULL PRIMARY KEY,
    ended_at   timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ended_sessions_expires ON ended_sessions (expires_at);
GRANT SELECT, INSERT, DELETE ON ended_sessions TO turnpike_gateway;

RESET ROLE;

-- migrate:down

SET LOCAL ROLE turnpike_owner;
DROP TABLE ended_sessions;
RESET ROLE;
