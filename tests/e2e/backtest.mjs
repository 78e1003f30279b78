// Backtests of what a gateway really did: judged by the ledger's own rows.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, assert, equal, until, uuidOf, top } from './lib.mjs';

const TURNS = 160;
const LISTED = 20;
const folder = mkdtempSync(path.join(tmpdir(), 'turnpike-backtest-'));
const live = path.join(folder, 'live.rules');
writeFileSync(live, `
rule "turns" when metadata.shop == "turns" { split 50% paypal, 50% payoneer }
otherwise { use paypal, payoneer }
`);
const other = path.join(folder, 'other.rules');
writeFileSync(other, 'otherwise { use payoneer, paypal }\n');
const binary = path.resolve(top, process.env.BUILD ?? 'build', 'turnpike');
const backtest = (world, ...args) => spawnSync(binary, ['routes', 'backtest', ...args, '--config', world.at('turnpike.conf')], { encoding: 'utf8', cwd: top });
function asked(world, ...args) {
    const done = backtest(world, ...args, '--json');
    assert(done.status === 0, `${args}: ${done.stderr}`);
    return JSON.parse(done.stdout);
}
const side = (result, name) => result.providers.find((one) => one.name === name);
const changes = (result) => result.changes.map((one) => `${one.from} -> ${one.to}: ${one.payments}`).join(', ');
const firsts = (world) => world.rows(`SELECT a.provider, p.metadata LIKE '%turns%' AS turns, a.expected_fee_minor AS fee, finance.show_id('pay', payment_id) AS id, o.outcome,
        (SELECT (c->>'expected_fee')::bigint FROM jsonb_array_elements(a.decision::jsonb->'candidates') c WHERE c->>'provider' = 'payoneer') AS payoneer_fee
    FROM attempts a JOIN payments p USING (merchant_id, payment_id)
    JOIN LATERAL (SELECT outcome FROM outcomes v WHERE v.merchant_id = a.merchant_id AND v.attempt_id = a.attempt_id ORDER BY number DESC LIMIT 1) o ON true
    WHERE a.number = 1 AND p.parent_id IS NULL`);

const cardOf = (i) => ({ brand: i % 4 < 2 ? 'visa' : 'mastercard', country: i % 5 ? 'DE' : 'US', bin: i % 2 ? '411111' : '55550012' });
// Once for all cases, each of which may run alone. What the client was told, by payment.
let told;
async function payAll(world) {
    if (told) return;
    told = [];
    const pay = async (i) => {
        const shop = i < TURNS ? 'turns' : 'listed';
        const token = i % 4 === 0 ? 'tok_soft' : 'tok_ok'; // PayPal declines every fourth
        const entry = await world.pay(world.payment({ amount: 1000 + i, metadata: { shop }, method: { type: 'card', card: cardOf(i), tokens: { paypal: token, payoneer: 'tok_ok' } } }));
        equal([entry.status, entry.answer?.status], [201, 'succeeded'], entry.raw ?? entry.error);
        told.push(entry);
    };
    for (let i = 0; i < TURNS + LISTED; i += 20) await Promise.all(Array.from({ length: 20 }, (_, k) => pay(i + k)));
}

