// The measures of the process: a set of payments whose lives are made by the sandbox is counted by hand, from the stored
// moments, and the API, finance's views and the metrics must say the same; so must the hours once they are rolled up.
import { suite, assert, equal, until } from './lib.mjs';

const paypal = (token, extra = {}) => ({ amount: 1099, currency: 'EUR', method: { type: 'card', tokens: { paypal: token } }, providers: { only: ['paypal'] }, ...extra });
const post = (world, path, key, body = {}) => world.call('POST', `${world.api}/v1${path}`, { key: world.key, body, headers: { 'idempotency-key': `"${key}"` } });
const process = async (world, key, query = '') => (await world.call('GET', `${world.api}/v1/process${query}`, { key })).json;
const waits = ['processing', 'requires_action', 'review', 'unclaimed'];
const ends = { authorized: 'completed', succeeded: 'completed', declined: 'declined', failed: 'failed', canceled: 'canceled', returned: 'failed' };

async function make(world) {
    const ok = async (entry, status, wanted) => {
        equal([entry.status, (entry.answer ?? entry.json)?.status], [status, wanted], entry.raw);
        return (entry.answer ?? entry.json).id;
    };
    for (let i = 0; i < 6; i++) await ok(await world.pay(paypal('tok_ok')), 201, 'succeeded');
    for (let i = 0; i < 2; i++) await ok(await world.pay(paypal('tok_soft')), 201, 'declined');
    await ok(await world.pay(paypal('tok_hard')), 201, 'declined');
    await world.fault({ provider: 'paypal', operation: 'charge', kind: 'http_500', count: 2 });
    for (let i = 0; i < 3; i++) await world.pay();
    await world.noFaults();
    const held = await ok(await world.pay(world.payment({ capture: 'manual', method: { type: 'card', tokens: { payoneer: 'tok_ok' } } })), 201, 'authorized');
    const let_go = await ok(await world.pay(world.payment({ capture: 'manual', method: { type: 'card', tokens: { payoneer: 'tok_ok' } } })), 201, 'authorized');
    equal((await post(world, `/payments/${held}/capture`, 'capture-1')).status, 201, 'captured');
    equal((await post(world, `/payments/${let_go}/void`, 'void-1')).status, 201, 'let go');
    await world.fault({ provider: 'payoneer', operation: 'charge', kind: 'hang_after_effect', count: 2 });
    for (let i = 0; i < 2; i++) await world.pay(world.payment({ method: { type: 'card', tokens: { payoneer: 'tok_ok' } } }));
    await world.noFaults();
    await until('PayPal is back', async () => (await world.pay(paypal('tok_ok'))).answer?.status === 'succeeded');
    await world.settled();
    await world.pay(paypal('tok_3ds')); // the payer never comes
}

// By hand: the plain rows, and what docs/process.md says of them.
function byHand(world) {
    const payments = world.rows('SELECT payment_id AS id, kind, extract(epoch FROM created_at) * 1000 AS at FROM payments');
    const events = world.rows('SELECT payment_id AS id, status, extract(epoch FROM created_at) * 1000 AS at FROM events ORDER BY payment_id, number');
    const attempts = world.rows(`SELECT a.operation, a.number, o.outcome, o.send_number AS send FROM attempts a LEFT JOIN LATERAL
        (SELECT * FROM outcomes o WHERE o.attempt_id = a.attempt_id AND outcome <> 'none' ORDER BY number LIMIT 1) o ON true`);
    const kinds = {};
    const steps = {};
    for (const payment of payments) {
        const kind = kinds[payment.kind] ??= { begun: 0, ended: 0, completed: 0, declined: 0, failed: 0, canceled: 0, active: [], waiting: [], cycle: [] };
        kind.begun++;
        const own = events.filter((e) => e.id === payment.id);
        const last = own.findIndex((e) => ends[e.status]);
        if (last < 0) continue;
        kind.ended++;
        kind[ends[own[last].status]]++;
        let waiting = 0;
        for (let i = 0; i < last; i++) if (waits.includes(own[i].status)) waiting += own[i + 1].at - own[i].at;
        kind.waiting.push(waiting);
        kind.cycle.push(own[last].at - payment.at);
        kind.active.push(own[last].at - payment.at - waiting);
    }
    const step = (name, isError, isOpen) => {
        const one = steps[name] ??= { begun: 0, ended: 0, errors: 0 };
        one.begun++;
        if (!isOpen) one.ended++;
        if (isError) one.errors++;
    };
    for (const a of attempts) {
        const unsent = a.outcome === 'failed' && a.send === 0;
        if (a.number === 1 && ['sale', 'authorize', 'payout'].includes(a.operation)) step('route', unsent, false);
        if (!unsent) step(a.operation, ['failed', 'unknown'].includes(a.outcome), a.outcome === null);
    }
    return { kinds, steps };
}

