// trace.mjs - what the simulator plays against fakes, played again on the real binary, PostgreSQL and sandbox.
//
//     make crash-trace [SEED=1] [TRACES=24]        traces of as many kinds as there are among the first cases
//     make crash-trace SEED=1 CASE=1234            one, told line by line
//
// A trace is one order of `sim --orders=1 --real`: our two providers, their answers and faults in order, crashes at
// named points, the client's repeats. Answers become faults of the sandbox, one for each call; crashes are armed in
// a gateway built with CRASH_POINTS; the client repeats under the same keys. Then both ends are compared: what each
// key's payment came to, and what each provider moved for it.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { World, top, until, assert } from '../e2e/lib.mjs';
import { Board } from './board.mjs';

const SEED = process.env.SEED || '1';
const ONLY = process.env.CASE;
const WANTED = Number(process.env.TRACES || 24);
const SCAN = Number(process.env.SCAN || 5000); // cases looked through for kinds
const TELL = Boolean(ONLY);
const sim = path.join(top, process.env.SIM_BUILD ?? 'build', 'sim/sim');
const NAMES = ['paypal', 'payoneer'];
const KEPT = ['refuse', 'reset_before', 'reset_after', 'hang_before', 'hang_after', '500_before', '500_after', 'garbage', 'late_effect', 'door',
    'decline_soft', 'decline_hard', 'client_parallel', 'client_repeats', 'reply_lost', 'crash_point'];
const FINAL = ['succeeded', 'authorized', 'declined', 'failed', 'canceled', 'review'];
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// ---- what the simulator tells ---------------------------------------------------------------------

function read(text) {
    const cases = [];
    for (const line of text.split('\n')) {
        if (!line.startsWith('@ ')) continue;
        const [what, ...pairs] = line.slice(2).split(' ');
        const fields = Object.fromEntries(pairs.map((pair) => { const [name, value] = pair.split('='); return [name, /^-?\d+$/.test(value) ? Number(value) : value]; }));
        if (what === 'case') cases.push({ number: fields.number, events: [] });
        else cases.at(-1).events.push({ what, ...fields });
    }
    return cases;
}
function simulate(first, count) {
    const done = spawnSync(sim, [`--seed=${SEED}`, `--first=${first}`, `--payments=${count}`, '--orders=1', '--real', `--on=${KEPT.join(',')}`],
        { cwd: top, encoding: 'utf8', maxBuffer: 1 << 30 });
    assert(done.status === 0, `the simulator ended with ${done.status}: ${done.stdout.slice(-500)} ${done.stderr}`);
    return read(done.stdout);
}
// In parts, of which only what is needed is kept: what is passed after the last crash is not.
function* simulateMany(count) {
    for (let first = 0; first < count; first += 500) {
        for (const trace of simulate(first, Math.min(500, count - first))) {
            const last = trace.events.findLastIndex((e) => e.what === 'crash');
            yield { ...trace, events: trace.events.filter((e, i) => e.what !== 'pass' || i < last) };
        }
    }
}

// ---- what can be played ----------------------------------------------------------------------------

