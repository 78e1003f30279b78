// Archiving: attempts of what is over move to files, and everything that matters stays: the same key gives the same bytes
// and charges nobody, the books are as before, and what comes back is what went, row by row, whoever was killed.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, assert, equal, until, top, uuidOf } from './lib.mjs';

const build = path.resolve(top, process.env.BUILD ?? 'build');
const scratch = mkdtempSync(path.join(tmpdir(), 'turnpike-archive-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const folder = path.join(scratch, 'archive');
mkdirSync(folder, { mode: 0o700 });

const arguments_ = (world, args) => ['archive', '--config', world.at('turnpike.conf'), ...args];
function archive(world, ...args) {
    const done = spawnSync(path.join(build, 'turnpike'), arguments_(world, args), { encoding: 'utf8', cwd: top, maxBuffer: 64 << 20 });
    return { status: done.status, out: done.stdout + done.stderr };
}
const away = (world, ...more) => archive(world, '--older-than', '0', '--folder', folder, '--by', 'e2e', '--merchant', world.merchant, ...more);
const back = (world, id) => archive(world, '--restore', id, '--folder', folder, '--merchant', world.merchant);
const check = (world) => archive(world, '--check', '--folder', folder);
const files = (world) => (existsSync(folder) ? readdirSync(folder) : []).flatMap((one) => readdirSync(path.join(folder, one)).map((name) => path.join(folder, one, name)));
function restoreAll(world) {
    for (const { archive_id: id } of world.rows('SELECT DISTINCT archive_id FROM payments WHERE archive_hash IS NOT NULL')) {
        const done = back(world, id);
        equal(done.status, 0, done.out);
    }
    equal(world.psql('SELECT count(*) FROM payments WHERE archived_at IS NOT NULL'), '0', 'all are back');
}

const moving = ['attempts', 'sends', 'outcomes', 'payment_limits'];
// Every row of every table that payments have something in, but for the columns that say where it is.
const dump = (world) => Object.fromEntries([...moving, 'payments', 'idempotency', 'payment_answers', 'answers', 'transfers', 'events', 'reviews', 'inbound_events', 'unresolved'].map((table) => [table,
    world.psql(`SELECT md5(coalesce(string_agg(r, E'\\n' ORDER BY r), '')) || ' ' || count(*) FROM (SELECT (to_jsonb(t) - '{archived_at,archive_id,archived_authorized,archived_captured,archived_refunded,archived_fees,archive_salt,archive_hash}'::text[])::text AS r FROM ${table} t) x`)]));
const finance = (world) => ({
    journal: world.rows('SELECT * FROM finance.journal ORDER BY transfer_id', 'e2e_finance'),
    transfers: world.rows('SELECT * FROM finance.transfers ORDER BY transfer_id', 'e2e_finance'),
    balance: world.rows('SELECT * FROM finance.trial_balance ORDER BY 1, 2, 3, 4', 'e2e_finance'),
    fees: world.rows('SELECT * FROM finance.fees_by_provider ORDER BY 1, 2, 3, 4', 'e2e_finance'),
    payments: world.rows('SELECT payment, status, status_at, reference, amount_minor, amount_authorized_minor, amount_captured_minor, amount_refunded_minor FROM finance.payments ORDER BY payment', 'e2e_finance'),
    operations: world.rows('SELECT * FROM finance.operations ORDER BY operation', 'e2e_finance'),
    aging: world.rows('SELECT * FROM finance.aging ORDER BY 1, 2, 3, 4', 'e2e_finance'),
});
async function post(world, at, body, key = randomUUID()) {
    return { key, body, at, ...await world.call('POST', world.api + at, { body, key: world.key, headers: { 'idempotency-key': `"${key}"` } }) };
}
const again = (world, entry) => post(world, entry.at, entry.body, entry.key);
const payment = (world, extra = {}) => world.payment({ metadata: { order: '4711' }, customer: { id: 'c-1', name: 'Ada', email: 'ada@example.com' }, ...extra });
const nothingOpen = (world) => until('nothing is looked at', () => {
    const open = world.rows(`SELECT u.payment_id, u.provider, u.reason, u.next_at, now(), u.tries, e.status FROM unresolved u LEFT JOIN LATERAL (SELECT e.status FROM events e
        WHERE e.merchant_id = u.merchant_id AND e.payment_id = u.payment_id ORDER BY e.number DESC LIMIT 1) e ON true WHERE e.status <> 'authorized'`);
    if (open.length > 0) throw new Error(JSON.stringify(open));
    return true;
});
const archived = (world) => Number(world.psql('SELECT count(*) FROM payments WHERE archived_at IS NOT NULL AND parent_id IS NULL'));

async function live(world) {
    const made = {};
    for (const provider of ['paypal', 'payoneer']) {
        made[provider] = await post(world, '/v1/payments', payment(world, { providers: { only: [provider] }, reference: `${provider}-${randomUUID()}` }));
        equal(made[provider].status, 201, made[provider].raw);
        made[`${provider}_refund`] = await post(world, `/v1/payments/${made[provider].json.id}/refunds`, { amount: 100, reason: 'asked' });
        equal([made[`${provider}_refund`].status, made[`${provider}_refund`].json.status], [201, 'succeeded'], made[`${provider}_refund`].raw);
    }
    made.declined = await post(world, '/v1/payments', payment(world, { method: { type: 'card', tokens: { paypal: 'tok_hard', payoneer: 'tok_hard' } } }));
    made.second = await post(world, '/v1/payments', payment(world, { method: { type: 'card', tokens: { paypal: 'tok_soft', payoneer: 'tok_ok' } } }));
    made.captured = await post(world, '/v1/payments', payment(world, { capture: 'manual', providers: { only: ['paypal'] } }));
    made.capture = await post(world, `/v1/payments/${made.captured.json.id}/capture`, {});
    equal([made.capture.status, made.capture.json.status], [201, 'succeeded'], made.capture.raw);
    made.voided = await post(world, '/v1/payments', payment(world, { capture: 'manual', providers: { only: ['paypal'] } }));
    made.void = await post(world, `/v1/payments/${made.voided.json.id}/void`, {});
    equal(made.void.json.status, 'succeeded', made.void.raw);
    made.held = await post(world, '/v1/payments', payment(world, { capture: 'manual', providers: { only: ['paypal'] } }));
    equal(made.held.json.status, 'authorized', made.held.raw);
    // The look at the end of an authorization that was captured or voided: four weeks from now, and then it is over.
    world.psql(`UPDATE unresolved SET next_at = now() WHERE payment_id <> ${uuidOf(made.held.json.id)}`);
    await nothingOpen(world);
    return made;
}

await suite('archive', { settings: { rules_file: path.join(top, 'config/example.rules') } }, {
    async what_is_over_moves_and_the_books_stay(world) {
        const made = await live(world);
        world.made = made;
        world.before = { rows: dump(world), finance: finance(world), shown: {} };
        for (const entry of [made.paypal, made.captured, made.declined]) world.before.shown[entry.json.id] = await world.get(entry.json.id);
        const dry = archive(world, '--older-than', '0', '--dry-run', '--merchant', world.merchant);
        equal([dry.status, archived(world), files(world)], [0, 0, []], dry.out);
        assert(dry.out.includes('6 would be archived, 1 stay'), dry.out);
        equal(away(world, '--limit', '2').out.includes('2 archived in 1 files'), true, 'a limit');
        const rest = away(world);
        equal([rest.status, archived(world)], [0, 6], rest.out);
        equal(away(world).out.includes('0 archived in 0 files'), true, 'twice');
        for (const table of ['attempts', 'sends', 'outcomes', 'payment_limits']) {
            equal(Number(world.psql(`SELECT count(*) FROM ${table}`)) <= 2, true, `${table}: those of the held one alone`);
        }
        const after = dump(world);
        for (const table of Object.keys(after).filter((one) => !moving.includes(one))) equal(after[table], world.before.rows[table], table);
        for (const [view, rows] of Object.entries(finance(world))) {
            for (const [i, row] of world.before.finance[view].entries()) equal(rows[i], row, `finance.${view}`);
            equal(rows.length, world.before.finance[view].length, `finance.${view}`);
        }
        const [row] = world.rows('SELECT sum(payments) AS payments, min(archived_by) AS by FROM finance.archives', 'e2e_finance');
        equal(row, { payments: 6, by: 'e2e' }, 'finance.archives');
        equal(world.rows('SELECT count(*) AS n FROM finance.payments WHERE archived_at IS NOT NULL', 'e2e_finance'), [{ n: 6 }], 'finance.payments says it');
        const seen = check(world);
        equal([seen.status, seen.out.includes('2 files, 6 payments can be restored, 0 faults')], [0, true], seen.out);
        for (const file of files(world)) assert(!/tok_|ada@|4711|paypal/.test(readFileSync(file, 'latin1')), 'nothing can be read in it');
        equal(archive(world, '--list').out.split('\n').filter(Boolean).length, 2, 'the list');
    },
    async the_same_key_gives_the_same_bytes_and_charges_nobody(world) {
        const { made } = world;
        const moved = JSON.stringify(await world.books());
        for (let round = 0; round < 2; round++) {
            for (const entry of [made.paypal, made.payoneer, made.declined, made.second, made.captured, made.paypal_refund, made.capture, made.void]) {
                const told = await again(world, entry);
                equal([told.status, told.raw], [entry.status, entry.raw], entry.at);
                equal((await again(world, { ...entry, body: { ...entry.body, metadata: { other: 'x' } } })).json.code, 'idempotency_key_reused', entry.at);
            }
            const double = await post(world, '/v1/payments', payment(world, { reference: made.paypal.body.reference }));
            equal([double.status, double.json.code, double.json.payment_id], [409, 'reference_taken', made.paypal.json.id], double.raw);
            await world.stopGateway();
            await world.startGateway();
        }
        equal(JSON.stringify(await world.books()), moved, 'the books of the sandbox');
    },
    async it_is_shown_and_nothing_is_done_with_it(world) {
        const { made, before } = world;
        const moved = JSON.stringify(await world.books());
        for (const [id, was] of Object.entries(before.shown)) {
            const now = await world.get(id);
            for (const member of ['id', 'status', 'amount', 'currency', 'amount_authorized', 'amount_captured', 'amount_refunded', 'capture', 'reference', 'metadata', 'customer', 'created']) {
                equal(now[member], was[member], `${id}: ${member}`);
            }
            equal([typeof now.archived, now.attempts], ['string', []], JSON.stringify(now));
        }
        for (const [at, body] of [['refunds', { amount: 1 }], ['refunds', {}], ['capture', {}], ['void', {}], ['reauthorize', {}]]) {
            const key = randomUUID();
            for (const entry of [made.paypal, made.captured]) {
                const told = await post(world, `/v1/payments/${entry.json.id}/${at}`, body, key + entry.json.id);
                if (told.status === 404 && at === 'reauthorize') continue;
                equal([told.status, told.json.code], [409, 'payment_archived'], `${at}: ${told.raw}`);
            }
        }
        for (const at of ['', '/events', '/explain', '/refunds', '/captures', '/operations', '/cancel']) {
            const told = await world.call(at === '/cancel' ? 'POST' : 'GET', `${world.api}/v1/payments/${made.paypal.json.id}${at}`, { key: world.key, headers: at === '/cancel' ? { 'idempotency-key': `"${randomUUID()}"` } : {} });
            assert(told.status < 500 && told.json?.status !== 'processing', `${at}: ${told.raw}`);
        }
        const list = await world.call('GET', `${world.api}/v1/payments?limit=100`, { key: world.key });
        equal(list.json.data.filter((one) => one.archived).length, 6, 'lists');
        const cost = spawnSync(path.join(build, 'turnpike'), ['ledger', 'payment', made.paypal.json.id, '--format', 'csv'], { encoding: 'utf8', cwd: top, env: { ...process.env, PGHOST: world.socket, PGPORT: '5432', PGUSER: 'e2e_finance', PGDATABASE: 'turnpike' } });
        equal([cost.status, cost.stdout.includes('turnpike archive --restore')], [0, true], `the ledger says it: ${cost.stdout}${cost.stderr}`);
        const of = await world.call('GET', `${world.api}/v1/payments?reference=${made.paypal.body.reference}`, { key: world.key });
        equal(of.json.data.map((one) => one.id), [made.paypal.json.id], 'by its reference');
        equal(JSON.stringify(await world.books()), moved, 'the books of the sandbox');
    },
    async what_comes_back_is_what_went(world) {
        const { made, before } = world;
        const one = back(world, made.paypal.json.id);
        equal([one.status, one.out], [0, `${made.paypal.json.id} restored\n`], 'one');
        equal(back(world, made.paypal.json.id).out.includes('is not archived'), true, 'twice');
        equal(await world.get(made.paypal.json.id), before.shown[made.paypal.json.id], 'as it was shown');
        restoreAll(world);
        equal(dump(world), before.rows, 'every row');
        const refund = await post(world, `/v1/payments/${made.captured.json.id}/refunds`, { amount: 50 });
        equal([refund.status, refund.json.status], [201, 'succeeded'], refund.raw);
        await nothingOpen(world);
        equal(away(world).status, 0, 'again');
        equal(archived(world), 6, 'again');
        equal((await again(world, refund)).raw, refund.raw, 'the refund, too');
        restoreAll(world);
        // A column that is added to a table moves with it, without a word in the functions.
        world.psql("ALTER TABLE attempts ADD COLUMN zz_new text; UPDATE attempts SET zz_new = 'new ' || attempt_id");
        const was = world.psql('SELECT md5(string_agg(zz_new, E\'\\n\' ORDER BY zz_new)) FROM attempts');
        away(world);
        assert(archived(world) === 6, 'moved');
        restoreAll(world);
        equal(world.psql('SELECT md5(string_agg(zz_new, E\'\\n\' ORDER BY zz_new)) FROM attempts'), was, 'the new column');
        world.psql('ALTER TABLE attempts DROP COLUMN zz_new');
    },
    async what_may_still_be_wanted_stays(world) {
        const { made } = world;
        const held = made.held.json.id;
        const why = (id) => world.psql(`SELECT archive_obstacle('${uuidMerchant(world)}', ${uuidOf(id)})`);
        assert(/authorized/.test(why(held)), why(held));
        world.psql(`UPDATE payments SET livemode = true WHERE payment_id = ${uuidOf(made.paypal.json.id)}`);
        assert(/younger than 200 days/.test(why(made.paypal.json.id)), why(made.paypal.json.id));
        world.psql(`UPDATE payments SET created_at = created_at - interval '201 days' WHERE payment_id = ${uuidOf(made.paypal.json.id)}`);
        assert(/last 200 days/.test(why(made.paypal.json.id)), why(made.paypal.json.id));
        world.psql(`UPDATE payments SET livemode = false, created_at = created_at + interval '201 days' WHERE payment_id = ${uuidOf(made.paypal.json.id)}`);
        equal(why(made.paypal.json.id), '', 'and now it may');
        equal(archive(world, '--older-than', '1', '--folder', folder, '--by', 'e2e', '--merchant', world.merchant).out.includes('0 archived'), true, 'a day old: none');
    },
    async a_refund_that_races_is_refused_or_keeps_its_payment_here(world) {
        let refunded = 0;
        let refused = 0;
        for (let round = 0; round < 12; round++) {
            const paid = await Promise.all(Array.from({ length: 8 }, () => post(world, '/v1/payments', payment(world, { providers: { only: ['paypal'] } }))));
            await nothingOpen(world);
            const moving_ = spawn(path.join(build, 'turnpike'), arguments_(world, ['--older-than', '0', '--folder', folder, '--by', 'e2e', '--merchant', world.merchant]), { cwd: top, stdio: 'ignore' });
            const gone = new Promise((done) => moving_.once('exit', done));
            const asked = [];
            let over = false;
            gone.then(() => { over = true; });
            const known = files(world).length;
            for (const [i, entry] of paid.entries()) {
                if (i === round % paid.length) await until('it has begun', () => over || files(world).length > known);
                asked.push(post(world, `/v1/payments/${entry.json.id}/refunds`, { amount: 10 }).then((told) => ({ told, entry })));
            }
            equal(await gone, 0, 'the command');
            for (const { told, entry } of await Promise.all(asked)) {
                const isAway = world.psql(`SELECT archived_at IS NOT NULL FROM payments WHERE payment_id = ${uuidOf(entry.json.id)}`) === 't';
                if (told.status < 300) refunded++;
                else refused++;
                // One that was refunded before may have moved right afterwards, with its refund.
                assert(told.status < 300 || (told.status === 409 && isAway), `${told.status} ${told.raw}, ${isAway}`);
            }
        }
        restoreAll(world);
        assert(refunded > 0 && refused > 0, `${refunded} refunded, ${refused} refused`);
        equal(world.psql("SELECT count(*) FROM payments r WHERE kind = 'refund' AND NOT EXISTS (SELECT FROM attempts a WHERE a.payment_id = r.payment_id)"), '0', 'no refund without its attempt');
    },
    async who_is_killed_leaves_each_payment_here_or_in_a_known_file(world) {
        for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 45 }, () => world.pay(payment(world))));
        await nothingOpen(world);
        const before = dump(world);
        const all = Number(world.psql("SELECT count(*) FROM payments WHERE kind = 'payment'"));
        let strikes = 0;
        const place = () => world.psql('SELECT count(*) FROM payments p WHERE (archived_at IS NOT NULL) = EXISTS (SELECT FROM attempts a WHERE a.payment_id = p.payment_id) AND p.kind = \'payment\' AND p.payment_id IN (SELECT payment_id FROM attempts UNION SELECT payment_id FROM payments WHERE archived_at IS NOT NULL)');
        for (let round = 0; round < 14; round++) {
            const child = spawn(path.join(build, 'turnpike'), arguments_(world, ['--older-than', '0', '--folder', folder, '--by', 'e2e', '--merchant', world.merchant]), { cwd: top, stdio: 'ignore' });
            const gone = new Promise((done) => child.once('exit', (code, signal) => done(signal)));
            const known = files(world).length;
            const what = round % 3;
            const struck = until('the moment to strike', () => child.exitCode !== null || (what === 0 ? files(world).length > known : what === 1 ? archived(world) > 0
                : world.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'turnpike archive' AND state = 'active'") !== '0'), 20000);
            await struck;
            child.kill('SIGKILL');
            strikes += await gone === 'SIGKILL';
            await until('its transaction is over', () => world.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'turnpike archive'") === '0');
            equal(place(), '0', 'each is here or away');
            const seen = check(world);
            assert(!/pay_/.test(seen.out.replace(/FAULT [0-9a-f-]+\.tpa.*\n/g, '')), seen.out);
            for (const file of files(world)) { // as the remedy says
                const name = path.basename(file);
                if (seen.out.includes(`FAULT ${name}`)) rmSync(file);
            }
            equal(check(world).status, 0, check(world).out);
            if (round % 4 === 3) {
                restoreAll(world);
                equal(dump(world), before, 'every row, after a kill');
            }
        }
        assert(strikes >= 5, `${strikes} were struck`);
        equal(away(world).status, 0, 'to the end');
        equal(archived(world) >= all - 2, true, `${archived(world)} of ${all}`);
        restoreAll(world);
        equal(dump(world), before, 'every row');
    },
    async what_is_erased_comes_back_first_and_the_file_is_dead_then(world) {
        const paid = await post(world, '/v1/payments', payment(world, { customer: { id: 'zz-gone', email: 'zz@example.com' }, providers: { only: ['paypal'] } }));
        await nothingOpen(world);
        away(world);
        const file = path.join(folder, world.merchant, world.psql(`SELECT archive_id FROM payments WHERE payment_id = ${uuidOf(paid.json.id)}`) + '.tpa');
        const kept = readFileSync(file);
        const erase = () => spawnSync(path.join(build, 'turnpike'), ['erase', '--config', world.at('turnpike.conf'), '--merchant', world.merchant, '--customer', 'zz-gone', '--reason', 'ticket 1', '--by', 'e2e'], { encoding: 'utf8', cwd: top });
        const first = erase();
        equal([first.status, first.stdout.includes('is archived: turnpike archive --restore')], [2, true], first.stdout + first.stderr);
        equal(back(world, paid.json.id).status, 0, 'restored');
        const second = erase();
        equal(second.status, 0, second.stdout + second.stderr);
        equal(world.psql(`SELECT count(*) FROM payments WHERE payment_id = ${uuidOf(paid.json.id)} AND archive_salt IS NOT NULL`), '0', 'no key of the old record');
        writeFileSync(file, kept);
        restoreAll(world);
        assert(archive(world, '--show', paid.json.id, '--folder', folder, '--merchant', world.merchant).out.includes('is not archived'), 'the old record has no way back');
    },
    async what_a_provider_says_meanwhile_waits_and_is_applied_afterwards(world) {
        await world.registerHooks();
        await world.hooks('POST', '/behaviour', { hold: false, early: false, repeat_least: 1, repeat_most: 1, loss: 0, delay_ms: 20, disorder_ms: 0, retry_ms: 200, retry_ms_most: 1000, retry_count: 100 });
        const events = () => world.rows(`SELECT state, reason FROM inbound_events WHERE payment_id = ${uuidOf(said)} OR attempt_id = '${attempt}' ORDER BY received_at`);
        const told = await post(world, '/v1/payments', payment(world, { method: { type: 'card', tokens: { paypal: 'tok_soft' } }, providers: { only: ['paypal'] } }));
        equal(told.json.status, 'declined', told.raw);
        const said = told.json.id;
        const attempt = world.psql(`SELECT attempt_id FROM attempts WHERE payment_id = ${uuidOf(said)}`);
        await until('none waits', async () => (await world.hooks('GET', '')).waiting === 0 && world.psql("SELECT count(*) FROM inbound_events WHERE state = 'waiting'") === '0');
        const known = events().length;
        away(world);
        equal(archive(world, '--show', said, '--folder', folder, '--merchant', world.merchant).status, 0, 'it is archived');
        const before = dump(world);
        const [entry] = await world.books(`?invoice=${said}`);
        await world.call('POST', world.sandbox + '/settle', { body: { id: entry.id, state: 'completed' } }); // it was taken after all
        await until('the message waits', () => events().slice(known).some((one) => one.state === 'waiting' && one.reason === 'unknown_reference'));
        const after = dump(world);
        for (const table of Object.keys(before).filter((one) => one !== 'inbound_events')) equal(after[table], before[table], `${table}: nothing is booked`);
        equal((await again(world, told)).raw, told.raw, 'the key');
        // It has given up in the meantime.
        world.psql(`UPDATE inbound_events SET state = 'dead', done_at = now(), tries = 40, epoch = 40 WHERE state = 'waiting' AND attempt_id = '${attempt}'`);
        equal(back(world, said).status, 0, 'restored');
        const sum = async (kind) => (await world.books(`?invoice=${said}`)).filter((one) => one.kind === kind && one.state !== 'declined').reduce((n, one) => n + one.amount, 0);
        await until('the ledger has it, and it is given back', async () => await sum('charge') === told.body.amount && await sum('refund') === told.body.amount, 60000);
        await until('all are applied', () => events().every((one) => one.state === 'applied'));
        restoreAll(world);
        await world.judge();
    },
    async damage_is_named_and_nothing_is_half_done(world) {
        const { made } = world;
        away(world);
        const id = made.paypal.json.id;
        const file = path.join(folder, world.merchant, world.psql(`SELECT archive_id FROM payments WHERE payment_id = ${uuidOf(id)}`) + '.tpa');
        const whole = readFileSync(file);
        const before = dump(world);
        const shown = archive(world, '--show', id, '--folder', folder, '--merchant', world.merchant);
        equal([shown.status, JSON.parse(shown.out).attempts.length > 0], [0, true], 'what an auditor sees');
        for (const at of [0, 25, 45, whole.length >> 1, whole.length - 1]) {
            const bad = Buffer.from(whole);
            bad[at] ^= 1;
            writeFileSync(file, bad);
            const told = back(world, id);
            equal([told.status, told.out.includes('copy of the folder')], [1, true], told.out);
            equal([check(world).status, check(world).out.includes('FAULT')], [2, true], 'check');
        }
        writeFileSync(file, whole.subarray(0, whole.length - 10));
        equal(back(world, id).status, 1, 'cut off');
        rmSync(file);
        equal([back(world, id).status, check(world).status], [1, 2], 'away');
        writeFileSync(path.join(folder, world.merchant, `${randomUUID()}.tpa`), whole);
        writeFileSync(file, whole);
        assert(/FAULT [0-9a-f-]+\.tpa: the database does not know it/.test(check(world).out), check(world).out);
        equal(dump(world), before, 'nothing was done');
        // Another merchant, another payment, another master secret: none opens it.
        equal(archive(world, '--restore', id, '--folder', folder, '--merchant', world.liveMerchant).status, 2, 'the twin');
        world.secret('other', randomUUID() + randomUUID());
        const other = archive(world, '--restore', id, '--folder', folder, '--merchant', world.merchant, '--set', `master_secret_file=${world.at('secrets/other')}`);
        equal([other.status, dump(world)], [1, before], other.out);
        restoreAll(world);
        for (const [args, remedy] of [[[], 'say one thing'], [['--check', '--list'], 'say one thing'], [['--older-than', '-1'], '--older-than is a number'], [['--older-than', '1', '--folder', folder], '--by NAME'],
            [['--older-than', '1', '--by', 'me'], '--folder DIR'], [['--restore', id], '--merchant ID'], [['--restore', 'x', '--merchant', world.merchant, '--folder', folder], "no payment's id"],
            [['--check', '--folder', folder, '--merchant', 'x'], 'begin with mer_'], [['--restore', randomUUID(), '--merchant', world.merchant, '--folder', folder], 'knows no archive'],
            [['--older-than', '0', '--by', 'me', '--folder', path.join(scratch, 'none'), '--merchant', world.merchant], 'is no folder']]) {
            const told = archive(world, ...args);
            equal([told.status, told.out.includes(remedy), told.out.trim().split('\n').length <= 2], [1, true, true], `${args}: ${told.out}`);
        }
        const roles = ['UPDATE payments SET archived_at = now()', 'DELETE FROM attempts', 'DELETE FROM archives', "SELECT archive_move(gen_random_uuid(), gen_random_uuid(), now(), gen_random_uuid(), '', '')"];
        for (const sql of roles) {
            let refused = false;
            try { world.psql(sql, 'turnpike', 'turnpike_gateway'); } catch { refused = true; }
            assert(refused, `the gateway may not ${sql}`);
        }
    },
});

function uuidMerchant(world) {
    return world.psql(`SELECT merchant_id FROM payments WHERE payment_id = ${uuidOf(world.made.paypal.json.id)}`);
}
