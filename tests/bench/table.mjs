// table.mjs - the result of `make bench` for people: what was measured, what it should be, and whether it is.
import { cpus } from 'node:os';
import { median } from './lib.mjs';

const round = (value, digits = 0) => (value === null || value === undefined || Number.isNaN(value) ? '-' : value.toFixed(digits));
const spread = (values, digits = 0) => (values.length < 2 ? '' : `${round(Math.min(...values), digits)}-${round(Math.max(...values), digits)}`);

function row(...cells) {
    const widths = [34, 11, 14, 11, 11, 9, 9, 9, 9];
    process.stdout.write(cells.map((cell, i) => (i === 0 ? `${cell}`.padEnd(widths[0]) : `${cell}`.padStart(widths[i]))).join(' ').trimEnd() + '\n');
}

function throughput(result) {
    row('payments/s and CPU us per payment', 'payments/s', 'spread', 'gateway', 'PostgreSQL', 'sandbox', 'load', 'WAL B', 'batch');
    const of = (list, get) => list.map(get);
    if (result.a.length) row('(a) pgbench, 32 clients', round(median(of(result.a, (r) => r.rate))), spread(of(result.a, (r) => r.rate)), '', round(median(of(result.a, (r) => r.postgres_us))), '', '', round(median(of(result.a, (r) => r.wal_bytes))));
    const line = (title, list, own) => row(title, round(median(of(list, (r) => r.rate))), spread(of(list, (r) => r.rate)), ...[own, 'postgres', 'sandbox', 'load'].map((name) => round(median(of(list, (r) => r.cpu_us[name])))),
        round(median(of(list, (r) => r.wal_bytes))), round(median(of(list, (r) => r.batch?.mean_rows)), 1));
    if (result.b.length) line(`(b) Fastify + pg, ${result.b[0].connections} connections`, result.b, 'service');
    for (const n of new Set(result.c.map((r) => r.connections))) line(`(c) gateway, ${n} connections`, result.c.filter((r) => r.connections === n), 'gateway');
}

function latencies(result) {
    const named = Object.entries(result.d);
    if (named.length === 0) return;
    process.stdout.write('\n');
    row('ms added to the provider\'s 50', 'offered/s', 'done/s', 'p50', 'p99', 'p99.9', 'max');
    for (const [name, d] of named) row(`(d) open loop, ${name === 'half' ? 'half of the best' : `${name}/s`}`, round(d.offered), round(d.rate), ...['p50_ms', 'p99_ms', 'p999_ms'].map((p) => round(d.added[p], 1)), round(d.latency.max_ms - 50, 1));
}

// [what, measured, at least or at most, limit]
export function goals(result) {
    const c = (get) => result.c.filter((r) => r.connections > 128).map(get);
    const a = median(result.a.map((r) => r.rate));
    const b = median(result.b.map((r) => r.rate));
    const list = [];
    const add = (what, value, kind, limit, digits = 0) => list.push({ what, value, kind, limit, digits });
    if (result.c.length) {
        if (a) add('(c) / (a)', result.best / a, '>=', 2.5, 2);
        if (b) add('(c) / (b)', result.best / b, '>=', 6.5, 2);
        add('gateway CPU us per payment', median(c((r) => r.cpu_us.gateway)), '<=', 160);
        add('PostgreSQL CPU us per payment', median(c((r) => r.cpu_us.postgres)), '<=', 140);
        add('WAL bytes per payment', median(c((r) => r.wal_bytes)), '<=', 5200);
        add('kB of memory per payment in flight', median(c((r) => r.memory_kb)), '<=', 80, 1);
    }
    if (result.d.half) {
        add('half load: ms added, p50', result.d.half.added.p50_ms, '<=', 8, 1);
        add('half load: ms added, p99', result.d.half.added.p99_ms, '<=', 30, 1);
    }
    if (result.e) {
        add('twice the best: share of best', result.e.share_of_best, '>=', 0.8, 2);
        if (result.e.refusals) add('twice the best: refusals, p99 ms', result.e.refusals.p99_ms, '<=', 50, 1);
        add('twice the best: waiting, last/first third', result.e.queue_growth, '<=', 1.5, 2);
    }
    if (result.f) add('slow provider beside: p99 / alone', result.f.ratio_p99, '<=', 1.2, 2);
    return list.map((goal) => ({ ...goal, met: goal.kind === '<=' ? goal.value <= goal.limit : goal.value >= goal.limit }));
}

export function print(result) {
    const out = process.stdout;
    out.write('\n');
    throughput(result);
    latencies(result);
    if (result.e) out.write(`\n(e) ${round(result.e.offered)}/s offered: ${round(result.e.goodput)}/s done, answers ${JSON.stringify(result.e.told)}, refusals p50/p99 ${round(result.e.refusals?.p50_ms, 1)}/${round(result.e.refusals?.p99_ms, 1)} ms, ` +
        `accepted p50/p99 ${round(result.e.latency?.p50_ms)}/${round(result.e.latency?.p99_ms)} ms, waiting per second ${result.e.waiting_at_second.join(' ')}\n`);
    if (result.f) out.write(`\n(f) ${round(result.f.offered)}/s, a fifth of it to a provider at 30 s: healthy p50/p99 ${round(result.f.healthy_beside.p50_ms, 1)}/${round(result.f.healthy_beside.p99_ms, 1)} ms, without it ` +
        `${round(result.f.healthy_alone.p50_ms, 1)}/${round(result.f.healthy_alone.p99_ms, 1)} ms; the slow one's answers ${JSON.stringify(result.f.slow)}\n`);
    const fsync = (result.fsync ?? []).map((f) => `${f.p50_us} (p99 ${f.p99_us})`).join(' and ');
    out.write(`\nfsync of 8 kB in this run: ${fsync} us; workers: ${result.workers}; cores that other programs used: ${spread([...result.b, ...result.c, ...Object.values(result.d)].map((r) => r.others_cores), 1) || '-'} of ${cpus().length}; rounds: ${result.rounds} of ${result.seconds} s\n\n`);
    for (const goal of goals(result)) out.write(`${goal.met ? 'ok  ' : 'MISS'} ${goal.what.padEnd(44)} ${round(goal.value, goal.digits).padStart(8)}  ${goal.kind} ${goal.limit}\n`);
}
