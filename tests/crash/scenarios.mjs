// scenarios.mjs - what is done so that a crash point is passed: the client's part, and what goes wrong before.
// A scenario arms the cell (point and fault) when the next thing that happens is what it is about.
import { spawn } from 'node:child_process';
import { until } from '../e2e/lib.mjs';
import { operations, operationOf } from './operations.mjs';

const tokens = { paypal: 'tok_ok', payoneer: 'tok_ok' };
const body = (cell, extra = {}) => ({ amount: 100 + cell.draw(5000), currency: 'EUR', method: { type: 'card', tokens }, metadata: { cell: cell.name }, ...extra });
const only = (...names) => ({ providers: { only: names } });
const both = (cell, extra) => Promise.all([1, 2].map(() => cell.pay(body(cell, extra))));

const scenarios = {
    // Two payments at once, at a provider that one send is enough for.
    async charge(cell) {
        await cell.arm();
        await both(cell, only('paypal'));
    },
    // ... and at one that wants a session first.
    async session(cell) {
        await cell.arm();
        await both(cell, only('payoneer'));
    },
    // The first provider declines softly, the second is tried.
    async failover(cell) {
        await cell.world.fault({ provider: 'any', operation: 'charge', kind: 'decline_soft', count: 2 });
        await cell.arm();
        await both(cell);
    },
    // The answer is lost after its effect; then the gateway finds out.
    async repeat(cell) {
        await unknown(cell, 'paypal');
    },
    async lookup(cell) {
        await unknown(cell, 'payoneer');
    },
    // A batch waits for a lock when its connection is cut: whether it was committed, only the ledger can say.
    async probe(cell) {
        const { world } = cell;
        const locker = spawn('psql', ['-X', '-q', '-d', world.conninfo('postgres'), '-c', 'BEGIN; LOCK TABLE batches IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(20)'], { stdio: 'ignore' });
        const ended = new Promise((done) => locker.once('exit', done));
        await until('batches are locked', () => world.psql(`SELECT count(*) FROM pg_locks WHERE relation = 'batches'::regclass AND mode = 'AccessExclusiveLock' AND granted`) === '1');
        await cell.armFault();
        const paid = cell.pay(body(cell, only('paypal')));
        await until('a batch waits', () => world.psql(`SELECT count(*) FROM pg_stat_activity WHERE usename = 'turnpike_gateway' AND wait_event_type = 'Lock' AND query ~ 'batches'`) !== '0', 30000);
        cell.armPoint();
        world.psql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'turnpike_gateway' OR query ~ '^BEGIN; LOCK'`);
        await ended;
        await paid;
    },
    // A worker dies with a payment in hand, and its master sees it.
    async master(cell) {
        const { world } = cell;
        world.board.arm('charge_left', 1, 'stop');
        const paid = cell.pay(body(cell, only('paypal')));
        const stopped = await until('a worker stands still with a charge on its way', () => world.board.struck, 30000);
        await cell.arm();
        process.kill(stopped, 'SIGKILL');
        await paid;
    },
};

async function unknown(cell, provider) {
    await cell.world.fault({ provider, operation: 'charge', kind: 'reset_after_effect', count: 2 });
    await cell.armPoint();
    await both(cell, only(provider));
    await cell.armFault();
}

const byPrefix = [
    [/^(session|record)_/, 'session'], [/^switch_/, 'failover'], [/^(repeat|announce|resolve)_|^(claimed|loaded)$/, 'repeat'],
    [/^lookup_/, 'lookup'], [/^probe_/, 'probe'], [/^worker_/, 'master'], [/^(open|close|charge|reply)_/, 'charge'],
];
// A cell strikes at a spot: a point, or a point within an operation (capture.charge_left).
export const pointOf = (spot) => spot.slice(spot.indexOf('.') + 1);
// The scenario that leads to a spot; undefined: none does.
export const scenarioOf = (spot) => spot.includes('.') ? spot.slice(0, spot.indexOf('.')) : operationOf(spot) ?? byPrefix.find(([pattern]) => pattern.test(spot))?.[1];
export const play = (cell) => ({ ...scenarios, ...operations })[scenarioOf(cell.point)](cell);
