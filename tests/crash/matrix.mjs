// matrix.mjs - the crash matrix: each crash point (gateway/base/crash.h) of the real gateway with each fault, ROUNDS
// times; judged by the sandbox's books and the client's own log alone. Goes on where it was stopped:
// var/crash/results.tsv has a line for each cell. CELL=point:fault:round runs that one; SAMPLE=seconds: some of all.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { random } from '../e2e/random.mjs';
import { CrashWorld, folder } from './world.mjs';
import { pointNames } from './board.mjs';
import { faults, armFault, clearFaults } from './faults.mjs';
import { scenarioOf, play } from './scenarios.mjs';
import { events, playEvent } from './events.mjs';
import { judgeGroup } from './judge.mjs';

const env = process.env;
const rounds = Number(env.ROUNDS || 5);
const [part, parts] = (env.PART || '1/1').split('/').map(Number);
const seed = Number(env.SEED || 1);
const GROUP = Number(env.GROUP || 24); // cells that are judged together
const LEASE_MS = 2000;
const results = path.join(folder, env.SAMPLE ? `sample-${process.pid}.tsv` : 'results.tsv');

function drawsOf(text) { // from the cell's name: the same each time
    let from = seed;
    for (const c of text) from = (Math.imul(from, 31) + c.charCodeAt(0)) | 0;
    const draw = random(from);
    return (below) => Math.floor(draw() * below);
}

// What happens at the point, by round: a worker dies, the whole gateway does, a worker sleeps beyond its lease.
const actOf = (point, round) => /^worker_/.test(point) ? 'kill_all' : ['kill', 'kill', 'kill_all', 'stop', 'kill'][round % 5];

// How long after the clients' answers it may still be passed: what is done behind them takes some looks.
const patienceOf = (point) => ['charge', 'session', 'failover'].includes(scenarioOf(point)) ? 200 : 6000;

function allCells() {
    const points = [...Object.keys(events), ...pointNames().filter((name) => scenarioOf(name))].filter((name) => !env.ONLY || env.ONLY === name);
    const cells = [];
    for (let round = 0; round < rounds; round++) for (const point of points) for (const fault of Object.keys(faults)) cells.push({ point, fault, round });
    return cells;
}

const within = (ms, text, promise) => {
    let timer;
    const late = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error(`not within ${ms} ms: ${text}`)), ms); });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

class Cell {
    constructor(world, { point, fault, round }) {
        const name = `${point}:${fault}:${round}`;
        Object.assign(this, { world, point, fault, round, name, act: actOf(point, round), draw: drawsOf(name), entries: [], served: '-', unknowns: [] });
    }
    async pay(body, options = {}) {
        const paid = this.world.pay(body, { agent: this.world.agent, ...options });
        this.entries.push(this.world.log.at(-1));
        return paid;
    }
    armPoint() {
        const n = 1 + (this.round >= 4 && !/^worker_/.test(this.point) ? this.draw(2) : 0);
        this.world.board.arm(this.point, n, this.act);
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
        return this.end(from);
    }
    async end(from) {
        this.world.board.disarm();
        await clearFaults(this.world);
        this.endedAt = Date.now();
        this.took = this.endedAt - from;
    }
}

function readResults() {
    const done = new Map();
    if (!existsSync(results)) return done;
    for (const line of readFileSync(results, 'utf8').split('\n').slice(1)) {
        const [name, ofSeed, verdict, hit, act, took, served, unknowns] = line.split('\t');
        if (verdict && Number(ofSeed) === seed) done.set(name, { name, verdict, hit: hit === '1', act, took: Number(took), served: Number(served), unknowns: (unknowns || '').split(',').filter(Boolean).map(Number) });
    }
    return done;
}
const head = 'cell\tseed\tverdict\thit\tact\tms\tserved_ms\tunknown_ms\n';
function note(cell, verdict) {
    appendFileSync(results, [cell.name, seed, verdict, cell.hit ? 1 : 0, cell.act, cell.took, cell.served, cell.unknowns.join(',')].join('\t') + '\n');
}
const again = (cell) => `make crash SEED=${seed} CELL=${cell.name}`;

