// ledger.mjs - `make bench-ledger`: what finance waits for on a ledger of ten million payments, and what it costs payments.
//
// On the ledger of bench-10m (var/bench-10m; PAYMENTS= of its making): lookups, balances and statements at random moments
// of its half year, for a login that sees the largest merchant and for one that sees all thousand; the export of all of
// it; and PostgreSQL's CPU per payment next to an empty ledger (ROUNDS=3 SECONDS=8; ROUNDS=0 leaves it out).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as b from './lib.mjs';
import { cpuRatio, financeClient, inTurn, openFull, payments, someOf, summary } from './big_world.mjs';

const rounds = process.env.ROUNDS === '0' ? 0 : b.number('ROUNDS', 3);
const seconds = b.number('SECONDS', 8);
const KIND_MS = b.number('KIND_MS', 15000); // at most, for one kind of question
const ASKED_MAX = 3000;

const LIMITS = {
    by_id: ['payment by id, over HTTP: p99 ms', 5], by_reference: ['payment by reference, over HTTP: p99 ms', 5],
    sql_id: ['payment by id, in SQL: p99 ms', 5], sql_reference: ['payment by reference, in SQL: p99 ms', 5],
    balance_then: ['balance of an account at a past moment: p99 ms', 20], trial_now: ['trial balance now, one merchant: p99 ms', 2000],
    trial_then: ['trial balance at a past moment, one merchant: p99 ms', 2000], all_trial_now: ['trial balance now, 1,000 merchants: p99 ms', 2000],
    all_trial_then: ['trial balance at a past moment, 1,000 merchants: p99 ms', 2000], day_statement: ['first row of a day\'s statement, busiest account: p99 ms', 100],
    day_first: ['first lines of the same by a page of 100: p99 ms', 100],
};
const TOLD = { day_book: 'a day\'s book, all its rows: p99 ms', aging: 'aging now: p99 ms', all_balance_then: 'balance at a past moment, 1,000 merchants: p99 ms',
    routes: 'routes of a day: p99 ms', statement: 'page of 100 of the journal: p99 ms' };

// ---- who asks --------------------------------------------------------------------------------------

function makeLogin(world) {
    const [largest] = world.rows('SELECT merchant_id AS id, finance.show_id(\'acc\', account_id) AS account FROM bench_merchants WHERE n = 0');
    world.psql(`DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bench_largest') THEN CREATE ROLE bench_largest LOGIN IN ROLE turnpike_finance; END IF; END $$;
        INSERT INTO finance_access (login, merchant_id) VALUES ('bench_largest', '${largest.id}') ON CONFLICT DO NOTHING`);
    return largest;
}
// Pages of past balances are made by the workers, a few at a time; of ten million payments that takes a while, once.
async function waitForPages(world) {
    const left = () => Number(world.psql(`SELECT count(*) FROM balance_marks k WHERE (SELECT true FROM transfers t WHERE t.merchant_id = k.merchant_id AND t.transfer_id >= k.paged AND t.transfer_id < k.since ORDER BY t.transfer_id OFFSET 1000 LIMIT 1)`));
    b.say(`pages: ${left()} merchants have some to be made`);
    await b.until('the pages of balances are made', async () => left() === 0, 7200_000);
    world.psql('VACUUM (ANALYZE) balance_pages, balance_bounds, balance_marks, balance_snapshots');
}

// ---- questions ---------------------------------------------------------------------------------------

async function ask(client, count, question) {
    const values = [];
    let rows = 0;
    const end = performance.now() + KIND_MS;
    while (values.length < count && performance.now() < end) {
        const { text, values: given, none } = question(values.length);
        const from = performance.now();
        const got = await client.query(text, given);
        values.push(performance.now() - from);
        rows += got.rows.length;
        b.assert(none || got.rows.length > 0, `no rows: ${text} ${JSON.stringify(given)}`);
    }
    return { ...summary(values), rows };
}

