// soak_load.mjs - honest, clumsy and rude clients at one rate: all operations, all day. What honest ones were told
// is kept, and compared with the sandbox's books at the end (settle, judge).
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { assert, equal, until, freePorts } from '../e2e/lib.mjs';

const AT_ONCE = 96; // orders under way; beyond it a tick's orders are left out, and counted
const AGENT_MS = 45000; // then clients come by new connections
const FINAL = ['succeeded', 'authorized', 'declined', 'failed', 'canceled'];
const PAYOUT_FINAL = ['succeeded', 'declined', 'failed', 'canceled', 'returned', 'rejected'];
const again = (entry) => [0, 202, 429, 500, 503].includes(entry.status) || entry.code === 'idempotency_key_in_use';
const chance = (share) => Math.random() < share;
const pick = (list) => list[Math.floor(Math.random() * list.length)];
const between = (from, to) => from + Math.floor(Math.random() * (to - from + 1));
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

const FAULTS = ['reset_before_read', 'close_before_effect', 'reset_after_effect', 'close_after_effect', 'hang_before_effect', 'hang_after_effect',
    'http_500', 'http_503', 'http_429', 'http_500_after_effect', 'garbage', 'slow', 'decline_soft', 'decline_hard', 'refuse'];
const READS = ['/v1/payments?limit=20', '/v1/payments?limit=5&status=succeeded', '/v1/events?limit=20', '/v1/payouts?limit=20', '/v1/providers', '/v1/payout-batches',
    '/v1/reports/routing?since=2020-01-01T00:00:00Z', '/v1/webhook-endpoints', '/v1/rules', '/v1/reviews', '/v1/unresolved', '/v1/nowhere'];

// What no provider tells any more (an operation at Payoneer Checkout whose answer and webhook were lost) goes to
// people, who look it up in the provider's own pages: here in the sandbox's books.
export async function decideCases(world) {
    const as = (method, path, body) => world.call(method, world.api + path, { key: world.operatorKey, body });
    const { json } = await as('GET', '/v1/reviews?state=open&limit=100');
    let decided = 0;
    for (const one of json?.data ?? []) {
        const mine = (await world.call('GET', `${world.sandbox}/books?reference=${one.attempt}`)).json.entries;
        // A void has no entry of its own: what it was to let go is found by the payment that it is of.
        const of = one.operation === 'void' ? (await world.call('GET', `${world.api}/v1/voids/${one.payment}`, { key: world.key })).json?.payment ?? 'unknown' : undefined;
        const moved = of !== undefined ? (await world.call('GET', `${world.sandbox}/books?invoice=${of}`)).json.entries.some((e) => e.kind === 'hold' && e.state === 'voided')
            : mine.some((e) => ['completed', 'partially_refunded', 'refunded', 'held', 'partially_captured', 'captured'].includes(e.state));
        const { status } = await as('POST', `/v1/reviews/${one.id}/resolve`, { outcome: moved ? 'charged' : 'not_charged', reason: 'seen in the books', evidence: 'soak' });
        if (status === 200) decided++;
    }
    return decided;
}

