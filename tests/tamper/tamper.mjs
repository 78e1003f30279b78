// Tamper evidence, proven: as superuser one change after the other is made to a sealed ledger, whatever a thief or a
// vandal with the whole database might do, and `turnpike ledger verify` must find each against the anchors, and name
// the row where one can be named. COUNT tamperings from SEED, of PART=i/n; each says how to repeat it (ONLY=n).
// ANCHORS=none shows what they are for: whoever makes the chain anew with the key is then not found.
import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { tmpdir } from 'node:os';
import { anchorOf, columnsOf, insertOf, resign, rootOf, sealOf, sha, show, zeroId } from './forge.mjs';

const top = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../..');
const binary = path.resolve(top, process.env.BUILD || 'build', 'turnpike');
const ONLY = Number(process.env.ONLY || 0);
const COUNT = Number(process.env.COUNT || 10000);
const SEED = Number(process.env.SEED || 1);
const [part, parts] = (process.env.PART || '1/1').split('/').map(Number);
const MERCHANTS = Number(process.env.MERCHANTS || 64);
const ROWS = 500;
const folder = mkdtempSync(path.join(tmpdir(), 'turnpike-tamper-'));

function random(seed) { // mulberry32
    let a = seed >>> 0;
    return (n) => { a = (a + 0x6d2b79f5) >>> 0; let t = a; t = Math.imul(t ^ (t >>> 15), t | 1); t ^= t + Math.imul(t ^ (t >>> 7), t | 61); return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n); };
}
function must(command, args, env = {}) {
    const done = spawnSync(command, args, { cwd: top, encoding: 'utf8', env: { ...process.env, ...env } });
    if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.stderr || done.stdout}`);
    return done.stdout.trim();
}

// ---- one psql that stays --------------------------------------------------------------------------
let socket;
const conninfo = () => `host=${socket} port=5432 dbname=postgres user=postgres`;
let psql;
let said = '';
let wake;
function connect() {
    psql = spawn('psql', ['-X', '-q', '-A', '-t', '-d', conninfo()], { cwd: top, stdio: ['pipe', 'pipe', 'pipe'] });
    psql.stdout.on('data', (chunk) => { said += chunk; wake?.(); });
    let errors = '';
    psql.stderr.on('data', (chunk) => { errors += chunk; wake?.(); });
    psql.errors = () => { const text = errors; errors = ''; return text; };
}
let mark = 0;
async function query(sql) {
    const end = `--end ${++mark}--`;
    said = '';
    psql.stdin.write(`${sql}\n;\n\\echo ${end}\n`);
    while (!said.includes(end)) await new Promise((done) => { wake = done; });
    const errors = psql.errors().split('\n').filter((line) => /ERROR/.test(line));
    if (errors.length) throw new Error(`${errors[0]} in ${sql.slice(0, 300)}`);
    return said.slice(0, said.indexOf(end)).trim().split('\n').filter(Boolean);
}

// ---- a sealed ledger --------------------------------------------------------------------------------
const { privateKey: key, publicKey } = generateKeyPairSync('ed25519');
const { privateKey: thiefsKey } = generateKeyPairSync('ed25519');
const chains = new Map(); // merchant: seals
const anchored = new Map(); // merchant: numbers
let columns, rowSql, readRow;
const startMs = Date.now() - 6 * 3600 * 1000;
const idAt = (ms, n) => { const hex = ms.toString(16).padStart(12, '0'); return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`; };
const leavesOf = async (merchant) => new Map((await query(`SELECT ${rowSql} FROM transfers t WHERE merchant_id = '${merchant}' ORDER BY transfer_id`)).map((line) => { const row = readRow(line); return [row.id, row]; }));

