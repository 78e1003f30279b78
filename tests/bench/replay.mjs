// replay.mjs - `make replay-ledger`: PAYMENTS=100000 decisions of a real gateway, made again from its ledger.
//
// Four accounts that pay and two that pay out; rule sets of every kind of order, published one after the other, as a
// canary and as a shadow; fee tables with tiers and conversions that change; providers that are away, slow, decline
// and fail, accounts that are drained, in maintenance and limited. Then `turnpike routes replay` over all of it must
// find every decision identical; and must find what somebody changed in the ledger afterwards. SEED=1.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { World, assert, equal, until, top } from '../e2e/lib.mjs';
import { random } from '../e2e/random.mjs';
import { sets } from './replay_rules.mjs';

const PAYMENTS = Number(process.env.PAYMENTS || 100_000);
const SEED = Number(process.env.SEED || 1);
const CLIENTS = Number(process.env.CLIENTS || 96);
const BATCH = Math.max(1, Math.min(500, Math.floor(PAYMENTS / 50))); // between two looks at what is to be changed
const binary = path.resolve(top, process.env.BUILD ?? 'build', 'turnpike');

const draw = random(SEED);
const below = (n) => Math.floor(draw() * n);
const pick = (list) => list[below(list.length)];
const chance = (share) => draw() < share;

// ---- what happens, by the part of the payments that were made -----------------------------------------

const fees = (name, percent, fixed) => ({
    name, country: 'US', settles: ['USD', 'EUR'], conversion_percent: '3.00', cross_border_percent: '1.50', percent, rounds: 'each', rounding: 'half_even',
    volume: { of: 'month', currency: 'EUR' },
    currencies: { EUR: { fixed, tiers: [{ from: '5000.00', percent: '2.40' }, { from: '50000.00', percent: '2.10', fixed: '0.20' }] }, USD: { fixed, min: '0.55', max: '40.00' } },
    default: { percent: '3.30', fixed: '0.30 USD' },
});
const rules = async (world, method, at, body) => {
    const answer = await world.call(method, `${world.api}/v1/rules${at}`, { body, key: world.key });
    assert(answer.status < 300, `${method} /v1/rules${at}: ${answer.raw}`);
    return answer.json;
};
async function publish(world, name, body = { mode: 'live' }) {
    const { version } = await rules(world, 'POST', '', { text: `# ${name} ${++serial}\n${sets[name]()}`, comment: name });
    await rules(world, 'POST', `/${version}/publish`, body);
    world.published.set(version, `${name}${body.mode === 'live' ? '' : ` (${body.mode})`}`);
}
let serial = 0;
const stop = async (world, mode) => { try { await rules(world, 'POST', '/stop', { mode }); } catch { /* it has stopped itself */ } };
const changeFees = (world, account, table) => {
    writeFileSync(world.at('fees.json'), JSON.stringify(table));
    world.admin('accounts', 'update', account, '--fees', world.at('fees.json'));
};
const hold = (world, name, kind) => world.admin('accounts', 'hold', world.accounts[name], '--state', kind, '--reason', 'replay');
const maintain = (world, name, seconds) => world.admin('accounts', 'plan', world.accounts[name], '--from', new Date(Date.now()).toISOString(), '--to', new Date(Date.now() + seconds * 1000).toISOString(), '--reason', 'replay');

