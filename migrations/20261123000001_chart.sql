-- migrate:up

SET LOCAL ROLE turnpike_owner;

-- The chart of accounts and the entries of every event: the tables of gateway/ledger/chart.c and posting.c, row by
-- row (tests/unit/ledger compares them; build/lint/ledger_tables sql prints these rows).

-- Which accounts there are. An account is a name in transfers, its kind follows from the name: account_kind.
CREATE TABLE account_kinds (
    kind    text PRIMARY KEY CHECK (kind <> ''),
    number  integer NOT NULL UNIQUE,
    pattern text NOT NULL UNIQUE,
    type    text CHECK (type IN ('asset', 'liability', 'equity', 'income', 'expense')),
    normal  text CHECK (normal IN ('debit', 'credit')), -- the side on which it grows
    meaning text NOT NULL,
    -- Of what type a person's own account is, its person says.
    CONSTRAINT account_kinds_user_check CHECK ((type IS NULL) = (kind = 'user') AND (normal IS NULL) = (kind = 'user'))
);
INSERT INTO account_kinds (kind, number, pattern, type, normal, meaning) VALUES
    ('provider_pending', 1100, 'provider:<provider>:<account>:pending', 'asset', 'debit',
     'What the provider owes and does not pay out yet: debited with sales and captures, credited with its fees, refunds and payouts.'),
    ('provider_available', 1200, 'provider:<provider>:<account>:available', 'asset', 'debit',
     'What the provider owes and would pay out.'),
    ('provider_transit', 1300, 'provider:<provider>:<account>:transit', 'asset', 'debit',
     'What the provider has sent to the bank, and the bank does not have yet.'),
    ('bank', 1400, 'bank:<name>', 'asset', 'debit',
     'A bank account of the merchant.'),
    ('payable', 2100, 'merchant:payable', 'liability', 'credit',
     'What is owed to the merchant, or to others out of what it took.'),
    ('suspense', 2900, 'suspense', 'liability', 'credit',
     'Money of which nobody knows yet whose it is.'),
    ('sales', 4100, 'merchant:sales', 'income', 'credit',
     'Sales, gross.'),
    ('refunds', 4200, 'merchant:refunds', 'income', 'debit',
     'Money given back to customers; taken off the sales.'),
    ('fx_gain', 4300, 'fx:gain', 'income', 'credit',
     'What conversions brought, in the currency that was bought.'),
    ('payouts', 5100, 'merchant:payouts', 'expense', 'debit',
     'Money paid out to others.'),
    ('fees_payment', 5210, 'fees:payment', 'expense', 'debit',
     'Fees of sales and captures: as the provider stated them, else as its fee table says.'),
    ('fees_payout', 5220, 'fees:payout', 'expense', 'debit',
     'Fees of payouts, likewise.'),
    ('fees_refund', 5230, 'fees:refund', 'expense', 'debit',
     'Fees of refunds.'),
    ('fees_dispute', 5240, 'fees:dispute', 'expense', 'debit',
     'Fees of disputes.'),
    ('fees_decline', 5250, 'fees:decline', 'expense', 'debit',
     'Fees of attempts that were declined.'),
    ('fees_conversion', 5260, 'fees:conversion', 'expense', 'debit',
     'Fees of conversions between currencies.'),
    ('fees_other', 5290, 'fees:other', 'expense', 'debit',
     'Other fees: monthly, of terminals, of files.'),
    ('disputes', 5300, 'disputes', 'expense', 'debit',
     'What providers took back for customers who disputed a payment.'),
    ('fx_loss', 5400, 'fx:loss', 'expense', 'debit',
     'What conversions took, in the currency that was sold.'),
    ('user', 9000, 'user:<name>', NULL, NULL,
     'An account that a person has opened, of the type that the person says.');

