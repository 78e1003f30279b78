// Overload is refused, not suffered: rates, what is under way, a full worker, a slow provider; over two workers that
// are killed meanwhile. What was refused did nothing, and the same key is right afterwards.
import https from 'node:https';
import path from 'node:path';
import { writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { suite, assert, equal, until, top } from './lib.mjs';

const only = (provider, more = {}) => ({ ...more, providers: { only: [provider] } });
const p99 = (values) => [...values].sort((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1];

// A connection for each request under way, so that both workers get their part.
const agent = (world, sockets) => new https.Agent({ ca: world.ca, keepAlive: true, maxSockets: sockets });

function assertProblem(answer, status, code) {
    const json = answer.json ?? answer.answer;
    assert(answer.status === status && json?.code === code, `expected ${status} ${code}: ${answer.status} ${answer.raw}`);
    assert(Number(answer.headers['retry-after']) >= 1, `Retry-After: ${JSON.stringify(answer.headers)}`);
    equal(answer.headers['content-type'], 'application/problem+json', 'problem');
    equal(json.retryable, true, 'retryable');
}
async function makeMerchant(world, name) {
    const merchant = world.admin('merchants', 'create', '--name', name, '--country', 'US').test_id;
    for (const [provider, offset, more] of [['paypal', 1, []], ['payoneer', 2, ['--setting', 'country=US']]]) {
        world.admin('accounts', 'create', '--merchant', merchant, '--provider', provider, '--name', 'main', '--base-url',
            `https://127.0.0.1:${world.sandboxPort + offset}`, '--secret', `file:${provider}.json`, ...more);
    }
    return { merchant, key: world.admin('keys', 'create', '--merchant', merchant, '--role', 'merchant').key };
}
const refused = async (world) => Object.fromEntries([...(await world.call('GET', world.ops + '/metrics')).raw
    .matchAll(/^turnpike_refused_total\{reason="([a-z_]+)"\} (\d+)$/gm)].map(([, reason, count]) => [reason, Number(count)]));
async function restartWith(world, settings) {
    await world.stopGateway();
    world.options = { ...world.options, settings: { ...world.base, ...settings } };
    world.writeConfig();
    await world.startGateway();
}
function setUp(world) {
    if (world.base) return;
    world.base = { ...world.options.settings, rules_file: world.at('both.rules') };
    writeFileSync(world.at('both.rules'), 'default { use paypal, payoneer }\n');
}
// A provider that takes a minute is slow, not dead: nothing gives up before the test has looked.
const patient = { provider_answer_ms: 60000, answer_ms: 50000, drain_ms: 70000, lease_ms: 120000, dead_after_ms: 130000, breaker_silence_ms: 600000 };

// On a busy machine hundreds of new connections keep a worker from its heartbeat: that is not what this is about.
await suite('overload', { workers: 2, delayMs: 5, sockets: 64, settings: { heartbeat_late_ms: 60000 } }, {
    async thirty_two_keys_share_their_buckets_over_two_workers(world) {
        setUp(world);
        await restartWith(world, { key_rate: 1, key_burst: 20 });
        const keys = await Promise.all(Array.from({ length: 32 }, () => world.admin('keys', 'create', '--merchant', world.merchant, '--role', 'finance').key));
        const sockets = agent(world, 64);
        const from = Date.now();
        const answers = await Promise.all(keys.flatMap((key) => Array.from({ length: 40 }, async () =>
            ({ key, ...await world.call('GET', `${world.api}/v1/payments?limit=1`, { key, agent: sockets, timeoutMs: 120000 }) }))));
        const seconds = Math.ceil((Date.now() - from) / 1000) + 1;
        for (const key of keys) {
            const own = answers.filter((answer) => answer.key === key);
            const served = own.filter((answer) => answer.status === 200).length;
            assert(served >= 20 && served <= 20 + seconds, `of 40 requests with one key ${served} were served in ${seconds} s; its bucket holds 20 and a second brings one`);
            for (const answer of own.filter((a) => a.status !== 200)) {
                assertProblem(answer, 429, 'rate_limited');
                equal(answer.headers['ratelimit-policy'], '"key";q=20;w=20', 'policy');
                assert(/^"key";r=0;t=\d+$/.test(answer.headers.ratelimit), answer.headers.ratelimit);
            }
        }
        sockets.destroy();
    },
    async what_was_refused_did_nothing_and_its_key_is_right_afterwards(world) {
        setUp(world);
        await restartWith(world, { merchant_rate: 10, merchant_burst: 10 });
        const entries = await Promise.all(Array.from({ length: 40 }, () => world.pay()));
        const late = entries.filter((entry) => entry.status === 429);
        assert(late.length >= 10, `of 40 payments at once, ${late.length} were refused; the merchant's bucket holds 10`);
        for (const entry of late) assertProblem({ ...entry, json: entry.answer }, 429, 'rate_limited');
        equal(world.rows(`SELECT count(*)::int AS n FROM payments`)[0].n - (world.seen ?? 0), 40 - late.length, 'rows');
        for (const entry of late) {
            await until('the same key is taken', async () => (await world.pay(entry.body, { key: entry.key })).status === 201, 60000);
        }
        await world.settled();
        const charged = await world.judge();
        assert(charged.size >= 40, `${charged.size} payments were charged`);
    },
    async a_merchant_s_own_limit_is_set_by_an_operator(world) {
        setUp(world);
        await restartWith(world, {});
        const own = await makeMerchant(world, 'Limited');
        const limited = world.admin('merchants', 'limit', own.merchant, '--rate', '1', '--burst', '3');
        equal([limited.test_limits.rate, limited.test_limits.burst, limited.limits.rate], [1, 3, 0], 'limits');
        const ask = (key) => world.call('GET', `${world.api}/v1/payments`, { key });
        await until('the limit holds', async () => (await ask(own.key)).status === 429, 30000);
        equal((await ask(world.key)).status, 200, 'another merchant');
        world.admin('merchants', 'limit', own.merchant, '--rate', '0', '--burst', '0');
        await until('it is lifted', async () => {
            for (let i = 0; i < 20; i++) if ((await ask(own.key)).status !== 200) return false;
            return true;
        }, 30000);
    },
    async guesses_are_slowed_down_and_honest_keys_are_not(world) {
        setUp(world);
        await restartWith(world, { address_rate: 1, address_burst: 20 });
        equal((await world.call('GET', `${world.api}/v1/payments`, { key: world.key })).status, 200, 'a valid key before');
        const from = Date.now();
        const guess = () => world.call('GET', `${world.api}/v1/payments`, { key: `tpk_test_${randomUUID().replaceAll('-', 'x')}xxxxxxx` });
        const statuses = (await Promise.all(Array.from({ length: 120 }, guess))).map((answer) => answer.status);
        const told = statuses.filter((status) => status === 401).length;
        assert(told >= 20 && told <= 20 + (Date.now() - from) / 1000 + 2, `${told} of 120 guesses were looked up`);
        equal(statuses.filter((status) => status === 429).length, 120 - told, 'the others');
        equal((await world.call('GET', `${world.api}/v1/payments`, { key: world.key })).status, 200, 'a valid key');
        // The buckets outlive the workers.
        for (const pid of world.workers()) process.kill(pid, 'SIGKILL');
        await until('workers serve again', async () => (await world.call('GET', world.ops + '/readyz')).status === 200);
        const again = (await Promise.all(Array.from({ length: 120 }, guess))).filter((answer) => answer.status === 401).length;
        assert(told + again <= 20 + (Date.now() - from) / 1000 + 2, `${again} more were looked up after the workers were killed`);
        equal((await world.call('GET', `${world.api}/v1/payments`, { key: world.key })).status, 200, 'a key that was valid before');
    },
    async a_killed_worker_leaves_no_counts_behind(world) {
        setUp(world);
        await restartWith(world, { ...patient, merchant_in_flight_max: 12, key_in_flight_max: 12 });
        await world.fault({ provider: 'paypal', operation: 'charge', kind: 'slow', delay_ms: 20000 });
        const sockets = agent(world, 64);
        const held = Array.from({ length: 12 }, () => world.pay(world.payment(only('paypal')), { agent: sockets, timeoutMs: 120000 }));
        await until('twelve are under way', async () => /^turnpike_in_flight 12$/m.test((await world.call('GET', world.ops + '/metrics')).raw));
        equal((await world.pay(world.payment(only('payoneer')))).status, 429, 'the thirteenth');
        assertProblem(await world.call('GET', `${world.api}/v1/payments`, { key: world.key }), 429, 'rate_limited');
        for (const pid of world.workers()) process.kill(pid, 'SIGKILL');
        await Promise.all(held);
        sockets.destroy();
        await until('workers serve again', async () => (await world.call('GET', world.ops + '/readyz')).status === 200);
        const entries = await Promise.all(Array.from({ length: 11 }, () => world.pay(world.payment(only('payoneer')))));
        equal(entries.map((entry) => entry.status), entries.map(() => 201), 'nothing of the dead is counted');
        await world.noFaults();
        await world.settled(180000);
        await world.judge();
    },
    async a_full_worker_refuses_at_once_and_answers_repeats(world) {
        setUp(world);
        await restartWith(world, { ...patient, workers: 1, in_flight_max: 24, account_in_flight_max: 12 });
        const first = await world.pay();
        equal(first.status, 201, 'before');
        for (const provider of ['paypal', 'payoneer']) await world.fault({ provider, operation: 'charge', kind: 'slow', delay_ms: 12000 });
        const sockets = agent(world, 64);
        const held = ['paypal', 'payoneer'].flatMap((provider) => Array.from({ length: 12 }, () =>
            world.pay(world.payment(only(provider)), { agent: sockets, timeoutMs: 120000 })));
        await until('the worker is full', async () => /^turnpike_in_flight 24$/m.test((await world.call('GET', world.ops + '/metrics')).raw));
        const late = await Promise.all(Array.from({ length: 40 }, () => world.pay()));
        for (const entry of late) assertProblem({ ...entry, json: entry.answer }, 503, 'overloaded');
        const repeat = await world.pay(first.body, { key: first.key });
        equal([repeat.status, repeat.headers['idempotent-replayed'], repeat.raw], [201, 'true', first.raw], 'a repeat is answered');
        const other = await world.pay(world.payment({ amount: 1 }), { key: first.key });
        equal([other.status, other.answer.code], [422, 'idempotency_key_reused'], 'another body under that key');
        const running = await world.pay(world.log.find((entry) => entry.status === 0).body, { key: world.log.find((entry) => entry.status === 0).key });
        equal([running.status, running.answer.code], [409, 'idempotency_key_in_use'], 'a repeat of what runs');
        assert((await refused(world)).worker_full >= 40, JSON.stringify(await refused(world)));
        equal((await world.get(first.answer.id)).status, 'succeeded', 'reads go on');
        await world.noFaults();
        await Promise.all(held);
        sockets.destroy();
        for (const entry of late) equal((await world.pay(entry.body, { key: entry.key })).status, 201, 'the same key afterwards');
        await world.settled(120000);
        await world.judge();
    },
    async a_slow_provider_holds_its_seats_and_slows_nobody(world) {
        setUp(world);
        await restartWith(world, { ...patient, account_in_flight_max: 10 });
        const sockets = agent(world, 64);
        const healthy = async (count) => {
            const times = [];
            for (let done = 0; done < count; done += 10) {
                await Promise.all(Array.from({ length: 10 }, async () => {
                    const from = Date.now();
                    const entry = await world.pay(world.payment(only('payoneer')), { agent: sockets });
                    times.push(Date.now() - from);
                    equal(entry.status, 201, `a payment at the healthy provider (${entry.raw})`);
                }));
            }
            return times;
        };
        await healthy(50);
        const alone = p99(await healthy(200));
        await world.fault({ provider: 'paypal', operation: 'charge', kind: 'slow', delay_ms: 30000 });
        const slow = agent(world, 80);
        const held = Array.from({ length: 60 }, () => world.pay(world.payment(only('paypal')), { agent: slow, timeoutMs: 120000 }));
        await until('the slow account holds all its seats', async () => /^turnpike_provider_in_flight\{provider="paypal"\} 20$/m.test((await world.call('GET', world.ops + '/metrics')).raw));
        const beside = p99(await healthy(200));
        assert(beside <= Math.max(alone * 1.2, alone + 3000), `p99 at the healthy provider is ${beside} ms beside a slow one, ${alone} ms without`);
        // By the ordinary decision it is passed by, and the decision says why.
        const routed = await Promise.all(Array.from({ length: 10 }, () => world.pay()));
        for (const entry of routed) {
            equal([entry.status, entry.answer.provider], [201, 'payoneer'], entry.raw);
            const paypal = entry.answer.decision.candidates.find((candidate) => candidate.provider === 'paypal');
            equal([paypal.kept, paypal.dropped], [false, 'provider_busy'], JSON.stringify(entry.answer.decision));
        }
        const late = await world.pay(world.payment(only('paypal')));
        assertProblem({ ...late, json: late.answer }, 503, 'overloaded');
        assert(late.answer.detail.includes('provider_busy'), late.raw);
        await world.noFaults();
        const told = (await Promise.all(held)).map((entry) => entry.status);
        equal(told.filter((status) => status === 503).length, 40, `of 60 at the slow provider 20 had a seat: ${told}`);
        sockets.destroy();
        slow.destroy();
        await world.settled(120000);
        await world.judge();
    },
    async a_flood_of_one_merchant_leaves_another_its_payments(world) {
        setUp(world);
        // Any write is too slow: each worker takes the least it ever takes, 64.
        await restartWith(world, { overload_write_ms: 1, overload_in_flight_min: 1, store_linger_us: 20000 });
        const other = await makeMerchant(world, 'Quiet');
        const sockets = agent(world, 400);
        let isOver = false;
        const flood = Array.from({ length: 400 }, async () => {
            let told = 0;
            while (!isOver) told += (await world.pay(world.payment(), { agent: sockets, timeoutMs: 120000 })).status === 503;
            return told;
        });
        await until('the flood is refused', async () => (await refused(world)).overload > 20, 120000);
        const quiet = [];
        for (let i = 0; i < 40; i++) quiet.push((await world.pay(world.payment(), { key: `quiet-${i}`, agent: world.agent, headers: { authorization: `Bearer ${other.key}` }, timeoutMs: 120000 })).status);
        isOver = true;
        const told = (await Promise.all(flood)).reduce((sum, count) => sum + count, 0);
        sockets.destroy();
        equal(quiet, quiet.map(() => 201), 'the quiet merchant is served');
        assert(told > 20, `the flood was refused ${told} times`);
        await world.settled(120000);
        await world.judge();
    },
});
