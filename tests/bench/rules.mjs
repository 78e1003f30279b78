// rules.mjs - `make bench-rules`: what 100 rules cost the gateway, in CPU per payment.
//
// One gateway, one load; in turn a set of one rule and one of a hundred is live, published without a restart. Both
// choose the same account for every payment (`by cost`), so that nothing else differs; with the hundred the last four
// decide. The load is open, at a rate that both can have: batches are then as large for both. Many short
// pairs, in the order ABBA: what else the machine does drifts, and is longer than they are. PAIRS=25 SECONDS=2 RATE=1200
// CONNECTIONS=256.
import path from 'node:path';
import * as b from './lib.mjs';
import { channels, hundred } from './hundred.mjs';
import { judge } from './pairs.mjs';

const PAIRS = b.number('PAIRS', 25);
const SECONDS = b.number('SECONDS', 2);
const RATE = b.number('RATE', 1200);
const CONNECTIONS = b.number('CONNECTIONS', 256);
const BOUND_US = 5;
const one = 'otherwise { by cost }\n';

// What a merchant with such rules sends: the card is told, and the channel that a rule asks for.
const classes = (world) => channels.map((channel) => {
    const body = JSON.parse(b.body({ channel }));
    body.method.card = { brand: 'visa', country: 'DE', bin: '45551234' };
    return b.payments(world, Math.ceil(CONNECTIONS / channels.length), { name: channel, initial: 32, body: JSON.stringify(body) });
});
async function rules(world, method, at, body) {
    const answer = await world.call(method, `${world.api}/v1/rules${at}`, { body, key: world.key });
    b.assert(answer.status < 300, `${method} /v1/rules${at}: ${answer.raw}`);
    return answer.json;
}
const sample = (world) => world.pay(JSON.parse(classes(world)[0].body.replaceAll('${key}', `sample-${Math.random()}`)));

async function live(world, version) {
    await rules(world, 'POST', `/${version}/publish`, { mode: 'live' });
    let seen = 0; // in a row, over several connections: every worker has it
    await b.until(`version ${version} decides`, async () => {
        const all = await Promise.all(Array.from({ length: 8 }, () => sample(world)));
        seen = all.every(({ answer }) => answer?.decision.version === version) ? seen + 1 : 0;
        return seen >= 3;
    });
}

async function measure(world, name, version) {
    await live(world, version);
    const result = await b.load(world, { name, warmup: 1, seconds: SECONDS, rate: RATE, classes: classes(world) });
    for (const channel of channels) {
        const told = b.told(result, channel);
        b.assert(told.created === told.all && told.all > 0, `${name}: ${channel}: ${JSON.stringify(told.total)}`);
    }
    const { answer } = await sample(world);
    b.assert(answer.decision.rule === (name === 'one' ? 'default' : `${channels[0]} in the EEA`), `${name}: decided by ${answer.decision.rule}`);
    return { us: result.cpu_us.gateway, rate: result.rate, wal: result.wal_bytes, others: result.others_cores };
}

const world = await b.makeWorld('bench-rules', { directory_check_ms: 200 });
const pairs = [];
let failed;
try {
    const versions = {};
    for (const [name, text] of [['one', one], ['hundred', hundred()]]) versions[name] = (await rules(world, 'POST', '', { text, comment: name })).version;
    await live(world, versions.hundred);
    await b.prime(world); // statistics, and plans made by them
    await b.restartGateway(world);
    for (let i = 0; i < PAIRS; i++) {
        const pair = {};
        for (const name of i % 2 ? ['hundred', 'one'] : ['one', 'hundred']) pair[name] = await measure(world, name, versions[name]);
        pairs.push({ ...pair, difference: pair.hundred.us - pair.one.us });
        console.log(`pair ${i + 1}: 1 rule ${pair.one.us.toFixed(1)} us, 100 rules ${pair.hundred.us.toFixed(1)} us, difference ${pairs.at(-1).difference.toFixed(1)} us`
            + ` (${pair.one.rate.toFixed(0)} and ${pair.hundred.rate.toFixed(0)} payments/s, WAL ${pair.one.wal.toFixed(0)} and ${pair.hundred.wal.toFixed(0)} bytes; others ${pair.one.others.toFixed(2)} and ${pair.hundred.others.toFixed(2)} cores)`);
    }
} catch (error) {
    failed = error;
}
if (failed) world.abandon();
else await world.stop();
if (failed) { process.stderr.write(`bench-rules: ${failed.message}\nkept: ${path.relative(b.top, world.folder)}\n`); process.exit(1); }

const { difference, least, most, sorted, verdict } = judge(pairs.map((pair) => pair.difference), BOUND_US);
const of = (name) => b.median(pairs.map((pair) => pair[name].us)).toFixed(1);
console.log(`bench-rules: 1 rule ${of('one')} us, 100 rules ${of('hundred')} us of the gateway's CPU per payment; of ${PAIRS} pairs the median difference is ${difference.toFixed(1)} us`
    + ` (95 %: ${least.toFixed(1)} to ${most.toFixed(1)}; all ${sorted[0].toFixed(1)} to ${sorted.at(-1).toFixed(1)}), at most ${BOUND_US} are allowed: ${verdict}`);
console.log(`JSON: ${b.writeResult('bench-rules', { pairs, difference, least, most, verdict, rate: RATE, seconds: SECONDS })}`);
process.exit(verdict === 'ok' ? 0 : verdict === 'TOO MUCH' ? 1 : 2);