const plan = [ // [part, what]; the gateway begins with its file, otherwise { by cost }
    [0.03, (w) => publish(w, 'lists')],
    [0.08, (w) => w.fault({ provider: 'paypal', operation: 'charge', kind: 'decline_soft', share: 0.3 })],
    [0.12, (w) => w.noFaults()],
    [0.13, (w) => hold(w, 'paypal', 'drained')],
    [0.15, (w) => hold(w, 'paypal', 'open')],
    [0.16, (w) => publish(w, 'splits')],
    [0.19, (w) => w.fault({ provider: 'paypal', operation: 'any', kind: 'refuse' })],
    [0.21, (w) => w.noFaults()],
    [0.25, (w) => publish(w, 'costs', { mode: 'canary', percent: '30', stop: { after_payments: 1000000 } })],
    [0.30, (w) => w.fault({ provider: 'payoneer', operation: 'any', kind: 'http_500', share: 0.6 })],
    [0.32, (w) => w.noFaults()],
    [0.34, async (w) => { await stop(w, 'canary'); await publish(w, 'costs'); }],
    [0.38, (w) => changeFees(w, w.second.paypal, fees('second, changed', '2.20', '0.25'))],
    [0.40, (w) => maintain(w, 'payoneer', 4)],
    [0.43, (w) => publish(w, 'measures', { mode: 'shadow' })],
    [0.48, async (w) => { await stop(w, 'shadow'); await publish(w, 'measures'); }],
    [0.52, (w) => w.fault({ provider: 'payoneer', operation: 'charge', kind: 'decline_hard', share: 0.25 })],
    [0.56, (w) => w.noFaults()],
    [0.57, (w) => w.fault({ provider: 'paypal', operation: 'charge', kind: 'slow', delay_ms: 400 })],
    [0.60, (w) => w.noFaults()],
    [0.63, (w) => w.fault({ provider: 'paypal', operation: 'any', kind: 'http_503', share: 0.5 })],
    [0.65, (w) => w.noFaults()],
    [0.67, (w) => publish(w, 'hundred')],
    [0.70, (w) => w.fault({ provider: 'payoneer', operation: 'any', kind: 'refuse' })],
    [0.72, (w) => w.noFaults()],
    [0.74, (w) => w.fault({ provider: 'any', operation: 'charge', kind: 'reset_after_effect', share: 0.01 })],
    [0.76, (w) => w.noFaults()],
    [0.78, (w) => rules(w, 'POST', '/rollback', { reason: 'as before' })],
    [0.80, (w) => publish(w, 'splits', { mode: 'canary', percent: '10', stop: { success_drop: '3', after_payments: 200 } })],
    [0.81, (w) => w.fault({ provider: 'payoneer', operation: 'charge', kind: 'decline_soft', share: 0.5 })],
    [0.84, (w) => w.noFaults()],
    [0.86, async (w) => { await stop(w, 'canary'); await publish(w, 'lists'); }],
    [0.88, (w) => w.fault({ provider: 'paypal', operation: 'any', kind: 'refuse' })],
    [0.89, (w) => w.noFaults()],
    [0.93, (w) => hold(w, 'payoneer', 'disabled')],
    [0.96, (w) => hold(w, 'payoneer', 'open')],
];

// ---- payments -------------------------------------------------------------------------------------

const card = () => ({ brand: pick(['visa', 'mastercard', 'amex']), country: pick(['DE', 'US', 'FR']), bin: pick(['411111', '41111199', '411200', '42222222', '555500']) });
function payment() {
    const currency = pick(['EUR', 'EUR', 'EUR', 'EUR', 'USD', 'USD', 'GBP', 'JPY', 'PLN', 'KWD']);
    const token = `tok_${randomUUID().slice(0, 8)}`;
    const tokens = chance(0.9) ? { paypal: token, payoneer: token } : { [pick(['paypal', 'payoneer'])]: token };
    const method = chance(0.05) ? { type: 'test', outcome: pick(['approved', 'declined_soft', 'declined_hard']) } : { type: chance(0.9) ? 'card' : 'wallet', tokens };
    if (method.type === 'card' && chance(0.5)) method.card = card();
    const metadata = { channel: pick(['web', 'app', 'pos', 'phone', 'other']) };
    if (chance(0.3)) metadata.tier = pick(['gold', 'silver', 'platinum']);
    if (chance(0.3)) metadata.tenant = `tenant-${below(30)}`;
    return { amount: chance(0.8) ? 100 + below(20000) : 20000 + below(200000), currency, method, metadata,
        ...(chance(0.1) ? { capture: 'manual' } : {}),
        ...(chance(0.9) ? { reference: `${pick(['order', 'sub', 'x-renewal'])}-${randomUUID()}${chance(0.2) ? '-renewal-07' : ''}` } : {}),
        ...(chance(0.9) ? { customer: { id: `c-${below(5000)}`, ...(chance(0.95) ? { country: pick(['DE', 'AT', 'FR', 'US', 'GB', 'PL', 'BR']) } : {}) } } : {}),
        ...(chance(0.04) ? { providers: chance(0.5) ? { only: [pick(['paypal', 'payoneer'])], never: [] } : { only: [], never: [pick(['paypal', 'payoneer'])] } } : {}) };
}
function payout() {
    const n = ++serial;
    return { amount: 1000 + below(5000), currency: pick(['EUR', 'USD']), beneficiary: { type: 'individual', first_name: 'Ada', last_name: 'Lovelace', ...(chance(0.7) ? { country: pick(['PL', 'DE', 'US']) } : {}) },
        payees: { paypal: `one${n}@example.com`, payoneer: `one-${n}` } };
}