// The sandbox's fault for a call, by what was said and what was done. `pass`: what it does by itself.
const pass = { kind: 'hang_after_effect', delay_ms: 1 }; // after its effect, a millisecond late: a place in the queue
function faultOf({ kind, step, word, effect }) {
    const acts = effect === 'done' || effect === 'known';
    if (kind === 'cancel') return undefined;
    if (effect === 'waits') return undefined;
    if (effect === 'late') return word === 'hang' || word === 'unknown' ? { kind: 'hang_before_effect', delay_ms: 2200 } : undefined;
    switch (word) {
    case 'refused': return kind === 'first' ? { kind: 'refuse' } : { kind: 'reset_before_read' }; // of a question both say nothing
    case 'reset': return { kind: acts ? 'reset_after_effect' : 'reset_before_read' };
    case 'hang': return { kind: acts ? 'hang_after_effect' : 'hang_before_effect' };
    case 'unknown': return { kind: acts ? 'http_500_after_effect' : 'http_500' };
    case 'door': return { kind: 'http_429' };
    case 'declined_soft': return effect === 'done' && step === 'charge' ? { kind: 'decline_soft' } : kind === 'lookup' || effect === 'known' ? pass : undefined;
    case 'declined_hard': return effect === 'done' ? { kind: 'decline_hard' } : kind === 'lookup' || effect === 'known' ? pass : undefined;
    case 'approved': case 'none': case 'not_found': case 'duplicate': return pass;
    default: return undefined; // refused at the door for a moment, failed (422): the sandbox has no such answers for one call
    }
}
// Why this trace cannot be played; undefined: it can.
function unplayable({ events }) {
    const made = events.filter((e) => e.what === 'payment');
    if (made.some((e) => e.status === 'canceled')) return 'its merchant cancels';
    if (events.some((e) => e.what === 'order' && !['sale', 'authorize'].includes(e.operation))) return 'a payout, or operations on the payment';
    if (new Set(made.map((e) => e.key)).size !== made.length) return 'another try under the same key';
    const call = events.find((e) => e.what === 'call' && !faultOf(e));
    if (call) return `${call.kind} ${call.step}: ${call.word}, effect ${call.effect}`;
    // The sandbox refuses connections, whatever they are for: only a provider's very first call can be meant.
    const calls = events.filter((e) => e.what === 'call');
    if (calls.some((e, i) => e.word === 'refused' && e.kind === 'first' && calls.slice(0, i).some((b) => b.provider === e.provider))) return 'refused after another call there';
    if (events.some((e) => e.what === 'told' && ![1, 2, 3, 7].includes(e.as))) return 'a client is told of the store or a reference';
    if (events.filter((e) => e.what === 'call').length > 40) return 'more calls than the sandbox keeps faults';
    return undefined;
}
// What kind of trace it is: calls that went wrong, crashes, who was asked how often.
function kindOf({ events }) {
    const words = events.filter((e) => ['call', 'crash'].includes(e.what) && (e.what === 'crash' || e.word !== 'approved' || e.kind !== 'first'))
        .map((e) => (e.what === 'crash' ? `crash ${e.point.replace('crash_at_', '')}` : `${NAMES[e.provider]} ${e.kind === 'first' ? e.step : e.kind} ${e.word}${e.effect === 'none' || e.effect === 'known' ? '' : `/${e.effect}`}`))
        .filter((word) => !/ session none$/.test(word));
    const parallel = events.filter((e) => e.what === 'request').length > 1 && events.some((e) => e.what === 'told' && e.as === 3) ? ['parallel repeat'] : [];
    return [...words, ...parallel];
}
const ends = ({ events }) => events.filter((e) => e.what === 'payment').map((payment) => ({ key: payment.key, status: payment.status,
    moved: NAMES.map((name, i) => events.filter((e) => e.what === 'book' && e.payment === payment.number && e.provider === i).reduce((sum, e) => sum + e.net, 0)) }));

// ---- on real processes -------------------------------------------------------------------------------

