// Payouts: one by one, with a second key, and in small batches (large ones: payout_batch.mjs). Whether money left,
// and how often, is read from the sandbox's books, by the recipient: every payout here has one of its own.
import { randomUUID } from 'node:crypto';
import { suite, assert, equal, until } from './lib.mjs';

const open = ['requires_approval', 'scheduled', 'processing', 'unclaimed'];
let serial = 0;

function payout(extra = {}) {
    const n = ++serial;
    return { amount: 1000 + n, currency: 'EUR', beneficiary: { type: 'individual', first_name: 'Ada', last_name: 'Lovelace' },
        payees: { paypal: `one${n}@example.com`, payoneer: `one-${n}` }, ...extra };
}
// POST of a payout or a batch. A lost connection is status 0.
async function post(world, path, body, { key = randomUUID(), apiKey = world.key, headers = {}, timeoutMs } = {}) {
    try {
        const answer = await world.call('POST', world.api + path, { body, key: apiKey, timeoutMs, headers: { 'idempotency-key': `"${key}"`, ...headers } });
        return { key, body, ...answer };
    } catch (error) {
        return { key, body, status: 0, error: error.message };
    }
}
const pay = (world, body = payout(), options) => post(world, '/v1/payouts', body, options);
const act = (world, id, what, apiKey = world.key) =>
    world.call('POST', `${world.api}/v1/${id.startsWith('bat_') ? 'payout-batches' : 'payouts'}/${id}/${what}`, { key: apiKey });
async function get(world, path, key = world.key) {
    const answer = await world.call('GET', world.api + path, { key });
    equal(answer.status, 200, `GET ${path} (${answer.raw.slice(0, 300)})`);
    return answer.json;
}
const read = (world, id) => get(world, `/v1/payouts/${id}`);
const becomes = (world, id, ...statuses) => until(`${id} is ${statuses.join(' or ')}`, async () => {
    const now = await read(world, id);
    assert(statuses.includes(now.status) || open.includes(now.status), `${id} is ${now.status}: ${JSON.stringify(now.failure)}`);
    return statuses.includes(now.status) && now;
}, 40000);
async function all(world, path) { // every page of a list
    const data = [];
    for (let after = ''; ;) {
        const page = await get(world, `${path}${path.includes('?') ? '&' : '?'}limit=100${after}`);
        data.push(...page.data);
        if (!page.has_more) return data;
        const last = page.data.at(-1);
        after = `&starting_after=${last.row ?? last.id}`;
    }
}
// What left for whom: receiver -> entries of the books whose money is away or on its way.
async function paidOut(world) {
    const by = new Map();
    for (let since = 0; since !== null;) {
        const page = (await world.call('GET', `${world.sandbox}/books?since=${since}&limit=5000`)).json;
        for (const entry of page.entries) {
            if (entry.kind !== 'payout' || ['failed', 'returned', 'canceled', 'blocked', 'denied', 'rejected'].includes(entry.state)) continue;
            if (!by.has(entry.receiver)) by.set(entry.receiver, []);
            by.get(entry.receiver).push(entry);
        }
        since = page.next;
    }
    return by;
}
function entriesOf(books, body) {
    return Object.values(body.payees).flatMap((receiver) => books.get(receiver) ?? []);
}
async function isPaidOnce(world, body, books) {
    const entries = entriesOf(books ?? await paidOut(world), body);
    equal(entries.map((e) => [e.amount, e.currency]), [[body.amount, body.currency]], `the books about ${JSON.stringify(body.payees)}`);
}
async function isUnpaid(world, body, books) {
    equal(entriesOf(books ?? await paidOut(world), body), [], `the books about ${JSON.stringify(body.payees)}`);
}
// Debit equals credit, and what the ledger says was paid out is what left, in every currency.
async function balances(world) {
    equal(world.rows('SELECT currency, sum(debit_minor) - sum(credit_minor) AS off FROM finance.trial_balance GROUP BY currency', 'e2e_finance').filter((r) => Number(r.off) !== 0), [], 'trial balance');
    const left = {};
    for (const entries of (await paidOut(world)).values()) {
        for (const e of entries.filter((e) => e.state === 'completed')) left[e.currency] = (left[e.currency] ?? 0) + e.amount;
    }
    const told = {};
    for (const row of world.rows("SELECT currency, sum(debit_minor - credit_minor)::bigint AS sum FROM finance.trial_balance WHERE account = 'merchant:payouts' GROUP BY currency", 'e2e_finance')) {
        if (Number(row.sum) !== 0) told[row.currency] = Number(row.sum);
    }
    equal(Object.entries(told).sort(), Object.entries(left).sort(), 'paid out by ledger and books');
}
const limits = (world, ...limit) => world.admin('merchants', 'approval', world.merchant, ...limit.flatMap((l) => ['--payout-limit', l]));

