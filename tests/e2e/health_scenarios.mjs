// Outage, brown-out, flapping and slow recovery against the sandbox, under a steady load: off a dead provider
// within 20 calls or 5 s, back within 30 s of its recovery, at most 1.1 provider calls per payment over everything,
// by the sandbox's own count of charges and the ledger's of those that never left. FULL=1: with default settings.
import { writeFileSync } from 'node:fs';
import { suite, assert, until } from './lib.mjs';

const perSecond = Number(process.env.RATE ?? 16);
const quick = process.env.FULL ? {} : { breaker_open_ms: 2000, breaker_open_max_ms: 6000, breaker_ramp_ms: 3000 };
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const load = { timer: undefined, done: [], inFlight: 0 };
function startLoad(world) {
    load.timer = setInterval(async () => {
        if (load.inFlight > 200) return;
        load.inFlight++;
        const entry = await world.pay();
        load.inFlight--;
        load.done.push({ at: Date.now(), status: entry.status, first: entry.answer?.attempts?.[0]?.provider, provider: entry.answer?.provider });
    }, 1000 / perSecond);
}
async function stopLoad() {
    clearInterval(load.timer);
    await until('every payment is answered', () => load.inFlight === 0, 30000);
}
// The share of the last `count` payments that were sent to PayPal first.
function paypalShare(count) {
    const last = load.done.slice(-count);
    return last.length < count ? 0 : last.filter((p) => p.first === 'paypal').length / count;
}
async function back(what) {
    const from = Date.now();
    await until(`${what}: PayPal has its traffic back within 30 s`, () => paypalShare(perSecond) >= 0.8, 30000);
    console.log(`     ${what}: back after ${((Date.now() - from) / 1000).toFixed(1)} s`);
}
const tried = (world, since) => Number(world.psql(`SELECT count(*) FROM attempts WHERE provider = 'paypal' AND created_at >= to_timestamp(${since / 1000})`));
const paypal = async (world) => (await world.call('GET', `${world.api}/v1/providers`, { key: world.operatorKey })).json.data.find((p) => p.provider === 'paypal');

