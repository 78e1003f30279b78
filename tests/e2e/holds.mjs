// Authorizations that are held for longer by another one: captures, voids, lost answers, crashes and the watch over what is held, judged by the sandbox's books.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { suite, assert, equal, until } from './lib.mjs';

async function operate(world, path, body = {}, key = randomUUID()) {
    const answer = await world.call('POST', `${world.api}/v1/payments/${path}`, { body, key: world.key, headers: { 'idempotency-key': `"${key}"` } });
    return { status: answer.status, answer: answer.json, raw: answer.raw, headers: answer.headers };
}
async function hold(world, amount, provider = 'paypal') {
    const made = await world.pay({ amount, currency: 'EUR', capture: 'manual', method: { type: 'card', tokens: { [provider]: 'tok_ok' } } });
    equal(made.answer?.status, 'authorized', `held: ${made.raw}`);
    return made.answer;
}
const entries = async (world, id) => (await world.books()).filter((e) => e.invoice === id || e.payment === id);
const holds = async (world, id) => (await entries(world, id)).filter((e) => e.kind === 'hold');
const open = (list) => list.filter((e) => ['held', 'partially_captured'].includes(e.state));
// As if what is held of this payment had been authorized four days ago.
async function age(world, id, days = 4) {
    for (const entry of await holds(world, id)) {
        const aged = await world.call('POST', `${world.sandbox}/age`, { body: { id: entry.id, days } });
        equal(aged.status, 200, aged.raw);
    }
    world.psql(`UPDATE payment_limits l SET hold_ends_at = hold_ends_at - interval '${days} days' WHERE finance.show_id('pay', l.payment_id) = '${id}'`);
}
async function held(world, amount) {
    const payment = await hold(world, amount);
    await age(world, payment.id);
    return payment;
}
// Books, ledger and journal agree; at most one authorization of the payment is open at the provider.
async function agree(world, id) {
    const payment = await world.get(id);
    const mine = await entries(world, id);
    const sum = (kind) => mine.filter((e) => e.kind === kind && !['declined', 'failed'].includes(e.state)).reduce((n, e) => n + e.amount, 0);
    equal([payment.amount_captured, payment.amount_refunded], [sum('charge'), sum('refund')], `captured and refunded of ${id}, ledger and books`);
    assert(sum('charge') <= payment.amount, `never above: ${sum('charge')} of ${payment.amount}`);
    const live = open(mine.filter((e) => e.kind === 'hold'));
    assert(live.length <= 1, `${live.length} authorizations are open: ${JSON.stringify(live)}`);
    const pending = world.rows(`SELECT coalesce(sum(t.amount_minor), 0)::bigint AS held FROM transfers t WHERE finance.show_id('pay', t.payment_id) = '${id}'
        AND t.state = 'pending' AND NOT EXISTS (SELECT FROM transfers n WHERE n.merchant_id = t.merchant_id AND n.pending_id = t.transfer_id)`)[0].held;
    equal(pending, payment.amount_authorized - payment.amount_captured, `journal of ${id}: held`);
    return payment;
}
const operations = async (world, id) => (await world.call('GET', `${world.api}/v1/payments/${id}/operations`, { key: world.key })).json.data;
const settled = (world, id) => until(`every operation on ${id} is settled`, async () => (await operations(world, id)).every((o) => o.status !== 'processing'));
async function types(world, id) {
    const history = await world.call('GET', `${world.api}/v1/payments/${id}/events`, { key: world.key });
    return history.json.data.filter((e) => e.entry === 'status').map((e) => e.type);
}
// The watch over what is held looks now, and has looked.
async function look(world, id) {
    const its = `finance.show_id('pay', u.payment_id) = '${id}' AND u.reason = 'recheck'`;
    const before = world.rows(`SELECT epoch FROM unresolved u WHERE ${its}`);
    equal(before.length, 1, `the hold of ${id} is watched`);
    world.psql(`UPDATE unresolved u SET next_at = now() WHERE ${its}`);
    await until('the watch has looked', () => world.rows(`SELECT 1 FROM unresolved u WHERE ${its} AND (u.epoch <= ${before[0].epoch} OR u.lease_until > now())`).length === 0);
}