-- What every event books, leg by leg. Without an account: any.
CREATE TABLE entry_kinds (
    kind          text NOT NULL CHECK (kind <> ''), -- the event
    leg           text NOT NULL CHECK (leg <> ''),
    debit_kind    text REFERENCES account_kinds (kind),
    credit_kind   text REFERENCES account_kinds (kind),
    transfer_kind text NOT NULL, -- transfers.kind
    state         text NOT NULL CHECK (state IN ('pending', 'posted', 'voided')),
    made_by       text NOT NULL CHECK (made_by IN ('gateway', 'person')),
    number        integer NOT NULL UNIQUE, -- in the order of the table
    meaning       text NOT NULL,
    PRIMARY KEY (kind, leg)
);
INSERT INTO entry_kinds (kind, leg, debit_kind, credit_kind, transfer_kind, state, made_by,
    number, meaning) VALUES
    ('sale', 'gross', 'provider_pending', 'sales', 'payment', 'posted', 'gateway', 1,
     'A sale was approved: the provider owes it.'),
    ('sale', 'fee', 'fees_payment', 'provider_pending', 'fee', 'posted', 'gateway', 2,
     'Its fee, which the provider keeps.'),
    ('sale_late', 'gross', 'provider_pending', 'sales', 'payment', 'posted', 'gateway', 3,
     'A late success: approved after its payment had ended, gone on or been canceled. It is reversed by a refund.'),
    ('sale_late', 'fee', 'fees_payment', 'provider_pending', 'fee', 'posted', 'gateway', 4,
     'Its fee: the reversal does not bring it back.'),
    ('authorize', 'hold', 'provider_pending', 'sales', 'authorization', 'pending', 'gateway', 5,
     'The sum is held until it is captured, voided or expires.'),
    ('authorize_late', 'hold', 'provider_pending', 'sales', 'authorization', 'pending', 'gateway', 6,
     'A late success: held beside what its payment holds. It is reversed by a void.'),
    ('capture_open', 'gross', 'provider_pending', 'sales', 'payment', 'pending', 'gateway', 7,
     'A capture was asked for.'),
    ('capture_close', 'gross', 'provider_pending', 'sales', 'payment', 'posted', 'gateway', 8,
     'It was done: the provider owes it.'),
    ('capture_close', 'fee', 'fees_payment', 'provider_pending', 'fee', 'posted', 'gateway', 9,
     'Its fee.'),
    ('capture_close', 'release', 'provider_pending', 'sales', 'authorization', 'voided', 'gateway', 10,
     'What was held, is held no longer,'),
    ('capture_close', 'rest', 'provider_pending', 'sales', 'authorization', 'pending', 'gateway', 11,
     'but for what was not captured and is not let go.'),
    ('capture_drop', 'gross', 'provider_pending', 'sales', 'payment', 'voided', 'gateway', 12,
     'It was surely not done.'),
    ('capture_late', 'gross', 'provider_pending', 'sales', 'payment', 'posted', 'gateway', 13,
     'A late success: it was done after all.'),
    ('capture_late', 'fee', 'fees_payment', 'provider_pending', 'fee', 'posted', 'gateway', 14,
     'Its fee.'),
    ('capture_late', 'release', 'provider_pending', 'sales', 'authorization', 'voided', 'gateway', 15,
     'What was held, is held no longer,'),
    ('capture_late', 'rest', 'provider_pending', 'sales', 'authorization', 'pending', 'gateway', 16,
     'but for what was not captured.'),
    ('void', 'release', 'provider_pending', 'sales', 'authorization', 'voided', 'gateway', 17,
     'An authorization was given up, or a late one was reversed:'),
    ('void', 'rest', 'provider_pending', 'sales', 'authorization', 'pending', 'gateway', 18,
     'what others are capturing of it stays held.'),
    ('expire', 'release', 'provider_pending', 'sales', 'authorization', 'voided', 'gateway', 19,
     'An authorization ended by itself.'),
    ('reauthorize', 'release', 'provider_pending', 'sales', 'authorization', 'voided', 'gateway', 20,
     'Another authorization took the place of one:'),
    ('reauthorize', 'rest', 'provider_pending', 'sales', 'authorization', 'pending', 'gateway', 21,
     'what it holds.'),
    ('refund_open', 'gross', 'refunds', 'provider_pending', 'refund', 'pending', 'gateway', 22,
     'A refund, or the reversal of a late success, was asked for.'),
    ('refund_close', 'gross', 'refunds', 'provider_pending', 'refund', 'posted', 'gateway', 23,
     'It was done: the provider owes that much less.'),
    ('refund_drop', 'gross', 'refunds', 'provider_pending', 'refund', 'voided', 'gateway', 24,
     'It was surely not done.'),
    ('refund_late', 'gross', 'refunds', 'provider_pending', 'refund', 'posted', 'gateway', 25,
     'A late success: it was done after all.'),
    ('payout', 'gross', 'payouts', 'provider_pending', 'payout', 'posted', 'gateway', 26,
     'A payout was paid. One that was never paid, and so came back before (unclaimed, refused), books nothing.'),
    ('payout', 'fee', 'fees_payout', 'provider_pending', 'fee', 'posted', 'gateway', 27,
     'Its fee.'),
    ('payout_return', 'gross', 'provider_pending', 'payouts', 'payout_return', 'posted', 'person', 28,
     'A payout that was paid has come back to the provider.'),
    ('payout_return', 'fee', 'provider_pending', 'fees_payout', 'fee_return', 'posted', 'person', 29,
     'What the provider gave back of its fee.'),
    ('fee', 'payment', 'fees_payment', 'provider_pending', 'fee', 'posted', 'person', 30,
     'A fee of payments that is not booked with them.'),
    ('fee', 'payout', 'fees_payout', 'provider_pending', 'fee', 'posted', 'person', 31,
     '... of payouts.'),
    ('fee', 'refund', 'fees_refund', 'provider_pending', 'fee', 'posted', 'person', 32,
     '... of refunds.'),
    ('fee', 'dispute', 'fees_dispute', 'provider_pending', 'fee', 'posted', 'person', 33,
     '... of disputes.'),
    ('fee', 'decline', 'fees_decline', 'provider_pending', 'fee', 'posted', 'person', 34,
     '... of declined attempts.'),
    ('fee', 'conversion', 'fees_conversion', 'provider_pending', 'fee', 'posted', 'person', 35,
     '... of conversions.'),
    ('fee', 'other', 'fees_other', 'provider_pending', 'fee', 'posted', 'person', 36,
     '... of anything else.'),
    ('conversion', 'sold', 'fx_loss', 'provider_available', 'conversion', 'posted', 'person', 37,
     'The provider changed money into another currency: what left, in the one that was sold.'),
    ('conversion', 'bought', 'provider_available', 'fx_gain', 'conversion', 'posted', 'person', 38,
     'What came, in the one that was bought. At the day''s rate fx:gain less fx:loss is what it brought.'),
    ('conversion', 'fee', 'fees_conversion', 'provider_available', 'fee', 'posted', 'person', 39,
     'Its fee.'),
    ('dispute_opened', 'gross', 'disputes', 'provider_pending', 'dispute', 'posted', 'person', 40,
     'A customer disputes a payment: the provider takes it back.'),
    ('dispute_opened', 'fee', 'fees_dispute', 'provider_pending', 'fee', 'posted', 'person', 41,
     'Its fee.'),
    ('dispute_won', 'gross', 'provider_pending', 'disputes', 'dispute_won', 'posted', 'person', 42,
     'It was won: the provider gives the money back,'),
    ('dispute_won', 'fee', 'provider_pending', 'fees_dispute', 'fee_return', 'posted', 'person', 43,
     'and what it gives back of its fee.'),
    ('dispute_lost', 'fee', 'fees_dispute', 'provider_pending', 'fee', 'posted', 'person', 44,
     'It was lost: what was taken stays taken; what losing costs, if anything.'),
    ('settlement_available', 'gross', 'provider_available', 'provider_pending', 'settlement', 'posted', 'person', 45,
     'What the provider owes may be paid out.'),
    ('settlement_sent', 'gross', 'provider_transit', 'provider_available', 'settlement', 'posted', 'person', 46,
     'The provider has sent it to the bank.'),
    ('settlement_sent', 'fee', 'fees_other', 'provider_available', 'fee', 'posted', 'person', 47,
     'What it took for that.'),
    ('settlement_arrived', 'gross', 'bank', 'provider_transit', 'settlement', 'posted', 'person', 48,
     'The bank has it.'),
    ('deposit_unmatched', 'gross', 'bank', 'suspense', 'deposit', 'posted', 'person', 49,
     'The bank has money of which nobody knows yet what it is.'),
    ('deposit_matched', 'gross', 'suspense', 'provider_transit', 'deposit', 'posted', 'person', 50,
     'It is known: it was what a provider had sent.'),
    ('payable_due', 'gross', 'sales', 'payable', 'payable', 'posted', 'person', 51,
     'A part of the sales is owed to others.'),
    ('payable_paid', 'gross', 'payable', 'bank', 'payable', 'posted', 'person', 52,
     'It was paid from the bank.'),
    ('correction', 'reversal', NULL, NULL, 'correction', 'posted', 'person', 53,
     'A transfer was wrong: the same sum, debited where it was credited and credited where it was debited,'),
    ('correction', 'anew', NULL, NULL, 'correction', 'posted', 'person', 54,
     'and, if something had to be booked, what it should have been.'),
    ('entry', 'gross', NULL, NULL, 'entry', 'posted', 'person', 55,
     'Anything else, between any two accounts.');


