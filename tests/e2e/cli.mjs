// The command line as developers and operators use it: the real binary against a gateway, over the API with a key. Judged by
// what the gateway's API, the sandbox's books and a receiver of their own (with the npm library standardwebhooks) say.
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, assert, equal, until, top, freePorts } from './lib.mjs';

const binary = path.resolve(top, process.env.BUILD ?? 'build', 'turnpike');

function environment(world, role) {
    const file = world.at(`secrets/cli-${role}`);
    if (!existsSync(file)) writeFileSync(file, `${{ merchant: world.key, finance: world.financeKey, operator: world.operatorKey }[role]}\n`, { mode: 0o600 });
    const { NO_COLOR, ...rest } = process.env;
    return { ...rest, TERM: 'xterm', TURNPIKE_URL: world.api, TURNPIKE_KEY_FILE: file, TURNPIKE_CA_FILE: world.at('tls/ca.pem') };
}
// Waits without standing in the way of receivers in this process.
function run(world, args, { role = 'merchant', env = {} } = {}) {
    return new Promise((done) => {
        const child = spawn(binary, args, { cwd: top, env: { ...environment(world, role), ...env } });
        let out = '';
        let err = '';
        child.stdout.on('data', (chunk) => { out += chunk; });
        child.stderr.on('data', (chunk) => { err += chunk; });
        child.on('close', (status) => done({ status, out, err }));
    });
}
async function told(world, args, options) {
    const { status, out, err } = await run(world, args, options);
    equal([status, err], [0, ''], `turnpike ${args.join(' ')}`);
    return out;
}
const json = async (world, args, options) => JSON.parse(await told(world, [...args, '--json'], options));
const api = async (world, address, key = world.key) => (await world.call('GET', world.api + address, { key })).json;
// In a pseudo terminal: standard output and error are one, as a person sees them.
function typed(world, args, env = {}, role = 'merchant') {
    const words = [binary, ...args].map((word) => `'${word}'`).join(' ');
    return spawnSync('script', ['-qec', words, '/dev/null'], { cwd: top, env: { ...environment(world, role), ...env }, encoding: 'utf8' }).stdout;
}

// ---- a program that is told events

function library() {
    const folder = path.join(top, 'tests/e2e/webhooks_client');
    if (!existsSync(path.join(folder, 'node_modules/standardwebhooks'))) {
        const done = spawnSync('npm', ['ci', '--silent', '--no-audit', '--no-fund'], { cwd: folder, encoding: 'utf8' });
        assert(done.status === 0, `npm ci in tests/e2e/webhooks_client failed: ${done.error ?? done.stderr}`);
    }
    return createRequire(path.join(folder, 'package.json'))('standardwebhooks').Webhook;
}
async function receive(answer = () => 204) {
    const port = await freePorts(1);
    const calls = [];
    const server = createServer((request, response) => {
        let body = '';
        request.on('data', (chunk) => { body += chunk; });
        request.on('end', () => {
            calls.push({ headers: request.headers, body, json: JSON.parse(body) });
            response.writeHead(answer(calls.length)).end();
        });
    });
    await new Promise((done) => server.listen(port, '127.0.0.1', done));
    return { calls, url: `http://localhost:${port}/webhooks`, close: () => { server.closeAllConnections(); server.close(); } };
}
async function listen(world, receiver, ...args) {
    const child = spawn(binary, ['listen', '--forward-to', receiver.url, '--json', ...args], { cwd: top, env: environment(world, 'merchant') });
    const heard = { child, lines: [], err: '' };
    let rest = '';
    child.stdout.on('data', (chunk) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop();
        heard.lines.push(...lines.map((line) => JSON.parse(line)));
    });
    child.stderr.on('data', (chunk) => { heard.err += chunk; });
    heard.ended = new Promise((done) => child.once('exit', (code, signal) => done(code ?? signal)));
    await until('listen is ready', () => heard.lines.some((line) => line.object === 'listening') || heard.child.exitCode !== null);
    assert(heard.child.exitCode === null, `listen ended: ${heard.err}`);
    heard.stop = async (signal = 'SIGTERM') => { child.kill(signal); return heard.ended; };
    return heard;
}
const idsOf = (calls) => calls.map((call) => call.json.id);
const eventsOf = async (world, payments) => {
    const ids = [];
    for (const { answer } of payments) {
        const { data } = await api(world, `/v1/payments/${answer.id}/events`);
        ids.push(...data.filter((entry) => entry.entry === 'status').map((entry) => entry.id));
    }
    return ids;
};
async function pay(world, count) {
    const made = [];
    for (let i = 0; i < count; i++) made.push(await world.pay());
    made.forEach(({ answer }) => equal(answer.status, 'succeeded', 'payment'));
    return made;
}

