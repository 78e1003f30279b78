// cell.mjs - one cell of the crash matrix: what is armed, what is waited for, and how the gateway becomes whole again.
import { random } from '../e2e/random.mjs';
import { armFault, clearFaults } from './faults.mjs';
import { scenarioOf, pointOf, play } from './scenarios.mjs';
import { events, playEvent } from './events.mjs';

export const seed = Number(process.env.SEED || 1);
const LEASE_MS = 2000;

export function drawsOf(text) { // from the cell's name: the same each time
    let from = seed;
    for (const c of text) from = (Math.imul(from, 31) + c.charCodeAt(0)) | 0;
    const draw = random(from);
    return (below) => Math.floor(draw() * below);
}

// What happens at the point, by round: a worker dies, the whole gateway does, a worker sleeps beyond its lease.
const actOf = (point, round) => /^worker_/.test(point) ? 'kill_all' : ['kill', 'kill', 'kill_all', 'stop', 'kill'][round % 5];

// How long after the clients' answers it may still be passed: what is done behind them takes some looks.
const patienceOf = (point) => ['charge', 'session', 'failover', 'capture', 'void', 'refund'].includes(scenarioOf(point)) ? 200 : scenarioOf(point) === 'payout' ? 2000 : 6000;

const within = (ms, text, promise) => {
    let timer;
    const late = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error(`not within ${ms} ms: ${text}`)), ms); });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

export class Cell {
    constructor(world, { point, fault, round }) {
        const name = `${point}:${fault}:${round}`;
        Object.assign(this, { world, point, fault, round, name, act: actOf(point, round), draw: drawsOf(name), entries: [], moves: [], people: [], served: '-', unknowns: [] });
    }
    async pay(body, options = {}) {
        const paid = this.world.pay(body, { agent: this.world.agent, ...options });
        this.entries.push(this.world.log.at(-1));
        return paid;
    }
    armPoint() {
        const n = 1 + (this.round >= 4 && !/^worker_/.test(this.point) ? this.draw(2) : 0);
        this.world.board.arm(pointOf(this.point), n, this.act);
        this.isArmed = true;
    }
    armFault() { return armFault(this.world, this.fault, this.draw); }
    async arm() { await this.armFault(); this.armPoint(); }
    // The process that was struck; 0: none within what it takes to come there.
    async strike(isOver) {
        let overAt = 0;
        for (;;) {
            if (this.isArmed && this.world.board.struck) return this.world.board.struck;
            if (isOver()) overAt ||= Date.now();
            if (overAt && Date.now() - overAt > patienceOf(this.point)) return 0;
            await new Promise((done) => setTimeout(done, 5));
        }
    }
    // What follows, until the gateway is whole again.
    async recover(struck) {
        const { world } = this;
        const at = Date.now();
        if (this.act === 'stop') {
            await new Promise((done) => setTimeout(done, LEASE_MS + 300));
            try { process.kill(struck, 'SIGCONT'); } catch { /* its master was faster */ }
            return;
        }
        if (this.act === 'kill_all') {
            await within(60000, 'the gateway dies', world.gateway.ended);
            await world.startGateway();
        }
        // What others break would be measured, too: only without a fault it is a payment, and counts.
        const body = this.fault === 'none' ? () => ({ amount: 100 + this.draw(5000), currency: 'EUR', method: { type: 'card', tokens: { paypal: 'tok_ok', payoneer: 'tok_ok' } } }) : () => undefined;
        const probes = await Promise.all([1, 2, 3].map(() => world.served(at, body())));
        for (const [, entry] of probes) if (entry) this.entries.push(entry);
        if (this.fault === 'none') this.served = Math.max(...probes.map(([ms]) => ms));
    }
    async run() {
        const from = Date.now();
        let isOver = false;
        if (events[this.point]) {
            await within(180000, 'the event is over', playEvent(this));
            return this.end(from);
        }
        const played = play(this).finally(() => { isOver = true; });
        played.catch(() => {});
        const struck = await this.strike(() => isOver);
        this.hit = struck !== 0;
        if (this.hit) await this.recover(struck);
        await within(60000, 'its clients are answered', played);
        await this.finish?.();
        return this.end(from);
    }
    async end(from) {
        this.world.board.disarm();
        await clearFaults(this.world);
        this.endedAt = Date.now();
        this.took = this.endedAt - from;
    }
}