-- The kind of an account by its name; NULL when no kind has such names. As chart_find does it.
CREATE FUNCTION account_kind(account text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN account COLLATE "C" ~ '^provider:[a-z0-9_]{1,64}:acc_[0-7][0-9A-HJKMNP-TV-Z]{25}:(pending|available|transit)$'
            THEN 'provider_' || split_part(account, ':', 4)
        WHEN account COLLATE "C" ~ '^(bank|user):[a-z0-9][a-z0-9-]{0,62}$'
            THEN split_part(account, ':', 1)
        ELSE CASE account
            WHEN 'merchant:payable' THEN 'payable'
            WHEN 'suspense' THEN 'suspense'
            WHEN 'merchant:sales' THEN 'sales'
            WHEN 'merchant:refunds' THEN 'refunds'
            WHEN 'fx:gain' THEN 'fx_gain'
            WHEN 'merchant:payouts' THEN 'payouts'
            WHEN 'fees:payment' THEN 'fees_payment'
            WHEN 'fees:payout' THEN 'fees_payout'
            WHEN 'fees:refund' THEN 'fees_refund'
            WHEN 'fees:dispute' THEN 'fees_dispute'
            WHEN 'fees:decline' THEN 'fees_decline'
            WHEN 'fees:conversion' THEN 'fees_conversion'
            WHEN 'fees:other' THEN 'fees_other'
            WHEN 'disputes' THEN 'disputes'
            WHEN 'fx:loss' THEN 'fx_loss'
        END
    END;

GRANT SELECT ON account_kinds, entry_kinds TO turnpike_gateway;
REVOKE ALL ON FUNCTION account_kind(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION account_kind(text) TO turnpike_gateway, turnpike_finance;

CREATE VIEW finance.account_kinds WITH (security_barrier) AS
SELECT kind, number, pattern, type, normal, meaning FROM public.account_kinds;

COMMENT ON VIEW finance.account_kinds IS
    'The chart of accounts: every account has one of these kinds, told by its name.';
COMMENT ON COLUMN finance.account_kinds.kind IS 'The kind of account.';
COMMENT ON COLUMN finance.account_kinds.number IS
    'Its number: 1 assets, 2 liabilities, 4 income, 5 expenses, 9 accounts opened by people.';
COMMENT ON COLUMN finance.account_kinds.pattern IS
    'The names of its accounts; a word between < and > stands for what differs.';
COMMENT ON COLUMN finance.account_kinds.type IS
    'asset, liability, equity, income, expense; NULL: as the person who opened the account says.';
COMMENT ON COLUMN finance.account_kinds.normal IS
    'The side on which it grows: debit or credit; NULL: by its type.';
COMMENT ON COLUMN finance.account_kinds.meaning IS 'What it is.';

CREATE VIEW finance.entry_kinds WITH (security_barrier) AS
SELECT kind, leg, debit_kind, credit_kind, transfer_kind, state, made_by, number, meaning
FROM public.entry_kinds;

COMMENT ON VIEW finance.entry_kinds IS
    'What every event books, one row per movement: which accounts, and whether money moves or is set aside.';
COMMENT ON COLUMN finance.entry_kinds.kind IS 'The event.';
COMMENT ON COLUMN finance.entry_kinds.leg IS 'Which of its movements: gross, fee, hold, ...';
COMMENT ON COLUMN finance.entry_kinds.debit_kind IS 'The kind of the account that is debited; NULL: any.';
COMMENT ON COLUMN finance.entry_kinds.credit_kind IS
    'The kind of the account that is credited; NULL: any.';
COMMENT ON COLUMN finance.entry_kinds.transfer_kind IS 'The kind of its transfers (transfers.kind).';
COMMENT ON COLUMN finance.entry_kinds.state IS
    'The state of its transfers: posted (money moves), pending (set aside), voided (ends a pending one).';
COMMENT ON COLUMN finance.entry_kinds.made_by IS 'gateway, or person: entered by hand.';
COMMENT ON COLUMN finance.entry_kinds.number IS 'Its place in the table.';
COMMENT ON COLUMN finance.entry_kinds.meaning IS 'What it is.';

GRANT SELECT ON finance.account_kinds, finance.entry_kinds TO turnpike_finance;

RESET ROLE;

-- migrate:down

DROP VIEW finance.entry_kinds, finance.account_kinds;
DROP FUNCTION account_kind(text);
DROP TABLE entry_kinds, account_kinds;
