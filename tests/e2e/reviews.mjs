// What a person must look at, and what is reversed by itself: judged by the books, net at most one amount.
import { randomUUID } from 'node:crypto';
import { suite, assert, equal, until, uuidOf } from './lib.mjs';

const paypalOnly = { providers: { only: ['paypal'] } };

const asOperator = (world, method, path, body) => world.call(method, world.api + path, { key: world.operatorKey, body });
async function casesOf(world, payment) {
    const { json } = await asOperator(world, 'GET', `/v1/reviews?limit=100&merchant=${world.merchant}`);
    return json.data.filter((one) => one.payment === payment);
}
const theCase = (world, payment, state, kind) => until(`a case of ${payment} that is ${state}`,
    async () => (await casesOf(world, payment)).find((one) => one.state === state && (!kind || one.kind === kind)), 30000);
const resolve = (world, id, body) => asOperator(world, 'POST', `/v1/reviews/${id}/resolve`, { reason: 'seen in the books', evidence: 'e2e', ...body });

// What the providers' books hold of a payment in the end: charges less refunds.
async function net(world, payment) {
    let sum = 0;
    for (const entry of await world.books(`?invoice=${payment}`)) {
        const moved = ['completed', 'partially_refunded', 'refunded'].includes(entry.state);
        if (entry.kind === 'charge' && moved) sum += entry.amount;
        if (entry.kind === 'refund' && entry.state === 'completed') sum -= entry.amount;
    }
    return sum;
}
function ledgerNet(world, payment) {
    const [row] = world.rows(`SELECT coalesce(sum(CASE t.kind WHEN 'payment' THEN t.amount_minor WHEN 'refund' THEN -t.amount_minor ELSE 0 END), 0)::bigint AS net
        FROM transfers t WHERE t.state = 'posted' AND t.payment_id = (${uuidOf(payment)})`);
    return Number(row.net);
}
async function agree(world, payment, wanted) {
    equal([await net(world, payment), ledgerNet(world, payment)], [wanted, wanted], `${payment}: net in the books, and in the ledger`);
}
const refunds = async (world, payment) => (await world.books(`?invoice=${payment}`)).filter((e) => e.kind === 'refund').length;

const giveBack = (world, payment) => world.call('POST', `${world.api}/v1/payments/${payment}/refunds`, { key: world.key, body: {}, headers: { 'idempotency-key': `"${randomUUID()}"` } });
// As a webhook does: what was final is looked up again.
const lookAgain = (world, attempt) => world.psql(`INSERT INTO unresolved (merchant_id, attempt_id, payment_id, account_id, provider, next_at, lease_until, epoch, tries, reason, parked_at)
    SELECT a.merchant_id, a.attempt_id, a.payment_id, a.account_id, a.provider, now(), '-infinity', 0, 0, 'recheck', now() FROM attempts a WHERE a.attempt_id = ${uuidOf(attempt)}`);
// The provider takes the money after all, having said that it would not.
async function takeAfterAll(world, attempt) {
    const [entry] = await world.books(`?reference=${attempt}`);
    equal(entry?.state, 'declined', `${attempt} in the books`);
    const { status, raw } = await world.call('POST', `${world.sandbox}/settle`, { body: { id: entry.id, state: 'completed' } });
    equal(status, 200, `taken after all (${raw})`);
}
const reversed = async (world, payment) => {
    const one = await theCase(world, payment, 'resolved', 'late_success');
    equal([one.resolution.outcome, one.resolution.by], ['reversed', null], 'by the gateway itself');
    return one;
};
// From now on PayPal tells the gateway of what happens, signed.
async function hearOfPaypal(world) {
    const id = '1JE4291016473214C';
    world.admin('accounts', 'update', world.accounts.paypal, '--setting', 'settle_ms=3000', '--setting', `webhook_id=${id}`);
    const { status, raw } = await world.call('POST', `${world.sandbox}/hooks`, { body: { provider: 'paypal', url: `${world.api}/webhooks/paypal/${world.accounts.paypal}`, id } });
    assert(status < 300, `hook refused: ${raw}`);
}
const calm = (world) => world.untilWell('paypal');