async function askSql(world, largest) {
    const one = await financeClient(world, 'bench_largest');
    const all = await financeClient(world);
    const [{ first, last }] = world.rows(`SELECT extract(epoch FROM min(created_at)) * 1000 AS first, extract(epoch FROM max(created_at)) * 1000 AS last FROM payments WHERE merchant_id = '${largest.id}'`);
    const moment = () => new Date(Number(first) + 86400_000 + Math.random() * (last - first - 2 * 86400_000)).toISOString();
    const day = () => moment().slice(0, 10);
    const after = (date) => new Date(Date.parse(date) + 86400_000).toISOString().slice(0, 10);
    const pending = `provider:paypal:${largest.account}:pending`;
    const accounts = [pending, 'merchant:sales', 'fees:payment'];
    const some = someOf(world, ASKED_MAX);
    const statement = (lines) => () => { const date = day(); return { text: `SELECT * FROM finance.account_statement($1, $2, $3, ${lines})`, values: [pending, date, after(date)] }; };
    const result = {};
    const kinds = {
        sql_id: [all, (i) => ({ text: 'SELECT * FROM finance.payments WHERE merchant_id = $1 AND payment_id = $2', values: [some[i % some.length].merchant_id, some[i % some.length].payment_id] })],
        sql_reference: [all, (i) => ({ text: 'SELECT * FROM finance.payments WHERE merchant_id = $1 AND reference = $2', values: [some[i % some.length].merchant_id, some[i % some.length].reference] })],
        balance_then: [one, (i) => ({ text: 'SELECT * FROM finance.balance($1, $2)', values: [accounts[i % 3], moment()] })],
        all_balance_then: [all, (i) => ({ text: 'SELECT * FROM finance.balance($1, $2)', values: [accounts[1 + i % 2], moment()] })],
        trial_now: [one, () => ({ text: 'SELECT * FROM finance.trial_balance' })],
        trial_then: [one, () => ({ text: 'SELECT * FROM finance.trial_balance($1)', values: [moment()] })],
        all_trial_now: [all, () => ({ text: 'SELECT * FROM finance.trial_balance' })],
        all_trial_then: [all, () => ({ text: 'SELECT * FROM finance.trial_balance($1)', values: [moment()] })],
        day_statement: [one, statement(1000)],
        day_first: [one, statement(100)],
        day_book: [one, () => ({ text: 'SELECT * FROM finance.day_book($1)', values: [day()] })],
        aging: [one, () => ({ text: 'SELECT * FROM finance.aging' })],
        routes: [one, () => { const date = day(); return { text: 'SELECT * FROM finance.success_and_cost_by_route($1, $2)', values: [date, after(date)] }; }],
        statement: [all, (i) => ({ text: 'SELECT * FROM finance.statement($1, $2)', values: [some[i % some.length].merchant_id, some[i % some.length].payment_id], none: true })],
    };
    for (const [name, [client, question]] of Object.entries(kinds)) {
        b.say(name);
        result[name] = await ask(client, ASKED_MAX, question);
    }
    await one.end();
    await all.end();
    return result;
}

async function askHttp(world) {
    const keys = new Map(world.keys.map(({ merchant, key }) => [merchant, key]));
    const rows = someOf(world, ASKED_MAX);
    const result = {};
    for (const [name, route] of [['by_id', (row) => `/v1/payments/${row.text}`], ['by_reference', (row) => `/v1/payments?reference=${row.reference}`]]) {
        writeFileSync(world.at(`${name}.lines`), rows.map((row) => `${route(row)}\t\t\tAuthorization: Bearer ${keys.get(row.merchant_id)}\n`).join(''));
        const run = await b.load(world, { name, warmup: 1, seconds: 6, classes: [b.payments(world, 1, { method: 'GET', keyed: false, body: '', path: undefined, lines_file: world.at(`${name}.lines`), headers: 'Accept: application/json\r\n' })] });
        const told = run.classes.payments.total;
        b.assert(Object.keys(told).join() === '200', `reading ${name}: ${JSON.stringify(told)}`);
        result[name] = run.classes.payments.latency;
    }
    return result;
}

// ---- the export ---------------------------------------------------------------------------------------

const field = (text, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? NaN);

