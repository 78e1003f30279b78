// soak.mjs - hours of half of the peak load, with providers that fail and recover: does anything grow?
//
//     make soak HOURS=2 [RATE=orders a second] [LANES=asan,plain] [LEAK=memory|kept|descriptor]
//
// Two gateways at once, each with PostgreSQL, sandbox and clients of its own: `asan` is built with ASan, UBSan and
// LSan, `plain` as it is shipped. Every SAMPLE_S seconds a row per process goes to var/soak/. At the end: straight
// lines with intervals, what was told against the books, reloads in a row, SIGTERM, and what LSan says of every
// process. Exit 0: flat; 1: something grows, leaks or differs; 2: not decided (too short or too noisy).
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { World, top, until } from '../e2e/lib.mjs';
import { Load } from './soak_load.mjs';
import { Sampler, process as look, family } from './soak_sample.mjs';
import { slope, verdict } from './soak_slope.mjs';

const number = (name, otherwise) => (process.env[name] ? Number(process.env[name]) : otherwise);
const HOURS = number('HOURS', 2);
const SAMPLE_S = number('SAMPLE_S', HOURS >= 0.5 ? 30 : 3);
const WARM_MIN = number('WARM_MIN', Math.min(20, HOURS * 60 * 0.25));
const RELOADS = number('RELOADS', 5); // in a row, before and after
const LANES = (process.env.LANES ?? 'asan,plain').split(',');
const LEAK = process.env.LEAK;
const BINARY = { asan: path.join(top, process.env.ASAN_BUILD ?? 'build-san', 'turnpike-soak'), plain: path.join(top, process.env.BUILD ?? 'build', 'turnpike') };
const LIMITS = { rss_kb: 1024, anonymous_kb: 1024, held_kb: 1024, descriptors: 4, kept_descriptors: 4, threads: 1, postgres_connections: 4, sandbox_connections: 4 };
const UNITS = { rss_kb: 'kB/h', anonymous_kb: 'kB/h', held_kb: 'kB/h' };
const folder = path.join(top, 'var', process.env.LEAK ? `soak-leak-${process.env.LEAK}` : 'soak');
const say = (text) => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);

// A little quarantine and shallow stacks, so that memory is what the gateway holds; LSan at each process's end.
const asanOptions = (log) => ['detect_leaks=1', 'quarantine_size_mb=1', 'thread_local_quarantine_size_kb=64', 'malloc_context_size=12',
    'allocator_release_to_os_interval_ms=2000', 'exitcode=23', `log_path=${log}`].join(':');

class Lane extends World {
    spawn(name, args) {
        const { kind } = this.options;
        if (name !== 'gateway') return super.spawn(name, args);
        this.binary = BINARY[kind];
        const before = { ...process.env };
        Object.assign(process.env, { ASAN_OPTIONS: asanOptions(this.at('log/asan')), UBSAN_OPTIONS: 'print_stacktrace=1', SOAK_HELD: this.at('log/held'), ...(LEAK ? { SOAK_LEAK: LEAK } : {}) });
        const child = super.spawn(name, args);
        for (const key of ['ASAN_OPTIONS', 'UBSAN_OPTIONS', 'SOAK_HELD', 'SOAK_LEAK']) { if (before[key] === undefined) delete process.env[key]; else process.env[key] = before[key]; }
        this.binary = undefined;
        return child;
    }
    reload() {
        return new Promise((done) => {
            const child = spawn(path.join(top, process.env.BUILD ?? 'build', 'turnpike'), ['reload', '--config', this.at('turnpike.conf')], { cwd: top, stdio: 'ignore' });
            child.once('close', done);
        });
    }
    // What LSan, ASan and UBSan have written of any process.
    reports() {
        return readdirSync(this.at('log')).filter((name) => name.startsWith('asan.')).map((name) => readFileSync(this.at(`log/${name}`), 'utf8'))
            .concat(/ERROR: \w+Sanitizer|runtime error:/.test(readFileSync(this.at('log/gateway.log'), 'utf8')) ? [readFileSync(this.at('log/gateway.log'), 'utf8').slice(0, 4000)] : []);
    }
}

async function openLane(kind) {
    const name = `soak-${LEAK ?? ''}${kind}`;
    const at = path.join(top, 'var', 'e2e', `${name}-${process.pid}`);
    const settings = {
        provider_connect_ms: 3000, provider_answer_ms: 6000, answer_ms: 8000, send_window_ms: 5000, lease_ms: 20000, dead_after_ms: 120000,
        resolve_first_ms: 500, resolve_max_ms: 10000, action_ms: 60000, review_after_ms: 120000, heartbeat_late_ms: 60000, directory_check_ms: 1000, resolve_interval_ms: 500,
        log_level: 'warn', address_rate: 0, delivery_allowed_networks: '127.0.0.0/8', delivery_ca_file: path.join(at, 'tls/ca.pem'),
    };
    const world = await Lane.start(name, { kind, workers: number('WORKERS', 2), delayMs: 20, payouts: true, sockets: 8, settings });
    const load = new Load(world);
    await load.prepare();
    const sampler = new Sampler(world, path.join(folder, kind), load);
    return { kind, world, load, sampler };
}

