// events.mjs - what happened: the list, one event, the life of a payment; and the stream, which loses nothing.
import { randomUUID } from 'node:crypto';
import { suite, equal, assert, until } from './lib.mjs';

const get = (world, path, key = world.key) => world.call('GET', world.api + path, { key });
const tokens = (paypal, payoneer = paypal) => ({ method: { type: 'card', tokens: { paypal, payoneer } } });

async function otherKey(world) {
    const other = world.admin('merchants', 'create', '--name', `Other ${randomUUID()}`, '--country', 'DE');
    const key = world.admin('keys', 'create', '--merchant', other.test_id, '--role', 'merchant').key;
    await until('the new key is known', async () => (await get(world, '/v1/payments', key)).status === 200);
    return key;
}

await suite('events', {}, {
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
        equal((await get(world, '/v1/events', world.operatorKey)).status, 403, 'operators have no merchant');
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
});
