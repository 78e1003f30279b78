// soak_sample.mjs - what the gateway's processes hold, read from the kernel, PostgreSQL and /metrics.
//
// Two tables, tab separated, a row per sample: one line per process (memory, descriptors, threads), one line per
// gateway (connections to PostgreSQL and to the sandbox, event-loop lag, what was done).
import { execFile } from 'node:child_process';
import { appendFileSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';

const PROCESS = ['seconds', 'phase', 'role', 'pid', 'rss_kb', 'pss_kb', 'anonymous_kb', 'held_kb', 'descriptors', 'kept_descriptors', 'threads'];
const GATEWAY = ['seconds', 'phase', 'postgres_connections', 'sandbox_connections', 'client_connections', 'lag_p50_ms', 'lag_p99_ms', 'lag_max_ms', 'workers', 'orders', 'unresolved'];

const field = (text, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? NaN);

// Lines of established TCP connections, split.
const established = () => ['tcp', 'tcp6'].flatMap((name) => readFileSync(`/proc/net/${name}`, 'utf8').split('\n').slice(1)).map((line) => line.trim().split(/\s+/)).filter((l) => l[3] === '01');

// How many connections live at a moment follows the load; what else a process holds open (files, pipes, listeners,
// and sockets whose other end has gone) must not grow. The connections' number is judged on its own.
function kept(pid, live) {
    const name = (fd) => { try { return readlinkSync(`/proc/${pid}/fd/${fd}`); } catch { return undefined; } };
    return readdirSync(`/proc/${pid}/fd`).map(name).filter((to) => to !== undefined && !live.has(to)).length;
}

// undefined: it has ended meanwhile.
export function process(pid) {
    try {
        const live = new Set(established().map((l) => `socket:[${l[9]}]`));
        const memory = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        return { pid, rss_kb: field(memory, 'Rss'), pss_kb: field(memory, 'Pss'), anonymous_kb: field(memory, 'Anonymous'),
            descriptors: readdirSync(`/proc/${pid}/fd`).length, kept_descriptors: kept(pid, live), threads: field(status, 'Threads') };
    } catch {
        return undefined;
    }
}
// By ASan's own count (leak.c); NaN: it does not count.
function held(file) {
    try { return Math.round(Number(readFileSync(file, 'utf8')) / 1024); } catch { return NaN; }
}
export function family(master) {
    let children = [];
    try {
        children = readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
    } catch { /* it has ended */ }
    const role = (pid) => { try { return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'backtester' ? 'backtester' : 'worker'; } catch { return 'worker'; } };
    return [{ pid: master, role: 'master' }, ...children.map((pid) => ({ pid, role: role(pid) }))];
}
// Established connections by the port of one end.
function connections() {
    const lines = established();
    return (from, to) => lines.filter(([, local]) => { const port = parseInt(local.split(':')[1], 16); return port >= from && port <= to; }).length;
}

const run = (file, args) => new Promise((done) => execFile(file, args, { encoding: 'utf8' }, (error, out) => done(error ? '' : out)));

export class Sampler {
    constructor(world, file, load) {
        Object.assign(this, { world, file, load, from: Date.now(), processes: [], gateway: [], lag: undefined, phase: 'start' });
        writeFileSync(`${file}.processes.tsv`, PROCESS.join('\t') + '\n');
        writeFileSync(`${file}.gateway.tsv`, GATEWAY.join('\t') + '\n');
    }
    async metrics() {
        const text = (await this.world.call('GET', this.world.ops + '/metrics', { timeoutMs: 30000 })).raw;
        const buckets = [...text.matchAll(/^turnpike_event_loop_lag_seconds_bucket\{.*?le="([^"]+)"\} (\d+)/gm)].map((m) => [m[1] === '+Inf' ? Infinity : Number(m[1]), Number(m[2])]);
        return { buckets, unresolved: Number(/^turnpike_unresolved (\d+)/m.exec(text)?.[1] ?? NaN) };
    }
    // Of what the histogram has had since the sample before.
    quantiles(buckets) {
        const before = new Map(this.lag ?? []);
        this.lag = buckets;
        const grown = buckets.map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)]);
        const all = grown.at(-1)?.[1] ?? 0;
        const at = (share) => { const found = grown.find(([, count]) => count >= share * all && count > 0); return found ? found[0] * 1000 : NaN; };
        return [at(0.5), at(0.99), at(1)];
    }
    async take() {
        const seconds = Math.round((Date.now() - this.from) / 100) / 10;
        const { phase, world } = this;
        for (const { pid, role } of family(world.gateway.pid)) {
            const one = process(pid);
            if (!one) continue;
            const row = { seconds, phase, role, ...one, held_kb: held(world.at(`log/held.${pid}`)) };
            this.processes.push(row);
            appendFileSync(`${this.file}.processes.tsv`, PROCESS.map((name) => row[name]).join('\t') + '\n');
        }
        const [backends, { buckets, unresolved }] = await Promise.all([
            run('psql', ['-X', '-q', '-A', '-t', '-d', world.conninfo('postgres'), '-c', `SELECT count(*) FROM pg_stat_activity WHERE usename = 'turnpike_gateway'`]),
            this.metrics().catch(() => ({ buckets: this.lag ?? [], unresolved: NaN })),
        ]);
        const count = connections();
        const [p50, p99, max] = this.quantiles(buckets);
        const row = { seconds, phase, postgres_connections: backends.trim() === '' ? NaN : Number(backends), sandbox_connections: count(world.sandboxPort + 1, world.sandboxPort + 3),
            client_connections: count(world.port, world.port + 1), lag_p50_ms: p50, lag_p99_ms: p99, lag_max_ms: max,
            workers: family(world.gateway.pid).filter((one) => one.role === 'worker').length, orders: this.load.done, unresolved };
        this.gateway.push(row);
        appendFileSync(`${this.file}.gateway.tsv`, GATEWAY.map((name) => row[name]).join('\t') + '\n');
        return row;
    }
    start(everyMs) {
        this.stopping = false;
        this.loop = (async () => {
            let next = Date.now();
            while (!this.stopping) {
                if (Date.now() >= next) { await this.take(); next += everyMs; if (next < Date.now()) next = Date.now() + everyMs; }
                await new Promise((done) => setTimeout(done, Math.min(500, everyMs / 4)));
            }
        })();
    }
    async stop() { this.stopping = true; await this.loop; }
}
