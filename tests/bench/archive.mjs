// archive.mjs - `make bench-archive`: what of a payment stays in the database when it is archived, in bytes by table
// (everything rewritten before each look, so that no free space is counted), the size of its record, and the CPU of both ways.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import * as b from './lib.mjs';
import { openFull, payments } from './big_world.mjs';

const TABLES = ['attempts', 'payment_answers', 'payments', 'transfers', 'sends', 'events', 'outcomes', 'idempotency', 'payment_limits'];

function sizes(world) {
    for (const table of TABLES) world.psql(`VACUUM (FULL, ANALYZE) ${table}`);
    return Object.fromEntries(TABLES.map((table) => [table, Number(world.psql(`SELECT pg_total_relation_size('${table}')`)) / payments]));
}
function archive(world, ...args) {
    const done = spawnSync('/usr/bin/time', ['-f', '%U %S', path.join(b.BUILD, 'turnpike'), 'archive', '--config', world.at('turnpike.conf'), '--folder', world.at('archive'), ...args], { encoding: 'utf8', cwd: b.top, maxBuffer: 256 << 20 });
    b.assert(done.status === 0, done.stdout.slice(-500) + done.stderr.slice(-500));
    const [user, system] = done.stderr.trim().split('\n').at(-1).split(' ').map(Number);
    return { out: done.stdout, cpu_us: (user + system) * 1e6 };
}

const world = await openFull();
const before = sizes(world);
rmSync(world.at('archive'), { recursive: true, force: true });
mkdirSync(world.at('archive'), { mode: 0o700 });
b.say('archiving');
const from = await b.mark(world, b.groups(world));
const away = archive(world, '--older-than', '1', '--by', 'bench');
const to = await b.mark(world, b.groups(world));
const [, moved, bytes] = /^(\d+) archived in \d+ files of (\d+) bytes/.exec(away.out.trim().split('\n').at(-1)).map(Number);
const after = sizes(world);
const print = (name, was, is) => console.log(`${name.padEnd(18)} ${was.toFixed(0).padStart(6)} ${is.toFixed(0).padStart(6)}`);
console.log(`bytes per payment   before  after, ${moved} of ${payments} archived`);
for (const table of TABLES) print(table, before[table], after[table]);
const sum = (all) => Object.values(all).reduce((x, y) => x + y);
print('all', sum(before), sum(after));
console.log(`record in the file: ${(bytes / moved).toFixed(0)} bytes; CPU per payment: command ${(away.cpu_us / moved).toFixed(0)} us, PostgreSQL ${((to.cpu_us.postgres - from.cpu_us.postgres) / moved).toFixed(0)} us`);
const checked = archive(world, '--check');
console.log(checked.out.trim().split('\n').at(-1));
b.say('restoring 1,000');
const ids = world.rows('SELECT merchant_id, archive_id, finance.show_id(\'mer\', merchant_id) AS mer FROM payments WHERE archive_hash IS NOT NULL GROUP BY 1, 2 ORDER BY count(*) DESC LIMIT 5');
const begun = performance.now();
let restored = 0;
for (const { mer, archive_id: id } of ids) restored += archive(world, '--restore', id, '--merchant', mer).out.trim().split('\n').length;
console.log(`restored ${restored} in ${((performance.now() - begun) / restored).toFixed(1)} ms each`);
await world.stop();
