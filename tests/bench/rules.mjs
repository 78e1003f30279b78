// rules.mjs - `make bench-rules`: what 100 rules cost the gateway, in CPU per payment.
//
// One gateway, one load; in turn a set of one rule and one of a hundred is live, published without a restart. Both
// choose the same account for every payment (`by cost`), so that nothing else differs; with the hundred the last four
// decide. The load is open, at a rate that both can have: batches are then as large for both. Many short
// pairs, in the order ABBA: what else the machine does drifts, and is longer than they are. PAIRS=25 SECONDS=2 RATE=1200
// CONNECTIONS=256.
import * as b from './lib.mjs';
import { channels, hundred } from './hundred.mjs';
import { compareInTurn } from './pairs.mjs';

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
const versions = {};
async function prepare() {
    for (const [name, text] of [['one', one], ['hundred', hundred()]]) versions[name] = (await rules(world, 'POST', '', { text, comment: name })).version;
    await live(world, versions.hundred);
    await b.prime(world); // statistics, and plans made by them
    await b.restartGateway(world);
}
const both = (pair, what) => `${what(pair.one)} and ${what(pair.hundred)}`;
await compareInTurn({
    bench: 'bench-rules', world, pairs: PAIRS, bound: BOUND_US, arms: ['one', 'hundred'], texts: ['1 rule', '100 rules'], prepare,
    measure: (name) => measure(world, name, versions[name]),
    remark: (pair) => `WAL ${both(pair, (arm) => arm.wal.toFixed(0))} bytes; others ${both(pair, (arm) => arm.others.toFixed(2))} cores`,
    settings: { rate: RATE, seconds: SECONDS },
});
