// lib.mjs - a private world for end-to-end tests: PostgreSQL, sandbox and gateway, the real binaries, in a
// folder and on ports of its own. What is true is read from the sandbox's books and from the client's own log,
// never from what the gateway believes.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync, readFileSync, rmSync, openSync, closeSync, existsSync } from 'node:fs';
import { createServer } from 'node:net';
import https from 'node:https';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';

export const top = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const binary = path.resolve(top, process.env.BUILD ?? 'build', 'turnpike');

export function assert(condition, text) {
    if (!condition) throw new Error(text);
}
export function equal(got, wanted, text) {
    const a = JSON.stringify(got);
    const b = JSON.stringify(wanted);
    if (a !== b) throw new Error(`${text}: got ${a}, wanted ${b}`);
}

// Resolve as soon as look() gives something true; the time is only a bound.
export async function until(text, look, boundMs = 15000) {
    const end = Date.now() + boundMs;
    let last;
    for (;;) {
        try {
            const got = await look();
            if (got) return got;
            last = got;
        } catch (error) {
            last = error.message;
        }
        if (Date.now() > end) throw new Error(`not within ${boundMs} ms: ${text} (last: ${JSON.stringify(last)})`);
        await new Promise((done) => setTimeout(done, 25));
    }
}

function isFree(port) {
    return new Promise((done) => {
        const server = createServer();
        server.once('error', () => done(false));
        server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
    });
}
// `count` neighbouring free ports, below the range from which the kernel picks.
export async function freePorts(count) {
    for (let tries = 0; tries < 200; tries++) {
        const first = 12000 + Math.floor(Math.random() * 18000);
        let ok = true;
        for (let i = 0; ok && i < count; i++) ok = await isFree(first + i);
        if (ok) return first;
    }
    throw new Error('no free ports');
}

function run(command, args, options = {}) {
    const done = spawnSync(command, args, { cwd: top, encoding: 'utf8', maxBuffer: 64 << 20, ...options });
    if (done.status !== 0) {
        throw new Error(`${command} ${args.join(' ')}: exit ${done.status}: ${done.stderr || done.stdout}`);
    }
    return done.stdout;
}

const payoutAccounts = [['paypal_payouts', 1, 'paypal-us'], ['payoneer_payouts', 3, 'payoneer-payouts', ['--setting', 'program_id=100012345']]];

