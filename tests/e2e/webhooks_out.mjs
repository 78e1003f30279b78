// webhooks_out.mjs - merchants' webhook endpoints against receivers of each kind: signed, in order per payment,
// nothing lost, payments undisturbed. What is true is what the receivers have noted, next to the ledger's events.
import https from 'node:https';
import { createHmac, createPublicKey, verify as verifySignature, randomUUID } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { suite, until, assert, equal, top, freePorts } from './lib.mjs';

// An HTTPS server that notes what it is told and answers as its kind says.
class Receiver {
    constructor(world, port, kind) {
        Object.assign(this, { world, port, kind, noted: [], redirected: 0, bytes: 0 });
        this.url = `https://127.0.0.1:${port}/hooks`;
    }
    start() {
        this.server = https.createServer({ cert: readFileSync(this.world.at('tls/gateway.pem')), key: readFileSync(this.world.at('tls/gateway.key')) },
            (request, answer) => this.take(request, answer));
        this.server.on('tlsClientError', () => {});
        return new Promise((done) => this.server.listen(this.port, '127.0.0.1', done));
    }
    stop() {
        const closed = new Promise((done) => this.server ? this.server.close(done) : done());
        this.server?.closeAllConnections();
        return closed;
    }
    take(request, answer) {
        const chunks = [];
        request.on('data', (chunk) => chunks.push(chunk));
        request.on('end', () => {
            if (request.url !== '/hooks') this.redirected++;
            this.answer({ headers: request.headers, method: request.method, body: Buffer.concat(chunks).toString() }, answer, request);
        });
        request.on('error', () => {});
        answer.on('error', () => {});
    }
    note(call) {
        this.noted.push({ ...call, json: JSON.parse(call.body) });
    }
    answer(call, answer, request) {
        switch (this.kind) {
        case 'slow': return; // never
        case 'redirecting': answer.writeHead(302, { location: `https://127.0.0.1:${this.port}/elsewhere` }); answer.end(); return;
        case 'resetting': (request.socket._parent ?? request.socket).resetAndDestroy(); return;
        case 'failing': answer.writeHead(500); answer.end(); return;
        case 'gone': answer.writeHead(410); answer.end(); return;
        case 'huge': {
            this.note(call);
            answer.writeHead(200, { 'content-type': 'text/plain' });
            const chunk = Buffer.alloc(65536, 'x');
            const more = () => { while (!answer.destroyed && this.bytes < 512 << 20) { this.bytes += chunk.length; if (!answer.write(chunk)) break; } };
            answer.on('drain', more);
            more();
            return;
        }
        default: this.note(call); answer.writeHead(204); answer.end();
        }
    }
}