await suite('holds', { workers: 2, delayMs: 10 }, {
    async what_is_held_is_held_for_longer_and_captured(world) {
        const { id } = await held(world, 1000);
        const payment = await world.get(id);
        assert(Date.parse(payment.authorized_until) > Date.now() + 20 * 86400e3, `until when: ${payment.authorized_until}`);
        const key = randomUUID();
        const made = await operate(world, `${id}/reauthorize`, { reason: 'not yet shipped' }, key);
        equal([made.status, made.answer.object, made.answer.status, made.answer.amount, made.answer.payment],
            [201, 'reauthorize', 'succeeded', 1000, id], made.raw);
        equal(made.headers.location, `/v1/reauthorizations/${made.answer.id}`, 'Location');
        assert(made.answer.id.startsWith('rea_'), made.answer.id);
        const again = await operate(world, `${id}/reauthorize`, { reason: 'not yet shipped' }, key);
        equal([again.status, again.raw, again.headers['idempotent-replayed']], [201, made.raw, 'true'], 'same key, same answer');
        equal((await world.call('GET', world.api + made.headers.location, { key: world.key })).json.status, 'succeeded', 'GET');
        const after = await agree(world, id);
        equal([after.status, after.amount_authorized], ['authorized', 1000], 'the sum stays');
        assert(after.authorized_until > payment.authorized_until, `${after.authorized_until} is later than ${payment.authorized_until}`);
        const [first, second] = await holds(world, id);
        equal([first.state, second.state], ['voided', 'held'], 'one in the place of the other');
        equal((await operate(world, `${id}/capture`, { amount: 400 })).answer.status, 'succeeded', 'a part of it');
        equal((await operate(world, `${id}/capture`)).answer.status, 'succeeded', 'the rest');
        equal((await agree(world, id)).status, 'succeeded', 'paid');
        equal((await holds(world, id)).find((e) => e.id === second.id).captured, 1000, 'of the new one');
        const told = await types(world, id);
        assert(told.includes('payment.reauthorized') && told.includes('payment.reauthorize.processing'), `events: ${told}`);
        equal((await operate(world, `${id}/reauthorize`)).status, 409, 'nothing is held any more');
    },
    async a_void_lets_go_the_authorization_in_force(world) {
        const { id } = await held(world, 700);
        equal((await operate(world, `${id}/reauthorize`)).answer.status, 'succeeded', 'once');
        await age(world, id);
        equal((await operate(world, `${id}/reauthorize`)).answer.status, 'succeeded', 'twice');
        equal((await holds(world, id)).map((e) => e.state), ['voided', 'voided', 'held'], 'three authorizations');
        equal((await operate(world, `${id}/void`)).answer.status, 'succeeded', 'void');
        equal((await agree(world, id)).status, 'canceled', 'the payment');
        equal(open(await holds(world, id)).length, 0, 'nothing is held at the provider');
    },
    async cancel_lets_it_go_too(world) {
        const { id } = await held(world, 700);
        equal((await operate(world, `${id}/reauthorize`)).answer.status, 'succeeded', 'held for longer');
        const canceled = await world.call('POST', `${world.api}/v1/payments/${id}/cancel`, { key: world.key });
        equal([canceled.status, canceled.json.status], [200, 'canceled'], canceled.raw);
        equal(open(await holds(world, id)).length, 0, 'nothing is held at the provider');
    },
    async less_is_held_and_what_is_captured_stays(world) {
        const { id } = await held(world, 1000);
        equal((await operate(world, `${id}/capture`, { amount: 300 })).answer.status, 'succeeded', 'a part first');
        equal((await operate(world, `${id}/reauthorize`, { amount: 701 })).answer.code, 'amount_exceeds_remaining', 'never more');
        const made = await operate(world, `${id}/reauthorize`, { amount: 600 });
        equal([made.status, made.answer.status, made.answer.amount], [201, 'succeeded', 600], made.raw);
        const payment = await agree(world, id);
        equal([payment.status, payment.amount_authorized, payment.amount_captured], ['authorized', 900, 300], 'the rest is let go');
        equal((await operate(world, `${id}/capture`, { amount: 601 })).answer.code, 'amount_exceeds_remaining', 'never above');
        equal((await operate(world, `${id}/capture`)).answer.amount, 600, 'what is left');
        const refund = await operate(world, `${id}/refunds`, { amount: 250 });
        equal(refund.answer.status, 'succeeded', refund.raw);
        equal((await agree(world, id)).amount_captured, 900, 'all');
    },
    async a_no_leaves_all_as_it_was(world) {
        const early = await hold(world, 500);
        const refused = await operate(world, `${early.id}/reauthorize`);
        equal([refused.status, refused.answer.status, refused.answer.failure.code], [201, 'failed', 'REAUTHORIZATION_NOT_SUPPORTED'], refused.raw);
        equal((await operate(world, `${early.id}/capture`)).answer.status, 'succeeded', 'the first one is in force');
        await agree(world, early.id);
        const other = await hold(world, 500, 'payoneer');
        const cannot = await operate(world, `${other.id}/reauthorize`);
        equal([cannot.status, cannot.answer.detail], [409, 'payoneer cannot reauthorize'], cannot.raw);
    },
    async while_nobody_knows_neither_is_used(world) {
        const { id } = await held(world, 1000);
        await world.fault({ provider: 'paypal', operation: 'charge', kind: 'reset_after_effect', count: 1 });
        await world.fault({ provider: 'paypal', operation: 'charge', kind: 'http_503', count: 3 });
        const key = randomUUID();
        const lost = await operate(world, `${id}/reauthorize`, { amount: 800 }, key);
        equal([lost.status, lost.answer.status], [202, 'processing'], `not known: ${lost.raw}`);
        equal((await operate(world, `${id}/capture`, { amount: 1 })).status, 409, 'no capture, of whichever');
        equal((await operate(world, `${id}/void`)).status, 409, 'no void');
        equal((await operate(world, `${id}/reauthorize`)).status, 409, 'no second one');
        await look(world, id); // the one before is VOIDED by now: that is not the end of what is held
        equal((await world.get(id)).status, 'authorized', 'still authorized');
        await settled(world, id);
        equal((await operate(world, `${id}/reauthorize`, { amount: 800 }, key)).answer.status, 'succeeded', 'found out under its key');
        await world.noFaults();
        equal((await agree(world, id)).amount_authorized, 800, 'and the rest let go');
        equal((await holds(world, id)).length, 2, 'authorized again once');
        await look(world, id);
        equal((await agree(world, id)).status, 'authorized', 'held by the new one');
        equal((await operate(world, `${id}/capture`)).answer.amount, 800, 'of the new one');
        await agree(world, id);
    },
    async the_watch_follows_the_authorization_in_force(world) {
        const { id } = await held(world, 900);
        equal((await operate(world, `${id}/reauthorize`)).answer.status, 'succeeded', 'held for longer');
        await look(world, id);
        equal((await world.get(id)).status, 'authorized', 'VOIDED of the one before is not the end');
        const [, second] = await holds(world, id);
        await world.voidAtPaypal(second.id);
        world.psql(`UPDATE unresolved u SET next_at = now() WHERE finance.show_id('pay', u.payment_id) = '${id}'`);
        await until('the payment has ended', async () => (await world.get(id)).status === 'canceled');
        const payment = await agree(world, id);
        equal([payment.amount_authorized, payment.amount_captured], [0, 0], 'nothing is held');
        assert((await types(world, id)).includes('payment.authorization_expired'), 'told so');
    },
    async what_ended_is_not_what_took_its_place(world) {
        const { id } = await hold(world, 650);
        const [first] = await holds(world, id);
        await world.voidAtPaypal(first.id);
        // The look finds it VOIDED; before that is written, another authorization has taken its place.
        const mine = `finance.show_id('pay', payment_id) = '${id}'`;
        const session = spawn('psql', ['-X', '-q', '-d', world.conninfo('postgres')], { stdio: ['pipe', 'ignore', 'inherit'] });
        const waiting = () => world.rows("SELECT 1 FROM pg_locks WHERE NOT granted").length > 0;
        session.stdin.write(`BEGIN; UPDATE payment_limits SET hold_reference = 'ANOTHER' WHERE ${mine};\n`);
        await until('the row is locked', () => world.rows("SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction'").length > 0);
        world.psql(`UPDATE unresolved SET next_at = now() WHERE ${mine}`);
        await until('its end is being written', waiting);
        const { epoch } = world.rows(`SELECT epoch FROM unresolved WHERE ${mine}`)[0];
        session.stdin.end('COMMIT;\n');
        await until('it was put back', () => world.rows(`SELECT 1 FROM unresolved WHERE ${mine} AND epoch >= ${epoch} AND lease_until < now()`).length === 1
            || world.rows(`SELECT 1 FROM unresolved WHERE ${mine}`).length === 0);
        const payment = await world.get(id);
        equal([payment.status, payment.amount_authorized], ['authorized', 650], 'the end of another is not its end');
        world.psql(`UPDATE payment_limits SET hold_reference = '${first.id}' WHERE ${mine}; UPDATE unresolved SET next_at = now() WHERE ${mine}`);
        await until('the payment has ended', async () => (await world.get(id)).status === 'canceled');
        await agree(world, id);
    },
    async captures_and_reauthorizations_at_once_never_exceed(world) {
        for (let round = 0; round < 4; round++) {
            const { id } = await held(world, 1000);
            const got = await Promise.all([...Array(6).keys()].flatMap(() => [
                operate(world, `${id}/capture`, { amount: 150 }), operate(world, `${id}/reauthorize`)]));
            for (const one of got) assert([201, 202, 409].includes(one.status), `${one.status} ${one.raw}`);
            await settled(world, id);
            await agree(world, id);
            for (const one of await operations(world, id))
                assert(one.object === 'reauthorize' || one.status === 'succeeded', `a capture of the authorization before: ${JSON.stringify(one.failure)}`);
            await operate(world, `${id}/capture`);
            const payment = await agree(world, id);
            equal([payment.status, payment.amount_captured], ['succeeded', 1000], 'all of it, once');
        }
    },
    async a_crash_in_between_is_found_out(world) {
        const { id } = await held(world, 1200);
        await world.fault({ provider: 'paypal', operation: 'charge', kind: 'hang_after_effect', count: 1 });
        const key = randomUUID();
        const asked = operate(world, `${id}/reauthorize`, {}, key).catch(() => null);
        await until('the provider has done it', async () => (await holds(world, id)).length === 2);
        for (const pid of world.workers()) process.kill(pid, 'SIGKILL');
        await asked;
        await settled(world, id);
        await world.noFaults();
        const again = await until('answered', async () => {
            const answer = await operate(world, `${id}/reauthorize`, {}, key);
            return answer.status === 201 && answer;
        });
        equal(again.answer.status, 'succeeded', again.raw);
        equal((await holds(world, id)).map((e) => e.state), ['voided', 'held'], 'once');
        equal((await operate(world, `${id}/capture`)).answer.status, 'succeeded', 'the new one is captured');
        equal((await agree(world, id)).status, 'succeeded', 'paid');
    },
    async the_books_agree(world) {
        await world.judge();
    },
});
