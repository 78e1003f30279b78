// The ledger over HTTP for whoever has only a key: balances, transfers and statements are what the database has, pages chain
// without a gap or a row twice, CSV says the same as JSON, and nobody sees another merchant's books.
import { randomUUID } from 'node:crypto';
import { suite, assert, equal, until } from './lib.mjs';

let serial = 0;
const payout = () => {
    const n = ++serial;
    return { amount: 1000 + n, currency: 'EUR', beneficiary: { type: 'individual', first_name: 'Ada', last_name: 'Lovelace' },
        payees: { paypal: `one${n}@example.com`, payoneer: `one-${n}` } };
};
const post = (world, path, body) => world.call('POST', world.api + path, { body, key: world.key, headers: { 'idempotency-key': `"${randomUUID()}"` } });
const ask = (world, path, { key = world.financeKey, headers } = {}) => world.call('GET', `${world.api}/v1/ledger/${path}`, { key, headers });
async function told(world, path, options) {
    const answer = await ask(world, path, options);
    equal(answer.status, 200, `${path}: ${answer.raw}`);
    return answer.json;
}
// All pages of a list, which never has a row twice.
async function chained(world, path, limit = 3) {
    const rows = [];
    for (let after = '', pages = 0; after !== null; pages++) {
        assert(pages < 2000, `${path} has no end`);
        const page = await told(world, `${path}${path.includes('?') ? '&' : '?'}limit=${limit}${after && `&starting_after=${encodeURIComponent(after)}`}`);
        equal(page.has_more, page.next !== null, 'next, if there is more');
        rows.push(...page.data);
        after = page.next;
    }
    return rows;
}
// RFC 4180 by the letter: rows as objects.
function csv(text) {
    const rows = [];
    let row = [];
    for (let at = 0; at < text.length;) {
        let cell = '';
        if (text[at] === '"') {
            for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) { if (text[at] === '"') at++; assert(at < text.length, 'a quote is closed'); cell += text[at]; }
            at++;
        } else while (text[at] !== ',' && text[at] !== '\r') { assert(at < text.length, 'a line ends'); cell += text[at++]; }
        row.push(cell);
        if (text[at] === ',') at++;
        else { equal(text.slice(at, at + 2), '\r\n', 'CRLF'); at += 2; rows.push(row); row = []; }
    }
    const [head, ...body] = rows;
    return body.map((cells) => { equal(cells.length, head.length, 'cells'); return Object.fromEntries(head.map((name, i) => [name, cells[i]])); });
}
const flat = (rows) => rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value === null ? '' : String(value)])));
const guarded = (rows) => rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value.startsWith("'") ? value.slice(1) : value])));

async function moveMoney(world) {
    if (world.made) return;
    for (let i = 0; i < 12; i++) await world.pay(world.payment({ amount: 2000 + i, currency: i % 3 ? 'EUR' : 'USD', capture: i % 4 ? 'automatic' : 'manual' }));
    const made = world.log.filter((e) => e.answer?.status === 'succeeded').map((e) => e.answer.id);
    const held = world.log.filter((e) => e.answer?.status === 'authorized').map((e) => e.answer.id);
    assert(made.length > 4 && held.length > 2, 'sales and holds');
    equal((await post(world, `/v1/payments/${made[0]}/refunds`, { amount: 700 })).status, 201, 'a refund');
    equal((await post(world, `/v1/payments/${held[0]}/capture`, { amount: 1500 })).status, 201, 'a capture');
    equal((await post(world, `/v1/payments/${held[1]}/void`, {})).status, 201, 'a void');
    for (let i = 0; i < 3; i++) assert([201, 202].includes((await post(world, '/v1/payouts', payout())).status), 'a payout');
    await world.settled();
    await world.balanced();
    world.made = { refunded: made[0], captured: held[0], voided: held[1] };
}

