// permissions.mjs - every operation of the OpenAPI document x every role x an own, another merchant's and an absent id:
// who may not is told 403, a stranger 401, and what is not yours is as if it were not there: the same status, the same
// words, after the same time. Generated from the document: an operation that is added is tried without a line here.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { Exporting } from './exporting.mjs';
import { suite, equal, assert, until, top } from './lib.mjs';

const binary = path.resolve(top, process.env.BUILD ?? 'build', 'turnpike');
const document = JSON.parse(spawnSync(binary, ['openapi'], { encoding: 'utf8', maxBuffer: 64 << 20 }).stdout);
const operations = Object.entries(document.paths).flatMap(([template, item]) => Object.entries(item).map(([method, operation]) => ({
    template, method: method.toUpperCase(), id: operation.operationId, body: operation.requestBody, security: operation.security,
    query: operation.parameters.filter((p) => p.in === 'query'), hasKey: operation.parameters.some((p) => p.$ref?.endsWith('/IdempotencyKey')),
})));
// What streams, and what is of a connection and not of a merchant.
const left_out = new Set(['streamEvents', 'streamProviders', 'createSession', 'getSession', 'deleteSession', 'getOpenApi']);

// ---- the two merchants ---------------------------------------------------------------------------

const post = async (world, key, url, body, status = 201) => {
    const answer = await world.call('POST', world.api + url, { key, body, headers: { 'idempotency-key': `"${randomUUID()}"` } });
    equal(answer.status, status, `${url}: ${answer.raw}`);
    return answer.json;
};
async function signIn(world, key) {
    const answer = await world.call('POST', `${world.api}/v1/session`, { body: { key } });
    equal(answer.status, 201, answer.raw);
    return answer.headers['set-cookie'][0].split('; ')[0];
}

// Everything of which there can be an id, of one merchant.
async function make(world, { merchant, key, financeKey }) {
    const card = { type: 'card', tokens: { paypal: 'tok_ok', payoneer: 'tok_ok' } };
    const of = { merchant };
    const pay = (extra = {}) => post(world, key, '/v1/payments', { amount: 1099, currency: 'EUR', reference: `ref-${randomUUID()}`, method: card, ...extra });
    const charged = await pay();
    const held = await pay({ capture: 'manual' });
    const let_go = await pay({ capture: 'manual' });
    of.payment = charged.id;
    of.reference = charged.reference;
    of.refund = (await post(world, key, `/v1/payments/${charged.id}/refunds`, { amount: 100 })).id;
    of.capture = (await post(world, key, `/v1/payments/${held.id}/capture`, { amount: 100 })).id;
    of.void = (await post(world, key, `/v1/payments/${let_go.id}/void`, {})).id;
    const payout = { amount: 1000, currency: 'USD', beneficiary: { type: 'individual', first_name: 'Ada', last_name: 'Lovelace' }, payees: { paypal: 'a@example.com', payoneer: 'a-1' } };
    of.payout = (await post(world, key, '/v1/payouts', payout, 202)).id;
    of.batch = (await post(world, key, '/v1/payout-batches', { payouts: [{ ...payout, reference: `row-${randomUUID()}` }] })).id;
    const hook = await post(world, key, '/v1/webhook-endpoints', { url: `https://127.0.0.1:${world.port + 5}/hook` });
    of.endpoint = hook.id;
    of.delivery = (await post(world, key, `/v1/webhook-endpoints/${hook.id}/test`, {}, 202)).id;
    of.event = (await world.call('GET', `${world.api}/v1/events`, { key })).json.data[0].id;
    of.transfer = (await world.call('GET', `${world.api}/v1/ledger/transfers`, { key })).json.data[0].id;
    of.export = (await post(world, financeKey, '/v1/ledger/exports', { what: 'csv' }, 202)).id;
    of.rules = (await post(world, key, '/v1/rules', { text: `otherwise { by cost } # ${randomUUID()}\n` })).version;
    of.backtest = (await post(world, key, `/v1/rules/${of.rules}/backtest`, {}, 202)).id;
    of.account = (await world.call('GET', `${world.api}/v1/providers`, { key })).json.data[0].account;
    of.key = world.admin('keys', 'list', '--merchant', merchant).data[0].id;
    return of;
}

