// Capture, void, refund, cancel: full, partial, several at once, with lost answers; judged by the sandbox's books.
import { randomUUID } from 'node:crypto';
import { suite, assert, equal, until, uuidOf } from './lib.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 3); // of 64 captures and 64 refunds at once

async function operate(world, path, body = {}, key = randomUUID()) {
    const answer = await world.call('POST', `${world.api}/v1/payments/${path}`, { body, key: world.key, headers: { 'idempotency-key': `"${key}"` } });
    return { status: answer.status, answer: answer.json, raw: answer.raw, headers: answer.headers };
}
const hold = (world, amount, provider = 'paypal') =>
    world.pay({ amount, currency: 'EUR', capture: 'manual', method: { type: 'card', tokens: { [provider]: 'tok_ok' } } });
const sale = (world, amount, provider = 'paypal') =>
    world.pay({ amount, currency: 'EUR', method: { type: 'card', tokens: { [provider]: 'tok_ok' } } });

// What the provider has under a payment: charged and given back, each movement by itself.
async function booked(world, id) {
    const done = (e) => !['declined', 'failed', 'denied', 'voided', 'canceled'].includes(e.state);
    const mine = await world.books(`?invoice=${id}`);
    const sum = (kinds) => mine.filter((e) => kinds.includes(e.kind) && done(e)).reduce((n, e) => n + e.amount, 0);
    return { captured: sum(['charge', 'capture']), refunded: sum(['refund']), held: mine.filter((e) => e.kind === 'hold' && ['held', 'partially_captured'].includes(e.state)).length };
}
// The books of both sides, and the journal, agree on this payment.
async function agree(world, id) {
    const payment = await world.get(id);
    const books = await booked(world, id);
    equal([payment.amount_captured, payment.amount_refunded], [books.captured, books.refunded], `captured and refunded of ${id}, ledger and books`);
    assert(books.captured <= payment.amount, `never above: ${books.captured} of ${payment.amount}`);
    assert(books.refunded <= books.captured, `never above: ${books.refunded} of ${books.captured}`);
    const sum = (what) => `coalesce(sum(t.amount_minor) FILTER (WHERE ${what}), 0)`;
    const journal = world.rows(`SELECT concat_ws(' ', ${sum("t.state = 'posted' AND t.kind = 'payment'")}, ${sum("t.state = 'posted' AND t.kind = 'refund'")},
        ${sum(`t.state = 'pending' AND NOT EXISTS (SELECT FROM transfers n WHERE n.merchant_id = t.merchant_id AND n.pending_id = t.transfer_id)`)})
        FROM transfers t WHERE t.payment_id = ${uuidOf(id)}`)[0].concat_ws;
    equal(journal, `${payment.amount_captured} ${payment.amount_refunded} ${payment.amount_authorized - payment.amount_captured}`, `journal of ${id}: captured, refunded, held`);
    return payment;
}
const all = (world, id) => world.call('GET', `${world.api}/v1/payments/${id}/operations`, { key: world.key });
async function settled(world, id) {
    await until(`every operation on ${id} is settled`, async () => (await all(world, id)).json.data.every((o) => o.status !== 'processing'), 60000);
}

// 64 refunds at once on captures whose room just suffices, whatever happens to them meanwhile.
async function fillFive(world, ask) {
    const parts = [1400, 1300, 1300, 1300, 1100]; // 64 of 100 each fill them exactly
    const total = parts.reduce((n, e) => n + e, 0);
    let id;
    await until('it is held', async () => { // the faults of the case before may have opened the breaker
        const held = await hold(world, total);
        id = held.answer.id;
        return held.answer.status === 'authorized';
    });
    for (const amount of parts) equal((await operate(world, `${id}/capture`, { amount })).answer.status, 'succeeded', `capture ${amount}`);
    await Promise.all(Array.from({ length: 64 }, () => ask((key) => operate(world, `${id}/refunds`, { amount: 100 }, key))));
    await world.noFaults();
    await settled(world, id);
    equal((await agree(world, id)).amount_refunded, total, 'all of it');
    const captures = (await all(world, id)).json.data.filter((o) => o.object === 'capture');
    for (const one of captures) equal(one.amount_refunded, one.amount, `refunded of ${one.id}`);
    equal((await operate(world, `${id}/refunds`, { amount: 1 })).answer.code, 'amount_exceeds_remaining', 'nothing is left');
}