let stopped = false; // by a signal: go on to the end, with what there is
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { stopped = true; say(`${signal}: ending; the report follows`); });
async function wait(seconds) {
    const end = Date.now() + seconds * 1000;
    while (!stopped && Date.now() < end) await new Promise((done) => setTimeout(done, Math.min(1000, Math.max(end - Date.now(), 1))));
}
async function reloads(lane, count) {
    for (let i = 0; i < count; i++) {
        const status = await lane.world.reload();
        if (status !== 0) throw new Error(`reload ended with ${status}, see ${lane.world.at('log/gateway.log')}`);
    }
}
// Only the newest generation, and nobody's connection: what the master holds at rest.
async function atRest(lane) {
    lane.load.newAgents();
    lane.world.agent.destroy();
    await until('old workers have ended', () => family(lane.world.gateway.pid).filter((one) => one.role === 'worker').length === number('WORKERS', 2), 120000);
    return look(lane.world.gateway.pid);
}

// ---- judgement ----------------------------------------------------------------------------------

function lines({ kind, sampler }) {
    const found = [];
    const measured = sampler.processes.filter((row) => row.phase === 'measured');
    const judge = (what, name, segments) => {
        const line = slope(segments);
        // What still fills rises at first and ever less: only what rises in the later half as well is a leak.
        const later = slope(segments.map((points) => points.slice(points.length >> 1)));
        let judged = verdict(line, LIMITS[name]);
        if (judged === 'rises' && verdict(later, LIMITS[name]) !== 'rises') judged = 'not decided';
        // Under ASan resident memory is the sanitizer's as well (each stack that ever allocated is kept): what is
        // held is counted to the byte, and judged in its place.
        if (kind === 'asan' && ['rss_kb', 'anonymous_kb'].includes(name) && what === 'workers') judged = 'see held_kb';
        if (name === 'descriptors' && what === 'workers') judged = 'see kept_descriptors'; // the others are live connections
        found.push({ lane: kind, what, name, ...line, later, limit: LIMITS[name], verdict: judged, first: segments[0]?.[0]?.[1], last: segments.at(-1)?.at(-1)?.[1] });
    };
    const pids = (role) => [...new Set(measured.filter((row) => row.role === role).map((row) => row.pid))];
    const points = (pid, name) => measured.filter((row) => row.pid === pid && !Number.isNaN(row[name])).map((row) => [row.seconds / 3600, row[name]]);
    for (const name of ['rss_kb', 'anonymous_kb', 'held_kb', 'descriptors', 'kept_descriptors', 'threads']) {
        if (name === 'held_kb' && kind !== 'asan') continue;
        if (name !== 'held_kb') judge('master', name, pids('master').map((pid) => points(pid, name)));
        judge('workers', name, pids('worker').map((pid) => points(pid, name)));
    }
    const gateway = sampler.gateway.filter((row) => row.phase === 'measured');
    for (const name of ['postgres_connections', 'sandbox_connections']) judge('gateway', name, [gateway.filter((row) => !Number.isNaN(row[name])).map((row) => [row.seconds / 3600, row[name]])]);
    return found;
}
function table(found) {
    const cell = (v) => (Number.isFinite(v) ? (Math.abs(v) < 10 ? v.toFixed(2) : Math.round(v)) : '-');
    return ['| lane | of | what | first | last | slope per hour | 95 % | limit | samples (count as) | verdict |', '|---|---|---|---|---|---|---|---|---|---|',
        ...found.map((f) => `| ${f.lane} | ${f.what} | ${f.name} | ${cell(f.first)} | ${cell(f.last)} | ${cell(f.slope)} | ± ${cell(f.half)} | ${f.limit} | ${f.n} (${cell(f.effective)}) | ${f.verdict} |`)].join('\n');
}

// ---- one run ------------------------------------------------------------------------------------

