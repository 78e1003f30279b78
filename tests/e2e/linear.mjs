// The same key at the same time, seen by its clients: whatever they are told has to be explained by one order of
// events that respects real time (linear_check.mjs), through killed and stopped workers and providers that are slow,
// lose answers or fail. Judged by the client's own clock and log, then by the books.
//     KEYS=5000 node tests/e2e/linear.mjs histories_are_linearizable     (make linear KEYS=; the default is a sample)
import { randomUUID } from 'node:crypto';
import https from 'node:https';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, assert, equal, until, top } from './lib.mjs';
import { checkKey, meaning, show } from './linear_check.mjs';
import { random } from './random.mjs';

const KEYS = Number(process.env.KEYS ?? 40);
const SEED = Number(process.env.SEED ?? Date.now() % 100000);
const AT_ONCE = 8; // keys
const BODIES = 2;
const WORKERS = 3;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// One request, noted as a client sees it: sent from `from` on, answered by `to`.
async function ask(world, key, body, text, agent, history) {
    const entry = { body, from: performance.now(), to: Infinity, status: 0 };
    history.push(entry);
    try {
        const answer = await world.call('POST', world.api + '/v1/payments', { body: text, key: world.key, agent, headers: { 'idempotency-key': `"${key}"` } });
        const { json } = answer;
        Object.assign(entry, { to: performance.now(), status: answer.status, raw: answer.raw, code: json?.code, replayed: answer.headers['idempotent-replayed'] === 'true', state: answer.status < 300 ? json?.status : undefined, id: answer.status < 300 ? json?.id : undefined });
    } catch { /* it may have been taken all the same */ }
    return entry;
}

// 12 to 24 requests under one key, within some 100 ms, two thirds of them with the first body; then the first body
// until its final answer is told, and once more each.
async function press(world, agents, number, rng) {
    const key = randomUUID();
    const amount = 1000 + number * BODIES;
    const bodies = Array.from({ length: BODIES }, (_, i) => JSON.stringify(world.payment({ amount: amount + i })));
    const history = [];
    const send = (body) => ask(world, key, body, bodies[body], agents[Math.floor(rng() * agents.length)], history);
    await Promise.all(Array.from({ length: 12 + Math.floor(rng() * 13) }, async (_, i) => {
        const body = rng() < 0.67 ? 0 : 1;
        if (i > 2) await pause(rng() * rng() * 120); // the first three at the same moment
        await send(body);
    }));
    let winner;
    await until(`key ${key} is told a final answer`, async () => {
        const told = history.find((entry) => ['answered', 'taken'].includes(meaning(entry)));
        winner = told?.body ?? Math.floor(rng() * BODIES); // nobody was told anything yet
        return meaning(await send(winner)) === 'answered';
    }, 120000);
    for (let body = 0; body < BODIES; body++) await send(body);
    const last = history.findLast((entry) => meaning(entry) === 'answered');
    world.log.push({ key, body: JSON.parse(bodies[winner]), status: 201, answer: JSON.parse(last.raw) });
    return { key, history };
}

// Kills and stops workers, and troubles providers, until it is told to stop.
async function trouble(world, rng, counts, isOver, weigh) {
    const faults = [{ kind: 'slow', delay_ms: 150 }, { kind: 'reset_after_effect' }, { kind: 'http_500' }, { kind: 'decline_soft' }];
    while (!isOver()) {
        await weigh();
        const workers = world.workers();
        const worker = workers[Math.floor(rng() * workers.length)];
        const draw = counts.kills === 0 ? 0 : rng(); // one is killed, whatever is drawn
        if (worker && draw < 0.4 && workers.length === WORKERS) {
            process.kill(worker, 'SIGKILL');
            counts.kills++;
        } else if (worker && draw < 0.7) {
            process.kill(worker, 'SIGSTOP');
            await pause(100 + rng() * 400);
            try { process.kill(worker, 'SIGCONT'); } catch { /* it was replaced meanwhile */ }
            counts.stops++;
        } else {
            await world.noFaults();
            await world.fault({ provider: rng() < 0.5 ? 'paypal' : 'payoneer', operation: 'charge', share: 0.3, ...faults[Math.floor(rng() * faults.length)] });
            counts.faults++;
        }
    }
    await world.noFaults();
}

function judgeHistories(pressed) {
    const counts = {};
    for (const { key, history } of pressed) {
        for (const entry of history) {
            const what = entry.status ? `${entry.status}` : 'no answer';
            counts[what] = (counts[what] ?? 0) + 1;
        }
        const verdict = checkKey(history);
        if (!verdict.ok) {
            const file = path.join(top, 'var', `linear-${key}.json`);
            writeFileSync(file, JSON.stringify(history, (_, value) => (value === Infinity ? 'never' : value), 1));
            throw new Error(`key ${key} is not linearizable: ${verdict.why}; kept: ${path.relative(top, file)}\n${show(history)}\n-- left over:\n${show(verdict.left)}`);
        }
    }
    return counts;
}

await suite('linear', { workers: WORKERS, delayMs: 20, sockets: 16, settings: { lease_ms: 4000, dead_after_ms: 4000 } }, {
    async histories_are_linearizable(world) {
        const agents = Array.from({ length: 6 }, () => new https.Agent({ ca: world.ca, keepAlive: true, maxSockets: 64 }));
        const rng = random(SEED);
        const pressed = [];
        let next = 0;
        let isOver = false;
        const counts = { kills: 0, stops: 0, faults: 0 };
        let mark = 0;
        const weigh = () => until('some keys more', () => { // trouble comes by work done, not by time
            if (!isOver && pressed.length < mark) return false;
            mark = pressed.length + 3;
            return true;
        }, 300000);
        const troubled = trouble(world, random(SEED + 1), counts, () => isOver, weigh);
        try {
            await Promise.all(Array.from({ length: AT_ONCE }, async () => {
                while (next < KEYS) pressed.push(await press(world, agents, next++, rng));
            }));
        } finally {
            isOver = true;
            await troubled;
        }
        const said = judgeHistories(pressed);
        await until('all workers', () => world.workers().length === WORKERS);
        await world.settled(120000);
        await world.judge();
        equal(new Set(world.log.map((entry) => entry.answer.id)).size, KEYS, 'objects');
        agents.forEach((agent) => agent.destroy());
        const requests = Object.values(said).reduce((sum, n) => sum + n, 0);
        console.log(`     ${KEYS} keys, ${requests} requests (${Object.entries(said).map(([status, n]) => `${status}: ${n}`).join(', ')}), ` +
            `${counts.kills} workers killed, ${counts.stops} stopped, ${counts.faults} faults (seed ${SEED})`);
        assert(counts.kills > 0 && said[409] > 0 && said[422] > 0, 'nothing was contested');
    },
});
