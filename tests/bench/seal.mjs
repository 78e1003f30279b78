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
    const result = await b.load(world, { name, warmup: WARM_S, seconds: SECONDS, rate: RATE, classes: [b.payments(world, CONNECTIONS)] });
    const told = b.told(result);
    b.assert(told.created === told.all && told.all > 0, `${name}: ${JSON.stringify(told.total)}`);
    const rows = sealed(world) - before;
    b.assert((name === 'with') === (rows > 0), `${name}: ${rows} rows were sealed`);
    return { us: result.cpu_us.gateway + result.cpu_us.postgres, rate: result.rate, rows, split: result.cpu_us };
}

const world = await b.makeWorld('bench-seal');
b.run('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', world.at('seal.pem')]);
b.run('chmod', ['600', world.at('seal.pem')]);
await compareInTurn({
    bench: 'bench-seal', world, pairs: PAIRS, bound: (without) => SHARE * without, arms: ['without', 'with'], texts: ['without', 'with seals'], of: "the gateway's and PostgreSQL's",
    prepare: () => b.prime(world),
    measure: (name) => measure(world, name),
    remark: (pair) => `${pair.with.rows} rows sealed`,
    settings: { rate: RATE, seconds: SECONDS, share: SHARE },
});
