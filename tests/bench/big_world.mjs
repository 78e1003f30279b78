// big_world.mjs - a ledger of millions of payments, made once and gone on with where it was stopped.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { randomUUID } from 'node:crypto';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { World, freePorts } from '../e2e/lib.mjs';
import * as b from './lib.mjs';
import { canonical, shapeOf } from './rows.mjs';

export const payments = b.number('PAYMENTS', 10_000_000);
export const MERCHANTS = 1000;
const KEYED = 40; // merchants that the load and the reads come from
const CHUNK = 10_000;
const DAYS = 180;
const BYTES_PER_PAYMENT = 5300; // tables and indexes; the journal is extra
const CONNECTIONS = 512;
export const folder = path.join(b.top, 'var', process.env.BENCH_LEDGER ?? 'bench-10m');

// ---- a world that stays ------------------------------------------------------------------------------

export class BigWorld extends World {
    static async open(place) {
        const world = b.watch(new BigWorld());
        world.options = { workers: Number(process.env.WORKERS ?? -1), delayMs: b.DELAY_MS, settings: b.settings };
        world.folder = place;
        world.log = [];
        world.port = await freePorts(6);
        world.api = `https://127.0.0.1:${world.port}`;
        world.ops = `https://127.0.0.1:${world.port + 1}`;
        world.sandboxPort = world.port + 2;
        world.sandbox = `https://127.0.0.1:${world.sandboxPort}`;
        for (const sub of ['secrets', 'state', 'log']) mkdirSync(world.at(sub), { recursive: true, mode: 0o700 });
        b.run(path.join(b.top, 'config/dev/tls.sh'), [world.at('tls')]);
        world.ca = readFileSync(world.at('tls/ca.pem'));
        world.agent = b.agent(world);
        if (!existsSync(world.at('made'))) await world.make();
        else { world.startDatabase(); world.migrate(); }
        Object.assign(world, JSON.parse(readFileSync(world.at('made'), 'utf8')));
        world.writeConfig();
        // The ports are others than last time.
        world.psql(`UPDATE accounts SET base_url = 'https://127.0.0.1:' || CASE provider WHEN 'paypal' THEN ${world.sandboxPort + 1} ELSE ${world.sandboxPort + 2} END;
            UPDATE directory_version SET version = version + 1`);
        rmSync(world.at('books.journal'), { force: true });
        await world.startSandbox();
        await world.startGateway();
        world.keys = await world.makeKeys();
        world.postgres = Number(readFileSync(world.at('pg/data/postmaster.pid'), 'utf8').split('\n')[0]);
        return world;
    }
    async make() {
        rmSync(this.at('pg'), { recursive: true, force: true });
        this.secret('master', randomUUID() + randomUUID());
        this.secret('paypal.json', '{"user":"e2e-client","password":"e2e-secret"}');
        this.secret('payoneer.json', '{"user":"E2E","password":"e2e-token"}');
        this.startDatabase();
        const buffers = Math.min(4096, Math.floor(totalmem() / 2 ** 20 / 6));
        for (const setting of [`shared_buffers = '${buffers}MB'`, "max_wal_size = '8GB'", "checkpoint_timeout = '15min'", "maintenance_work_mem = '512MB'"])
            this.psql(`ALTER SYSTEM SET ${setting}`, 'postgres');
        this.stopDatabase();
        this.startDatabase();
        this.psql('CREATE DATABASE turnpike', 'postgres');
        this.writeConfig();
        this.migrate();
        this.psql('ALTER ROLE turnpike_gateway LOGIN; CREATE ROLE e2e_finance LOGIN IN ROLE turnpike_finance;');
        this.makeMerchant({});
        this.makeMerchants();
        writeFileSync(this.at('made'), JSON.stringify({ key: this.key, operatorKey: this.operatorKey, merchant: this.merchant, accounts: this.accounts }));
    }
    migrate() {
        b.run(path.join(b.BUILD, 'turnpike'), ['migrate', 'up', '--database', this.conninfo('postgres'), '--config', this.at('turnpike.conf')]);
    }
    // Copies of the first merchant and of its accounts.
    makeMerchants() {
        this.psql(`CREATE TABLE bench_merchants AS SELECT n, gen_random_uuid() AS merchant_id, gen_random_uuid() AS account_id, gen_random_uuid() AS other_id FROM generate_series(0, ${MERCHANTS - 1}) n;
            CREATE TABLE bench_fill (chunk bigint PRIMARY KEY);
            INSERT INTO merchants SELECT (jsonb_populate_record(NULL::merchants, to_jsonb(m) || jsonb_build_object('merchant_id', b.merchant_id, 'name', 'Merchant ' || n, 'twin_id', NULL))).* FROM bench_merchants b,
                (SELECT * FROM merchants WHERE NOT livemode LIMIT 1) m;
            INSERT INTO accounts SELECT (jsonb_populate_record(NULL::accounts, to_jsonb(a) || jsonb_build_object('merchant_id', b.merchant_id, 'account_id', CASE a.provider WHEN 'paypal' THEN b.account_id ELSE b.other_id END))).* FROM bench_merchants b,
                (SELECT * FROM accounts WHERE merchant_id = (SELECT merchant_id FROM merchants WHERE NOT livemode AND name = 'E2E')) a;
            INSERT INTO finance_access (login, merchant_id) SELECT 'e2e_finance', merchant_id FROM bench_merchants;
            UPDATE directory_version SET version = version + 1;`);
    }
    // The ten largest, and others of all sizes.
    async makeKeys() {
        if (existsSync(this.at('keys.json'))) return JSON.parse(readFileSync(this.at('keys.json'), 'utf8'));
        const wanted = Array.from({ length: KEYED }, (_, i) => (i < 10 ? i : Math.floor(10 + (i - 10) * (MERCHANTS - 10) / (KEYED - 10))));
        const keys = [];
        for (const { id, text } of this.rows(`SELECT merchant_id AS id, finance.show_id('mer', merchant_id) AS text FROM bench_merchants WHERE n IN (${wanted.join(',')}) ORDER BY n`)) {
            const made = await this.call('POST', this.api + '/v1/admin/keys', { key: this.operatorKey, body: { merchant: text, role: 'merchant' }, headers: { 'idempotency-key': randomUUID() } });
            b.assert(made.status === 201, `no key: ${made.raw}`);
            keys.push({ merchant: id, key: made.json.key });
        }
        writeFileSync(this.at('keys.json'), JSON.stringify(keys));
        return keys;
    }
}

