// What the rules say is what is done: declines, the depth and time of failover, splits that stick, shadows.
import { writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, assert, equal } from './lib.mjs';

const file = path.join(mkdtempSync(path.join(tmpdir(), 'turnpike-rules-')), 'e2e.rules');
writeFileSync(file, `
set closed = ["island", "moon"]
rule "not sold there" when metadata.shop in closed { decline "we do not deliver there" }
rule "one try" when metadata.shop == "one" { use paypal, payoneer failover none }
rule "two tries" when metadata.shop == "two" { use paypal, payoneer failover at most 2 }
rule "hurry" when metadata.shop == "hurry" { use paypal, payoneer failover within 200ms }
rule "turns" when metadata.shop == "turns" { split 50% paypal, 50% payoneer by customer }
rule "watched" when metadata.shop == "watched" { use paypal, payoneer shadow { by cost of payoneer } }
rule "large" when amount as EUR >= 1000.00 EUR or amount >= 2000 USD { use payoneer }
otherwise { use paypal, payoneer never where success_rate < 1% }
`);
const at = (shop, extra = {}) => ({ metadata: { shop }, ...extra });
const tokens = (token) => ({ method: { type: 'card', tokens: { paypal: token, payoneer: 'tok_ok' } } });
const providers = (entry) => entry.answer.attempts.map((a) => `${a.provider} ${a.status}`).join(', ');

await suite('rules', { workers: 2, delayMs: 5, settings: { rules_file: file } }, {
    async a_rule_declines_with_its_reason_and_nothing_is_done(world) {
        const before = (await world.books()).length;
        const entry = await world.pay(world.payment(at('moon')));
        equal([entry.status, entry.answer.code], [422, 'rule_declined'], entry.raw);
        assert(entry.answer.detail.includes('"not sold there"') && entry.answer.detail.includes('we do not deliver there'), entry.answer.detail);
        equal((await world.books()).length, before, 'nothing at any provider');
    },
    async failover_goes_as_far_as_the_rule_lets_it(world) {
        const declined = tokens('tok_soft');
        const one = await world.pay(world.payment(at('one', declined)));
        equal([one.status, one.answer.status, providers(one)], [201, 'declined', 'paypal declined'], one.raw);
        const two = await world.pay(world.payment(at('two', declined)));
        equal([two.status, two.answer.status, providers(two)], [201, 'succeeded', 'paypal declined, payoneer approved'], two.raw);
        equal(two.answer.decision.tries_max, 2, 'told');
        const soon = await world.pay(world.payment(at('hurry')));
        equal([soon.answer.status, soon.answer.decision.within_ms], ['succeeded', 200], soon.raw);
        await world.fault({ provider: 'paypal', operation: 'charge', kind: 'slow', delay_ms: 700 });
        const late = await world.pay(world.payment(at('hurry', declined)));
        equal([late.status, late.answer.status, late.answer.attempts[0].status], [201, 'declined', 'declined'], late.raw);
        assert(late.answer.attempts.every((a) => a.provider === 'paypal' || a.status !== 'approved'), late.raw);
        await world.noFaults();
        await world.judge();
    },
    async a_split_sticks_to_its_customer(world) {
        const first = {};
        for (let round = 0; round < 3; round++) {
            for (let i = 0; i < 24; i++) {
                const entry = await world.pay(world.payment(at('turns', { customer: { id: `cus_${i}` } })));
                equal(entry.status, 201, entry.raw);
                equal(entry.answer.decision.order, 'split', 'order');
                first[i] ??= entry.answer.provider;
                equal(entry.answer.provider, first[i], `customer ${i}, round ${round}`);
            }
        }
        equal(new Set(Object.values(first)).size, 2, 'both have customers');
    },
    async a_shadow_is_recorded_and_does_nothing(world) {
        const entry = await world.pay(world.payment(at('watched')));
        equal([entry.status, entry.answer.provider], [201, 'paypal'], entry.raw);
        equal(entry.answer.decision.shadow, { order: 'cost', candidates: [{ provider: 'payoneer', account: 'main' }] }, 'what it would have done');
    },
    async amounts_compare_in_their_currency_alone_when_there_is_no_rate(world) {
        equal((await world.pay(world.payment({ amount: 100000 }))).answer.decision.rule, 'large', '1,000.00 EUR');
        equal((await world.pay(world.payment({ amount: 99999 }))).answer.decision.rule, 'default', '999.99 EUR');
        equal((await world.pay(world.payment({ amount: 200000, currency: 'USD' }))).answer.decision.rule, 'large', '2,000.00 USD');
        equal((await world.pay(world.payment({ amount: 199999, currency: 'USD' }))).answer.decision.rule, 'default', 'no rate is known');
    },
    async the_checker_knows_who_has_an_account(world) {
        const check = (text) => {
            const other = path.join(path.dirname(file), 'checked.rules');
            writeFileSync(other, text);
            return world.admin('routes', 'check', other, '--accounts');
        };
        const found = check('rule "a" when currency == EUR { use paypal, payoneer:nobody }\notherwise { use paypal }\n');
        equal([found.errors, found.warnings, found.findings.map((f) => f.text)],
            [0, 1, ['payoneer:nobody has no account']], JSON.stringify(found));
        equal(check('otherwise { use paypal, payoneer }\n').findings, [], 'nothing is wrong');
    },
});