export class World {
    // options: settings (lines of turnpike.conf), workers, delayMs, accounts, payouts (accounts for them, too)
    static async start(name, options = {}) {
        const world = new World();
        world.options = options;
        world.folder = path.join(top, 'var', 'e2e', `${name}-${process.pid}`);
        rmSync(world.folder, { recursive: true, force: true });
        for (const sub of ['secrets', 'state', 'log']) mkdirSync(path.join(world.folder, sub), { recursive: true, mode: 0o700 });
        world.port = await freePorts(6);
        world.api = `https://127.0.0.1:${world.port}`;
        world.ops = `https://127.0.0.1:${world.port + 1}`;
        world.sandboxPort = world.port + 2;
        world.sandbox = `https://127.0.0.1:${world.sandboxPort}`;
        world.log = []; // every request of this client: {key, body, status, answer}
        run(path.join(top, 'config/dev/tls.sh'), [world.at('tls')]);
        world.ca = readFileSync(world.at('tls/ca.pem'));
        world.agent = new https.Agent({ ca: world.ca, keepAlive: true, maxSockets: options.sockets ?? 64 });
        world.secret('master', randomUUID() + randomUUID());
        world.secret('paypal.json', '{"user":"e2e-client","password":"e2e-secret"}');
        world.secret('payoneer.json', '{"user":"E2E","password":"e2e-token"}');
        world.secret('paypal_payouts.json', '{"user":"e2e-client","password":"e2e-secret"}');
        world.secret('payoneer_payouts.json', '{"user":"e2e-client","password":"e2e-secret"}');
        world.startDatabase();
        world.psql("CREATE DATABASE turnpike", 'postgres');
        world.writeConfig();
        run(binary, ['migrate', 'up', '--database', world.conninfo('postgres'), '--config', world.at('turnpike.conf')]);
        world.psql("ALTER ROLE turnpike_gateway LOGIN; CREATE ROLE e2e_finance LOGIN IN ROLE turnpike_finance;");
        world.makeMerchant(options);
        await world.startSandbox();
        await world.startGateway();
        return world;
    }
    at(file) { return path.join(this.folder, file); }
    secret(name, text) { writeFileSync(this.at(`secrets/${name}`), text, { mode: 0o600 }); }
    conninfo(user, database = 'turnpike') {
        return `host=${this.socket} port=5432 dbname=${database} user=${user}`;
    }
    psql(sql, database = 'turnpike', user = 'postgres') {
        return run('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', this.conninfo(user, database), '-c', sql]).trim();
    }
    rows(sql, user = 'postgres') {
        return JSON.parse(this.psql(`SELECT coalesce(json_agg(r), '[]') FROM (${sql}) r`, 'turnpike', user));
    }
    startDatabase() {
        run(path.join(top, 'config/dev/pg.sh'), ['start', this.at('pg'), '5432', 'trust']);
        this.socket = run(path.join(top, 'config/dev/pg.sh'), ['host', this.at('pg')]).trim();
    }
    stopDatabase() { run(path.join(top, 'config/dev/pg.sh'), ['stop', this.at('pg')]); }
    killDatabase() { run(path.join(top, 'config/dev/pg.sh'), ['kill', this.at('pg')]); }
    writeConfig() {
        const settings = {
            api_port: this.port, ops_port: this.port + 1, workers: this.options.workers ?? 2,
            tls_certificate: this.at('tls/gateway.pem'), tls_key: this.at('tls/gateway.key'),
            provider_ca_file: this.at('tls/ca.pem'), state_folder: this.at('state'),
            master_secret_file: this.at('secrets/master'), secrets_folder: this.at('secrets'),
            migrations_folder: path.join(top, 'migrations'), rules_file: path.join(top, 'config/example.rules'),
            database: this.conninfo('turnpike_gateway'),
            provider_connect_ms: 1000, provider_answer_ms: 1500, answer_ms: 3000, send_window_ms: 2000,
            lease_ms: 5000, dead_after_ms: 10000, resolve_first_ms: 200, resolve_max_ms: 1000,
            resolve_interval_ms: 100, directory_check_ms: 200, ...this.options.settings,
        };
        writeFileSync(this.at('turnpike.conf'), Object.entries(settings).map(([k, v]) => `${k} = ${v}\n`).join(''));
    }
    admin(...args) {
        return JSON.parse(run(binary, [...args, '--config', this.at('turnpike.conf'), '--json']));
    }
    makeMerchant(options) {
        const made = this.admin('merchants', 'create', '--name', 'E2E', '--country', 'US');
        this.merchant = made.test_id;
        this.liveMerchant = made.id;
        const accounts = options.accounts ?? [['paypal', 1, 'paypal-us'], ['payoneer', 2, 'payoneer-checkout', ['--setting', 'country=US']]];
        if (options.payouts) accounts.push(...payoutAccounts);
        const settle = ['--setting', 'settle_ms=3000']; // the sandbox takes effect within seconds
        this.accounts = {};
        for (const [provider, offset, fees, extra] of accounts) {
            this.accounts[provider] = this.admin('accounts', 'create', '--merchant', this.merchant, '--provider', provider,
                '--name', 'main', '--base-url', `https://127.0.0.1:${this.sandboxPort + offset}`,
                '--secret', `file:${provider}.json`, '--fees', path.join(top, `config/fees/${fees}.json`), ...settle, ...(extra ?? [])).id;
        }
        this.key = this.admin('keys', 'create', '--merchant', this.merchant, '--role', 'merchant').key;
        this.financeKey = this.admin('keys', 'create', '--merchant', this.merchant, '--role', 'finance').key;
        this.operatorKey = this.admin('keys', 'create', '--role', 'operator').key;
        this.psql(`INSERT INTO finance_access (login, merchant_id) SELECT 'e2e_finance', merchant_id FROM merchants`);
    }
    spawn(name, args) {
        const log = openSync(this.at(`log/${name}.log`), 'a');
        const child = spawn(this.binary ?? binary, args, { cwd: top, stdio: ['ignore', log, log] });
        closeSync(log);
        child.ended = new Promise((done) => child.once('exit', (code, signal) => done({ code, signal })));
        return child;
    }
    async startSandbox() {
        this.sandboxProcess = this.spawn('sandbox', ['sandbox', '--port', `${this.sandboxPort}`,
            '--certificate', this.at('tls/gateway.pem'), '--key', this.at('tls/gateway.key'), '--hook-ca', this.at('tls/ca.pem'),
            '--hook-certificate', this.at('tls/hook.pem'), '--hook-key', this.at('tls/hook.key'),
            '--books', this.at('books.journal'), '--delay-ms', `${this.options.delayMs ?? 5}`]);
        await until('the sandbox answers', async () => (await this.call('GET', this.sandbox + '/faults')).status === 200);
    }
    async startGateway() {
        this.gateway = this.spawn('gateway', ['serve', '--config', this.at('turnpike.conf')]);
        await until(`the gateway is ready (see ${this.at('log/gateway.log')})`,
            async () => (await this.call('GET', this.ops + '/readyz')).status === 200);
    }
    // Process ids of the workers, from the master's children.
    workers() {
        return readFileSync(`/proc/${this.gateway.pid}/task/${this.gateway.pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
    }
    async killGateway() {
        this.gateway.kill('SIGKILL');
        await this.gateway.ended;
    }
    async stopGateway() {
        this.gateway.kill('SIGTERM');
        return this.gateway.ended;
    }
    async stop() {
        this.agent.destroy();
        if (this.gateway) { this.gateway.kill('SIGTERM'); await this.gateway.ended; }
        if (this.sandboxProcess) { this.sandboxProcess.kill('SIGTERM'); await this.sandboxProcess.ended; }
        this.stopDatabase();
        if (!process.env.KEEP) rmSync(this.folder, { recursive: true, force: true });
    }
    abandon() { // after a failure: end what runs, keep the folder for a look
        this.gateway?.kill('SIGKILL');
        this.sandboxProcess?.kill('SIGKILL');
        try { this.stopDatabase(); } catch { /* it may be down */ }
    }
    call(method, url, { body, headers = {}, key, agent, timeoutMs = 20000 } = {}) {
        return new Promise((resolve, reject) => {
            const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
            const request = https.request(url, {
                method, agent: agent ?? this.agent, timeout: timeoutMs,
                headers: {
                    ...(key ? { authorization: `Bearer ${key}` } : {}),
                    ...(text !== undefined ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } : {}),
                    ...headers,
                },
            }, (answer) => {
                const chunks = [];
                answer.on('data', (chunk) => chunks.push(chunk));
                answer.on('error', reject);
                answer.on('end', () => {
                    const raw = Buffer.concat(chunks).toString();
                    let json;
                    try { json = JSON.parse(raw); } catch { /* not JSON */ }
                    resolve({ status: answer.statusCode, headers: answer.headers, raw, json });
                });
            });
            request.on('timeout', () => request.destroy(new Error('client time-out')));
            request.on('error', reject);
            if (text !== undefined) request.write(text);
            request.end();
        });
    }
    payment(extra = {}) {
        return { amount: 1099, currency: 'EUR', method: { type: 'card', tokens: { paypal: 'tok_ok', payoneer: 'tok_ok' } }, ...extra };
    }
    // POST /v1/payments, noted in the client's log. A lost connection is status 0.
    async pay(body = this.payment(), { key = randomUUID(), ...options } = {}) {
        const entry = { key, body, status: 0, answer: undefined };
        this.log.push(entry);
        try {
            const answer = await this.call('POST', this.api + '/v1/payments', { body, key: this.key, ...options, headers: { 'idempotency-key': `"${key}"`, ...options.headers } });
            Object.assign(entry, { status: answer.status, answer: answer.json, raw: answer.raw, headers: answer.headers });
        } catch (error) {
            entry.error = error.message;
        }
        return entry;
    }
    async get(id) { return (await this.call('GET', `${this.api}/v1/payments/${id}`, { key: this.key })).json; }
    async books(query = '') { return (await this.call('GET', this.sandbox + '/books' + query)).json.entries; }
    async fault(fault) {
        const answer = await this.call('POST', this.sandbox + '/faults', { body: fault });
        assert(answer.status < 300, `fault refused: ${answer.raw}`);
    }
    async noFaults() { await this.call('DELETE', this.sandbox + '/faults'); }
    // Every payment in the ledger leaves "processing".
    async settled(boundMs = 30000) {
        await until('every payment is settled', () => this.rows(`SELECT p.payment_id FROM payments p WHERE NOT EXISTS
            (SELECT FROM events e WHERE e.merchant_id = p.merchant_id AND e.payment_id = p.payment_id
              AND e.status NOT IN ('processing', 'requires_action')) LIMIT 5`).length === 0, boundMs);
    }
    // P1 and P2, judged by the books and the client's log alone.
    async judge() {
        const charged = new Map(); // payment id -> [entries with net money]
        for (const entry of await this.books()) {
            if (!['charge', 'hold', 'capture'].includes(entry.kind) || !entryMoved(entry)) continue;
            if (!charged.has(entry.invoice)) charged.set(entry.invoice, []);
            charged.get(entry.invoice).push(entry);
        }
        for (const [payment, entries] of charged) {
            const moved = entries.filter((e) => e.kind !== 'hold' || !entries.some((o) => o.kind === 'capture'));
            assert(moved.length === 1, `payment ${payment} was charged ${moved.length} times: ${JSON.stringify(moved)}`);
        }
        for (const entry of this.log) {
            if (entry.status !== 201) continue;
            const entries = charged.get(entry.answer.id) ?? [];
            if (['succeeded', 'authorized'].includes(entry.answer.status)) {
                assert(entries.length > 0, `payment ${entry.answer.id} was told ${entry.answer.status} and is not in the books`);
                equal(entries[0].amount, entry.answer.amount, `amount of ${entry.answer.id} in the books`);
                equal(entries[0].currency, entry.answer.currency, `currency of ${entry.answer.id} in the books`);
            } else if (['declined', 'failed'].includes(entry.answer.status)) {
                assert(entries.length === 0, `payment ${entry.answer.id} was told ${entry.answer.status} and was charged`);
            }
        }
        return charged;
    }
}
function entryMoved(entry) {
    return ['pending', 'completed', 'partially_refunded', 'refunded', 'held', 'partially_captured', 'captured'].includes(entry.state);
}

// Run named cases against one world; prints a line each, and how to run a failing one alone.
export async function suite(name, options, cases) {
    const only = process.argv[2];
    let world;
    let passed = 0;
    let failed = 0;
    for (const [title, test] of Object.entries(cases)) {
        if (only && only !== title) continue;
        const from = Date.now();
        try {
            world ??= await World.start(name, options);
            world.log = [];
            await test(world);
            passed++;
            console.log(`ok   ${name}: ${title} (${Date.now() - from} ms)`);
        } catch (error) {
            failed++;
            console.log(`FAIL ${name}: ${title}: ${error.message}\n     run it alone: node tests/e2e/${name}.mjs ${title}`);
            if (!world) break;
            console.log(`     kept: ${path.relative(top, world.folder)}`);
            if (existsSync(world.at('log/gateway.log'))) {
                console.log(readFileSync(world.at('log/gateway.log'), 'utf8').trim().split('\n').slice(-5).map((l) => '     ' + l).join('\n'));
            }
            world.abandon();
            world = undefined;
        }
    }
    if (world) await world.stop();
    console.log(`${name}: ${passed} passed, ${failed} failed`);
    process.exit(failed === 0 ? 0 : 1);
}
