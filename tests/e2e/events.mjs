// events.mjs - what happened: the list, one event, the life of a payment; and the stream, which loses nothing.
import { randomUUID } from 'node:crypto';
import https from 'node:https';
import { suite, equal, assert, until } from './lib.mjs';

const get = (world, path, key = world.key) => world.call('GET', world.api + path, { key });
const tokens = (paypal, payoneer = paypal) => ({ method: { type: 'card', tokens: { paypal, payoneer } } });

async function otherKey(world) {
    const other = world.admin('merchants', 'create', '--name', `Other ${randomUUID()}`, '--country', 'DE');
    const key = world.admin('keys', 'create', '--merchant', other.test_id, '--role', 'merchant').key;
    await until('the new key is known', async () => (await get(world, '/v1/payments', key)).status === 200);
    return key;
}

// A client of the stream: what came, message by message; `last` is where to go on.
class Stream {
    constructor(world, { key = world.key, after, lastEventId } = {}) {
        this.events = [];
        this.last = undefined;
        this.ended = false;
        let text = '';
        this.status = new Promise((resolve) => {
            this.request = https.request(`${world.api}/v1/events/stream${after ? `?after=${encodeURIComponent(after)}` : ''}`, {
                agent: new https.Agent({ ca: world.ca }), headers: { authorization: `Bearer ${key}`, ...(lastEventId ? { 'last-event-id': lastEventId } : {}) },
            }, (answer) => {
                this.answer = answer;
                this.type = answer.headers['content-type'];
                answer.on('data', (chunk) => {
                    text += chunk;
                    for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) this.take(text.slice(0, end));
                });
                for (const end of ['end', 'error', 'close']) answer.on(end, () => { this.ended = true; });
                resolve(answer.statusCode);
            });
            this.request.on('error', () => { this.ended = true; resolve(0); });
            this.request.end();
        });
    }
    take(message) {
        const field = (name) => message.split('\n').find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        if (field('id')) this.last = field('id');
        if (!field('data')) return;
        const event = JSON.parse(field('data'));
        equal(event.type, field('event'), 'the type of the message');
        this.events.push({ ...event, cursor: field('id') });
    }
    async ready() {
        equal(await this.status, 200, 'a stream');
        await until('it has a position', () => this.last);
        return this;
    }
    stop() { this.request.destroy(); return this.last; }
}
// Each payment's events come in their order, none twice.
function judgeOrder(events) {
    const next = new Map();
    for (const event of events) {
        const subject = event.operation ?? event.payment ?? event.payout;
        equal(event.number, (next.get(subject) ?? 0) + 1, `the next event of ${subject}`);
        next.set(subject, event.number);
    }
    return next;
}
const inLedger = (world) => world.rows(`SELECT encode(uuid_send(event_id), 'hex') AS id FROM events WHERE merchant_id IN (SELECT merchant_id FROM payments WHERE NOT livemode)`).length;

