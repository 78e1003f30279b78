// streams.mjs - `make bench-streams`: what 10,000 listeners to GET /v1/events/stream cost a payment, in CPU of the gateway and
// of PostgreSQL: the same load in turn with and without them, in the order ABBA, at one gateway that is not restarted. Payments
// are spread evenly over the merchants, and each merchant has its listeners; every one of them must get every event of its
// merchant. PAIRS=6 SECONDS=10 RATE=600 CONNECTIONS=128 LISTENERS=10000 MERCHANTS=2500; BUSY=merchants that are paid (all).
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as b from './lib.mjs';
import { compareInTurn } from './pairs.mjs';

const PAIRS = b.number('PAIRS', 6);
const SECONDS = b.number('SECONDS', 10);
const RATE = b.number('RATE', 600);
const CONNECTIONS = b.number('CONNECTIONS', 128);
const LISTENERS = b.number('LISTENERS', 10000);
const MERCHANTS = b.number('MERCHANTS', 2500);
const BUSY = b.number('BUSY', MERCHANTS);
const SHARE = 0.05;
const WARM_S = 2;
const AT_ONCE = 4;

async function makeMerchant(world, number) {
    const post = async (route, body) => {
        const answer = await world.call('POST', `${world.api}/v1/admin/${route}`, { key: world.operatorKey, body });
        b.assert(answer.status === 201, `${route}: ${answer.raw}`);
        return answer.json;
    };
    const merchant = (await post('merchants', { name: `Shop ${number}`, country: 'DE' })).test_id;
    await post('accounts', { merchant, provider: 'paypal', name: 'main', base_url: `https://127.0.0.1:${world.sandboxPort + 1}`, secret: 'file:paypal.json', settings: { settle_ms: '3000' } });
    return (await post('keys', { merchant, role: 'merchant' })).key;
}
async function makeMerchants(world) {
    const keys = [];
    let next = 0;
    const worker = async () => { for (let at; (at = next++) < MERCHANTS;) keys[at] = await makeMerchant(world, at); };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return keys;
}

class Listeners {
    constructor(world) {
        this.child = spawn(path.join(b.BUILD, 'bench', 'listen'), [`${world.port}`, world.at('stream.keys'), `${LISTENERS}`], { cwd: b.top, stdio: ['pipe', 'pipe', 'inherit'] });
        this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
        this.ended = new Promise((done) => this.child.once('exit', done));
    }
    async line() { const { value, done } = await this.lines.next(); b.assert(!done, 'the listeners ended'); return value; }
    async ask() { this.child.stdin.write('?\n'); return JSON.parse(await this.line()); }
    async stop() { this.child.stdin.end(); await this.ended; }
}
const paid = (world) => b.payments(world, CONNECTIONS, { path: undefined, lines_file: world.at('stream.lines'), headers: 'Accept: application/json\r\n' });
// What the connections that read for streams take by themselves: nobody else's work can hide it. Payments hardly use them.
const TICK_US = 10000;
const readersUs = (world) => world.rows("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'turnpike reader%'")
    .map(({ pid }) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' '))
    .reduce((sum, fields) => sum + (Number(fields[11]) + Number(fields[12])) * TICK_US, 0);
const eventCount = (world) => Number(world.psql('SELECT count(*) FROM events'));

async function measure(world, name) {
    const from = eventCount(world);
    const listeners = name === 'with' ? new Listeners(world) : null;
    if (listeners) b.assert(await listeners.line() === 'ready', 'all listen');
    const before = readersUs(world);
    const result = await b.load(world, { name, warmup: WARM_S, seconds: SECONDS, rate: RATE, classes: [paid(world)] });
    const readers = (readersUs(world) - before) / b.told(result).all;
    const told = b.told(result);
    b.assert(told.created === told.all && told.all > 0, `${name}: ${JSON.stringify(told.total)}`);
    let got = null;
    if (listeners) {
        const wanted = (eventCount(world) - from) * LISTENERS / MERCHANTS;
        await b.until('every listener has every event', async () => { got = await listeners.ask(); return got.events >= wanted; }, 60000);
        b.assert(got.events === wanted && got.lost === 0 && got.listening === LISTENERS, `wanted ${wanted} events: ${JSON.stringify(got)}`);
        await listeners.stop();
        await b.until('the gateway knows that they are gone', async () => ((await b.metrics(world)).get('turnpike_http_connections') ?? 0) < LISTENERS / 2, 30000);
    }
    return { us: result.cpu_us.gateway + result.cpu_us.postgres, rate: result.rate, split: result.cpu_us, readers, got };
}

const world = await b.makeWorld('bench-streams', { event_streams_max: LISTENERS + 100, event_streams_per_merchant_max: Math.ceil(LISTENERS / MERCHANTS) + 1,
    http_connection_count_max: LISTENERS + 4000, address_rate: 1000000, address_burst: 10000000 });
await compareInTurn({
    bench: 'bench-streams', world, pairs: PAIRS, bound: (without) => SHARE * without, arms: ['without', 'with'], texts: ['without', `with ${LISTENERS} listeners`], of: "the gateway's and PostgreSQL's",
    prepare: async () => {
        b.assert(LISTENERS % MERCHANTS === 0 && BUSY <= MERCHANTS, 'LISTENERS is a multiple of MERCHANTS, of which BUSY are paid');
        const keys = await makeMerchants(world);
        writeFileSync(world.at('stream.keys'), keys.map((key) => `${key}\n`).join(''), { mode: 0o600 });
        writeFileSync(world.at('stream.lines'), keys.slice(0, BUSY).map((key) => `/v1/payments\t\t\tAuthorization: Bearer ${key}\n`).join(''), { mode: 0o600 });
        await b.prime(world);
        await b.load(world, { name: 'first', warmup: 1, seconds: Math.ceil(2 * BUSY / RATE), rate: RATE, classes: [paid(world)] }); // a merchant's first payment is dearer
    },
    measure: (name) => measure(world, name),
    remark: (pair) => `gateway ${pair.without.split.gateway.toFixed(0)} and ${pair.with.split.gateway.toFixed(0)} us, PostgreSQL ${pair.without.split.postgres.toFixed(0)} and ${pair.with.split.postgres.toFixed(0)} us, of which readers alone ${pair.without.readers.toFixed(1)} and ${pair.with.readers.toFixed(1)} us; ${pair.with.got.events} events told`,
    settings: { rate: RATE, seconds: SECONDS, share: SHARE, listeners: LISTENERS, merchants: MERCHANTS, busy: BUSY },
});
