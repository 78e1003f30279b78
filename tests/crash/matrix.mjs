// matrix.mjs - the crash matrix: each crash point (gateway/base/crash.h) of the real gateway with each fault, ROUNDS
// times; judged by the sandbox's books and the client's own log alone. Goes on where it was stopped:
// var/crash/results.tsv has a line for each cell. CELL=point:fault:round runs that one; SAMPLE=seconds: some of all.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { CrashWorld, folder } from './world.mjs';
import { pointNames } from './board.mjs';
import { faults } from './faults.mjs';
import { scenarioOf } from './scenarios.mjs';
import { operationOf, operationSpots } from './operations.mjs';
import { events } from './events.mjs';
import { Cell, drawsOf, seed } from './cell.mjs';
import { judgeGroup } from './judge.mjs';

const env = process.env;
const rounds = Number(env.ROUNDS || 5);
const [part, parts] = (env.PART || '1/1').split('/').map(Number);
const GROUP = Number(env.GROUP || 24); // cells that are judged together
const results = path.join(folder, env.SAMPLE ? `sample-${process.pid}.tsv` : 'results.tsv');

function allCells() {
    const spots = [...Object.keys(events), ...pointNames().filter((name) => scenarioOf(name)), ...operationSpots];
    const inSet = { payments: (name) => !operationOf(name) && !name.includes('.'), operations: (name) => operationOf(name) || name.includes('.') }[env.SET] ?? (() => true);
    const points = spots.filter((name) => inSet(name) && (!env.ONLY || env.ONLY.split(',').includes(name)));
    const ofFault = Object.keys(faults).filter((name) => !env.FAULT || env.FAULT.split(',').includes(name));
    const cells = [];
    for (let round = 0; round < rounds; round++) for (const point of points) for (const fault of ofFault) cells.push({ point, fault, round });
    return cells;
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
try {
    await world?.end();
} catch (error) { // the sums of all cells
    failed++;
    console.log(`FAIL crash: the end of the world: ${error.message}\n     kept: ${path.relative(process.cwd(), world.folder)}`);
    world.abandon();
}
const done = readResults();
if (!env.CELL) failed += report(cells, done);
console.log(`crash: ${[...done.values()].filter((c) => c.verdict === 'ok').length} passed, ${failed} failed`);
if (env.SAMPLE) rmSync(results, { force: true });
process.exit(failed === 0 ? 0 : 1);
