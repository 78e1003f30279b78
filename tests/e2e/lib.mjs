// lib.mjs - a private world for end-to-end tests: PostgreSQL, sandbox and gateway, the real binaries, in a
// folder and on ports of its own. What is true is read from the sandbox's books and from the client's own log,
// never from what the gateway believes.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync, readFileSync, rmSync, openSync, closeSync, existsSync } from 'node:fs';
import { createServer } from 'node:net';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Contract } from '../contract/contract.mjs';
import { startPrism } from '../contract/prism.mjs';

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

// The uuid of pay_..., 26 digits of Crockford's base 32, for SQL.
export function uuidOf(id) {
    let value = 0n;
    for (const digit of id.slice(4)) value = value * 32n + BigInt('0123456789ABCDEFGHJKMNPQRSTVWXYZ'.indexOf(digit));
    const hex = value.toString(16).padStart(32, '0');
    return `'${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}'::uuid`;
}
// Resolve as soon as look() gives something true; the time is only a bound.
export async function until(text, look, boundMs = 60000) {
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
// `count` neighbouring free ports, below the range from which the kernel picks. PORTS_FROM: of 500 that are ours alone.
export async function freePorts(count) {
    for (let tries = 0; tries < 200; tries++) {
        const own = process.env.PORTS_FROM;
        const first = own ? Number(own) + Math.floor(Math.random() * (500 - count)) : 12000 + Math.floor(Math.random() * 18000);
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

const hookSecret = 'e2e-webhook-secret-0123456789';
const hookIds = { paypal: 'E2EHOOKOFPAYPAL01', paypal_payouts: 'E2EHOOKOFPAYOUTS1' };
const payoutAccounts = [['paypal_payouts', 1, 'paypal-us'], ['payoneer_payouts', 3, 'payoneer-payouts', ['--setting', 'program_id=100012345']]];

// A person who says that it was charged does not say for what fee: what was expected is booked, whatever the books say.
const toldByPeople = "outcome = 'approved' AND reason = 'told_by_operator'";

export class World {
    // options: settings (lines of turnpike.conf), workers, delayMs, accounts, payouts (accounts for them, too); World (a suite's own)
    static async start(name, options = {}) {
        const world = new this();
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
        world.secret('payoneer.json', `{"user":"E2E","password":"e2e-token","webhook_secret":"${hookSecret}"}`);
        world.secret('paypal_payouts.json', '{"user":"e2e-client","password":"e2e-secret"}');
        world.secret('payoneer_payouts.json', `{"user":"e2e-client","password":"e2e-secret","webhook_secret":"${hookSecret}"}`);
        world.startDatabase();
        world.psql("CREATE DATABASE turnpike", 'postgres');
        world.writeConfig();
        run(binary, ['migrate', 'up', '--database', world.conninfo('postgres'), '--config', world.at('turnpike.conf')]);
        world.psql("ALTER ROLE turnpike_gateway LOGIN; CREATE ROLE e2e_finance LOGIN IN ROLE turnpike_finance;");
        world.makeMerchant(options);
        await world.startSandbox();
        await world.startGateway();
        if (process.env.PRISM) world.prism = await startPrism({ document: process.env.PRISM, upstream: world.api, port: await freePorts(1), ca: world.at('tls/ca.pem'), log: world.at('log/prism.log') });
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
            lease_ms: 5000, dead_after_ms: 10000, resolve_first_ms: 200, resolve_max_ms: 1000, action_look_ms: 1000,
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
            const hookId = hookIds[provider] ? ['--setting', `webhook_id=${hookIds[provider]}`] : [];
            this.accounts[provider] = this.admin('accounts', 'create', '--merchant', this.merchant, '--provider', provider,
                '--name', 'main', '--base-url', `https://127.0.0.1:${this.sandboxPort + offset}`,
                '--secret', `file:${provider}.json`, '--fees', path.join(top, `config/fees/${fees}.json`), ...settle, ...hookId, ...(extra ?? [])).id;
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
    async startGateway(withinMs) {
        this.gateway = this.spawn('gateway', ['serve', '--config', this.at('turnpike.conf')]);
        await until(`the gateway is ready (see ${this.at('log/gateway.log')})`,
            async () => (await this.call('GET', this.ops + '/readyz')).status === 200, withinMs);
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
        await this.prism?.stop();
        if (this.gateway) { this.gateway.kill('SIGTERM'); await this.gateway.ended; }
        if (this.sandboxProcess) { this.sandboxProcess.kill('SIGTERM'); await this.sandboxProcess.ended; }
        this.stopDatabase();
        if (!process.env.KEEP) rmSync(this.folder, { recursive: true, force: true });
    }
    abandon() { // after a failure: end what runs, keep the folder for a look
        this.gateway?.kill('SIGKILL');
        this.prism?.stop();
        this.sandboxProcess?.kill('SIGKILL');
        try { this.stopDatabase(); } catch { /* it may be down */ }
    }
    call(method, url, { body, headers = {}, key, agent, timeoutMs = 20000 } = {}) {
        return new Promise((resolve, reject) => {
            const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
            const sent = {
                ...(key ? { authorization: `Bearer ${key}` } : {}),
                ...(text !== undefined ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } : {}),
                ...headers,
            };
            const by = this.prism && !agent && url.startsWith(`${this.api}/v1/`) ? { on: http, url: `http://127.0.0.1:${this.prism.port}${url.slice(this.api.length)}` } : { on: https, url, agent: agent ?? this.agent };
            const request = by.on.request(by.url, { method, agent: by.agent, timeout: timeoutMs, headers: sent }, (answer) => {
                const chunks = [];
                answer.on('data', (chunk) => chunks.push(chunk));
                answer.on('error', reject);
                answer.on('end', () => {
                    const raw = Buffer.concat(chunks).toString();
                    let json;
                    try { json = JSON.parse(raw); } catch { /* not JSON */ }
                    const got = { status: answer.statusCode, headers: answer.headers, raw, json };
                    this.hold({ method, url, headers: sent, text }, got);
                    resolve(got);
                });
            });
            request.on('timeout', () => request.destroy(new Error('client time-out')));
            request.on('error', reject);
            if (text !== undefined) request.write(text);
            request.end();
        });
    }
    // What the API answers is what its document says (suite() fails the test whose answers do not).
    hold(request, answer) {
        if (!this.contract || this.prism || !request.url.startsWith(`${this.api}/`)) return;
        const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]));
        const wrong = this.contract.check({ ...request, headers, type: headers['content-type'] }, answer);
        if (wrong) this.violations.add(wrong);
    }
    payment(extra = {}) {
        return { amount: 1099, currency: 'EUR', method: { type: 'card', tokens: { paypal: 'tok_ok', payoneer: 'tok_ok' } }, ...extra };
    }
    // POST /v1/payments, noted in the client's log. A lost connection is status 0.
    async pay(body = this.payment(), { key = randomUUID(), ...options } = {}) {
        const entry = { key, body, status: 0, answer: undefined };
        this.log.push(entry);
        try {
            const answer = await this.call('POST', (options.api ?? this.api) + '/v1/payments', { body, key: this.key, ...options, headers: { 'idempotency-key': `"${key}"`, ...options.headers } });
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
    // It takes payments, and by what operators see it is as good as any: what comes next may go there first.
    async untilWell(provider) {
        await until(`${provider} is well`, async () => {
            const { answer } = await this.pay(this.payment({ providers: { only: [provider] } })); // what a breaker waits for
            const { json } = await this.call('GET', `${this.api}/v1/providers`, { key: this.key });
            const shown = json.data.find((one) => one.provider === provider);
            return answer?.status === 'succeeded' && shown.breaker.state === 'closed' && !shown.slow;
        }, 60000);
    }
    // Pay until one has been at PayPal first, and failed over: one that has come back, or is slow, is passed by now and then.
    async failOver(payment) {
        await this.untilWell('paypal');
        return until('a payment is failed over', async () => {
            const paid = await this.pay(payment());
            return paid.answer?.attempts?.length === 2 && paid;
        }, 60000);
    }
    // The sandbox's webhooks reach the gateway, as every account's owner would register them.
    async registerHooks() {
        const query = { payoneer: `?secret=${hookSecret}`, payoneer_payouts: '?event={event}' };
        for (const [provider, account] of Object.entries(this.accounts)) {
            await this.hooks('POST', '', { provider, id: hookIds[provider], secret: hookSecret, url: `${this.api}/webhooks/${provider}/${account}${query[provider] ?? ''}` });
        }
    }
    // The control API of the sandbox's webhooks.
    async hooks(method, path, body) {
        const answer = await this.call(method, `${this.sandbox}/hooks${path}`, { body });
        assert(answer.status < 300, `${method} /hooks${path}: ${answer.status} ${answer.raw}`);
        return answer.json;
    }
    // Every payment in the ledger leaves "processing".
    async settled(boundMs = 30000, exceptCount = 0) {
        await until('every payment is settled', () => this.rows(`SELECT p.payment_id FROM payments p WHERE NOT EXISTS
            (SELECT FROM events e WHERE e.merchant_id = p.merchant_id AND e.payment_id = p.payment_id
              AND e.status NOT IN ('processing', 'requires_action')) LIMIT ${exceptCount + 1}`).length <= exceptCount, boundMs);
    }
    // P1 and P2, judged by the books and the client's log alone: of all charges and holds of a payment at most one
    // still has money of the customer. What it captured in parts, or got by authorizing again, counts as one.
    async judge() {
        const entries = await this.allBooks();
        const byId = new Map(entries.map((entry) => [entry.id, entry]));
        const made = new Map(); // payment id -> Map(root -> what the customer is without)
        for (const entry of entries) {
            if (!['charge', 'hold', 'refund'].includes(entry.kind)) continue;
            let root = entry;
            while (root.parent && byId.has(root.parent)) root = byId.get(root.parent);
            if (!made.has(root.invoice)) made.set(root.invoice, new Map());
            const roots = made.get(root.invoice);
            roots.set(root, (roots.get(root) ?? 0) + minorAway(entry));
        }
        const charged = new Map(); // payment id -> [entries with net money]
        for (const [payment, roots] of made) {
            const live = [...roots].filter(([, minor]) => minor !== 0);
            if (live.length === 0) continue;
            assert(live.length === 1, `payment ${payment} was charged ${live.length} times: ${JSON.stringify(live)}`);
            const [root, minor] = live[0];
            assert(minor > 0 && minor <= root.amount, `payment ${payment} of ${root.amount}: the customer is without ${minor}`);
            charged.set(payment, [root]);
        }
        for (const { status, answer } of this.log) {
            if (status !== 201) continue;
            const roots = [...(made.get(answer.id)?.keys() ?? [])].filter(entryMoved);
            if (['succeeded', 'authorized'].includes(answer.status)) {
                assert(roots.length > 0, `payment ${answer.id} was told ${answer.status} and is not in the books`);
                const root = charged.get(answer.id)?.[0] ?? roots[0]; // it may have been given back since
                equal([root.amount, root.currency], [answer.amount, answer.currency], `what the books say of ${answer.id}`);
            } else if (['declined', 'failed'].includes(answer.status)) {
                assert(!charged.has(answer.id), `payment ${answer.id} was told ${answer.status} and was charged`);
            }
        }
        return charged;
    }
    // Every entry of the books, a page at a time.
    async allBooks() {
        const entries = [];
        for (let since = 0; since !== null;) {
            const page = (await this.call('GET', `${this.sandbox}/books?since=${since}&limit=5000`)).json;
            entries.push(...page.entries);
            since = page.next;
        }
        return entries;
    }
    // What the providers moved and took for it, in minor units, by currency: {EUR: {sales, refunds, payouts, fees}}.
    async booksByCurrency() {
        const sums = structuredClone(this.booksBefore ?? {});
        const told = new Set(this.rows(`SELECT finance.show_id('att', attempt_id) AS id FROM outcomes WHERE ${toldByPeople}`).map((row) => row.id));
        for (const entry of await this.allBooks()) {
            const kind = { charge: 'sales', refund: 'refunds', payout: 'payouts' }[entry.kind];
            if (!kind || !['completed', 'partially_refunded', 'refunded'].includes(entry.state) || (kind === 'payouts' && entry.state !== 'completed')) continue;
            sums[entry.currency] ??= { sales: 0, refunds: 0, payouts: 0, fees: 0 };
            sums[entry.currency][kind] += entry.amount;
            sums[entry.currency].fees += told.has(entry.reference) ? 0 : entry.fee;
        }
        return sums;
    }
    // The same by the ledger's posted transfers.
    ledgerByCurrency() {
        const side = (account, plus, minus) => `coalesce(sum(amount_minor * CASE WHEN ${plus}_account = '${account}' THEN 1 WHEN ${minus}_account = '${account}' THEN -1 ELSE 0 END), 0)::bigint`;
        const rows = this.rows(`SELECT currency, ${side('merchant:sales', 'credit', 'debit')} AS sales, ${side('merchant:refunds', 'debit', 'credit')} AS refunds,
            ${side('merchant:payouts', 'debit', 'credit')} AS payouts, coalesce(sum(amount_minor * CASE WHEN attempt_id IN (SELECT attempt_id FROM outcomes
            WHERE ${toldByPeople}) THEN 0 WHEN debit_account LIKE 'fees:%' THEN 1 WHEN credit_account LIKE 'fees:%' THEN -1 ELSE 0 END), 0)::bigint AS fees FROM transfers WHERE state = 'posted' GROUP BY currency`);
        return Object.fromEntries(rows.map(({ currency, ...sums }) => [currency, sums]));
    }
    // Which payments differ: for the reader of a failure.
    async differences() {
        const net = new Map();
        const add = (id, minor) => net.set(id, (net.get(id) ?? 0) + minor);
        for (const entry of await this.allBooks()) {
            if (entry.kind === 'charge' && ['completed', 'partially_refunded', 'refunded'].includes(entry.state)) add(entry.invoice, -entry.amount);
            if (entry.kind === 'refund' && entry.state === 'completed') add(entry.invoice, entry.amount);
        }
        for (const row of this.rows(`SELECT payment, debit_account, credit_account, amount_minor FROM finance.transfers WHERE state = 'posted' AND payment LIKE 'pay%'`, 'e2e_finance')) {
            if (row.credit_account === 'merchant:sales') add(row.payment, Number(row.amount_minor));
            if (row.debit_account === 'merchant:refunds') add(row.payment, -Number(row.amount_minor));
        }
        return [...net].filter(([, minor]) => minor !== 0);
    }
    // Once everything has come to rest, ledger minus books is 0 minor units in every currency: sales, refunds, payouts and
    // fees. ownFees (an option): some accounts have fee tables that are not the sandbox's, so its fees say nothing.
    async balanced(boundMs = 60000) {
        const compare = async () => {
            const books = await this.booksByCurrency();
            const ledger = this.ledgerByCurrency();
            const off = {};
            for (const currency of new Set([...Object.keys(books), ...Object.keys(ledger)])) {
                for (const kind of ['sales', 'refunds', 'payouts', ...(this.options.ownFees ? [] : ['fees'])]) {
                    const minor = (ledger[currency]?.[kind] ?? 0) - (books[currency]?.[kind] ?? 0);
                    if (minor !== 0) off[`${currency} ${kind}`] = minor;
                }
            }
            return off;
        };
        let off;
        try {
            await until('ledger minus books is 0', async () => Object.keys(off = await compare()).length === 0, boundMs);
        } catch (error) {
            if (!off) throw error;
            throw new Error(`ledger minus books is ${JSON.stringify(off)}: ${JSON.stringify((await this.differences()).slice(0, 10))}`);
        }
    }
    // No status ever followed another but as the gateway's tables (status.c) say.
    statusesFollow() {
        const table = readFileSync(path.join(top, 'gateway/payment/status.c'), 'utf8');
        const name = (constant) => constant.slice('PAYMENT_'.length).toLowerCase();
        const allowed = {};
        for (const [, kind, body] of table.matchAll(/status_change (\w+)_changes\[\] = \{([^;]*?)\n\};/g)) {
            allowed[kind] = new Set([...body.matchAll(/\{(PAYMENT_\w+), *(PAYMENT_\w+), *"/g)].map((m) => `${name(m[1])} ${name(m[2])}`));
        }
        const seen = this.rows(`SELECT DISTINCT kind, coalesce(before, 'processing') AS before, status FROM (SELECT p.kind, e.status,
            lag(e.status) OVER (PARTITION BY e.merchant_id, e.payment_id ORDER BY e.number) AS before
            FROM events e JOIN payments p USING (merchant_id, payment_id)) e`);
        const wrong = seen.filter(({ kind, before, status }) => before !== status &&
            !allowed[['payment', 'payout'].includes(kind) ? kind : 'operation'].has(`${before} ${status}`));
        equal(wrong, [], 'statuses that may not follow each other');
    }
    // What the limits leave of an authorization, one transfer of the same sum holds, and no other transfer holds anything.
    holdsAgree() {
        equal(this.rows(`SELECT finance.show_id('pay', l.payment_id) AS of, l.authorized - l.captured AS leaves, t.amount_minor AS held FROM payment_limits l
            LEFT JOIN transfers t ON t.merchant_id = l.merchant_id AND t.transfer_id = l.hold_id WHERE l.authorized - l.captured <> coalesce(t.amount_minor, 0)`), [], 'limits that differ from what is held');
        equal(this.rows(`SELECT finance.show_id('pay', t.payment_id) AS of, t.amount_minor AS held FROM transfers t WHERE t.kind = 'authorization' AND t.state = 'pending'
            AND NOT EXISTS (SELECT FROM transfers v WHERE v.merchant_id = t.merchant_id AND v.pending_id = t.transfer_id)
            AND NOT EXISTS (SELECT FROM payment_limits l WHERE l.merchant_id = t.merchant_id AND l.hold_id = t.transfer_id)`), [], 'holds that no limits name');
    }
    // Voided behind our back, in PayPal's own pages.
    async voidAtPaypal(id) {
        const paypal = `https://127.0.0.1:${this.sandboxPort + 1}`;
        const token = (await this.call('POST', `${paypal}/v1/oauth2/token`, {
            body: 'grant_type=client_credentials', headers: { authorization: `Basic ${Buffer.from('e2e-client:e2e-secret').toString('base64')}`, 'content-type': 'application/x-www-form-urlencoded' } })).json.access_token;
        const voided = await this.call('POST', `${paypal}/v2/payments/authorizations/${id}/void`, { headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } });
        assert(voided.status < 300, `voided there: ${voided.status} ${voided.raw}`);
    }
    // The sandbox forgets everything; what its books said still counts.
    async resetSandbox() {
        this.booksBefore = await this.booksByCurrency();
        await this.call('POST', this.sandbox + '/reset', { body: {} });
    }
    // Faults and bad webhooks end; a gateway that a test has ended serves again.
    async restored() {
        await this.noFaults();
        if (this.gateway.exitCode !== null || this.gateway.signalCode !== null) await this.startGateway();
    }
}
function entryMoved(entry) {
    return ['pending', 'completed', 'partially_refunded', 'refunded', 'held', 'partially_captured', 'captured', 'voided'].includes(entry.state);
}
// How many minor units of the customer's this entry of the books takes (a hold: still keeps), or gives back.
function minorAway(entry) {
    if (entry.kind === 'refund') return entry.state === 'completed' ? -entry.amount : 0;
    if (entry.kind === 'hold') return ['pending', 'held', 'partially_captured'].includes(entry.state) ? Math.max(entry.amount - entry.captured, 0) : 0;
    return ['pending', 'completed', 'partially_refunded', 'refunded'].includes(entry.state) ? entry.amount : 0;
}

// Run named cases against one world; prints a line each, and how to run a failing one alone.
export async function suite(name, options, cases) {
    const only = process.argv[2];
    const contract = Contract.of(binary);
    const violations = new Set();
    let world;
    let passed = 0;
    let failed = 0;
    for (const [title, test] of Object.entries(cases)) {
        if (only && only !== title) continue;
        const from = Date.now();
        try {
            world ??= await (options.World ?? World).start(name, options);
            world.log = [];
            world.contract = contract;
            world.violations = violations;
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
    if (world && failed === 0) {
        const from = Date.now();
        try {
            await world.restored();
            await world.balanced();
            world.statusesFollow();
            world.holdsAgree();
            console.log(`ok   ${name}: ledger minus books is 0 minor units in every currency (${Date.now() - from} ms)`);
        } catch (error) {
            failed++;
            console.log(`FAIL ${name}: ${error.message}\n     run it alone: node tests/e2e/${name}.mjs\n     kept: ${path.relative(top, world.folder)}`);
            world.abandon();
            world = undefined;
        }
    }
    if (world) await world.stop();
    if (violations.size > 0) {
        failed++;
        console.log(`FAIL ${name}: ${violations.size} answers are not what the document says (turnpike openapi):`);
        for (const wrong of [...violations].slice(0, 20)) console.log(`     ${wrong}`);
    }
    console.log(`${name}: ${passed} passed, ${failed} failed`);
    process.exit(failed === 0 ? 0 : 1);
}
