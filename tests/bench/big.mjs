// big.mjs - `make bench-10m`: what a ledger of ten million payments costs, next to an empty one in the same run.
//
//     var/bench-10m/   a cluster of its own, filled by bench-fill from two real payments (one approved, one
//                      declined); kept, and gone on with where it was stopped. PAYMENTS=1000000 makes a smaller one.
//
// Then, in turn on the empty and on the full ledger: part (c) of the bench, 40 merchants; then reads on the full one.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as b from './lib.mjs';
import { canonical } from './rows.mjs';
import { cpuRatio, financeClient, inTurn, middle, openFull, payments, someOf, summary } from './big_world.mjs';

const rounds = b.number('ROUNDS', 3);
const seconds = b.number('SECONDS', 8);
const READS = 4000;
const READ_MS = 15000; // at most, for one kind
const LIMIT_MS = 5;

// ---- reads ---------------------------------------------------------------------------------------------

async function readApi(world) {
    const keys = new Map(world.keys.map(({ merchant, key }) => [merchant, key]));
    const rows = someOf(world, READS);
    const line = (row, route, key, body) => `${route}\t${key}\t${body}\tAuthorization: Bearer ${keys.get(row.merchant_id)}\n`;
    const request = (row) => canonical(JSON.parse(b.body().replaceAll('${key}', row.key).replace('"amount":4599', `"amount":${row.amount_minor}`)));
    const body = (row) => (row.declined ? request(row).replaceAll('tok_ok', 'tok_hard') : request(row));
    writeFileSync(world.at('id.lines'), rows.map((row) => line(row, `/v1/payments/${row.text}`, '', '')).join(''));
    writeFileSync(world.at('key.lines'), rows.map((row) => line(row, '/v1/payments', row.key, body(row))).join(''));
    const result = {};
    for (const [name, more] of [['id', { method: 'GET', keyed: false, body: '' }], ['key', {}]]) {
        const run = await b.load(world, { name: `read-${name}`, warmup: 1, seconds: 6, classes: [b.payments(world, 1, { ...more, path: undefined, lines_file: world.at(`${name}.lines`), headers: 'Accept: application/json\r\n' })] });
        const told = run.classes.payments.total;
        const wanted = name === 'id' ? '200' : '201';
        b.assert(Object.keys(told).join() === wanted, `reading by ${name}: ${JSON.stringify(told)}`);
        result[name] = run.classes.payments.latency;
    }
    b.assert(await b.chargeCount(world) === 0, 'a repeated key charges nobody');
    return result;
}

async function readFinance(world) {
    const client = await financeClient(world);
    const starts = someOf(world, READS);
    const queries = {
        // A page of the journal, from anywhere in it: the hundred movements before a payment.
        statement: 'SELECT * FROM finance.statement($1, $2)',
        balance: 'SELECT * FROM finance.trial_balance WHERE merchant_id = $1',
    };
    const result = {};
    for (const [name, text] of Object.entries(queries)) {
        const values = [];
        const end = performance.now() + READ_MS;
        for (const row of starts) {
            if (performance.now() > end) break;
            const from = performance.now();
            const got = await client.query({ name, text, values: name === 'statement' ? [row.merchant_id, row.payment_id] : [row.merchant_id] });
            values.push(performance.now() - from);
            b.assert(got.rows.length > 0, `${name}: no rows`);
        }
        result[name] = summary(values);
    }
    await client.end();
    return result;
}

// ---- all of it ------------------------------------------------------------------------------------------

function print(result) {
    const out = process.stdout;
    const n = (value, digits = 0) => (value ?? NaN).toFixed(digits);
    out.write(`\n${'ledger'.padEnd(22)}${'payments/s'.padStart(12)}${'gateway us'.padStart(12)}${'PostgreSQL us'.padStart(15)}${'WAL B'.padStart(9)}${'p99 ms'.padStart(9)}\n`);
    for (const [name, list] of [['empty', result.empty], [`${result.payments} payments`, result.full]])
        out.write(`${name.padEnd(22)}${n(middle(list, (r) => r.rate)).padStart(12)}${n(middle(list, (r) => r.cpu_us.gateway)).padStart(12)}${n(middle(list, (r) => r.cpu_us.postgres)).padStart(15)}${n(middle(list, (r) => r.wal_bytes)).padStart(9)}${n(middle(list, (r) => r.p99_ms)).padStart(9)}\n`);
    out.write(`${(result.database_bytes / 1e9).toFixed(1)} GB, ${n(result.database_bytes / result.payments)} bytes per payment\n\n`);
    const goal = (what, value, limit, digits) => out.write(`${value <= limit ? 'ok  ' : 'MISS'} ${what.padEnd(44)} ${n(value, digits).padStart(8)}  <= ${limit}\n`);
    goal('PostgreSQL CPU per payment / that when empty', cpuRatio(result), 2, 2);
    for (const [name, what] of [['id', 'payment by id'], ['key', 'payment by key'], ['statement', 'statement page of 100'], ['balance', 'balance']])
        goal(`${what}: p99 ms (p50 ${n(result.reads[name].p50_ms, 2)})`, result.reads[name].p99_ms, LIMIT_MS, 2);
}

let result = { at: new Date().toISOString(), payments, rounds, seconds };
let full;
let failed;
try {
    full = await openFull();
    result.fsync = [await b.fsyncTime(full)];
    result = { ...result, ...await inTurn(full, rounds, seconds) };
    result.database_bytes = Number(full.psql('SELECT pg_database_size(current_database())'));
    b.say('reads');
    result.reads = { ...await readApi(full), ...await readFinance(full) };
} catch (error) {
    failed = error;
}
process.env.KEEP = '1';
await full?.stop();
const file = b.writeResult('bench-10m', { ...result, failed: failed?.message });
if (failed) { process.stderr.write(`bench-10m: ${failed.message}\n`); process.exit(1); }
print(result);
process.stdout.write(`\nJSON: ${file}\n`);
