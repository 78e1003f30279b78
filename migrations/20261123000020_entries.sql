-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- What people book: proposed by one, approved by another, with a reason; nothing is ever changed. A correction is the
-- reverse of what was wrong. Who may: finance_access, by the login that opened the session, as for reading.
ALTER TABLE finance_access ADD COLUMN may_propose boolean NOT NULL DEFAULT false;
ALTER TABLE finance_access ADD COLUMN may_approve boolean NOT NULL DEFAULT false;

CREATE TABLE ledger_accounts ( -- those that a person has opened
    merchant_id uuid NOT NULL,
    opened_at   timestamptz NOT NULL,
    account     text NOT NULL,
    type        text NOT NULL CHECK (type IN ('asset', 'liability', 'equity', 'income', 'expense')),
    title       text NOT NULL CHECK (title <> ''),
    opened_by   text NOT NULL,
    PRIMARY KEY (merchant_id, account)
);
CREATE TABLE ledger_entries (
    merchant_id  uuid NOT NULL,
    entry_id     uuid NOT NULL,
    proposed_at  timestamptz NOT NULL,
    effective_at timestamptz NOT NULL,
    kind         text NOT NULL,
    reason       text NOT NULL CHECK (length(reason) BETWEEN 3 AND 2000),
    reference    text NOT NULL,
    proposed_by  text NOT NULL,
    PRIMARY KEY (merchant_id, entry_id)
);
CREATE TABLE ledger_entry_lines (
    merchant_id    uuid NOT NULL,
    entry_id       uuid NOT NULL,
    payment_id     uuid,
    corrects       uuid, -- the transfer that this one reverses
    amount_minor   bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 999999999999999),
    number         integer NOT NULL CHECK (number >= 1),
    leg            text NOT NULL,
    debit_account  text NOT NULL,
    credit_account text NOT NULL CHECK (credit_account <> debit_account),
    currency       text NOT NULL,
    PRIMARY KEY (merchant_id, entry_id, number)
);
CREATE INDEX ledger_entry_lines_corrects ON ledger_entry_lines (merchant_id, corrects) WHERE corrects IS NOT NULL;
CREATE TABLE ledger_decisions (
    merchant_id uuid NOT NULL,
    entry_id    uuid NOT NULL,
    decided_at  timestamptz NOT NULL,
    is_approved boolean NOT NULL,
    decided_by  text NOT NULL,
    reason      text NOT NULL,
    PRIMARY KEY (merchant_id, entry_id)
);
CREATE TABLE ledger_periods (
    merchant_id uuid NOT NULL,
    ends_at     timestamptz NOT NULL, -- nothing that counts before it is booked any more
    closed_at   timestamptz NOT NULL,
    closed_by   text NOT NULL,
    reason      text NOT NULL,
    PRIMARY KEY (merchant_id, ends_at)
);
CREATE TABLE ledger_period_sums ( -- what the books said then
    merchant_id  uuid NOT NULL,
    ends_at      timestamptz NOT NULL,
    debit_minor  bigint NOT NULL,
    credit_minor bigint NOT NULL,
    account      text NOT NULL,
    currency     text NOT NULL,
    PRIMARY KEY (merchant_id, ends_at, account, currency)
);

-- A UUIDv7 of now (RFC 9562 section 5.7).
CREATE FUNCTION ledger_id() RETURNS uuid
    LANGUAGE sql VOLATILE
    RETURN overlay(overlay(gen_random_uuid()::text
                           PLACING substr(balance_floor(clock_timestamp())::text, 1, 13) FROM 1)
                   PLACING '7' FROM 15)::uuid;