await suite('reviews', { payouts: true, workers: 2, delayMs: 5, settings: { review_after_ms: 4000, resolve_max_ms: 500, reverse_retry_ms: 200, reverse_wait_ms: 100, reverse_try_max: 2, breaker_open_ms: 500 } }, {
    async a_mismatch_is_decided_by_a_person_once(world) {
        await world.fault({ provider: 'paypal', operation: 'charge', kind: 'other_amount', count: 1 });
        const paid = await world.pay(world.payment(paypalOnly));
        equal([paid.status, paid.answer.status], [202, 'review'], 'another amount is never success');
        const one = await theCase(world, paid.answer.id, 'open');
        equal([one.kind, one.amount, one.answered, one.choices], ['amount_mismatch', 1099, { amount: 1098, currency: 'EUR' }, ['charged', 'not_charged']], 'the case');
        const shown = (await world.call('GET', `${world.api}/v1/reviews/${one.id}`, { key: world.financeKey })).json;
        equal([shown.of.status, shown.of.attempts[0].answers[0].reason], ['review', 'amount_mismatch'], 'what is needed to decide');
        assert(shown.of.attempts[0].answers[0].facts.order_id, `the provider's own id: ${JSON.stringify(shown.of.attempts[0].answers)}`);
        equal((await world.call('POST', `${world.api}/v1/reviews/${one.id}/resolve`, { key: world.key, body: { outcome: 'charged', reason: 'I say so' } })).status, 403, 'a merchant may not');
        const both = await Promise.all([1, 2].map(() => resolve(world, one.id, { outcome: 'charged' })));
        equal(both.map((b) => b.status).sort(), [200, 409], 'of two at once one wins');
        const won = both.find((b) => b.status === 200).json;
        equal([won.state, won.resolution.outcome, won.resolution.reason, won.resolution.evidence], ['resolved', 'charged', 'seen in the books', 'e2e'], 'the resolution');
        const count = () => world.rows('SELECT (SELECT count(*) FROM events) e, (SELECT count(*) FROM transfers) t, (SELECT count(*) FROM outcomes) o')[0];
        const before = count();
        for (const outcome of ['charged', 'not_charged']) equal((await resolve(world, one.id, { outcome })).status, 409, 'again');
        equal(count(), before, 'nothing has changed');
        const again = await world.pay(paid.body, { key: paid.key });
        equal([again.status, again.answer.status, again.answer.amount_captured], [201, 'succeeded', 1099], 'the key answers');
        const [event] = world.rows(`SELECT data FROM events WHERE type = 'payment.succeeded' AND payment_id = ${uuidOf(paid.answer.id)}`);
        equal([JSON.parse(event.data).by.role, JSON.parse(event.data).reason], ['operator', 'seen in the books'], 'who and why, in an event');
        await agree(world, paid.answer.id, 1099);
        await world.judge();
    },
    async of_a_person_and_a_late_proof_one_wins(world) {
        const told = {};
        for (let round = 0; round < 8; round++) {
            await world.fault({ provider: 'paypal', operation: 'charge', kind: 'other_amount', count: 1 });
            const paid = await world.pay(world.payment(paypalOnly));
            const one = await theCase(world, paid.answer.id, 'open');
            lookAgain(world, one.attempt); // found within the next 100 ms, and then asked for
            await new Promise((done) => setTimeout(done, 25 * round));
            const { status, raw } = await resolve(world, one.id, { outcome: 'charged' });
            assert([200, 409].includes(status), `${status}: ${raw}`);
            told[status] = (told[status] ?? 0) + 1;
            const over = await theCase(world, paid.answer.id, 'resolved');
            equal([over.resolution.outcome, over.resolution.by === null], status === 200 ? ['charged', false] : ['approved', true], 'who won');
            equal((await world.get(paid.answer.id)).status, 'succeeded', 'it is over');
            await agree(world, paid.answer.id, 1099);
        }
        console.log(`     told the person: ${JSON.stringify(told)}`);
        await world.judge();
    },
    async what_nobody_knows_is_listed_and_goes_to_a_person_after_the_bound(world) {
        await world.fault({ provider: 'paypal', operation: 'charge', kind: 'garbage' });
        const paid = await world.pay(world.payment(paypalOnly));
        equal([paid.status, paid.answer.status], [202, 'processing'], 'unknown');
        const [open] = (await asOperator(world, 'GET', `/v1/unresolved?merchant=${world.merchant}&provider=paypal`)).json.data.filter((a) => a.payment === paid.answer.id);
        assert(open && open.status === 'unknown' && open.next_look && open.age_seconds >= 0, `listed: ${JSON.stringify(open)}`);
        const list = async (status) => (await world.call('GET', `${world.api}/v1/payments?status=${status}`, { key: world.key })).json.data.map((p) => p.id);
        assert((await list('processing')).includes(paid.answer.id), 'in the list of processing payments');
        const one = await theCase(world, paid.answer.id, 'open');
        equal(one.kind, 'unknown_too_long', 'kind');
        assert((await list('review')).includes(paid.answer.id), 'in the list of those in review');
        await world.noFaults();
        equal(await net(world, paid.answer.id), 1099, 'the books say it was charged');
        equal((await resolve(world, one.id, { outcome: 'accepted' })).status, 422, 'that is no answer');
        equal((await resolve(world, one.id, { outcome: 'charged' })).status, 200, 'decided');
        equal((await world.get(paid.answer.id)).status, 'succeeded', 'and over');
        await agree(world, paid.answer.id, 1099);
        await calm(world);
        await world.judge();
    },
    async a_charge_that_comes_after_a_failover_is_given_back(world) {
        await hearOfPaypal(world);
        const paid = await world.failOver(() => world.payment({ method: { type: 'card', tokens: { paypal: 'tok_soft', payoneer: 'tok_ok' } } }));
        equal([paid.answer.status, paid.answer.provider, paid.answer.attempts.length], ['succeeded', 'payoneer', 2], 'failed over');
        await takeAfterAll(world, paid.answer.attempts[0].id);
        await reversed(world, paid.answer.id); // PayPal's webhook has told
        await world.call('DELETE', `${world.sandbox}/hooks`);
        await agree(world, paid.answer.id, 1099);
        const got = await world.get(paid.answer.id);
        equal([got.status, got.provider, got.attempts.map((a) => a.status)], ['succeeded', 'payoneer', ['approved', 'approved']], 'the payment');
        const events = world.rows(`SELECT type FROM events WHERE payment_id = ${uuidOf(paid.answer.id)} ORDER BY number`).map((e) => e.type);
        assert(events.includes('attempt.approved') && events.at(-1) === 'payment.duplicate_reversed', `events: ${events}`);
        assert(/turnpike_duplicates_reversed_total\{result="reversed"\} [1-9]/.test((await world.call('GET', `${world.ops}/metrics`)).raw), 'counted');
        const refund = await giveBack(world, paid.answer.id);
        equal([refund.status, refund.json.status], [201, 'succeeded'], `the merchant refunds the one that stayed (${refund.raw})`);
        equal(refund.json.attempts[0].provider, 'payoneer', 'where');
        await agree(world, paid.answer.id, 0);
    },
    async what_was_told_to_have_failed_costs_nothing(world) {
        const declined = await world.pay(world.payment({ ...paypalOnly, method: { type: 'card', tokens: { paypal: 'tok_soft' } } }));
        equal(declined.answer.status, 'declined', 'told');
        await takeAfterAll(world, declined.answer.attempts[0].id);
        await world.fault({ provider: 'paypal', operation: 'refund', kind: 'reset_after_effect', count: 1 });
        lookAgain(world, declined.answer.attempts[0].id);
        await reversed(world, declined.answer.id);
        await agree(world, declined.answer.id, 0);
        equal(await refunds(world, declined.answer.id), 1, 'given back once, though the answer was lost');
        equal((await giveBack(world, declined.answer.id)).status, 409, 'it is not the merchant\'s to refund');
        const got = await world.get(declined.answer.id);
        equal([got.status, got.failure.reason], ['declined', declined.answer.failure.reason], 'what was told stays');
        await world.noFaults();

        await world.fault({ provider: 'paypal', operation: 'charge', kind: 'other_amount', count: 1 });
        const wrong = await world.pay(world.payment(paypalOnly));
        const one = await theCase(world, wrong.answer.id, 'open');
        equal((await resolve(world, one.id, { outcome: 'not_charged' })).status, 200, 'a person errs');
        equal((await world.get(wrong.answer.id)).status, 'failed', 'told');
        lookAgain(world, one.attempt);
        await reversed(world, wrong.answer.id);
        await agree(world, wrong.answer.id, 0);
    },
    async what_is_only_held_is_voided(world) {
        const declined = await world.pay(world.payment({ ...paypalOnly, capture: 'manual', method: { type: 'card', tokens: { paypal: 'tok_soft' } } }));
        equal(declined.answer.status, 'declined', 'told');
        await takeAfterAll(world, declined.answer.attempts[0].id);
        lookAgain(world, declined.answer.attempts[0].id);
        await reversed(world, declined.answer.id);
        const [hold] = await world.books(`?reference=${declined.answer.attempts[0].id}`);
        equal(hold.state, 'voided', 'nothing is held');
        await agree(world, declined.answer.id, 0);
    },
    // Held here, declined there, and then held there too; it is not given back, and a person lets it be.
    async what_is_held_twice_ends_each_by_itself(world) {
        const ended = { void: ['canceled', 0], capture: ['succeeded', 1099] };
        for (const [operation, [status, captured]] of Object.entries(ended)) {
            const paid = await world.failOver(() => world.payment({ capture: 'manual', method: { type: 'card', tokens: { paypal: 'tok_soft', payoneer: 'tok_ok' } } }));
            const { id, attempts: [late] } = paid.answer;
            equal([paid.answer.status, paid.answer.provider], ['authorized', 'payoneer'], 'held');
            await takeAfterAll(world, late.id);
            await world.fault({ provider: 'paypal', operation: 'void', kind: 'http_429' });
            lookAgain(world, late.id);
            const one = await theCase(world, id, 'open', 'reversal_failed');
            await world.noFaults();
            equal((await resolve(world, one.id, { outcome: 'accepted' })).status, 200, 'accepted');
            equal((await world.get(id)).amount_authorized, 1099, 'what the payment holds');
            const operate = (path, body) => world.call('POST', `${world.api}/v1/payments/${id}/${path}`, { key: world.key, body, headers: { 'idempotency-key': `"${randomUUID()}"` } });
            equal((await operate('capture', { amount: 1100 })).json.code, 'amount_exceeds_remaining', 'nobody captures what came late');
            equal((await operate(operation, {})).json.status, 'succeeded', operation);
            const held = () => world.rows(`SELECT l.authorized::int AS held FROM payment_limits l WHERE l.payment_id = ${uuidOf(late.id)}`)[0].held;
            const got = await world.get(id);
            equal([got.status, got.amount_captured, held()], [status, captured, 1099], 'the late one stays');
            world.holdsAgree();
            const [entry] = await world.books(`?reference=${late.id}`);
            await until('it is watched', () => world.rows(`SELECT 1 FROM unresolved WHERE attempt_id = ${uuidOf(late.id)} AND next_at > now() + interval '20 days' AND lease_until < now()`).length === 1, 20000);
            await world.voidAtPaypal(entry.id);
            world.psql(`UPDATE unresolved SET next_at = now() WHERE attempt_id = ${uuidOf(late.id)}`);
            await until('its end is known', () => held() === 0, 20000);
            const after = await world.get(id);
            equal([after.status, after.amount_captured, after.amount_authorized], [got.status, got.amount_captured, got.amount_authorized], 'nothing else has changed');
            await agree(world, id, captured);
            await calm(world);
        }
        world.holdsAgree();
    },
    async a_worker_that_dies_while_it_gives_back_gives_back_once(world) {
        const declined = await world.pay(world.payment({ ...paypalOnly, method: { type: 'card', tokens: { paypal: 'tok_soft' } } }));
        await takeAfterAll(world, declined.answer.attempts[0].id);
        await world.fault({ provider: 'paypal', operation: 'refund', kind: 'hang_after_effect', count: 1 });
        lookAgain(world, declined.answer.attempts[0].id);
        await until('the refund is in the books', async () => await refunds(world, declined.answer.id) === 1, 20000);
        for (const pid of world.workers()) process.kill(pid, 'SIGKILL');
        await reversed(world, declined.answer.id);
        equal(await refunds(world, declined.answer.id), 1, 'refunds');
        await agree(world, declined.answer.id, 0);
    },
    async what_cannot_be_given_back_goes_to_a_person(world) {
        const declined = await world.pay(world.payment({ ...paypalOnly, method: { type: 'card', tokens: { paypal: 'tok_soft' } } }));
        await takeAfterAll(world, declined.answer.attempts[0].id);
        await world.fault({ provider: 'paypal', operation: 'refund', kind: 'http_429' });
        lookAgain(world, declined.answer.attempts[0].id);
        const one = await theCase(world, declined.answer.id, 'open');
        equal([one.kind, one.reversals_failed, one.choices], ['reversal_failed', 2, ['accepted', 'reverse']], 'the case');
        equal(await refunds(world, declined.answer.id), 0, 'refunds');
        await world.noFaults();
        equal((await resolve(world, one.id, { outcome: 'reverse' })).json.state, 'reversing', 'once more');
        await theCase(world, declined.answer.id, 'resolved');
        equal(await refunds(world, declined.answer.id), 1, 'refunds');
        await agree(world, declined.answer.id, 0);
        await calm(world);
    },
    async what_was_canceled_and_charged_all_the_same_is_given_back(world) {
        await world.fault({ provider: 'payoneer', operation: 'charge', kind: 'hang_after_effect', count: 1 });
        const paid = await world.pay(world.payment({ providers: { only: ['payoneer'] } }));
        equal([paid.status, paid.answer.status], [202, 'processing'], 'unknown');
        const canceled = await world.call('POST', `${world.api}/v1/payments/${paid.answer.id}/cancel`, { key: world.key, body: {} });
        equal(canceled.status, 202, `noted (${canceled.raw})`);
        await reversed(world, paid.answer.id);
        await until('it ends as canceled', async () => (await world.get(paid.answer.id)).status === 'canceled');
        await agree(world, paid.answer.id, 0);
    },
    async a_payout_that_nobody_knows_is_decided_by_a_person(world) {
        await world.fault({ provider: 'paypal_payouts', operation: 'payout', kind: 'garbage' });
        const body = { amount: 700, currency: 'EUR', payees: { paypal: 'ada@example.com' },
            beneficiary: { type: 'individual', first_name: 'Ada', last_name: 'Example', email: 'ada@example.com', country: 'DE' } };
        const key = randomUUID();
        const pay = () => world.call('POST', `${world.api}/v1/payouts`, { key: world.key, body, headers: { 'idempotency-key': `"${key}"` } });
        const paid = await pay();
        equal([paid.status, paid.json.status], [202, 'processing'], `unknown (${paid.raw})`);
        const one = await theCase(world, paid.json.id, 'open');
        equal([one.kind, one.operation], ['unknown_too_long', 'payout'], 'the case');
        await world.noFaults();
        const sent = (await world.books(`?reference=${one.attempt}`)).filter((e) => e.kind === 'payout').length;
        equal(sent, 1, 'the books have it once, however often it was repeated');
        equal((await resolve(world, one.id, { outcome: 'charged' })).status, 200, 'decided');
        const again = await pay();
        equal([again.status, again.json.status], [201, 'succeeded'], 'the key answers');
        const [row] = world.rows(`SELECT sum(amount_minor)::bigint AS sum FROM transfers WHERE kind = 'payout' AND payment_id = ${uuidOf(paid.json.id)}`);
        equal(Number(row.sum), 700, 'paid out in the ledger');
    },
    async a_refund_that_nobody_knows_is_decided_by_a_person(world) {
        await calm(world);
        const paid = await world.pay(world.payment(paypalOnly));
        for (const [kind, outcome, sum] of [['http_500', 'not_charged', 0], ['garbage', 'charged', 1099]]) {
            await world.fault({ provider: 'paypal', operation: 'refund', kind });
            const refund = await giveBack(world, paid.answer.id);
            equal([refund.status, refund.json.status], [202, 'processing'], `unknown (${refund.raw})`);
            const one = await theCase(world, refund.json.id, 'open');
            equal([one.kind, one.operation], ['unknown_too_long', 'refund'], 'the case');
            await world.noFaults();
            equal((await giveBack(world, paid.answer.id)).status, 409, 'nothing is left while it is not known');
            equal((await resolve(world, one.id, { outcome, amount: 5 })).status, 422, 'it moves what was asked for');
            const decided = await resolve(world, one.id, { outcome });
            equal(decided.status, 200, `decided (${decided.raw})`);
            equal((await world.call('GET', `${world.api}/v1/refunds/${refund.json.id}`, { key: world.key })).json.status, sum ? 'succeeded' : 'failed', 'the refund');
            equal((await world.get(paid.answer.id)).amount_refunded, sum, 'refunded');
            await agree(world, paid.answer.id, 1099 - sum);
            await calm(world);
        }
    },
});
