// The life of rule sets: versions, publication without a refused request, canaries that stop themselves, shadows, four eyes, rolling back.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, assert, equal, until, top } from './lib.mjs';

const ok = { method: { type: 'card', tokens: { paypal: 'tok_ok', payoneer: 'tok_ok' } } };
const weak = { method: { type: 'card', tokens: { paypal: 'tok_ok', payoneer: 'tok_hard' } } }; // Payoneer declines for good
const toPaypal = (note = '') => `# ${note}\notherwise { use paypal }\n`;
const toPayoneer = (note = '') => `# ${note}\notherwise { use payoneer }\n`;

const rules = async (world, method, path, body, key = world.key) => {
    const answer = await world.call(method, `${world.api}/v1/rules${path}`, { body, key });
    return { status: answer.status, answer: answer.json, raw: answer.raw };
};
const explain = async (world, body) => (await world.call('POST', `${world.api}/v1/routing/explain`, { body, key: world.key })).json;
async function put(world, text, key) {
    const made = await rules(world, 'POST', '', { text, comment: 'e2e' }, key);
    assert([200, 201].includes(made.status), made.raw);
    return made.answer.version;
}
async function publish(world, version, body = { mode: 'live' }, key) {
    const done = await rules(world, 'POST', `/${version}/publish`, body, key);
    equal(done.status, 200, done.raw);
    return done.answer;
}
// Every worker decides by it: each of a row of payments, over new connections, says so.
async function decidedBy(world, version, extra = ok) {
    await until(`version ${version} decides everywhere`, async () => {
        const all = await Promise.all([...Array(12)].map(() => world.pay(world.payment(extra))));
        return all.every((e) => e.status === 201 && e.answer.decision.version === version);
    });
}
// Each case begins with two versions, of which the first is live: PayPal takes all by `a`, Payoneer by `b`.
async function begin(world) {
    const [a, b] = [await put(world, toPaypal('one')), await put(world, toPayoneer('two'))];
    if ((await state(world)).live !== a) await publish(world, a);
    await decidedBy(world, a);
    return { a, b };
}
const state = async (world, key) => (await rules(world, 'GET', '', undefined, key)).answer;
const metric = async (world, name) => [...(await world.call('GET', world.ops + '/metrics')).raw.matchAll(new RegExp(`^${name}(?:{[^}]*})? (\\d+)$`, 'gm'))].reduce((sum, m) => sum + Number(m[1]), 0);

