// bench.mjs - `make bench`: what the gateway costs, next to what others cost on the same machine in the same run.
//
//     (a) pgbench: two transactions a payment, the same rows          (c) the gateway, closed loop
//     (b) Fastify + pg + undici: the same steps, the same rows        (d) (e) (f) the gateway, open loop
//
// ROUNDS=3 of a, b and c in turn, medians and their spread; PART=a,c runs some parts alone; SECONDS=6 is one
// measurement. See docs/benchmarks.md.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePorts } from '../e2e/lib.mjs';
import * as b from './lib.mjs';
import { pgbenchScript, shape, statementsOf } from './rows.mjs';
import { print } from './table.mjs';

const rounds = b.number('ROUNDS', 3);
const seconds = b.number('SECONDS', 6);
const parts = (process.env.PART || process.env.ONLY || 'a,b,c,d,e,f').split(',');
const wants = (part) => parts.includes(part);
const CONNECTIONS = [128, 512, 1024];
const SERVICE_CONNECTIONS = 128;
const OPEN_CONNECTIONS = 1024; // of the open loop; what finds none waits, and its latency counts
const OVERLOAD_CONNECTIONS = 4096; // kept ones that twice the best rate comes over
const counts = { ledger: 0 };

// ---- (a) pgbench -----------------------------------------------------------------------------------