// ---- filling -----------------------------------------------------------------------------------------

function checkSpace() {
    const free = Number(b.run('df', ['-Pk', path.join(b.top, 'var')]).trim().split('\n')[1].split(/\s+/)[3]) * 1024;
    const gb = (bytes) => (bytes / 1e9).toFixed(0);
    const wanted = payments * BYTES_PER_PAYMENT + 10e9;
    b.assert(free >= wanted, `${payments} payments need ${gb(wanted)} GB, and only ${gb(free)} GB are free in ${path.join(b.top, 'var')}; free some, or: make bench-10m PAYMENTS=${Math.max(100000, Math.floor((free - 10e9) / BYTES_PER_PAYMENT / 1e5) * 1e5)}`);
}

async function sampleShape(world, share, token) {
    const key = randomUUID();
    const request = JSON.parse(b.body().replaceAll('${key}', key).replaceAll('tok_ok', token));
    const paid = await world.pay(request, { key });
    b.assert(paid.status === 201, `the sample payment: ${paid.status} ${paid.raw ?? paid.error}`);
    const [payment] = world.rows(`SELECT p.payment_id, p.merchant_id, a.account_id, finance.show_id('acc', a.account_id) AS account, encode(i.fingerprint, 'hex') AS fingerprint
        FROM payments p JOIN attempts a USING (merchant_id, payment_id) JOIN idempotency i USING (merchant_id, key) WHERE p.key = '${key}'`);
    const { createHash } = await import('node:crypto');
    b.assert(createHash('sha256').update(`POST\n/v1/payments\n${canonical(request)}`).digest('hex') === payment.fingerprint, 'the canonical form is known');
    const texts = [[payment.merchant_id, 'merchant'], [payment.account_id, 'account'], [payment.account.slice(4), 'account_text'],
        [paid.answer.id.slice(4), 'payment_text'], [paid.answer.attempts[0].id.slice(4), 'attempt_text']];
    return shapeOf(world, payment.payment_id, { share, request, texts });
}