// Which id an address wants, by what stands before it; an id that nobody has; and where a query names one.
const kinds = [[/^\/v1\/payments\/\{id\}/, 'payment', 'pay'], [/^\/v1\/events\//, 'event', 'evt'], [/^\/v1\/captures/, 'capture', 'cap'], [/^\/v1\/voids/, 'void', 'voi'], [/^\/v1\/refunds/, 'refund', 'ref'],
    [/^\/v1\/reauthorizations/, null, 'rea'], [/^\/v1\/providers\/\{id\}/, 'account', 'acc'], [/^\/v1\/ledger\/transfers/, 'transfer', 'trf'], [/^\/v1\/ledger\/exports/, 'export', 'exp'], [/^\/v1\/payouts/, 'payout', 'pyt'],
    [/^\/v1\/payout-batches/, 'batch', 'bat'], [/^\/v1\/payees/, null, 'payee'], [/^\/v1\/reviews/, 'review', 'rev'], [/^\/v1\/webhook-endpoints/, 'endpoint', 'whe'], [/^\/v1\/webhook-deliveries/, 'delivery', 'whd'],
    [/^\/v1\/rules\/\{version\}/, 'rules', null], [/^\/v1\/backtests/, 'backtest', 'bkt'], [/^\/v1\/admin\/merchants/, 'merchant', 'mer'], [/^\/v1\/admin\/accounts/, 'account', 'acc'], [/^\/v1\/admin\/keys/, 'key', 'key']];
const kindOf = (operation) => { const found = kinds.find(([pattern]) => pattern.test(operation.template)); assert(found, `no kind of id is known for ${operation.template}: add it to this suite`); return found; };
// Of the same moment and form as the real one, with another random part.
const absent = (id) => (typeof id === 'number' ? id + 1000000 : id.slice(0, -8) + [...id.slice(-8)].map((c) => (c === 'Z' ? 'Y' : c === '7' ? '8' : 'Z')).join(''));

// The least body that the document allows; what its forms do not tell stands here.
const known = { url: 'https://127.0.0.1:4433/hook' };
function bodyOf(schema) {
    if (schema.$ref) return bodyOf(document.components.schemas[schema.$ref.split('/').pop()]);
    if (schema.examples) return schema.examples[0];
    if (schema.enum) return schema.enum[0];
    if (schema.type === 'object') {
        const made = Object.fromEntries((schema.required ?? []).map((name) => [name, known[name] ?? bodyOf(schema.properties[name])]));
        if (schema.minProperties && Object.keys(made).length === 0 && schema.properties) { const [name, inner] = Object.entries(schema.properties)[0]; made[name] = known[name] ?? bodyOf(inner); }
        return made;
    }
    if (schema.type === 'array') return Array.from({ length: schema.minItems ?? 0 }, () => bodyOf(schema.items));
    if (schema.type === 'integer') return schema.minimum ?? 1;
    if (schema.type === 'boolean') return true;
    return schema.format === 'date-time' || schema.anyOf ? '2026-11-23T12:00:00Z' : 'x'.repeat(Math.max(schema.minLength ?? 1, 1));
}

// ---- asking ------------------------------------------------------------------------------------

const fill = (operation, id) => operation.template.replace(/\{(id|version)\}/, id);
function ask(world, who, operation, id, query = {}) {
    const asked = new URLSearchParams(query);
    for (const p of operation.query) if (p.required && !asked.has(p.name)) asked.set(p.name, p.name === 'account' ? 'merchant:sales' : p.name === 'to' ? '1' : p.name === 'provider' ? 'paypal' : bodyOf(p.schema));
    const text = asked.toString();
    const headers = { ...(who.cookie ? { cookie: who.cookie, 'turnpike-session': '1' } : {}), ...(operation.hasKey ? { 'idempotency-key': `"${randomUUID()}"` } : {}) };
    const schema = operation.body && Object.values(operation.body.content)[0].schema;
    const body = schema ? bodyOf(schema) : ['POST', 'PUT', 'PATCH'].includes(operation.method) ? {} : undefined;
    return world.call(operation.method, `${world.api}${fill(operation, id)}${text && `?${text}`}`, { key: who.key, headers, body });
}
const may = (who, operation) => operation.security.some((way) => (who.cookie ? way.session : way.key)?.includes(who.role));
// What an answer tells, without what is of the request: its own id, and the id that it named.
const told = (answer, id) => `${answer.status} ${answer.headers['content-type']} ${answer.headers.location ?? ''} ${answer.raw.replace(/req_[0-9A-Z]{26}/g, 'REQUEST').replaceAll(String(id).length > 20 ? String(id) : '\0', 'ID')}`;
const named = operations.filter((o) => /\{(id|version)\}/.test(o.template) && !left_out.has(o.id));

class Two extends Exporting {
    static async start(name, options) {
        const world = await super.start(name, options);
        const made = world.admin('merchants', 'create', '--name', 'Other', '--country', 'DE');
        const key = (merchant, role) => world.admin('keys', 'create', ...(merchant ? ['--merchant', merchant] : []), '--role', role).key;
        const b = { key: key(made.test_id, 'merchant'), financeKey: key(made.test_id, 'finance') };
        await until('the new keys are known', async () => (await world.call('GET', `${world.api}/v1/payments`, { key: b.financeKey })).status === 200);
        world.of = await make(world, world);
        world.psql(`INSERT INTO reviews (merchant_id, review_id, payment_id, attempt_id, account_id, opened_at, next_at, lease_until, amount_minor, epoch, tries, waits, kind, state, operation, provider, currency, answered_currency, reference, detail, outcome, reason, evidence)
            SELECT merchant_id, gen_random_uuid(), payment_id, attempt_id, account_id, now(), now(), now(), amount_minor, 0, 0, 0, 'other', 'open', 'sale', provider, 'EUR', '', '', '', '', '', '' FROM attempts WHERE provider = 'paypal' LIMIT 1`);
        world.of.review = (await world.call('GET', `${world.api}/v1/reviews`, { key: world.key })).json.data[0].id;
        world.twin = { key: key(world.liveMerchant, 'merchant') };
        world.who = {
            none: { role: 'none' },
            forged: { role: 'none', key: `tpk_test_${'B'.repeat(43)}` },
            merchant: { role: 'merchant', key: world.key, own: true }, finance: { role: 'finance', key: world.financeKey, own: true }, operator: { role: 'operator', key: world.operatorKey, all: true },
            'the live twin': { role: 'merchant', key: world.twin.key }, 'another merchant': { role: 'merchant', key: b.key }, "another's finance": { role: 'finance', key: b.financeKey },
            'a session of finance': { role: 'finance', cookie: await signIn(world, world.financeKey), own: true }, "another's session": { role: 'finance', cookie: await signIn(world, b.financeKey) },
            'a session of an operator': { role: 'operator', cookie: await signIn(world, world.operatorKey), all: true },
        };
        world.otherMerchant = made.test_id;
        await until('keys are known everywhere', async () => (await Promise.all(Object.values(world.who).filter((w) => w.role !== 'none').map((who) => ask(world, who, { template: '/v1/currencies', method: 'GET', query: [] }, '')))).every((a) => a.status === 200));
        return world;
    }
}

await suite('permissions', { World: Two, payouts: true, workers: 2, settings: { address_rate: 100000, address_burst: 100000, merchant_rate: 100000, merchant_burst: 100000, key_rate: 100000, key_burst: 100000, delivery_allowed_networks: '127.0.0.0/8' } }, {
    async strangers_are_told_401_and_nothing_else(world) {
        for (const operation of operations.filter((o) => !left_out.has(o.id))) {
            const [, kind] = named.includes(operation) ? kindOf(operation) : [];
            const id = kind ? world.of[kind] : 'x';
            for (const who of ['none', 'forged']) {
                const [real, none] = [await ask(world, world.who[who], operation, id), await ask(world, world.who[who], operation, kind ? absent(id) : 'y')];
                equal([real.status, real.json?.code], [401, 'unauthenticated'], `${who}: ${operation.id}`);
                equal(told(real, id), told(none, kind ? absent(id) : 'y'), `${who}: ${operation.id}, an id that is and one that is not`);
            }
        }
    },
    async who_may_not_is_told_403_whatever_the_id(world) {
        let count = 0;
        for (const operation of operations.filter((o) => !left_out.has(o.id))) {
            const [, kind] = named.includes(operation) ? kindOf(operation) : [];
            const id = kind ? world.of[kind] : 'x';
            for (const [name, who] of Object.entries(world.who)) {
                if (who.role === 'none' || may(who, operation)) continue;
                const [real, none] = [await ask(world, who, operation, id), await ask(world, who, operation, kind ? absent(id) : 'y')];
                equal([real.status, real.json?.code], [403, 'forbidden'], `${name}: ${operation.id}: ${real.raw}`);
                equal(told(real, id), told(none, kind ? absent(id) : 'y'), `${name}: ${operation.id}, an id that is and one that is not`);
                count++;
            }
        }
        console.log(`     ${count} pairs of role and operation were refused`);
        assert(count > 300, 'roles and operations were tried');
    },
    // GET of one's own; what moves something is tried by its own suites.
    async who_may_reads_its_own(world) {
        let count = 0;
        for (const operation of operations.filter((o) => o.method === 'GET' && !left_out.has(o.id))) {
            const [, kind] = named.includes(operation) ? kindOf(operation) : ['', 'none'];
            if (!kind) continue; // nothing of this kind was made
            for (const [name, who] of Object.entries(world.who)) {
                if (!(who.own || who.all) || !may(who, operation)) continue;
                const query = who.all && operation.query.some((p) => p.name === 'merchant') ? { merchant: world.merchant } : {};
                const answer = await ask(world, who, operation, kind === 'none' ? '' : world.of[kind], query);
                assert(answer.status === 200 || (operation.id === 'getLedgerExportContent' && answer.status === 409), `${name}: ${operation.id} is refused: ${answer.status} ${answer.raw.slice(0, 300)}`);
                count++;
            }
        }
        assert(count > 150, `${count} were read`);
    },
    // Lists, and filters that name something of another's. But for the audit log, where the
    // ids stand that its own people named in vain, in the cases before.
    async no_list_shows_anothers(world) {
        const secrets = Object.entries(world.of).filter(([kind]) => !['rules'].includes(kind)).map(([, id]) => String(id)).concat([world.merchant, world.key, world.financeKey]);
        for (const operation of operations.filter((o) => o.method === 'GET' && !named.includes(o) && !left_out.has(o.id) && o.id !== 'listAudit')) {
            for (const name of ['another merchant', "another's finance", 'the live twin', "another's session"]) {
                const who = world.who[name];
                if (!may(who, operation)) continue;
                const asked = [{}];
                for (const p of operation.query) {
                    const id = { payment: world.of.payment, merchant: world.merchant, account: `provider:paypal:${world.of.account}:pending`, reference: world.of.reference, starting_after: { listPayments: world.of.payment, listPayouts: world.of.payout, listEvents: world.of.event, listPayoutBatches: world.of.batch, listTransfers: world.of.transfer, listLedgerExports: world.of.export }[operation.id] }[p.name];
                    if (!id) continue;
                    asked.push({ [p.name]: id });
                    const gone = id.replace(/[0-9A-Z]{26}/, (found) => absent(found));
                    const [foreign, none] = [await ask(world, who, operation, '', { [p.name]: id }), await ask(world, who, operation, '', { [p.name]: gone })];
                    if (p.name !== 'reference') equal(told(foreign, id).replaceAll(encodeURIComponent(id), 'ID').replace(/"as_of":"[^"]*"|20\d\d-\d\d-\d\dT[0-9:.]*Z/g, 'NOW'), told(none, gone).replaceAll(encodeURIComponent(gone), 'ID').replace(/"as_of":"[^"]*"|20\d\d-\d\d-\d\dT[0-9:.]*Z/g, 'NOW'), `${name}: ${operation.id} by ${p.name}`);
                }
                for (const query of asked) {
                    const answer = await ask(world, who, operation, '', query);
                    for (const secret of secrets) {
                        if (Object.values(query).some((v) => v.includes(secret))) continue;
                        assert(!answer.raw.includes(secret), `${name}: ${operation.id} ${JSON.stringify(query)} shows ${secret}`);
                    }
                }
            }
        }
    },
    async what_is_not_yours_is_not_there(world) {
        const others = ['another merchant', "another's finance", "another's session", 'the live twin'];
        const seen = { 404: 0 };
        for (const operation of named) {
            const [, kind] = kindOf(operation);
            if (!kind || kind === 'rules') continue; // versions are numbered by merchant
            const id = world.of[kind];
            for (const name of others) {
                if (!may(world.who[name], operation)) continue;
                const [foreign, none] = [await ask(world, world.who[name], operation, id), await ask(world, world.who[name], operation, absent(id))];
                equal(told(foreign, id), told(none, absent(id)), `${name}: ${operation.id}`);
                equal([foreign.status, foreign.json?.code], [404, 'not_found'], `${name}: ${operation.id}: ${foreign.raw}`);
                seen[404]++;
            }
            if (operation.query.some((p) => p.name === 'merchant') && may(world.who.operator, operation)) {
                for (const query of [{ merchant: world.otherMerchant }, { merchant: world.liveMerchant }]) { // an operator who names another merchant
                    const [foreign, none] = [await ask(world, world.who.operator, operation, id, query), await ask(world, world.who.operator, operation, absent(id), query)];
                    equal(told(foreign, id), told(none, absent(id)), `an operator for another: ${operation.id}`);
                    equal(foreign.status, 404, `an operator for another: ${operation.id}: ${foreign.raw}`);
                }
            }
        }
        console.log(`     ${seen[404]} pairs of role and operation, each with another's and an absent id`);
        assert(seen[404] > 80, 'operations were tried');
        for (const key of Object.keys(world.of)) assert(world.of[key] !== undefined, `nothing was made of ${key}`);
    },
    async the_audit_log_shows_ones_own_people_alone(world) {
        for (const name of ["another's finance", "another's session"]) {
            const { json } = await ask(world, world.who[name], operations.find((o) => o.id === 'listAudit'), '', { limit: '100' });
            assert(json.data.length > 0, 'what it was refused stands there');
            for (const entry of json.data) equal(entry.merchant, world.otherMerchant, `${name} sees ${JSON.stringify(entry)}`);
            equal((await ask(world, world.who[name], operations.find((o) => o.id === 'listAudit'), '', { actor: world.admin('keys', 'list', '--merchant', world.merchant).data[0].id })).json.data, [], 'by the actor of another');
        }
    },
    // Whoever measures learns nothing: in random order, by the same connection; a payment that is another's, and one that is not.
    async the_time_tells_nothing(world) {
        const who = world.who['another merchant'];
        for (const [operation, kind] of [['getPayment', 'payment'], ['getWebhookEndpoint', 'endpoint'], ['cancelPayment', 'payment'], ['getTransfer', 'transfer']].map(([id, k]) => [operations.find((o) => o.id === id), k])) {
            let z;
            for (let round = 0; round < 4; round++) { // chance alone gives three in a row of 4 sigma less often than once in 10^12
                const times = [];
                for (let i = 0; i < 400; i++) {
                    const isReal = Math.random() < 0.5;
                    const id = isReal ? world.of[kind] : absent(world.of[kind]);
                    const from = process.hrtime.bigint();
                    await ask(world, who, operation, id);
                    times.push([Number(process.hrtime.bigint() - from), isReal]);
                }
                times.sort((a, b) => a[0] - b[0]);
                const n = times.filter(([, real]) => real).length;
                const m = times.length - n;
                const ranks = times.reduce((sum, [, real], i) => sum + (real ? i + 1 : 0), 0);
                z = (ranks - n * (n + m + 1) / 2) / Math.sqrt(n * m * (n + m + 1) / 12); // Mann and Whitney's
                if (Math.abs(z) < 4) break;
            }
            console.log(`     ${operation.id}: another's and an absent id differ by ${z.toFixed(1)} sigma of 400 answers`);
            assert(Math.abs(z) < 4, `${operation.id} takes longer for one of them: ${z} sigma, four times in a row`);
        }
    },
});