CREATE FUNCTION ledger_refuse(what text, remedy text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    RAISE EXCEPTION '%', what USING ERRCODE = 'invalid_parameter_value', HINT = remedy;
END
$$;

-- The merchant, if the login may do that with its books; else the call ends here.
CREATE FUNCTION ledger_allow(merchant uuid, what text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM finance_access f WHERE f.login = session_user::text AND f.merchant_id = merchant
                      AND CASE what WHEN 'propose' THEN f.may_propose ELSE f.may_approve END) THEN
        RAISE EXCEPTION 'login % may not % entries of this merchant', session_user, what
            USING ERRCODE = 'insufficient_privilege', HINT = format('The owner of the database grants it: finance_access.may_%s.', what);
    END IF;
END
$$;

CREATE FUNCTION ledger_check_open(merchant uuid, moment timestamptz) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
AS $$
DECLARE
    ends timestamptz := (SELECT max(p.ends_at) FROM ledger_periods p WHERE p.merchant_id = merchant);
BEGIN
    IF moment < ends THEN
        PERFORM ledger_refuse(format('the books are closed up to %s', ends), 'Let it count from a later moment, and say in the reason what it corrects.');
    ELSIF moment > clock_timestamp() THEN
        PERFORM ledger_refuse('an entry cannot count from a moment in the future', 'Propose it when the moment has come.');
    END IF;
END
$$;

-- May this account stand there? `wanted` is the kind of the table of entries; NULL: any.
CREATE FUNCTION ledger_check_account(merchant uuid, account text, wanted text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp
AS $$
DECLARE
    found text := account_kind(account);
BEGIN
    IF found IS NULL THEN
        PERFORM ledger_refuse(format('"%s" is no account', account), 'finance.account_kinds says how accounts are named.');
    ELSIF wanted IS NOT NULL AND found <> wanted THEN
        PERFORM ledger_refuse(format('"%s" is of kind %s, here stands one of kind %s', account, found, wanted), 'finance.entry_kinds says which accounts an entry moves.');
    ELSIF found = 'user' AND NOT EXISTS (SELECT FROM ledger_accounts a WHERE a.merchant_id = merchant AND a.account = ledger_check_account.account) THEN
        PERFORM ledger_refuse(format('account "%s" has not been opened', account), 'Open it: finance.open_account.');
    ELSIF starts_with(found, 'provider_') AND NOT EXISTS (
            SELECT FROM accounts a WHERE a.merchant_id = merchant
               AND starts_with(account, 'provider:' || a.provider || ':' || finance.show_id('acc', a.account_id) || ':')) THEN
        PERFORM ledger_refuse(format('"%s" is no account of this merchant at a provider', account), 'finance.trial_balance has their names.');
    END IF;
END
$$;

CREATE FUNCTION finance.open_account(merchant uuid, account text, type text, title text) RETURNS text
    LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM ledger_allow(merchant, 'propose');
    IF account_kind(account) IS DISTINCT FROM 'user' THEN
        PERFORM ledger_refuse(format('"%s" is no name of an account of your own', account), 'user: and 1 to 63 of a-z, 0-9 and -.');
    ELSIF type NOT IN ('asset', 'liability', 'equity', 'income', 'expense') THEN
        PERFORM ledger_refuse(format('"%s" is no type of an account', type), 'asset, liability, equity, income or expense.');
    END IF;
    INSERT INTO ledger_accounts (merchant_id, opened_at, account, type, title, opened_by)
    VALUES (merchant, clock_timestamp(), account, type, title, session_user);
    RETURN account;
END
$$;
COMMENT ON FUNCTION finance.open_account(uuid, text, text, text) IS
    'Open an account of your own, user:<name>, of one of the types asset, liability, equity, income, expense.';

-- Once, whole, and the other way round: two people at a time, too.
CREATE FUNCTION ledger_check_reversal(merchant uuid, line jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = public, pg_temp
AS $$
DECLARE
    wrong uuid := (line ->> 'corrects')::uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(wrong::text, 0));
    IF NOT EXISTS (SELECT FROM transfers t WHERE t.merchant_id = merchant AND t.transfer_id = wrong AND t.state = 'posted'
                      AND t.debit_account = line ->> 'credit' AND t.credit_account = line ->> 'debit'
                      AND t.currency = line ->> 'currency' AND t.amount_minor::text = line ->> 'amount_minor') THEN
        PERFORM ledger_refuse('a correction is the reverse of a posted transfer of this merchant', 'finance.propose_correction makes it.');
    ELSIF EXISTS (SELECT FROM ledger_entry_lines l
                  LEFT JOIN ledger_decisions d ON d.merchant_id = l.merchant_id AND d.entry_id = l.entry_id
                  WHERE l.merchant_id = merchant AND l.corrects = wrong AND d.is_approved IS NOT false) THEN
        PERFORM ledger_refuse('a correction of this transfer was proposed already', 'finance.entries has it.');
    END IF;
END
$$;

CREATE FUNCTION ledger_propose_line(merchant uuid, entry uuid, kind text, number integer, line jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = public, pg_temp
AS $$
DECLARE
    rule  record;
    minor numeric;
    named text;
BEGIN
    SELECT k.* INTO rule FROM entry_kinds k
     WHERE k.kind = ledger_propose_line.kind AND k.leg = coalesce(line ->> 'leg', 'gross') AND k.made_by = 'person';
    IF NOT FOUND THEN
        PERFORM ledger_refuse(format('line %s: entries of kind "%s" have no leg "%s" that people book', number, kind, coalesce(line ->> 'leg', 'gross')), 'finance.entry_kinds has all of them.');
    END IF;
    SELECT string_agg(n, ', ') INTO named FROM jsonb_object_keys(line) n
     WHERE n NOT IN ('leg', 'debit', 'credit', 'amount_minor', 'currency', 'payment', 'corrects');
    IF named IS NOT NULL THEN
        PERFORM ledger_refuse(format('line %s: %s is not understood', number, named), 'A line has leg, debit, credit, amount_minor, currency and, if it is of one, payment.');
    END IF;
    PERFORM ledger_check_account(merchant, coalesce(line ->> 'debit', ''), rule.debit_kind);
    PERFORM ledger_check_account(merchant, coalesce(line ->> 'credit', ''), rule.credit_kind);
    IF jsonb_typeof(line -> 'amount_minor') IS DISTINCT FROM 'number' THEN
        PERFORM ledger_refuse(format('line %s: amount_minor is a whole number of minor units', number), '1099 for 10.99 EUR.');
    END IF;
    minor := (line ->> 'amount_minor')::numeric;
    IF minor <> trunc(minor) OR minor NOT BETWEEN 1 AND 999999999999999 THEN
        PERFORM ledger_refuse(format('line %s: amount_minor %s', number, minor), 'A whole number of minor units from 1 to 999999999999999.');
    ELSIF NOT EXISTS (SELECT FROM currencies c WHERE c.code = line ->> 'currency') THEN
        PERFORM ledger_refuse(format('line %s: currency "%s"', number, line ->> 'currency'), 'An ISO 4217 code, as EUR.');
    ELSIF line ->> 'debit' = line ->> 'credit' THEN
        PERFORM ledger_refuse(format('line %s: debit and credit are the same account', number), 'Name two.');
    END IF;
    IF line ->> 'corrects' IS NOT NULL THEN
        PERFORM ledger_check_reversal(merchant, line);
    END IF;
    INSERT INTO ledger_entry_lines (merchant_id, entry_id, payment_id, corrects, amount_minor, number, leg, debit_account, credit_account, currency)
    VALUES (merchant, entry, (line ->> 'payment')::uuid, (line ->> 'corrects')::uuid, minor::bigint, number, rule.leg,
            line ->> 'debit', line ->> 'credit', line ->> 'currency');
END
$$;

CREATE FUNCTION finance.propose_entry(merchant uuid, kind text, lines jsonb, reason text,
                                      effective timestamptz DEFAULT now(), reference text DEFAULT '') RETURNS uuid
    LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
DECLARE
    entry uuid := ledger_id();
    count integer;
BEGIN
    PERFORM ledger_allow(merchant, 'propose');
    PERFORM ledger_check_open(merchant, effective);
    IF jsonb_typeof(lines) <> 'array' OR jsonb_array_length(lines) NOT BETWEEN 1 AND 100 THEN
        PERFORM ledger_refuse('lines is a JSON array of 1 to 100 lines', '[{"debit": "...", "credit": "...", "amount_minor": 1099, "currency": "EUR"}]');
    ELSIF length(reason) NOT BETWEEN 3 AND 2000 THEN
        PERFORM ledger_refuse('a reason has 3 to 2,000 characters', 'Say what happened, for whoever approves it and for the auditor.');
    END IF;
    INSERT INTO ledger_entries (merchant_id, entry_id, proposed_at, effective_at, kind, reason, reference, proposed_by)
    VALUES (merchant, entry, clock_timestamp(), effective, kind, reason, reference, session_user);
    FOR count IN 1 .. jsonb_array_length(lines) LOOP
        PERFORM ledger_propose_line(merchant, entry, kind, count, lines -> (count - 1));
    END LOOP;
    RETURN entry;
END
$$;
COMMENT ON FUNCTION finance.propose_entry(uuid, text, jsonb, text, timestamptz, text) IS
    'Propose an entry of a kind of finance.entry_kinds, of 1 to 100 lines [{leg, debit, credit, amount_minor, currency, payment}]. It is booked when another person approves it: finance.decide_entry.';

CREATE FUNCTION finance.propose_correction(merchant uuid, transfer uuid, reason text) RETURNS uuid
    LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
DECLARE
    t transfers;
BEGIN
    PERFORM ledger_allow(merchant, 'propose');
    SELECT j.* INTO t FROM transfers j WHERE j.merchant_id = merchant AND j.transfer_id = transfer;
    IF NOT FOUND OR t.state <> 'posted' THEN
        PERFORM ledger_refuse('there is no such posted transfer of this merchant', 'finance.transfers has them; what is pending ends by itself.');
    END IF;
    RETURN finance.propose_entry(merchant, 'correction', jsonb_build_array(jsonb_build_object(
        'leg', 'reversal', 'debit', t.credit_account, 'credit', t.debit_account, 'amount_minor', t.amount_minor,
        'currency', t.currency, 'payment', t.payment_id, 'corrects', t.transfer_id)), reason);
END
$$;
COMMENT ON FUNCTION finance.propose_correction(uuid, uuid, text) IS
    'Propose the reverse of a posted transfer. What it should have been, if anything, is an entry of its own.';

CREATE FUNCTION finance.decide_entry(merchant uuid, entry uuid, approve boolean, reason text DEFAULT '') RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
DECLARE
    e      ledger_entries;
    booked bigint;
    plain  bigint;
BEGIN
    PERFORM ledger_allow(merchant, 'approve');
    SELECT x.* INTO e FROM ledger_entries x WHERE x.merchant_id = merchant AND x.entry_id = entry FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM ledger_refuse('there is no such entry of this merchant', 'finance.entries has them.');
    ELSIF e.proposed_by = session_user::text THEN
        PERFORM ledger_refuse('whoever proposed an entry does not decide on it', 'Ask somebody else to.');
    ELSIF EXISTS (SELECT FROM ledger_decisions d WHERE d.merchant_id = merchant AND d.entry_id = entry) THEN
        PERFORM ledger_refuse('this entry was decided on already', 'finance.entries says by whom.');
    ELSIF NOT approve AND length(reason) < 3 THEN
        PERFORM ledger_refuse('a rejection needs a reason', 'Say why, in 3 characters or more.');
    END IF;
    INSERT INTO ledger_decisions (merchant_id, entry_id, decided_at, is_approved, decided_by, reason)
    VALUES (merchant, entry, clock_timestamp(), approve, session_user, decide_entry.reason);
    IF NOT approve THEN
        RETURN 0;
    END IF;
    PERFORM ledger_check_open(merchant, e.effective_at);
    INSERT INTO transfers (merchant_id, transfer_id, payment_id, attempt_id, pending_id, writer_id, created_at, amount_minor,
                           batch_no, state, debit_account, credit_account, currency, kind, effective_at)
    SELECT merchant, ledger_id(), coalesce(l.payment_id, entry), entry, NULL, '00000000-0000-0000-0000-000000000000',
           clock_timestamp(), l.amount_minor, 0, 'posted', l.debit_account, l.credit_account, l.currency, k.transfer_kind, e.effective_at
    FROM ledger_entry_lines l
    JOIN entry_kinds k ON k.kind = e.kind AND k.leg = l.leg
    WHERE l.merchant_id = merchant AND l.entry_id = entry
    ORDER BY l.number;
    GET DIAGNOSTICS booked = ROW_COUNT;
    -- Balances tell what they have counted by transactions (20261122000009): not within a savepoint.
    SELECT count(*) INTO plain FROM transfers t
     WHERE t.merchant_id = merchant AND t.transfer_id >= balance_floor(clock_timestamp() - interval '10 s')
       AND t.attempt_id = entry AND t.xmin = pg_current_xact_id()::xid;
    IF plain <> booked THEN
        PERFORM ledger_refuse('an entry is not approved within a savepoint', 'Approve it in a transaction of its own.');
    END IF;
    RETURN booked;
END
$$;
COMMENT ON FUNCTION finance.decide_entry(uuid, uuid, boolean, text) IS
    'Approve a proposed entry, which books it (returns how many transfers), or reject it with a reason. Not by whoever proposed it.';

CREATE FUNCTION finance.close_period(merchant uuid, ends timestamptz, reason text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
DECLARE
    waiting bigint;
    lines   bigint;
BEGIN
    PERFORM ledger_allow(merchant, 'approve');
    PERFORM ledger_check_open(merchant, ends);
    SELECT count(*) INTO waiting FROM ledger_entries e
     WHERE e.merchant_id = merchant AND e.effective_at < ends
       AND NOT EXISTS (SELECT FROM ledger_decisions d WHERE d.merchant_id = merchant AND d.entry_id = e.entry_id);
    IF ends > clock_timestamp() - interval '1 hour' THEN
        PERFORM ledger_refuse('a period is closed an hour after its end at the earliest', 'What is on its way is booked until then.');
    ELSIF waiting > 0 THEN
        PERFORM ledger_refuse(format('%s proposed entries of the period wait for a decision', waiting), 'finance.entries: approve or reject them.');
    END IF;
    INSERT INTO ledger_periods (merchant_id, ends_at, closed_at, closed_by, reason)
    VALUES (merchant, ends, clock_timestamp(), session_user, reason);
    INSERT INTO ledger_period_sums (merchant_id, ends_at, debit_minor, credit_minor, account, currency)
    SELECT merchant, ends, b.debit_minor, b.credit_minor, b.account, b.currency
    FROM finance.trial_balance(ends, 'effective') b
    WHERE b.merchant_id = merchant;
    GET DIAGNOSTICS lines = ROW_COUNT;
    RETURN lines;
END
$$;
COMMENT ON FUNCTION finance.close_period(uuid, timestamptz, text) IS
    'Close the books up to a moment: nothing that counts before it is booked any more, and what the accounts came to is kept. It cannot be opened again.';

-- ---- reading it ---------------------------------------------------------------------------------

CREATE VIEW finance.entries WITH (security_barrier) AS
SELECT e.merchant_id, e.entry_id, e.kind,
       CASE WHEN d.is_approved THEN 'approved' WHEN d.is_approved IS NULL THEN 'proposed' ELSE 'rejected' END AS state,
       e.effective_at, e.reason, e.reference, e.proposed_by, e.proposed_at, d.decided_by, d.decided_at,
       d.reason AS decision_reason, l.number AS line, l.leg, l.debit_account, l.credit_account, l.currency,
       l.amount_minor * c.unit AS amount, l.amount_minor, l.payment_id, l.corrects
FROM public.ledger_entries e
JOIN public.ledger_entry_lines l ON l.merchant_id = e.merchant_id AND l.entry_id = e.entry_id
LEFT JOIN public.ledger_decisions d ON d.merchant_id = e.merchant_id AND d.entry_id = e.entry_id
LEFT JOIN public.currencies c ON c.code = l.currency
WHERE e.merchant_id IN (SELECT merchant_id FROM public.finance_access WHERE login = session_user);
COMMENT ON VIEW finance.entries IS 'What people have proposed to book, a row per line, and what was decided.';
COMMENT ON COLUMN finance.entries.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.entries.entry_id IS 'The entry; its transfers have it as attempt_id.';
COMMENT ON COLUMN finance.entries.kind IS 'Its kind, of finance.entry_kinds.';
COMMENT ON COLUMN finance.entries.state IS 'proposed, approved (it is booked) or rejected.';
COMMENT ON COLUMN finance.entries.effective_at IS 'Since when it counts (UTC).';
COMMENT ON COLUMN finance.entries.reason IS 'Why, as its proposer said.';
COMMENT ON COLUMN finance.entries.reference IS 'A document of yours.';
COMMENT ON COLUMN finance.entries.proposed_by IS 'The login that proposed it.';
COMMENT ON COLUMN finance.entries.proposed_at IS 'When (UTC).';
COMMENT ON COLUMN finance.entries.decided_by IS 'The login that approved or rejected it.';
COMMENT ON COLUMN finance.entries.decided_at IS 'When (UTC).';
COMMENT ON COLUMN finance.entries.decision_reason IS 'Why, as that login said.';
COMMENT ON COLUMN finance.entries.line IS 'Which line of the entry, from 1.';
COMMENT ON COLUMN finance.entries.leg IS 'Which leg of its kind.';
COMMENT ON COLUMN finance.entries.debit_account IS 'The account that is debited.';
COMMENT ON COLUMN finance.entries.credit_account IS 'The account that is credited.';
COMMENT ON COLUMN finance.entries.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN finance.entries.amount IS 'Amount in major units.';
COMMENT ON COLUMN finance.entries.amount_minor IS 'Amount in minor units.';
COMMENT ON COLUMN finance.entries.payment_id IS 'The payment that it is about, if any.';
COMMENT ON COLUMN finance.entries.corrects IS 'The transfer that it reverses.';

CREATE VIEW finance.periods WITH (security_barrier) AS
SELECT p.merchant_id, p.ends_at, p.closed_by, p.closed_at, p.reason, s.account, s.currency,
       s.debit_minor * c.unit AS debit, s.debit_minor, s.credit_minor * c.unit AS credit, s.credit_minor,
       (s.debit_minor - s.credit_minor) * c.unit AS balance, s.debit_minor - s.credit_minor AS balance_minor
FROM public.ledger_periods p
LEFT JOIN public.ledger_period_sums s ON s.merchant_id = p.merchant_id AND s.ends_at = p.ends_at
LEFT JOIN public.currencies c ON c.code = s.currency
WHERE p.merchant_id IN (SELECT merchant_id FROM public.finance_access WHERE login = session_user);
COMMENT ON VIEW finance.periods IS 'Closed periods, and what each account came to when they were closed.';
COMMENT ON COLUMN finance.periods.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.periods.ends_at IS 'The period''s end: what counts before it is closed (UTC).';
COMMENT ON COLUMN finance.periods.closed_by IS 'The login that closed it.';
COMMENT ON COLUMN finance.periods.closed_at IS 'When (UTC).';
COMMENT ON COLUMN finance.periods.reason IS 'What that login said.';
COMMENT ON COLUMN finance.periods.account IS 'The account.';
COMMENT ON COLUMN finance.periods.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN finance.periods.debit IS 'Sum of posted debits by then, in major units.';
COMMENT ON COLUMN finance.periods.debit_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.periods.credit IS 'Sum of posted credits by then, in major units.';
COMMENT ON COLUMN finance.periods.credit_minor IS 'The same in minor units.';
COMMENT ON COLUMN finance.periods.balance IS 'Debits less credits, in major units.';
COMMENT ON COLUMN finance.periods.balance_minor IS 'The same in minor units.';

CREATE VIEW finance.accounts WITH (security_barrier) AS
SELECT x.merchant_id, x.account, x.currency, k.number, k.kind, coalesce(k.type, o.type) AS type,
       coalesce(k.normal, CASE WHEN o.type IN ('asset', 'expense') THEN 'debit' WHEN o.type IS NOT NULL THEN 'credit' END) AS normal,
       coalesce(o.title, k.meaning) AS title, o.opened_by
FROM (SELECT s.merchant_id, s.account, s.currency
      FROM public.finance_access f
      JOIN public.balance_snapshots s ON s.merchant_id = f.merchant_id
      WHERE f.login = session_user
      UNION
      SELECT b.merchant_id, b.account, b.currency
      FROM public.finance_access f
      JOIN public.balance_tail b ON b.merchant_id = f.merchant_id
      WHERE f.login = session_user
      UNION
      SELECT a.merchant_id, a.account, NULL
      FROM public.finance_access f
      JOIN public.ledger_accounts a ON a.merchant_id = f.merchant_id
      WHERE f.login = session_user) x
LEFT JOIN public.account_kinds k ON k.kind = public.account_kind(x.account)
LEFT JOIN public.ledger_accounts o ON o.merchant_id = x.merchant_id AND o.account = x.account;
COMMENT ON VIEW finance.accounts IS 'Every account that was ever booked on, by currency, or opened, with its place in the chart.';
COMMENT ON COLUMN finance.accounts.merchant_id IS 'The merchant.';
COMMENT ON COLUMN finance.accounts.account IS 'The account.';
COMMENT ON COLUMN finance.accounts.currency IS 'ISO 4217 code; empty: the row of its opening.';
COMMENT ON COLUMN finance.accounts.number IS 'The number of its kind in the chart.';
COMMENT ON COLUMN finance.accounts.kind IS 'Its kind, of finance.account_kinds.';
COMMENT ON COLUMN finance.accounts.type IS 'asset, liability, equity, income or expense.';
COMMENT ON COLUMN finance.accounts.normal IS 'The side on which it grows: debit or credit.';
COMMENT ON COLUMN finance.accounts.title IS 'What it is.';
COMMENT ON COLUMN finance.accounts.opened_by IS 'Who opened it, of a person''s own.';

REVOKE ALL ON FUNCTION ledger_id(), ledger_refuse(text, text), ledger_allow(uuid, text), ledger_check_open(uuid, timestamptz),
    ledger_check_account(uuid, text, text), ledger_check_reversal(uuid, jsonb), ledger_propose_line(uuid, uuid, text, integer, jsonb),
    finance.open_account(uuid, text, text, text), finance.propose_entry(uuid, text, jsonb, text, timestamptz, text),
    finance.propose_correction(uuid, uuid, text), finance.decide_entry(uuid, uuid, boolean, text),
    finance.close_period(uuid, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finance.open_account(uuid, text, text, text),
    finance.propose_entry(uuid, text, jsonb, text, timestamptz, text), finance.propose_correction(uuid, uuid, text),
    finance.decide_entry(uuid, uuid, boolean, text), finance.close_period(uuid, timestamptz, text) TO turnpike_finance;
GRANT SELECT ON finance.entries, finance.periods, finance.accounts TO turnpike_finance;

RESET ROLE;

-- migrate:down

DROP VIEW finance.accounts, finance.periods, finance.entries;
DROP FUNCTION finance.close_period(uuid, timestamptz, text);
DROP FUNCTION finance.decide_entry(uuid, uuid, boolean, text);
DROP FUNCTION finance.propose_correction(uuid, uuid, text);
DROP FUNCTION finance.propose_entry(uuid, text, jsonb, text, timestamptz, text);
DROP FUNCTION ledger_propose_line(uuid, uuid, text, integer, jsonb);
DROP FUNCTION ledger_check_reversal(uuid, jsonb);
DROP FUNCTION finance.open_account(uuid, text, text, text);
DROP FUNCTION ledger_check_account(uuid, text, text);
DROP FUNCTION ledger_check_open(uuid, timestamptz);
DROP FUNCTION ledger_allow(uuid, text);
DROP FUNCTION ledger_refuse(text, text);
DROP FUNCTION ledger_id();
DROP TABLE ledger_period_sums, ledger_periods, ledger_decisions, ledger_entry_lines, ledger_entries, ledger_accounts;
ALTER TABLE finance_access DROP COLUMN may_approve, DROP COLUMN may_propose;