// One client's request; told: how many answers of each status, of those that may have a decision.
function post(world, agent, at, body) {
    const text = JSON.stringify(body);
    return new Promise((done) => {
        const request = https.request(world.api + at, { method: 'POST', agent, timeout: 60000,
            headers: { authorization: `Bearer ${world.key}`, 'idempotency-key': `"${randomUUID()}"`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } }, (answer) => {
            const chunks = [];
            answer.on('data', (chunk) => chunks.push(chunk));
            answer.on('error', (error) => done({ status: 0, error }));
            answer.on('end', () => done({ status: answer.statusCode, raw: Buffer.concat(chunks) }));
        });
        request.on('timeout', () => request.destroy(new Error('no answer within 60 s')));
        request.on('error', (error) => done({ status: 0, error }));
        request.end(text);
    });
}

async function makePayments(world) {
    const agent = new https.Agent({ ca: world.ca, keepAlive: true, maxSockets: CLIENTS });
    const told = {};
    const refused = {};
    const steps = [...plan];
    let opened = 0;
    let made = 0; // payments and payouts that have a decision
    let under = 0; // under way
    while (made < PAYMENTS) {
        while (steps.length > 0 && made >= steps[0][0] * PAYMENTS) await steps.shift()[1](world);
        const goal = Math.min(made + BATCH, PAYMENTS);
        const run = async () => {
            for (under++; made + under <= goal; under++) {
                const isPayout = chance(0.01);
                opened++;
                const { status, raw, error } = await post(world, agent, isPayout ? '/v1/payouts' : '/v1/payments', isPayout ? payout() : payment());
                under--;
                assert(status !== 0, `no answer: ${error?.message}`);
                told[status] = (told[status] ?? 0) + 1;
                if (status === 201 || status === 202) made++;
                else {
                    const { code } = JSON.parse(raw);
                    refused[code] = (refused[code] ?? 0) + 1;
                    assert([422, 429, 503].includes(status), `${status}: ${raw}`);
                    if (code !== 'no_route') await new Promise((again) => setTimeout(again, 20));
                }
            }
            under--;
        };
        await Promise.all(Array.from({ length: CLIENTS }, run));
    }
    agent.destroy();
    equal(steps.length, 0, 'steps of the plan left');
    return { opened, made, told, refused };
}

// ---- what was decided, by the ledger ------------------------------------------------------------------

const decided = 'SELECT a.number, a.decision::jsonb AS d FROM attempts a JOIN payments p USING (merchant_id, payment_id) WHERE p.parent_id IS NULL AND a.decision IS NOT NULL';
const counted = (world, what, from = '') => world.rows(`SELECT ${what} AS what, count(*)::int AS n FROM (${decided}) x ${from} GROUP BY 1 ORDER BY 2 DESC`);
const show = (rows) => rows.map(({ what, n }) => `${what} ${n}`).join(', ');

