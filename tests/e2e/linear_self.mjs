// The judge of tests/e2e/linear.mjs, judged: histories made by hand, with and without an order that explains them, and
// random ones against brute force.   SEED=1 ROUNDS=20000 node tests/e2e/linear_self.mjs
import { assert, equal } from './lib.mjs';
import { checkKey, isHeld, meaning, show } from './linear_check.mjs';
import { random } from './random.mjs';

const SEED = Number(process.env.SEED ?? Date.now() % 100000);
const ROUNDS = Number(process.env.ROUNDS ?? 20000);

const A = '{"id":"pay_A","amount":1}';
const B = '{"id":"pay_A","amount":2}';
const at = (from, to, body, status, more = {}) => ({ body, from, to, status, id: status < 300 && status ? 'pay_A' : undefined, state: status === 201 ? 'succeeded' : undefined, ...more });
const inUse = { code: 'idempotency_key_in_use' };
const reused = { code: 'idempotency_key_reused' };
const good = {
    one: [at(0, 5, 0, 201, { raw: A })],
    'a replay afterwards': [at(0, 5, 0, 201, { raw: A }), at(6, 7, 0, 201, { raw: A })],
    'in use while it runs': [at(0, 9, 0, 201, { raw: A }), at(1, 2, 0, 409, inUse), at(3, 4, 1, 422, reused)],
    'unknown, then final': [at(0, 3, 0, 202), at(4, 5, 0, 202), at(6, 7, 0, 201, { raw: A })],
    'who is answered late may have been first': [at(0, 9, 0, 201, { raw: A }), at(1, 3, 0, 201, { raw: A }), at(4, 5, 0, 201, { raw: A })],
    'without answer, and it was taken': [at(0, Infinity, 0, 0), at(5, 6, 1, 422, reused), at(7, 8, 0, 202)],
    'without answer, and it was not': [at(0, Infinity, 0, 0), at(5, 6, 1, 201, { raw: B }), at(7, 8, 0, 422, reused)],
    '503, and yet it was taken': [at(0, 3, 0, 503), at(4, 5, 0, 409, inUse), at(6, 7, 0, 201, { raw: A })],
    'in use, seen across the end': [at(0, 5, 0, 201, { raw: A }), at(4, 6, 0, 409, inUse)],
    'in use where its worker has not heard of its COMMIT': [at(0, 9, 0, 201, { raw: A }), at(1, 3, 0, 201, { raw: A, replayed: true }), at(4, 5, 0, 409, inUse)],
    'two bodies at once, one wins': [at(0, 9, 0, 201, { raw: A }), at(0, 9, 1, 422, reused)],
};
const bad = {
    'two answers to one key': [at(0, 5, 0, 201, { raw: A }), at(6, 7, 0, 201, { raw: B })],
    'two bodies answered': [at(0, 5, 0, 201, { raw: A }), at(0, 5, 1, 201, { raw: A })],
    'two objects': [at(0, 5, 0, 202, { id: 'pay_B' }), at(6, 7, 0, 201, { raw: A })],
    'in use after it was answered': [at(0, 5, 0, 201, { raw: A }), at(6, 7, 0, 409, inUse)],
    'in use while only the store answers': [at(0, 5, 0, 201, { raw: A }), at(6, 9, 0, 201, { raw: A, replayed: true }), at(7, 8, 0, 409, inUse)],
    'in use, and nobody was sent': [at(0, 1, 0, 409, inUse), at(2, 5, 0, 201, { raw: A })],
    'reused, and nobody had used it': [at(0, 1, 1, 422, reused), at(2, 5, 0, 201, { raw: A })],
    'the winner refused for its body': [at(0, 5, 0, 201, { raw: A }), at(6, 7, 0, 422, reused)],
    'in use by the other body': [at(0, 9, 0, 201, { raw: A }), at(1, 2, 1, 409, inUse)],
    'each refused for the other': [at(0, 9, 0, 422, reused), at(0, 9, 1, 422, reused)],
    'all in use, and nobody runs': [at(0, 9, 0, 409, inUse), at(0, 9, 0, 409, inUse)],
    'reused before anybody was sent': [at(5, 9, 0, 201, { raw: A }), at(1, 4, 1, 422, reused)],
    'what nobody expects': [at(0, 5, 0, 201, { raw: A }), at(6, 7, 0, 500)],
    'an answer, then an unknown other object': [at(0, 5, 0, 201, { raw: A }), at(6, 7, 0, 202, { id: 'pay_B' })],
    'taken by one who came later': [at(0, 2, 1, 422, reused), at(1, 2, 1, 503), at(3, 9, 0, 201, { raw: A })],
};