await suite('operations', { workers: 2, delayMs: 10 }, {
    async a_capture_charges_what_is_held(world) {
        for (const provider of ['paypal', 'payoneer']) {
            const held = await hold(world, 1000, provider);
            equal(held.answer.status, 'authorized', 'held');
            const id = held.answer.id;
            const key = randomUUID();
            const captured = await operate(world, `${id}/capture`, {}, key);
            equal([captured.status, captured.answer.object, captured.answer.status, captured.answer.amount, captured.answer.payment],
                [201, 'capture', 'succeeded', 1000, id], `captured at ${provider}: ${captured.raw}`);
            equal(captured.headers.location, `/v1/captures/${captured.answer.id}`, 'Location');
            const again = await operate(world, `${id}/capture`, {}, key);
            equal([again.status, again.raw, again.headers['idempotent-replayed']], [201, captured.raw, 'true'], 'same key, same answer');
            equal((await operate(world, `${id}/capture`)).status, 409, 'nothing is left');
            const payment = await agree(world, id);
            equal([payment.status, payment.amount_captured], ['succeeded', 1000], 'the payment');
            const shown = await world.call('GET', world.api + captured.headers.location, { key: world.key });
            equal([shown.status, shown.json.status], [200, 'succeeded'], 'GET');
        }
    },
    async captures_and_refunds_in_parts(world) {
        const id = (await hold(world, 1000)).answer.id;
        equal((await operate(world, `${id}/capture`, { amount: 1001 })).answer.code, 'amount_exceeds_remaining', 'more than is held');
        equal((await operate(world, `${id}/refunds`)).status, 409, 'nothing to give back yet');
        equal((await operate(world, `${id}/capture`, { amount: 400 })).answer.status, 'succeeded', 'a part');
        equal((await agree(world, id)).status, 'authorized', 'the rest is held');
        equal((await operate(world, `${id}/capture`, { amount: 350 })).answer.status, 'succeeded', 'another');
        const refund = await operate(world, `${id}/refunds`, { amount: 150, reason: 'too much' });
        equal([refund.status, refund.answer.status, refund.answer.reason], [201, 'succeeded', 'too much'], refund.raw);
        equal((await operate(world, `${id}/refunds`, { amount: 700 })).answer.code, 'amount_exceeds_remaining', 'more than is left');
        const last = await operate(world, `${id}/capture`, { amount: 50, final: true });
        equal([last.status, last.answer.status, last.answer.amount], [201, 'succeeded', 50], `the last: ${last.raw}`);
        const payment = await agree(world, id);
        equal([payment.status, payment.amount_authorized, payment.amount_captured, payment.amount_refunded], ['succeeded', 800, 800, 150], 'the rest is let go');
        equal((await all(world, id)).json.data.map((o) => o.object), ['capture', 'refund', 'capture', 'capture'], 'newest first');
    },
    async a_void_lets_go_what_is_held(world) {
        for (const provider of ['paypal', 'payoneer']) {
            const id = (await hold(world, 700, provider)).answer.id;
            equal((await operate(world, `${id}/void`)).answer.status, 'succeeded', `voided at ${provider}`);
            equal((await agree(world, id)).status, 'canceled', 'the payment');
            equal((await operate(world, `${id}/capture`)).status, 409, 'nothing to capture');
            equal((await booked(world, id)).held, 0, 'nothing is held');
        }
    },
    async cancel_voids_what_is_authorized_and_refuses_what_is_paid(world) {
        const id = (await hold(world, 500)).answer.id;
        const cancel = (id) => world.call('POST', `${world.api}/v1/payments/${id}/cancel`, { key: world.key });
        const canceled = await cancel(id);
        equal([canceled.status, canceled.json.status], [200, 'canceled'], canceled.raw);
        equal((await cancel(id)).status, 200, 'again');
        const paid = (await sale(world, 500)).answer.id;
        equal((await cancel(paid)).status, 409, 'it is paid');
        await agree(world, id);
    },
    async a_lost_answer_is_found_out_and_keeps_its_sum(world) {
        const id = (await hold(world, 1000)).answer.id;
        await world.fault({ provider: 'paypal', operation: 'capture', kind: 'reset_after_effect', count: 1 });
        const lost = await operate(world, `${id}/capture`, { amount: 600 });
        equal([lost.status, lost.answer.status], [202, 'processing'], `not known: ${lost.raw}`);
        equal((await operate(world, `${id}/capture`, { amount: 500 })).status, 409, 'its sum stays open');
        equal((await operate(world, `${id}/void`)).status, 409, 'no void meanwhile');
        await settled(world, id);
        const payment = await agree(world, id);
        equal([payment.status, payment.amount_captured], ['authorized', 600], 'found out');
        await world.fault({ provider: 'paypal', operation: 'refund', kind: 'reset_after_effect', count: 1 });
        equal((await operate(world, `${id}/refunds`, { amount: 600 })).status, 202, 'refund: not known');
        equal((await operate(world, `${id}/refunds`, { amount: 1 })).status, 409, 'never above while it is unknown');
        await settled(world, id);
        equal((await agree(world, id)).amount_refunded, 600, 'refunded once');
        await world.noFaults();
    },
    async sixty_four_captures_and_refunds_at_once_never_exceed(world) {
        const some = (amount) => 1 + Math.floor(Math.random() * Math.ceil(amount / 16));
        const volley = async (id, path, amount) => {
            const got = await Promise.all(Array.from({ length: 64 }, () => operate(world, `${id}/${path}`, { amount: some(amount) })));
            for (const one of got) assert([201, 202, 409].includes(one.status), `${path}: ${one.status} ${one.raw}`);
            await settled(world, id);
            const told = got.filter((e) => e.status === 201 && e.answer.status === 'succeeded').reduce((n, e) => n + e.answer.amount, 0);
            return [told, await agree(world, id)];
        };
        const round = async () => {
            const amount = 1000 + Math.floor(Math.random() * 9000);
            const id = (await hold(world, amount)).answer.id;
            const [captured, paid] = await volley(id, 'capture', amount);
            assert(paid.amount_captured >= captured && captured > 0, `told ${captured}, captured ${paid.amount_captured}`);
            const [refunded, given] = await volley(id, 'refunds', amount);
            assert(given.amount_refunded >= refunded && refunded > 0, `told ${refunded}, refunded ${given.amount_refunded}`);
        };
        const started = Date.now();
        for (let done = 0; done < ROUNDS; done += 3) await Promise.all(Array.from({ length: Math.min(3, ROUNDS - done) }, round));
        if (ROUNDS > 3) console.log(JSON.stringify({ rounds: ROUNDS, operations: ROUNDS * 128, ms: Date.now() - started }));
    },
    async sixty_four_refunds_at_once_find_their_room_among_five_captures(world) {
        await fillFive(world, async (refund) => {
            const { status, answer, raw } = await refund();
            equal([status, answer.status], [201, 'succeeded'], `there is room: ${raw}`);
        });
    },
    async five_captures_are_filled_though_answers_are_lost(world) {
        await world.fault({ provider: 'paypal', operation: 'refund', kind: 'reset_after_effect', share: 0.3 });
        await fillFive(world, async (refund) => {
            const { status, answer, raw } = await refund();
            assert(status === 202 || (status === 201 && answer.status === 'succeeded'), `there is room: ${status} ${raw}`);
        });
    },
    async five_captures_are_filled_though_a_worker_is_killed(world) {
        let answered = 0;
        await fillFive(world, async (refund) => {
            let key = randomUUID();
            await until('it is refunded', async () => {
                const { status, answer } = await refund(key);
                if (status === 201 && ++answered === 8) process.kill(world.workers()[0], 'SIGKILL');
                if (status === 201 && answer.status !== 'succeeded') key = randomUUID(); // surely not done: asked for anew
                if (status === 409) equal(answer.code, 'idempotency_key_in_use', 'never for want of room');
                return status === 201 && answer.status === 'succeeded';
            }, 90000);
        });
        assert(answered >= 64, 'a worker was killed on the way');
        await until('two workers', () => world.workers().length === 2);
    },
    async a_refund_takes_the_capture_that_fits_best_or_says_how_to_split(world) {
        const id = (await hold(world, 1000)).answer.id;
        const captures = [];
        for (const amount of [400, 250, 350]) captures.push((await operate(world, `${id}/capture`, { amount })).answer);
        const left = async () => Promise.all(captures.map(async (c) => {
            const shown = (await world.call('GET', `${world.api}/v1/captures/${c.id}`, { key: world.key })).json;
            return shown.amount - shown.amount_refunded;
        }));
        equal((await operate(world, `${id}/refunds`, { amount: 240 })).answer.status, 'succeeded', '240');
        equal(await left(), [400, 10, 350], 'of the smallest that holds it');
        const key = randomUUID();
        const spans = await operate(world, `${id}/refunds`, { amount: 600 }, key);
        equal([spans.status, spans.answer.code, spans.answer.retryable], [409, 'refund_spans_captures', false], spans.raw);
        assert(/at most 400 /.test(spans.answer.detail) && /: 400, 200$/.test(spans.answer.detail), `how to split: ${spans.answer.detail}`);
        equal((await operate(world, `${id}/refunds`)).answer.code, 'refund_spans_captures', 'all that is left spans them, too');
        await world.fault({ provider: 'paypal', operation: 'refund', kind: 'reset_after_effect', count: 1 });
        equal((await operate(world, `${id}/refunds`, { amount: 400 })).status, 202, 'not known');
        const meanwhile = await operate(world, `${id}/refunds`, { amount: 360 });
        assert(/: 350, 10$/.test(meanwhile.answer.detail), `its capture is full while it is unknown: ${meanwhile.raw}`);
        await settled(world, id);
        await world.noFaults();
        equal(await left(), [0, 10, 350], 'found out');
        await world.fault({ provider: 'paypal', operation: 'refund', kind: 'http_429', count: 1 });
        const no = await operate(world, `${id}/refunds`, { amount: 350 });
        equal([no.status, no.answer.status], [201, 'failed'], `a definite no: ${no.raw}`);
        await world.noFaults();
        equal((await operate(world, `${id}/refunds`, { capture: captures[1].id, amount: 11 })).status, 409, 'that one has not so much');
        equal((await operate(world, `${id}/refunds`, { capture: captures[1].id })).answer.amount, 10, 'all that is left of it');
        equal((await operate(world, `${id}/refunds`)).answer.amount, 350, 'given back, and refunded now');
        equal(await left(), [0, 0, 0], 'nothing is left');
        equal((await agree(world, id)).amount_refunded, 1000, 'all of it');
    },
    async other_merchants_operations_are_absent(world) {
        const id = (await sale(world, 900)).answer.id;
        const refund = (await operate(world, `${id}/refunds`, { amount: 100 })).answer;
        const made = world.admin('merchants', 'create', '--name', 'Other', '--country', 'US');
        const other = world.admin('keys', 'create', '--merchant', made.test_id, '--role', 'merchant');
        for (const path of [`/v1/refunds/${refund.id}`, `/v1/payments/${id}/operations`])
            equal((await world.call('GET', world.api + path, { key: other.key })).status, 404, path);
        const stolen = await world.call('POST', `${world.api}/v1/payments/${id}/refunds`, { body: {}, key: other.key, headers: { 'idempotency-key': randomUUID() } });
        equal(stolen.status, 404, 'refund of another merchant\'s payment');
    },
});