// Decisions differ in every way that they can; what is missing here was not tried at all.
function survey(world, later) {
    const candidates = ", jsonb_array_elements(d->'candidates') c";
    const found = {
        orders: counted(world, "d->>'order'"),
        dropped: counted(world, "coalesce(c->>'dropped', 'kept')", candidates),
        states: counted(world, "c->'health'->>'state'", candidates),
        marks: counted(world, 'k', `${candidates}, jsonb_object_keys(c) k WHERE k IN ('probe', 'last_resort', 'avoided', 'slow', 'ramping', 'disabled', 'month_volume')`),
        members: counted(world, 'k', ", jsonb_object_keys(d) k WHERE k IN ('canary', 'shadow_set', 'shadow', 'split', 'at_us', 'rates', 'facts', 'tries_max', 'within_ms')"),
        versions: counted(world, "d->>'version'"),
        rules: counted(world, "d->>'rule'"),
    };
    const lists = { ...found, versions: found.versions.map(({ what, n }) => ({ what: `${what} ${world.published.get(Number(what)) ?? 'the file'}:`, n })), rules: found.rules.slice(0, 30) };
    for (const [name, rows] of Object.entries(lists)) console.log(`  ${name}: ${show(rows)}`);
    const wanted = {
        orders: ['list', 'split', 'cost', 'success', 'value', 'latency'],
        dropped: ['kept', 'not_in_rule', 'rule_only', 'rule_never', 'drained', 'maintenance', 'disabled', 'currency', 'no_token', 'method', 'limit', 'only', 'never', 'breaker_open'],
        states: ['closed', 'open', 'half_open'],
        marks: ['probe', 'avoided', 'slow', 'ramping', 'month_volume'],
        members: ['canary', 'shadow_set', 'shadow', 'split', 'at_us', 'rates', 'facts', 'tries_max', 'within_ms'],
    };
    if (PAYMENTS < 20000) return; // too short for all of it
    for (const [name, all] of Object.entries(wanted))
        equal(all.filter((one) => !found[name].some((row) => row.what === one)), [], `${name} that no decision has`);
    assert(later > 0, 'no further attempt was decided anew');
    assert(found.versions.length >= 8 && found.rules.length >= 25, `only ${found.versions.length} rule sets and ${found.rules.length} rules decided`);
}

// ---- made again -----------------------------------------------------------------------------------