const api = async (world, method, at, body, wanted, key = world.key) => {
    const answer = await world.call(method, `${world.api}${at}`, { body, key });
    equal(answer.status, wanted, `${method} ${at}: ${answer.raw}`);
    return answer.json;
};
const addEndpoint = (world, receiver, more = {}) => api(world, 'POST', '/v1/webhook-endpoints', { url: receiver.url, ...more }, 201);
async function open(world, kinds) {
    const first = await freePorts(kinds.length);
    const receivers = kinds.map((kind, i) => new Receiver(world, first + i, kind));
    for (const receiver of receivers) {
        if (receiver.kind !== 'down') await receiver.start();
        receiver.endpoint = await addEndpoint(world, receiver);
    }
    return receivers;
}
async function close(world, receivers) {
    for (const receiver of receivers) {
        await world.call('DELETE', `${world.api}/v1/webhook-endpoints/${receiver.endpoint.id}`, { key: world.key });
        await receiver.stop();
    }
}
const payments = (world, count) => Promise.all(Array.from({ length: count }, () => world.pay()));
// The ledger's events of these payments: id -> [types in order].
function events(world, entries) {
    const ids = new Set(entries.map((entry) => entry.answer.id));
    const told = new Map();
    for (const row of world.rows(`SELECT finance.show_id('pay', payment_id) AS payment, number, type FROM events ORDER BY payment_id, number`)) {
        if (ids.has(row.payment)) told.set(row.payment, [...(told.get(row.payment) ?? []), row.type]);
    }
    equal(told.size, ids.size, 'payments with events');
    return told;
}
// First tellings of each payment, in the order in which they came.
function heard(receiver) {
    const seen = new Set();
    const told = new Map();
    for (const { json, headers } of receiver.noted) {
        equal(json.id, headers['webhook-id'], 'id in body and header');
        if (seen.has(json.id)) continue;
        seen.add(json.id);
        told.set(json.data.id, [...(told.get(json.data.id) ?? []), json.type]);
    }
    return told;
}
const hasAll = (receiver, wanted) => {
    const told = heard(receiver);
    return [...wanted].every(([payment, types]) => (told.get(payment)?.length ?? 0) >= types.length);
};
function sameOrder(receiver, wanted) {
    const told = heard(receiver);
    for (const [payment, types] of wanted) equal(told.get(payment), types, `${receiver.kind} receiver: events of ${payment} in order`);
}
const signed = ({ headers, body }) => `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
const signatures = (call, version) => call.headers['webhook-signature'].split(' ').filter((s) => s.startsWith(version + ',')).map((s) => s.slice(version.length + 1));
const isV1 = (call, secret) => signatures(call, 'v1').includes(createHmac('sha256', Buffer.from(secret.slice(6), 'base64')).update(signed(call)).digest('base64'));
const isV1a = (call, key) => {
    const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(key.slice(5), 'base64')]);
    const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return signatures(call, 'v1a').some((s) => verifySignature(null, Buffer.from(signed(call)), publicKey, Buffer.from(s, 'base64')));
};
// The npm library that merchants use; installed once.
function library() {
    const folder = path.join(top, 'tests/e2e/webhooks_client');
    if (!existsSync(path.join(folder, 'node_modules/standardwebhooks'))) {
        const done = spawnSync('npm', ['ci', '--silent', '--no-audit', '--no-fund'], { cwd: folder, encoding: 'utf8' });
        assert(done.status === 0, `npm ci in tests/e2e/webhooks_client failed; is npm there, and its registry reachable? ${done.error ?? done.stderr}`);
    }
    return createRequire(path.join(folder, 'package.json'))('standardwebhooks').Webhook;
}

const tests = {
    async events_are_told_signed_and_in_order(world) {
        const [receiver] = await open(world, ['fine']);
        const made = await payments(world, 20);
        const wanted = events(world, made);
        await until('all events are told', () => hasAll(receiver, wanted));
        sameOrder(receiver, wanted);
        for (const call of receiver.noted) {
            equal(call.method, 'POST', 'method');
            equal(call.headers['content-type'], 'application/json', 'content type');
            assert(isV1(call, receiver.endpoint.secret), 'v1 does not verify');
            assert(isV1a(call, receiver.endpoint.public_keys[0].key), 'v1a does not verify');
            assert(!isV1({ ...call, body: call.body + ' ' }, receiver.endpoint.secret), 'an altered body verifies');
            assert(Math.abs(Number(call.headers['webhook-timestamp']) - Date.now() / 1000) < 120, 'timestamp');
            assert(call.body.length < 20000, 'body below 20 kB');
        }
        const last = receiver.noted.findLast((call) => call.json.data.id === made[0].answer.id);
        equal(last.json.data, await world.get(made[0].answer.id), 'data is what GET shows');
        equal(Object.keys(last.json), ['id', 'type', 'timestamp', 'livemode', 'data'], 'members');
        const list = await api(world, 'GET', `/v1/webhook-endpoints/${receiver.endpoint.id}/deliveries?limit=100&status=delivered`, undefined, 200);
        assert(list.data.every((d) => d.tries.length === 1 && d.response_status === 204), 'one try each in the log');
        await close(world, [receiver]);
    },

    async the_npm_library_verifies_ours_and_ours_verifies_its(world) {
        const Webhook = library();
        const [receiver] = await open(world, ['fine']);
        const made = await payments(world, 5);
        await until('all events are told', () => hasAll(receiver, events(world, made)));
        const webhook = new Webhook(receiver.endpoint.secret);
        for (const { body, headers } of receiver.noted) {
            equal(webhook.verify(body, headers), JSON.parse(body), 'what the library reads');
            let refused = false;
            try { webhook.verify(body.replace('pay_', 'pay-'), headers); } catch { refused = true; }
            assert(refused, 'the library takes an altered body');
        }
        // Ours verifies what the library signs, with secrets of 24, 32 and 64 bytes.
        for (const length of [24, 32, 64]) {
            const secret = 'whsec_' + Buffer.alloc(length, length).toString('base64');
            const now = new Date();
            const body = JSON.stringify({ type: 'test', n: length });
            const signature = new Webhook(secret).sign('msg_1', now, body);
            const file = world.at(`secrets/hook-${length}`);
            writeFileSync(file, secret, { mode: 0o600 });
            const run = (text, given = signature) => spawnSync(path.join(top, process.env.BUILD ?? 'build', 'turnpike'), ['verify', '--secret', file, '--id', 'msg_1',
                '--timestamp', `${Math.floor(now / 1000)}`, '--signature', given], { input: text, encoding: 'utf8' });
            equal(run(body).stdout, 'valid\n', 'turnpike verify');
            assert(run(body + ' ').status === 1, 'turnpike verify takes an altered body');
            assert(run(body, 'v1,' + Buffer.alloc(32).toString('base64')).status === 1, 'turnpike verify takes a wrong signature');
        }
        await close(world, [receiver]);
    },

    async bad_receivers_lose_nothing_and_disturb_no_payment(world) {
        const kinds = ['fine', 'down', 'slow', 'redirecting', 'huge', 'resetting', 'failing'];
        const receivers = await open(world, kinds);
        const made = [];
        const spent = [];
        for (let round = 0; round < 8; round++) {
            made.push(...await Promise.all(Array.from({ length: 5 }, async () => {
                const from = Date.now();
                const entry = await world.pay();
                spent.push(Date.now() - from);
                return entry;
            })));
        }
        assert(made.every((entry) => entry.status === 201), 'a payment was disturbed');
        spent.sort((a, b) => a - b);
        assert(spent[Math.floor(spent.length / 2)] < 1500, `payments took ${spent[Math.floor(spent.length / 2)]} ms at p50`);
        const wanted = events(world, made);
        await until('the good one is told all, beside the bad ones', () => hasAll(receivers[0], wanted));
        await until('the huge one is told all, and read no further', () => hasAll(receivers[4], wanted));
        assert(receivers[4].bytes < 256 << 20, `${receivers[4].bytes} bytes of huge answers were taken`);
        for (const [i, kind] of kinds.entries()) {
            if (['fine', 'huge'].includes(kind)) continue;
            await until(`the ${kind} one was tried`, async () => (await api(world, 'GET', `/v1/webhook-endpoints/${receivers[i].endpoint.id}`, undefined, 200)).failures > 0);
            assert(receivers[i].noted.length === 0, `the ${kind} one has noted something`);
        }
        for (const receiver of receivers) { // they are back
            if (receiver.kind === 'down') await receiver.start();
            if (receiver.kind !== 'fine') receiver.was = receiver.kind;
            receiver.kind = 'fine';
        }
        for (const receiver of receivers) await until(`the one that was ${receiver.was ?? 'fine'} is told all`, () => hasAll(receiver, wanted), 30000);
        for (const receiver of receivers) sameOrder(receiver, wanted);
        assert(receivers.every((receiver) => receiver.redirected === 0), 'a redirect was followed');
        const log = await api(world, 'GET', `/v1/webhook-endpoints/${receivers[3].endpoint.id}/deliveries?limit=100`, undefined, 200);
        assert(log.data.some((d) => d.tries.some((t) => t.response_status === 302 && t.error === 'redirect')), 'the log does not show the redirect');
        equal(world.rows(`SELECT count(*)::int AS n FROM hook_deliveries WHERE state = 'failed'`)[0].n, 0, 'deliveries given up');
        await close(world, receivers);
    },

    async secrets_are_rotated_without_a_gap(world) {
        const [receiver] = await open(world, ['fine']);
        const old = receiver.endpoint;
        const fresh = await api(world, 'POST', `/v1/webhook-endpoints/${old.id}/rotate`, { grace_hours: 1 }, 201);
        assert(fresh.secret !== old.secret && fresh.public_keys.length === 2, 'a new secret beside the old');
        const told = async (text) => {
            const before = receiver.noted.length;
            await api(world, 'POST', `/v1/webhook-endpoints/${old.id}/test`, {}, 202);
            return until(text, () => receiver.noted[before]);
        };
        const both = await told('a ping with both secrets');
        equal(both.json.type, 'webhook.ping', 'type of a test');
        assert(isV1(both, old.secret) && isV1(both, fresh.secret), 'both secrets sign');
        assert(fresh.public_keys.every(({ key }) => isV1a(both, key)), 'both keys sign');
        const last = await api(world, 'POST', `/v1/webhook-endpoints/${old.id}/rotate`, { grace_hours: 0 }, 201);
        const one = await told('a ping with the last secret');
        assert(isV1(one, last.secret) && !isV1(one, old.secret) && !isV1(one, fresh.secret), 'the last secret alone signs');
        equal(JSON.stringify(await api(world, 'GET', `/v1/webhook-endpoints/${old.id}`, undefined, 200)).includes('whsec_'), false, 'a secret is shown again');
        equal(world.psql(`SELECT count(*) FROM hook_secrets WHERE position('${Buffer.from(last.secret.slice(6), 'base64').toString('hex')}' in encode(sealed, 'hex')) > 0`), '0', 'a secret lies open in the ledger');
        await close(world, [receiver]);
    },

    async gone_disables_and_what_was_missed_is_replayed(world) {
        const [receiver] = await open(world, ['gone']);
        const from = new Date(Date.now() - 60000).toISOString();
        const at = `/v1/webhook-endpoints/${receiver.endpoint.id}`;
        const made = await payments(world, 6);
        const wanted = events(world, made);
        await until('it is disabled', async () => (await api(world, 'GET', at, undefined, 200)).disabled_reason === 'gone');
        made.push(...await payments(world, 3));
        await until('nothing waits for it any more', () => world.rows(`SELECT 1 FROM hook_deliveries WHERE state IN ('waiting', 'sending')`).length === 0);
        equal((await world.call('POST', `${world.api}${at}/replay`, { body: { from }, key: world.key })).status, 409, 'replay for a disabled endpoint');
        equal(receiver.noted.length, 0, 'told before');
        receiver.kind = 'fine';
        equal((await api(world, 'PATCH', at, { enabled: true }, 200)).enabled, true, 'enabled');
        const all = events(world, made);
        const replay = await api(world, 'POST', `${at}/replay`, { from }, 202);
        equal(replay.count, [...all.values()].flat().length, 'deliveries that are made again');
        await until('all are told', () => hasAll(receiver, all));
        sameOrder(receiver, wanted);
        // One of them once more: the same id.
        const list = await api(world, 'GET', `${at}/deliveries?limit=1`, undefined, 200);
        const before = receiver.noted.length;
        // 409 while it is being sent: the list may show it before its answer is written.
        await until('a delivery is replayed', async () => (await world.call('POST', `${world.api}/v1/webhook-deliveries/${list.data[0].id}/replay`, { body: {}, key: world.key })).status === 202);
        equal((await until('it is told again', () => receiver.noted[before])).json.id, list.data[0].event, 'the same event');
        await close(world, [receiver]);
    },

    async operations_and_payouts_are_told_as_get_shows_them(world) {
        const [receiver] = await open(world, ['fine']);
        const last = (object, id) => receiver.noted.findLast(({ json }) => json.data.object === object && json.data.id === id)?.json;
        // A refund: its payment's event, with what was given back.
        const { answer } = await world.pay();
        const refund = await world.call('POST', `${world.api}/v1/payments/${answer.id}/refunds`, { body: { amount: 99 }, key: world.key, headers: { 'idempotency-key': randomUUID() } });
        assert(refund.status < 300, `refund: ${refund.raw}`);
        await until('the refund is told', () => receiver.noted.some(({ json }) => json.type === 'payment.refunded' && json.data.id === answer.id));
        equal(last('payment', answer.id).data, await world.get(answer.id), 'the payment');
        // Rows of a batch: by the payout's own id, whatever payment it became.
        const row = (n) => ({ amount: 1000 + n, currency: 'USD', beneficiary: { type: 'individual', first_name: 'Ada', last_name: 'Example', email: `ada${n}@example.com` },
            payees: { paypal: `ada${n}@example.com`, payoneer: `ada-${n}` } });
        const batch = await world.call('POST', `${world.api}/v1/payout-batches`, { body: { payouts: [row(1), row(2)] }, key: world.key, headers: { 'idempotency-key': randomUUID() } });
        assert(batch.status < 300, `batch: ${batch.raw}`);
        const rows = await until('both rows have succeeded', async () => {
            const page = (await world.call('GET', `${world.api}/v1/payout-batches/${batch.json.id}/payouts`, { key: world.key })).json.data;
            return page.length === 2 && page.every((r) => r.payout?.status === 'succeeded') && page;
        }, 30000);
        for (const { payout } of rows) {
            const told = await until(`${payout.id} is told`, () => { const json = last('payout', payout.id); return json?.type === 'payout.succeeded' && json; });
            equal(told.data, (await world.call('GET', `${world.api}/v1/payouts/${payout.id}`, { key: world.key })).json, 'the payout');
        }
        await close(world, [receiver]);
    },

    async a_killed_gateway_loses_nothing(world) {
        const [receiver] = await open(world, ['slow']);
        const made = await payments(world, 12);
        const wanted = events(world, made);
        await until('some are in hand', () => world.rows(`SELECT 1 FROM hook_deliveries WHERE state = 'sending'`).length > 0);
        await world.killGateway();
        receiver.kind = 'fine';
        await world.startGateway();
        await until('all are told', () => hasAll(receiver, wanted), 40000);
        sameOrder(receiver, wanted);
        await close(world, [receiver]);
    },

    async a_stopped_gateway_puts_back_what_it_was_sending(world) {
        const [receiver] = await open(world, ['slow']);
        const made = await payments(world, 3);
        const wanted = events(world, made);
        await until('some are in hand', () => world.rows(`SELECT 1 FROM hook_deliveries WHERE state = 'sending'`).length > 0);
        await world.stopGateway();
        equal(world.rows(`SELECT 1 FROM hook_deliveries WHERE state = 'sending'`).length, 0, 'deliveries that nobody sends');
        receiver.kind = 'fine';
        await world.startGateway();
        await until('all are told', () => hasAll(receiver, wanted));
        sameOrder(receiver, wanted);
        await close(world, [receiver]);
    },

    async private_addresses_are_refused_at_once(world) {
        for (const url of ['https://10.0.0.1/', 'https://169.254.169.254/latest/', 'https://[::1]:8443/', 'https://2852039166/', 'https://user@example.com/',
            'http://127.0.0.1:9000/', 'https://0x0a000001/', 'https://127.0.0.1:22/', 'ftp://127.0.0.1:9000/']) {
            const answer = await world.call('POST', `${world.api}/v1/webhook-endpoints`, { body: { url }, key: world.key });
            equal([answer.status, answer.json.param], [422, 'url'], `${url}: ${answer.raw}`);
        }
    },
};

await suite('webhooks_out', {
    payouts: true,
    settings: (() => {
        const folder = path.join(top, 'var', 'e2e', `webhooks_out-${process.pid}`);
        return {
            delivery_allowed_networks: '127.0.0.0/8', delivery_ca_file: path.join(folder, 'tls/ca.pem'), delivery_interval_ms: 50,
            delivery_schedule: `${'500ms '.repeat(4)}${'1s '.repeat(6)}${'2s '.repeat(10)}`.trim(), delivery_connect_ms: 1000, delivery_answer_ms: 1000,
            delivery_endpoint_in_flight_max: 4,
        };
    })(),
}, tests);