async function fill() {
    await query(`INSERT INTO merchants (merchant_id, name, country, livemode, created_at) SELECT m, 'tamper ' || m, 'DE', true, now() FROM unnest(ARRAY[${merchants.map((m) => `'${m}'::uuid`).join(', ')}]) m`)
        .catch(() => undefined); // its columns are not our business: transfers and seals are enough
    for (const [i, merchant] of merchants.entries()) {
        const values = [];
        for (let n = 0; n < ROWS; n++) {
            const ms = startMs + n * 3000 + i;
            const id = idAt(ms, n * 100 + i);
            const pending = n % 7 === 3 ? `'${idAt(startMs + (n - 1) * 3000 + i, (n - 1) * 100 + i)}'` : 'NULL';
            values.push(`('${merchant}', '${id}', '${idAt(ms - 5, 7)}', '${idAt(ms - 4, 8)}', ${pending}, '${idAt(startMs, i + 1)}', to_timestamp(${ms / 1000}), ${1 + (n * 7919) % 99999}, ${n}, '${pending === 'NULL' ? 'posted' : 'voided'}',
                'provider:paypal:acc_${i}:pending', 'merchant:sales', '${['EUR', 'USD', 'JPY'][n % 3]}', '${['payment', 'fee', 'authorization'][n % 3]}')`);
        }
        await query(`INSERT INTO transfers (merchant_id, transfer_id, payment_id, attempt_id, pending_id, writer_id, created_at, amount_minor, batch_no, state, debit_account, credit_account, currency, kind) VALUES ${values.join(',')}`);
    }
}
// Chains as the sealer makes them: ranges, and now and then rows that came late.
async function sealAll(rnd) {
    const lines = [];
    for (const merchant of merchants) {
        const rows = [...(await leavesOf(merchant)).values()];
        const seals = [];
        const numbers = new Set();
        let waiting = [];
        let at = 0;
        while (at < rows.length - 20) { // the newest are not sealed
            const size = 1 + rnd(60);
            const range = [];
            const next = [];
            const end = Math.min(at + size, rows.length - 20);
            for (; at < end; at++) (rnd(40) === 0 && at + 1 < end ? next : range).push(rows[at]);
            const number = (seals.at(-1)?.number ?? 0) + 1;
            const seal = sealOf(merchant, seals.at(-1) ?? null, { number, to: rows[at - 1].id, late: waiting, range, sealed_us: (startMs + at * 3000 + 20000) * 1000 }, key);
            seal.parts = { late: waiting, range };
            seals.push(seal);
            for (const row of waiting) await query(`INSERT INTO seal_late VALUES ('${merchant}', '${row.id}', ${number})`);
            waiting = next;
            if (rnd(3) > 0) numbers.add(number);
        }
        for (const row of waiting) await query(`INSERT INTO seal_late VALUES ('${merchant}', '${row.id}', NULL)`);
        numbers.add(seals.at(-1).number);
        for (const seal of seals) if (numbers.has(seal.number)) lines.push(anchorOf(seal, show));
        await query(seals.map(insertOf).join('\n'));
        chains.set(merchant, seals);
        anchored.set(merchant, numbers);
    }
    writeFileSync(path.join(folder, 'anchors'), lines.join(''));
    writeFileSync(path.join(folder, 'public.pem'), publicKey.export({ format: 'pem', type: 'spki' }));
}
const merchants = Array.from({ length: MERCHANTS }, (_, i) => idAt(Date.now() - 86400000, i + 1));

function verify(merchant) {
    return spawnSync(binary, ['ledger', 'verify', '--database', conninfo(), ...(process.env.ANCHORS === 'none' ? [] : ['--anchors', path.join(folder, 'anchors')]), '--key', path.join(folder, 'public.pem'),
        '--jobs', '1', ...(merchant ? ['--merchant', show('mer', merchant)] : [])], { cwd: top, encoding: 'utf8' });
}
const tables = ['transfers', 'seals', 'seal_late'];
async function putBack(touched) {
    const list = touched.map((m) => `'${m}'`).join(', ');
    await query(`BEGIN; ${tables.map((t) => `DELETE FROM ${t} WHERE merchant_id IN (${list}); INSERT INTO ${t} SELECT * FROM kept_${t} WHERE merchant_id IN (${list});`).join(' ')} COMMIT`);
}

