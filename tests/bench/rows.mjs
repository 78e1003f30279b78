// rows.mjs - the rows that one payment leaves in the ledger, read from a real payment of the gateway, and the same
// rows as a pgbench script, as statements for the comparison service and as shapes for bench-fill.
//
// Nothing here knows the columns: whatever the schema grows, the comparisons write the same. What differs from
// payment to payment (ids, key, reference) becomes a parameter; everything else keeps the value of the sample.
import { assert } from './lib.mjs';

// In the order of writing; those without a batch number belong to the transaction named here.
const tables = [
    ['idempotency', 'open', 'payment_id'], ['payments', null, 'payment_id'],
    ['attempts', null, 'payment_id'], ['sends', 'open', 'attempt_id'], ['outcomes', 'close', 'attempt_id'],
    ['transfers', null, 'payment_id'], ['events', null, 'payment_id'], ['payment_limits', 'close', 'payment_id'],
    ['payment_answers', 'close', 'payment_id'],
];
const instants = /(_at|_until|not_after)$/;

function sampleOf(world, paymentId) {
    const payment = world.rows(`SELECT * FROM payments WHERE payment_id = '${paymentId}'`)[0];
    const attempts = world.rows(`SELECT * FROM attempts WHERE payment_id = '${paymentId}'`);
    assert(attempts.length === 1, 'the sample payment has one attempt');
    const ids = { payment_id: paymentId, attempt_id: attempts[0].attempt_id, key: payment.key };
    const rows = [];
    for (const [table, transaction, column] of tables) {
        const found = world.rows(`SELECT * FROM ${table} WHERE ${column} = '${ids[column]}'`);
        for (const row of found)
            rows.push({ table, row, transaction: transaction ?? (row.batch_no === payment.batch_no ? 'open' : 'close') });
    }
    // In the order of writing: a transaction is one block.
    return { ids: { ...ids, reference: payment.reference }, rows: [...rows.filter((r) => r.transaction === 'open'), ...rows.filter((r) => r.transaction === 'close')] };
}

// [{transaction, table, columns: [name], values: [{param} | {now: seconds later} | {value}]}]
export function statementsOf(world, paymentId) {
    const { ids, rows } = sampleOf(world, paymentId);
    const types = new Map(world.rows(`SELECT table_name || '.' || column_name AS name, data_type FROM information_schema.columns
        WHERE table_schema = 'public'`).map((c) => [c.name, c.data_type]));
    const from = Date.parse(rows[0].row.created_at);
    let more = 0;
    return rows.map(({ table, row, transaction }) => {
        const columns = Object.keys(row).filter((name) => row[name] !== null);
        const values = columns.map((name) => {
            const value = row[name];
            const type = types.get(`${table}.${name}`);
            if (value === ids.payment_id) return { param: 'payment_id' };
            if (value === ids.attempt_id) return { param: 'attempt_id' };
            if (name === 'key') return { param: 'key' };
            if (name === 'reference' && table === 'payments') return { param: 'reference' };
            if (['event_id', 'transfer_id'].includes(name)) return { param: `id_${++more}` };
            if (instants.test(name) && type === 'timestamp with time zone') return { now: Math.round((Date.parse(value) - from) / 1000) };
            return { value: type === 'boolean' ? (value ? 't' : 'f') : `${value}` };
        });
        return { transaction, table, columns, values };
    });
}

// ---- as a pgbench script --------------------------------------------------------------------------

// pgbench would take what follows a colon for a variable, also within quotes.
const quote = (text) => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll(':', '\\x3a')}'`;
const uuidKinds = { payment_id: '1', attempt_id: '2' };

