// journal.mjs - `make bench-journal`: what the journal beside the ledger (docs/decisions/0009-restore.md) costs the
// gateway, in CPU per payment: the same load in turn with and without it (journal_keep_ms = 0), in the order ABBA, each
// time a gateway that has just begun. PAIRS=9 SECONDS=4 RATE=1200 CONNECTIONS=256.
import { readFileSync, writeFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import * as b from './lib.mjs';
import { compareInTurn } from './pairs.mjs';

const PAIRS = b.number('PAIRS', 9);
const SECONDS = b.number('SECONDS', 4);
const RATE = b.number('RATE', 1200);
const CONNECTIONS = b.number('CONNECTIONS', 256);
const BOUND_US = 20; // a tenth of a payment
const arms = { with: 86400000, without: 0 };

async function begin(world, keepMs) {
    const config = world.at('turnpike.conf');
    writeFileSync(config, `${readFileSync(config, 'utf8').replace(/^journal_keep_ms = .*\n/m, '')}journal_keep_ms = ${keepMs}\n`);
    await b.restartGateway(world);
}
function journalBytes(world) {
    const folder = world.at('state/journal');
    return readdirSync(folder).reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0);
}
async function measure(world, name) {
    await begin(world, arms[name]);
    const before = name === 'with' ? journalBytes(world) : 0;
    const result = await b.load(world, { name, warmup: 1.5, seconds: SECONDS, rate: RATE, classes: [b.payments(world, CONNECTIONS)] });
    const told = b.told(result);
    b.assert(told.created === told.all && told.all > 0, `${name}: ${JSON.stringify(told.total)}`);
    const bytes = name === 'with' ? journalBytes(world) - before : 0;
    b.assert((name === 'with') === (bytes > 0), `${name}: ${bytes} bytes of journal`);
    return { us: result.cpu_us.gateway, rate: result.rate, bytes: bytes / (result.rate * (SECONDS + 1.5)) };
}

const world = await b.makeWorld('bench-journal', { journal_keep_ms: arms.with });
await compareInTurn({
    bench: 'bench-journal', world, pairs: PAIRS, bound: BOUND_US, arms: ['without', 'with'], texts: ['without', 'with the journal'],
    prepare: () => b.prime(world),
    measure: (name) => measure(world, name),
    remark: (pair) => `some ${pair.with.bytes.toFixed(0)} bytes of journal a payment`,
    settings: { rate: RATE, seconds: SECONDS },
});