// ---- what a vandal does ------------------------------------------------------------------------------
// Each gives {sql, names: ids of which one must be named, text: what must be said, touched}.
const pick = (rnd, list) => list[rnd(list.length)];
const sealedRows = (merchant) => chains.get(merchant).flatMap((seal) => [...seal.parts.late, ...seal.parts.range]);
const where = (merchant, id) => `merchant_id = '${merchant}' AND transfer_id = '${id}'`;
const flipId = (id, bit) => { const b = Buffer.from(id.replaceAll('-', ''), 'hex'); b[bit >> 3] ^= 1 << (bit & 7); const h = b.toString('hex'); return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`; };

async function flipBit(rnd, merchant) {
    const row = pick(rnd, sealedRows(merchant));
    const { name, type } = pick(rnd, columns);
    const at = where(merchant, row.id);
    if (name === 'merchant_id' || name === 'transfer_id') {
        const to = flipId(name === 'merchant_id' ? merchant : row.id, rnd(128));
        return { sql: `UPDATE transfers SET ${name} = '${to}' WHERE ${at}`, names: name === 'merchant_id' ? [row.id] : [row.id, to], touched: name === 'merchant_id' ? [merchant, to] : [merchant] };
    }
    const digit = 1 + rnd(8);
    const flips = {
        uuid: `overlay(${name}::text placing CASE substr(${name}::text, ${digit}, 1) WHEN 'f' THEN 'e' ELSE 'f' END from ${digit})::uuid`,
        bigint: `${name} # (1::bigint << ${rnd(62)})`,
        integer: `${name} # (1 << ${rnd(30)})`,
        'timestamp with time zone': `${name} + ${1 + rnd(1000000)} * interval '1 microsecond' * ${rnd(2) ? 1 : -1}`,
        text: `convert_from(set_byte(convert_to(${name}, 'UTF8'), length(${name}) - 1, get_byte(convert_to(${name}, 'UTF8'), length(${name}) - 1) # ${1 + rnd(3)}), 'UTF8')`,
        boolean: `NOT ${name}`,
    };
    const other = { uuid: `'${idAt(startMs, 99)}'`, 'timestamp with time zone': 'now()', bigint: '1', integer: '1', boolean: 'true' }[type] ?? "'x'";
    const isNull = `${name} IS NULL`;
    return { sql: `UPDATE transfers SET ${name} = CASE WHEN ${isNull} THEN ${other} WHEN ${rnd(8) === 0} AND ${["pending_id", "effective_at"].includes(name)} THEN NULL ELSE ${flips[type]} END WHERE ${at}`, names: [row.id], touched: [merchant] };
}
async function editRow(rnd, merchant) {
    const row = pick(rnd, sealedRows(merchant));
    const set = pick(rnd, ['amount_minor = amount_minor + 1', 'amount_minor = amount_minor * 10', "debit_account = credit_account, credit_account = debit_account", "currency = CASE currency WHEN 'EUR' THEN 'USD' ELSE 'EUR' END",
        "created_at = created_at - interval '1 day'", "kind = kind || ' '", "state = CASE state WHEN 'posted' THEN 'pending' ELSE 'posted' END", 'batch_no = batch_no + 1', "debit_account = ''", "payment_id = attempt_id"]);
    return { sql: `UPDATE transfers SET ${set} WHERE ${where(merchant, row.id)}`, names: [row.id], touched: [merchant] };
}
async function swapRows(rnd, merchant) {
    const rows = sealedRows(merchant);
    const a = pick(rnd, rows);
    let b = pick(rnd, rows);
    while (b === a) b = pick(rnd, rows);
    return { sql: `BEGIN; UPDATE transfers SET transfer_id = '${zeroId}' WHERE ${where(merchant, a.id)}; UPDATE transfers SET transfer_id = '${a.id}' WHERE ${where(merchant, b.id)};
        UPDATE transfers SET transfer_id = '${b.id}' WHERE ${where(merchant, zeroId)}; COMMIT`, names: [a.id, b.id], touched: [merchant] };
}
async function deleteRows(rnd, merchant) {
    const rows = sealedRows(merchant).sort((x, y) => (x.id < y.id ? -1 : 1));
    const from = rnd(rows.length);
    const gone = rows.slice(from, from + pick(rnd, [1, 1, 1, 2, 10]));
    const both = rnd(2) === 0 ? `; DELETE FROM seal_late WHERE merchant_id = '${merchant}' AND transfer_id IN (${gone.map((r) => `'${r.id}'`)})` : '';
    return { sql: `DELETE FROM transfers WHERE merchant_id = '${merchant}' AND transfer_id IN (${gone.map((r) => `'${r.id}'`)})${both}`, names: gone.map((r) => r.id), touched: [merchant] };
}
const copyOf = (merchant, from, id, set = '') => `INSERT INTO transfers (${columns.map((c) => c.name)}) SELECT ${columns.map((c) => (c.name === 'transfer_id' ? `'${id}'::uuid` : c.name === 'created_at' && set ? set : c.name))} FROM transfers WHERE ${where(merchant, from)}`;
async function insertRow(rnd, merchant) {
    const row = pick(rnd, sealedRows(merchant));
    const id = rnd(40) === 0 ? zeroId : flipId(row.id, 96 + rnd(31));
    const seals = chains.get(merchant);
    const late = (number) => `; INSERT INTO seal_late VALUES ('${merchant}', '${id}', ${number})`;
    const how = rnd(5);
    if (how === 0) return { sql: copyOf(merchant, row.id, id) + late(pick(rnd, seals).number), names: [id], touched: [merchant] };
    if (how === 1) return { sql: copyOf(merchant, row.id, id) + late(pick(rnd, [0, -1, seals.at(-1).number + 1, 4000000000])), names: [id], touched: [merchant] };
    if (how === 2) return { sql: copyOf(merchant, row.id, id, "created_at - interval '30 days'") + late('NULL'), names: [id], touched: [merchant] };
    return { sql: copyOf(merchant, row.id, id), names: [id], touched: [merchant] };
}
async function truncateTail(rnd, merchant) {
    const seals = chains.get(merchant);
    const from = pick(rnd, seals);
    const gone = sealedRows(merchant).filter((row) => row.id > from.from).map((row) => row.id);
    const rows = `DELETE FROM transfers WHERE merchant_id = '${merchant}' AND transfer_id > '${from.from}'`;
    const chain = `DELETE FROM seals WHERE merchant_id = '${merchant}' AND number >= ${from.number}; DELETE FROM seal_late WHERE merchant_id = '${merchant}' AND (number >= ${from.number} OR transfer_id > '${from.from}')`;
    return pick(rnd, [
        { sql: rows, names: gone, touched: [merchant] },
        { sql: `${rows}; ${chain}`, text: /is gone/, touched: [merchant] },
        { sql: chain, text: /is gone/, touched: [merchant] },
        { sql: tables.map((t) => `DELETE FROM ${t} WHERE merchant_id = '${merchant}'`).join('; '), text: /is gone/, touched: [merchant] },
        { sql: `DELETE FROM seals WHERE merchant_id = '${merchant}'`, text: /is gone/, touched: [merchant] },
    ]);
}
async function editSeal(rnd, merchant) {
    const seal = pick(rnd, chains.get(merchant));
    const at = `merchant_id = '${merchant}' AND number = ${seal.number}`;
    const bytes = pick(rnd, ['root', 'marks_hash', 'previous_head', 'head', 'signature', 'key_id', 'marks']);
    const sets = [`sealed_at = sealed_at + interval '1 microsecond'`, `row_count = row_count + 1`, `total = total - 1`, `late_count = row_count - late_count`, `to_id = '${flipId(seal.to, rnd(128))}'`, `from_id = '${flipId(seal.from, rnd(128))}'`, `number = number + 100000`, `previous = 0, number = number + 1000`];
    if (seal.late * 2 === seal.rows) sets.splice(3, 1);
    const bit = rnd(60);
    const set = rnd(2) ? `${bytes} = set_bit(${bytes}, ${bit}, 1 - get_bit(${bytes}, ${bit}))` : pick(rnd, sets);
    return { sql: `UPDATE seals SET ${set} WHERE ${at}`, text: /seal \d+/, touched: [merchant] };
}
async function deleteSeal(rnd, merchant) {
    const seal = pick(rnd, chains.get(merchant));
    return { sql: `DELETE FROM seals WHERE merchant_id = '${merchant}' AND number = ${seal.number}`, text: new RegExp(`seal ${seal.number}[ ,:]`), touched: [merchant] };
}
async function editLate(rnd, merchant) {
    const late = chains.get(merchant).flatMap((seal) => seal.parts.late.map((row) => ({ row, seal })));
    const { row } = pick(rnd, late);
    const range = pick(rnd, chains.get(merchant).flatMap((seal) => seal.parts.range));
    const other = pick(rnd, chains.get(merchant).filter((seal) => !seal.parts.late.includes(row)));
    return pick(rnd, [
        { sql: `DELETE FROM seal_late WHERE ${where(merchant, row.id)}`, names: [row.id], touched: [merchant] },
        { sql: `UPDATE seal_late SET number = NULL WHERE ${where(merchant, row.id)}`, names: [row.id], touched: [merchant] },
        { sql: `UPDATE seal_late SET number = ${other.number} WHERE ${where(merchant, row.id)}`, names: [row.id], touched: [merchant] },
        { sql: `INSERT INTO seal_late VALUES ('${merchant}', '${range.id}', ${pick(rnd, ['NULL', other.number, 7777777])})`, names: [range.id], touched: [merchant] },
    ]);
}
// A row is changed, and everything behind is computed anew: with a key of the thief's own, or with the real one.
async function rechain(rnd, merchant) {
    const seals = chains.get(merchant);
    const k = rnd(seals.length);
    const victim = [...seals[k].parts.late, ...seals[k].parts.range];
    const row = pick(rnd, victim);
    const withKey = rnd(2) === 0;
    const owned = withKey ? key : thiefsKey;
    const drops = rnd(3) === 0 && victim.length > 1;
    await query(drops ? `DELETE FROM transfers WHERE ${where(merchant, row.id)}; DELETE FROM seal_late WHERE ${where(merchant, row.id)}` : `UPDATE transfers SET amount_minor = amount_minor + 1 WHERE ${where(merchant, row.id)}`);
    const leaves = await leavesOf(merchant);
    const made = [];
    const gap = rnd(4) === 0 ? 1000 : 0; // as if the ledger had been set back
    for (let i = k; i < seals.length; i++) {
        const before = made.at(-1) ?? seals[i - 1] ?? null;
        const now = (list) => list.filter((r) => leaves.has(r.id)).map((r) => leaves.get(r.id));
        made.push(sealOf(merchant, before, { number: seals[i].number + gap, to: seals[i].to, late: now(seals[i].parts.late), range: now(seals[i].parts.range), sealed_us: seals[i].sealed_us }, owned));
    }
    const lates = made.map((seal, i) => `UPDATE seal_late SET number = ${seal.number} WHERE merchant_id = '${merchant}' AND number = ${seals[k + i].number};`).reverse();
    return { sql: `BEGIN; DELETE FROM seals WHERE merchant_id = '${merchant}' AND number >= ${seals[k].number}; ${made.map(insertOf).join('\n')} ${gap ? lates.join(' ') : ''} COMMIT`,
        text: withKey ? /is not the one that was anchored|is gone/ : /has signed it/, touched: [merchant] };
}
// One seal alone is made to fit: its neighbours, or the anchors, do not.
async function refit(rnd, merchant) {
    const seals = chains.get(merchant);
    const k = rnd(seals.length);
    const row = pick(rnd, [...seals[k].parts.late, ...seals[k].parts.range]);
    await query(`UPDATE transfers SET amount_minor = amount_minor + 1 WHERE ${where(merchant, row.id)}`);
    const leaves = await leavesOf(merchant);
    const rows = [...seals[k].parts.late, ...seals[k].parts.range].map((r) => leaves.get(r.id));
    const marks = Buffer.concat(rows.map((r) => Buffer.concat([Buffer.from(r.id.replaceAll('-', ''), 'hex'), r.leaf.subarray(0, 8)])));
    const seal = resign({ ...seals[k], root: rootOf(rows.map((r) => r.leaf)), marks, marks_hash: sha(marks) }, rnd(2) ? key : thiefsKey);
    return { sql: `DELETE FROM seals WHERE merchant_id = '${merchant}' AND number = ${seal.number}; ${insertOf(seal)}`, text: new RegExp(`seal ${seal.number}\\D`), touched: [merchant] };
}
const kinds = [flipBit, flipBit, flipBit, editRow, editRow, swapRows, deleteRows, insertRow, insertRow, truncateTail, editSeal, deleteSeal, editLate, rechain, rechain, refit];

