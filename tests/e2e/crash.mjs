// Crash campaign: kill -9 of a worker, of the whole gateway, and of PostgreSQL, under load. Every payment that
// was told succeeded is in the books once, none twice; after restart all reach a final state.
// ROUNDS=20 node tests/e2e/crash.mjs [worker|gateway|postgresql]; PART=i/n runs every n-th round from i.
import { suite, assert, equal, until } from './lib.mjs';

const rounds = Number(process.env.ROUNDS ?? 3);
const [part, parts] = (process.env.PART ?? '1/1').split('/').map(Number);
const seed = Number(process.env.SEED ?? Date.now() % 100000);

function random(state) { // mulberry32: the kill's moment is replayable in kind
    return () => {
        state = (state + 0x6d2b79f5) | 0;
        let t = Math.imul(state ^ (state >>> 15), 1 | state);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}
const mixes = [undefined, { kind: 'slow', delay_ms: 150 }, { kind: 'reset_after_effect' }, { kind: 'http_500' }, { kind: 'decline_soft' }];

async function campaign(world, kill, restart) {
    for (let round = 0; round < rounds; round++) {
        if (round % parts !== part - 1) continue;
        const rng = random(seed * 1000 + round);
        const mix = mixes[Math.floor(rng() * mixes.length)];
        if (mix) await world.fault({ provider: rng() < 0.5 ? 'paypal' : 'payoneer', operation: 'charge', share: 0.3, ...mix });
        let stop = false;
        const said = { count: 0, final: 0 };
        const load = Array.from({ length: 24 }, async () => {
            while (!stop) {
                const entry = await world.pay(world.payment({ amount: 100 + Math.floor(rng() * 5000), capture: rng() < 0.2 ? 'manual' : 'automatic' }));
                said.count++;
                if (entry.status === 201) said.final++;
                if (entry.status === 0 || entry.status === 503) await new Promise((done) => setTimeout(done, 20));
            }
        });
        const enough = 20 + Math.floor(rng() * 200);
        await until('some load', () => said.count >= enough, 60000);
        await kill(world, rng);
        await restart(world);
        const from = said.final;
        await until('payments flow again', () => said.final > from + 10, 60000);
        stop = true;
        await Promise.all(load);
        await world.noFaults();
        // A client that got no answer repeats its request under the same key until it is told.
        for (const entry of world.log.filter((e) => [0, 503, 409, 202].includes(e.status))) {
            await until(`key ${entry.key} is told a final answer`, async () => {
                const again = await world.call('POST', world.api + '/v1/payments', { body: entry.body, key: world.key, headers: { 'idempotency-key': `"${entry.key}"` } });
                if (again.status === 201) Object.assign(entry, { status: 201, answer: again.json });
                return again.status === 201;
            }, 90000);
        }
        await world.settled(90000);
        await world.judge();
        const told = world.log.length;
        world.log = [];
        console.log(`     round ${round} (seed ${seed}): ${told} payments, ${mix?.kind ?? 'no fault'}`);
    }
    const twice = world.rows("SELECT payment_id FROM transfers WHERE kind = 'payment' AND state = 'posted' GROUP BY merchant_id, payment_id HAVING count(*) > 1");
    equal(twice, [], 'posted once');
}

await suite('crash', { workers: 2, delayMs: 20 }, {
    worker: (world) => campaign(world, async (w, rng) => {
        const workers = w.workers();
        process.kill(workers[Math.floor(rng() * workers.length)], 'SIGKILL');
    }, async (w) => { await until('two workers', () => w.workers().length === 2); }),
    gateway: (world) => campaign(world, (w) => w.killGateway(), (w) => w.startGateway()),
    postgresql: (world) => campaign(world, async (w) => { w.killDatabase(); }, async (w) => {
        await until('PostgreSQL starts again', () => { w.startDatabase(); return true; }, 30000);
    }),
});