async function makePlan(world) {
    if (existsSync(world.at('plan.json'))) {
        const plan = JSON.parse(readFileSync(world.at('plan.json'), 'utf8'));
        b.assert(plan.payments === payments, `${path.relative(b.top, folder)} is a ledger of ${plan.payments} payments: PAYMENTS=${plan.payments}, or remove it`);
        return;
    }
    const shapes = [await sampleShape(world, 0.94, 'tok_ok'), await sampleShape(world, 0.06, 'tok_hard')];
    const columns = new Map(shapes.flatMap((s) => s.rows).map((row) => [row.table, row.columns]));
    const until = Date.now() - 3600_000;
    writeFileSync(world.at('plan.json'), JSON.stringify({
        database: world.conninfo('postgres'), payments, chunk: CHUNK, seed: 1, from_ms: until - DAYS * 86400_000, until_ms: until, shapes,
        tables: [...columns].map(([name, list]) => ({ name, copy: `COPY ${name} (${list.join(', ')}) FROM STDIN` })),
        merchants: world.rows('SELECT merchant_id AS id, account_id AS account, substr(finance.show_id(\'acc\', account_id), 5) AS account_text FROM bench_merchants ORDER BY n'),
    }));
}

async function fill(world) {
    const total = Math.ceil(payments / CHUNK);
    let done = Number(world.psql('SELECT count(*) FROM bench_fill'));
    if (existsSync(world.at('filled'))) return;
    checkSpace();
    b.say(`filling: ${total - done} of ${total} chunks of ${CHUNK} payments`);
    // A crash of the machine costs the cluster, and nothing else: it is made again.
    world.psql('ALTER SYSTEM SET fsync = off', 'postgres');
    world.psql('ALTER SYSTEM SET full_page_writes = off', 'postgres');
    world.psql('SELECT pg_reload_conf()', 'postgres');
    const from = Date.now();
    const before = done;
    const fillers = Array.from({ length: Math.max(1, cpus().length) }, (_, k) => {
        const child = spawn(path.join(b.BUILD, 'bench', 'fill'), [world.at('plan.json'), `${k}`, `${cpus().length}`], { stdio: ['ignore', 'pipe', 'inherit'] });
        child.stdout.on('data', (chunk) => {
            const lines = chunk.toString().split('\n').length - 1;
            if (Math.floor((done + lines) / 50) > Math.floor(done / 50)) {
                const minutes = (Date.now() - from) / 60000;
                b.say(`${((done + lines) * CHUNK / 1e6).toFixed(1)} million payments, ${(minutes * (total - done - lines) / (done + lines - before)).toFixed(0)} minutes to go`);
            }
            done += lines;
        });
        return once(child, 'close');
    });
    for (const [code] of await Promise.all(fillers)) b.assert(code === 0, 'bench-fill failed; run it again to go on');
    // Rows of all times came by COPY, which tells no balance: they are counted from the beginning.
    world.psql('BEGIN; DELETE FROM balance_marks; DELETE FROM balance_snapshots; COMMIT');
    b.say('vacuum, statistics, checkpoint');
    world.psql('VACUUM (ANALYZE)');
    world.psql('ALTER SYSTEM RESET fsync', 'postgres');
    world.psql('ALTER SYSTEM RESET full_page_writes', 'postgres');
    world.stopDatabase(); // with a checkpoint that counts
    b.run('sync', ['-f', world.folder]);
    world.startDatabase();
    world.postgres = Number(readFileSync(world.at('pg/data/postmaster.pid'), 'utf8').split('\n')[0]);
    await b.until('the gateway is connected again', async () => (await world.call('GET', world.ops + '/readyz')).status === 200, 60000);
    writeFileSync(world.at('filled'), new Date().toISOString());
}

// The workers roll the balances up; of ten million payments that takes some minutes, once.
async function rollUp(world) {
    const left = () => Number(world.psql(`SELECT count(*) FROM bench_merchants b LEFT JOIN balance_marks m USING (merchant_id) WHERE m.taken IS NULL OR m.taken::text = '1:1:'`));
    b.say(`balances: ${left()} of ${MERCHANTS} merchants to be rolled up`);
    await b.until('the balances are rolled up', async () => left() === 0, 3600_000);
}