await suite('rulebook', { workers: 2, delayMs: 2, settings: { directory_check_ms: 1000, provider_answer_ms: 9000, answer_ms: 12000, lease_ms: 15000, dead_after_ms: 20000 } }, {
    async the_file_decides_until_something_is_published_and_is_kept(world) {
        const entry = await world.pay(world.payment(ok));
        equal(entry.status, 201, entry.raw);
        const kept = world.rows("SELECT version, author, encode(digest, 'hex') AS hash FROM rule_versions WHERE merchant_id = '00000000-0000-0000-0000-000000000000'");
        equal([kept.length, kept[0].author, kept[0].hash, kept[0].version], [1, 'file', entry.answer.decision.rule_set, entry.answer.decision.version], 'the text that decided');
    },
    async a_draft_is_checked_kept_once_and_compared(world) {
        const bad = await rules(world, 'POST', '', { text: 'rule "a" when amout >= 5.00 EUR { use paypal }\notherwise { use paypall }\n' });
        equal([bad.status, bad.answer.code, bad.answer.findings.length], [422, 'invalid_rules', 2], bad.raw);
        equal([bad.answer.findings[0].line, bad.answer.findings[1].line], [1, 2], bad.raw);
        assert(bad.answer.findings.every((f) => f.remedy && f.column > 0), bad.raw);
        const shadowed = await rules(world, 'POST', '/check', { text: 'rule "a" when currency == EUR { use paypal }\nrule "b" when currency == EUR and method == card { by cost }\notherwise { by cost }\n' });
        equal([shadowed.status, shadowed.answer.valid], [200, false], `a rule that nothing reaches: ${shadowed.raw}`);
        const first = await put(world, toPaypal('one'));
        equal(await put(world, toPaypal('one')), first, 'the same text is the same version');
        const second = await put(world, toPayoneer('two'));
        equal(second, first + 1, 'numbered');
        const shown = await rules(world, 'GET', `/${second}`);
        equal([shown.answer.text, shown.answer.comment, shown.answer.author.slice(0, 4)], [toPayoneer('two'), 'e2e', 'key_'], shown.raw);
        const diff = await rules(world, 'GET', `/${first}/diff?to=${second}`);
        equal([diff.status, diff.answer.added, diff.answer.removed], [200, 2, 2], diff.raw);
        assert(diff.answer.diff.includes('-otherwise { use paypal }') && diff.answer.diff.includes('+otherwise { use payoneer }'), diff.raw);
        equal([(await state(world)).live, (await rules(world, 'GET', '/77')).status], [null, 404], 'drafts decide nothing');
    },
    async published_it_decides_in_every_worker_and_back_again(world) {
        const { a, b } = await begin(world);
        await publish(world, b);
        await decidedBy(world, b);
        const entry = await world.pay(world.payment(ok));
        equal(entry.answer.provider, 'payoneer', entry.raw);
        const back = await rules(world, 'POST', '/rollback', { reason: 'too dear' });
        equal([back.status, back.answer.live, back.answer.moves[0].kind, back.answer.moves[0].reason, back.answer.moves[0].former], [200, a, 'rolled_back', 'too dear', b], back.raw);
        await decidedBy(world, a);
        equal((await rules(world, 'POST', '/rollback')).answer.live, null, 'before the first there was none');
        const file = world.rows("SELECT version FROM rule_versions WHERE author = 'file'")[0].version;
        await until('the file decides again', async () => (await world.pay(world.payment(ok))).answer.decision.version === file);
        equal((await rules(world, 'POST', '/rollback')).status, 409, 'nothing left');
    },
    async publishing_under_load_refuses_nobody(world) {
        const { a, b } = await begin(world);
        const from = world.log.length;
        let going = true;
        const clients = [...Array(8)].map(async () => { while (going) await world.pay(world.payment(ok)); });
        for (let round = 0; round < 6; round++) {
            const seen = world.log.length;
            await publish(world, round % 2 === 0 ? b : a);
            await until('payments go on', () => world.log.length >= seen + 25);
        }
        await decidedBy(world, a);
        going = false;
        await Promise.all(clients);
        const asked = world.log.slice(from);
        const wrong = asked.filter((e) => e.status !== 201 || e.answer.status !== 'succeeded');
        equal(wrong.map((e) => e.raw ?? e.error), [], `${asked.length} payments while 6 sets were published`);
        const sets = new Set(asked.map((e) => e.answer.decision.version));
        assert(asked.length > 50 && [...sets].every((v) => v === a || v === b), `${asked.length} payments by ${[...sets]}`);
        await world.judge();
    },
    async a_payment_in_flight_keeps_its_version_for_its_later_attempts(world) {
        const kept = 'rule "later" when attempt > 1 { use payoneer }\notherwise { use paypal }\n';
        await begin(world);
        const [first, second] = [await put(world, kept), await put(world, 'rule "stop" when attempt > 1 { decline "too late" }\notherwise { use paypal }\n')];
        await publish(world, first);
        await decidedBy(world, first);
        await world.fault({ provider: 'paypal', operation: 'charge', kind: 'slow', delay_ms: 3500, count: 1 });
        const soft = { method: { type: 'card', tokens: { paypal: 'tok_soft', payoneer: 'tok_ok' } } };
        const inFlight = world.pay(world.payment(soft));
        await until('it is at PayPal', () => world.rows("SELECT 1 FROM sends s JOIN attempts a USING (merchant_id, attempt_id) JOIN payments p USING (merchant_id, payment_id) WHERE NOT EXISTS (SELECT FROM outcomes o WHERE o.attempt_id = a.attempt_id)").length > 0);
        await publish(world, second);
        await decidedBy(world, second);
        const entry = await inFlight;
        equal([entry.status, entry.answer.status, entry.answer.attempts.length], [201, 'succeeded', 2], entry.raw);
        equal([entry.answer.decision.version, entry.answer.attempts[1].decision.version, entry.answer.attempts[1].decision.rule], [first, first, 'later'], entry.raw);
        const next = await world.pay(world.payment(soft));
        equal([next.answer.status, next.answer.failure.reason, next.answer.attempts[1].decision.version], ['declined', 'rule_declined', second], next.raw);
        await world.judge();
    },
    async a_canary_of_a_bad_set_stops_itself_within_its_bound_and_says_why(world) {
        const { a } = await begin(world);
        const bad = await put(world, toPayoneer('bad'));
        const begun = await publish(world, bad, { mode: 'canary', percent: '30', stop: { success_drop: '5', after_payments: 20 }, reason: 'try' });
        equal([begun.live, begun.canary.version, begun.canary.percent], [a, bad, '30.0000'], JSON.stringify(begun));
        const paid = [];
        const pay = async (count) => {
            const all = await Promise.all([...Array(count)].map(() => world.pay(world.payment(weak))));
            equal(all.filter((e) => e.status !== 201).map((e) => e.raw), [], 'all answered');
            paid.push(...all);
        };
        await until('every worker knows of it', async () => {
            await pay(4);
            return paid.slice(-4).some((e) => e.answer.decision.canary);
        });
        const ofCanary = () => paid.filter((e) => e.answer.decision.canary);
        let now = await state(world);
        while (now.canary !== null && paid.length < 600) {
            const known = ofCanary().length;
            await pay(10);
            now = await until('what was paid is counted', async () => {
                const seen = await state(world);
                const counted = seen.trial ? seen.trial.canary.approved + seen.trial.canary.declined : 0;
                return (seen.canary === null || counted >= ofCanary().length) && seen;
            });
            if (ofCanary().length >= 20 && known < 20) now = await until('it is judged', async () => { const s = await state(world); return (s.canary === null || s.trial.looks > 0) && s; });
        }
        equal(now.canary, null, `stopped after ${paid.length} payments, ${ofCanary().length} of the canary`);
        const move = now.moves[0];
        equal([move.kind, move.version, move.author, now.live], ['canary_stopped', bad, 'monitor', a], JSON.stringify(move));
        const why = /^success fell: 0 of (\d+) attempts answered were approved \(0\.0%\), with the live set (\d+) of (\d+) \(100\.0%\); with 95% confidence it is at least [\d.]+ points lower, and 5\.0 are allowed/.exec(move.reason);
        assert(why !== null, move.reason);
        assert(Number(why[1]) >= 20 && Number(why[1]) <= 40, `after about 20 of the canary's: ${move.reason}`);
        // The sandbox's books: what Payoneer was asked is what the canary decided, and no more than its bound.
        const ids = new Set(ofCanary().map((e) => e.answer.id));
        const declined = (await world.books()).filter((e) => e.provider === 'payoneer' && e.state === 'declined');
        equal(declined.length, ids.size, 'asked for nobody else');
        assert(declined.length <= 45, `${declined.length} payments paid for the trial`);
        assert(paid.filter((e) => e.answer.decision.canary).every((e) => e.answer.status === 'declined' && e.answer.provider === 'payoneer'), 'the canary decided them');
        await decidedBy(world, a, weak);
        equal(await metric(world, 'turnpike_canaries_stopped_total'), 1, 'told once');
        await world.judge();
    },
    async a_canary_that_is_as_good_goes_on_until_it_is_ended(world) {
        const { a } = await begin(world);
        const same = await put(world, toPaypal('as good'));
        await publish(world, same, { mode: 'canary', percent: '50', stop: { after_payments: 10 } });
        const seen = await until('it was judged, and goes on', async () => {
            await Promise.all([...Array(10)].map(() => world.pay(world.payment(ok))));
            const now = await state(world);
            return now.trial?.looks >= 3 && now;
        });
        equal([seen.canary?.version, seen.trial.canary.declined], [same, 0], JSON.stringify(seen.trial));
        const told = await explain(world, { payment: world.payment(ok) });
        equal([told.decision.version, told.decision.canary, told.canary_set.version, told.canary_set.differs], [a, undefined, same, false], JSON.stringify(told));
        const ended = await rules(world, 'POST', '/stop', { mode: 'canary', reason: 'seen enough' });
        equal([ended.status, ended.answer.canary, ended.answer.moves[0].kind], [200, null, 'canary_stopped'], ended.raw);
        await decidedBy(world, a);
    },
    async a_shadow_is_recorded_and_decides_nothing(world) {
        const { a, b } = await begin(world);
        await publish(world, b, { mode: 'shadow' });
        const entry = await until('recorded', async () => {
            const made = await world.pay(world.payment(ok));
            return made.answer.decision.shadow_set && made;
        });
        const { shadow_set: shadow, version } = entry.answer.decision;
        equal([entry.answer.provider, version, shadow.version, shadow.differs, shadow.candidates], ['paypal', a, b, true, [{ provider: 'payoneer', account: 'main' }]], entry.raw);
        equal((await world.get(entry.answer.id)).decision.shadow_set, shadow, 'in the ledger');
        const counted = await metric(world, 'turnpike_shadow_decisions_total');
        assert(counted > 0, 'counted');
        const told = await until('every worker knows', async () => { const e = await explain(world, { payment: world.payment(ok) }); return e.decision.shadow_set && e; });
        equal([told.decision.shadow_set, told.canary_set], [shadow, undefined], 'explained');
        equal(await metric(world, 'turnpike_shadow_decisions_total'), counted, 'an explanation is not counted');
        equal((await rules(world, 'POST', '/stop', { mode: 'shadow' })).answer.shadow, null, 'ended');
    },
    async four_eyes_publish_when_the_merchant_wants_them(world) {
        const { a, b } = await begin(world);
        const second = world.admin('keys', 'create', '--merchant', world.merchant, '--role', 'merchant').key;
        const set = await world.call('POST', `${world.api}/v1/admin/merchants/${world.merchant}/rules-approval`, { body: { required: true }, key: world.operatorKey });
        equal([set.status, set.json.required], [200, true], set.raw);
        const waits = await publish(world, b);
        equal([waits.live, waits.proposal.version, waits.moves[0].kind], [a, b, 'proposed'], JSON.stringify(waits));
        equal((await rules(world, 'POST', `/${b}/approve`)).status, 403, 'not by the one who proposed it');
        equal((await rules(world, 'POST', `/${a}/approve`, {}, second)).status, 409, 'another version was proposed');
        const done = await rules(world, 'POST', `/${b}/approve`, undefined, second);
        equal([done.status, done.answer.live, done.answer.proposal, done.answer.moves.slice(0, 2).map((m) => m.kind)], [200, b, null, ['published', 'approved']], done.raw);
        await decidedBy(world, b);
        equal((await rules(world, 'POST', '/rollback')).answer.live, a, 'back at once, by one key');
        await world.call('POST', `${world.api}/v1/admin/merchants/${world.merchant}/rules-approval`, { body: { required: false }, key: world.operatorKey });
        await decidedBy(world, a);
    },
    async rule_sets_of_others_are_not_there(world) {
        const { a } = await begin(world);
        const other = world.admin('merchants', 'create', '--name', 'Other');
        const key = world.admin('keys', 'create', '--merchant', other.test_id, '--role', 'merchant').key;
        const own = await state(world, key);
        equal([own.merchant, own.live, own.versions], [other.test_id, null, []], 'none of its own');
        equal((await rules(world, 'GET', '/1', undefined, key)).status, 404, 'not by its number');
        equal((await rules(world, 'GET', `?merchant=${world.merchant}`, undefined, key)).status, 404, 'not by name');
        equal((await rules(world, 'POST', '/1/publish', { mode: 'live' }, key)).status, 404, 'not to be published');
        equal((await rules(world, 'GET', '', undefined, world.financeKey)).status, 403, 'finance does not route');
        equal((await rules(world, 'GET', `?merchant=${world.merchant}`, undefined, world.operatorKey)).answer.live, a, "an operator's");
    },
    async a_broken_set_in_the_ledger_keeps_the_former_one(world) {
        const { a } = await begin(world);
        world.psql(`INSERT INTO rule_versions SELECT m.merchant_id, 99, now(), sha256('otherwise {'), 'key_x', 'an older language', 'otherwise {' FROM rule_moves m WHERE m.number = 1 AND m.merchant_id <> '00000000-0000-0000-0000-000000000000';
            INSERT INTO rule_moves SELECT m.merchant_id, max(number) + 1, 99, ${a}, 0, now(), 'published', 'key_x', '', '{}' FROM rule_moves m WHERE m.merchant_id <> '00000000-0000-0000-0000-000000000000' GROUP BY 1;
            UPDATE directory_version SET version = version + 1`);
        await until('the gateway says so', async () => {
            equal((await world.pay(world.payment(ok))).answer.decision.version, a, 'the one before decides');
            return await metric(world, 'turnpike_rule_sets_broken_total') > 0;
        });
        equal((await rules(world, 'POST', '/99/publish', { mode: 'live' })).status, 409, 'nor is it published');
        equal((await rules(world, 'POST', '/rollback')).answer.live, a, 'back');
    },
    async what_is_said_of_a_card_is_a_fact_and_kept(world) {
        const { a } = await begin(world);
        const of = (card) => world.payment({ method: { ...ok.method, card } });
        const asks = await put(world, 'rule "near" when card_brand == visa and card_country == DE and bin in 411100..411199 { use payoneer }\notherwise { use paypal }\n');
        const plain = await world.pay(of({ brand: 'visa', country: 'DE', bin: '41111122' }));
        equal([plain.status, plain.answer.decision.facts], [201, { card_brand: 'visa', card_country: 'DE', bin: '41111122' }], `no rule asks: ${plain.raw}`);
        await publish(world, asks);
        await decidedBy(world, asks);
        const near = await world.pay(of({ brand: 'visa', country: 'DE', bin: '41111122' }));
        equal([near.answer.provider, near.answer.decision.rule, near.answer.decision.facts], ['payoneer', 'near', { card_brand: 'visa', card_country: 'DE', bin: '41111122' }], near.raw);
        equal((await world.pay(of({ brand: 'visa', country: 'DE', bin: '411200' }))).answer.provider, 'paypal', 'another BIN');
        for (const card of [{ bin: '4111111111111111' }, { bin: '411111111' }, { bin: '41111' }, { bin: '41111x' }, { country: 'Germany' }, { brand: 'Visa!' }, {}, { number: '4' }]) {
            const refused = await world.pay(of(card));
            assert(refused.status === 422 || refused.status === 400, `${JSON.stringify(card)}: ${refused.raw}`);
            assert(!refused.raw.includes('41111'), `told back: ${refused.raw}`);
        }
        equal((await rules(world, 'POST', '/rollback')).answer.live, a, 'back');
        await decidedBy(world, a);
    },
    async the_command_line_does_the_same(world) {
        const { a } = await begin(world);
        const file = world.at('cli.rules');
        writeFileSync(file, toPayoneer('from the command line'));
        const routes = (verb, ...args) => world.admin('routes', verb, ...args, '--merchant', world.merchant);
        const made = routes('put', '--file', file, '--comment', 'by hand');
        assert(made.author.startsWith('cli:') && made.version > a, JSON.stringify(made));
        assert(routes('diff', String(a), '--to', String(made.version)).diff.includes('+otherwise { use payoneer }'), 'compared');
        equal(routes('publish', String(made.version), '--mode', 'live', '--reason', 'night shift').live, made.version, 'published');
        await decidedBy(world, made.version);
        equal([routes('rollback').live, routes('list').moves[0].kind, routes('show', String(made.version)).text], [a, 'rolled_back', toPayoneer('from the command line')], 'back');
        await decidedBy(world, a);
        // Whatever set decided in this world: from the ledger the same decision is made again.
        const replay = () => spawnSync(path.join(top, process.env.BUILD ?? 'build', 'turnpike'), ['routes', 'replay', '--since', '1d', '--config', world.at('turnpike.conf')], { encoding: 'utf8' });
        const replayed = replay();
        equal(replayed.status, 0, `replay: ${replayed.stdout}${replayed.stderr}`);
        const [, count, identical] = /^(\d+) decisions, (\d+) same, 0 different/m.exec(replayed.stdout) ?? [];
        assert(count > 0 && count === identical, replayed.stdout);
        // A text that somebody changed under its hash is no rule set, whatever it would decide.
        world.psql(`ALTER TABLE rule_versions DROP CONSTRAINT rule_versions_same_check; UPDATE rule_versions SET content = content || '# changed' WHERE version = ${a}`);
        const changed = replay();
        world.psql(`UPDATE rule_versions SET content = left(content, -9) WHERE version = ${a}; ALTER TABLE rule_versions ADD CONSTRAINT rule_versions_same_check CHECK (digest = sha256(convert_to(content, 'UTF8')))`);
        equal([changed.status, changed.stdout.includes(': it was changed'), / 0 no_rules/.test(changed.stdout)], [3, true, false], changed.stdout);
        equal(replay().status, 0, 'put back');
    },
    async files_are_compared_with_what_is_live_and_made_so(world) {
        const { a } = await begin(world);
        const account = world.accounts.paypal;
        const folder = world.at('plan');
        for (const sub of ['rules', 'accounts', 'fees']) mkdirSync(path.join(folder, sub), { recursive: true });
        const write = (file, text) => writeFileSync(path.join(folder, file), text);
        const config = (verb) => spawnSync(path.join(top, process.env.BUILD ?? 'build', 'turnpike'), ['config', verb, folder, '--config', world.at('turnpike.conf')], { encoding: 'utf8' });
        const live = world.admin('accounts', 'show', account);
        write(`rules/${world.merchant}.rules`, toPaypal('one'));
        write(`accounts/${account}.json`, JSON.stringify({ amount_max: live.amount_max, methods: live.methods }));
        write(`fees/${account}.json`, JSON.stringify(live.fees));
        const same = config('plan');
        equal([same.status, same.stdout], [0, '0 to be made, 3 as they should be\n'], same.stderr);
        write(`rules/${world.merchant}.rules`, toPayoneer('planned'));
        write(`accounts/${account}.json`, JSON.stringify({ amount_max: 777777 }));
        write(`fees/${account}.json`, JSON.stringify({ ...live.fees, name: 'planned' }));
        const plan = config('plan');
        equal(plan.status, 3, `${plan.stdout}${plan.stderr}`);
        assert(['-otherwise { use paypal }', '+otherwise { use payoneer }', '+ 777777', '3 to be made'].every((t) => plan.stdout.includes(t)), plan.stdout);
        equal([(await state(world)).live, world.admin('accounts', 'show', account).amount_max], [a, live.amount_max], 'a plan changes nothing');
        const applied = config('apply');
        equal(applied.status, 0, `${applied.stdout}${applied.stderr}`);
        equal([config('plan').status, world.admin('accounts', 'show', account).amount_max, world.admin('accounts', 'show', account).fees.name], [0, 777777, 'planned'], 'made');
        await decidedBy(world, (await state(world)).live);
        assert((await state(world)).live > a, 'another version');
        write(`rules/${world.merchant}.rules`, 'otherwise { use nobody }\n');
        const refused = config('apply');
        assert(refused.status === 1 && refused.stderr.includes('routes check'), `${refused.status} ${refused.stderr}`);
        write(`rules/${world.merchant}.rules`, toPaypal('one'));
        write(`accounts/${account}.json`, JSON.stringify({ amount_max: live.amount_max }));
        write(`fees/${account}.json`, JSON.stringify(live.fees));
        equal(config('apply').status, 0, 'and back');
        await decidedBy(world, a);
    },
    async the_house_decides_for_who_has_none(world) {
        const { a } = await begin(world);
        const version = await put(world, toPayoneer('house'), world.operatorKey);
        await publish(world, version, { mode: 'live' }, world.operatorKey);
        await decidedBy(world, a); // it has its own
        while ((await state(world)).live !== null) equal((await rules(world, 'POST', '/rollback')).status, 200, 'back');
        await decidedBy(world, version);
        equal((await world.pay(world.payment(ok))).answer.provider, 'payoneer', 'as the house says');
        await world.judge();
    },
});
