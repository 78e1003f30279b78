-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- What people did: a row before it is done, another when it was answered (docs/audit.md). Both are appended, never changed.
CREATE TABLE audit (
    audit_id    uuid NOT NULL PRIMARY KEY, -- by time
    merchant_id uuid,                      -- whose data it is about; NULL: the house's
    key_id      uuid,                      -- NULL: the command line, or nobody
    session_id  uuid,                      -- NULL: it came with the key itself
    begun_at    timestamptz NOT NULL,
    unrecorded  bigint NOT NULL CHECK (unrecorded >= 0), -- refused ones before this that have no row
    role        text NOT NULL CHECK (role IN ('operator', 'finance', 'merchant', 'system', 'nobody')),
    actor       text NOT NULL,
    action      text NOT NULL,
    object      text NOT NULL,
    address     text NOT NULL,
    request     text NOT NULL,
    data        text NOT NULL
);
CREATE INDEX audit_merchant ON audit (merchant_id, audit_id);

CREATE TABLE audit_ends (
    audit_id uuid NOT NULL PRIMARY KEY,
    ended_at timestamptz NOT NULL,
    status   integer NOT NULL,
    outcome  text NOT NULL CHECK (outcome IN ('done', 'refused', 'failed', 'unknown')),
    code     text NOT NULL,
    result   text NOT NULL,
    state    text NOT NULL
);
GRANT SELECT, INSERT ON audit, audit_ends TO turnpike_gateway;

CREATE VIEW finance.audit WITH (security_barrier) AS
SELECT a.merchant_id, finance.show_id('aud', a.audit_id) AS audit, a.begun_at, e.ended_at, a.role, a.actor, a.action, a.object,
       coalesce(e.outcome, 'unknown') AS outcome, e.status, e.code, e.result, e.state, a.data, a.request
FROM public.audit a
LEFT JOIN public.audit_ends e ON e.audit_id = a.audit_id
WHERE a.merchant_id IN (SELECT merchant_id FROM public.finance_access WHERE login = session_user);
COMMENT ON VIEW finance.audit IS 'What people did with a merchant''s money, settings and rules: operators, finance staff and the command line. Backends'' own calls are not here.';
COMMENT ON COLUMN finance.audit.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.audit.audit IS 'aud_...; sorts by time.';
COMMENT ON COLUMN finance.audit.begun_at IS 'When it was recorded: before it was done.';
COMMENT ON COLUMN finance.audit.ended_at IS 'When it was answered. NULL: it is under way, or nobody knows.';
COMMENT ON COLUMN finance.audit.role IS 'operator, finance, merchant (a backend''s key at the sign-in of people), system (the command line), nobody (no valid key).';
COMMENT ON COLUMN finance.audit.actor IS 'The key (key_...), or cli: and the name of who ran the command.';
COMMENT ON COLUMN finance.audit.action IS 'The operation as in the API document, or the command.';
COMMENT ON COLUMN finance.audit.object IS 'What was acted on.';
COMMENT ON COLUMN finance.audit.outcome IS 'done, refused (nothing came of it), failed (of a command), unknown.';
COMMENT ON COLUMN finance.audit.status IS 'Of the answer, as in HTTP; of a command its exit status.';
COMMENT ON COLUMN finance.audit.code IS 'Of the problem, when it was refused.';
COMMENT ON COLUMN finance.audit.result IS 'The id of what came of it.';
COMMENT ON COLUMN finance.audit.state IS 'The status of that, at the moment of the answer.';
COMMENT ON COLUMN finance.audit.data IS 'What was asked for, as JSON: amounts, reasons, choices; never keys or personal data.';
COMMENT ON COLUMN finance.audit.request IS 'The Request-Id (req_...).';
GRANT SELECT ON finance.audit TO turnpike_finance;

RESET ROLE;

-- migrate:down

SET LOCAL ROLE turnpike_owner;
DROP VIEW finance.audit;
DROP TABLE audit_ends;
DROP TABLE audit;
RESET ROLE;
