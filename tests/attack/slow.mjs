// slow.mjs - drive the slow clients of slow.c and honest payments of the bench's load generator side by side.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { top } from '../e2e/lib.mjs';

const build = path.resolve(top, process.env.BUILD ?? 'build');

// Where the program was not made beforehand.
function makeAttackers() {
    const done = spawnSync('make', ['--no-print-directory', '-s', `BUILD=${build}`, path.join(build, 'attack', 'slow')], { cwd: top, encoding: 'utf8', env: { ...process.env, MAKEFLAGS: '' } });
    if (done.status !== 0) throw new Error(`the attackers do not build: ${done.stderr}`);
}

// Start the attackers; resolves when all are at the start line (or under way, with steady).
export async function startAttackers(world, { head = 0, body = 0, read = 0, hello = 0, perSecond = 700, from = 1, addresses = 1, dripMs = 1000, steady = false, nice = 10, authorization }) {
    makeAttackers();
    const args = ['--port', `${world.port}`, '--head', `${head}`, '--body', `${body}`, '--read', `${read}`, '--hello', `${hello}`,
        '--per-second', `${perSecond}`, '--from', `${from}`, '--addresses', `${addresses}`, '--drip-ms', `${dripMs}`, ...(steady ? ['--steady'] : []),
        ...(authorization ? ['--authorization', authorization, '--path', '/v1/payments?limit=100'] : [])];
    const child = spawn('nice', ['-n', `${nice}`, path.join(build, 'attack', 'slow'), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const ended = new Promise((done) => child.once('close', done));
    const line = async () => {
        const { value, done } = await lines.next();
        if (done) throw new Error(`the attackers ended with ${await ended}`);
        return value;
    };
    const word = async (name) => {
        const text = await line();
        if (!text.startsWith(`${name} `)) throw new Error(`the attackers said ${text}`);
        return Number(text.slice(name.length + 1));
    };
    return {
        pid: child.pid,
        ready: () => word('ready'),
        go: async () => { child.stdin.write('go\n'); return word('attacking'); },
        result: async () => { const result = JSON.parse(await line()); await ended; return result; },
        kill: () => child.kill('SIGKILL'),
    };
}

// Honest payments at a rate, from 127.0.0.1, each timed from when it was due: {statuses, latency}.
export function payHonestly(world, { rate, seconds, connections = 64, name = 'honest' }) {
    const file = world.at(`load-${name}.json`);
    writeFileSync(file, JSON.stringify({
        host: '127.0.0.1', port: world.port, ca: world.at('tls/ca.pem'), seed: 0, rate, warmup: 0.5, seconds, drain: 30,
        classes: [{ name, method: 'POST', path: '/v1/payments', keyed: true, connections,
            headers: `Authorization: Bearer ${world.key}\r\nContent-Type: application/json\r\n`,
            body: JSON.stringify(world.payment({ reference: '${key}' })) }],
    }));
    const child = spawn(path.join(build, 'bench', 'load'), [file], { stdio: ['ignore', 'pipe', 'pipe'] });
    return new Promise((resolve, reject) => {
        const out = [];
        const err = [];
        child.stdout.on('data', (chunk) => out.push(chunk));
        child.stderr.on('data', (chunk) => err.push(chunk));
        child.once('error', reject);
        child.once('close', (code) => {
            if (code !== 0) return reject(new Error(`the load generator: ${Buffer.concat(err)}`));
            const result = JSON.parse(Buffer.concat(out));
            resolve({ statuses: result.classes[name].total, latency: result.classes[name].latency, lost: result.lost });
        });
    });
}

const processes = (world) => [world.gateway.pid, ...readdirSync(`/proc/${world.gateway.pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${world.gateway.pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean))];
const sum = (world, look) => processes(world).reduce((all, pid) => {
    try { return all + look(pid); } catch { return all; /* it has ended */ }
}, 0);

// Memory of the gateway's processes, shared pages counted once: the largest seen until stop().
export function watchMemory(world) {
    let most = 0;
    const look = () => { most = Math.max(most, sum(world, (pid) => Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]) * 1024)); };
    look();
    const timer = setInterval(look, 250);
    return { stop: () => { clearInterval(timer); look(); return most; } };
}

// CPU seconds that the gateway's processes have taken.
export const cpuSeconds = (world) => sum(world, (pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
});

export const milliseconds = (value) => `${Math.round(value * 10) / 10} ms`;
export const megabytes = (value) => `${Math.round(value / 1e5) / 10} MB`;