// Run these cells in one world, and judge them. Returns how many failed.
async function runGroup(world, group) {
    for (const cell of group) {
        try {
            await cell.run();
        } catch (error) {
            cell.error = error;
            break;
        }
    }
    const ran = group.filter((cell) => cell.endedAt);
    const broken = group.find((cell) => cell.error);
    let wrong = [];
    if (broken) wrong.push({ cell: broken, text: broken.error.message });
    else wrong = await judgeGroup(world, ran);
    for (const cell of ran) if (!wrong.some((one) => one.cell === cell)) note(cell, wrong.length === 0 ? 'ok' : 'unjudged');
    for (const { cell, text } of wrong) {
        console.log(`FAIL crash: ${cell ? cell.name : 'group of ' + group[0].name}: ${text}\n     run it alone: ${again(cell ?? group[0])}\n     kept: ${path.relative(process.cwd(), world.folder)}`);
        if (cell?.endedAt) note(cell, 'FAIL');
    }
    return wrong.length;
}

function percentile(list, share) {
    const sorted = [...list].sort((a, b) => a - b);
    return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
function report(cells, done) {
    const mine = cells.map(({ point, fault, round }) => ({ point, fault, ...done.get(`${point}:${fault}:${round}`) })).filter((c) => c.verdict);
    const hit = mine.filter((c) => c.hit);
    const points = new Set(cells.map((c) => c.point));
    const never = [...points].filter((point) => mine.filter((c) => c.point === point).length >= 8 && !hit.some((c) => c.point === point));
    const served = (act) => hit.filter((c) => c.act === act && c.served >= 0).map((c) => c.served);
    const unknowns = mine.flatMap((c) => c.unknowns);
    const say = (name, list) => console.log(`     ${name}: p50 ${percentile(list, 0.5)} ms, p99 ${percentile(list, 0.99)} ms, max ${Math.max(0, ...list)} ms (${list.length})`);
    console.log(`     ${mine.length} of ${cells.length} cells (${points.size} points and events x ${Object.keys(faults).length} faults x ${rounds} rounds), struck in ${hit.length}, ${mine.filter((c) => c.verdict !== 'ok').length} not ok`);
    say('a new request is served after a worker\'s death', served('kill'));
    say('a new request is served after the gateway\'s', served('kill_all'));
    say('the unknown are final after faults end', unknowns);
    for (const point of never) console.log(`FAIL crash: ${point} was never passed`);
    return never.length;
}

mkdirSync(folder, { recursive: true });
if (env.FRESH) rmSync(results, { force: true });
if (!existsSync(results)) appendFileSync(results, head);
const cells = env.CELL ? [env.CELL.split(':')].map(([point, fault, round]) => ({ point, fault, round: Number(round) })) : allCells();
const before = env.CELL ? new Map() : readResults();
// A sample is every event once, and points in an order that is drawn; for so many seconds.
if (env.SAMPLE) {
    const draw = drawsOf('sample');
    const rank = new Map(cells.map((cell) => [cell, (events[cell.point] && cell.round === 0 && cell.fault === 'none' ? 0 : 1e6) + draw(1e6)]));
    cells.sort((a, b) => rank.get(a) - rank.get(b));
}
const bound = env.SAMPLE ? Date.now() + 1000 * Number(env.SAMPLE) : Infinity;
const todo = cells.filter((cell, i) => i % parts === part - 1 && before.get(`${cell.point}:${cell.fault}:${cell.round}`)?.verdict !== 'ok');
let failed = 0;
let world;
while (todo.length > 0 && Date.now() < bound) {
    world ??= await CrashWorld.start(`crash-${part}`);
    const group = todo.splice(0, GROUP).map((cell) => new Cell(world, cell));
    const from = Date.now();
    const wrong = await runGroup(world, group);
    failed += wrong;
    console.log(`${wrong ? 'FAIL' : 'ok  '} crash: ${group[0].name} and ${group.length - 1} more, struck in ${group.filter((c) => c.hit).length} (${Date.now() - from} ms; ${todo.length} to go)`);
    if (wrong) {
        world.abandon();
        for (const proxy of Object.values(world.proxies)) await proxy.stop();
        world = undefined;
        if (failed > 10) break;
    }
}
if (world) await world.end();
const done = readResults();
if (!env.CELL) failed += report(cells, done);
console.log(`crash: ${[...done.values()].filter((c) => c.verdict === 'ok').length} passed, ${failed} failed`);
if (env.SAMPLE) rmSync(results, { force: true });
process.exit(failed === 0 ? 0 : 1);
