// Failover never charges twice: refused connections, hangs, lost answers, recovery.
import { suite, assert, equal, until } from './lib.mjs';

async function many(world, count, width, body) {
    const entries = [];
    let next = 0;
    await Promise.all(Array.from({ length: width }, async () => {
        while (next < count) {
            next++;
            entries.push(await world.pay(body()));
        }
    }));
    return entries;
}

const paypalFirst = { providers: { only: ['paypal'] } };

await suite('failover', { workers: 2, delayMs: 5 }, {
    async a_refusing_provider_loses_its_payments_to_the_other(world) {
        await world.fault({ provider: 'paypal', operation: 'any', kind: 'refuse' });
        const entries = await many(world, Number(process.env.COUNT ?? 1000), 32, () => world.payment());
        let both = 0;
        let dropped = 0;
        for (const { status, answer, raw, error } of entries) {
            equal([status, answer?.status, answer?.provider], [201, 'succeeded', 'payoneer'], `payment (${raw ?? error})`);
            const candidate = answer.decision.candidates.find((c) => c.provider === 'paypal');
            if (answer.attempts.length === 2) {
                equal(answer.attempts.map((a) => [a.provider, a.status]), [['paypal', 'failed'], ['payoneer', 'approved']], 'attempts');
                both++;
            } else if (candidate.kept) {
                // Kept behind the cheaper one, or as the probe that another payment took.
                assert(answer.attempts[0].provider === 'payoneer', JSON.stringify(answer));
                dropped++;
            } else {
                equal(candidate.dropped, 'breaker_open', 'why PayPal was not tried');
                dropped++;
            }
        }
        assert(both >= 1, 'at least one payment failed over');
        console.log(`     ${both} failed over, ${dropped} routed round the open breaker`);
        await world.noFaults();
        await world.judge();
        equal((await world.books('?provider=paypal')).length, 0, 'nothing at PayPal');
    },
    async recovery_brings_the_provider_back(world) {
        await until('PayPal takes payments again', async () => (await world.pay(world.payment(paypalFirst))).answer?.status === 'succeeded', 30000);
        await world.judge();
    },
    async a_backup_that_recovered_is_there_when_it_is_needed(world) {
        await world.fault({ provider: 'payoneer', operation: 'any', kind: 'refuse' });
        for (let i = 0; i < 10; i++) await world.pay(world.payment({ providers: { only: ['payoneer'] } }));
        await world.noFaults();
        await until('its breaker is half open, and nobody tries it', async () => (await world.call('GET', `${world.api}/v1/providers`, { key: world.key }))
            .json.data.find((p) => p.provider === 'payoneer').breaker.state === 'half_open', 15000);
        await world.fault({ provider: 'paypal', operation: 'any', kind: 'refuse' });
        const entries = await many(world, 200, 8, () => world.payment());
        for (const { status, answer, raw } of entries) equal([status, answer?.status, answer?.provider], [201, 'succeeded', 'payoneer'], `payment (${raw})`);
        await world.noFaults();
        await until('PayPal takes payments again', async () => (await world.pay(world.payment(paypalFirst))).answer?.status === 'succeeded', 30000);
        await world.judge();
    },
    async a_hang_after_the_effect_never_fails_over(world) {
        await world.fault({ provider: 'paypal', operation: 'charge', kind: 'hang_after_effect', count: 8 });
        const entries = await many(world, 8, 8, () => world.payment(paypalFirst));
        for (const { status, answer, raw } of entries) {
            if (status === 503) continue; // the breaker opened meanwhile: nothing was sent
            equal([status, answer?.status], [202, 'processing'], `while unknown (${raw})`);
            equal(answer.attempts.map((a) => [a.provider, a.status]), [['paypal', 'unknown']], 'attempts');
        }
        const told = entries.filter((e) => e.status === 202);
        assert(told.length >= 5, `only ${told.length} reached PayPal`);
        await world.noFaults();
        for (const { answer } of told) {
            const settled = await until('recovery settles it', async () => {
                const got = await world.get(answer.id);
                return got.status !== 'processing' && got;
            }, 40000);
            equal(settled.status, 'succeeded', 'settled');
        }
        const charged = await world.judge();
        for (const { answer } of told) equal(charged.get(answer.id)?.length, 1, 'charges in the books');
        for (const entry of told) {
            const again = await world.pay(entry.body, { key: entry.key });
            equal([again.status, again.answer.status], [201, 'succeeded'], 'the key answers with the final state');
        }
    },
    async every_lost_answer_is_settled_as_the_books_say(world) {
        await until('closed again', async () => (await world.pay(world.payment(paypalFirst))).answer?.status === 'succeeded', 30000);
        for (const provider of ['paypal', 'payoneer']) {
            for (const kind of ['reset_after_effect', 'reset_before_read', 'hang_before_effect', 'http_500', 'http_503', 'garbage']) {
                await until('the breaker is closed', async () => (await world.pay(world.payment({ providers: { only: [provider] } }))).answer?.status === 'succeeded', 30000);
                await world.fault({ provider, operation: 'charge', kind, count: 1 });
                const { status, answer, raw } = await world.pay(world.payment({ providers: { only: [provider] }, metadata: { kind } }));
                await world.noFaults();
                assert([201, 202].includes(status), `${provider} ${kind}: ${status} ${raw}`);
                const settled = await until(`${provider} ${kind} settles`, async () => {
                    const got = await world.get(answer.id);
                    return got.status !== 'processing' && got;
                }, 90000);
                assert(['succeeded', 'failed'].includes(settled.status), `${provider} ${kind}: ${settled.status}`);
                const charges = (await world.books()).filter((e) => e.invoice === answer.id && e.kind === 'charge');
                equal(charges.length, settled.status === 'succeeded' ? 1 : 0, `${provider} ${kind}: told ${settled.status}, charges`);
            }
        }
        await world.judge();
    },
    async soft_declines_fail_over_and_hard_ones_do_not(world) {
        const soft = await world.failOver(() => world.payment({ method: { type: 'card', tokens: { paypal: 'tok_soft', payoneer: 'tok_ok' } } }));
        equal(soft.answer.status, 'succeeded', 'soft decline elsewhere');
        equal(soft.answer.provider, 'payoneer', 'provider');
        const hard = await world.pay(world.payment({ method: { type: 'card', tokens: { paypal: 'tok_hard', payoneer: 'tok_hard' } } }));
        equal([hard.answer.status, hard.answer.attempts.length], ['declined', 1], 'hard decline');
        await world.judge();
    },
});
