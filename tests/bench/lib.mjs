// lib.mjs - what the parts of the bench share: a world (PostgreSQL, sandbox, gateway: the real binaries, as in the
// end-to-end tests, with the settings a production gateway has), the load generator, and arithmetic on what it
// measured.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { World, top, until, assert } from '../e2e/lib.mjs';

export { top, assert, until };
export const BUILD = path.resolve(top, process.env.BUILD ?? 'build');
export const LOAD = path.join(BUILD, 'bench', 'load');
export const DELAY_MS = 50; // of the sandbox, part of every answer

export const number = (name, otherwise) => {
    const value = process.env[name];
    if (value === undefined || value === '') return otherwise;
    if (!(Number(value) > 0)) throw new Error(`${name} must be a number above 0, not "${value}"`);
    return Number(value);
};
export const say = (text) => process.stderr.write(`-- ${text}\n`);

export const median = (values) => {
    const sorted = values.filter((v) => v !== null && v !== undefined).sort((a, b) => a - b);
    if (sorted.length === 0) return null;
    const half = sorted.length >> 1;
    return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

// ---- the world ---------------------------------------------------------------------------------

// What a production gateway has, but for limits that count clients per address: here all have one.
export const settings = {
    rules_file: path.join(top, 'tests/bench/bench.rules'),
    provider_connect_ms: 3000, provider_answer_ms: 30000, answer_ms: 20000, send_window_ms: 5000, lease_ms: 60000,
    dead_after_ms: 120000, resolve_first_ms: 2000, resolve_max_ms: 300000, resolve_interval_ms: 1000,
    directory_check_ms: 1000, log_level: 'warn', http_connection_per_address_max: 100000, http_connection_count_max: 8192,
};

export const agent = (world) => new https.Agent({ ca: world.ca, keepAlive: true, maxSockets: 4 });

// Whoever is interrupted leaves no server behind.
const open = new Set();
export const watch = (world) => { open.add(world); return world; };
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
        for (const world of open) world.abandon();
        process.exit(1);
    });
}

export async function makeWorld(name, more = {}) {
    const world = await World.start(name, { workers: Number(process.env.WORKERS ?? -1), delayMs: DELAY_MS, sockets: 4,
        settings: { ...settings, ...more } });
    world.postgres = Number(readFileSync(world.at('pg/data/postmaster.pid'), 'utf8').split('\n')[0]);
    return watch(world);
}
// A ledger in its first minute has no statistics, and plans made then may be bad ones: write some payments and let
// PostgreSQL look at them, as autovacuum does.
export async function prime(world, classes = [payments(world, 64)]) {
    const result = await load(world, { name: 'prime', warmup: 0.2, seconds: 2, classes });
    for (const name of world.psql('SELECT datname FROM pg_database WHERE NOT datistemplate', 'postgres').split('\n')) world.psql('ANALYZE', name);
    return told(result).created;
}
export async function restartGateway(world) {
    await world.stopGateway();
    await world.startGateway();
}
export function groups(world, service) {
    return { ...(service ? { service } : { gateway: world.gateway.pid }), postgres: world.postgres, sandbox: world.sandboxProcess.pid };
}

// ---- the load ----------------------------------------------------------------------------------

// The body of a usual shop's payment; 424 bytes.
export const body = (metadata = {}) => JSON.stringify({
    amount: 4599, currency: 'EUR', capture: 'automatic', reference: 'order-${key}',
    method: { type: 'card', tokens: { paypal: 'tok_ok', payoneer: 'tok_ok' } },
    customer: { id: 'c-20417', name: 'Maria Musterfrau', email: 'maria@example.com', country: 'DE' },
    description: 'Order of two books', metadata: { cart: 'cart-77120', channel: 'web', ...metadata },
});

export function payments(world, connections, more = {}) {
    return { name: 'payments', method: 'POST', path: '/v1/payments', keyed: true, connections,
        headers: `Authorization: Bearer ${world.key}\r\nAccept: application/json\r\n`, body: body(more.metadata), ...more };
}

function startLoad(args) {
    const child = spawn(LOAD, args, { cwd: top, stdio: ['ignore', 'pipe', 'pipe'] });
    return new Promise((resolve, reject) => {
        const out = [];
        const err = [];
        child.stdout.on('data', (chunk) => out.push(chunk));
        child.stderr.on('data', (chunk) => err.push(chunk));
        child.once('error', reject);
        child.once('close', (code) => {
            if (code === 0) resolve(JSON.parse(Buffer.concat(out).toString()));
            else reject(new Error(Buffer.concat(err).toString().trim() || `the load generator ended with ${code}`));
        });
    });
}

function writeSpec(world, spec) {
    const file = world.at(`load-${spec.name ?? 'spec'}.json`);
    writeFileSync(file, JSON.stringify(spec));
    return file;
}

