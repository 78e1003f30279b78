// profile.mjs - `make profile`: where the gateway's CPU goes at saturation, by library, by part and by function.
//
// perf samples the first worker's stacks (DWARF unwinding: Debian's libraries have no frame pointers) under the
// load of part (c). CONNECTIONS=512 SECONDS=8; OF=postgres or OF=sandbox looks at those instead.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import * as b from './lib.mjs';

const seconds = b.number('SECONDS', 8);
const connections = b.number('CONNECTIONS', 512);
const of = process.env.OF || 'gateway';
const LINES = 45;
const HERTZ = 499;
const out = [];

function pidOf(world) {
    if (of === 'sandbox') return world.sandboxProcess.pid;
    if (of === 'gateway') return b.children(world.gateway.pid)[0] ?? world.gateway.pid;
    if (of !== 'postgres') throw new Error(`OF must be gateway, postgres or sandbox, not "${of}"`);
    // The first writer's backend.
    return Number(world.psql(`SELECT pid FROM pg_stat_activity WHERE usename = 'turnpike_gateway' AND application_name LIKE '%writer%' ORDER BY pid LIMIT 1`));
}

// One sample: frames from the innermost on.
async function readSamples(file) {
    const perf = spawn('perf', ['script', '-i', file, '-F', 'ip,sym,dso'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const samples = [];
    let frames = [];
    for await (const line of createInterface({ input: perf.stdout })) {
        const found = /^\s*[0-9a-f]+ (.*) \((.*)\)$/.exec(line);
        if (found) {
            frames.push({ name: found[1].replace(/\+0x[0-9a-f]+$/, '').replace(/ \(inlined\)$/, ''), inlined: found[2] === 'inlined', library: path.basename(found[2]) });
        } else if (frames.length > 0) {
            samples.push(frames);
            frames = [];
        }
    }
    if (frames.length > 0) samples.push(frames);
    // An inlined frame belongs to the library of the frame that it is inlined into; libc's own names stay libc's.
    for (const sample of samples)
        for (let i = sample.length - 2; i >= 0; i--)
            if (sample[i].inlined) sample[i].library = /^(_|mem|str)/.test(sample[i].name) ? 'libc.so' : sample[i + 1].library;
    return samples;
}

const scaffold = new Set(['loop_run', 'worker_run', 'main', '_start', 'command_serve', 'master_run', 'event_base_loop', '[unknown]', 'run_ready', 'run_workers',
    'start_worker', 'become_worker', 'tick', 'watch_workers', '__libc_start_call_main', '__libc_start_main_impl']);
const name = (library) => library.replace(/\.so.*$/, '').replace('[kernel.kallsyms]', 'kernel').replace(/-2\.1$/, '').replace(/^turnpike$/, 'own code');

function count(samples, keysOf) {
    const counts = new Map();
    for (const sample of samples) for (const key of new Set(keysOf(sample))) counts.set(key, (counts.get(key) ?? 0) + 1);
    return [...counts].sort((a, c) => c[1] - a[1]);
}
function print(title, counts, total, us) {
    out.push('', title);
    for (const [key, n] of counts.slice(0, LINES)) out.push(`${(100 * n / total).toFixed(1).padStart(6)} % ${(us * n / total).toFixed(1).padStart(6)} us  ${key}`);
}

const world = await b.makeWorld('profile');
const file = world.at('perf.data');
let failed;
try {
    await b.prime(world);
    const load = b.load(world, { name: 'profile', warmup: 3, seconds: seconds + 1, classes: [b.payments(world, connections)] });
    await new Promise((done) => setTimeout(done, 4000)); // connections and warm-up
    const perf = spawn('perf', ['record', '-F', `${HERTZ}`, '--call-graph', 'dwarf,16384', '-p', `${pidOf(world)}`, '-o', file, 'sleep', `${seconds - 2}`], { stdio: ['ignore', 'pipe', 'pipe'] });
    let complaint = '';
    perf.stdout.on('data', (chunk) => { complaint += chunk; });
    perf.stderr.on('data', (chunk) => { complaint += chunk; });
    const [code] = await once(perf, 'close');
    const result = await load;
    b.assert(code === 0 && existsSync(file), `perf failed with ${code}: ${complaint.trim()} (is kernel.perf_event_paranoid above 2, or perf missing?)`);
    const samples = await readSamples(file);
    b.assert(samples.length > 100, `only ${samples.length} samples: is there load?`);
    const us = result.cpu_us[of];
    out.push(`${of}: ${us.toFixed(0)} us of CPU per payment at ${result.rate.toFixed(0)} payments/s, ${connections} connections (perf's own cost included); ${samples.length} samples`);
    const own = (sample) => sample.filter((f) => f.library === 'turnpike' && !scaffold.has(f.name));
    print('by library (where the CPU is)', count(samples, (s) => [name(s[0].library)]), samples.length, us);
    if (of !== 'postgres') print('by own function nearest to it', count(samples, (s) => [own(s)[0]?.name ?? 'event loop, TLS of clients']), samples.length, us);
    print('by function, with all that it calls', count(samples, (s) => s.filter((f) => !scaffold.has(f.name)).map((f) => `${f.name}  (${name(f.library)})`)), samples.length, us);
    print('by function alone', count(samples, (s) => [`${s[0].name}  (${name(s[0].library)})`]), samples.length, us);
} catch (error) {
    failed = error;
}
await world.stop();
process.stdout.write(out.join('\n') + '\n');
if (failed) { process.stderr.write(`profile: ${failed.message}\n`); process.exit(1); }
