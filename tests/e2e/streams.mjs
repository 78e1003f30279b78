// streams.mjs - many listeners: each gets every event of its merchant once and in order, whoever dies meanwhile.
import { randomUUID } from 'node:crypto';
import https from 'node:https';
import { suite, equal, assert, until } from './lib.mjs';

const MERCHANTS = 5;
const LISTENERS = 500;
const get = (world, path, key) => world.call('GET', world.api + path, { key });

async function makeMerchant(world) {
    const made = world.admin('merchants', 'create', '--name', `Shop ${randomUUID()}`, '--country', 'DE');
    world.admin('accounts', 'create', '--merchant', made.test_id, '--provider', 'paypal', '--name', 'main', '--base-url', `https://127.0.0.1:${world.sandboxPort + 1}`, '--secret', 'file:paypal.json');
    return world.admin('keys', 'create', '--merchant', made.test_id, '--role', 'merchant').key;
}

// One that comes back by itself where it stopped, after the pause it was told, as browsers do.
class Listener {
    constructor(world, agent, key) {
        Object.assign(this, { world, agent, key, events: [], ids: new Set(), last: undefined, retryMs: 0, times: 0, stopped: false, pauses: [] });
        this.open();
    }
    open() {
        let text = '';
        let over = false;
        const ended = () => {
            if (over) return;
            over = true;
            this.pauses.push(this.retryMs);
            if (!this.stopped) this.again = setTimeout(() => this.open(), this.retryMs);
        };
        this.request = https.request(`${this.world.api}/v1/events/stream`, {
            agent: this.agent, headers: { authorization: `Bearer ${this.key}`, ...(this.last ? { 'last-event-id': this.last } : {}) },
        }, (answer) => {
            this.status = answer.statusCode;
            if (this.status === 200) this.times++;
            else this.retryMs = 3000;
            answer.on('data', (chunk) => {
                text += chunk;
                for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) if (answer.statusCode === 200) this.take(text.slice(0, end));
            });
            for (const end of ['end', 'error', 'close']) answer.on(end, ended);
        });
        this.request.on('error', () => { this.retryMs ||= 500; ended(); });
        this.request.end();
    }
    take(message) {
        const field = (name) => message.split('\n').find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        if (field('retry')) this.retryMs = Number(field('retry'));
        if (field('id')) this.last = field('id');
        if (!field('data')) return;
        const event = JSON.parse(field('data'));
        assert(!this.ids.has(event.id), `${event.id} was told twice`);
        this.ids.add(event.id);
        this.events.push(event);
    }
    stop() { this.stopped = true; clearTimeout(this.again); this.request.destroy(); }
}
function judgeOrder(events) {
    const next = new Map();
    for (const event of events) {
        const subject = event.operation ?? event.payment;
        equal(event.number, (next.get(subject) ?? 0) + 1, `the next event of ${subject}`);
        next.set(subject, event.number);
    }
}
async function listed(world, key) {
    const ids = [];
    for (let after = '';;) {
        const page = (await get(world, `/v1/events?limit=100${after}`, key)).json;
        ids.push(...page.data.map((event) => event.id));
        if (!page.has_more) return ids;
        after = `&starting_after=${page.data.at(-1).id}`;
    }
}
async function makeWorld(world, count) {
    const keys = [];
    for (let i = 0; i < MERCHANTS; i++) keys.push(await makeMerchant(world));
    for (const key of keys) await until('the new key is known', async () => (await get(world, '/v1/payments', key)).status === 200);
    const agent = new https.Agent({ ca: world.ca, maxSockets: Infinity });
    const listeners = [...Array(count).keys()].map((i) => new Listener(world, agent, keys[i % MERCHANTS]));
    await until('all listen', () => listeners.every((listener) => listener.last), 30000);
    return { keys, listeners };
}
const pay = (world, key) => world.call('POST', `${world.api}/v1/payments`, { key, body: world.payment({ reference: randomUUID() }), headers: { 'idempotency-key': randomUUID() } });