// Run the load and take the difference of its two marks.
export async function load(world, spec) {
    const whole = { host: '127.0.0.1', port: world.port, ca: world.at('tls/ca.pem'), seed: 0, drain: 60, groups: groups(world),
        database: world.conninfo('postgres'), ...spec };
    const result = await startLoad([writeSpec(world, whole)]);
    return { ...result, ...difference(result.first, result.last) };
}

// CPU of the processes and WAL at this moment.
export function mark(world, names) {
    return startLoad(['--mark', writeSpec(world, { name: 'mark', groups: names, database: world.conninfo('postgres') })]);
}
export const fsyncTime = (world) => startLoad(['--fsync', world.folder]);

export function difference(first, last, done = last.done - first.done) {
    const seconds = (last.at_us - first.at_us) / 1e6;
    const cpu = {};
    for (const name of Object.keys(first.cpu_us)) cpu[name] = (last.cpu_us[name] - first.cpu_us[name]) / Math.max(done, 1);
    // What neither we nor the kernel's own threads explain: other programs on this machine.
    const known = Object.entries(cpu).reduce((sum, [name, us]) => (name === 'machine' ? sum : sum + us), 0);
    const others = (cpu.machine - known) * done / 1e6 / seconds;
    return { seconds, done, rate: done / seconds, cpu_us: cpu, others_cores: others, wal_bytes: (last.wal_bytes - first.wal_bytes) / Math.max(done, 1),
        machine_busy: cpu.machine * done / 1e6 / seconds };
}

export function told(result, name = 'payments') {
    const total = result.classes[name].total;
    const sum = (test) => Object.entries(total).filter(([status]) => test(status)).reduce((all, [, count]) => all + count, 0);
    return { created: total['201'] ?? 0, refused: (total['429'] ?? 0) + (total['503'] ?? 0), total,
        other: sum((status) => !['201', '202', '429', '503'].includes(status)), all: sum(() => true) };
}

// ---- what the gateway says of itself --------------------------------------------------------------

export async function metrics(world) {
    const text = (await world.call('GET', world.ops + '/metrics')).raw;
    const values = new Map();
    for (const line of text.split('\n')) {
        const at = line.lastIndexOf(' ');
        if (at > 0 && line[0] !== '#') values.set(line.slice(0, at), Number(line.slice(at + 1)));
    }
    return values;
}
export function batches(before, after) {
    const grown = (name) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    const count = grown('turnpike_db_batch_rows_count');
    return { count, mean_rows: count ? grown('turnpike_db_batch_rows_sum') / count : null,
        mean_ms: count ? grown('turnpike_db_batch_duration_seconds_sum') / count * 1000 : null };
}

// ---- three books that must agree ------------------------------------------------------------------

export function ledgerCount(world, database = 'turnpike') {
    return Number(world.psql(`SELECT count(*) FROM payments p WHERE EXISTS (SELECT FROM events e WHERE e.merchant_id = p.merchant_id
        AND e.payment_id = p.payment_id AND e.status = 'succeeded')`, database));
}
// Charges that moved money, from the sandbox; how many payments they belong to.
export async function chargeCount(world) {
    const invoices = new Set();
    let charges = 0;
    let since = 0;
    do {
        const page = (await world.call('GET', `${world.sandbox}/books?since=${since}&limit=5000`)).json;
        for (const entry of page.entries) {
            if (entry.kind !== 'charge' || !['completed', 'pending'].includes(entry.state)) continue;
            charges++;
            invoices.add(entry.invoice);
        }
        since = page.next;
    } while (since !== null);
    assert(invoices.size === charges, `the sandbox charged ${charges} times for ${invoices.size} payments`);
    return charges;
}
export const resetBooks = (world) => world.call('POST', world.sandbox + '/reset');

// 201s of the client = payments in the ledger = charges at the provider.
export async function check(world, counts, created, exact = true) {
    const ledger = ledgerCount(world) - counts.ledger;
    const charges = await chargeCount(world);
    const agree = exact ? created === ledger && ledger === charges : created <= ledger && ledger === charges;
    assert(agree, `the client was told ${created} times "created", the ledger has ${ledger} new payments, the provider ${charges} charges`);
    await resetBooks(world);
    counts.ledger += ledger;
    return { created, ledger, charges };
}

export function run(command, args, options = {}) {
    const done = spawnSync(command, args, { cwd: top, encoding: 'utf8', maxBuffer: 64 << 20, ...options });
    if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.stderr || done.stdout}`);
    return done.stdout;
}
export function writeResult(name, result) {
    mkdirSync(path.join(top, 'var'), { recursive: true });
    const file = path.join('var', `${name}.json`);
    writeFileSync(path.join(top, file), JSON.stringify(result, null, 1) + '\n');
    return file;
}
export const children = (pid) => readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number));