/*
 * The same question, answered by brute force: a key is taken at one moment and answered at another, and between two
 * neighbouring times of a history nothing tells moments apart. All pairs of moments, bodies, objects and answers.
 */
function bruteForce(history) {
    const said = history.filter((entry) => entry.status !== 0);
    if (said.some((entry) => meaning(entry) === undefined)) return false;
    const times = [...new Set(history.flatMap((entry) => [entry.from, entry.to]).filter(Number.isFinite))].sort((a, b) => a - b);
    const moments = times.flatMap((time, i) => [time, i + 1 < times.length ? (time + times[i + 1]) / 2 : time + 1]).concat(Infinity);
    const ids = [...new Set(said.map((entry) => entry.id).filter(Boolean))];
    const raws = [...new Set(said.filter((entry) => meaning(entry) === 'answered').map((entry) => entry.raw))];
    const explains = (taken, stored, body, id, raw) => said.every((entry) => {
        const before = entry.from <= taken; // of each stretch: does the request's time touch it?
        const during = entry.to >= taken && entry.from <= stored && taken < Infinity;
        const after = entry.to >= stored && stored < Infinity;
        const mine = entry.body === body;
        switch (meaning(entry)) {
        case 'nothing': return before || during || after;
        case 'answered': return after && mine && entry.id === id && entry.raw === raw;
        case 'taken': return (during || after) && mine && entry.id === id;
        case 'in_use': return (during || (after && isHeld(entry, history))) && mine;
        case 'reused': return (during || after) && !mine;
        default: return false;
        }
    });
    const canTake = (body, moment) => history.some((entry) => entry.body === body && entry.from <= moment && ['answered', 'taken', 'nothing'].includes(meaning(entry)));
    for (const taken of moments) {
        for (const stored of moments.filter((moment) => moment >= taken)) {
            for (const body of taken === Infinity ? [undefined] : [0, 1]) {
                if (body !== undefined && !canTake(body, taken)) continue;
                for (const id of ids.length ? ids : [undefined]) for (const raw of raws.length ? raws : [undefined]) if (explains(taken, stored, body, id, raw)) return true;
            }
        }
    }
    return false;
}

function randomHistory(rng) {
    const kinds = [
        () => ({ status: 201, raw: A }), () => ({ status: 201, raw: A, replayed: true }), () => ({ status: 201, raw: rng() < 0.1 ? B : A }), () => ({ status: 202 }),
        () => ({ status: 409, ...inUse }), () => ({ status: 409, ...inUse }), () => ({ status: 422, ...reused }), () => ({ status: 503 }), () => ({ status: 0 }),
    ];
    return Array.from({ length: 1 + Math.floor(rng() * 6) }, () => {
        const from = Math.floor(rng() * 20);
        const { status, ...more } = kinds[Math.floor(rng() * kinds.length)]();
        const to = status === 0 ? Infinity : from + 1 + Math.floor(rng() * 12);
        return at(from, to, status === 422 ? (rng() < 0.8 ? 1 : 0) : rng() < 0.9 ? 0 : 1, status, more);
    });
}

function madeByHand() {
    for (const [what, history] of Object.entries(good)) assert(checkKey(history).ok, `refused: ${what}: ${checkKey(history).why}`);
    for (const [what, history] of Object.entries(bad)) assert(!checkKey(history).ok, `believed: ${what}`);
    return `${Object.keys(good).length} with an order, ${Object.keys(bad).length} without`;
}

function asBruteForceSays() {
    const rng = random(SEED);
    const counts = [0, 0];
    for (let i = 0; i < ROUNDS; i++) {
        const history = randomHistory(rng);
        const { ok } = checkKey(history);
        equal(ok, bruteForce(history), `seed ${SEED}, history ${i}\n${show(history)}\nlinearizable`);
        counts[Number(ok)]++;
    }
    assert(counts[0] > ROUNDS / 20 && counts[1] > ROUNDS / 20, `too few of one kind: ${counts}`);
    return `${counts[1]} with an order, ${counts[0]} without, seed ${SEED}`;
}

let failed = 0;
for (const [title, test] of Object.entries({ madeByHand, asBruteForceSays })) {
    try {
        console.log(`ok   linear_self: ${title}: ${test()}`);
    } catch (error) {
        failed++;
        console.log(`FAIL linear_self: ${title}: ${error.message}\n     run it alone: SEED=${SEED} node tests/e2e/linear_self.mjs`);
    }
}
console.log(`linear_self: ${2 - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
