// Erasure: after `turnpike erase` the customer is nowhere in the database, and the books are as before. Everything that
// is personal here carries a word; it is looked for in every text and every packed column that the catalog knows.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, assert, equal, until, top, uuidOf } from './lib.mjs';

const build = path.resolve(top, process.env.BUILD ?? 'build');
const folder = mkdtempSync(path.join(tmpdir(), 'turnpike-erase-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const keyFile = path.join(folder, 'key.pem');
writeFileSync(keyFile, generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });

// Columns whose bytes are sealed: they must be gone, not only be without the word.
const sealed = ['payments.tokens_sealed', 'sends.body_sealed', 'payout_orders.request_sealed', 'inbound_events.body_sealed'];

function arguments_(world, args) { return ['erase', '--config', world.at('turnpike.conf'), ...args]; }
function erase(world, ...args) {
    const done = spawnSync(path.join(build, 'turnpike'), arguments_(world, args), { encoding: 'utf8', cwd: top });
    return { status: done.status, out: done.stdout + done.stderr };
}
const named = (world, ...what) => ['--merchant', world.merchant, ...what, '--reason', 'ticket 4711', '--by', 'e2e'];

// Every column of the database in which the word stands, packed or not.
function places(world, word) {
    const columns = world.rows(`SELECT c.relname AS of, a.attname AS name, a.atttypid = 'bytea'::regtype AS is_bytes FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
        AND NOT a.attisdropped AND a.atttypid IN ('text'::regtype, 'bytea'::regtype)`);
    assert(columns.length > 100, 'all columns');
    const texts = columns.filter((one) => !one.is_bytes).map(({ of, name }) => `SELECT '${of}.${name}' AS at WHERE EXISTS (SELECT FROM ${of} WHERE strpos(${name}, '${word}') > 0)`);
    const found = new Set(world.rows(texts.join(' UNION ALL ')).map((row) => row.at));
    return columns.filter(({ of, name, is_bytes }) => {
        if (!is_bytes) return found.has(`${of}.${name}`);
        const lines = world.psql(`SELECT encode(${name}, 'hex') FROM ${of} WHERE length(${name}) > 0`);
        const read = spawnSync(path.join(build, 'e2e/unpack'), { input: lines + '\n', maxBuffer: 256 << 20 });
        equal([read.status, read.error?.code], [0, undefined], 'unpack (built by: make e2e-build)');
        return read.stdout.includes(word);
    }).map(({ of, name }) => `${of}.${name}`).sort();
}
function dump(world) {
    const done = spawnSync('pg_dump', ['-d', world.conninfo('postgres')], { encoding: 'utf8', maxBuffer: 512 << 20 });
    assert(done.status === 0, done.stderr);
    return done.stdout;
}
const filled = (world) => sealed.filter((column) => {
    const [table, name] = column.split('.');
    return world.psql(`SELECT count(*) FROM ${table} WHERE length(${name}) > 0`) !== '0';
});
const books = (world) => ({
    transfers: world.psql("SELECT md5(string_agg(t::text, E'\\n' ORDER BY t.transfer_id)) FROM transfers t"),
    balance: world.rows('SELECT account, currency, debit_minor, credit_minor FROM finance.trial_balance ORDER BY 1, 2', 'e2e_finance'),
    lists: world.rows('SELECT * FROM finance.payments ORDER BY payment', 'e2e_finance'),
    attempts: world.rows('SELECT attempt, outcome, reason FROM finance.attempts ORDER BY 1', 'e2e_finance'),
});
function verify(world) {
    const done = spawnSync(path.join(build, 'turnpike'), ['ledger', 'verify', '--config', world.at('turnpike.conf')], { encoding: 'utf8', cwd: top });
    return { status: done.status, out: done.stdout + done.stderr };
}
async function post(world, at, body, key = randomUUID(), apiKey = world.key) {
    return { key, body, at, ...await world.call('POST', world.api + at, { body, key: apiKey, headers: { 'idempotency-key': `"${key}"` } }) };
}
const again = (world, entry) => post(world, entry.at, entry.body, entry.key);
const ends = (world, at, ...statuses) => until(`${at} is ${statuses}`, async () => {
    const { json } = await world.call('GET', world.api + at, { key: world.key });
    return statuses.includes(json.status) && json;
});
const payment = (word, extra = {}) => ({
    amount: 1099, currency: 'EUR', method: { type: 'card', tokens: { paypal: 'tok_ok', payoneer: 'tok_ok' } }, description: `for ${word}`,
    customer: { id: `c-${word}`, name: `Ada ${word}`, email: `${word}@example.com`, country: 'DE' }, metadata: { note: word }, ...extra,
});
const payout = (word, extra = {}) => ({
    amount: 2000, currency: 'EUR', payees: { paypal: `${word}@example.com`, payoneer: `p-${word}` }, metadata: { note: word },
    beneficiary: { type: 'individual', first_name: 'Ada', last_name: word, email: `${word}@example.com` }, ...extra,
});
async function quiet(world) { // nothing is under way, and all messages of providers are taken
    await until('the sandbox has told everything', async () => (await world.hooks('GET', '')).waiting === 0);
    await until('no message waits, no attempt is looked at', () => {
        const waits = world.rows("SELECT event_type || ' ' || reason AS what FROM inbound_events WHERE state = 'waiting' UNION ALL SELECT 'attempt ' || reason || ' ' || next_at || ' ' || now() FROM unresolved u WHERE NOT EXISTS (SELECT FROM payments p WHERE p.payment_id = u.payment_id AND NOT p.capture_automatic)");
        if (waits.length > 0) throw new Error(JSON.stringify(waits));
        return true;
    });
    await until('payouts are known to be over', () => world.psql("SELECT count(*) FROM payout_orders WHERE state = 'begun' AND done_at IS NULL") === '0');
}
async function hooked(world) {
    await world.registerHooks();
    await world.hooks('POST', '/behaviour', { hold: false, early: false, repeat_least: 1, repeat_most: 1, loss: 0, delay_ms: 20, disorder_ms: 0, retry_ms: 200, retry_ms_most: 1000, retry_count: 100 });
}
// Payments and payouts of a customer, of every way to end; the last two are still open.
async function live(world, word) {
    const entries = {};
    for (const provider of ['paypal', 'payoneer']) {
        entries[provider] = await post(world, '/v1/payments', payment(word, { providers: { only: [provider] }, reference: `${provider}-${randomUUID()}` }));
        equal([entries[provider].status, entries[provider].json.status], [201, 'succeeded'], entries[provider].raw);
        const refund = await post(world, `/v1/payments/${entries[provider].json.id}/refunds`, { amount: 100, reason: `asked by ${word}`, metadata: { note: word } });
        equal([refund.status, refund.json.status], [201, 'succeeded'], refund.raw);
    }
    entries.declined = await post(world, '/v1/payments', payment(word, { method: { type: 'card', tokens: { paypal: 'tok_hard', payoneer: 'tok_hard' } } }));
    equal(entries.declined.json.status, 'declined', entries.declined.raw);
    entries.payout = await post(world, '/v1/payouts', payout(word));
    await ends(world, `/v1/payouts/${entries.payout.json.id}`, 'succeeded');
    entries.waited = await post(world, '/v1/payouts', payout(word, { amount: 5000 }));
    entries.rejected = await post(world, '/v1/payouts', payout(word, { amount: 5001 }));
    equal([entries.waited.json.status, entries.rejected.json.status], ['requires_approval', 'requires_approval'], 'they wait');
    const act = (entry, what) => world.call('POST', `${world.api}/v1/payouts/${entry.json.id}/${what}`, { key: world.financeKey });
    await act(entries.waited, 'approve');
    await act(entries.rejected, 'reject');
    await ends(world, `/v1/payouts/${entries.waited.json.id}`, 'succeeded');
    entries.held = await post(world, '/v1/payments', payment(word, { capture: 'manual', providers: { only: ['paypal'] } }));
    entries.asked = await post(world, '/v1/payouts', payout(word, { amount: 5002 }));
    equal([entries.held.json.status, entries.asked.json.status], ['authorized', 'requires_approval'], 'both are open');
    for (const entry of [entries.waited, entries.rejected, entries.payout]) await again(world, entry); // answers that are kept by their keys
    await quiet(world);
    return entries;
}

await suite('erase', { workers: 1, payouts: true, settings: { seal_key_file: keyFile, seal_interval_ms: 100, order_retry_ms: 300, order_wait_ms: 200 } }, {
    async a_customer_is_nowhere_any_more_and_the_books_are_as_before(world) {
        const word = 'zzmarker1';
        await hooked(world);
        world.admin('merchants', 'approval', world.merchant, '--payout-limit', 'EUR=4000');
        const entries = await live(world, word);
        const other = await post(world, '/v1/payments', payment('zzother'));
        await quiet(world);
        const found = places(world, word);
        for (const column of ['payments.customer', 'payments.metadata', 'payments.routing', 'payment_answers.body', 'answers.body']) {
            assert(found.includes(column), `the word stands in ${column} before: ${found}`);
        }
        equal(filled(world), sealed, 'sealed before');
        const before = books(world);
        const dry = erase(world, ...named(world, '--customer', `${word}@example.com`), '--dry-run');
        equal([dry.status, places(world, word)], [2, found], `dry run: ${dry.out}`);
        assert(!dry.out.includes(word), 'nothing says who it was');
        const first = erase(world, ...named(world, '--customer', `${word}@example.com`));
        equal(first.status, 2, first.out);
        assert(first.out.includes(`${entries.held.json.id} is not erased: the payment is authorized`), first.out);
        assert(first.out.includes(`${entries.asked.json.id} is not erased: the payout is requires_approval`), first.out);
        equal((await world.get(entries.held.json.id)).customer.email, `${word}@example.com`, 'what is open keeps its data');
        const captured = await post(world, `/v1/payments/${entries.held.json.id}/capture`, {});
        equal(captured.json.status, 'succeeded', captured.raw);
        await world.call('POST', `${world.api}/v1/payouts/${entries.asked.json.id}/reject`, { key: world.financeKey });
        await quiet(world);
        const last = books(world);
        let second; // a look at the hold's end may still be under way
        await until('all of it can be erased', () => (second = erase(world, ...named(world, '--customer', `${word}@EXAMPLE.com`))).status === 0 || assert(false, second.out));
        equal(second.status, 0, second.out);
        equal(places(world, word), [], 'where the customer still is');
        assert(!dump(world).includes(word), 'not in a dump either');
        const ids = `SELECT payment_id FROM payments WHERE erased_at IS NOT NULL`;
        equal(world.psql(`SELECT (SELECT count(*) FROM payments WHERE erased_at IS NOT NULL AND tokens_sealed IS NOT NULL)
            + (SELECT count(*) FROM sends s JOIN attempts a USING (merchant_id, attempt_id) WHERE a.payment_id IN (${ids}) AND s.body_sealed IS NOT NULL)
            + (SELECT count(*) FROM payout_orders WHERE request_sealed IS NOT NULL)
            + (SELECT count(*) FROM inbound_events i JOIN attempts a ON a.attempt_id = i.attempt_id OR a.payment_id = i.payment_id WHERE a.payment_id IN (${ids}) AND i.body_sealed <> '')`), '0', 'sealed data of theirs');
        assert(Number(world.psql("SELECT count(*) FROM inbound_events WHERE body_sealed = ''")) > 0, 'messages of providers were erased, too');
        equal(places(world, 'zzother').length > 2, true, 'others are untouched');
        equal((await world.get(other.json.id)).customer.email, 'zzother@example.com', 'others are untouched');
        equal(books(world), last, 'the books');
        equal(before.balance.filter((row) => row.account === 'merchant:payouts'), last.balance.filter((row) => row.account === 'merchant:payouts'), 'before and after');
        await until('seals hold', () => verify(world).status === 0);
        assert(erase(world, ...named(world, '--payment', entries.paypal.json.id)).out.includes('was erased before'), 'twice');
        world.entries = entries;
    },
    async keys_replay_what_is_left_and_charge_nobody(world) {
        const { paypal, payoneer, declined, payout: paid, waited } = world.entries ?? assert(false, 'needs the case before');
        const moved = (await world.allBooks()).length;
        for (const entry of [paypal, payoneer, declined, paid, waited]) {
            const told = await again(world, entry);
            equal([told.status, told.headers['idempotent-replayed']], [201, 'true'], told.raw);
            const now = (await world.call('GET', `${world.api}${entry.at}/${entry.json.id}`, { key: world.key })).json;
            equal([told.json.id, told.json.amount, told.json.currency, told.json.reference], [entry.json.id, entry.json.amount, entry.json.currency, entry.json.reference], told.raw);
            equal([told.json.customer ?? told.json.beneficiary ?? null, told.json.metadata, now.metadata, now.customer ?? now.beneficiary ?? null], [null, null, null, null], told.raw);
            equal([typeof told.json.erased, now.status], ['string', entry === declined ? 'declined' : 'succeeded'], JSON.stringify(now));
        }
        equal((await again(world, { ...paypal, body: { ...paypal.body, amount: 1 } })).status, 422, 'another body under the key');
        equal((await world.allBooks()).length, moved, 'nobody was charged');
        for (const { json } of [paypal, payoneer]) {
            const refund = await post(world, `/v1/payments/${json.id}/refunds`, {});
            equal([refund.status, refund.json.status, refund.json.amount], [201, 'succeeded', 999], refund.raw);
        }
        const list = await world.call('GET', `${world.api}/v1/payments?limit=100`, { key: world.key });
        assert(list.json.data.some((one) => one.id === paypal.json.id && one.customer === null && one.erased), 'lists');
        equal((await world.call('GET', `${world.api}/v1/payments/${paypal.json.id}/events`, { key: world.key })).status < 500, true, 'events');
    },
    async it_is_known_what_was_erased_when_why_and_by_whom(world) {
        const { paypal, payout: paid } = world.entries ?? assert(false, 'needs the first case');
        const rows = world.rows('SELECT payment, erased_by, reason, named, counts FROM finance.erasures', 'e2e_finance');
        const [row] = rows.filter((one) => one.payment === paypal.json.id);
        equal([row.erased_by, row.reason, row.named, JSON.parse(row.counts)['payments.customer']], ['e2e', 'ticket 4711', 'customer', 2], JSON.stringify(row));
        assert(rows.some((one) => one.payment === paid.json.id), 'payouts, too');
        world.psql('CREATE ROLE e2e_stranger LOGIN IN ROLE turnpike_finance');
        equal(world.rows('SELECT 1 FROM finance.erasures', 'e2e_stranger'), [], 'another login');
        for (const sql of ["UPDATE erasures SET reason = 'x'", 'DELETE FROM erasures', "INSERT INTO erasures SELECT * FROM erasures"]) {
            let refused = false;
            try { world.psql(sql, 'turnpike', 'turnpike_gateway'); } catch { refused = true; }
            assert(refused, `the gateway may not ${sql}`);
        }
        assert(erase(world, '--list', '--merchant', world.merchant).out.includes(`${paypal.json.id}  by e2e: ticket 4711`), 'the list');
        // A restore of the database brings them back; the list, kept elsewhere, takes them out again.
        const kept = erase(world, '--list', '--json').out;
        const was = world.rows('SELECT * FROM erasures ORDER BY 1, 2, 3');
        world.psql(`UPDATE payments SET customer = '{"id":"zzagain"}', metadata = '{"a":"zzagain"}', erased_at = NULL WHERE payment_id = ${uuidOf(paypal.json.id)}`);
        world.psql('DELETE FROM erasures');
        writeFileSync(path.join(folder, 'kept'), kept);
        const done = erase(world, '--again', path.join(folder, 'kept'));
        equal([done.status, places(world, 'zzagain')], [0, []], done.out);
        const [now] = world.rows(`SELECT * FROM erasures WHERE payment_id = ${uuidOf(paypal.json.id)}`);
        const [then] = was.filter((one) => one.payment_id === now.payment_id && one.erasure_id === now.erasure_id);
        equal({ ...now, counts: '' }, { ...then, counts: '' }, 'the same record');
        equal(erase(world, '--again', '/dev/null').status, 0, 'an empty list');
    },
    async who_is_killed_leaves_each_payment_whole_or_done(world) {
        const word = 'zzmarker2';
        const paid = await Promise.all(Array.from({ length: 60 }, () => post(world, '/v1/payments', payment(word))));
        assert(paid.every((one) => one.status === 201), 'paid');
        await quiet(world);
        const records = () => Number(world.psql(`SELECT count(*) FROM erasures WHERE payment_id IN (${paid.map((one) => uuidOf(one.json.id))})`));
        const child = spawn(path.join(build, 'turnpike'), arguments_(world, named(world, '--customer', `c-${word}`)), { cwd: top, stdio: ['ignore', 'inherit', 'inherit'] });
        const gone = new Promise((done) => child.once('exit', (code, signal) => done(signal)));
        await until('some are erased', () => records() >= 3);
        child.kill('SIGKILL');
        const signal = await gone;
        await until('its transaction is over', () => world.psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%erase_payment%' AND pid <> pg_backend_pid()") === '0');
        const half = records();
        assert(signal === 'SIGKILL' ? half < 60 : half === 60, `${half} of 60 were erased when it was ended by ${signal}`);
        for (const { json } of paid) {
            const [row] = world.rows(`SELECT p.erased_at IS NOT NULL AS erased, p.customer IS NULL AND p.metadata IS NULL AND p.tokens_sealed IS NULL AS gone,
                (SELECT count(*) FROM erasures e WHERE e.payment_id = p.payment_id) = 1 AS noted,
                (SELECT bool_and(s.body_sealed IS NULL) FROM sends s JOIN attempts a USING (merchant_id, attempt_id) WHERE a.payment_id = p.payment_id) AS unsent
                FROM payments p WHERE p.payment_id = ${uuidOf(json.id)}`);
            assert(row.erased === row.gone && row.gone === row.noted && row.noted === row.unsent, `${json.id}: ${JSON.stringify(row)}`);
        }
        const done = erase(world, ...named(world, '--customer', `c-${word}`));
        equal([done.status, records(), places(world, word)], [0, 60, []], done.out);
        const none = erase(world, ...named(world, '--customer', `c-${word}`));
        equal([none.status, /^0 erased, 0 erased before, 0 still open$/m.test(none.out)], [0, true], none.out);
    },
    async what_is_named_wrongly_is_refused_with_the_remedy(world) {
        const cases = [
            [['--merchant', world.merchant], 'name one thing'],
            [named(world, '--payment', 'x'), 'begin with pay_'],
            [named(world, '--payment', 'pay_' + '0'.repeat(26)), 'no such payment'],
            [named(world, '--reference', 'nothing'), 'no such reference'],
            [['--payment', 'pay_' + '0'.repeat(26)], '--merchant ID'],
            [['--merchant', world.merchant, '--customer', 'a', '--reason', 'is of a'], 'into them'],
            [['--merchant', world.liveMerchant, '--payment', world.log[0]?.answer?.id ?? 'pay_' + '0'.repeat(26), '--reason', 'why', '--by', 'me'], 'no such payment'],
        ];
        for (const [args, remedy] of cases) {
            const { status, out } = erase(world, ...args, ...(remedy === 'into them' ? ['--by', 'me'] : []));
            equal([status, out.includes(remedy)], [1, true], `${args}: ${out}`);
        }
        const one = await post(world, '/v1/payments', payment('zzref', { reference: 'zz-4711' }));
        await quiet(world);
        const done = erase(world, ...named(world, '--reference', 'zz-4711'));
        equal([done.status, done.out.includes(`${one.json.id} erased:`)], [0, true], done.out);
        equal((await world.get(one.json.id)).reference, 'zz-4711', 'the reference guards against a second payment, and stays');
    },
});
