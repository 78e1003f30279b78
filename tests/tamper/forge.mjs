// forge.mjs - seals made by hand, from the description in docs/decisions/0010-seals.md and not from the gateway's code:
// what a second implementation agrees with is what the document says. It is also what an attacker would write.
import { createHash, createPublicKey, sign } from 'node:crypto';

export const sha = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };
const u64 = (n) => { const b = Buffer.alloc(8); b.writeBigInt64BE(BigInt(n)); return b; };
const text = (s) => Buffer.from(s + '\0');
const uuid = (s) => Buffer.from(s.replaceAll('-', ''), 'hex');
export const zeroId = '00000000-0000-0000-0000-000000000000';

export function leafOf(columns) { // {name: Buffer | null}
    const parts = [Buffer.from([0]), text('turnpike transfer 1')];
    for (const name of Object.keys(columns).sort()) {
        if (columns[name] === null) continue;
        parts.push(u32(Buffer.byteLength(name)), Buffer.from(name), u32(columns[name].length), columns[name]);
    }
    return sha(...parts);
}
export function rootOf(leaves) {
    if (leaves.length === 0) return sha();
    if (leaves.length === 1) return leaves[0];
    let left = 1;
    while (left * 2 < leaves.length) left *= 2;
    return sha(Buffer.from([1]), rootOf(leaves.slice(0, left)), rootOf(leaves.slice(left)));
}
export function headOf(s) {
    return sha(text('turnpike seal 1'), uuid(s.merchant), u64(s.number), u64(s.previous), u64(s.sealed_us), uuid(s.from), uuid(s.to),
        u64(s.rows), u64(s.late), u64(s.total), s.root, s.marks_hash, s.previous_head);
}
export const keyIdOf = (key) => sha(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)).subarray(0, 8);

// A seal over rows [{id, leaf}], late ones first, behind `before` (null: the first).
export function sealOf(merchant, before, { number, to, late, range, sealed_us }, key) {
    const rows = [...late, ...range];
    const marks = Buffer.concat(rows.map((row) => Buffer.concat([uuid(row.id), row.leaf.subarray(0, 8)])));
    const seal = {
        merchant, number, previous: before?.number ?? 0, sealed_us, from: before?.to ?? zeroId, to, rows: rows.length, late: late.length,
        total: (before?.total ?? 0) + rows.length, root: rootOf(rows.map((row) => row.leaf)), marks_hash: sha(marks), marks,
        previous_head: before?.head ?? Buffer.alloc(32),
    };
    return resign(seal, key);
}
export function resign(seal, key) {
    seal.head = headOf(seal);
    seal.signature = sign(null, Buffer.concat([text('turnpike head 1'), seal.head]), key);
    seal.key_id = keyIdOf(key);
    return seal;
}
const bytea = (b) => `'\\x${b.toString('hex')}'`;
export const insertOf = (s) => `INSERT INTO seals (merchant_id, number, previous, sealed_at, from_id, to_id, row_count, late_count, total, root, marks_hash,
    previous_head, head, signature, key_id, marks) VALUES ('${s.merchant}', ${s.number}, ${s.previous}, 'epoch'::timestamptz + ${s.sealed_us} * interval '1 microsecond',
    '${s.from}', '${s.to}', ${s.rows}, ${s.late}, ${s.total}, ${bytea(s.root)}, ${bytea(s.marks_hash)}, ${bytea(s.previous_head)}, ${bytea(s.head)},
    ${bytea(s.signature)}, ${bytea(s.key_id)}, ${bytea(s.marks)});`;
export const anchorOf = (s, show) => JSON.stringify({ time: new Date(s.sealed_us / 1000).toISOString(), merchant: show('mer', s.merchant), seal: s.number,
    head: s.head.toString('hex'), rows: s.total, signature: s.signature.toString('base64'), key: s.key_id.toString('hex') }) + '\n';

// An id as the API shows it.
export function show(prefix, id) {
    let value = BigInt('0x' + id.replaceAll('-', ''));
    let digits = '';
    for (let i = 0; i < 26; i++, value >>= 5n) digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'[Number(value & 31n)] + digits;
    return `${prefix}_${digits}`;
}

const sends = { uuid: 'uuid_send', bigint: 'int8send', integer: 'int4send', text: 'textsend', boolean: 'boolsend', bytea: 'byteasend', 'timestamp with time zone': 'timestamptz_send' };
// The columns of transfers, and the SQL that tells a row's as hexadecimal digits.
export function columnsOf(query) {
    const columns = query(`SELECT attname || '|' || format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'transfers'::regclass AND attnum > 0
        AND NOT attisdropped ORDER BY attnum`).map((line) => { const [name, type] = line.split('|'); return { name, type }; });
    const sql = `concat_ws('|', t.transfer_id, ${columns.map(({ name, type }) => `coalesce(encode(${sends[type]}(t.${name}), 'hex'), '-')`).join(', ')})`;
    const read = (line) => {
        const [id, ...values] = line.split('|');
        return { id, leaf: leafOf(Object.fromEntries(columns.map(({ name }, i) => [name, values[i] === '-' ? null : Buffer.from(values[i], 'hex')]))) };
    };
    return { columns, sql, read };
}
