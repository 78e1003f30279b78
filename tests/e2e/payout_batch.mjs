// A batch of payouts with bad rows, a provider's outage in the middle and a kill -9 of the gateway: every good row is
// paid once, every bad one is named, and the books are equal. ROWS=15000 for the size that the API takes.
// What a killed worker had committed and never sent is looked up, not found, and failed: never paid again by itself.
//     ROWS=15000 node tests/e2e/payout_batch.mjs
import { randomUUID } from 'node:crypto';
import { suite, assert, equal, until } from './lib.mjs';

const ROWS = Number(process.env.ROWS ?? 300);
const BAD_EACH = 100; // one row in so many

const bad = [ // what is wrong with a row, and the param that must be named
    [(row) => { row.amount = 0; }, 'amount'],
    [(row) => { row.currency = 'XYZ'; }, 'currency'],
    [(row) => { row.beneficiary.bank_account = { iban: 'DE89370400440532013001' }; }, 'beneficiary.bank_account.iban'],
    [(row) => { delete row.beneficiary.last_name; }, 'beneficiary.last_name'],
    [(row) => { row.beneficiary.email = 'nobody'; }, 'beneficiary.email'],
];
function makeRows(count, tag) {
    return Array.from({ length: count }, (_, i) => {
        const row = {
            amount: 1000 + i, currency: 'USD', reference: `${tag}-${i + 1}`,
            beneficiary: { type: 'individual', first_name: 'Ada', last_name: 'Example', email: `ada${i}@example.com` },
            payees: { paypal: `ada${i}@example.com`, payoneer: `ada-${i}` },
        };
        if (i % BAD_EACH === BAD_EACH / 2) bad[(i / BAD_EACH | 0) % bad.length][0](row);
        return row;
    });
}
const isBad = (i) => i % BAD_EACH === BAD_EACH / 2;
const IN_HAND = 2 * 64; // order_in_flight_max of two workers
const neverLeft = (row) => row.status === 'failed' && row.payout?.failure?.reason === 'not_found';

async function allRows(world, id, query = '') {
    const rows = [];
    for (let after = ''; ;) {
        const page = (await world.call('GET', `${world.api}/v1/payout-batches/${id}/payouts?limit=100${query}${after}`, { key: world.key })).json;
        rows.push(...page.data);
        if (!page.has_more) return rows;
        after = `&starting_after=${page.data.at(-1).row}`;
    }
}
const show = async (world, id) => (await world.call('GET', `${world.api}/v1/payout-batches/${id}`, { key: world.key })).json;
const done = (batch) => ['scheduled', 'processing', 'requires_approval', 'unclaimed'].reduce((n, s) => n + (batch.counts[s] ?? 0), 0) === 0;

// The books hold one payout for each good row, of its amount, and nothing else of this batch.
async function judge(world, rows, shown) {
    const paid = new Map();
    for (const entry of await world.books()) {
        if (entry.kind !== 'payout' || ['failed', 'denied', 'canceled', 'returned', 'cancelled', 'declined'].includes(entry.state)) continue;
        paid.set(entry.amount, [...(paid.get(entry.amount) ?? []), entry]);
    }
    rows.forEach((row, i) => {
        const entries = paid.get(row.amount) ?? [];
        if (isBad(i)) {
            equal([shown[i].status, shown[i].payout], ['invalid', null], `bad row ${i + 1}`);
            const param = bad[(i / BAD_EACH | 0) % bad.length][1];
            assert(shown[i].errors.some((error) => error.param === param), `row ${i + 1} names ${param}: ${JSON.stringify(shown[i].errors)}`);
            if (row.amount > 0) equal(entries.length, 0, `bad row ${i + 1} in the books`);
            return;
        }
        if (neverLeft(shown[i])) {
            equal(entries.length, 0, `row ${i + 1}, which was not found, in the books`);
            return;
        }
        equal(shown[i].status, 'succeeded', `row ${i + 1}: ${JSON.stringify(shown[i])}`);
        equal(entries.map((entry) => entry.currency), ['USD'], `row ${i + 1} in the books`);
    });
    const lost = shown.filter(neverLeft).length;
    assert(lost <= IN_HAND, `${lost} rows were not found`);
    equal([...paid.values()].flat().length, rows.filter((_, i) => !isBad(i)).length - lost, 'payouts in the books');
    const ledger = world.rows(`SELECT count(*)::int AS n, coalesce(sum(amount_minor), 0)::bigint AS sum FROM transfers WHERE kind = 'payout' AND state = 'posted'`)[0];
    equal([ledger.n, Number(ledger.sum)], [[...paid.values()].flat().length, [...paid.values()].flat().reduce((n, e) => n + e.amount, 0)], 'the ledger and the books');
}