// An id in pgbench is a number; as a UUID it grows with time, as the gateway's do.
function sqlOf(value) {
    if (value.now !== undefined) return value.now === 0 ? 'now()' : `now() + interval '${value.now} s'`;
    if (value.value !== undefined) return quote(value.value);
    if (value.param === 'key') return `rpad(:random::text, 36, 'k')`;
    if (value.param === 'reference') return `'order-' || rpad(:random::text, 36, 'k')`;
    const kind = uuidKinds[value.param] ?? 'abcdef'[Number(value.param.slice(3))];
    return `('${kind}' || lpad(:id::text, 31, '0'))::uuid`;
}

export function pgbenchScript(statements) {
    const lines = ['\\set number :number + 1', '\\set id :base + :number * 100 + :client_id', '\\set random random(1000000000000000000, 9000000000000000000)'];
    let transaction = null;
    for (const s of statements) {
        if (s.transaction !== transaction) {
            if (transaction) lines.push('COMMIT;');
            lines.push('BEGIN;');
            transaction = s.transaction;
        }
        const conflict = s.table === 'idempotency' ? ' ON CONFLICT (merchant_id, key) DO NOTHING' : '';
        lines.push(`INSERT INTO ${s.table} (${s.columns.join(', ')}) VALUES (${s.values.map(sqlOf).join(', ')})${conflict};`);
    }
    lines.push('COMMIT;');
    return lines.join('\n') + '\n';
}

// ---- as shapes for bench-fill ---------------------------------------------------------------------

const copyText = (text) => text.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
// Bytes that are text are written as text (bytea's escape format), so that places within them can be filled.
function bytesText(hex) {
    const bytes = Buffer.from(hex.slice(2), 'hex');
    const isText = bytes.every((byte) => (byte >= 0x20 && byte < 0x7f));
    return isText ? bytes.toString().replaceAll('\\', '\\\\') : hex;
}

// The rows of a payment as COPY text with ${places}, and its canonical request; `ids` are the texts to be replaced.
export function shapeOf(world, paymentId, { share, request, texts }) {
    const { ids, rows } = sampleOf(world, paymentId);
    const types = new Map(world.rows(`SELECT table_name || '.' || column_name AS name, data_type FROM information_schema.columns
        WHERE table_schema = 'public'`).map((c) => [c.name, c.data_type]));
    const from = Date.parse(rows.find((r) => r.table === 'payments').row.created_at);
    const replace = (text) => [[ids.payment_id, 'payment'], [ids.attempt_id, 'attempt'], [ids.key, 'key'], ...texts]
        .reduce((all, [found, place]) => all.replaceAll(found, `\${${place}}`), text)
        .replaceAll(new RegExp(`("amount(?:_captured)?":)${request.amount}\\b`, 'g'), '$1${amount}');
    let more = 0;
    const lines = rows.map(({ table, row }) => {
        const fields = Object.entries(row).map(([name, value]) => {
            const type = types.get(`${table}.${name}`);
            if (value === null) return '\\N';
            if (name === 'fingerprint') return '\\\\x${fingerprint}';
            if (['event_id', 'transfer_id'].includes(name)) return `\${id_${more++}}`;
            if (type === 'timestamp with time zone') return `\${time+${Date.parse(value) - from}}`;
            if (type === 'bigint' && value === request.amount) return '${amount}';
            return replace(copyText(type === 'bytea' ? bytesText(value) : type === 'boolean' ? (value ? 't' : 'f') : `${value}`));
        });
        return { table, columns: Object.keys(row), text: fields.join('\t') + '\n' };
    });
    return { share, body: replace('POST\n/v1/payments\n' + canonical(request)), rows: lines };
}
// As json_canonical: sorted members, no spaces.
export function canonical(value) {
    if (value === null || typeof value !== 'object') return JSON.stringify(value);
    if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
    return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

// Rows per payment of each table: the comparisons must have the gateway's.
export function shape(world, database) {
    const counts = {};
    const payments = Number(world.psql('SELECT count(*) FROM payments', database));
    for (const [table] of tables) counts[table] = Number(world.psql(`SELECT count(*) FROM ${table}`, database)) / payments;
    return counts;
}
