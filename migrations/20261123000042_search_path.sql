-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- What finance.balance calls found its names by the caller's search_path: a login that looks into schema finance alone had
-- no balances, and one that may make temporary tables could have put its own before ours, read as the owner.
ALTER FUNCTION balance_before(uuid, uuid, text) SET search_path = public, pg_temp;
ALTER FUNCTION ledger_refuse(text, text) SET search_path = public, pg_temp;
ALTER FUNCTION finance.balance(text, timestamptz) SET search_path = public, pg_temp;

-- A function in a view is called with the rights of who reads the view.
GRANT EXECUTE ON FUNCTION ledger_moment(uuid) TO turnpike_finance;

RESET ROLE;

-- migrate:down

REVOKE EXECUTE ON FUNCTION ledger_moment(uuid) FROM turnpike_finance;
ALTER FUNCTION finance.balance(text, timestamptz) RESET search_path;
ALTER FUNCTION ledger_refuse(text, text) RESET search_path;
ALTER FUNCTION balance_before(uuid, uuid, text) RESET search_path;