await suite('health_scenarios', { workers: 2, delayMs: 20, settings: { slow_floor_ms: 400, resolve_max_ms: 30000, ...quick } }, {
    async a_steady_load_goes_to_the_preferred_provider(world) {
        writeFileSync(world.at('prefer.rules'), 'default { use paypal, payoneer }\n');
        await world.stopGateway();
        world.options.settings.rules_file = world.at('prefer.rules');
        world.writeConfig();
        await world.startGateway();
        startLoad(world);
        await until('PayPal takes it', () => paypalShare(perSecond * 4) >= 0.9, 30000);
    },
    async an_outage_moves_it_within_20_calls_or_5_seconds(world) {
        const from = Date.now();
        await world.fault({ provider: 'paypal', operation: 'any', kind: 'refuse' });
        await until('the breaker is open', async () => (await paypal(world)).breaker.state === 'open', 10000);
        const spent = tried(world, from);
        const took = Date.now() - from;
        console.log(`     off after ${spent} calls, ${took} ms`);
        assert(spent <= 20 || took <= 5000, `${spent} calls and ${took} ms until it was off`);
        await sleep(4000);
        assert(paypalShare(perSecond * 2) <= 0.1, `still ${paypalShare(perSecond * 2)} go to a dead provider`);
        const shown = await paypal(world);
        assert(shown.breaker.openings.length >= 1 && shown.breaker.failures.length >= 2, JSON.stringify(shown.breaker));
        await world.noFaults();
        await back('outage');
    },
    async a_brown_out_moves_it_and_its_end_brings_it_back(world) {
        await until('what is usual is known', async () => (await paypal(world)).latency_ms.usual_p95 > 0, 30000);
        const from = Date.now();
        await world.fault({ provider: 'paypal', operation: 'any', kind: 'slow', delay_ms: 1000 });
        await until('it is known to be slow', async () => (await paypal(world)).slow, 15000);
        console.log(`     slow after ${((Date.now() - from) / 1000).toFixed(1)} s`);
        await until('payments go elsewhere', () => paypalShare(perSecond * 2) <= 0.15, 15000);
        assert((await paypal(world)).breaker.state === 'closed', 'it still answers');
        await world.noFaults();
        await back('brown-out');
    },
    async flapping_is_damped(world) {
        const from = Date.now();
        for (let i = 0; i < 4; i++) {
            await world.fault({ provider: 'paypal', operation: 'any', kind: 'refuse' });
            await sleep(2500);
            await world.noFaults();
            await sleep(2500);
        }
        const failed = Number(world.psql(`SELECT count(*) FROM attempts a JOIN outcomes o USING (merchant_id, attempt_id)
            WHERE o.outcome = 'failed' AND a.created_at >= to_timestamp(${from / 1000})`));
        console.log(`     ${failed} calls failed in 20 s of flapping`);
        assert(failed <= 20 * perSecond / 10, `${failed} calls failed`);
        await back('flapping');
    },
    async a_slow_recovery_is_followed_slowly(world) {
        await world.fault({ provider: 'paypal', operation: 'any', kind: 'refuse' });
        await until('the breaker is open', async () => (await paypal(world)).breaker.state === 'open', 10000);
        for (const share of [0.7, 0.4, 0.2]) {
            await world.noFaults();
            await world.fault({ provider: 'paypal', operation: 'any', kind: 'refuse', share });
            await sleep(3000);
        }
        await world.noFaults();
        await back('slow recovery');
    },
    async a_drained_account_gets_nothing_and_is_used_again(world) {
        const url = `${world.api}/v1/providers/${world.accounts.paypal}/state`;
        const put = async (body) => (await world.call('PUT', url, { key: world.operatorKey, body }));
        assert((await put({ state: 'drained' })).status === 422, 'a reason is needed');
        assert((await world.call('PUT', url, { key: world.key, body: { state: 'open' } })).status === 403, 'operators only');
        const held = await put({ state: 'drained', reason: 'a test', by: 'Anna', until: new Date(Date.now() + 3600000).toISOString() });
        assert(held.status === 200 && held.json.state === 'drained' && /^Anna \(key_/.test(held.json.author), held.raw);
        await sleep(2000);
        const from = Date.now();
        await sleep(2000);
        assert(tried(world, from) === 0, 'nothing is sent there 2 s later');
        assert((await paypal(world)).state === 'drained', 'the board shows it');
        const last = await world.pay();
        assert(last.answer.decision.candidates.some((c) => c.dropped === 'drained'), JSON.stringify(last.answer.decision));
        assert((await put({ state: 'drained', reason: 'for a moment', until: new Date(Date.now() + 1500).toISOString() })).status === 200, 'another replaces it');
        await until('it ends by itself', () => paypalShare(perSecond) >= 0.8, 30000);
        const shown = (await world.call('GET', url, { key: world.operatorKey })).json;
        assert(shown.state === 'open' && shown.holds.length === 2, JSON.stringify(shown));
    },
    async at_most_1_1_provider_calls_per_payment(world) {
        await stopLoad();
        await world.settled(60000);
        const bad = load.done.filter((p) => ![201, 202].includes(p.status));
        assert(bad.length === 0, `${bad.length} of ${load.done.length} payments were not taken: ${JSON.stringify(bad.slice(0, 3))}`);
        const requests = (await world.call('GET', world.sandbox + '/requests')).json;
        if (process.env.SHOW) console.log(JSON.stringify(requests));
        const charges = countCharges(requests);
        const unsent = Number(world.psql(`SELECT count(*) FROM outcomes WHERE outcome = 'failed' AND NOT send_left`));
        const payments = Number(world.psql('SELECT count(*) FROM payments'));
        const calls = (charges + unsent) / payments;
        console.log(`     ${payments} payments, ${charges} charges arrived, ${unsent} never left: ${calls.toFixed(3)} calls per payment`);
        assert(charges >= payments * 0.9, 'the sandbox counted');
        assert(calls <= 1.1, `${calls} calls per payment`);
        const shown = (await paypal(world)).outcomes;
        const approved = Number(world.psql(`SELECT count(*) FROM attempts a WHERE provider = 'paypal' AND (SELECT outcome FROM outcomes o
            WHERE o.merchant_id = a.merchant_id AND o.attempt_id = a.attempt_id AND outcome <> 'none' ORDER BY number LIMIT 1) = 'approved'`));
        assert(approved > 0 && shown.approved === approved, `${JSON.stringify(shown)}, the ledger: ${approved}`);
        await world.judge();
    },
    async service_levels_are_those_of_the_ledger(world) {
        const url = `${world.api}/v1/reports/service-levels`;
        const mine = (await world.call('GET', url, { key: world.financeKey })).json;
        const page = (await world.call('GET', url, { key: world.operatorKey })).json;
        const view = world.rows('SELECT provider, sum(attempts)::int AS attempts, sum(approved)::int AS approved, max(availability) AS availability FROM finance.provider_service_levels GROUP BY provider ORDER BY provider', 'e2e_finance');
        const ledger = world.rows(`SELECT provider, count(*)::int AS attempts FROM attempts GROUP BY provider ORDER BY provider`);
        assert(mine.data.length === 2 && mine.month === new Date().toISOString().slice(0, 7), JSON.stringify(mine));
        for (const wanted of ledger) {
            for (const got of [mine.data.find((l) => l.provider === wanted.provider), page.data.find((l) => l.provider === wanted.provider), view.find((l) => l.provider === wanted.provider)]) {
                assert(got.attempts === wanted.attempts, `${JSON.stringify(got)} is not ${JSON.stringify(wanted)}`);
            }
        }
        const level = mine.data.find((l) => l.provider === 'paypal');
        assert(level.approved > 0 && level.failed > 0 && level.success_rate < 1 && level.availability > 0 && level.availability <= 1, JSON.stringify(level));
        assert(level.latency_ms.p50 > 0 && level.latency_ms.p50 <= level.latency_ms.p99, JSON.stringify(level));
        assert(level.cost.length === 1 && level.cost[0].currency === 'EUR' && level.cost[0].booked > 0, JSON.stringify(level.cost));
        const booked = Number(world.psql(`SELECT sum(t.amount_minor) FROM transfers t JOIN attempts a USING (merchant_id, attempt_id) WHERE t.kind = 'fee' AND a.provider = 'paypal'`));
        assert(level.cost[0].booked === booked, `booked ${level.cost[0].booked}, the ledger says ${booked}`);
        assert((await world.call('GET', `${url}?month=2026-13`, { key: world.financeKey })).status === 422, 'no such month');
    },
});

// Of requests by operation and path, those that ask for money.
function countCharges(requests) {
    return requests.requests.filter((r) => r.operation === 'charge').reduce((sum, r) => sum + r.count, 0);
}