async function replay(world) {
    const from = process.hrtime.bigint();
    const child = spawn(binary, ['routes', 'replay', '--since', '1d', '--config', world.at('turnpike.conf')], { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    let most = 0; // kB of memory
    const look = setInterval(() => {
        try { most = Math.max(most, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0)); } catch { /* it has ended */ }
    }, 20);
    child.stdout.on('data', (chunk) => { out += chunk; });
    const status = await new Promise((done) => child.once('close', done));
    clearInterval(look);
    const lines = out.trim().split('\n');
    const sum = /^(\d+) decisions, (\d+) same, (\d+) different, (\d+) no_rules, (\d+) no_prices, (\d+) unreadable$/.exec(lines.at(-1));
    assert(sum !== null, `exit ${status}: ${out.slice(-2000)}`);
    const [count, identical, different, noRules, noPrices, unreadable] = sum.slice(1).map(Number);
    const seconds = Number(process.hrtime.bigint() - from) / 1e9;
    console.log(`  ${lines.at(-1)} (exit ${status}, ${seconds.toFixed(1)} s, ${(most / 1024).toFixed(0)} MB)`);
    return { status, lines, text: out, count, identical, different, noRules, noPrices, unreadable };
}

async function replayWhole(world, count) {
    const all = await replay(world);
    if (all.identical !== count) console.log(all.lines.slice(0, 25).join('\n'));
    equal([all.status, all.count, all.identical], [0, count, count], 'every decision, made again from the ledger, is identical');
}

// What somebody changed who may do everything is found; then it is put back.
async function tamper(world, what, change, back, check) {
    console.log(`replay-ledger: changed: ${what}`);
    world.psql(change);
    const found = await replay(world);
    for (const line of found.lines.slice(0, 2)) console.log(`  ${line}`);
    equal(found.status, 3, `${what}: not found`);
    check(found);
    world.psql(back);
}

async function tamperAll(world, count) {
    const record = (where) => world.rows(`SELECT payment_id, finance.show_id('pay', payment_id) AS shown, decision, (decision::jsonb->>'rule') AS rule FROM attempts
        WHERE number = 1 AND operation = 'sale' AND ${where} ORDER BY payment_id LIMIT 1`)[0];
    const only = (one) => (found) => {
        equal([found.count, found.identical, found.different], [count, count - 1, 1], 'one of all');
        assert(found.lines[0].startsWith(`${one.shown}: different: `), found.lines[0]);
    };
    const writeBack = (one) => `UPDATE attempts SET decision = $text$${one.decision}$text$ WHERE payment_id = '${one.payment_id}' AND number = 1`;
    const edited = (one, from, to) => {
        const text = one.decision.replace(from, to);
        assert(text !== one.decision, `nothing to change in ${one.decision}`);
        return writeBack({ ...one, decision: text });
    };
    const fee = record(`decision LIKE '%"expected_fee":1__,%'`);
    await tamper(world, 'a fee in one record', edited(fee, /"expected_fee":1(\d\d),/, (_, rest) => `"expected_fee":2${rest},`), writeBack(fee), only(fee));
    const rule = record(`decision LIKE '%"rule":"dear"%'`);
    await tamper(world, 'the rule in one record', edited(rule, '"rule":"dear"', '"rule":"small"'), writeBack(rule), only(rule));
    const kept = record(`decision LIKE '%"dropped":"no_token"%'`);
    await tamper(world, 'why an account was dropped in one record', edited(kept, '"dropped":"no_token"', '"dropped":"rule_never"'), writeBack(kept), only(kept));
    const account = '"provider":"payoneer","account":"second"';
    const named = record(`decision LIKE '%"rule":"vip"%' AND decision LIKE '%${account},"kept":true%'`);
    await tamper(world, 'the account in one record', edited(named, account, '"provider":"payoneer","account":"main"'), writeBack(named), only(named));
    const amount = world.rows(`SELECT p.payment_id, p.amount_minor FROM payments p JOIN attempts a USING (merchant_id, payment_id) WHERE p.currency = 'EUR' AND p.amount_minor > 9000 AND a.number = 1 AND a.decision LIKE '%"order":"cost"%' AND p.parent_id IS NULL LIMIT 1`)[0];
    const setAmount = (minor) => `UPDATE payments SET amount_minor = ${minor} WHERE payment_id = '${amount.payment_id}'`;
    await tamper(world, 'the amount of one payment', setAmount(amount.amount_minor + 100), setAmount(amount.amount_minor), (found) => equal([found.identical, found.different], [count - 1, 1], 'one of all'));
    // The copies that decisions name by their hash. PostgreSQL refuses to change one; whoever may drop the check can.
    for (const [table, check, where, name] of [
        ['rule_versions', 'rule_versions_same_check', "comment = 'hundred'", 'rule set'],
        ['price_tables', 'price_tables_content_check', "kind = 'fees' AND content LIKE '%second, changed%'", 'fee table'],
        ['price_tables', 'price_tables_content_check', "kind = 'rates'", 'rates'],
    ]) {
        const edit = { 'rule set': "replace(content, 'by cost', 'by latency')", 'fee table': `replace(content, '"2.20"', '"2.00"')`, rates: "replace(content, '1.0850', '1.0950')" }[name];
        let refused;
        try { world.psql(`UPDATE ${table} SET content = ${edit} WHERE ${where}`); } catch (error) { refused = error.message; }
        assert(refused?.includes(check), `PostgreSQL lets the ${name} be changed: ${refused}`);
        await tamper(world, `${name === 'rates' ? 'the' : 'a'} ${name}, with PostgreSQL's own check dropped`,
            `ALTER TABLE ${table} DROP CONSTRAINT ${check}; CREATE TABLE replay_kept AS SELECT * FROM ${table} WHERE ${where}; UPDATE ${table} SET content = ${edit} WHERE ${where}`,
            `UPDATE ${table} t SET content = k.content FROM replay_kept k WHERE t.merchant_id = k.merchant_id AND t.digest = k.digest; DROP TABLE replay_kept;
                ALTER TABLE ${table} ADD CONSTRAINT ${check} CHECK (digest = sha256(convert_to(content, 'UTF8')))`,
            (found) => {
                assert(found.text.includes(`${name} `) && found.text.includes('it was changed'), found.lines[0]);
                assert((name === 'rule set' ? found.noRules : found.noPrices) > 0 && found.different === 0, 'counted');
            });
    }
}

// ---- all of it --------------------------------------------------------------------------------------

async function prepare() {
    const world = await World.start('replay-ledger', { workers: 2, delayMs: 2, sockets: 16, payouts: true, settings: {
        rules_file: path.join(top, 'tests/bench/replay.rules'), rates_file: path.join(top, 'tests/bench/replay-rates.json'), directory_check_ms: 200, log_level: 'warn', slow_floor_ms: 200,
        breaker_open_ms: 1000, breaker_open_max_ms: 3000, breaker_ramp_ms: 3000 } });
    world.published = new Map();
    writeFileSync(world.at('second.json'), JSON.stringify(fees('second', '2.60', '0.30')));
    world.second = {};
    for (const [provider, offset, extra] of [['paypal', 1, []], ['payoneer', 2, ['--setting', 'country=US']]]) {
        world.second[provider] = world.admin('accounts', 'create', '--merchant', world.merchant, '--provider', provider, '--name', 'second',
            '--base-url', `https://127.0.0.1:${world.sandboxPort + offset}`, '--secret', `file:${provider}.json`, '--fees', world.at('second.json'),
            '--amount-max', '150000', '--methods', 'card test', '--setting', 'settle_ms=3000', ...extra).id;
    }
    return world;
}

const world = await prepare();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { world.abandon(); process.exit(1); });
try {
    console.log(`replay-ledger: ${PAYMENTS} payments and payouts, SEED=${SEED}`);
    const from = Date.now();
    const { made, told, refused } = await makePayments(world);
    console.log(`  told: ${JSON.stringify(told)}, refused: ${JSON.stringify(refused)}, ${((Date.now() - from) / 1000).toFixed(0)} s`);
    const [stored, later] = world.psql(`SELECT count(*), count(*) FILTER (WHERE number > 1) FROM (${decided}) x`).split('|').map(Number);
    const bare = Number(world.psql('SELECT count(*) FROM attempts a JOIN payments p USING (merchant_id, payment_id) WHERE a.number = 1 AND p.parent_id IS NULL AND a.decision IS NULL'));
    equal([stored - later, bare], [made, 0], 'first decisions in the ledger, and what the client was told');
    console.log(`  ${stored} decisions are stored, ${later} of them of further attempts`);
    survey(world, later);
    console.log('replay-ledger: made again');
    await replayWhole(world, stored);
    await tamperAll(world, stored);
    console.log('replay-ledger: all put back');
    await replayWhole(world, stored);
    await world.noFaults();
    await world.stop();
    console.log(`replay-ledger: ${stored} stored decisions replayed from the ledger, all identical; 8 changes, all found`);
} catch (error) {
    console.log(`replay-ledger: ${error.stack}\n  run it again: make replay-ledger PAYMENTS=${PAYMENTS} SEED=${SEED}; kept: ${path.relative(top, world.folder)}`);
    world.abandon();
    process.exit(1);
}