await suite('cli', { workers: 1, delayMs: 5, payouts: true }, {
    async lists_show_what_the_api_says_page_after_page(world) {
        const made = [];
        for (let i = 0; i < 7; i++) made.push(await world.pay(world.payment({ reference: `cli-${i}`, customer: { id: 'c-1', name: 'Secret Name', email: 'secret@example.com' } })));
        const all = await json(world, ['payments', 'list', '--limit', '100']);
        equal(all.data.map((one) => one.id), (await api(world, '/v1/payments?limit=100')).data.map((one) => one.id), 'ids');
        equal(all.has_more, false, 'no more');
        assert(!JSON.stringify(all).includes('secret@example.com'), 'people are told only when asked');
        assert(JSON.stringify(await json(world, ['payments', 'list', '--personal'])).includes('Secret Name'), '--personal');
        const few = await json(world, ['payments', 'list', '--limit', '3']);
        equal([few.data.length, few.has_more], [3, true], 'a part');
        const one = await json(world, ['payments', 'list', '--reference', 'cli-3', '--status', 'succeeded', '--since', '1h']);
        equal(one.data.map((row) => row.id), [made[3].answer.id], 'filters');
        equal((await json(world, ['payments', 'list', '--since', '1h', '--until', '30m'])).data, [], 'until');
        const table = await told(world, ['payments', 'list', '--limit', '100']);
        const [head, ...rows] = table.trimEnd().split('\n');
        assert(/^payment +created +status +amount/.test(head), `head: ${head}`);
        equal(rows.length, all.data.length, 'rows');
        assert(rows.every((row) => row.includes('10.99 EUR') && row.includes('succeeded')), `rows: ${rows[0]}`);
        assert(!table.includes('\x1b'), 'no colours into a pipe');
        const finance = await json(world, ['payments', 'list', '--reference', 'cli-3'], { role: 'finance' });
        equal(finance.data.length, 1, 'a finance key reads');
    },

    async more_than_a_page_is_gathered_once_each(world) {
        const had = (await json(world, ['events', 'list', '--limit', '100000'])).data.length;
        const made = [];
        for (let i = 0; i < 110; i += 10) made.push(...await Promise.all(Array.from({ length: 10 }, () => world.pay())));
        const all = await json(world, ['events', 'list', '--limit', '100000']);
        equal(new Set(all.data.map((one) => one.id)).size, all.data.length, 'each once');
        assert(all.data.length >= had + made.length, `all: ${all.data.length}`);
        for (const { answer } of made) assert(all.data.some((one) => one.payment === answer.id), `${answer.id} is there`);
        const seen = typed(world, ['payments', 'list', '--limit', '1000']);
        assert(/\d+ payments \.\.\./.test(seen), 'progress on a terminal');
        assert(seen.includes('\x1b[32msucceeded\x1b[0m'), 'colours on a terminal');
        assert(!/\x1b\[3\dm/.test(typed(world, ['payments', 'list'], { NO_COLOR: '1' })), 'NO_COLOR');
        assert(!/\x1b\[3\dm/.test(typed(world, ['payments', 'list'], { TERM: 'dumb' })), 'TERM=dumb');
    },

    async a_payment_is_shown_with_all_that_happened(world) {
        const receiver = await world.call('POST', `${world.api}/v1/webhook-endpoints`, { key: world.key, body: { url: 'https://hooks.example.com/x', event_types: ['*'] } });
        equal(receiver.status, 201, receiver.raw);
        const endpoint = receiver.json;
        const { answer } = await world.pay(world.payment({ reference: 'shown\u202eevil', method: { type: 'card', tokens: { paypal: 'tok_soft', payoneer: 'tok_ok' } } }));
        equal(answer.status, 'succeeded', 'paid');
        await until('it is told', async () => (await api(world, `/v1/webhook-endpoints/${endpoint.id}/deliveries`)).data.length > 0);
        const all = await json(world, ['payments', 'show', answer.id]);
        equal(Object.keys(all), ['payment', 'history', 'transfers', 'deliveries'], 'members');
        equal(all.payment.attempts.map((one) => one.id), answer.attempts.map((one) => one.id), 'attempts');
        equal(all.history, (await api(world, `/v1/payments/${answer.id}/events`)).data, 'history');
        equal(all.transfers.map((one) => one.id), (await api(world, `/v1/ledger/transfers?payment=${answer.id}`)).data.map((one) => one.id), 'transfers');
        assert(all.transfers.length > 0, 'something was booked');
        equal(all.deliveries.map((one) => one.endpoint), [endpoint.id], 'deliveries');
        const text = await told(world, ['payments', 'show', answer.id]);
        for (const needed of [answer.id, 'attempts', 'decision', 'what happened', 'transfers', 'webhooks', endpoint.id, 'payment.succeeded', 'tries paypal', 'tries payoneer', 'declined_soft', '10.99 EUR', ...all.transfers.map((one) => one.id)]) {
            assert(text.includes(needed), `the text lacks "${needed}":\n${text}`);
        }
        for (const one of answer.decision.candidates) assert(text.includes(`${one.provider}:`), `candidate ${one.provider}`);
        assert(!text.includes('\u202e'), 'what turns the direction of writing is not shown');
        equal((await json(world, ['payments', 'show', 'shown\u202eevil'])).payment.id, answer.id, 'by reference');
        const absent = await run(world, ['payments', 'show', 'pay_01JD0000000000000000000000']);
        equal([absent.status, absent.err.split('\n').length], [1, 2], absent.err);
        await world.call('DELETE', `${world.api}/v1/webhook-endpoints/${endpoint.id}`, { key: world.key });
    },

    async providers_are_shown_held_and_used_again(world) {
        const board = await json(world, ['providers', 'list'], { role: 'operator' });
        equal(board.data.map((one) => one.account).sort(), Object.values(world.accounts).sort(), 'accounts');
        const table = await told(world, ['providers', 'list']);
        assert(/^account +provider +name +state/.test(table), table);
        const why = await run(world, ['providers', 'disable', 'paypal', '--for', '30m'], { role: 'operator' });
        equal(why.status, 2, 'a reason is needed');
        const before = Date.now();
        const held = await json(world, ['providers', 'disable', 'paypal:main', '--reason', 'they said so', '--for', '30m', '--by', 'Ada'], { role: 'operator' });
        equal([held.state, held.reason], ['disabled', 'they said so'], 'held');
        const minutes = (new Date(held.until) - before) / 60000;
        assert(minutes > 29 && minutes < 31, `until: ${held.until}`);
        await until('it is asked no more', async () => {
            const { answer } = await world.pay();
            return answer.attempts?.every((one) => one.provider !== 'paypal');
        });
        const text = await told(world, ['providers', 'show', world.accounts.paypal], { role: 'operator' });
        for (const needed of ['disabled', 'they said so', 'Ada']) assert(text.includes(needed), `${needed}: ${text}`);
        const merchant = await run(world, ['providers', 'enable', 'paypal']);
        equal(merchant.status, 1, `a merchant's key may not: ${merchant.err}`);
        assert(merchant.err.includes('403'), merchant.err);
        equal((await told(world, ['providers', 'drain', 'paypal', '--reason', 'softly'], { role: 'operator' })), 'paypal:main is drained\n', 'drain');
        equal((await told(world, ['providers', 'enable', 'paypal'], { role: 'operator' })), 'paypal:main is open\n', 'enable');
        const none = await run(world, ['providers', 'show', 'main'], { role: 'operator' });
        equal(none.status, 1, 'several are meant');
        assert(none.err.includes('several accounts'), none.err);
        await world.untilWell('paypal');
    },

    async a_case_of_the_review_queue_is_decided_by_an_operator(world) {
        await world.fault({ provider: 'paypal', operation: 'charge', kind: 'other_amount', count: 1 });
        const paid = await world.pay(world.payment({ providers: { only: ['paypal'] } }));
        equal(paid.answer.status, 'review', 'another amount is never success');
        const list = () => json(world, ['payments', 'reviews', '--state', 'open', '--merchant', world.merchant], { role: 'operator' });
        const one = await until('there is a case', async () => (await list()).data.find((row) => row.payment === paid.answer.id));
        const table = await told(world, ['payments', 'reviews', '--kind', 'amount_mismatch']);
        assert(table.includes(one.id) && table.includes('10.99 EUR'), table);
        const ruling = ['--outcome', 'charged', '--amount', '1099', '--reason', 'found in their dashboard', '--evidence', 'e2e'];
        const merchant = await run(world, ['payments', 'resolve', one.id, ...ruling]);
        equal([merchant.status, merchant.err.includes('403')], [1, true], `a merchant's key may not: ${merchant.err}`);
        equal((await run(world, ['payments', 'resolve', one.id, '--outcome', 'charged'], { role: 'operator' })).status, 2, 'a reason is needed');
        const done = await json(world, ['payments', 'resolve', one.id, ...ruling], { role: 'operator' });
        equal([done.state, done.resolution.outcome, done.resolution.reason], ['resolved', 'charged', 'found in their dashboard'], 'decided');
        const again = await run(world, ['payments', 'resolve', one.id, ...ruling], { role: 'operator' });
        equal([again.status, again.err.includes('409')], [1, true], `once is enough: ${again.err}`);
        const text = await told(world, ['payments', 'show', paid.answer.id]);
        assert(text.includes('payment.succeeded'), text);
        await world.untilWell('paypal');
    },

    async an_operator_names_the_merchant(world) {
        const [made] = await pay(world, 1);
        const all = await json(world, ['payments', 'list', '--merchant', world.merchant, '--limit', '100'], { role: 'operator' });
        assert(all.data.some((row) => row.id === made.answer.id), 'its payments');
        const shown = await json(world, ['payments', 'show', made.answer.id, '--merchant', world.merchant], { role: 'operator' });
        assert(shown.history.length > 0 && shown.transfers.length > 0, 'and all about one');
        const none = await run(world, ['payments', 'list'], { role: 'operator' });
        equal([none.status, none.err.includes('merchant')], [1, true], none.err);
        const { answer } = await world.call('POST', `${world.api}/v1/payouts`, { key: world.key, headers: { 'idempotency-key': '"cli-payout"' }, body: { amount: 1200, currency: 'EUR', payees: { paypal: 'ada@example.com' },
            beneficiary: { type: 'individual', first_name: 'Ada', last_name: 'Lovelace' } } }).then((made) => ({ answer: made.json }));
        const listed = await json(world, ['payouts', 'list', '--limit', '100']);
        assert(listed.data.some((row) => row.id === answer.id) && !JSON.stringify(listed).includes('Lovelace'), 'payouts, without people');
        const payout = await told(world, ['payouts', 'show', answer.id]);
        for (const needed of [answer.id, '12.00 EUR', 'decision', 'paypal_payouts']) assert(payout.includes(needed), `${needed}: ${payout}`);
        assert(!payout.includes('Lovelace'), 'without people');
    },

    async events_are_followed_as_they_happen(world) {
        const child = spawn(binary, ['events', 'follow', '--json', '--events', 'payment.*'], { cwd: top, env: environment(world, 'finance') });
        let out = '';
        let err = '';
        child.stdout.on('data', (chunk) => { out += chunk; });
        child.stderr.on('data', (chunk) => { err += chunk; });
        const ended = new Promise((done) => child.once('exit', (code, signal) => done(code ?? signal)));
        await until('it follows', () => err.includes('following'));
        const made = await pay(world, 5);
        const wanted = await eventsOf(world, made);
        const ids = () => out.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line).id);
        await until('all are told', () => wanted.every((id) => ids().includes(id)));
        equal(new Set(ids()).size, ids().length, 'each once');
        const [event] = out.split('\n');
        equal(JSON.parse(event), await api(world, `/v1/events/${JSON.parse(event).id}`), 'as the API says');
        child.kill('SIGINT');
        equal(await ended, 0, 'Ctrl-C ends it');
    },

    async errors_are_one_line_and_keys_never_stand_there(world) {
        const key = world.at('secrets/cli-merchant');
        const cases = [
            [['payments', 'list', '--limit', '0'], {}, 2, '--limit is a whole number'],
            [['payments', 'list', '--limit', '1', '--limit', '2'], {}, 2, 'stands twice'],
            [['payments', 'list', '--color'], {}, 2, 'not understood'],
            [['payments', 'show'], {}, 2, 'say which PAYMENT'],
            [['payments', 'list', '--since', 'yesterday'], {}, 2, '--since'],
            [['payments', 'list', '--status', 'paid'], {}, 1, 'status'],
            [['payments', 'resolve', 'rev_../../x', '--outcome', 'charged', '--reason', 'why'], {}, 2, 'no id as rev_'],
            [['payments', 'list'], { TURNPIKE_KEY_FILE: '' }, 2, '--key-file or TURNPIKE_KEY_FILE'],
            [['payments', 'list'], { TURNPIKE_URL: 'http://127.0.0.1:1' }, 2, '--url'],
            [['payments', 'list'], { TURNPIKE_URL: 'https://127.0.0.1:1' }, 4, 'https://127.0.0.1:1'],
            [['payments', 'list'], { TURNPIKE_CA_FILE: '' }, 4, 'not trusted'],
            [['payments', 'list', '--key-file', '/nowhere'], {}, 2, '/nowhere'],
            [['trigger', 'payment.nonsense'], {}, 2, 'trigger --list'],
            [['listen', '--forward-to', 'http://example.com/x'], {}, 2, 'on this machine'],
            [['listen', '--forward-to', 'http://localhost@example.com/x'], {}, 2, 'on this machine'],
            [['listen', '--forward-to', 'http://localhost:1/', '--events', 'payment.nonsense'], {}, 2, 'payment.nonsense'],
        ];
        for (const [args, env, status, text] of cases) {
            const done = await run(world, args, { env });
            equal([done.status, done.out], [status, ''], `${args.join(' ')}: ${done.err}`);
            assert(done.err.endsWith('\n') && done.err.split('\n').length === 2 && done.err.includes(text), `${args.join(' ')}: ${done.err}`);
            assert(!done.err.includes(world.key), 'the key is not told');
        }
        const open = world.at('secrets/open');
        writeFileSync(open, readFileSync(key), { mode: 0o644 });
        equal((await run(world, ['payments', 'list', '--key-file', open])).status, 2, 'a file that others may read');
        writeFileSync(world.at('secrets/odd'), 'tpk_test_x\r\nX-Evil: 1\n', { mode: 0o600 });
        equal((await run(world, ['payments', 'list', '--key-file', world.at('secrets/odd')])).status, 2, 'a key of two lines');
    },

    async whatever_prints_has_json(world) {
        const config = ['--config', world.at('turnpike.conf')];
        equal(await json(world, ['check', ...config]), { valid: true }, 'check');
        const settings = await json(world, ['config', '--in-force', ...config]);
        equal([settings.api_port, settings.tls_key], [world.port, world.at('tls/gateway.key')], 'config');
        equal(Object.keys(settings), (await told(world, ['config', '--in-force', ...config])).trim().split('\n').map((line) => line.split(' =')[0]), 'all settings');
        const migrations = await json(world, ['migrate', 'status', '--database', world.conninfo('postgres'), ...config]);
        assert(migrations.length > 10 && migrations.every((one) => one.state === 'applied' && /^\d{14}_/.test(one.migration)), JSON.stringify(migrations[0]));
        equal(await json(world, ['migrate', 'up', '--database', world.conninfo('postgres'), ...config]), [], 'nothing is left to do');
        const quote = await json(world, ['fees', 'quote', 'config/fees/paypal-us.json', '--amount', '10.00', '--currency', 'USD']);
        assert(Number.isInteger(quote.fee) && quote.fee > 0 && quote.currency === 'USD' && Object.keys(quote.parts).length > 0, JSON.stringify(quote));
        const lines = (await told(world, ['fees', 'quote', 'config/fees/paypal-us.json', '--amount', '10.00', '--currency', 'USD'])).match(/^fee +([\d.]+)/m);
        equal(quote.fee, Math.round(Number(lines[1]) * 100), 'as the text says');
        await pay(world, 1);
        const rows = await json(world, ['ledger', 'trial-balance', '--database', world.conninfo('e2e_finance')]);
        assert(Array.isArray(rows) && rows.length > 0 && 'balance_minor' in rows[0], 'ledger --json');
        equal((await run(world, ['ledger', 'trial-balance', '--json', '--format', 'csv', '--database', world.conninfo('e2e_finance')])).status, 1, 'one of them');
        const exported = (await told(world, ['ledger', 'export', '--json', '--merchant', world.merchant, '--database', world.conninfo('e2e_finance')])).trim().split('\n');
        assert(exported.length > 0 && exported.every((line) => JSON.parse(line)), 'JSON lines');
        const reload = await json(world, ['reload', ...config]);
        equal([reload.done, reload.serves.length > 0], ['reload', true], 'reload');
        equal((await json(world, ['keys', 'list', '--merchant', world.merchant, ...config])).object, 'list', 'administration');
    },

    async the_shell_completes_from_the_same_table(world) {
        const complete = (...words) => {
            const script = `. <('${binary}' completion bash); COMP_WORDS=(turnpike ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; PATH='${path.dirname(binary)}':$PATH; _turnpike; printf '%s\\n' "\${COMPREPLY[@]}"`;
            const done = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
            equal([done.status, done.stderr], [0, ''], words.join(' '));
            return done.stdout.trim().split('\n').sort();
        };
        equal(complete('pay'), ['payments', 'payouts'], 'commands');
        equal(complete('payments', 're'), ['resolve', 'reviews'], 'verbs');
        equal(complete('payments', 'resolve', '--re'), ['--reason', '--reference'], 'options');
        equal(complete('payments', 'list', '--status', 'x', '--li'), ['--limit'], 'options further on');
        equal(complete('ledger', 'trial'), ['trial-balance'], 'verbs of families');
        equal(complete('routes', 'pu'), ['publish', 'put'], 'verbs of routes');
        equal(complete('migrate', 'st'), ['status'], 'verbs in a usage');
        equal(complete('listen', '--for'), ['--forward-to'], 'a command without verbs');
        equal(complete('help', 'list'), ['listen'], 'help');
        for (const command of complete('')) {
            if (command === 'help' || command === 'version') continue;
            for (const args of [['help', command], [command, '--help']]) {
                const { status, out, err } = await run(world, args);
                equal([status, err], [0, ''], args.join(' '));
                assert(out.startsWith(`usage: turnpike ${command}`), `${args.join(' ')}: ${out}`);
            }
        }
        equal((await run(world, ['help', 'nonsense'])).status, 2, 'no such command');
        equal((await run(world, ['completion', 'fish'])).status, 2, 'no such shell');
    },

    async whatever_can_be_triggered_happens(world) {
        const types = await json(world, ['trigger', '--list'], {});
        assert(types.length >= 10, 'there are some');
        const failed = [];
        await Promise.all(types.map(async (type) => {
            const { status, out, err } = await run(world, ['trigger', type, '--amount', '1234', '--json']);
            const event = status === 0 ? JSON.parse(out) : {};
            if (event.type !== type || event.amount !== 1234 || event.livemode !== false) failed.push(`${type}: ${err || out}`);
        }));
        equal(failed, [], 'what did not happen');
        const live = world.admin('keys', 'create', '--merchant', world.liveMerchant, '--role', 'merchant').key;
        writeFileSync(world.at('secrets/live'), live, { mode: 0o600 });
        const refused = await run(world, ['trigger', 'payment.succeeded', '--key-file', world.at('secrets/live')]);
        equal(refused.status, 1, 'live keys never');
        assert(refused.err.includes('no test key'), refused.err);
    },

    async events_go_to_a_local_program_signed(world) {
        const Webhook = library();
        const receiver = await receive((number) => (number === 2 ? 500 : 204));
        const secret = (await told(world, ['listen', '--print-secret'])).trim();
        const heard = await listen(world, receiver, '--events', 'payment.succeeded,payment.captured,capture.*');
        equal(heard.lines[0].secret, secret, 'the secret stays');
        const made = await pay(world, 3);
        const held = await json(world, ['trigger', 'payment.captured']);
        await json(world, ['trigger', 'payment.declined']);
        const wanted = 3 + 2; // payment.captured and capture.succeeded, not the authorization
        await until('all are told', () => receiver.calls.length >= wanted && heard.lines.length > wanted);
        equal(heard.lines.slice(1).map((line) => line.status), receiver.calls.map((_, i) => (i === 1 ? 500 : 204)), 'what it answered is shown');
        const webhook = new Webhook(secret);
        for (const { body, headers } of receiver.calls) {
            equal(webhook.verify(body, headers), JSON.parse(body), 'the library verifies it');
            equal(headers['webhook-id'], JSON.parse(body).id, 'id');
            let refused = false;
            try { webhook.verify(body.replace('evt_', 'evt-'), headers); } catch { refused = true; }
            assert(refused, 'not what was altered');
        }
        for (const { answer } of made) {
            const call = receiver.calls.find((one) => one.json.data.id === answer.id);
            equal(Object.keys(call.json), ['id', 'type', 'timestamp', 'livemode', 'data'], 'members, as of webhooks');
            equal(call.json.data, await world.get(answer.id), 'data is what GET shows');
        }
        assert(receiver.calls.some((one) => one.json.id === held.id), 'the capture');
        assert(receiver.calls.every((one) => !one.json.type.startsWith('payment.declined') && one.json.type !== 'payment.authorized'), 'only what was asked for');
        equal(await heard.stop(), 0, 'ended by a signal');
        receiver.close();
    },

    async killed_and_begun_again_nothing_is_lost(world) {
        const receiver = await receive();
        const position = ['--position', world.at('position'), '--events', 'payment.succeeded'];
        const all = [];
        let heard = await listen(world, receiver, ...position);
        all.push(...await pay(world, 4));
        await until('told', () => receiver.calls.length >= 4);
        equal(await heard.stop(), 0, 'ended in order');
        all.push(...await pay(world, 4)); // nobody listens
        heard = await listen(world, receiver, ...position);
        await until('what happened meanwhile is told', () => receiver.calls.length >= 8);
        const ids = idsOf(receiver.calls);
        equal([...ids].sort(), (await eventsOf(world, all)).sort(), 'each once, nothing lost');
        all.push(...await pay(world, 6));
        await heard.stop('SIGKILL');
        all.push(...await pay(world, 4));
        heard = await listen(world, receiver, ...position);
        const wanted = await eventsOf(world, all);
        await until('all are told', () => new Set(idsOf(receiver.calls)).size >= wanted.length);
        equal([...new Set(idsOf(receiver.calls))].sort(), wanted.sort(), 'nothing lost');
        assert(receiver.calls.length <= wanted.length + 1, 'killed, it tells at most one again, under the same id');
        await heard.stop();
        receiver.close();
    },

    async the_gateway_ends_and_the_stream_goes_on(world) {
        const receiver = await receive();
        const heard = await listen(world, receiver, '--events', 'payment.succeeded');
        const all = await pay(world, 3);
        for (let round = 0; round < 2; round++) {
            await world.killGateway();
            await world.startGateway();
            all.push(...await pay(world, 3));
        }
        const wanted = await eventsOf(world, all);
        await until('all are told', () => receiver.calls.length >= wanted.length, 60000);
        equal(idsOf(receiver.calls).sort(), wanted.sort(), 'each once, nothing lost');
        await heard.stop();
        receiver.close();
    },
});
