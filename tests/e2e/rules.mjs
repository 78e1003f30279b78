// What the rules say is what is done: declines, the depth and time of failover, further attempts decided anew, splits that stick, shadows.
import { spawnSync } from 'node:child_process';
import { writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, assert, equal, top } from './lib.mjs';

const file = path.join(mkdtempSync(path.join(tmpdir(), 'turnpike-rules-')), 'e2e.rules');
writeFileSync(file, `
set closed = ["island", "moon"]
rule "not sold there" when metadata.shop in closed { decline "we do not deliver there" }
rule "one try" when metadata.shop == "one" { use paypal, payoneer failover none }
rule "two tries" when metadata.shop == "two" { use paypal, payoneer failover at most 2 }
rule "hurry" when metadata.shop == "hurry" { use paypal, payoneer failover within 200ms }
rule "turns" when metadata.shop == "turns" { split 50% paypal, 50% payoneer by customer }
rule "watched" when metadata.shop == "watched" { use paypal, payoneer shadow { by cost of payoneer } }
rule "empty card" when metadata.shop == "stop" and previous_reason == insufficient_funds { decline "ask for another card" }
rule "second" when metadata.shop == "again" and attempt >= 2 { by cost; only payoneer }
rule "first" when metadata.shop == "again" { use paypal }
rule "the same" when metadata.shop == "same" and previous_decline == soft { use paypal }
rule "large" when amount as EUR >= 1000.00 EUR or amount >= 2000 USD { use payoneer }
otherwise { use paypal, payoneer never where success_rate < 1% }
`);
const at = (shop, extra = {}) => ({ metadata: { shop }, ...extra });
const tokens = (token) => ({ method: { type: 'card', tokens: { paypal: token, payoneer: 'tok_ok' } } });
async function explain(world, body) {
    const { status, json, raw } = await world.call('POST', `${world.api}/v1/routing/explain`, { body, key: world.key });
    equal(status, 200, raw);
    return { answer: json, raw };
}
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
    async further_attempts_are_decided_anew_by_what_came_before(world) {
        const booked = async (entry) => (await world.books()).filter((b) => b.invoice === entry.answer.id).map((b) => b.provider).sort().join(' ');
        const replay = (entry) => spawnSync(path.join(top, process.env.BUILD ?? 'build', 'turnpike'), ['routes', 'replay', entry.answer.id, '--config', world.at('turnpike.conf')], { encoding: 'utf8' });
        const declined = tokens('tok_soft');
        const again = await world.pay(world.payment(at('again', declined)));
        equal([again.status, again.answer.status, providers(again)], [201, 'succeeded', 'paypal declined, payoneer approved'], again.raw);
        equal([again.answer.decision.rule, again.answer.attempts[1].decision.rule], ['first', 'second'], again.raw);
        equal(again.answer.attempts[1].decision.facts, { attempt: 2, previous_decline: 'soft', previous_reason: 'insufficient_funds' }, 'what came before');
        const stop = await world.pay(world.payment(at('stop', declined)));
        equal([stop.status, stop.answer.status, providers(stop)], [201, 'declined', 'paypal declined, payoneer failed'], stop.raw);
        equal(stop.answer.failure, { reason: 'rule_declined', code: null, detail: 'rule "empty card": ask for another card' }, stop.raw);
        equal(await booked(stop), 'paypal', 'Payoneer was never asked');
        const same = await world.pay(world.payment(at('same', declined)));
        equal([same.status, same.answer.status, same.answer.failure.reason, same.answer.provider], [201, 'declined', 'insufficient_funds', 'paypal'], same.raw);
        equal([same.answer.attempts[1].reason, await booked(same)], ['no_route', 'paypal'], 'who was tried is not tried again');
        for (const entry of [again, stop, same]) {
            const shown = replay(entry);
            assert(shown.status === 0 && shown.stdout.includes('\n2 decisions, 2 same, 0 different'), `${entry.answer.metadata.shop}: ${shown.stdout}${shown.stderr}`);
        }
        equal((await world.get(stop.answer.id)).attempts, stop.answer.attempts, 'as it was told');
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
    async what_is_explained_is_what_is_done(world) {
        const plain = (decision) => ({ ...decision, draw: '', candidates: decision.candidates.map(({ health, month_volume, ...rest }) => rest) });
        const before = [(await world.books()).length, Number(world.psql('SELECT count(*) FROM payments'))];
        const [told, bodies] = [[], []];
        for (const shop of ['one', 'two', 'hurry', 'watched', 'turns', 'none', 'moon']) {
            bodies.push(world.payment(at(shop, { customer: { id: `cus_of_${shop}`, country: 'DE' } })));
            told.push(await explain(world, { payment: bodies.at(-1) }));
        }
        bodies.push(world.payment({ amount: 123456 }));
        told.push(await explain(world, { payment: bodies.at(-1) }));
        equal([(await world.books()).length, Number(world.psql('SELECT count(*) FROM payments'))], before, 'nothing was done or written');
        for (const [i, { answer, raw }] of told.entries()) {
            const entry = await world.pay(bodies[i]);
            const matched = answer.rules.at(-1);
            assert(matched.matched && matched.rule === answer.decision.rule && answer.rules.slice(0, -1).every((r) => !r.matched), raw);
            if (answer.provider === null) {
                equal([entry.status, entry.answer.code, entry.answer.detail], [answer.problem.status, answer.problem.code, answer.problem.detail], raw);
                continue;
            }
            equal([entry.status, entry.answer.provider, entry.answer.attempts[0].provider], [201, answer.provider, answer.provider], raw);
            equal(plain(answer.decision), plain(entry.answer.decision), 'the record');
            const stored = world.admin('routes', 'explain', '--payment', entry.answer.id);
            equal(stored.decision, entry.answer.decision, 'the same record from the ledger');
            equal([stored.replay, stored.skipped], ['same', answer.skipped], JSON.stringify(stored));
            equal(stored.rules, answer.rules, 'the same rules, conditions and values');
        }
        equal(told.at(-1).answer.rules.at(-1).conditions[0], { condition: 'amount as EUR >= 1000.00 EUR', holds: true, saw: '1234.56 EUR' }, 'what it saw');
        equal(told.at(-2).answer.problem.code, 'rule_declined', 'a decline is told');
    },
    async other_rules_can_be_explained_before_they_decide(world) {
        const kept = await world.call('POST', `${world.api}/v1/rules`, { body: { text: 'otherwise { use payoneer; only payoneer }\n' }, key: world.key });
        equal(kept.status, 201, kept.raw);
        const { answer } = await explain(world, { payment: world.payment(), version: kept.json.version });
        equal([answer.provider, answer.decision.version], ['payoneer', kept.json.version], 'the draft');
        equal((await world.pay(world.payment())).answer.provider, 'paypal', 'which decides nothing');
        const absent = await world.call('POST', `${world.api}/v1/routing/explain`, { body: { payment: world.payment(), version: 4711 }, key: world.key });
        equal([absent.status, absent.json.param], [404, 'version'], absent.raw);
        // The same on the command line: of a file with the ledger's accounts, and of the running gateway.
        const request = path.join(path.dirname(file), 'request.json');
        writeFileSync(request, JSON.stringify(world.payment(at('turns', { customer: { id: 'cus_cli' } }))));
        const offline = world.admin('routes', 'explain', file, request, '--accounts', '--merchant', world.merchant);
        const keyFile = path.join(path.dirname(file), 'key');
        writeFileSync(keyFile, `${world.key}\n`, { mode: 0o600 });
        const live = world.admin('routes', 'explain', '--live', request, '--key-file', keyFile, '--gateway', world.api, '--ca', world.at('tls/ca.pem'));
        equal([offline.provider, offline.decision.rule, offline.rules], [live.provider, 'turns', live.rules], JSON.stringify(offline));
        const fees = (explained) => explained.decision.candidates.map((c) => [c.provider, c.expected_fee]);
        equal(fees(offline), fees(live), 'expected fees');
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