const near = (got, times, share, text) => {
    const wanted = times.sort((a, b) => a - b)[Math.ceil(times.length * share) - 1];
    assert(Math.abs(got - wanted) <= Math.max(wanted * 0.0101, 0.002), `${text}: ${got}, by hand ${wanted}`);
};
const rate = (part, whole) => Math.floor(part * 1000000 / whole) / 1000000;

function compare(shown, hand, text) {
    equal(shown.processes.map((p) => p.kind).sort(), Object.keys(hand.kinds).sort(), `${text}: kinds`);
    for (const p of shown.processes) {
        const wanted = hand.kinds[p.kind];
        for (const part of ['begun', 'ended', 'completed', 'declined', 'failed', 'canceled']) equal(p[part], wanted[part], `${text}: ${p.kind} ${part}`);
        equal([p.open, p.completion_rate], [wanted.begun - wanted.ended, rate(wanted.completed, wanted.ended)], `${text}: ${p.kind}`);
        for (const part of ['active', 'waiting', 'cycle']) {
            for (const [name, share] of [['p50', 0.5], ['p95', 0.95], ['p99', 0.99]]) near(p[`${part}_ms`][name], wanted[part], share, `${text}: ${p.kind} ${part} ${name}`);
        }
    }
    equal(shown.steps.map((s) => s.step).sort(), Object.keys(hand.steps).sort(), `${text}: steps`);
    for (const s of shown.steps) {
        const wanted = hand.steps[s.step];
        equal([s.begun, s.ended, s.errors, s.error_rate], [wanted.begun, wanted.ended, wanted.errors, rate(wanted.errors, wanted.ended)], `${text}: ${s.step}`);
    }
}
// What finance sees, in the API's words.
function ofFinance(world, source = 'finance.process') {
    const rows = world.rows(`SELECT * FROM ${source}`, 'e2e_finance');
    const ms = (r, part) => ({ p50: r[`${part}_p50_ms`], p95: r[`${part}_p95_ms`], p99: r[`${part}_p99_ms`] });
    return {
        processes: rows.filter((r) => r.scope === 'process').map((r) => ({ kind: r.name, ...r, open: r.begun - r.ended, active_ms: ms(r, 'active'), waiting_ms: ms(r, 'waiting'), cycle_ms: ms(r, 'cycle') })),
        steps: rows.filter((r) => r.scope === 'step').map((r) => ({ step: r.name, ...r })),
    };
}
const same = (a, b) => a.processes.every((p, i) => ['active_ms', 'waiting_ms', 'cycle_ms'].every((t) => ['p50', 'p95', 'p99'].every((q) => p[t][q] === b.processes[i][t][q])));