async function drive(lane, rate) {
    const { kind, world, load, sampler } = lane;
    const measureS = (HOURS * 60 - WARM_MIN) * 60;
    sampler.phase = 'warm-up';
    sampler.start(SAMPLE_S * 1000);
    load.start(rate);
    await reloads(lane, RELOADS);
    await wait(WARM_MIN * 60);
    sampler.phase = 'measured';
    const from = Date.now();
    const done = load.done;
    if (kind === 'plain' && HOURS >= 1) { // one change of generations in the middle: descriptors and the master under it
        await wait(measureS / 2);
        sampler.phase = 'change';
        if (!stopped) { await reloads(lane, 1); await wait(Math.min(WARM_MIN * 60, measureS / 6)); }
        sampler.phase = 'measured';
        await wait(measureS - (Date.now() - from) / 1000);
    } else {
        await wait(measureS);
    }
    lane.measured = { seconds: Math.round((Date.now() - from) / 1000), orders: load.done - done };
    sampler.phase = 'end';
    await load.stop();
}
async function finish(lane) {
    const { world, load, sampler } = lane;
    const problems = [];
    const check = async (text, what) => { try { return await what(); } catch (error) { problems.push(`${text}: ${error.message.slice(0, 600)}`); return undefined; } };
    await check('settle', () => load.settle());
    lane.did = await check('books', () => load.judge());
    await sampler.stop();
    const before = await check('rest', () => atRest(lane));
    await check('reloads', () => reloads(lane, RELOADS));
    const after = await check('rest', () => atRest(lane));
    lane.master = { reloads: RELOADS, descriptors: [before?.descriptors, after?.descriptors], rss_kb: [before?.rss_kb, after?.rss_kb] };
    if (before && after && after.descriptors > before.descriptors) problems.push(`the master has ${after.descriptors} descriptors after ${RELOADS} reloads, ${before.descriptors} before`);
    const workers = family(world.gateway.pid).length - 1;
    const ended = await world.stopGateway();
    if (ended.code !== 0) problems.push(`the gateway ended with ${JSON.stringify(ended)}`);
    const reports = world.reports();
    lane.leaks = reports.length;
    if (lane.kind === 'asan') say(`${lane.kind}: master and ${workers} workers ended; ${reports.length} reports of sanitizers, ${(2 * RELOADS + 1) * number('WORKERS', 2)} workers in all`);
    for (const report of reports) problems.push(`a sanitizer's report:\n${report.slice(0, 3000)}`);
    load.close();
    lane.problems = problems;
}

mkdirSync(folder, { recursive: true });
process.env.PG_FAST ??= '1';
say(`soak of ${HOURS} h, ${WARM_MIN} min of it warm-up; lanes ${LANES.join(', ')}`);
const lanes = [];
try {
    for (const kind of LANES) lanes.push(await openLane(kind));
    let rate = number('RATE', 0);
    if (!rate) {
        const peaks = await Promise.all(lanes.map((lane) => lane.load.peak(20))); // at once, as they will run
        rate = Math.min(...peaks) / 2;
        say(`peak of ${LANES.join(' and ')} beside each other, closed loops of 24: ${peaks.map((peak) => peak.toFixed(1)).join(' and ')} orders/s; the rate is half of the lower`);
    }
    say(`${rate.toFixed(1)} orders/s in each lane; samples every ${SAMPLE_S} s in var/soak/`);
    await Promise.all(lanes.map((lane) => drive(lane, rate)));
    say('load ended; what has no final answer is asked for, then the books are compared');
    for (const lane of lanes) await finish(lane);
} catch (error) {
    console.log(`FAIL soak: ${error.stack}`);
    for (const lane of lanes) lane.world.abandon();
    process.exit(1);
}
const found = lanes.flatMap(lines);
const problems = lanes.flatMap((lane) => lane.problems.map((text) => `${lane.kind}: ${text}`));
const rises = found.filter((f) => f.verdict === 'rises');
const open = found.filter((f) => f.verdict === 'not decided' && f.name !== 'anonymous_kb');
const report = { hours: HOURS, stopped, warm_minutes: WARM_MIN, sample_seconds: SAMPLE_S, leak: LEAK, lanes: lanes.map(({ kind, did, measured, master, leaks }) => ({ kind, did, measured, master, leaks })), lines: found, problems };
writeFileSync(path.join(folder, 'report.json'), JSON.stringify(report, null, 1) + '\n');
console.log(table(found));
for (const lane of lanes) {
    console.log(`${lane.kind}: measured ${lane.measured.seconds} s, ${lane.measured.orders} orders; in all ${JSON.stringify(lane.did)}; master over ${RELOADS} reloads: descriptors ${lane.master.descriptors.join(' -> ')}, RSS ${lane.master.rss_kb.join(' -> ')} kB; sanitizers' reports: ${lane.leaks}`);
    if (lane.problems.length === 0) await lane.world.stop();
    else { console.log(`     kept: ${path.relative(top, lane.world.folder)}`); lane.world.abandon(); }
}
for (const text of problems) console.log(`FAIL ${text}`);
for (const f of rises) console.log(`FAIL ${f.lane}: ${f.what}: ${f.name} rises by ${f.slope.toFixed(1)} ± ${f.half.toFixed(1)} per hour, limit ${f.limit}`);
const state = problems.length || rises.length ? 'FAILED' : open.length ? `NOT DECIDED (${open.map((f) => `${f.lane} ${f.what} ${f.name}`).join(', ')}): run it for longer, or on a quieter machine` : 'flat';
console.log(`soak: ${state}`);
process.exit(problems.length || rises.length ? 1 : open.length ? 2 : 0);