async function exportAll(world) {
    const wanted = Number(world.psql('SELECT count(*) FROM transfers t JOIN finance_access f USING (merchant_id) WHERE f.login = \'e2e_finance\''));
    b.say(`export of ${wanted} transfers`);
    const before = await b.mark(world, b.groups(world));
    const from = performance.now();
    const child = spawn(path.join(b.BUILD, 'turnpike'), ['ledger', 'export', '--format', 'csv', '--database', `host=${world.socket} port=5432 dbname=turnpike user=e2e_finance`], { stdio: ['ignore', 'pipe', 'inherit'] });
    const count = spawn('wc', ['-lc'], { stdio: [child.stdout, 'pipe', 'inherit'] });
    child.stdout.destroy();
    let told = '';
    count.stdout.on('data', (chunk) => { told += chunk; });
    const seen = [];
    const watch = setInterval(() => { try { seen.push(field(readFileSync(`/proc/${child.pid}/status`, 'utf8'), 'VmRSS')); } catch { /* it has ended */ } }, 500);
    const [[code]] = await Promise.all([once(child, 'exit'), once(count, 'close')]);
    clearInterval(watch);
    const took = (performance.now() - from) / 1000;
    const after = await b.mark(world, b.groups(world));
    const [lines, bytes] = told.trim().split(/\s+/).map(Number);
    b.assert(code === 0 && lines === wanted + 1, `the export ended with ${code}, ${lines} lines of ${wanted + 1}`);
    const half = seen.length >> 1;
    return { rows: wanted, bytes, seconds: took, rows_per_second: wanted / took, rss_kb_first_half: Math.max(...seen.slice(0, half)), rss_kb_max: Math.max(...seen),
        postgres_us_per_row: (after.cpu_us.postgres - before.cpu_us.postgres) / wanted };
}

// ---- all of it -----------------------------------------------------------------------------------------

function print(result) {
    const n = (value, digits = 2) => (value ?? NaN).toFixed(digits);
    const line = (ok, what, value, limit) => process.stdout.write(`${ok} ${what.padEnd(64)} ${n(value).padStart(10)}  ${limit}\n`);
    process.stdout.write(`\n${result.payments} payments, ${result.export.rows} transfers, ${n(result.database_bytes / 1e9, 1)} GB, ${n(result.database_bytes / result.payments, 0)} bytes per payment\n\n`);
    for (const [name, [what, limit]] of Object.entries(LIMITS)) line(result.asked[name].p99_ms <= limit ? 'ok  ' : 'MISS', `${what} (p50 ${n(result.asked[name].p50_ms)})`, result.asked[name].p99_ms, `<= ${limit}`);
    if (result.empty) line(cpuRatio(result) <= 2 ? 'ok  ' : 'MISS', 'PostgreSQL CPU per payment / that when empty', cpuRatio(result), '<= 2 (goal 1.4)');
    line(result.export.rows_per_second >= 200000 ? 'ok  ' : 'MISS', `export: rows/s (PostgreSQL ${n(result.export.postgres_us_per_row)} us a row)`, result.export.rows_per_second, '>= 200000');
    line(result.export.rss_kb_max <= 1.1 * result.export.rss_kb_first_half ? 'ok  ' : 'MISS', 'export: resident memory, its end / its first half', result.export.rss_kb_max / result.export.rss_kb_first_half, `<= 1.1 (${n(result.export.rss_kb_max / 1024, 1)} MB)`);
    for (const [name, what] of Object.entries(TOLD)) line('    ', `${what} (p50 ${n(result.asked[name].p50_ms)})`, result.asked[name].p99_ms, `${Math.round(result.asked[name].rows / result.asked[name].count)} rows`);
}

let result = { at: new Date().toISOString(), payments, rounds, seconds };
let full;
let failed;
try {
    full = await openFull();
    const largest = makeLogin(full);
    await waitForPages(full);
    result.asked = { ...await askHttp(full), ...await askSql(full, largest) };
    result.export = await exportAll(full);
    result.database_bytes = Number(full.psql('SELECT pg_database_size(current_database())'));
    if (rounds > 0) result = { ...result, ...await inTurn(full, rounds, seconds) };
} catch (error) {
    failed = error;
}
process.env.KEEP = '1';
await full?.stop();
const file = b.writeResult('bench-ledger', { ...result, failed: failed?.message });
if (failed) { process.stderr.write(`bench-ledger: ${failed.stack}\n`); process.exit(1); }
print(result);
console.log(`JSON: ${file}`);
