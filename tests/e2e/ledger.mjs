// The ledger: finance's views, what finance may not do, PostgreSQL away, the books balance.
import { suite, assert, equal, until } from './lib.mjs';

await suite('ledger', { workers: 1, delayMs: 5 }, {
    async finance_answers_what_did_we_pay_in_fees_today_by_provider(world) {
        for (let i = 0; i < 6; i++) await world.pay(world.payment({ amount: 10000 + i, providers: { only: [i % 2 ? 'paypal' : 'payoneer'] } }));
        const rows = world.rows("SELECT * FROM finance.fees_by_provider WHERE date = (now() AT TIME ZONE 'utc')::date", 'e2e_finance');
        equal(rows.map((r) => r.provider).sort(), ['payoneer', 'paypal'], 'providers');
        const books = await world.books();
        for (const row of rows) {
            assert(Number(row.fee_booked_minor) > 0, `fee of ${row.provider}: ${JSON.stringify(row)}`);
            assert(books.some((e) => e.provider === row.provider), 'in the books');
        }
    },
    async finance_can_neither_write_nor_see_base_tables(world) {
        for (const sql of ['SELECT * FROM payments', 'SELECT * FROM transfers', 'SELECT * FROM api_keys', "DELETE FROM finance.payments",
            "UPDATE finance.transfers SET amount_minor = 1", 'CREATE TABLE x (y int)', 'CREATE TEMP TABLE x (y int)', 'SELECT * FROM finance_access', "INSERT INTO finance.payments DEFAULT VALUES"]) {
            let refused = false;
            try { world.psql(sql, 'turnpike', 'e2e_finance'); } catch { refused = true; }
            assert(refused, `finance could: ${sql}`);
        }
    },
    async the_gateway_role_cannot_change_what_is_appended(world) {
        for (const table of ['payments', 'attempts', 'outcomes', 'transfers', 'events', 'answers', 'payment_answers', 'idempotency', 'batches']) {
            for (const sql of [`DELETE FROM ${table}`, `TRUNCATE ${table}`, `UPDATE ${table} SET merchant_id = merchant_id`]) {
                let refused = false;
                try { world.psql(sql, 'turnpike', 'turnpike_gateway'); } catch { refused = true; }
                assert(refused, `the gateway could: ${sql}`);
            }
        }
    },
    async the_books_balance(world) {
        await world.settled();
        equal(world.rows('SELECT currency, sum(debit_minor) - sum(credit_minor) AS off FROM finance.trial_balance GROUP BY currency', 'e2e_finance').filter((r) => Number(r.off) !== 0), [], 'trial balance');
        const ledger = world.rows("SELECT currency, sum(amount_minor)::bigint AS sum FROM transfers WHERE kind = 'payment' AND state = 'posted' GROUP BY currency");
        for (const row of ledger) {
            const books = (await world.books()).filter((e) => e.kind === 'charge' && e.state === 'completed' && e.currency === row.currency).reduce((sum, e) => sum + e.amount, 0);
            equal(row.sum, books, `ledger and books in ${row.currency}`);
        }
    },
    async the_workers_roll_balances_up_and_they_stay_exact(world) {
        const off = `SELECT count(*) AS n FROM (SELECT merchant_id, account, currency, sum(debit) AS debit, sum(credit) AS credit
            FROM finance.transfers t, LATERAL (VALUES (debit_account, amount_minor, 0), (credit_account, 0, amount_minor)) s (account, debit, credit) WHERE state = 'posted' GROUP BY 1, 2, 3) p
            FULL JOIN finance.trial_balance b USING (merchant_id, account, currency) WHERE coalesce(p.debit, 0) IS DISTINCT FROM b.debit_minor OR coalesce(p.credit, 0) IS DISTINCT FROM b.credit_minor`;
        await world.pay();
        await until('balances are rolled up', async () => {
            equal(world.rows(off, 'e2e_finance'), [{ n: 0 }], 'accounts that are not what their transfers sum up to');
            return Number(world.psql('SELECT count(*) FROM balance_snapshots WHERE debit_minor > 0')) > 0;
        }, 60000);
        await world.pay();
        equal(world.rows(off, 'e2e_finance'), [{ n: 0 }], 'accounts that are off after another payment');
    },
    async without_postgresql_payments_are_refused_and_nothing_is_lost(world) {
        const before = await world.pay();
        equal(before.answer.status, 'succeeded', 'before');
        world.stopDatabase();
        const sent = (await world.books()).length;
        const away = await world.pay();
        equal([away.status, away.headers['retry-after'] !== undefined], [503, true], `while away (${away.raw})`);
        equal((await world.call('GET', world.ops + '/readyz')).status, 503, 'readyz');
        equal((await world.call('GET', world.ops + '/livez')).status, 200, 'livez');
        equal((await world.books()).length, sent, 'nothing was sent');
        world.startDatabase();
        await until('payments work again', async () => (await world.pay()).answer?.status === 'succeeded', 20000);
        const again = await world.pay(away.body, { key: away.key });
        equal([again.status, again.answer.status], [201, 'succeeded'], 'the refused one under its own key');
        equal((await world.pay(before.body, { key: before.key })).raw, before.raw, 'what was told is still told');
        await world.judge();
    },
});