// Open, filled and rolled up.
export async function openFull() {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!existsSync(path.join(folder, 'filled'))) checkSpace();
    const full = await BigWorld.open(folder);
    await makePlan(full);
    await b.resetBooks(full); // of the sample payments
    await fill(full);
    await rollUp(full);
    return full;
}

// Payments of the keyed merchants, from all times.
export function someOf(world, count) {
    const merchants = world.keys.map(({ merchant }) => `'${merchant}'`).join(',');
    const rows = world.rows(`SELECT payment_id, merchant_id, key, reference, amount_minor, finance.show_id('pay', payment_id) AS text,
        EXISTS (SELECT FROM events e WHERE e.merchant_id = payments.merchant_id AND e.payment_id = payments.payment_id AND e.status = 'declined') AS declined FROM payments TABLESAMPLE SYSTEM (${Math.min(100, 100 * count * 25 / payments + 0.05)})
        WHERE merchant_id IN (${merchants}) AND reference LIKE 'order-%' AND created_at < now() - interval '1 hour' ORDER BY random() LIMIT ${count}`);
    b.assert(rows.length >= count / 4, `only ${rows.length} payments to read`);
    return rows;
}

const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
export const summary = (values) => { values.sort((x, y) => x - y); return { count: values.length, p50_ms: percentile(values, 0.5), p99_ms: percentile(values, 0.99), max_ms: values.at(-1) }; };

// The client library of the bench's own service.
export async function financeClient(world, user = 'e2e_finance') {
    const { default: pg } = await import(createRequire(path.join(b.top, 'tests/bench/service/package.json')).resolve('pg'));
    const client = new pg.Client({ host: world.socket, port: 5432, database: 'turnpike', user });
    await client.connect();
    return client;
}

// ---- (c) on both ---------------------------------------------------------------------------------------

// One line a merchant: path, key (none), body, credentials.
function merchantLines(world) {
    const file = world.at('merchants.lines');
    writeFileSync(file, world.keys.map(({ key }) => `/v1/payments\t\t${b.body()}\tAuthorization: Bearer ${key}\n`).join(''));
    return file;
}
async function partC(world, seconds) {
    const since = world.psql('SELECT max(payment_id::text) FROM (SELECT (SELECT payment_id FROM payments p WHERE p.merchant_id = m.merchant_id ORDER BY payment_id DESC LIMIT 1) FROM merchants m) x') || '00000000-0000-0000-0000-000000000000';
    const result = await b.load(world, { name: 'c', warmup: 2, seconds, classes: [b.payments(world, CONNECTIONS, { path: undefined, lines_file: merchantLines(world), headers: 'Accept: application/json\r\n' })] });
    const told = b.told(result);
    b.assert(told.created === told.all, `the gateway answered ${JSON.stringify(told.total)}; see ${world.at('log/gateway.log')}`);
    const written = Number(world.psql(`SELECT sum(n) FROM merchants m, LATERAL (SELECT count(*) AS n FROM payments p WHERE p.merchant_id = m.merchant_id AND p.payment_id > '${since}') x`));
    const charges = await b.chargeCount(world);
    b.assert(written === told.created && charges === told.created, `told ${told.created}, written ${written}, charged ${charges}`);
    await b.resetBooks(world);
    return { rate: result.rate, cpu_us: result.cpu_us, wal_bytes: result.wal_bytes, others_cores: result.others_cores, p99_ms: result.classes.payments.latency.p99_ms };
}

// Part (c) in turn on an empty ledger and on the full one.
export async function inTurn(full, rounds, seconds) {
    const place = path.join(b.top, 'var', 'e2e', `bench-empty-${process.pid}`);
    const empty = await BigWorld.open(place);
    const result = { empty: [], full: [] };
    try {
        await b.prime(empty);
        await b.resetBooks(empty);
        for (let round = 1; round <= rounds; round++) {
            b.say(`round ${round} of ${rounds}`);
            result.empty.push(await partC(empty, seconds));
            result.full.push(await partC(full, seconds));
        }
    } finally {
        await empty.stop();
    }
    return result;
}
export const middle = (list, get) => b.median(list.map(get));
export const cpuRatio = ({ empty, full }) => middle(full, (r) => r.cpu_us.postgres) / middle(empty, (r) => r.cpu_us.postgres);
