// The same key at the same time: KEYS keys x 32 duplicates x 3 bodies, over payments and payouts and two workers.
// One effect per key, judged by the sandbox's books; nothing but 2xx, 409 and 422; replays are the same bytes.
//     KEYS=1000 node tests/e2e/duplicates.mjs        (the default is a sample)
import { randomUUID } from 'node:crypto';
import https from 'node:https';
import { suite, assert, equal, until } from './lib.mjs';

const KEYS = Number(process.env.KEYS ?? 40);
const DUPLICATES = 32;
const BODIES = 3;
const AT_ONCE = 2; // keys: each has 96 requests in the air

const payout = (n) => ({
    amount: n, currency: 'EUR', reference: `dup-${randomUUID()}`,
    beneficiary: { type: 'individual', first_name: 'Ada', last_name: 'Example', email: 'ada@example.com', country: 'DE' },
    payees: { paypal: 'ada@example.com', payoneer: 'payee-ada' },
});
const payment = (n) => ({ amount: n, currency: 'EUR', method: { type: 'card', tokens: { paypal: 'tok_ok', payoneer: 'tok_ok' } } });

async function race(world, path, make, number, agents) {
    const key = randomUUID();
    const first = make(1000 + number * BODIES);
    const bodies = Array.from({ length: BODIES }, (_, i) => JSON.stringify({ ...first, amount: first.amount + i }));
    const send = (body, agent) => world.call('POST', world.api + path,
        { key: world.key, body, agent, headers: { 'idempotency-key': `"${key}"` } });
    const got = await Promise.all(Array.from({ length: DUPLICATES * BODIES }, async (_, i) =>
        ({ body: i % BODIES, answer: await send(bodies[i % BODIES], agents[i % agents.length]) })));
    for (const { answer } of got) assert([200, 201, 202, 409, 422].includes(answer.status), `status ${answer.status}: ${answer.raw}`);
    const told = got.filter(({ answer }) => answer.status < 300);
    assert(told.length > 0, `nobody was told: ${got.map(({ answer }) => answer.status).join(' ')}`);
    equal(new Set(told.map(({ body }) => body)).size, 1, 'one body won');
    equal(new Set(told.map(({ answer }) => answer.json.id)).size, 1, 'one object');
    const winner = told[0].body;
    for (const { body, answer } of got) {
        if (body === winner) assert(answer.status !== 422, `the winner's body was refused: ${answer.raw}`);
        else assert(answer.status === 422 && answer.json.code === 'idempotency_key_reused', `another body: ${answer.status} ${answer.raw}`);
    }
    return { id: told[0].answer.json.id, send: () => send(bodies[winner], agents[0]), amount: first.amount + winner, answers: told.map(({ answer }) => answer) };
}

async function races(world, path, make, kind) {
    const agents = Array.from({ length: 4 }, () => new https.Agent({ ca: world.ca, keepAlive: true, maxSockets: 48 }));
    const won = [];
    let next = 0;
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
        while (next < KEYS) won.push(await race(world, path, make, next++, agents));
    }));
    await world.settled(60000 + KEYS * 100);
    for (const one of won) {
        const last = await until(`${one.id} has its final answer`, async () => {
            const answer = await one.send();
            return [200, 201].includes(answer.status) && answer;
        });
        equal(last.headers['idempotent-replayed'], 'true', 'a replay says so');
        equal([(await one.send()).raw, last.json.id], [last.raw, one.id], 'the same bytes');
        one.references = [one.id, ...last.json.attempts.map((attempt) => attempt.id)];
        for (const answer of one.answers.filter((a) => a.status !== 202)) equal(answer.raw, last.raw, 'every final answer of the race');
    }
    const effects = new Map();
    for (const entry of await world.books()) {
        if (entry.kind !== kind) continue;
        const name = entry.invoice || entry.reference; // a payout has no invoice at a provider: there it is the attempt's
        effects.set(name, [...(effects.get(name) ?? []), entry]);
    }
    for (const one of won) {
        const entries = one.references.flatMap((name) => effects.get(name) ?? []);
        equal(entries.map((entry) => [entry.amount, entry.currency]), [[one.amount, 'EUR']], `${one.id} in the books`);
    }
    equal(new Set(won.map((one) => one.id)).size, KEYS, 'objects');
    agents.forEach((agent) => agent.destroy());
}

await suite('duplicates', {
    workers: 2, delayMs: 5, sockets: 16, payouts: true,
}, {
    async payments_have_one_effect_per_key(world) { await races(world, '/v1/payments', payment, 'charge'); },
    async payouts_have_one_effect_per_key(world) { await races(world, '/v1/payouts', payout, 'payout'); },
});