async function partA(world, statements, round) {
    const script = world.at('payment.pgbench');
    writeFileSync(script, pgbenchScript(statements));
    const before = await b.mark(world, { postgres: world.postgres });
    const args = ['-n', '-M', 'prepared', '-c', '32', '-j', '1', '-T', `${seconds}`, '-f', script, '-D', 'number=0', '-D', `base=${round * 1e12}`];
    const child = spawn('/usr/lib/postgresql/15/bin/pgbench', [...args, world.conninfo('postgres', 'bench_a')], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    child.stdout.on('data', (chunk) => { out += chunk; });
    child.stderr.on('data', (chunk) => { out += chunk; });
    const [code] = await once(child, 'close');
    const after = await b.mark(world, { postgres: world.postgres });
    const done = Number(/transactions actually processed: (\d+)/.exec(out)?.[1]);
    b.assert(code === 0 && done > 0, `pgbench failed: ${out}`);
    counts.a = (counts.a ?? 0) + done;
    b.assert(b.ledgerCount(world, 'bench_a') === counts.a, 'pgbench: its payments are in its database');
    const cost = b.difference(before, after, done);
    return { rate: Number(/tps = ([\d.]+)/.exec(out)[1]), done, postgres_us: cost.cpu_us.postgres, wal_bytes: cost.wal_bytes,
        latency_ms: Number(/latency average = ([\d.]+)/.exec(out)[1]) };
}

// ---- (b) the service ---------------------------------------------------------------------------------

async function startService(world, statements, sample) {
    const file = world.at('service.json');
    const answer = JSON.stringify(sample.answer);
    const port = await freePorts(1);
    writeFileSync(file, JSON.stringify({ statements, answer, port, databaseConnections: 32, providerConnections: 1024,
        database: { host: world.socket, port: 5432, database: 'bench_b', user: 'postgres' }, keys: [world.key],
        provider: `https://127.0.0.1:${world.sandboxPort + 1}`, user: 'e2e-client', password: 'e2e-secret',
        ca: world.at('tls/ca.pem'), tlsKey: world.at('tls/gateway.key'), tlsCertificate: world.at('tls/gateway.pem') }));
    const log = openSync(world.at('log/service.log'), 'a');
    const child = spawn(process.execPath, [path.join(b.top, 'tests/bench/service/server.mjs'), file], { stdio: ['ignore', log, log], env: { ...process.env, NODE_ENV: 'production' } });
    closeSync(log);
    await b.until('the comparison service answers', async () => (await world.call('GET', `https://127.0.0.1:${port}/ready`)).status === 200);
    return Object.assign(child, { port });
}
async function partB(world, service) {
    const result = await b.load(world, { name: 'b', port: service.port, warmup: 1.5, seconds, groups: b.groups(world, service.pid),
        classes: [b.payments(world, SERVICE_CONNECTIONS)] });
    const told = b.told(result);
    b.assert(told.created === told.all, `the service answered ${JSON.stringify(told.total)}; see ${world.at('log/service.log')}`);
    counts.b = (counts.b ?? 0) + told.created;
    b.assert(b.ledgerCount(world, 'bench_b') === counts.b && await b.chargeCount(world) === told.created, 'service: told, written and charged are the same');
    await b.resetBooks(world);
    return { rate: result.rate, connections: SERVICE_CONNECTIONS, cpu_us: result.cpu_us, wal_bytes: result.wal_bytes, others_cores: result.others_cores, latency: result.classes.payments.latency };
}

// ---- (c) the gateway, closed loop ----------------------------------------------------------------------

async function partC(world, connections, fresh) {
    // Memory is counted from what a fresh gateway has at 128 connections: libraries are loaded, and what each worker
    // keeps for its batches has its size. The rest of its growth is that of the payments in flight.
    let fewer = null;
    if (fresh) {
        await b.restartGateway(world);
        fewer = await b.load(world, { name: 'few', warmup: 1, seconds: 2, classes: [b.payments(world, CONNECTIONS[0])] });
        await b.check(world, counts, b.told(fewer).created);
    }
    const before = await b.metrics(world);
    const result = await b.load(world, { name: `c${connections}`, warmup: 1.5, seconds, classes: [b.payments(world, connections)] });
    const after = await b.metrics(world);
    const told = b.told(result);
    b.assert(told.created === told.all, `the gateway answered ${JSON.stringify(told.total)}; see ${world.at('log/gateway.log')}`);
    await b.check(world, counts, told.created);
    const most = (run) => run.resident.gateway.most;
    return { rate: result.rate, connections, cpu_us: result.cpu_us, wal_bytes: result.wal_bytes, latency: result.classes.payments.latency,
        batch: b.batches(before, after), machine_busy: result.machine_busy, others_cores: result.others_cores,
        memory_kb: fresh ? (most(result) - most(fewer)) / 1000 / (result.in_flight_mean - fewer.in_flight_mean) : null };
}

// ---- (d) (e) the gateway, open loop ----------------------------------------------------------------------

const beginning = (rate) => Math.ceil(rate * 0.1); // connections that clients of this rate have open
const added = (latency) => latency && Object.fromEntries(['p50_ms', 'p99_ms', 'p999_ms'].map((name) => [name, latency[name] - b.DELAY_MS]));

async function partD(world, name, rate) {
    const result = await b.load(world, { name: `d-${name}`, warmup: 4, seconds: seconds + 4, rate, classes: [b.payments(world, OPEN_CONNECTIONS, { initial: beginning(rate) })] });
    const told = b.told(result);
    b.assert(told.created === told.all, `at ${rate}/s the gateway answered ${JSON.stringify(told.total)} (lost: ${result.lost.join(" ")})`);
    await b.check(world, counts, told.created);
    const latency = result.classes.payments.latency;
    return { offered: rate, rate: result.rate, others_cores: result.others_cores, added: added(latency), latency, cpu_us: result.cpu_us };
}

async function partE(world, best) {
    const rate = 2 * best;
    const result = await b.load(world, { name: 'e', warmup: 4, seconds: seconds + 6, rate, drain: 90, classes: [b.payments(world, OVERLOAD_CONNECTIONS, { initial: OVERLOAD_CONNECTIONS })] });
    const told = b.told(result);
    b.assert(told.other === 0 && result.left_waiting === 0, `in overload only 201, 202, 429 and 503 are answers: ${JSON.stringify(told.total)}`);
    await world.settled(120000);
    await b.check(world, counts, told.created, false);
    const { latency, refusal_latency: refusals, latency_first_third: first, latency_last_third: last } = result.classes.payments;
    const waiting = result.waiting_at_second;
    const third = Math.max(1, Math.floor(waiting.length / 3));
    const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const growth = mean(waiting.slice(-third)) / Math.max(1, mean(waiting.slice(0, third)));
    return { offered: rate, goodput: result.rate, share_of_best: result.rate / best, told: told.total, latency, refusals,
        p50_first_third_ms: first?.p50_ms, p50_last_third_ms: last?.p50_ms, waiting_at_second: waiting, queue_growth: growth,
        grows: growth > 1.5 && waiting.at(-1) > waiting[0] + 200, cpu_us: result.cpu_us, resident: result.resident.gateway };
}

// ---- (f) one provider of two is slow -----------------------------------------------------------------------

async function runTwo(world, name, rate) {
    const both = [b.payments(world, 1024, { name: 'healthy', share: 4, initial: 100 }), b.payments(world, 4096, { name: 'slow', share: 1, initial: 50, metadata: { to: 'payoneer' } })];
    const result = await b.load(world, { name, warmup: 4, seconds: seconds + 6, rate, drain: 90, classes: both });
    return { result, told: b.told(result, 'healthy') };
}
async function partF(world, best) {
    const rate = Math.min(1000, best / 4);
    const alone = await runTwo(world, 'f-alone', rate);
    await world.fault({ provider: 'payoneer', operation: 'any', kind: 'slow', delay_ms: 30000 });
    const slow = await runTwo(world, 'f-slow', rate);
    await world.noFaults();
    for (const { told } of [alone, slow]) b.assert(told.created === told.all, `the healthy provider's payments: ${JSON.stringify(told.total)}`);
    await b.restartGateway(world);
    const [own, beside] = [alone, slow].map(({ result }) => result.classes.healthy.latency);
    const told = slow.result.classes.slow;
    return { offered: rate, healthy_alone: own, healthy_beside: beside, ratio_p99: beside.p99_ms / own.p99_ms, slow: told.total, slow_alone: alone.result.classes.slow.total };
}

// ---- all of it ---------------------------------------------------------------------------------------

async function prepare(world) {
    // One payment as a sample of the rows; empty twins of the migrated ledger for the others.
    for (const name of ['bench_a', 'bench_b']) {
        world.psql(`CREATE DATABASE ${name}`, 'postgres');
        b.run(path.join(b.BUILD, 'turnpike'), ['migrate', 'up', '--database', world.conninfo('postgres', name), '--config', world.at('turnpike.conf')]);
    }
    const sample = await world.pay(JSON.parse(b.body().replaceAll('${key}', 'sample')));
    b.assert(sample.status === 201 && sample.answer.provider === 'paypal', `the sample payment: ${sample.status} ${sample.raw ?? sample.error}`);
    const id = world.rows('SELECT payment_id FROM payments')[0].payment_id;
    await b.check(world, counts, 1);
    await b.check(world, counts, await b.prime(world));
    return { sample, statements: statementsOf(world, id) };
}

async function measure(world, result) {
    const { sample, statements } = await prepare(world);
    const service = wants('b') ? await startService(world, statements, sample) : null;
    try {
        for (let round = 1; round <= rounds; round++) {
            b.say(`round ${round} of ${rounds}`);
            if (wants('a')) result.a.push(await partA(world, statements, round));
            if (wants('b')) result.b.push(await partB(world, service));
            for (const connections of wants('c') ? CONNECTIONS : []) result.c.push(await partC(world, connections, connections === 1024));
        }
    } finally {
        if (service) { service.kill('SIGTERM'); await once(service, 'close'); }
    }
    if (wants('a')) result.shape = { gateway: shape(world, 'turnpike'), pgbench: shape(world, 'bench_a'), ...(wants('b') ? { service: shape(world, 'bench_b') } : {}) };
    // What follows is the gateway's alone: nobody vacuums the others' tables beside it.
    for (const name of ['bench_a', 'bench_b']) world.psql(`DROP DATABASE ${name} WITH (FORCE)`, 'postgres');
    const best = Math.max(...CONNECTIONS.map((n) => b.median(result.c.filter((r) => r.connections === n).map((r) => r.rate)) ?? 0)) || b.number('BEST', 3000);
    result.best = best;
    if (wants('d')) for (const [name, rate] of [['1000', Math.min(1000, best / 2)], ['half', best / 2]]) {
        b.say(`open loop at ${Math.round(rate)}/s`);
        result.d[name] = await partD(world, name, rate);
    }
    if (wants('e')) { b.say(`open loop at ${Math.round(2 * best)}/s: too much`); result.e = await partE(world, best); }
    if (wants('f')) { b.say('one provider of two at 30 s'); result.f = await partF(world, best); }
}

const result = { at: new Date().toISOString(), rounds, seconds, a: [], b: [], c: [], d: {}, e: null, f: null };
const world = await b.makeWorld('bench');
let failed;
try {
    result.fsync = [await b.fsyncTime(world)];
    result.workers = b.children(world.gateway.pid).length;
    await measure(world, result);
    result.fsync.push(await b.fsyncTime(world));
} catch (error) {
    failed = error;
}
if (failed) world.abandon();
else await world.stop();
const file = b.writeResult('bench', { ...result, failed: failed?.message });
print(result);
process.stdout.write(`\nJSON: ${file}\n`);
if (failed) { process.stderr.write(`bench: ${failed.message}\nkept: ${path.relative(b.top, world.folder)}\n`); process.exit(1); }