await suite('events', { settings: { event_streams_per_merchant_max: 16 } }, {
    async events_are_listed_newest_first_and_found_by_id(world) {
        const made = [];
        for (let i = 0; i < 5; i++) made.push((await world.pay(world.payment({ reference: `event-${i}-${randomUUID()}`, ...tokens(i === 3 ? 'tok_hard' : 'tok_ok') }))).answer);
        const seen = [];
        let after = '';
        for (;;) {
            const page = (await get(world, `/v1/events?limit=2${after}`)).json;
            seen.push(...page.data);
            if (!page.has_more) break;
            after = `&starting_after=${page.data.at(-1).id}`;
        }
        equal(new Set(seen.map((e) => e.id)).size, seen.length, 'no event twice');
        const mine = seen.filter((e) => made.some((p) => p.id === e.payment));
        equal(mine.map((e) => e.payment), made.map((p) => p.id).reverse(), 'newest first');
        equal(mine.map((e) => e.type), ['payment.succeeded', 'payment.declined', 'payment.succeeded', 'payment.succeeded', 'payment.succeeded'], 'types');
        equal(mine.map((e) => e.reference), made.map((p) => p.reference).reverse(), 'references');
        const one = await get(world, `/v1/events/${mine[1].id}`);
        equal(one.json, mine[1], 'the same one by its id');
        const declined = (await get(world, '/v1/events?type=payment.declined&limit=100')).json.data;
        assert(declined.length > 0 && declined.every((e) => e.type === 'payment.declined' && e.status === 'declined'), 'by type');
        const of = (await get(world, `/v1/events?payment=${made[2].id}`)).json.data;
        equal(of.map((e) => [e.payment, e.number, e.status, e.amount, e.livemode]), [[made[2].id, 1, 'succeeded', 1099, false]], 'by payment');
        const late = (await get(world, `/v1/events?created_from=${mine[0].created}&limit=100`)).json.data;
        equal(late.map((e) => e.id), [mine[0].id], 'by time');
        for (const [query, param] of [['type=payment.succeed', 'type'], ['payment=pyt_1', 'payment'], ['limitt=2', 'limitt']]) {
            const bad = await get(world, `/v1/events?${query}`);
            equal([bad.status, bad.json.param], [400, param], query);
        }
        equal((await get(world, '/v1/events?limit=1', world.financeKey)).json.data, [mine[0]], 'finance reads them, too');
        const foreign = await otherKey(world);
        equal((await get(world, '/v1/events', foreign)).json.data, [], 'nobody else does');
        equal((await get(world, `/v1/events?payment=${made[2].id}`, foreign)).json.data, [], '... by payment');
        equal((await get(world, `/v1/events/${mine[0].id}`, foreign)).status, 404, '... nor finds one');
        equal((await get(world, `/v1/payments/${made[2].id}/events`, foreign)).status, 404, '... nor a life');
        equal((await get(world, '/v1/events', world.operatorKey)).status, 400, 'operators say whose');
    },
    async a_payments_life_is_told_in_order(world) {
        const paid = (await world.pay(world.payment({ ...tokens('tok_soft', 'tok_ok'), providers: { only: [], never: [] } }))).answer;
        equal([paid.status, paid.attempts.length], ['succeeded', 2], 'failed over');
        const life = (await get(world, `/v1/payments/${paid.id}/events`)).json;
        equal([life.object, life.has_more, life.url], ['list', false, `/v1/payments/${paid.id}/events`], 'a list');
        const first = paid.attempts[0];
        const second = paid.attempts[1];
        const told = life.data.map((e) => [e.entry, e.attempt ?? null, e.actor]);
        equal(told[0], ['created', null, 'merchant'], 'first');
        equal(told.at(-1), ['status', second.id, 'gateway'], 'last');
        const at = (entry, attempt) => told.findIndex((t) => t[0] === entry && t[1] === attempt);
        const order = [at('attempt', first.id), at('send', first.id), at('outcome', first.id), at('attempt', second.id), at('send', second.id), told.findLastIndex((t) => t[0] === 'outcome' && t[1] === second.id)];
        assert(order.every((n, i) => n > (i ? order[i - 1] : 0)), `in order: ${JSON.stringify(told)}`);
        const declined = life.data.find((e) => e.entry === 'outcome' && e.outcome === 'declined_soft');
        equal([declined.actor, declined.reason, declined.left], [first.provider, first.reason, true], 'who declined it, and why');
        const last = life.data.at(-1);
        equal([last.type, last.status, last.number], ['payment.succeeded', 'succeeded', 1], 'the status');
        equal((await get(world, `/v1/events/${last.id}`)).json.payment, paid.id, 'its event');
        assert(life.data.every((e, i) => i === 0 || e.at >= life.data[i - 1].at), 'by time');
        assert(!JSON.stringify(life).includes('tok_'), 'no token is shown');
    },
    async operations_are_part_of_the_life(world) {
        const held = (await world.pay(world.payment({ capture: 'manual', ...tokens('tok_ok') }))).answer;
        const post = (path, body) => world.call('POST', `${world.api}/v1/payments/${held.id}/${path}`, { key: world.key, body, headers: { 'idempotency-key': randomUUID() } });
        const capture = await post('capture', { amount: 1000, final: true });
        equal([capture.status, capture.json.status], [201, 'succeeded'], 'captured');
        const refund = await post('refunds', { amount: 400 });
        equal([refund.status, refund.json.status], [201, 'succeeded'], 'refunded');
        const life = (await get(world, `/v1/payments/${held.id}/events`)).json.data;
        const begun = life.filter((e) => e.entry === 'operation');
        equal(begun.map((e) => [e.operation_id, e.kind, e.amount, e.actor]), [[capture.json.id, 'capture', 1000, 'merchant'], [refund.json.id, 'refund', 400, 'merchant']], 'operations');
        for (const { id } of [capture.json, refund.json]) {
            const of = life.filter((e) => e.operation_id === id).map((e) => e.entry);
            equal([of[0], of.includes('attempt'), of.includes('send'), of.includes('outcome')], ['operation', true, true, true], `rows of ${id}`);
        }
        const types = life.filter((e) => e.entry === 'status').map((e) => e.type);
        for (const type of ['payment.authorized', 'payment.captured', 'payment.refunded']) assert(types.includes(type), `${type} in ${types}`);
        equal(life.filter((e) => e.entry === 'status').map((e) => e.number), types.map((_, i) => i + 1), 'the payment\'s events in their order');
        const own = (await get(world, '/v1/events?limit=20')).json.data.find((e) => e.operation === refund.json.id);
        equal([own.type, own.payment, own.amount], ['refund.succeeded', held.id, 400], 'the refund\'s own event');
    },
    async the_stream_tells_what_happens_and_to_nobody_else(world) {
        const foreign = await new Stream(world, { key: await otherKey(world) }).ready();
        const mine = await new Stream(world).ready();
        const finance = await new Stream(world, { key: world.financeKey }).ready();
        equal(mine.type, 'text/event-stream', 'type');
        const paid = [];
        for (let i = 0; i < 3; i++) paid.push((await world.pay()).answer.id);
        for (const stream of [mine, finance]) {
            await until('they are told', () => stream.events.length >= 3);
            equal(stream.events.map((e) => e.payment), paid, 'in order');
        }
        const { cursor, ...event } = mine.events[1];
        equal(event, (await get(world, `/v1/events/${event.id}`)).json, 'the same as by its id');
        const again = await new Stream(world, { after: cursor }).ready();
        const header = await new Stream(world, { after: mine.last, lastEventId: mine.events[0].cursor }).ready();
        await until('the rest is told', () => again.events.length >= 1 && header.events.length >= 2);
        equal(again.events.map((e) => e.payment), paid.slice(2), 'behind ?after');
        equal(header.events.map((e) => e.payment), paid.slice(1), 'behind Last-Event-ID, which counts more');
        equal(foreign.events, [], 'nothing of it to another merchant');
        const spied = await get(world, `/v1/events/stream?after=${cursor}`, await otherKey(world));
        equal([spied.status, spied.json.code, spied.json.param], [400, 'cursor_malformed', 'after'], '... nor from a position of ours');
        await world.pay();
        await until('the payment is told', () => mine.events.length >= 4);
        equal(foreign.events, [], 'still nothing');
        const changed = cursor.slice(0, -30) + (cursor.at(-30) === 'A' ? 'B' : 'A') + cursor.slice(-29); // in the mark
        for (const bad of ['x', 'AAAA', `${cursor}AAAA`, 'Af____8HAAAAAAA', cursor.slice(0, -22), `${cursor.slice(0, -22)}${'A'.repeat(22)}`, changed]) {
            const answer = await get(world, `/v1/events/stream?after=${bad}`);
            equal([answer.status, answer.json.code, answer.json.param], [400, 'cursor_malformed', 'after'], `after=${bad}`);
        }
        equal((await get(world, '/v1/events/stream', world.operatorKey)).status, 400, 'operators say whose');
        for (const stream of [foreign, mine, finance, again, header]) stream.stop();
    },
    async a_stream_cut_again_and_again_loses_nothing_and_repeats_nothing(world) {
        const before = inLedger(world);
        let stream = await new Stream(world).ready();
        const told = [];
        let paying = true;
        const load = (async () => {
            while (paying) await Promise.all([...Array(8).keys()].map((i) => world.pay(world.payment(tokens(['tok_ok', 'tok_soft', 'tok_hard', 'tok_ok'][i % 4], 'tok_ok')))));
        })();
        const cut = async () => { // at any event, often within a batch
            told.push(...stream.events);
            const last = stream.stop();
            stream = new Stream(world, told.length % 2 ? { after: last } : { lastEventId: last });
            if (await stream.status !== 200) { stream.last = last; stream.events = []; }
            stream.last ??= last;
        };
        for (let round = 0; round < 6; round++) {
            await until('something is told', () => stream.events.length > 0 || stream.ended, 30000);
            if (round === 2 || round === 4) { // a worker dies with batches on their way
                const victim = world.workers()[round === 2 ? 0 : 1];
                process.kill(victim, 'SIGKILL');
                await until('it is replaced', () => { const now = world.workers(); return now.length === 2 && !now.includes(victim); }, 30000);
            }
            await cut();
        }
        paying = false;
        await load;
        await world.settled(60000);
        await until('all is told', async () => {
            if (stream.ended) await cut();
            return told.length + stream.events.length >= inLedger(world) - before;
        }, 60000);
        told.push(...stream.events);
        stream.stop();
        equal(told.length, inLedger(world) - before, 'events told and written');
        equal(new Set(told.map((e) => e.id)).size, told.length, 'no event twice');
        judgeOrder(told);
        await world.judge();
    },
    async a_reader_that_sleeps_holds_nobody_up_and_goes_on_later(world) {
        const stream = await new Stream(world).ready();
        const from = stream.last;
        stream.answer.pause();
        const before = inLedger(world);
        const slow = Date.now();
        while (inLedger(world) - before < 1500) await Promise.all([...Array(64).keys()].map(() => world.pay(world.payment({ reference: `${randomUUID()}${'x'.repeat(200)}` }))));
        const paid = await world.pay();
        equal(paid.answer.status, 'succeeded', 'payments go on');
        stream.stop();
        const again = await new Stream(world, { after: from }).ready();
        await until('all is told at once', () => again.events.length >= inLedger(world) - before, 30000);
        equal(again.events.length, inLedger(world) - before, 'whole');
        judgeOrder(again.events);
        again.stop();
        assert(Date.now() - slow < 60000, 'in time');
    },
    async streams_are_bounded(world) {
        const streams = [];
        let refused;
        for (let i = 0; i < 60 && !refused; i++) {
            const stream = new Stream(world);
            streams.push(stream);
            const status = await stream.status;
            if (status !== 200) refused = status;
        }
        equal(refused, 429, 'too many of one merchant');
        for (const stream of streams) stream.stop();
        await until('their places are free again', async () => {
            const stream = new Stream(world);
            const status = await stream.status;
            stream.stop();
            return status === 200;
        });
    },
});
