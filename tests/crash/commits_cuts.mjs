// commits_cuts.mjs - commits that are lost on the wire between gateway and PostgreSQL: 25 in a round.
import { until } from '../e2e/lib.mjs';
import { CommitWorld, pick, mixes, statementMs, patienceMs } from './commits_world.mjs';
import { random } from '../e2e/random.mjs';

export const rounds = 40;
const faults = ['after', 'torn', 'terminate', 'before', 'late'];

export function draw(rng) {
    return rng() < 0.02 ? { kind: 'delay', ms: patienceMs + 3000 } : drawCut(rng);
}
export function drawCut(rng) {
    const kind = pick(rng, faults);
    switch (kind) {
    case 'torn': return { kind, share: rng() };
    case 'terminate': return { kind, ms: rng() * 5 };
    case 'before': return { kind, pass: pick(rng, ['none', 'half', 'sync']) };
    case 'late': return { kind, pass: pick(rng, ['none', 'sync']), ms: rng() < 0.5 ? rng() * 30 : rng() * 1500 };
    default: return { kind };
    }
}
export const options = { World: CommitWorld, workers: 2, delayMs: 20, settings: { store_statement_timeout_ms: statementMs, store_reconnect_ms: 50 } };
export const start = (name) => CommitWorld.start(name, options);

// `want` commits are lost while 16 clients pay; some of the questions what became of them are lost, too.
export async function lose(world, rng, want, share = 0.15, drawn = draw) {
    const { wire } = world;
    wire.forget();
    const lost = () => wire.lost.filter((batch) => batch.kind === 'batch').length;
    let chosen = 0;
    wire.choose = (batch) => {
        if (chosen >= want + 5 || lost() >= want) return undefined;
        if (rng() >= (batch.kind === 'batch' ? share : 0.25)) return undefined;
        if (batch.kind === 'batch') chosen++;
        return drawn(rng);
    };
    const load = world.load(16, rng);
    await until(`${want} commits are lost`, () => lost() >= want || (chosen >= want + 5 && load.said.all > 1), 90000);
    wire.choose = undefined;
    const from = load.said.final;
    await until('payments flow again', () => load.said.final > from + 10, 60000);
    await load.stop();
}
export async function round(world, seed, number) {
    const rng = random(seed * 1000003 + number);
    const mix = pick(rng, mixes);
    if (mix) await world.fault({ provider: pick(rng, ['paypal', 'payoneer']), operation: 'charge', share: 0.3, ...mix });
    await lose(world, rng, 25);
    await world.allAsked();
    await world.judged();
    return world.judgeLost();
}