async function judge(world, keys, listeners) {
    for (const [i, key] of keys.entries()) {
        const all = await listed(world, key);
        const own = listeners.filter((_, at) => at % MERCHANTS === i);
        await until(`all ${all.length} events of merchant ${i} are told`, () => own.every((listener) => listener.ids.size >= all.length), 40000);
        for (const listener of own) {
            equal([...listener.ids].sort(), [...all].sort(), 'told and written: the same ones, and nobody else\'s');
            judgeOrder(listener.events);
        }
    }
}

await suite('streams', { workers: 2, settings: { address_rate: 100000, address_burst: 100000 } }, {
    async five_hundred_listen_and_lose_nothing_when_workers_die(world) {
        const { keys, listeners } = await makeWorld(world, LISTENERS);
        let paying = true;
        const load = keys.slice(0, 3).map(async (key) => { while (paying) await pay(world, key).catch(() => {}); });
        for (const at of [0, 1]) {
            await until('something is told', () => listeners[0].events.length > 5 * (at + 1), 30000);
            const victim = world.workers()[at];
            process.kill(victim, 'SIGKILL');
            await until('it is replaced', () => { const now = world.workers(); return now.length === 2 && !now.includes(victim); }, 30000);
            await until('all are back', () => listeners.every((listener) => !listener.request.destroyed), 30000);
        }
        paying = false;
        await Promise.all(load);
        await world.settled(60000);
        await judge(world, keys, listeners);
        equal(listeners.filter((_, i) => i % MERCHANTS >= 3).reduce((sum, listener) => sum + listener.events.length, 0), 0, 'events of merchants to whom nothing happened');
        assert(listeners.some((listener) => listener.times > 1), 'some were cut');
        const pauses = listeners.flatMap((listener) => listener.pauses).filter((ms) => ms > 0);
        assert(Math.max(...pauses) - Math.min(...pauses) > 300, `they come back at different times: ${Math.min(...pauses)} to ${Math.max(...pauses)} ms`);
        for (const listener of listeners) listener.stop();
    },
    async one_that_does_not_read_costs_the_others_nothing(world) {
        const { keys, listeners } = await makeWorld(world, 20);
        const before = (await listed(world, keys[0])).length;
        await until('the first listens', () => listeners[0].request.res);
        listeners[0].request.res.pause();
        for (let i = 0; i < 40; i++) await Promise.all([...Array(25).keys()].map(() => pay(world, keys[0])));
        await until('the others are told', () => listeners.filter((_, i) => i % MERCHANTS === 0 && i > 0).every((listener) => listener.events.length >= 1000), 20000);
        listeners[0].request.res.resume();
        equal(before, 0, 'a merchant of its own');
        await judge(world, keys, listeners);
        for (const listener of listeners) listener.stop();
    },
    async places_are_bounded_in_all_and_by_merchant(world) {
        world.options = { ...world.options, settings: { ...world.options.settings, event_streams_max: 8, event_streams_per_merchant_max: 5 } };
        world.writeConfig();
        await world.stopGateway();
        await world.startGateway();
        const keys = [await makeMerchant(world), await makeMerchant(world), await makeMerchant(world)];
        for (const key of keys) await until('the new key is known', async () => (await get(world, '/v1/payments', key)).status === 200);
        const agent = new https.Agent({ ca: world.ca, maxSockets: Infinity });
        const count = (of) => listeners.filter((listener) => of.includes(listener.status)).length;
        const listeners = [...Array(40).keys()].map(() => new Listener(world, agent, keys[0]));
        await until('one merchant has all it may have', () => count([200, 429]) === 40);
        assert(count([200]) <= 10 && count([429]) >= 30, `${count([200])} of a merchant that may have 5 at each of 2 workers`);
        for (const key of keys.slice(1)) for (let i = 0; i < 40; i++) listeners.push(new Listener(world, agent, key));
        await until('each is answered', () => count([200, 429, 503]) === 120);
        assert(count([200]) <= 16 && count([503]) > 0, `${count([200])} in all, of 8 at each of 2 workers`);
        for (const listener of listeners) listener.stop();
    },
});