export class Load {
    constructor(world) {
        Object.assign(this, { world, running: false, atOnce: 0, left: 0, done: 0, payouts: [], agents: [], tasks: new Set(), told: 0, streams: 0, faults: 0, cases: 0, peopleWork: false, rude: 0, hookCalls: 0, serial: 0, due: 0 });
        this.newAgents();
    }
    newAgents() {
        for (const old of this.agents) setTimeout(() => old.destroy(), 30000).unref();
        this.agents = Array.from({ length: 4 }, () => new https.Agent({ ca: this.world.ca, keepAlive: true, maxSockets: 8 }));
    }
    async prepare() {
        const { world } = this;
        await world.registerHooks();
        await world.hooks('POST', '/behaviour', { repeat_most: 2, disorder_ms: 500, loss: 0.05 });
        await this.receivers();
        const text = readFileSync(new URL('../../config/example.rules', import.meta.url), 'utf8');
        this.rules = (await world.call('POST', `${world.api}/v1/rules`, { key: world.key, body: { text } })).json?.version;
    }
    // Two endpoints of the merchant: one fine, one that fails a third of the time.
    async receivers() {
        const { world } = this;
        const first = await freePorts(2);
        const pair = { cert: readFileSync(world.at('tls/gateway.pem')), key: readFileSync(world.at('tls/gateway.key')) };
        this.servers = [0, 1].map((i) => {
            const server = https.createServer(pair, (request, answer) => {
                request.on('error', () => {}).on('end', () => {
                    this.hookCalls++;
                    if (i === 1 && chance(0.05)) request.socket.destroy();
                    else answer.writeHead(i === 1 && chance(0.3) ? 500 : 204).end();
                }).resume();
            });
            server.on('tlsClientError', () => {});
            server.listen(first + i, '127.0.0.1');
            return server;
        });
        for (const i of [0, 1]) {
            const made = await world.call('POST', `${world.api}/v1/webhook-endpoints`, { key: world.key, body: { url: `https://127.0.0.1:${first + i}/hooks` } });
            equal(made.status, 201, `an endpoint: ${made.raw}`);
        }
    }
    // One request; whoever gives up after a while (giveUpMs), or is cut off, has status 0.
    async ask(method, path, { key = this.world.key, idempotency, body, giveUpMs } = {}) {
        const headers = idempotency ? { 'idempotency-key': `"${idempotency}"` } : {};
        try {
            const { status, json } = await this.world.call(method, this.world.api + path, { key, body, headers, agent: pick(this.agents), timeoutMs: giveUpMs ?? 60000 });
            return { status, json };
        } catch (error) {
            return { status: 0, error: error.message };
        }
    }
    // The same under a key; into `entry` goes only what is compared later.
    async send(entry) {
        const { status, json } = await this.ask('POST', entry.path, { idempotency: entry.key, body: entry.body, giveUpMs: chance(0.02) ? between(1, 60) : undefined });
        entry.status = status;
        entry.code = json?.code;
        if (json?.id) {
            entry.answer = { id: json.id, status: json.status, amount: json.amount, currency: json.currency };
            if (json.next_action) entry.action = json.next_action.url;
        }
        return entry;
    }
    entry(path, body, more = {}) { return { path, body, key: randomUUID(), status: 0, operations: [], ...more }; }

    // ---- orders ----------------------------------------------------------------------------------

    async order() {
        if (chance(0.07)) return this.payout();
        const manual = chance(0.25);
        const acts = chance(0.04);
        const token = acts ? 'tok_3ds' : pick(['tok_ok', 'tok_ok', 'tok_ok', 'tok_ok', 'tok_ok', 'tok_soft', 'tok_hard', 'tok_later']);
        const { world } = this;
        const body = world.payment({ amount: between(100, 9000), currency: pick(['EUR', 'USD', 'GBP']), reference: `order-${++this.serial}`, ...(manual ? { capture: 'manual' } : {}),
            method: { type: 'card', tokens: { paypal: token, payoneer: chance(0.7) ? 'tok_ok' : token } }, metadata: { cart: `cart-${this.serial}`, channel: 'web' },
            customer: { id: `c-${this.serial}`, name: 'Maria Musterfrau', email: 'maria@example.com', country: 'DE' },
            ...(acts ? { return_url: 'https://shop.example/paid', cancel_url: 'https://shop.example/cart' } : {}) });
        const entry = this.entry('/v1/payments', body);
        world.log.push(entry);
        if (chance(0.08)) await Promise.all([this.send(entry), this.twin(entry), this.twin(entry)]);
        else await this.send(entry);
        if (chance(0.05)) await this.twin(entry);
        // Not before the key is taken: it would be this one's.
        if (entry.answer && chance(0.02)) await this.ask('POST', '/v1/payments', { idempotency: entry.key, body: { ...body, amount: body.amount + 1 } });
        if (entry.answer?.status === 'requires_action' && entry.action) await this.act(entry);
        await this.proceed(entry, manual);
    }
    // The same request again, by another connection: never another payment.
    async twin(entry) {
        const { status, json } = await this.ask('POST', entry.path, { idempotency: entry.key, body: entry.body });
        if (json?.id) assert(!entry.answer || entry.answer.id === json.id, `key ${entry.key} has made ${entry.answer?.id} and ${json.id}`);
        return status;
    }
    // A payer approves, declines, or never comes.
    async act(entry) {
        if (chance(0.3)) return;
        try {
            const page = await this.world.call('GET', entry.action);
            const buttons = [...page.raw.matchAll(/formaction="([^"]*)"/g)].map((m) => new URL(m[1].replaceAll('&#38;', '&'), entry.action).href);
            if (buttons.length) await this.world.call('POST', chance(0.7) ? buttons[0] : buttons.at(-1), { body: '', headers: { 'content-type': 'application/x-www-form-urlencoded' } });
        } catch { /* the provider is away */ }
    }
    async proceed(entry, manual) {
        const { id, status, amount } = entry.answer ?? {};
        const operate = async (what, body = {}) => {
            const operation = this.entry(`/v1/payments/${id}/${what}`, body);
            entry.operations.push(operation);
            return this.send(operation);
        };
        if (manual && status === 'authorized') {
            if (chance(0.2)) await operate('void');
            else if (chance(0.1)) await this.ask('POST', `/v1/payments/${id}/cancel`, { body: {} });
            else if (chance(0.5)) await operate('capture');
            else {
                await operate('capture', { amount: Math.ceil(amount / 3) });
                await operate('capture', chance(0.5) ? { amount: Math.floor(amount / 3), final: true } : {});
            }
        }
        if (!manual && status !== 'succeeded') return;
        if (chance(0.15)) await operate('refunds', chance(0.5) ? {} : { amount: Math.ceil(amount / 4), reason: 'soak' });
        if (chance(0.05)) await Promise.all([1, 2, 3].map(() => operate('refunds', { amount: Math.ceil(amount / 3) })));
    }
    async payout() {
        const n = ++this.serial;
        const word = pick(['', '', '', '', 'failed', 'claimed']);
        const tag = `${word}.x${n}`;
        const body = { amount: 1000 + n % 5000, currency: 'EUR', beneficiary: { type: 'individual', first_name: 'Ada', last_name: 'Lovelace' },
            payees: { paypal: `${tag || 'one'}@example.com`.replace(/^\./, 'p'), payoneer: `${word || 'one'}-${n}` } };
        const entry = this.entry('/v1/payouts', body);
        this.payouts.push(entry);
        await this.send(entry);
        if (chance(0.1)) await this.twin(entry);
    }
    async batch() {
        const payouts = Array.from({ length: 10 }, (_, i) => ({ amount: i === 5 ? 0 : 100 + i, currency: 'EUR', reference: `row-${++this.serial}`,
            beneficiary: { type: 'individual', first_name: 'Ada', last_name: 'Example' }, payees: { paypal: `row${this.serial}@example.com`, payoneer: `row-${this.serial}` } }));
        await this.ask('POST', '/v1/payout-batches', { idempotency: randomUUID(), body: { payouts } });
    }

