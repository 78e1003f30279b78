// seal.mjs - `make bench-seal`: what sealing (docs/decisions/0010-seals.md) costs, in CPU per payment of the gateway with
// its sealer and of PostgreSQL: the same load in turn with and without a seal key, in the order ABBA. What is sealed is
// twenty seconds old, so each load runs for longer than that before it is measured, and what the arm before left is sealed
// first. PAIRS=6 SECONDS=20 RATE=800 CONNECTIONS=256.
import { readFileSync, writeFileSync } from 'node:fs';
import * as b from './lib.mjs';
import { compareInTurn } from './pairs.mjs';

const PAIRS = b.number('PAIRS', 6);
const SECONDS = b.number('SECONDS', 20);
const RATE = b.number('RATE', 800);
const CONNECTIONS = b.number('CONNECTIONS', 256);
const WARM_S = 25;
const SHARE = 0.03;

const behind = (world) => Number(world.psql(`SELECT count(*) FROM merchants m CROSS JOIN LATERAL (SELECT count(*) AS n FROM transfers t WHERE t.merchant_id = m.merchant_id
    AND t.transfer_id > coalesce((SELECT s.to_id FROM seals s WHERE s.merchant_id = m.merchant_id ORDER BY s.number DESC LIMIT 1), '00000000-0000-0000-0000-000000000000')) x WHERE x.n > 0`));
const sealed = (world) => Number(world.psql('SELECT coalesce(sum(row_count), 0) FROM seals'));

// What the sealer itself takes, and its connection to the database: nobody else's work can hide it.
const TICK_US = 10000;
function cpuUs(pid) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}
const nameOf = (pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
function sealerUs(world) {
    const errands = world.workers().filter((pid) => nameOf(pid) === nameOf(world.gateway.pid)); // workers have names of their own
    const backends = world.rows("SELECT pid FROM pg_stat_activity WHERE application_name = 'turnpike sealer'").map((row) => row.pid);
    b.assert(errands.length > 0 && backends.length === 1, `the sealer: ${errands.length} errands, ${backends.length} connections`);
    return [...errands, ...backends].reduce((sum, pid) => sum + cpuUs(pid), 0);
}

async function begin(world, name) {
    const config = world.at('turnpike.conf');
    const seal = name === 'with' ? `seal_key_file = ${world.at('seal.pem')}\nanchor_file = ${world.at('anchors.jsonl')}\nseal_interval_ms = 1000\n` : '';
    writeFileSync(config, readFileSync(config, 'utf8').replace(/^(seal|anchor)_.*\n/gm, '') + seal);
    await b.restartGateway(world);
    if (name === 'with') await b.until('what was there is sealed', () => behind(world) === 0, 120000);
}
async function measure(world, name) {
    await begin(world, name);
    const before = sealed(world);
    const own = name === 'with' ? sealerUs(world) : 0;
    const result = await b.load(world, { name, warmup: WARM_S, seconds: SECONDS, rate: RATE, classes: [b.payments(world, CONNECTIONS)] });
    const told = b.told(result);
    b.assert(told.created === told.all && told.all > 0, `${name}: ${JSON.stringify(told.total)}`);
    const direct = name === 'with' ? (sealerUs(world) - own) / ((WARM_S + SECONDS) * result.rate) : 0;
    const rows = sealed(world) - before;
    b.assert((name === 'with') === (rows > 0), `${name}: ${rows} rows were sealed`);
    return { us: result.cpu_us.gateway + result.cpu_us.postgres, rate: result.rate, rows, direct, split: result.cpu_us };
}

const world = await b.makeWorld('bench-seal');
b.run('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', world.at('seal.pem')]);
b.run('chmod', ['600', world.at('seal.pem')]);
await compareInTurn({
    bench: 'bench-seal', world, pairs: PAIRS, bound: (without) => SHARE * without, arms: ['without', 'with'], texts: ['without', 'with seals'], of: "the gateway's and PostgreSQL's",
    prepare: () => b.prime(world),
    measure: (name) => measure(world, name),
    remark: (pair) => `${pair.with.rows} rows sealed; the sealer and its connection alone ${pair.with.direct.toFixed(1)} us`,
    settings: { rate: RATE, seconds: SECONDS, share: SHARE },
});