await suite('payout_batch', {
    workers: 2, delayMs: 5, payouts: true, sockets: 16,
}, {
    async every_good_row_is_paid_once_through_outage_and_kill(world) {
        const tag = randomUUID().slice(0, 8);
        const rows = makeRows(ROWS, tag);
        const body = JSON.stringify({ reference: tag, payouts: rows });
        const key = randomUUID();
        const send = () => world.call('POST', `${world.api}/v1/payout-batches`, { key: world.key, body, headers: { 'idempotency-key': `"${key}"` }, timeoutMs: 60000 });
        const made = await send();
        assert([201, 202].includes(made.status), `batch: ${made.status} ${made.raw.slice(0, 400)}`);
        const id = made.json.id;
        equal([made.json.rows, made.json.invalid], [ROWS, rows.filter((_, i) => isBad(i)).length], 'rows and bad rows');
        const paidSome = async (share) => ((await show(world, id)).counts?.succeeded ?? 0) + ((await show(world, id)).counts?.processing ?? 0) > ROWS * share;
        await until('a quarter has begun', () => paidSome(0.25), 120000);
        await world.fault({ provider: 'paypal_payouts', operation: 'any', kind: 'refuse' });
        await world.fault({ provider: 'payoneer_payouts', operation: 'payout', kind: 'reset_after_effect', count: Math.ceil(ROWS / 50) });
        await until('half has begun', () => paidSome(0.5), 240000);
        await world.killGateway();
        await world.startGateway();
        const again = await send();
        equal([again.status, again.json?.id], [made.status, id], 'the same request again');
        await world.noFaults();
        await until('every row has ended', async () => done(await show(world, id)), 120000 + ROWS * 20);
        const shown = await allRows(world, id);
        equal(shown.map((row) => row.row), rows.map((_, i) => i + 1), 'every row is listed, in order');
        await judge(world, rows, shown);
        equal((await allRows(world, id, '&status=invalid')).length, made.json.invalid, 'bad rows by themselves');
    },
    async the_same_as_csv(world) {
        await world.resetSandbox();
        const tag = randomUUID().slice(0, 8);
        const lines = Array.from({ length: 30 }, (_, i) => `${5000 + i},USD,${tag}-${i},business,"Engines ${i}, Ltd",engines${i}@example.com,${i === 7 ? 'EUR' : ''}`);
        const csv = ['amount,currency,reference,beneficiary.type,beneficiary.business_name,payees.paypal,metadata.a', ...lines].join('\r\n');
        const made = await world.call('POST', `${world.api}/v1/payout-batches?reference=${tag}`, { key: world.key, body: csv,
            headers: { 'idempotency-key': randomUUID(), 'content-type': 'text/csv' } });
        assert([201, 202].includes(made.status), `batch: ${made.status} ${made.raw}`);
        await until('every row has ended', async () => done(await show(world, made.json.id)), 60000);
        const paid = (await world.books()).filter((entry) => entry.kind === 'payout');
        equal(paid.map((entry) => entry.amount).sort(), lines.map((_, i) => 5000 + i), 'paid');
    },
});