const options = {
    workers: 2, delayMs: 2,
    settings: { order_retry_ms: 300, order_retry_max_ms: 1000, order_wait_ms: 200, order_wait_max_ms: 1000, breaker_open_ms: 1000, order_try_max: 50 },
    accounts: [['paypal_payouts', 1, 'paypal-us'], ['payoneer_payouts', 3, 'payoneer-payouts', ['--setting', 'program_id=100012345']]],
};

await suite('payouts', options, {
    async single_payouts_reach_each_provider_once(world) {
        for (const provider of ['paypal_payouts', 'payoneer_payouts']) {
            const body = payout({ providers: { only: [provider] }, reference: `single-${provider}`, metadata: { run: 'e2e' } });
            const told = await world.call('POST', `${world.api}/v1/routing/explain`, { body: { payout: body }, key: world.key });
            equal([told.status, told.json.provider, told.json.facts.operation], [200, provider, 'payout'], `explained: ${told.raw}`);
            const sent = await pay(world, body);
            assert([201, 202].includes(sent.status), `${provider}: ${sent.status} ${sent.raw}`);
            const choice = (decision) => decision.candidates.map((c) => [c.provider, c.kept, c.dropped, c.expected_fee]);
            equal(choice(sent.json.decision), choice(told.json.decision), 'as it was explained');
            const stored = world.admin('routes', 'explain', '--payment', sent.json.id);
            equal([stored.payout, stored.replay], [sent.json.id, 'same'], JSON.stringify(stored));
            const done = await becomes(world, sent.json.id, 'succeeded');
            equal([done.provider, done.amount, done.reference, done.object], [provider, sent.body.amount, `single-${provider}`, 'payout'], 'the payout');
            await isPaidOnce(world, sent.body);
            const again = await pay(world, sent.body, { key: sent.key });
            const twice = await pay(world, sent.body, { key: sent.key });
            equal([again.status, again.json.status, again.json.id], [201, 'succeeded', sent.json.id], 'the same key');
            equal([twice.raw, twice.headers['idempotent-replayed'], twice.headers.location], [again.raw, 'true', `/v1/payouts/${sent.json.id}`], 'the same bytes');
            equal((await pay(world, { ...sent.body, amount: 1 }, { key: sent.key })).json.code, 'idempotency_key_reused', 'another body');
            const taken = await pay(world, payout({ reference: `single-${provider}` }));
            equal([taken.status, taken.json.code, taken.json.payment_id], [409, 'reference_taken', sent.json.id], 'the reference is taken');
            await isPaidOnce(world, sent.body);
            await isUnpaid(world, taken.body);
            equal((await get(world, `/v1/payouts?reference=single-${provider}`)).data.map((p) => p.id), [sent.json.id], 'found by its reference');
            equal((await world.call('GET', `${world.api}/v1/payments/${sent.json.id.replace('pyt_', 'pay_')}`, { key: world.key })).status, 404, 'it is no payment');
        }
        const list = await all(world, '/v1/payouts?status=succeeded');
        assert(list.length >= 2 && list.every((p) => p.status === 'succeeded' && p.object === 'payout'), `listed by status: ${list.length}`);
    },
    async a_payout_goes_to_the_other_provider_only_when_nothing_left(world) {
        await world.fault({ provider: 'payoneer_payouts', kind: 'refuse' });
        const sent = await pay(world);
        await world.noFaults();
        const done = await becomes(world, sent.json.id, 'succeeded');
        equal(done.provider, 'paypal_payouts', 'who paid');
        await isPaidOnce(world, sent.body);
        await until('Payoneer is asked again', async () => (await becomes(world, (await pay(world)).json.id, 'succeeded')).provider === 'payoneer_payouts', 60000);
        await world.fault({ provider: 'payoneer_payouts', operation: 'payout', kind: 'reset_after_effect', count: 1 });
        const lost = await pay(world);
        assert([201, 202].includes(lost.status), `answer lost: ${lost.status} ${lost.raw}`);
        equal((await becomes(world, lost.json.id, 'succeeded')).provider, 'payoneer_payouts', 'settled by asking');
        await isPaidOnce(world, lost.body);
        await world.noFaults();
    },
    async what_the_recipient_does_is_told(world) {
        for (const [payees, status, reason] of [
            [{ paypal: 'unclaimed1@example.com' }, 'unclaimed'], [{ paypal: 'returned1@example.com' }, 'returned'],
            [{ paypal: 'denied1@example.com' }, ['declined', 'failed'], 'invalid_payee'], [{ payoneer: 'inactive-1' }, ['declined', 'failed'], 'payee_inactive'],
            [{ paypal: 'insufficient1@example.com' }, ['declined', 'failed'], 'insufficient_balance'],
        ]) {
            const sent = await pay(world, payout({ payees }));
            const done = await becomes(world, sent.json.id, ...[status].flat());
            if (reason) equal(done.failure?.reason, reason, JSON.stringify(payees));
            if (status !== 'unclaimed') await isUnpaid(world, sent.body);
        }
    },
    async a_payout_can_be_taken_back_while_it_is_unclaimed(world) {
        const sent = await pay(world, payout({ payees: { paypal: 'unclaimed2@example.com' } }));
        await becomes(world, sent.json.id, 'unclaimed');
        const asked = await act(world, sent.json.id, 'cancel');
        assert([200, 202].includes(asked.status), `cancel: ${asked.status} ${asked.raw}`);
        await becomes(world, sent.json.id, 'canceled', 'returned');
        await isUnpaid(world, sent.body);
        const again = await act(world, sent.json.id, 'cancel');
        equal([again.status, again.json.status], [200, 'canceled'], `cancel again: ${again.raw}`);
        const paid = await pay(world);
        await becomes(world, paid.json.id, 'succeeded');
        equal((await act(world, paid.json.id, 'cancel')).status, 409, 'cancel of one that is paid');
        await isPaidOnce(world, paid.body);
        equal((await act(world, 'pyt_00000000000000000000000000', 'cancel')).status, 404, 'cancel of nothing');
    },
    async above_the_limit_another_key_must_say_yes(world) {
        limits(world, 'EUR=500000');
        const large = () => payout({ amount: 500001 + serial });
        const asked = await until('the limit is known', async () => {
            const sent = await pay(world, large());
            return sent.json.status === 'requires_approval' && sent;
        });
        equal(asked.status, 202, asked.raw);
        const same = await act(world, asked.json.id, 'approve');
        equal([same.status, same.json.code], [403, 'approval_needs_another_key'], 'by the key that asked');
        equal((await act(world, asked.json.id, 'approve', world.operatorKey)).status, 403, 'by an operator');
        await isUnpaid(world, asked.body);
        equal((await pay(world, asked.body, { key: asked.key })).json.status, 'requires_approval', 'the same key, while it waits');
        const yes = await act(world, asked.json.id, 'approve', world.financeKey);
        assert(yes.status === 200 && yes.json.id === asked.json.id, `approved: ${yes.status} ${yes.raw}`);
        const done = await becomes(world, asked.json.id, 'succeeded');
        equal([done.decisions.length, done.decisions[0].decision], [1, 'approve'], JSON.stringify(done.decisions));
        equal((await act(world, asked.json.id, 'approve', world.financeKey)).json.decisions.length, 1, 'approving twice is harmless');
        equal((await act(world, asked.json.id, 'reject', world.financeKey)).status, 409, 'rejecting what is approved');
        await isPaidOnce(world, asked.body);
        const kept = await pay(world, asked.body, { key: asked.key });
        equal([kept.status, kept.json.status, (await pay(world, asked.body, { key: asked.key })).raw === kept.raw], [201, 'succeeded', true], 'the same key at the end');

        const no = await pay(world, large());
        equal((await act(world, no.json.id, 'reject', world.financeKey)).json.status, 'rejected', 'rejected');
        equal((await act(world, no.json.id, 'approve', world.financeKey)).status, 409, 'approving what is rejected');
        const back = await pay(world, large());
        equal((await act(world, back.json.id, 'cancel')).json.status, 'canceled', 'canceled by who asked');
        // All at once, many times: one wins, and money leaves exactly when it was the approval.
        for (let i = 0; i < 8; i++) {
            const sent = await pay(world, large());
            const said = await Promise.all([act(world, sent.json.id, 'approve', world.financeKey), act(world, sent.json.id, 'reject', world.financeKey), act(world, sent.json.id, 'cancel')]);
            const end = await becomes(world, sent.json.id, 'succeeded', 'rejected', 'canceled');
            const [approved, rejected, canceled] = said.map((s) => s.status < 300);
            assert(end.status !== 'succeeded' || approved, `paid without a yes: ${said.map((s) => s.raw)}`);
            assert(!(approved && rejected), `yes and no: ${said.map((s) => s.raw)}`);
            assert({ succeeded: approved, rejected, canceled }[end.status], `${end.status}: ${said.map((s) => s.raw)}`);
            await (end.status === 'succeeded' ? isPaidOnce : isUnpaid)(world, sent.body);
        }
        const small = await pay(world, payout({ amount: 500000 }));
        await becomes(world, small.json.id, 'succeeded');
        limits(world, 'EUR=0');
        await until('the limit is gone', async () => (await pay(world, large())).json.status !== 'requires_approval');
        await isUnpaid(world, no.body);
        await isUnpaid(world, back.body);
    },
    async a_batch_above_the_limit_is_judged_by_its_total(world) {
        limits(world, 'EUR=500000');
        const batch = () => ({ reference: 'judged', payouts: Array.from({ length: 3 }, () => payout({ amount: 200000 })) });
        const sent = await until('the limit is known', async () => {
            const b = await post(world, '/v1/payout-batches', batch());
            return b.json.status === 'requires_approval' && b;
        });
        equal([sent.status, sent.json.counts.requires_approval], [202, 3], sent.raw);
        equal((await act(world, sent.json.id, 'approve')).json.code, 'approval_needs_another_key', 'by the key that asked');
        for (const body of sent.body.payouts) await isUnpaid(world, body);
        equal((await act(world, sent.json.id, 'approve', world.financeKey)).status, 200, 'by another key');
        const done = await until('the batch is completed', async () => {
            const now = await get(world, `/v1/payout-batches/${sent.json.id}`);
            return now.status === 'completed' && now;
        }, 40000);
        equal([done.counts.succeeded, done.decisions.map((d) => d.decision)], [3, ['approve']], JSON.stringify(done));
        for (const body of sent.body.payouts) await isPaidOnce(world, body);
        equal((await post(world, '/v1/payout-batches', sent.body, { key: sent.key })).raw, sent.raw, 'the same key, the same bytes');
        for (const [what, apiKey, status] of [['reject', world.financeKey, 'rejected'], ['cancel', world.key, 'canceled']]) {
            const other = await post(world, '/v1/payout-batches', batch());
            equal((await act(world, other.json.id, what, apiKey)).json.status, status, what);
            equal((await act(world, other.json.id, 'approve', world.financeKey)).status, 409, `approve after ${what}`);
            for (const body of other.body.payouts) await isUnpaid(world, body);
        }
        limits(world, 'EUR=0');
        await until('the limit is gone', async () => (await pay(world, payout({ amount: 500001 }))).json.status !== 'requires_approval');
    },
    async a_payee_registers_and_is_paid_then(world) {
        const payee = `pending-e2e-${randomUUID().slice(0, 8)}`;
        const link = await world.call('POST', `${world.api}/v1/payees/registration-links`, { key: world.key, body: { payee_id: payee } });
        equal(link.status, 201, link.raw);
        assert(link.json.url?.startsWith('https://'), link.raw);
        equal((await get(world, `/v1/payees/${payee}`)).status, 'pending', 'before');
        const sent = await pay(world, payout({ payees: { payoneer: payee } }));
        equal(sent.json.status, 'processing', sent.raw);
        await world.call('GET', link.json.url);
        equal((await get(world, `/v1/payees/${payee}`)).status, 'active', 'afterwards');
        await becomes(world, sent.json.id, 'succeeded');
        await isPaidOnce(world, sent.body);
        equal((await world.call('GET', `${world.api}/v1/payees/none%20such`, { key: world.key })).status, 404, 'no id of a payee');
    },
    async wrong_payouts_are_refused_by_name(world) {
        const bank = (account) => ({ beneficiary: { type: 'individual', first_name: 'A', last_name: 'B', bank_account: account } });
        const before = (await paidOut(world)).size;
        for (const [extra, param] of [
            [{ amount: 0 }, 'amount'], [{ amount: 10.5 }, 'amount'], [{ currency: 'EURO' }, 'currency'], [{ amout: 1 }, 'amout'], [{ payees: {} }, 'payees'],
            [{ payees: { stripe: 'x' } }, 'payees.stripe'], [{ payees: { paypal: 'not an address' } }, 'payees.paypal'],
            [{ beneficiary: { type: 'individual', first_name: 'Ada' } }, 'beneficiary.last_name'], [{ beneficiary: { type: 'business' } }, 'beneficiary.business_name'],
            [{ beneficiary: { type: 'person' } }, 'beneficiary.type'], [bank({ iban: 'DE89370400440532013001' }), 'beneficiary.bank_account.iban'],
            [bank({ iban: 'DE8937040044053201300' }), 'beneficiary.bank_account.iban'], [bank({ iban: 'XX89370400440532013000' }), 'beneficiary.bank_account.iban'],
            [bank({ iban: 'DE89370400440532013000', bic: 'NWBKGB2L' }), 'beneficiary.bank_account.bic'], [bank({ iban: 'DE89370400440532013000', currency: 'USD' }), 'beneficiary.bank_account.currency'],
            [bank({ iban: 'DE89370400440532013000', country: 'ZZ' }), 'beneficiary.bank_account.country'],
            [{ beneficiary: { type: 'individual', first_name: 'A', last_name: 'B', country: 'ZZ' } }, 'beneficiary.country'],
            [{ beneficiary: { type: 'individual', first_name: 'A', last_name: 'B', email: 'a@' } }, 'beneficiary.email'], [{ description: '4111 1111 1111 1111' }, 'description'],
        ]) {
            const got = await pay(world, payout(extra));
            assert(got.status === 422 && got.json.param === param && got.json.detail?.length > 0, `${JSON.stringify(extra)}: ${got.status} ${got.raw}`);
        }
        equal((await world.call('POST', `${world.api}/v1/payouts`, { body: payout(), key: world.key })).json.code, 'idempotency_key_missing', 'no key');
        equal((await pay(world, payout(), { apiKey: world.financeKey })).status, 403, 'finance pays nobody');
        equal((await paidOut(world)).size, before, 'nothing left');
        for (const [csv, code] of [['amount\n1', 'missing_member'], ['amount,amount\n1,1', 'invalid_member'], ['amount,"currency\n1', 'malformed_csv'], ['amount,salary\n1,1', 'unknown_member']]) {
            const got = await post(world, '/v1/payout-batches?on_invalid=reject', csv, { headers: { 'content-type': 'text/csv' } });
            assert([400, 422].includes(got.status), `${JSON.stringify(csv)}: ${got.status} ${got.raw}`);
            assert(got.json.code === code || got.json.code === 'invalid_rows' && got.raw.includes(code), `${JSON.stringify(csv)}: ${got.raw}`);
        }
        const rejected = await post(world, '/v1/payout-batches', { on_invalid: 'reject', payouts: [payout(), payout({ amount: 0 })] });
        equal([rejected.status, rejected.json.code, rejected.json.errors.map((e) => [e.row, e.param])], [422, 'invalid_rows', [[2, 'amount']]], rejected.raw);
        await isUnpaid(world, rejected.body.payouts[0]);
    },
    async json_and_csv_say_the_same(world) {
        const rows = [payout({ reference: 'csv-1', metadata: { team: 'research, and more' } }), payout({ reference: 'csv-2', currency: 'USD', beneficiary: { type: 'business', business_name: 'Engines "Ltd"' } })];
        const columns = ['amount', 'currency', 'reference', 'beneficiary.type', 'beneficiary.first_name', 'beneficiary.last_name', 'beneficiary.business_name', 'payees.paypal', 'payees.payoneer', 'metadata.team'];
        const cell = (row, column) => {
            const dot = column.indexOf('.');
            const text = String((dot < 0 ? row[column] : row[column.slice(0, dot)]?.[column.slice(dot + 1)]) ?? '');
            return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
        };
        const csv = [columns, ...rows.map((row) => columns.map((c) => cell(row, c)))].map((line) => line.join(',')).join('\r\n') + '\r\n';
        const sent = await post(world, '/v1/payout-batches?reference=sheet', csv, { headers: { 'content-type': 'text/csv; charset=utf-8' } });
        equal([sent.status, sent.json.rows, sent.json.valid, sent.json.reference], [201, 2, 2, 'sheet'], sent.raw);
        const again = await post(world, '/v1/payout-batches', { reference: 'sheet', payouts: rows }, { key: sent.key });
        equal([again.status, again.raw], [201, sent.raw], 'the same batch as JSON, under its key');
        await until('both are paid', async () => (await get(world, `/v1/payout-batches/${sent.json.id}`)).counts.succeeded === 2, 40000);
        for (const row of rows) await isPaidOnce(world, row);
        equal((await all(world, `/v1/payout-batches/${sent.json.id}/payouts`)).map((r) => [r.row, r.reference, r.payout.metadata]), [[1, 'csv-1', rows[0].metadata], [2, 'csv-2', {}]], 'rows');
        equal((await get(world, '/v1/payout-batches?reference=sheet')).data.map((b) => b.id), [sent.json.id], 'found by its reference');
    },
    async a_batch_that_is_canceled_pays_no_more(world) {
        await world.fault({ provider: 'any', kind: 'refuse' });
        const sent = await post(world, '/v1/payout-batches', { payouts: Array.from({ length: 20 }, () => payout()) });
        equal(sent.status, 201, sent.raw);
        const canceled = await act(world, sent.json.id, 'cancel');
        assert([200, 202].includes(canceled.status), canceled.raw);
        await world.noFaults();
        const done = await until('the batch is over', async () => {
            const now = await get(world, `/v1/payout-batches/${sent.json.id}`);
            return now.totals.every((t) => t.open_rows === 0) && now;
        }, 60000);
        const books = await paidOut(world);
        for (const row of await all(world, `/v1/payout-batches/${sent.json.id}/payouts`)) {
            await (row.status === 'succeeded' ? isPaidOnce : isUnpaid)(world, sent.body.payouts[row.row - 1], books);
        }
        assert((done.counts.canceled ?? 0) > 0, JSON.stringify(done.counts));
        equal((await act(world, sent.json.id, 'cancel')).status, 200, 'cancel again');
    },
    async the_books_balance(world) {
        await world.settled();
        await balances(world);
    },
});