    // ---- who comes besides -------------------------------------------------------------------------

    async read() {
        const paid = pick(this.world.log)?.answer?.id;
        const of = paid ? [`/v1/payments/${paid}`, `/v1/payments/${paid}/events`, `/v1/payments/${paid}/operations`] : [];
        await this.ask('GET', pick([...READS, ...of]), { key: this.world.financeKey });
        if (chance(0.2)) await this.ask('POST', '/v1/routing/explain', { body: { payment: this.world.payment() } });
        if (chance(0.05)) await this.ask('POST', '/v1/rules/check', { body: { text: chance(0.5) ? 'otherwise { use paypal, payoneer }' : 'rule "x" when amount > { use nobody }' } });
        if (chance(0.1)) await this.world.call('GET', this.world.ops + pick(['/metrics', '/readyz?verbose', '/livez']), { agent: pick(this.agents) }).catch(() => {});
    }
    // A reader of the event stream stays a while; some stop reading, and are cut off.
    stream() {
        return new Promise((done) => {
            this.streams++;
            const agent = new https.Agent({ ca: this.world.ca });
            const request = https.request(`${this.world.api}/v1/events/stream`, { agent, headers: { authorization: `Bearer ${this.world.key}` } }, (answer) => {
                if (chance(0.2)) answer.pause();
                else answer.resume();
                answer.on('error', () => {}).on('close', end);
            });
            const timer = setTimeout(() => request.destroy(), between(2000, 40000));
            const end = () => { clearTimeout(timer); agent.destroy(); done(); };
            request.on('error', end);
            request.on('close', end);
            request.end();
        });
    }
    // What no honest client does: bad requests, halves of them, no TLS, handshakes that are left.
    async bad() {
        this.rude++;
        const { world } = this;
        const socket = (make) => new Promise((done) => {
            const s = make();
            const timer = setTimeout(() => s.destroy(), between(20, 3000));
            s.on('error', () => {}).on('close', () => { clearTimeout(timer); done(); });
        });
        switch (between(0, 7)) {
        case 0: return this.ask('POST', '/v1/payments', { idempotency: randomUUID(), body: '{"amount": 10' });
        case 1: return this.ask('POST', '/v1/payments', { idempotency: randomUUID(), body: { amount: -1, currency: 'XXX', shoe_size: 43 } });
        case 2: return this.ask('GET', '/v1/payments', { key: 'tpk_test_wrong' });
        case 3: return this.ask('POST', '/v1/payments', { body: world.payment() });
        case 4: return this.ask('POST', '/v1/payments', { idempotency: randomUUID(), body: JSON.stringify({ description: 'x'.repeat(70000) }) });
        case 5: return socket(() => net.connect(world.port, '127.0.0.1', function greet() { this.write(chance(0.5) ? 'GET / HTTP/1.1\r\n\r\n' : Buffer.from([22, 3, 1, 2, 0, 1, 0])); }));
        case 6: return socket(() => tls.connect({ port: world.port, host: '127.0.0.1', ca: world.ca }, function half() {
            this.write(`POST /v1/payments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${world.key}\r\nContent-Type: application/json\r\nIdempotency-Key: "${randomUUID()}"\r\nContent-Length: 400\r\n\r\n{"amount`);
        }));
        default: return world.call('POST', `${world.api}/webhooks/paypal/${world.accounts.paypal}`, { body: { id: 'WH-1' }, agent: pick(this.agents) }).catch(() => {});
        }
    }
    async fault() {
        this.faults++;
        const kind = pick(FAULTS);
        const fault = { provider: pick(['paypal', 'payoneer', 'paypal', 'payoneer', 'any']), operation: pick(['any', 'any', 'charge', 'capture', 'refund', 'lookup', 'payout', 'token']), kind, share: 0.3 };
        if (kind === 'slow') fault.delay_ms = 700;
        await this.world.fault(fault).catch(() => {});
        await pause(between(5000, 15000));
        await this.world.noFaults().catch(() => {});
    }
    // A backend of the gateway's is ended: it connects anew, and finds out what became of its commit.
    cut() {
        this.world.psql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'turnpike_gateway' ORDER BY random() LIMIT 1`);
    }
    async backtest() {
        if (this.rules) await this.ask('POST', `/v1/rules/${this.rules}/backtest`, { body: {} });
    }

    // ---- the clock ---------------------------------------------------------------------------------

    spawn(promise) {
        const task = promise.catch((error) => { this.broken ??= error; }).finally(() => this.tasks.delete(task));
        this.tasks.add(task);
    }
    // Every `ms` on average, but never twice at once.
    every(ms, what) {
        this.spawn((async () => {
            let next = Date.now() + Math.random() * ms;
            while (this.running) {
                if (Date.now() < next) { await pause(100); continue; }
                await what();
                next = Date.now() + (0.5 + Math.random()) * ms;
            }
        })());
    }
    start(rate) {
        this.running = true;
        this.peopleWork = true;
        this.working = this.people();
        this.rate = rate;
        let last = Date.now();
        this.timer = setInterval(() => {
            this.due = Math.min(this.due + this.rate * (Date.now() - last) / 1000, this.rate);
            last = Date.now();
            for (; this.due >= 1; this.due--) {
                if (this.atOnce >= AT_ONCE) { this.left++; continue; }
                this.atOnce++;
                this.spawn(this.order().finally(() => { this.atOnce--; this.done++; }));
            }
        }, 50);
        this.every(Math.max(1000 / rate * 3, 200), () => this.read());
        this.every(2000, () => this.bad());
        for (let i = 0; i < 3; i++) this.every(4000, () => this.stream());
        this.every(15000, () => this.fault());
        this.every(60000, () => this.batch());
        this.every(120000, async () => this.cut());
        this.every(300000, () => this.backtest());
        this.every(AGENT_MS, async () => this.newAgents());
    }
    async stop() {
        this.running = false;
        clearInterval(this.timer);
        while (this.tasks.size) await Promise.all(this.tasks);
        await this.world.noFaults();
        if (this.broken) throw this.broken;
    }
    // As many orders as the gateway takes, for a while: orders a second.
    async peak(seconds) {
        this.running = true;
        const from = Date.now();
        const before = this.done;
        await Promise.all(Array.from({ length: 24 }, async () => {
            while (Date.now() < from + seconds * 1000) { await this.order(); this.done++; }
        }));
        this.running = false;
        return (this.done - before) / (Date.now() - from) * 1000;
    }

    async people() {
        while (this.peopleWork) {
            this.cases += await decideCases(this.world).catch(() => 0);
            await pause(3000);
        }
    }

    // ---- the end -----------------------------------------------------------------------------------

    async inParallel(what, list, finish) {
        if (list.length) console.log(`     ${list.length} ${what}`);
        let at = 0;
        await Promise.all(Array.from({ length: 12 }, async () => { while (at < list.length) await finish(list[at++]); }));
    }
    // Who has no final answer repeats under the same key until it is told, as honest clients do.
    async settle() {
        const { world } = this;
        const finish = (entry) => until(`key ${entry.key} of ${entry.path} is told`, async () => { await this.send(entry); return !again(entry); }, 300000);
        // A payer who never came leaves a payment open until the provider ends the session, hours later.
        const isLeft = async (entry) => entry.answer.status === 'requires_action' &&
            (await world.call('GET', `${world.sandbox}/books?invoice=${entry.answer.id}`)).json.entries.every((e) => e.state === 'pending');
        const see = (entry, path, final) => until(`${entry.answer.id} is final`, async () => {
            const { json } = await this.ask('GET', `${path}/${entry.answer.id}`);
            entry.answer.status = json?.status;
            return final.includes(json?.status) || isLeft(entry);
        }, 600000);
        await this.inParallel('payments without a final answer', world.log.filter(again), finish);
        await this.inParallel('operations without a final answer', world.log.flatMap((entry) => entry.operations).filter(again), finish);
        await this.inParallel('payouts without an answer', this.payouts.filter(again), (entry) => until(`payout ${entry.key} is told`, async () => { await this.send(entry); return entry.answer || !again(entry); }, 300000));
        await this.inParallel('payments that are not final', world.log.filter((entry) => entry.answer && !FINAL.includes(entry.answer.status)), (entry) => see(entry, '/v1/payments', FINAL));
        await this.inParallel('payouts', this.payouts.filter((entry) => entry.answer), (entry) => see(entry, '/v1/payouts', PAYOUT_FINAL));
        await world.settled(300000, world.log.filter((entry) => entry.answer?.status === 'requires_action').length);
        this.peopleWork = false;
        await this.working;
    }
    // The client's log against the sandbox's books, payment by payment; then the ledger against the books.
    async judge() {
        const { world } = this;
        const wrong = world.log.filter((entry) => entry.status !== 201);
        equal(wrong.slice(0, 3), [], `${wrong.length} payments were answered otherwise`);
        const reviews = world.log.filter((entry) => entry.answer.status === 'review').length;
        equal(reviews, 0, 'payments in review'); // no fault here makes one
        await world.judge();
        const gone = ['pending', 'declined', 'failed', 'denied', 'voided', 'canceled', 'expired', 'held', 'partially_captured', 'captured'];
        const net = new Map();
        const paidOut = new Map();
        for (const entry of await world.allBooks()) {
            if (entry.kind === 'payout' && entry.state === 'completed') paidOut.set(entry.receiver, [...(paidOut.get(entry.receiver) ?? []), entry.amount]);
            const sign = { charge: 1, capture: 1, refund: -1 }[entry.kind];
            if (sign && !gone.includes(entry.state)) net.set(entry.invoice, (net.get(entry.invoice) ?? 0) + sign * entry.amount);
        }
        let operations = 0;
        for (const { answer, body, operations: list } of world.log) {
            operations += list.length;
            const sum = (what) => list.filter((o) => o.path.endsWith(what) && o.answer?.status === 'succeeded').reduce((all, o) => all + o.answer.amount, 0);
            const told = (body.capture === 'manual' ? sum('/capture') : ['succeeded'].includes(answer.status) ? answer.amount : 0) - sum('/refunds');
            equal(net.get(answer.id) ?? 0, told, `${answer.id} (${answer.status}): what the books say moved, and what the client was told`);
        }
        for (const { answer, body } of this.payouts) {
            const entries = Object.values(body.payees).flatMap((receiver) => paidOut.get(receiver) ?? []);
            equal(entries, answer?.status === 'succeeded' ? [body.amount] : [], `payout ${answer?.id} (${answer?.status}) in the books`);
        }
        await world.balanced(300000);
        world.statusesFollow();
        world.holdsAgree();
        return { payments: world.log.length, operations, payouts: this.payouts.length, streams: this.streams, rude: this.rude, faults: this.faults, cases: this.cases, webhooks: this.hookCalls, left_out: this.left };
    }
    close() {
        for (const agent of this.agents) agent.destroy();
        for (const server of this.servers ?? []) { server.close(); server.closeAllConnections(); }
    }
}
