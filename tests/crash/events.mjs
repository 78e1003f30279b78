// events.mjs - what befalls whole processes while six payments are in hand: not at a point of the gateway's own, but at
// a moment that is drawn. Each returns when all that was broken is whole again.
import { until } from '../e2e/lib.mjs';

const LEASE_MS = 2000;
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const payment = (cell) => ({ amount: 100 + cell.draw(5000), currency: 'EUR', capture: cell.draw(5) ? 'automatic' : 'manual', method: { type: 'card', tokens: { paypal: 'tok_ok', payoneer: 'tok_ok' } }, metadata: { cell: cell.name } });
const signal = (pids, name) => { for (const pid of pids) try { process.kill(pid, name); } catch { /* it is gone */ } };
const oneOf = (cell, list) => list[cell.draw(list.length)];
const backends = (world) => world.psql(`SELECT pid FROM pg_stat_activity WHERE usename = 'turnpike_gateway'`).split('\n').map(Number);

export const events = {
    async kill_worker(cell) {
        const pid = oneOf(cell, cell.world.workers());
        signal([pid], 'SIGKILL');
        await cell.recover(pid);
    },
    async kill_master(cell) {
        cell.act = 'kill_all';
        const { pid } = cell.world.gateway;
        signal([pid], 'SIGKILL');
        await cell.recover(pid);
    },
    async kill_gateway(cell) {
        cell.act = 'kill_all';
        const { pid } = cell.world.gateway;
        signal([...cell.world.workers(), pid], 'SIGKILL');
        await cell.recover(pid);
    },
    // SIGKILL of one backend: PostgreSQL ends all others, and recovers.
    async kill_backend(cell) {
        signal([oneOf(cell, backends(cell.world))], 'SIGKILL');
        await until('PostgreSQL serves again', () => cell.world.psql('SELECT 1') === '1');
        await cell.recover(0);
    },
    async end_backends(cell) {
        cell.world.psql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'turnpike_gateway'`);
        await cell.recover(0);
    },
    async kill_postgresql(cell) {
        cell.world.killDatabase();
        await until('PostgreSQL starts again', () => { cell.world.startDatabase(); return true; }, 30000);
        await cell.recover(0);
    },
    async stop_worker(cell) {
        cell.act = 'stop';
        const pid = oneOf(cell, cell.world.workers());
        signal([pid], 'SIGSTOP');
        await cell.recover(pid);
    },
    // All of one gateway sleeps until the other has taken its payments for a dead host's; its clients go to the other.
    async two_gateways(cell) {
        cell.act = 'stop';
        const { world } = cell;
        await world.startSecond();
        const all = [world.gateway.pid, ...world.workers()];
        signal(all, 'SIGSTOP');
        await Promise.all(Array.from({ length: 3 }, () => cell.pay(payment(cell), { api: world.secondApi })));
        await Promise.all(cell.entries.slice(0, 6).map((entry) => world.repeat(entry, world.secondApi)));
        await wait(LEASE_MS + 3500);
        signal(all.reverse(), 'SIGCONT');
        await Promise.all(Array.from({ length: 3 }, () => cell.pay(payment(cell))));
        await until('the gateway serves again', async () => (await world.call('GET', world.ops + '/readyz')).status === 200);
        await world.stopSecond();
    },
};

export async function playEvent(cell) {
    const { world } = cell;
    if (cell.act !== 'stop') cell.act = 'kill';
    await cell.armFault();
    const paid = Array.from({ length: 6 }, () => cell.pay(payment(cell), { timeoutMs: 15000 }));
    await wait(cell.draw(40));
    await events[cell.point](cell);
    cell.hit = true;
    await Promise.all(paid);
}