await suite('ledger_http', { workers: 1, payouts: true }, {
    async the_trial_balance_is_the_sandboxes_books(world) {
        await moveMoney(world);
        const trial = await until('the books are booked', async () => {
            const trial = await told(world, 'trial-balance');
            const books = await world.booksByCurrency();
            const of = (currency, accounts) => trial.data.filter((row) => row.currency === currency && accounts.test(row.account)).reduce((sum, row) => sum + row.balance, 0);
            for (const currency of ['EUR', 'USD']) {
                equal({ sales: -of(currency, /^merchant:sales$/), refunds: of(currency, /^merchant:refunds$/), payouts: of(currency, /^merchant:payouts$/), fees: of(currency, /^fees:/) }, books[currency], currency);
            }
            return trial;
        }, 30000);
        for (const total of trial.totals) equal(total.debit, total.credit, `debits and credits in ${total.currency}`);
        assert(trial.totals.length >= 2, 'currencies');
        const merchant = world.psql(`SELECT merchant_id FROM merchants WHERE NOT livemode`).trim();
        const sums = ['debit', 'credit', 'balance', 'pending_debit', 'pending_credit'];
        const rows = world.rows(`SELECT account, currency, ${sums.map((name) => `${name}_minor AS ${name}`)} FROM finance.trial_balance WHERE merchant_id = '${merchant}' ORDER BY account COLLATE "C", currency`, 'e2e_finance');
        equal(trial.data, rows.map((r) => ({ ...r, ...Object.fromEntries(sums.map((name) => [name, Number(r[name])])) })), 'what finance sees in the database');
        assert(trial.data.some((row) => row.pending_debit > 0), 'a hold is reserved');
        const accounts = await chained(world, 'accounts', 4);
        const now = world.rows(`SELECT account || ':' || currency AS id, balance_minor AS balance, pending_debit_minor AS pending_debit FROM finance.trial_balance WHERE merchant_id = '${merchant}' ORDER BY account || ':' || currency COLLATE "C"`, 'e2e_finance');
        equal(accounts.map(({ id, balance, pending_debit }) => ({ id, balance, pending_debit })), now.map((r) => ({ id: r.id, balance: Number(r.balance), pending_debit: Number(r.pending_debit) })), 'accounts');
        equal((await told(world, 'accounts?kind=sales')).data.map((a) => [a.kind, a.type, a.normal_side, a.currency]), [['sales', 'income', 'credit', 'EUR'], ['sales', 'income', 'credit', 'USD']], 'of one kind');
        equal((await told(world, 'trial-balance?as_of=2020-01-01')).data, [], 'nothing was before');
        const posted = trial.data.filter((row) => row.debit + row.credit > 0).map((row) => ({ ...row, pending_debit: null, pending_credit: null }));
        for (const query of ['as_of=2099-01-01&basis=effective', 'as_of=2099-01-01', 'basis=effective']) equal((await told(world, `trial-balance?${query}`)).data, posted, query);
        for (const then of ['1970-01-01', '1966-07-30']) {
            const none = await told(world, `trial-balance?as_of=${then}`);
            equal([none.as_of, none.data], [`${then}T00:00:00.000Z`, []], 'before all');
            equal((await told(world, `transfers?created_to=${then}`)).data, [], 'no transfers before');
            equal((await told(world, `statements?account=merchant:sales&to=${then}`)).data, [], 'nor a statement');
        }
    },
    async transfers_chain_and_every_filter_finds_what_it_says(world) {
        await moveMoney(world);
        const all = await chained(world, 'transfers', 7);
        const moments = new Map(world.rows(`SELECT finance.show_id('trf', transfer_id) AS id, to_char(ledger_moment(transfer_id) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at FROM transfers`).map((r) => [r.id, r.at]));
        const rows = world.rows(`SELECT transfer AS id, amount_minor AS amount FROM finance.transfers ORDER BY transfer_id DESC`, 'e2e_finance');
        equal(all.map(({ id, amount }) => ({ id, amount })), rows.map((r) => ({ id: r.id, amount: Number(r.amount) })), 'all transfers, newest first');
        assert(all.length > 20 && new Set(all.map((t) => t.state)).size === 3, `of every state: ${JSON.stringify(all.map((t) => t.state))}`);
        for (const [query, holds] of [
            ...['pending', 'posted', 'voided'].map((state) => [`state=${state}`, (t) => t.state === state]),
            ...[...new Set(all.map((t) => t.kind))].map((kind) => [`kind=${kind}`, (t) => t.kind === kind]),
            ...[...new Set(all.map((t) => t.debit_account))].flatMap((account) => [
                [`account=${encodeURIComponent(account)}`, (t) => [t.debit_account, t.credit_account].includes(account)],
                [`account=${encodeURIComponent(account)}&state=posted`, (t) => t.state === 'posted' && [t.debit_account, t.credit_account].includes(account)]]),
            ...[...new Set(all.map((t) => t.payment))].map((payment) => [`payment=${payment}`, (t) => t.payment === payment]),
            [`payment=${world.made.refunded}&kind=refund`, (t) => t.payment === world.made.refunded && t.kind === 'refund'],
            [`created_from=${moments.get(all[20].id)}&created_to=${moments.get(all[5].id)}`, (t) => moments.get(t.id) >= moments.get(all[20].id) && moments.get(t.id) < moments.get(all[5].id)],
            ['created_to=2020-01-01', () => false],
        ]) equal((await chained(world, `transfers?${query}`, 5)).map((t) => t.id), all.filter(holds).map((t) => t.id), query);
        for (const [payment, kind] of [[world.made.refunded, 'ref_'], [world.made.captured, 'cap_'], [world.made.voided, 'voi_']]) {
            const [{ id }] = world.rows(`SELECT finance.show_id('${kind.slice(0, 3)}', o.payment_id) AS id FROM payments o WHERE finance.show_id('pay', o.parent_id) = '${payment}'`);
            assert(all.some((t) => t.payment === payment && t.operation === id) && all.some((t) => t.payment === payment && t.operation === null), `${id} of ${payment}`);
        }
        for (const one of [all[0], all.at(-1), all.find((t) => t.pending)]) equal(await told(world, `transfers/${one.id}`), one, 'one by its id');
        assert(all.filter((t) => t.pending).every((t) => all.some((p) => p.id === t.pending && p.state === 'pending')), 'what ends a pending transfer names it');
    },
    async a_statement_is_its_accounts_transfers_with_the_balance_after_each(world) {
        await moveMoney(world);
        const all = (await chained(world, 'transfers', 100)).filter((t) => t.state === 'posted').reverse();
        for (const account of new Set(all.map((t) => t.debit_account))) {
            const lines = await chained(world, `statements?account=${encodeURIComponent(account)}&from=2020-01-01&to=2099-01-01`, 4);
            const moved = lines.filter((line) => line.line === 'movement');
            equal(moved.map((l) => l.transfer), all.filter((t) => [t.debit_account, t.credit_account].includes(account)).map((t) => t.id), `movements of ${account}`);
            const sums = {};
            for (const line of moved) {
                sums[line.currency] = (sums[line.currency] ?? 0) + line.debit - line.credit;
                equal(line.balance, sums[line.currency], 'the balance after it');
            }
            equal(Object.fromEntries(lines.filter((l) => l.line === 'closing').map((l) => [l.currency, l.balance]).sort()), Object.fromEntries(Object.entries(sums).sort()), 'closing');
            const middle = moved[Math.floor(moved.length / 2)];
            const tail = await chained(world, `statements?account=${encodeURIComponent(account)}&from=${middle.created}`, 4);
            equal(tail.filter((l) => l.line === 'closing').map((l) => l.balance).sort(), Object.values(sums).sort(), 'the same from the middle on');
        }
    },
    async csv_says_what_json_says(world) {
        await moveMoney(world);
        for (const path of ['accounts?limit=50', 'transfers?limit=5', 'transfers?limit=5&kind=nothing', 'trial-balance', 'statements?account=merchant:sales&limit=3']) {
            const json = await told(world, path);
            const answer = await ask(world, path, { headers: { accept: 'text/csv' } });
            assert(answer.status === 200 && answer.headers['content-type'].startsWith('text/csv'), `${path}: ${answer.headers['content-type']}`);
            equal(guarded(csv(answer.raw)), flat(json.data), path);
            equal(answer.headers.link !== undefined, Boolean(json.next), 'a way to the next page');
            if (json.next) {
                const [, next] = /^<\/v1\/ledger\/(.*)>; rel="next"$/.exec(answer.headers.link);
                equal(guarded(csv((await ask(world, next, { headers: { accept: 'text/csv' } })).raw)), flat((await told(world, next)).data), 'which is the next one');
            }
        }
    },
    async what_is_accepted_is_sent(world) {
        for (const [accept, type] of [['TEXT/Csv', 'text/csv'], ['text/csv;q=0', 'application/json'], ['*/*', 'application/json'], ['application/json, text/csv;q=0.5', 'application/json'], ['application/json;q=0.4, text/*;q=0.5', 'text/csv']]) {
            equal((await ask(world, 'accounts', { headers: { accept } })).headers['content-type'].split(';')[0], type, accept);
        }
    },
    async nobody_sees_another_merchants_books(world) {
        await moveMoney(world);
        const foreign = world.psql(`SELECT finance.show_id('mer', merchant_id) FROM merchants WHERE livemode`).trim();
        const live = world.admin('keys', 'create', '--merchant', world.liveMerchant, '--role', 'finance').key;
        const mine = (await told(world, 'transfers?limit=1')).data[0];
        equal((await ask(world, `transfers/${mine.id}`, { key: live })).status, 404, 'a transfer of the test twin, by a live key');
        for (const path of ['accounts?', 'transfers?', 'trial-balance?', 'statements?account=merchant:sales&', `transfers/${mine.id}?`, `transfers?payment=${mine.payment}&`]) {
            equal((await ask(world, `${path}merchant=${foreign}`)).status, 404, `a foreign merchant: ${path}`);
            if (!path.startsWith('transfers/')) equal((await told(world, path, { key: live })).data, [], `the live twin has none: ${path}`);
            equal((await ask(world, path, { key: world.operatorKey })).status, 400, `an operator says whose: ${path}`);
            equal((await told(world, `${path}merchant=${world.merchant}`, { key: world.operatorKey })).data?.length > 0 || path.startsWith('transfers/'), true, `an operator sees it: ${path}`);
            const nobody = await ask(world, `${path}merchant=mer_01JDEX7T1V5M2Q9K8Z4R6W0C3B`, { key: world.operatorKey });
            equal([nobody.status, nobody.json?.code, nobody.json?.param, nobody.headers['content-type']], [404, 'not_found', 'merchant', 'application/problem+json'], `nobody's books: ${path}`);
            equal((await ask(world, path, { key: 'tpk_test_0' })).status, 401, 'without a key');
        }
    },
});
