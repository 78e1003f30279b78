// Amounts: every currency in each provider's format, and every wrong amount refused.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, assert, equal, top } from './lib.mjs';

const money = readFileSync(path.join(top, 'gateway/base/money.c'), 'utf8');
const currencies = [...money.matchAll(/\{"([A-Z]{3})", *\d+, *(\d)\}/g)].map((m) => ({ code: m[1], exponent: Number(m[2]) }));
const paypal = 'AUD BRL CAD CNY CZK DKK EUR HKD HUF ILS JPY MYR MXN TWD NZD NOK PHP PLN GBP RUB SGD SEK CHF THB USD'.split(' ');
const whole = ['HUF', 'TWD']; // PayPal takes no decimals, ISO 4217 has two

await suite('money', { workers: 1, delayMs: 0 }, {
    async every_currency_reaches_each_provider_as_it_takes_it(world) {
        assert(currencies.length > 150, `only ${currencies.length} currencies found`);
        for (const { code } of currencies) {
            for (const provider of ['paypal', 'payoneer']) {
                const amount = whole.includes(code) ? 123400 : 123456;
                const paid = await world.pay(world.payment({ amount, currency: code, providers: { only: [provider] } }));
                if (provider === 'paypal' && !paypal.includes(code)) {
                    equal([paid.status, paid.answer.code], [422, 'no_route'], `${code} at ${provider}`);
                    continue;
                }
                equal([paid.status, paid.answer?.status], [201, 'succeeded'], `${code} at ${provider}: ${paid.raw}`);
                const entry = (await world.books(`?invoice=${paid.answer.id}`)).find((e) => e.kind === 'charge');
                equal([entry?.amount, entry?.currency], [amount, code], `${code} in ${provider}'s books`);
            }
        }
    },
    async what_a_provider_cannot_express_goes_elsewhere(world) {
        const paid = await world.pay(world.payment({ amount: 123456, currency: 'HUF' }));
        equal([paid.status, paid.answer.provider], [201, 'payoneer'], 'fractions of a forint');
        const only = await world.pay(world.payment({ amount: 123456, currency: 'HUF', providers: { only: ['paypal'] } }));
        equal(only.status, 422, `only PayPal: ${only.raw}`);
    },
    async wrong_amounts_are_refused(world) {
        const before = world.psql('SELECT count(*) FROM payments');
        for (const amount of ['0', '-1', '9223372036854775808', '9223372036854775807', '1e2', '10.00', '10.5', '"1099"', 'null', 'true', '[]', '-0', '1E400', '99999999999999999999']) {
            const got = await world.pay(`{"amount": ${amount}, "currency": "EUR", "method": {"type": "test", "outcome": "approved"}}`);
            assert(got.status === 422, `amount ${amount}: ${got.status} ${got.raw}`);
            assert(got.answer.detail?.length > 0 && got.answer.param === 'amount', `amount ${amount} is explained: ${got.raw}`);
        }
        for (const currency of ['"EURO"', '"eur"', '"XXX"', '"ABC"', '""', 'null', '978', '"E\\u0055"']) {
            const got = await world.pay(`{"amount": 100, "currency": ${currency}, "method": {"type": "test", "outcome": "approved"}}`);
            assert(got.status === 422 && got.answer.param === 'currency', `currency ${currency}: ${got.status} ${got.raw}`);
        }
        equal(world.psql('SELECT count(*) FROM payments'), before, 'nothing was written');
    },
    async unknown_members_and_broken_json_are_refused_by_name(world) {
        const got = await world.pay(world.payment({ amout: 5 }));
        equal([got.status, got.answer.code, got.answer.param], [422, 'unknown_member', 'amout'], 'unknown member');
        for (const body of ['{"amount": 1, "amount": 2}', '{', '[]', 'null', '{"amount": 1}x', '\u0000{}', '{"a":"\ud800"}', '{"metadata":' + '{"a":'.repeat(40) + '1' + '}'.repeat(40) + '}']) {
            const answer = await world.pay(body);
            assert([400, 422].includes(answer.status), `${JSON.stringify(body.slice(0, 30))}: ${answer.status} ${answer.raw}`);
        }
        const type = await world.pay(world.payment(), { headers: { 'content-type': 'text/plain' } });
        equal(type.status, 415, 'media type');
    },
});