await suite('process_measures', { workers: 2, delayMs: 20 }, {
    async api_finance_and_metrics_say_what_is_counted_by_hand(world) {
        await make(world);
        const hand = byHand(world);
        assert(hand.kinds.payment.ended < hand.kinds.payment.begun, 'one waits for its payer');
        equal([hand.kinds.capture.completed, hand.kinds.void.completed, hand.kinds.payment.declined], [1, 1, 3], 'what was made');
        assert(hand.steps.sale.errors >= 3 && Math.max(...hand.kinds.payment.waiting) > 100, 'errors, and times of waiting');
        const own = await process(world, world.financeKey);
        compare(own, hand, 'finance key');
        compare(await process(world, world.operatorKey), hand, 'operator');
        const view = ofFinance(world);
        compare(view, hand, 'view');
        assert(same(own, view), 'times are the same to the microsecond');
        const resources = (await process(world, world.operatorKey)).resources;
        assert(resources.workers >= 2 && resources.database_connected === 2 && resources.providers.length > 0, JSON.stringify(resources));
        equal(own.resources, null, 'of operators alone');
        const p = own.processes.find((one) => one.kind === 'payment');
        await until('the metrics say so, too', async () => {
            const { raw } = await world.call('GET', `${world.ops}/metrics`);
            const value = (name) => Number(raw.match(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm'))?.[1]);
            return value('turnpike_process_completion_ratio{kind="payment"}') === p.completion_rate
                && value('turnpike_process_begun{kind="payment",result="completed"}') === p.completed
                && value('turnpike_process_begun{kind="payment",result="open"}') === p.open
                && Math.round(value('turnpike_process_time_seconds{kind="payment",part="waiting",percentile="p99"}') * 1e6) === Math.round(p.waiting_ms.p99 * 1000)
                && Math.round(value('turnpike_process_time_seconds{kind="payment",part="cycle",percentile="p50"}') * 1e6) === Math.round(p.cycle_ms.p50 * 1000)
                && value('turnpike_process_step_error_ratio{step="sale"}') === own.steps.find((s) => s.step === 'sale').error_rate;
        }, 30000);
    },
    async windows_are_whole_hours_and_nobody_sees_others(world) {
        for (const query of ['?window=2h', '?from=2026-11-01T00:30:00Z', '?from=2026-01-01', '?to=2026-11-01', '?window=1h&from=2026-11-01', '?from=2026-11-02&to=2026-11-01']) {
            equal((await world.call('GET', `${world.api}/v1/process${query}`, { key: world.financeKey })).status, 422, query);
        }
        const live = world.admin('keys', 'create', '--merchant', world.liveMerchant, '--role', 'finance').key;
        const other = await process(world, live);
        equal([other.processes, other.steps, other.stuck], [[], [], []], 'of another merchant');
        equal((await world.call('GET', `${world.api}/v1/process?merchant=${world.merchant}`, { key: live })).status, 404, 'by name');
        const named = await process(world, world.operatorKey, `?merchant=${world.merchant}`);
        assert(named.processes.length > 0, 'an operator names it');
        const before = await process(world, world.financeKey, '?from=2026-10-01&to=2026-11-01');
        equal([before.processes, before.steps], [[], []], 'nothing began then');
    },
    async what_waits_for_too_long_is_stuck_and_where(world) {
        world.psql(`UPDATE unresolved SET parked_at = parked_at - interval '2 hours', next_at = now() + interval '1 hour'`);
        const wanted = Number(world.psql('SELECT count(*) FROM unresolved'));
        assert(wanted > 0, 'the payer who never came');
        const { stuck } = await process(world, world.financeKey);
        equal(stuck.map((s) => s.place), Array(wanted).fill('provider'), JSON.stringify(stuck));
        equal(world.rows('SELECT payment FROM finance.stuck', 'e2e_finance').map((s) => s.payment).sort(), stuck.map((s) => s.payment).sort(), 'finance sees the same');
    },
    async rolled_up_hours_say_the_same(world) {
        const hand = byHand(world);
        const raw = await process(world, world.financeKey);
        await until('all hours are rolled up', async () => world.psql(`SELECT roll_process(now() + interval '2 hours', 100)`) === '0');
        assert(Number(world.psql('SELECT count(*) FROM process_hours')) > 10, 'they are');
        const rolled = await process(world, world.financeKey);
        compare(rolled, hand, 'rolled up');
        assert(same(raw, rolled), 'the times, too');
        world.psql(`UPDATE process_hours SET number = number + 1 WHERE part = 'declined'`);
        const wrong = (await process(world, world.financeKey)).processes.find((p) => p.kind === 'payment');
        equal(wrong.declined, hand.kinds.payment.declined + 1, 'it is they that are read');
    },
});