const settings = {
    provider_connect_ms: 1000, provider_answer_ms: 1500, answer_ms: 3000, send_window_ms: 2000, lease_ms: 5000, dead_after_ms: 10000, resolve_first_ms: 200,
    resolve_max_ms: 1000, resolve_interval_ms: 100, attempt_max: 3, again_max: 1, heartbeat_late_ms: 30000, reverse_wait_ms: 200, reverse_retry_ms: 500,
    breaker_consecutive_max: 1000, breaker_calls_min: 100000, breaker_silence_calls: 100000, slow_percent: 10000, // health is not what is tried here
};
class TraceWorld extends World {
    static async start(name, options) {
        mkdirSync(path.join(top, 'var/crash'), { recursive: true });
        const board = new Board(path.join(top, 'var/crash', `trace-${process.pid}`));
        process.env.TURNPIKE_CRASH = board.file;
        const world = await super.start(name, options);
        board.master = world.gateway.pid;
        return Object.assign(world, { board });
    }
}
// Crashes one after the other: each at the n-th pass of its point since the one before.
async function crashes(world, events, state) {
    const passes = {};
    for (const event of events) {
        if (event.what === 'pass') passes[event.point] = (passes[event.point] ?? 0) + 1;
        if (event.what !== 'crash') continue;
        const name = event.point.replace('crash_at_', '');
        world.board.arm(name, passes[event.point] ?? 1, 'kill');
        for (const point of Object.keys(passes)) delete passes[point];
        while (!world.board.struck && !state.over) await pause(3);
        if (!world.board.struck) break;
        state.struck.push(name);
    }
    world.board.disarm();
}
// The client of the trace: requests in its order, each when those it had heard of before were answered.
async function client(world, events, bodyOf) {
    const keys = new Map();
    const entries = new Map();
    const pending = new Map();
    let last = 0;
    for (const event of events) {
        if ((event.what === 'told' || event.what === 'lost') && pending.has(event.request)) {
            await pending.get(event.request);
            last = event.now;
        }
        if (event.what !== 'request') continue;
        if (!keys.has(event.key)) keys.set(event.key, randomUUID());
        await pause(Math.min(Math.max(event.at - last, 0) / 1000, 1500) * (last ? 1 : 0));
        const entry = world.pay({ ...bodyOf(event.key), ...(event.body ? { description: 'another body' } : {}) }, { key: keys.get(event.key) });
        pending.set(event.number, entry);
        entries.set(event.number, entry);
    }
    await Promise.all(pending.values());
    return keys;
}
async function play(world, trace) {
    const { events } = trace;
    const order = events.find((e) => e.what === 'order');
    // Each key's payment has a route of its own.
    const route = (key) => {
        const number = events.find((e) => e.what === 'payment' && e.key === key)?.number;
        return NAMES[events.find((e) => e.what === 'book' && e.payment === number && e.attempt === 1)?.provider ?? 0];
    };
    await world.noFaults();
    for (const event of events.filter((e) => e.what === 'call')) {
        const { provider, kind, step } = event;
        await world.fault({ provider: NAMES[provider], operation: kind === 'lookup' ? 'lookup' : step === 'session' ? 'session' : 'charge', count: 1, ...faultOf(event) });
    }
    const body = { amount: order.amount, currency: 'EUR', method: { type: 'card', tokens: { paypal: 'tok_ok', payoneer: 'tok_ok' } }, ...(order.operation === 'authorize' ? { capture: 'manual' } : {}),
        ...(order.reference ? { reference: `trace-${SEED}-${trace.number}-${randomUUID().slice(0, 6)}` } : {}), };
    const bodyOf = (key) => ({ ...body, metadata: { first: route(key) } });
    const state = { over: false, struck: [] };
    const from = world.log.length;
    const striking = crashes(world, events, state);
    const keys = await client(world, events, bodyOf);
    // What has no final answer is repeated until it has one; faults that are left over go to nobody else.
    const got = [];
    for (const [number, key] of keys) {
        const end = await until(`key ${number} is told a final answer`, async () => {
            const again = await world.call('POST', world.api + '/v1/payments', { body: bodyOf(number), key: world.key, headers: { 'idempotency-key': `"${key}"` } }).catch(() => undefined);
            return (again?.status === 201 && again.json) || (again?.json?.code?.startsWith('reference') && { status: 'none' });
        }, 60000);
        if (!end.id) continue; // its reference has a payment: nothing is made under this key
        for (const entry of world.log.filter((e) => e.key === key && !e.body.description)) Object.assign(entry, { status: 201, answer: end });
        await until('it is final', async () => FINAL.includes((end.status = (await world.get(end.id)).status)), 60000);
        got.push({ key: number, id: end.id, status: end.status, attempts: end.attempts?.map((a) => `${a.provider} ${a.status ?? a.outcome}`) });
    }
    state.over = true;
    await striking;
    await world.noFaults();
    await world.settled(60000);
    world.log.splice(from, world.log.length, ...world.log.slice(from).filter((e) => e.status === 201));
    for (const one of got) {
        const books = await world.books(`?invoice=${one.id}`);
        one.moved = NAMES.map((name) => books.filter((e) => e.provider === name).reduce((sum, e) => sum + net(e), 0));
    }
    return { got, struck: state.struck };
}
function net(entry) {
    if (entry.kind === 'refund') return entry.state === 'completed' ? -entry.amount : 0;
    if (entry.kind === 'hold') return ['pending', 'held'].includes(entry.state) ? entry.amount : 0;
    return entry.kind === 'charge' && ['pending', 'completed', 'partially_refunded', 'refunded'].includes(entry.state) ? entry.amount : 0;
}
const show = (list) => list.map(({ key, status, moved }) => `key ${key} ${status}, moved ${moved.map((minor, i) => `${NAMES[i]} ${minor}`).join(' ')}`).join('; ');

// ---- run ---------------------------------------------------------------------------------------------