// Keep a version of `text`; then ask for a backtest of it.
async function version(world, text) {
    const { status, json, raw } = await world.call('POST', `${world.api}/v1/rules`, { key: world.key, body: { text } });
    assert(status === 200 || status === 201, raw);
    return json.version;
}
const ask = (world, number, body, key = world.key) => world.call('POST', `${world.api}/v1/rules/${number}/backtest`, { key, body });
const shown = (world, id, { key = world.key, query = '' } = {}) => world.call('GET', `${world.api}/v1/backtests/${id}${query}`, { key });
async function over(world, id, options) {
    return until(`${id} is over`, async () => {
        const { json } = await shown(world, id, options);
        return ['done', 'failed'].includes(json.status) && json;
    });
}
const triesOf = (world, id) => world.rows(`SELECT tries, state FROM backtests WHERE backtest_id = ${uuidOf(id)}`)[0];
// The master's children that compute, by their name.
const backtesters = (world) => world.workers().filter((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'backtester');
// Whoever reads outcomes waits, until release().
async function hold(world) {
    world.psql(`CREATE OR REPLACE FUNCTION hold() RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM pg_advisory_lock_shared(7); RETURN true; END';
        ALTER TABLE outcomes RENAME TO outcomes_kept; CREATE VIEW outcomes AS SELECT * FROM outcomes_kept WHERE hold();
        GRANT SELECT, INSERT ON outcomes TO turnpike_gateway`);
    const session = spawn('psql', ['-X', '-q', '-d', world.conninfo('postgres')], { stdio: ['pipe', 'ignore', 'inherit'] });
    const locks = () => world.rows(`SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted`)[0].n;
    session.stdin.write('SELECT pg_advisory_lock(7);\n');
    await until('outcomes are held', () => locks() === 1);
    return async () => {
        const ended = new Promise((done) => session.once('exit', done));
        session.stdin.end();
        await ended;
        await until('outcomes are free', () => locks() === 0);
        world.psql('DROP VIEW outcomes; ALTER TABLE outcomes_kept RENAME TO outcomes');
    };
}
// Who reads for the one that is being computed; those of a dead one wait on until they find out.
const readers = (world) => world.rows(`SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'COPY%'`).map(({ pid }) => pid);
const computing = (world, before = []) => until('one is being computed', () => { const now = readers(world); return now.some((pid) => !before.includes(pid)) && now; });

await suite('backtest', { workers: 2, delayMs: 5, settings: { rules_file: live } }, {
    async what_would_have_been_is_told_from_the_ledger(world) {
        await payAll(world);
        const rows = firsts(world);
        equal(rows.length, TURNS + LISTED, 'payments');
        const of = (provider, turns) => rows.filter((row) => row.provider === provider && (turns === undefined || row.turns === turns));
        const sum = (list, name) => list.reduce((all, row) => all + row[name], 0);
        const result = asked(world, other);
        equal([result.payments, result.skipped, result.undecided], [rows.length, 0, 0], 'all of them');
        equal([side(result, 'paypal').was, side(result, 'payoneer').was], [of('paypal').length, of('payoneer').length], 'where they went');
        equal([side(result, 'paypal').now, side(result, 'payoneer').now, result.changed], [0, rows.length, of('paypal').length], 'where they would go');
        equal(changes(result), `paypal -> payoneer: ${of('paypal').length}`, 'changes');
        for (const id of result.changes[0].examples) assert(of('paypal').some((row) => row.id === id), `${id} went to PayPal`);
        equal(result.fees, [{ currency: 'EUR', payments: rows.length, amount: result.fees[0].amount, was: sum(rows, 'fee'), now: sum(rows, 'payoneer_fee'), unknown: 0 }], 'fees');
        // The split tells of the split ones; of what a list sent to PayPal nobody knows.
        equal(result.success.unknown, LISTED, 'unknown');
        equal([result.success.now_first.rate, result.success.now_first.payments], [1, of('payoneer', true).length], 'Payoneer took all it was given');
        const approved = rows.filter((row) => row.outcome === 'approved').length;
        assert(Math.abs(result.success.was_first.rate - approved / rows.length) < 1e-6, `${approved} of ${rows.length} first attempts: ${result.success.was_first.rate}`);
        equal(result.success.was_paid.rate, 1, 'failover paid the rest');
    },
    async the_same_rules_change_nothing(world) {
        await payAll(world);
        const result = asked(world, live, '--since', '1h', '--merchant', world.merchant);
        equal([result.payments, result.changed, result.success.unknown], [TURNS + LISTED, 0, 0], 'nothing');
        equal(result.fees[0].payments, TURNS + LISTED, 'fees');
        assert(Math.abs(result.fees[0].now / result.fees[0].was - 1) < 0.1, 'by shares instead of draws');
        assert(side(result, 'paypal:main').was > 0 && side(result, 'payoneer:main').was > 0, 'by account');
    },
    async rules_see_what_payments_had(world) {
        await payAll(world);
        writeFileSync(path.join(folder, 'facts.rules'), 'rule "listed" when metadata.shop == "listed" and amount >= 10.00 EUR { decline "no" } otherwise { use payoneer }\n');
        const result = asked(world, path.join(folder, 'facts.rules'));
        equal([result.declined, side(result, 'nobody').now, side(result, 'payoneer').now], [LISTED, LISTED, TURNS], 'declined');
        // What the live rules never asked for is kept all the same.
        const cards = Array.from({ length: TURNS + LISTED }, (_, i) => cardOf(i));
        const tried = (rule, is) => {
            writeFileSync(path.join(folder, 'card.rules'), `rule "card" when ${rule} { use paypal } otherwise { use payoneer }\n`);
            const wanted = cards.filter(is).length;
            assert(wanted > 0 && wanted < cards.length, rule);
            const got = asked(world, path.join(folder, 'card.rules'));
            equal([side(got, 'paypal').now, side(got, 'payoneer').now], [wanted, cards.length - wanted], rule);
        };
        tried('card_brand == visa', (card) => card.brand === 'visa');
        tried('card_country == US and bin in 55550000..55559999', (card) => card.country === 'US' && card.bin === '55550012');
        tried('bin starts with "4"', (card) => card.bin === '411111');
        const none = asked(world, other, '--merchant', world.liveMerchant);
        equal([none.payments, none.success.now_first], [0, null], 'another merchant has none');
    },
    async a_table_and_a_page_say_the_same(world) {
        await payAll(world);
        const page = path.join(folder, 'page.html');
        const done = backtest(world, other, '--html', page);
        equal(done.status, 0, done.stderr);
        assert(/^payoneer +\d+\.\d\d % +100\.00 %/m.test(done.stdout), done.stdout);
        assert(new RegExp(`unknown +${LISTED} payments`).test(done.stdout), done.stdout);
        const text = readFileSync(page, 'utf8');
        assert(text.includes('<svg') && text.includes('</html>') && !/https?:|<script|<link|NaN|nan/.test(text), 'it stands alone');
    },
    async what_routing_earned_is_in_the_ledger(world) {
        await payAll(world);
        const rows = firsts(world);
        const kept = world.rows(`SELECT a.expected_fee_minor AS fee, (SELECT json_agg((c->>'expected_fee')::bigint) FROM jsonb_array_elements(a.decision::jsonb->'candidates') c WHERE (c->>'kept')::boolean) AS fees
            FROM attempts a JOIN outcomes o USING (merchant_id, attempt_id) WHERE a.number = 1 AND o.outcome = 'approved' AND a.operation = 'sale'`);
        // By the client's own log: PayPal declined it, Payoneer took it.
        const recovered = told.filter(({ answer }) => answer.attempts.length === 2 && answer.attempts[0].status === 'declined' && answer.attempts[1].status === 'approved');
        assert(recovered.length >= LISTED / 4, `${recovered.length} recovered`);
        const sum = (of) => kept.reduce((all, row) => all + of(row), 0);
        const wanted = {
            merchant: world.merchant, currency: 'EUR', payments: rows.length, approved_at_once: kept.length,
            recovered: { payments: recovered.length, amount: recovered.reduce((all, { body }) => all + body.amount, 0) },
            fees: {
                payments: kept.length, below_dearest: sum((row) => Math.max(...row.fees) - row.fee),
                below_average: sum((row) => Math.floor((row.fees[0] + row.fees[1]) / 2) - row.fee), above_cheapest: sum((row) => row.fee - Math.min(...row.fees)),
            },
        };
        assert(wanted.fees.below_dearest > 0 && wanted.fees.above_cheapest > 0, 'both cost more at times');
        const check = (data, whose) => {
            equal(data.length, 1, `${whose}: rows`);
            const { expected_fees, ...told } = data[0].recovered;
            assert(expected_fees > 0, `${whose}: fees of what was recovered`);
            equal({ ...data[0], recovered: told }, wanted, whose);
        };
        const get = async (query, key) => await world.call('GET', `${world.api}/v1/reports/routing${query}`, { key });
        const day = new Date(Date.now() - 86400_000).toISOString().slice(0, 10);
        check((await get('', world.key)).json.data, 'merchant');
        check((await get(`?since=${day}`, world.financeKey)).json.data, 'finance');
        check((await get('', world.operatorKey)).json.data, 'operator');
        check(JSON.parse(spawnSync(binary, ['routes', 'earned', '--since', '1d', '--json', '--config', world.at('turnpike.conf')], { encoding: 'utf8' }).stdout).data, 'command');
        const later = await get(`?since=${new Date(Date.now() + 86400_000).toISOString()}`, world.key);
        equal([later.status, later.json.code], [422, 'invalid_member'], later.raw);
        const [view] = world.rows('SELECT sum(payments)::int AS payments, sum(recovered)::int AS recovered, sum(recovered_amount_minor)::int AS amount, sum(compared)::int AS compared, sum(below_dearest_minor)::int AS dearest, sum(below_average_minor)::int AS average, sum(above_cheapest_minor)::int AS cheapest FROM finance.what_routing_earned', 'e2e_finance');
        equal(view, { payments: rows.length, recovered: wanted.recovered.payments, amount: wanted.recovered.amount, compared: kept.length, dearest: wanted.fees.below_dearest, average: wanted.fees.below_average, cheapest: wanted.fees.above_cheapest }, 'the view');
    },
    async over_the_api_the_same_is_told(world) {
        await payAll(world);
        const number = await version(world, readFileSync(other, 'utf8'));
        const [since, until] = [new Date(Date.now() - 3600_000).toISOString(), new Date().toISOString()];
        const taken = await ask(world, number, { since, until });
        equal([taken.status, taken.json.version, taken.headers.location], [202, number, `/v1/backtests/${taken.json.id}`], taken.raw);
        const done = await over(world, taken.json.id);
        equal([done.status, done.reason, done.since, done.until], ['done', null, since, until], 'its end');
        equal(done.result, asked(world, other, '--merchant', world.merchant, '--since', since, '--until', until), 'the command says');
        assert(done.result.changed > 0 && done.result.payments === TURNS + LISTED, JSON.stringify(done.result));
        const early = await over(world, (await ask(world, number, { since: '2d', until: '1d' })).json.id);
        equal([early.status, early.result.payments], ['done', 0], 'before there were any');
        // Whose it is.
        const liveKey = world.admin('keys', 'create', '--merchant', world.liveMerchant, '--role', 'merchant').key;
        for (const options of [{ key: liveKey }, { key: world.operatorKey }]) equal((await shown(world, done.id, options)).status, 404, 'of another');
        equal((await shown(world, done.id, { key: world.operatorKey, query: `?merchant=${world.merchant}` })).json, done, 'operators see it');
        equal((await ask(world, number, undefined, liveKey)).status, 404, 'it has no such version');
    },
    async who_computes_may_die_once_and_be_told_to_stop(world) {
        await payAll(world);
        const number = await version(world, readFileSync(other, 'utf8'));
        const wanted = asked(world, other, '--merchant', world.merchant);
        const release = await hold(world);
        const first = (await ask(world, number)).json.id;
        const before = await computing(world);
        const [victim] = backtesters(world);
        process.kill(victim, 'SIGKILL');
        await until('another takes it over', () => triesOf(world, first).tries === 2 && backtesters(world).length === 1 && !backtesters(world).includes(victim));
        // One at a time; the others wait, and there are not too many of them.
        const waiting = [];
        for (let i = 0; i < 3; i++) waiting.push((await ask(world, number)).json.id);
        const refused = await ask(world, number);
        equal([refused.status, refused.json.code, refused.headers['retry-after']], [429, 'rate_limited', '10'], refused.raw);
        equal((await shown(world, waiting[0])).json.status, 'queued', 'it waits');
        await computing(world, before);
        // The gateway stops: what was under way goes back, and the next one begins with it.
        equal(await world.stopGateway(), { code: 0, signal: null }, 'the gateway');
        equal(triesOf(world, first), { tries: 1, state: 'queued' }, 'told to stop');
        await release();
        await world.startGateway();
        for (const id of [first, ...waiting]) {
            const done = await over(world, id);
            equal([done.status, done.reason], ['done', null], id);
            equal(done.result, wanted, id);
        }
        await until('nobody computes any more', () => backtesters(world).length === 0);
    },
    async what_is_wrong_is_said_in_one_line(world) {
        const bad = path.join(folder, 'bad.rules');
        writeFileSync(bad, 'rule "x" when amont > 1 EUR { use paypal }\notherwise { by cost }\n');
        for (const [args, wanted] of [[[bad], /bad\.rules.*1.*amont/s], [['/nonexistent'], /cannot read \/nonexistent/], [[other, '--since', 'soon'], /--since/], [[other, '--since', '1d', '--until', '2d'], /--until/],
            [[other, '--merchant', 'acc_1'], /no merchant's id/], [[], /name one file/]]) {
            const got = backtest(world, ...args);
            assert(got.status === 1 && wanted.test(got.stderr) && got.stderr.trim().split('\n').length === 1, `${args}: ${got.stderr}`);
        }
    },
});
