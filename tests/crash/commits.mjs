// Campaign of lost commits: whatever becomes of a COMMIT whose answer never comes, the gateway finds out the truth.
//
//   make crash-commits [KIND=wire|stop|promote|cancel|odd] [PART=i/n] [SEED=1] [ROUND=n] [ROUNDS=n] [FRESH=1]
//
// Rounds that held are noted in var/crash-commits/<kind>.tsv and not run again for the same seed and the same state of
// the product; ROUND=n runs that one alone.
import { mkdirSync, readFileSync, appendFileSync, existsSync, renameSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { top } from '../e2e/lib.mjs';
import * as wire from './commits_cuts.mjs';
import * as stop from './commits_stops.mjs';
import { promote, cancel } from './commits_pair.mjs';
import * as odd from './commits_odd.mjs';

const kinds = { wire, stop, promote, cancel, odd };
const seed = Number(process.env.SEED || 1);
const [part, parts] = (process.env.PART || '1/1').split('/').map(Number);
const only = process.env.ROUND ? Number(process.env.ROUND) : undefined;
const folder = path.join(top, 'var', 'crash-commits');
// The product's own files: what only changes tests or documents does not ask for all of it again.
const state = execFileSync('git', ['log', '-1', '--format=%h', '--', 'gateway', 'router', 'providers', 'migrations'], { cwd: top, encoding: 'utf8' }).trim();

function rounds(file) {
    if (process.env.FRESH || !existsSync(file)) return new Map();
    const lines = readFileSync(file, 'utf8').trim().split('\n').map((line) => line.split('\t'));
    return new Map(lines.filter(([at, of]) => at === state && Number(of) === seed).map(([, , round, counts]) => [Number(round), JSON.parse(counts)]));
}
function add(sum, counts) {
    for (const [name, value] of Object.entries(counts)) {
        if (typeof value === 'number') sum[name] = (sum[name] ?? 0) + value;
        else add(sum[name] ??= {}, value);
    }
    return sum;
}
let running;
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { running?.abandon(); process.exit(1); });

async function campaign(name, kind) {
    mkdirSync(folder, { recursive: true });
    const file = path.join(folder, `${name}.tsv`);
    if (process.env.FRESH && part === 1) rmSync(file, { force: true });
    const done = only === undefined ? rounds(file) : new Map();
    const count = Number(process.env.ROUNDS || kind.rounds);
    let world;
    let failed = 0;
    for (let round = 0; round < count; round++) {
        if (only !== undefined ? round !== only : round % parts !== part - 1 || done.has(round)) continue;
        const from = Date.now();
        try {
            running = world ??= await kind.start(`commits-${name}`);
            world.log = [];
            const counts = { ...await kind.round(world, seed, round), payments: world.log.length };
            done.set(round, counts);
            if (only === undefined) appendFileSync(file, `${state}\t${seed}\t${round}\t${JSON.stringify(counts)}\n`);
            console.log(`ok   ${name}: round ${round}: ${JSON.stringify(counts)} (${Date.now() - from} ms)`);
        } catch (error) {
            failed++;
            console.log(`FAIL ${name}: round ${round}: ${error.message}\n     run it alone: make crash-commits KIND=${name} SEED=${seed} ROUND=${round}`);
            if (!world) throw error;
            world.abandon();
            const kept = `${world.folder}-round-${round}`; // the next world has the same name
            rmSync(kept, { recursive: true, force: true });
            renameSync(world.folder, kept);
            console.log(`     kept: ${path.relative(top, kept)}`);
            world = undefined;
            if (failed >= 3) break;
        }
    }
    if (world) await world.stop();
    console.log(`crash-commits ${name}: ${JSON.stringify([...done.values()].reduce(add, { rounds: done.size }))}`);
    return failed;
}

let failed = 0;
for (const [name, kind] of Object.entries(kinds)) {
    if (!process.env.KIND || process.env.KIND === name) failed += await campaign(name, kind);
}
process.exit(failed === 0 ? 0 : 1);
