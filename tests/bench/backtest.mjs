// backtest.mjs - `make bench-backtest`: how long a backtest of a million payments takes, PostgreSQL included.
//
// Two real payments of the gateway, one first at each provider, are copied PAYMENTS times over 30 days: their own rows with other
// ids, times, amounts, draws and outcomes.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { World, assert, top } from '../e2e/lib.mjs';

const PAYMENTS = Number(process.env.PAYMENTS || 1_000_000);
const ROUNDS = Number(process.env.ROUNDS || 3);
const BOUND_S = 10;
const binary = path.resolve(top, process.env.BUILD ?? 'build', 'turnpike');
const folder = mkdtempSync(path.join(tmpdir(), 'turnpike-bench-backtest-'));
const live = path.join(folder, 'live.rules');
const other = path.join(folder, 'other.rules');
writeFileSync(live, 'otherwise { split 70% paypal, 30% payoneer }\n');
const cards = path.join(folder, 'cards.rules'); // of the decision's record: it is searched for them
const rules = Array.from({ length: 99 }, (_, i) => `rule "r${i}" when country == ${['DE', 'FR', 'US'][i % 3]} and amount in ${i + 1}.00..${i + 1}.50 EUR { use payoneer, paypal }`);
writeFileSync(other, `${rules.join('\n')}\notherwise { by cost }\n`);
writeFileSync(cards, `${rules.join('\n').replaceAll('country ==', 'card_country ==')}\notherwise { by cost }\n`);

// INSERT ... SELECT of a sample's row, with some columns computed from the number i.n.
function copy(world, table, where, replaced) {
    const columns = world.rows(`SELECT column_name AS name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '${table}' AND is_generated = 'NEVER' ORDER BY ordinal_position`).map((row) => row.name);
    const values = columns.map((name) => replaced[name] ?? `s.${name}`);
    world.psql(`CREATE TABLE bench_${table} AS SELECT DISTINCT ON (i.payment_id) i.payment_id AS bench_of, s.* FROM (SELECT DISTINCT sample AS payment_id FROM bench_past) i JOIN LATERAL (SELECT * FROM ${table} t WHERE ${where}) s ON true;
        INSERT INTO ${table} (${columns.join(', ')}) SELECT ${values.join(', ')} FROM bench_past i JOIN bench_${table} s ON s.bench_of = i.sample`);
}

function fill(world, samples) {
    world.psql(`CREATE UNLOGGED TABLE bench_past AS SELECT n, now() - interval '29 days' + (n * (28.0 * 86400 / ${PAYMENTS})) * interval '1 second' AS at,
        (lpad(to_hex((extract(epoch FROM now() - interval '29 days') * 1000 + n * (28.0 * 86400000 / ${PAYMENTS}))::bigint), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'))::uuid AS payment_id,
        (lpad(to_hex((extract(epoch FROM now() - interval '29 days') * 1000 + n * (28.0 * 86400000 / ${PAYMENTS}))::bigint), 12, '0') || '70009' || lpad(to_hex(n), 15, '0'))::uuid AS attempt_id,
        (ARRAY['${samples.map((s) => s.payment_id).join("','")}'])[1 + (hashint8(n) & 1023 > 716)::int]::uuid AS sample, (hashint8(n + 1000000000) & 1023) < 900 AS approved,
        100 + abs(hashint8(n * 7)) % 20000 AS amount FROM generate_series(1, ${PAYMENTS}) n`);
    copy(world, 'payments', 't.payment_id = i.payment_id', { payment_id: 'i.payment_id', created_at: 'i.at', amount_minor: 'i.amount', reference: 'NULL', key: "'bench-' || i.n" });
    copy(world, 'attempts', 't.payment_id = i.payment_id AND t.number = 1', { payment_id: 'i.payment_id', attempt_id: 'i.attempt_id', created_at: 'i.at', amount_minor: 'i.amount',
        decision: `regexp_replace(s.decision, '"draw":"[0-9]+"', '"draw":"' || abs(hashint8(i.n)) || '"')` });
    copy(world, 'outcomes', "t.attempt_id IN (SELECT attempt_id FROM attempts a WHERE a.payment_id = i.payment_id AND a.number = 1) AND t.outcome = 'approved'",
        { attempt_id: 'i.attempt_id', created_at: 'i.at', outcome: "CASE WHEN i.approved THEN 'approved' ELSE 'declined_hard' END" });
    world.psql('VACUUM ANALYZE payments, attempts, outcomes');
}

function measure(world, file, what) {
    const took = [];
    let said;
    for (let i = 0; i < ROUNDS; i++) {
        const from = process.hrtime.bigint();
        const done = spawnSync('/usr/bin/env', ['bash', '-c', `TIMEFORMAT='%U %S'; time "$0" routes backtest "$1" --json --config "$2"`, binary, file, world.at('turnpike.conf')], { encoding: 'utf8', maxBuffer: 64 << 20 });
        took.push(Number(process.hrtime.bigint() - from) / 1e9);
        assert(done.status === 0, done.stderr);
        said = JSON.parse(done.stdout);
        console.log(`round ${i + 1}: ${took.at(-1).toFixed(2)} s; the command's own CPU (user, system): ${done.stderr.trim()} s`);
    }
    took.sort((a, b) => a - b);
    const median = took[Math.floor(took.length / 2)];
    assert(said.payments >= PAYMENTS, `${said.payments} payments`);
    console.log(`bench-backtest: ${said.payments} payments under ${what} in ${median.toFixed(2)} s (median of ${ROUNDS}; bound ${BOUND_S} s for a million)`);
    return median;
}

const world = await World.start('bench-backtest', { workers: 1, delayMs: 1, settings: { rules_file: live } });
try {
    const samples = [];
    for (const provider of ['paypal', 'payoneer']) {
        let entry;
        do entry = await world.pay(world.payment({ method: { type: 'card', card: { brand: 'visa', country: 'DE', bin: '411111' }, tokens: { paypal: 'tok_ok', payoneer: 'tok_ok' } } })); while (entry.answer.attempts[0].provider !== provider);
        samples.push(world.rows(`SELECT payment_id FROM payments WHERE finance.show_id('pay', payment_id) = '${entry.answer.id}'`)[0]);
    }
    console.log(`bench-backtest: writing ${PAYMENTS} payments`);
    fill(world, samples);
    const slowest = Math.max(measure(world, other, '100 rules'), measure(world, cards, '100 rules that ask for the card'));
    process.exitCode = slowest <= BOUND_S * Math.max(1, PAYMENTS / 1e6) ? 0 : 1;
} finally {
    await world.stop();
}