// ---- the campaign ------------------------------------------------------------------------------------
async function once(n) {
    const rnd = random(SEED * 1000003 + n);
    const kind = kinds[rnd(kinds.length)];
    const merchant = pick(rnd, merchants);
    const { sql, names, text, touched } = await kind(rnd, merchant);
    await query(sql);
    const done = verify(n % 50 === 0 ? undefined : merchant);
    await putBack(touched);
    if (done.error) throw new Error(`verify could not be run: ${done.error.message}`);
    const out = done.stdout + done.stderr;
    const isNamed = names ? names.some((id) => out.includes(show('trf', id))) : text.test(out);
    return { kind: kind.name, isFound: done.status === 1, isNamed, out, sql: sql.slice(0, 400) };
}
async function main() {
    mkdirSync(path.join(folder, 'pg'), { recursive: true });
    must('config/dev/pg.sh', ['start', path.join(folder, 'pg'), '5432', 'trust'], { PG_FAST: '1' });
    socket = must('config/dev/pg.sh', ['host', path.join(folder, 'pg')]);
    must(binary, ['migrate', 'up', '--database', conninfo()]);
    connect();
    const list = await query(`SELECT conname FROM pg_constraint WHERE conrelid IN ('transfers'::regclass, 'seals'::regclass) AND contype = 'c'`);
    await query(list.map((name) => `ALTER TABLE ${name.startsWith('seals') ? 'seals' : 'transfers'} DROP CONSTRAINT ${name};`).join(' ') + ' DROP INDEX transfers_pending_key');
    const lines = await query(`SELECT attname || '|' || format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'transfers'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`);
    ({ columns, sql: rowSql, read: readRow } = columnsOf(() => lines));
    await fill();
    await sealAll(random(SEED));
    for (const t of tables) await query(`CREATE TABLE kept_${t} AS TABLE ${t}; CREATE INDEX ON kept_${t} (merchant_id); ANALYZE ${t}`);
    const clean = verify();
    if (clean.status !== 0) throw new Error(`the ledger does not verify before anything was done to it: ${clean.stdout}${clean.stderr}`);
    console.log(clean.stdout.trim());
    const by = {};
    let failed = 0;
    for (let n = ONLY || part; n <= (ONLY || COUNT); n += parts) {
        const got = await once(n);
        by[got.kind] ??= { done: 0, found: 0, named: 0 };
        by[got.kind].done++;
        by[got.kind].found += got.isFound;
        by[got.kind].named += got.isNamed;
        if (!got.isFound || !got.isNamed) {
            failed++;
            console.log(`FAIL ${got.kind} ${n}: ${got.isFound ? 'not named' : 'NOT FOUND'}\n     ${got.sql}\n     ${got.out.trim().replaceAll('\n', '\n     ')}\n     again: make tamper SEED=${SEED} ONLY=${n}`);
        }
        if (failed > 20) break;
        if (n % 500 < parts || n + parts > COUNT) {
            const again = verify();
            if (again.status !== 0) throw new Error(`after ${n} it was not put back as it was: ${again.stdout}`);
            console.log(`${n} of ${COUNT}`);
        }
    }
    for (const [kind, { done, found, named }] of Object.entries(by)) console.log(`${kind.padEnd(14)} ${String(done).padStart(6)} done ${String(found).padStart(6)} found ${String(named).padStart(6)} named`);
    const sum = (what) => Object.values(by).reduce((n, one) => n + one[what], 0);
    console.log(`tamper: ${sum('done')} tamperings, ${sum('found')} found, ${sum('named')} named; seed ${SEED}, part ${part}/${parts}`);
    return failed === 0 && sum('found') === sum('done');
}
let ok = false;
try {
    ok = await main();
} catch (error) {
    console.log(`tamper: ${error.stack}`);
} finally {
    psql?.stdin.end('\\q\n');
    spawnSync('config/dev/pg.sh', ['stop', path.join(folder, 'pg')], { cwd: top });
    rmSync(folder, { recursive: true, force: true });
}
process.exit(ok ? 0 : 1);
