// Webhooks of providers, really sent and signed by the sandbox: in every order, repeated, lost, before our own answer,
// and about attempts that were given up. What is true is read from the sandbox's books.
import { randomUUID } from 'node:crypto';
import { suite, assert, equal, until } from './lib.mjs';
import { random } from './random.mjs';

const ORDERS = Number(process.env.ORDERS ?? 720); // of six events; fewer: spread over all
const SEED = Number(process.env.SEED ?? 1);
const AT_ONCE = 32;

// Run fn for 0 to count - 1, some at once; the results in order.
async function times(count, fn, atOnce = AT_ONCE) {
    const results = [];
    let next = 0;
    await Promise.all(Array.from({ length: Math.min(atOnce, count) }, async () => {
        while (next < count) {
            const i = next++;
            results[i] = await fn(i);
        }
    }));
    return results;
}
function permutations(list) {
    if (list.length <= 1) return [list];
    return list.flatMap((first, i) => permutations([...list.slice(0, i), ...list.slice(i + 1)]).map((rest) => [first, ...rest]));
}

const usual = { hold: false, early: false, repeat_least: 1, repeat_most: 1, loss: 0, delay_ms: 20, disorder_ms: 0, retry_ms: 200, retry_ms_most: 1000, retry_count: 100 };
async function begin(world, behaviour = {}) {
    await world.registerHooks();
    await world.hooks('POST', '/behaviour', { ...usual, ...behaviour });
    return world.hooks('GET', '');
}
// Everything was sent; and taken, if anything was.
async function delivered(world, boundMs = 60000) {
    return until('all webhooks are delivered', async () => {
        const now = await world.hooks('GET', '');
        return now.waiting === 0 && now;
    }, boundMs);
}
// ... and applied: none waits.
async function applied(world, boundMs = 60000) {
    const counts = await delivered(world, boundMs);
    await until('all webhooks are applied', () => world.psql("SELECT count(*) FROM inbound_events WHERE state = 'waiting'") === '0', boundMs);
    return counts;
}
async function eventsOf(world, query) {
    return (await world.hooks('GET', `/events?${query}`)).events;
}
async function operate(world, path, body = {}) {
    const answer = await world.call('POST', `${world.api}/v1/payments/${path}`, { body, key: world.key, headers: { 'idempotency-key': `"${randomUUID()}"` } });
    equal([answer.status, answer.json?.status], [201, 'succeeded'], `${path} ${JSON.stringify(body)}: ${answer.raw}`);
    return answer.json;
}
const isFinal = (status) => !['processing', 'requires_action'].includes(status);
const becomesFinal = (world, id, boundMs) => until(`${id} is final`, async () => {
    const now = await world.get(id);
    return isFinal(now.status) && now;
}, boundMs);
const only = (provider, extra = {}) => ({ amount: 1099, currency: 'EUR', method: { type: 'card', tokens: { [provider]: 'tok_ok' } }, ...extra });

// The gateway asks by itself only after a long time: what happens sooner, happens by a webhook.
async function restartWith(world, settings) {
    const before = world.options.settings;
    world.options.settings = { ...before, ...settings };
    world.writeConfig();
    await world.stopGateway();
    await world.startGateway();
    return async () => {
        world.options.settings = before;
        world.writeConfig();
        await world.stopGateway();
        await world.startGateway();
    };
}

const options = {
    workers: 2, delayMs: 2, payouts: true,
    settings: {
        webhook_rate: 100000, webhook_burst: 100000, webhook_interval_ms: 200, webhook_retry_ms: 300, webhook_retry_max_ms: 1000,
        breaker_calls_min: 100000, breaker_consecutive_max: 1000, breaker_silence_ms: 600000, // payments go on while answers are lost
    },
};

