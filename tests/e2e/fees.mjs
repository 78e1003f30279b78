// Fees: tables and rates from file to decision, on the command line and in the ledger.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, assert, equal, until, top } from './lib.mjs';

const cases = path.join(top, 'tests/unit/router/fee_cases');
const binary = path.resolve(top, process.env.BUILD ?? 'build', 'turnpike');
const turnpike = (...args) => spawnSync(binary, args, { encoding: 'utf8', cwd: top });
const canonical = (value) => Array.isArray(value) ? `[${value.map(canonical)}]`
    : typeof value === 'object' ? `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`)}}` : JSON.stringify(value);
const hash = (file) => createHash('sha256').update(canonical(JSON.parse(readFileSync(file, 'utf8')))).digest('hex');
const candidate = (payment, provider) => payment.decision.candidates.find((one) => one.provider === provider);

await suite('fees', {
    ownFees: true,
    workers: 2,
    accounts: [['paypal', 1, 'paypal-us'], ['payoneer', 2, '../../tests/unit/router/fee_cases/tiers_usd', ['--setting', 'country=US']]],
    settings: { rates_file: path.join(cases, 'rates.json') },
}, {
    async a_quote_shows_each_part(world) {
        const { stdout, status } = turnpike('fees', 'quote', path.join(cases, 'tiers_usd.json'), '--amount', '100.05', '--currency', 'KWD',
            '--volume', '100000', '--rates', path.join(cases, 'rates.json'));
        equal(status, 0, 'status');
        for (const line of [/^tier +from 100000.00 USD a month$/m, /^percent +3.50175 +3.5000 %$/m, /^fixed +0.091589862$/m, /^rounding +-0.000339862 +half_up$/m,
            /^fee +3.593 +KWD$/m, new RegExp(`^version +${hash(path.join(cases, 'tiers_usd.json'))}$`, 'm'), /^rates +2026-11-20T15:00:00.000Z, made up for these cases$/m]) {
            assert(line.test(stdout), `${line} in ${stdout}`);
        }
        const bad = world.at('bad.json');
        writeFileSync(bad, '{\n"percent": "1",\n "currencies": {\n  "EUR": {"fixed": 1}}}');
        for (const [args, wanted] of [
            [['check', bad], /bad\.json:4: fee table: currencies\.EUR\.fixed is not an amount of EUR/], [['check', '/nonexistent'], /cannot read \/nonexistent/],
            [['quote', path.join(cases, 'tiers.json'), '--amount', '1', '--currency', 'DEM'], /--currency DEM is missing or no currency/],
            [['quote', path.join(cases, 'tiers.json'), '--amount', '1.001', '--currency', 'GBP'], /no amount of GBP with at most 2 decimals/],
            [['quote', path.join(cases, 'tiers_usd.json'), '--amount', '1', '--currency', 'EUR'], /needs --rates FILE/],
        ]) {
            const got = turnpike('fees', ...args);
            assert(got.status === 1 && wanted.test(got.stderr) && got.stderr.trim().split('\n').length === 1, `${args}: ${got.stderr}`);
        }
    },
    async rates_are_checked_and_stale_ones_warned_of(world) {
        const conf = world.at('turnpike.conf');
        const file = world.at('rates.json');
        const rates = JSON.parse(readFileSync(path.join(cases, 'rates.json'), 'utf8'));
        writeFileSync(file, JSON.stringify({ ...rates, time: '2020-01-01' }));
        const old = turnpike('check', '--config', conf, '--set', `rates_file=${file}`);
        assert(old.status === 0 && /warning: .*rates are of 2020-01-01T00:00:00.000Z/.test(old.stderr), old.stderr);
        writeFileSync(file, JSON.stringify({ ...rates, rates: { USD: 1.08 } }, null, 1));
        const bad = turnpike('check', '--config', conf, '--set', `rates_file=${file}`);
        assert(bad.status === 1 && /rates_file: .*rates\.json:\d+: rates: rates\.USD is not a rate above 0 in quotes/.test(bad.stderr), bad.stderr);
    },
    async a_decision_names_what_its_fees_are_computed_from(world) {
        const { answer } = await world.pay();
        const payment = await world.get(answer.id);
        equal(candidate(payment, 'paypal').expected_fee, 51, '10.99*2.89% + 0.19');
        equal(candidate(payment, 'payoneer').expected_fee, 71, '10.99*3.90% + 0.30/1.0850');
        equal(candidate(payment, 'paypal').fees, hash(path.join(top, 'config/fees/paypal-us.json')), 'the table');
        equal(candidate(payment, 'payoneer').fees, hash(path.join(cases, 'tiers_usd.json')), 'the table');
        equal(payment.decision.rates, hash(path.join(cases, 'rates.json')), 'the rates');
        await until('the rates are in the ledger', () => world.rows("SELECT * FROM price_tables WHERE kind = 'rates'").length > 0);
        const named = [...payment.decision.candidates.map((one) => one.fees), payment.decision.rates].sort();
        const kept = world.rows("SELECT encode(digest, 'hex') AS digest, author, content FROM price_tables ORDER BY 1");
        equal(kept.map((row) => row.digest), named, 'what the decision names is there');
        equal(kept.map((row) => createHash('sha256').update(row.content).digest('hex')), named, 'and is what its digest says');
        equal(kept.map((row) => row.author).sort(), ['command line', 'command line', 'made up for these cases'], 'by whom');
    },
    async a_table_of_before_is_kept_before_it_is_used(world) {
        const table = { percent: '1.00', currencies: { EUR: { fixed: '0.02' } } };
        world.psql(`UPDATE accounts SET fees = '${JSON.stringify(table, null, 1)}' WHERE provider = 'paypal'; UPDATE directory_version SET version = version + 1`);
        const found = await until('it is used', async () => {
            const payment = await world.get((await world.pay()).answer.id);
            return candidate(payment, 'paypal').expected_fee === 13 && candidate(payment, 'paypal');
        });
        const digest = createHash('sha256').update(canonical(table)).digest('hex');
        equal(found.fees, digest, 'its hash is that of the figures');
        equal(world.rows(`SELECT author FROM price_tables WHERE digest = '\\x${digest}'`), [{ author: '' }], 'kept by who used it');
    },
    async tiers_follow_the_volume_of_the_month(world) {
        const table = { percent: '0.50', volume: { zone: 'Europe/Berlin' }, currencies: { EUR: { tiers: [{ from: '45.00', percent: '0.10' }] } } };
        world.psql(`UPDATE accounts SET fees = '${JSON.stringify(table)}' WHERE provider = 'payoneer'; UPDATE directory_version SET version = version + 1`);
        const next = async () => candidate(await world.get((await world.pay()).answer.id), 'payoneer');
        const booked = async () => (await world.allBooks()).filter((entry) => entry.provider === 'payoneer' && entry.kind === 'charge')
            .reduce((sum, entry) => sum + entry.amount, 0);
        // Asked of the ledger when the account is first used, then counted: each decision sees what was taken before.
        const seeded = async () => {
            const before = await booked();
            const seen = await next();
            return before > 0 && seen.month_volume === before;
        };
        await until('the count is what the books say', seeded, 130000);
        let volume = await booked();
        const fees = new Set();
        for (let i = 0; i < 6; i++) {
            const seen = await next();
            equal(seen.month_volume, volume, `the volume before payment ${i}`);
            equal(seen.expected_fee, volume >= 4500 ? 1 : 5, `10.99 at a volume of ${volume}`);
            fees.add(seen.expected_fee);
            volume += 1099;
        }
        equal(await booked(), volume, 'the books');
        equal(fees.has(1), true, 'the second tier was reached');
        await world.stopGateway();
        await world.startGateway();
        await until('a gateway that starts anew asks the ledger', seeded, 130000);
    },
    async a_capture_and_a_refund_have_fees_of_their_own(world) {
        const table = { percent: '0.50', currencies: { EUR: { fixed: '0.03' } }, operations: { refund: { currencies: { EUR: { percent: '0', fixed: '0.07' } } } } };
        world.psql(`UPDATE accounts SET fees = '${JSON.stringify(table)}' WHERE provider = 'payoneer'; UPDATE directory_version SET version = version + 1`);
        await until('the table is used', async () => candidate(await world.get((await world.pay()).answer.id), 'payoneer').month_volume === undefined);
        const { answer } = await world.pay({ amount: 5000, currency: 'EUR', capture: 'manual', method: { type: 'card', tokens: { payoneer: 'tok_ok' } } });
        const operate = async (what, body) => {
            const url = `${world.api}/v1/payments/${answer.id}/${what}`;
            const got = await world.call('POST', url, { body, key: world.key, headers: { 'idempotency-key': `"${what}"` } });
            equal([got.status, got.json.status], [201, 'succeeded'], what);
        };
        await operate('capture', { amount: 4000 });
        await operate('refunds', { amount: 1000 });
        await world.settled();
        const rows = world.rows(`SELECT a.operation, a.expected_fee_minor AS fee, (SELECT amount_minor FROM transfers t WHERE t.merchant_id = a.merchant_id
            AND t.attempt_id = a.attempt_id AND t.kind = 'fee') AS booked FROM attempts a WHERE a.operation IN ('capture', 'refund') ORDER BY 1`);
        equal(rows.map((row) => [row.operation, row.fee, row.booked]), [['capture', 23, 23], ['refund', 7, null]], '40.00*0.50% + 0.03, and 0.07');
    },
});