let looked = 0;
const refused = new Map();
const kinds = new Map();
for (const trace of ONLY ? simulate(ONLY, 1) : simulateMany(SCAN)) {
    looked++;
    const why = unplayable(trace);
    if (why) { refused.set(why, (refused.get(why) ?? 0) + 1); continue; }
    const kind = kindOf(trace);
    if (kind.length === 0 && !ONLY) continue;
    const name = kind.join(' | ');
    if (!kinds.has(name)) kinds.set(name, { ...trace, kind });
}
if (ONLY && kinds.size === 0) {
    console.log(`case ${ONLY} cannot be played: ${[...refused.keys()].join()}`);
    process.exit(1);
}
console.log(`${looked} cases, ${kinds.size} kinds of traces that can be played; not: ${[...refused].sort((a, b) => b[1] - a[1]).slice(0, 12).map(([why, n]) => `${why} (${n})`).join('; ')}`);
// Crashes first, then the longest: half of what is played has a crash in it.
const all = [...kinds.values()];
const point = (trace) => trace.kind.filter((word) => word.startsWith('crash')).join();
const once = new Set();
const crashing = all.filter((t) => point(t) && !once.has(point(t)) && once.add(point(t)));
const rest = all.filter((t) => !point(t)).sort((a, b) => a.kind.length - b.kind.length);
const half = Math.min(crashing.length, Math.ceil(WANTED / 2));
const spread = (list, count) => list.filter((_, i) => list.length <= count || Math.floor(i * count / list.length) !== Math.floor((i - 1) * count / list.length));
const chosen = ONLY ? all : [...spread(crashing, half), ...spread(rest, WANTED - half)];

let same = 0;
let crashed = 0;
let unmet = 0; // planned after the payment's end (a hold that is looked at), or by a look that real time did not need
const differ = [];
const world = await TraceWorld.start('trace', { workers: 3, delayMs: 5, sockets: 64, settings });
world.psql('SELECT 1');
try {
    const rules = 'rule "other way round" when metadata.first == "payoneer" { use payoneer, paypal }\notherwise { use paypal, payoneer }\n';
    const kept = await world.call('POST', `${world.api}/v1/rules`, { key: world.key, body: { text: rules } });
    const put = await world.call('POST', `${world.api}/v1/rules/${kept.json?.version}/publish`, { key: world.key, body: { mode: 'live' } });
    assert(put.status === 200, `the rules: ${kept.raw} ${put.raw}`);
    await until('the rules are in force', async () => (await world.call('POST', `${world.api}/v1/routing/explain`, { key: world.key, body: { payment: world.payment({ metadata: { first: 'payoneer' } }) } })).json?.provider === 'payoneer');
    for (const trace of chosen) {
        if (TELL) for (const event of trace.events.filter((e) => e.what !== 'pass')) console.log(`     ${JSON.stringify(event)}`);
        const wanted = ends(trace);
        const planned = trace.events.filter((e) => e.what === 'crash').map((e) => e.point.replace('crash_at_', ''));
        let played;
        try {
            played = await play(world, trace);
        } catch (error) {
            differ.push(trace.number);
            console.log(`FAIL   case ${trace.number}: ${trace.kind.join(' | ')}: ${error.message}\n       run it alone: make crash-trace SEED=${SEED} CASE=${trace.number}`);
            world.board.disarm();
            continue;
        }
        const { got, struck } = played;
        // A payment that was never written in the simulator is written by the client's last repeat here.
        const compared = wanted.length ? got.filter((one) => wanted.some((w) => w.key === one.key)) : got;
        const equal = wanted.length > 0 && show(compared) === show(wanted);
        crashed += struck.length;
        unmet += planned.length - struck.length;
        if (equal) same++;
        else differ.push(trace.number);
        console.log(`${equal ? 'same  ' : 'DIFFER'} case ${trace.number}: ${trace.kind.join(' | ')} -> ${show(compared)}${planned.length ? `; ${struck.length} of ${planned.length} crashes` : ''}${equal ? '' : `\n       the simulator: ${show(wanted)}; crashes planned ${planned.join() || 'none'}, struck ${struck.join() || 'none'}; attempts ${JSON.stringify(got.map((g) => g.attempts))}\n       run it alone: make crash-trace SEED=${SEED} CASE=${trace.number}`}`);
    }
    await world.judge();
    await world.balanced();
    world.statusesFollow();
    world.holdsAgree();
    console.log(`crashes: ${crashed} struck at their points, ${unmet} were not met before the end`);
    console.log(`books: nobody was charged twice, nothing acknowledged is lost, ledger minus books is 0`);
    await world.stop();
} catch (error) {
    console.log(`FAIL crash-trace: ${error.stack}\n     kept: ${path.relative(top, world.folder)}`);
    world.abandon();
    process.exit(1);
}
console.log(`crash-trace: ${same} passed, ${differ.length} failed`);
process.exit(differ.length ? 1 : 0);