await suite('webhooks', options, {
    async those_of_every_provider_are_taken(world) {
        const before = await begin(world);
        for (const provider of ['paypal', 'payoneer']) {
            for (let i = 0; i < 5; i++) equal((await world.pay(only(provider))).answer?.status, 'succeeded', provider);
        }
        for (const provider of ['paypal_payouts', 'payoneer_payouts']) {
            const n = randomUUID().slice(0, 8);
            const made = await world.call('POST', `${world.api}/v1/payouts`, { key: world.key, headers: { 'idempotency-key': randomUUID() }, body: {
                amount: 1234, currency: 'EUR', beneficiary: { type: 'individual', first_name: 'Ada', last_name: 'Lovelace' },
                payees: { paypal: `ada-${n}@example.com`, payoneer: `ada-${n}` }, providers: { only: [provider] } } });
            assert([201, 202].includes(made.status), `${provider}: ${made.status} ${made.raw}`);
            await until(`${made.json.id} has succeeded`, async () => (await world.call('GET', `${world.api}/v1/payouts/${made.json.id}`, { key: world.key })).json.status === 'succeeded', 30000);
        }
        const after = await applied(world);
        const sent = after.sent - before.sent;
        // PayPal: order and capture of each; Payoneer: a notification; payouts: one, and accepted and sent to the bank
        assert(sent >= 5 * 2 + 5 + 1 + 2, `only ${sent} were sent`);
        equal([after.told - before.told, after.failed - before.failed], [sent, 0], 'taken, refused');
        const kept = world.rows('SELECT provider, count(*)::int AS n FROM inbound_events GROUP BY provider ORDER BY provider');
        equal(kept.map((row) => row.provider), ['payoneer', 'payoneer_payouts', 'paypal', 'paypal_payouts'], 'kept, of whom');
        equal(world.psql("SELECT count(*) FROM inbound_events WHERE state = 'dead'"), '0', 'dead');
        await world.judge();
    },
    async what_is_decided_later_is_known_by_its_webhook(world) {
        await begin(world);
        const back = await restartWith(world, { resolve_first_ms: 120000, resolve_max_ms: 240000 });
        for (const provider of ['paypal', 'payoneer']) {
            for (const [decision, status] of [['completed', 'succeeded'], ['declined', 'declined']]) {
                const paid = await world.pay({ amount: 1099, currency: 'EUR', method: { type: 'card', tokens: { [provider]: 'tok_pending' } } });
                equal([paid.status, paid.answer.status], [202, 'processing'], `${provider}: ${paid.raw}`);
                const entry = (await world.books(`?invoice=${paid.answer.id}`))[0];
                await world.call('POST', world.sandbox + '/settle', { body: { id: entry.id, state: decision } });
                equal((await becomesFinal(world, paid.answer.id, 30000)).status, status, `${provider}, ${decision}`);
            }
        }
        await applied(world);
        await world.judge();
        await back();
    },
    async before_our_own_answer(world) {
        const before = await begin(world, { early: true, repeat_least: 1, repeat_most: 3, seed: SEED });
        const paid = await times(60, (i) => world.pay(only(i % 2 ? 'paypal' : 'payoneer', { capture: i % 4 < 2 ? 'automatic' : 'manual' })));
        for (const entry of paid) {
            equal(entry.status, 201, `told: ${entry.raw}`);
            equal(entry.answer.status, entry.body.capture === 'manual' ? 'authorized' : 'succeeded', 'status');
        }
        await world.fault({ provider: 'any', operation: 'charge', kind: 'reset_after_effect', count: 30 });
        const lost = await times(30, (i) => world.pay(only(i % 2 ? 'paypal' : 'payoneer')));
        for (const entry of lost) equal((await becomesFinal(world, entry.answer.id, 60000)).status, 'succeeded', 'its answer was lost');
        const after = await applied(world);
        equal(after.failed - before.failed, 0, 'refused');
        const ids = paid.map((entry) => `'${entry.answer.id}'`).join(',');
        const [{ early }] = world.rows(`SELECT count(DISTINCT o.attempt_id)::int AS early FROM attempts a JOIN outcomes o USING (merchant_id, attempt_id) JOIN inbound_events e USING (merchant_id, attempt_id)
            WHERE finance.show_id('pay', a.payment_id) IN (${ids}) AND o.outcome = 'approved' AND e.received_at < o.created_at`);
        equal(early, paid.length, 'payments whose webhook came before our own answer');
        await world.judge();
    },
    async every_order_of_six_events(world) {
        await begin(world, { hold: true });
        const count = () => Number(world.psql('SELECT count(*) FROM inbound_events'));
        const before = count();
        const draw = random(SEED);
        const orders = permutations([0, 1, 2, 3, 4, 5]).filter((_, i) => Math.floor((i + 1) * ORDERS / 720) > Math.floor(i * ORDERS / 720));
        const from = Date.now();
        const ids = await times(orders.length, async () => {
            const held = await world.pay(only('paypal', { amount: 1000, capture: 'manual' }));
            equal([held.status, held.answer.status], [201, 'authorized'], held.raw);
            const id = held.answer.id;
            await operate(world, `${id}/capture`, { amount: 400 });
            await operate(world, `${id}/capture`, { amount: 600 });
            await operate(world, `${id}/refunds`, { amount: 100 });
            await operate(world, `${id}/refunds`, { amount: 150 });
            return id;
        });
        const made = Date.now();
        let sent = 0;
        await times(orders.length, async (i) => {
            const events = await eventsOf(world, `invoice=${ids[i]}`);
            equal(events.map((event) => event.name).sort(), ['CHECKOUT.ORDER.COMPLETED', 'PAYMENT.AUTHORIZATION.CREATED', 'PAYMENT.CAPTURE.COMPLETED',
                'PAYMENT.CAPTURE.COMPLETED', 'PAYMENT.CAPTURE.REFUNDED', 'PAYMENT.CAPTURE.REFUNDED'], 'the life of a payment');
            const order = orders[i].map((at) => events[at].id); // the first of each in this order ...
            for (const id of [...order]) { // ... and up to four repeats anywhere behind it
                for (let more = Math.floor(draw() * 5); more > 0; more--) {
                    const first = order.indexOf(id);
                    order.splice(first + 1 + Math.floor(draw() * (order.length - first)), 0, id);
                }
            }
            sent += order.length;
            await world.hooks('POST', '/send', { events: order });
        });
        await applied(world, 300000);
        console.log(`     ${orders.length} orders, ${sent} webhooks: ${made - from} ms to make, ${Date.now() - made} ms to take (SEED=${SEED})`);
        equal(count() - before, orders.length * 6, 'kept, each once');
        const list = ids.map((id) => `'${id}'`).join(',');
        const kept = world.rows(`SELECT state, count(*)::int AS n FROM inbound_events WHERE payment_id IS NOT NULL OR attempt_id IS NOT NULL GROUP BY state`);
        assert(kept.every((row) => ['applied', 'ignored'].includes(row.state)), `kept: ${JSON.stringify(kept)}`);
        const states = new Map();
        await times(ids.length, async (i) => {
            const { status, amount, amount_authorized, amount_captured, amount_refunded, currency } = await world.get(ids[i]);
            const state = JSON.stringify({ status, amount, amount_authorized, amount_captured, amount_refunded, currency });
            states.set(state, [...(states.get(state) ?? []), i]);
        });
        equal([...states.keys()], ['{"status":"succeeded","amount":1000,"amount_authorized":1000,"amount_captured":1000,"amount_refunded":250,"currency":"EUR"}'],
            `final states (orders ${JSON.stringify([...states.values()].at(-1).slice(0, 3).map((i) => orders[i]))})`);
        const journals = world.rows(`SELECT journal, count(*)::int AS n FROM (SELECT payment, string_agg(kind || ' ' || state || ' ' || amount_minor, ', ' ORDER BY transfer_id) AS journal
            FROM finance.transfers WHERE payment IN (${list}) GROUP BY payment) t GROUP BY journal`, 'e2e_finance');
        equal(journals.map((row) => row.n), [ids.length], `the journal of each: ${JSON.stringify(journals)}`);
        await world.judge();
    },
    async repeated_disordered_and_lost(world) {
        await begin(world, { repeat_least: 1, repeat_most: 5, disorder_ms: 1500, loss: 0.3, seed: SEED });
        await world.fault({ provider: 'any', operation: 'charge', kind: 'reset_after_effect', share: 0.2 });
        await world.fault({ provider: 'any', operation: 'lookup', kind: 'http_500', share: 0.2 });
        await world.fault({ provider: 'any', operation: 'charge', kind: 'decline_soft', share: 0.1 });
        const paid = await times(150, (i) => world.pay(world.payment({ amount: 1000 + i, capture: i % 3 ? 'automatic' : 'manual' })));
        await world.noFaults();
        await times(paid.length, async (i) => {
            assert(paid[i].answer?.id, `no payment: ${paid[i].raw ?? paid[i].error}`);
            await becomesFinal(world, paid[i].answer.id, 60000);
        });
        await world.settled(60000);
        await applied(world);
        await world.judge();
    },
    async all_of_them_lost(world) {
        const before = await begin(world, { loss: 1 });
        await world.fault({ provider: 'any', operation: 'charge', kind: 'reset_after_effect', share: 0.3 });
        await world.fault({ provider: 'any', operation: 'charge', kind: 'hang_after_effect', share: 0.1 });
        const paid = await times(100, (i) => world.pay(only(i % 2 ? 'paypal' : 'payoneer', { amount: 2000 + i })));
        await world.noFaults();
        const from = Date.now();
        const waited = await times(paid.length, async (i) => {
            assert(paid[i].answer?.id, `no payment: ${paid[i].raw ?? paid[i].error}`);
            await becomesFinal(world, paid[i].answer.id, 60000);
            return Date.now() - from;
        });
        const p99 = waited.sort((a, b) => a - b)[Math.ceil(waited.length * 0.99) - 1];
        console.log(`     unknowns final within ${p99} ms (p99) after the faults stopped`);
        const after = await world.hooks('GET', '');
        equal([after.sent - before.sent, after.lost - before.lost >= 100], [0, true], 'sent, lost');
        await world.judge();
    },
    async about_an_attempt_that_was_given_up(world) {
        await begin(world);
        const givenUp = {
            // nothing is known of it after the settling time; then the request arrives at last
            async payoneer() {
                await world.fault({ provider: 'payoneer', operation: 'charge', kind: 'hang_before_effect', count: 1 });
                const paid = await world.pay(only('payoneer'));
                equal([paid.status, paid.answer.status], [202, 'processing'], paid.raw);
                const { id } = paid.answer;
                equal((await becomesFinal(world, id, 90000)).status, 'failed', 'nothing is known of it');
                const said = world.rows(`SELECT o.reference, o.facts FROM outcomes o JOIN attempts a USING (merchant_id, attempt_id) WHERE finance.show_id('pay', a.payment_id) = '${id}'`);
                const list = /[0-9a-f]{24}l[0-9a-z]{25}/.exec(JSON.stringify(said))?.[0];
                assert(list, `no list among ${JSON.stringify(said)}`);
                const late = await world.call('POST', `https://127.0.0.1:${world.sandboxPort + 2}/api/lists/${list}/accounts/tok_ok/charge`, { body: '{}', headers: {
                    authorization: 'Basic ' + Buffer.from('E2E:e2e-token').toString('base64'), 'content-type': 'application/vnd.optile.payment.enterprise-v1-extensible+json' } });
                equal(late.status, 200, late.raw);
                return id;
            },
            // declined, and taken after all
            async paypal() {
                const paid = await world.pay({ amount: 1099, currency: 'EUR', method: { type: 'card', tokens: { paypal: 'tok_soft' } } });
                equal(paid.answer.status, 'declined', paid.raw);
                const [entry] = await world.books(`?invoice=${paid.answer.id}`);
                await world.call('POST', world.sandbox + '/settle', { body: { id: entry.id, state: 'completed' } });
                return paid.answer.id;
            },
        };
        for (const [provider, make] of Object.entries(givenUp)) {
            const id = await make();
            const sum = async (kind) => (await world.books(`?invoice=${id}`)).filter((e) => e.kind === kind && e.state !== 'declined').reduce((n, e) => n + e.amount, 0);
            await until(`${provider} takes it all the same`, async () => await sum('charge') === 1099, 30000);
            await until(`the ledger has it, and ${provider} gives it back`, async () => await sum('refund') === 1099, 60000);
        }
        await applied(world);
        await world.judge();
    },
});
