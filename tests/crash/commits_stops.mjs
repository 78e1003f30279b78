// commits_stops.mjs - `pg_ctl stop -m immediate` under load, and a start again: five in a round.
import { until } from '../e2e/lib.mjs';
import { CommitWorld, pick, mixes, statementMs } from './commits_world.mjs';
import { random } from '../e2e/random.mjs';
import { stopNow, startAgain } from './commits_pair.mjs';

export const rounds = 40;
const each = 5;
export const start = (name) => CommitWorld.start(name, { workers: 2, delayMs: 20, settings: { store_statement_timeout_ms: statementMs, store_reconnect_ms: 50 } });

export async function round(world, seed, number) {
    const rng = random(seed * 1000003 + number);
    world.wire.forget();
    const mix = pick(rng, mixes);
    if (mix) await world.fault({ provider: pick(rng, ['paypal', 'payoneer']), operation: 'charge', share: 0.3, ...mix });
    const load = world.load(16, rng);
    let awayMs = 0;
    for (let i = 0; i < each; i++) {
        const from = load.said.final;
        const enough = 3 + Math.floor(rng() * 30);
        await until('some load', () => load.said.final > from + enough, 60000);
        await new Promise((done) => setTimeout(done, rng() * 100)); // anywhere within a commit
        const stopped = Date.now();
        await stopNow(world.at('pg'));
        await startAgain(world.at('pg'));
        const then = load.said.final;
        await until('payments flow again', () => load.said.final > then, 60000);
        awayMs += Date.now() - stopped;
    }
    await load.stop();
    await world.allAsked();
    await world.judged();
    return { ...await world.judgeLost(), stops: each, awayMs };
}
