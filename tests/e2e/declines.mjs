// declines.mjs - what a decline means for the next try: advice, and the networks' limits counted by the token
// that was given, across providers, in live payments alone.
import { randomUUID } from 'node:crypto';
import { suite, equal, assert, until } from './lib.mjs';

let live;
// A live key whose accounts are the sandbox's.
async function liveKey(world) {
    if (live) return live;
    for (const [provider, offset, extra] of [['paypal', 1, []], ['payoneer', 2, ['--setting', 'country=US']]]) {
        world.admin('accounts', 'create', '--merchant', world.liveMerchant, '--provider', provider, '--name', 'main',
            '--base-url', `https://127.0.0.1:${world.sandboxPort + offset}`, '--secret', `file:${provider}.json`,
            '--setting', 'settle_ms=3000', ...extra);
    }
    live = world.admin('keys', 'create', '--merchant', world.liveMerchant, '--role', 'merchant').key;
    await until('the new key is known', async () => (await world.call('GET', `${world.api}/v1/payments`, { key: live })).status === 200);
    return live;
}
const paying = (world, tokens, only = []) => world.payment({ method: { type: 'card', tokens }, providers: { only, never: [] } });
const sent = async (world) => (await world.books()).filter((e) => ['charge', 'hold'].includes(e.kind)).length;
const spend = (world, token, days, count) => world.psql(`UPDATE token_budget SET declines =
    (SELECT string_agg(int8send(((extract(epoch FROM now()) - ${days} * 86400) * 1000000)::bigint + n), '' ORDER BY n) FROM generate_series(1, ${count}) n)
    WHERE forbidden_at IS NULL`);

await suite('declines', {}, {
    async a_decline_says_what_to_do(world) {
        for (const [token, reason, decline, advice, code, hours] of [
            ['tok_soft', 'insufficient_funds', 'soft', 'retry_later', null, undefined],
            ['tok_hard', 'suspected_fraud', 'hard', 'do_not_retry', null, undefined],
            ['tok_stolen', 'lost_or_stolen', 'hard', 'do_not_retry', null, undefined],
            ['tok_stop', 'do_not_honor', 'hard', 'do_not_retry', '03', undefined],
            ['tok_later', 'do_not_honor', 'hard', 'retry_later', '24', 1],
        ]) {
            const got = (await world.pay(paying(world, { paypal: token }, ['paypal']))).answer;
            const attempt = got.attempts[0];
            equal([got.status, attempt.reason, attempt.decline, attempt.advice, attempt.advice_code, attempt.retry_after_hours], ['declined', reason, decline, advice, code, hours], token);
            equal((await world.get(got.id)).attempts[0].advice, advice, `${token}, read again`);
        }
        equal(world.rows('SELECT * FROM token_budget'), [], 'test money is not counted');
        await world.judge();
    },
    async a_card_that_is_gone_is_never_tried_again(world) {
        const key = await liveKey(world);
        for (const token of ['tok_stolen', 'tok_stop']) {
            const first = await world.pay(paying(world, { paypal: token, payoneer: 'tok_ok' }, ['paypal']), { headers: { authorization: `Bearer ${key}` } });
            equal(first.answer.status, 'declined', token);
            const before = await sent(world);
            const refused = await world.pay(paying(world, { paypal: token }), { headers: { authorization: `Bearer ${key}` } });
            equal([refused.status, refused.answer.code, refused.answer.retryable], [422, 'retry_forbidden', false], `${token} again`);
            equal(await sent(world), before, 'nothing was sent');
            equal((await world.pay(paying(world, { paypal: `tok_ok_${randomUUID()}` }), { headers: { authorization: `Bearer ${key}` } })).answer.status, 'succeeded', 'another card');
            const again = await world.pay(first.body, { key: first.key, headers: { authorization: `Bearer ${key}` } });
            equal([again.status, again.raw], [201, first.raw], 'the first answer stays what it was');
        }
        await world.judge();
    },
    async the_budget_is_counted_across_providers_and_payments(world) {
        const key = await liveKey(world);
        const headers = { authorization: `Bearer ${key}` };
        world.psql('DELETE FROM token_budget');
        const tokens = { paypal: 'tok_soft', payoneer: 'tok_later' }; // one card's, at two providers
        let declined = 0;
        let last;
        while (declined < 15) { // two a payment, at two providers, while there is room
            last = (await world.pay(paying(world, tokens), { headers })).answer;
            equal(last.status, 'declined', `after ${declined}`);
            declined += last.attempts.length;
        }
        equal([declined, last.attempts.length], [15, 1], 'the last one was not failed over');
        const before = await sent(world);
        const refused = await world.pay(paying(world, tokens), { headers });
        equal([refused.status, refused.answer.code], [422, 'retry_forbidden'], 'the sixteenth');
        for (const [provider, token] of Object.entries(tokens)) equal((await world.pay(paying(world, { [provider]: token }), { headers })).status, 422, `by the token of ${provider} alone`);
        equal(await sent(world), before, 'nothing was sent');
        equal((await world.pay(paying(world, tokens))).answer.status, 'declined', 'test money is not limited');
        spend(world, 'tok_soft', 31, 15);
        equal((await world.pay(paying(world, tokens), { headers })).answer.attempts.length, 2, 'the window has passed');
        await world.judge();
    },
    async no_more_than_the_budget_whatever_comes_at_once(world) {
        const key = await liveKey(world);
        const headers = { authorization: `Bearer ${key}` };
        world.psql('DELETE FROM token_budget');
        const before = (await world.books()).length;
        const got = await Promise.all([...Array(40).keys()].map(() => world.pay(paying(world, { paypal: 'tok_soft', payoneer: 'tok_soft' }), { headers })));
        assert(got.every((p) => p.status === 201 || (p.status === 422 && p.answer.code === 'retry_forbidden')), JSON.stringify(got.map((p) => p.status)));
        const paid = got.filter((p) => p.status === 201);
        assert(paid.every((p) => p.answer.status === 'declined'), 'all declined');
        // All may have been opened before the first was declined; but failed over were only those within the budget.
        const second = paid.filter((p) => p.answer.attempts.length > 1).length;
        assert(second < 15, `${second} were failed over`);
        equal((await world.books()).length - before, paid.length + second, 'what was sent');
        equal((await world.pay(paying(world, { payoneer: 'tok_soft' }), { headers })).status, 422, 'and no other');
        await world.judge();
    },
});
