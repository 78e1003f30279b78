// clients_examples.mjs - the clients in docs/clients, run as docs/clients/README.md says, against the real gateway and through a
// proxy that loses answers. What is true is read from the sandbox's books, the receivers' own words, and what the proxy saw.
import http from 'node:http';
import https from 'node:https';
import { createHmac, randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, until, assert, equal, top, freePorts } from './lib.mjs';

// ---- what the docs say ------------------------------------------------------------------------

const readme = readFileSync(path.join(top, 'docs/clients/README.md'), 'utf8');
// The commands of a language's section: {example: [word...], webhooks: [word...]}.
function commands(language) {
    const block = new RegExp(`### ${language.replace('.', '\\.')}\n\n\`\`\`sh\n([^\`]*)\`\`\``).exec(readme)?.[1] ?? '';
    const line = (file) => block.split('\n').find((one) => one.includes(`/${file}.`))?.replace(/#.*/, '').trim().split(/ +/);
    const found = { language, example: line('example'), webhooks: line('webhooks') };
    assert(block.startsWith('. var/env\n') && found.example && found.webhooks, `docs/clients/README.md does not say how to run ${language}`);
    return found;
}
const languages = ['Node.js', 'Python', 'PHP'].map(commands);
async function each(test) { // all at a time, and all to their end
    const ends = await Promise.allSettled(languages.map((one) => test(one)));
    const failed = ends.flatMap(({ reason }, i) => reason ? [`${languages[i].language}: ${reason.message}`] : []);
    assert(failed.length === 0, failed.join('; '));
}

// ---- running them -----------------------------------------------------------------------------

const alive = new Set();
const endAll = () => alive.forEach((child) => { try { process.kill(-child.pid, 'SIGKILL'); } catch { /* it has ended */ } });
process.on('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

// As after `. var/env`; a program that prints to `out`.
function start(world, [command, ...args], more = {}) {
    if (!existsSync(world.at('secrets/key_merchant'))) world.secret('key_merchant', world.key);
    const child = spawn(command, args, { cwd: top, stdio: ['ignore', 'pipe', 'pipe'], detached: true, // a group of its own: PHP's has a child
        env: { PATH: process.env.PATH, HOME: process.env.HOME, TURNPIKE_URL: world.api, TURNPIKE_CA_FILE: world.at('tls/ca.pem'),
            TURNPIKE_KEY_FILE: world.at('secrets/key_merchant'), ...more } });
    alive.add(child);
    child.out = child.complaints = '';
    child.stdout.on('data', (chunk) => { child.out += chunk; });
    child.stderr.on('data', (chunk) => { child.complaints += chunk; });
    child.on('error', (error) => { child.complaints += `${command}: ${error.message}; config/dev/packages.sh test installs it`; });
    child.ended = new Promise((done) => child.on('close', (code) => { alive.delete(child); done(code); }));
    child.lines = () => child.out.trim().split('\n');
    return child;
}
async function run(world, words, more) {
    const child = start(world, words, more);
    equal(await child.ended, 0, `${words.join(' ')} ends with (${child.out}${child.complaints})`);
    return child.out;
}
async function receive(world, { webhooks }, port, more) {
    const child = start(world, [...webhooks, `${port}`], more);
    await until(`${webhooks.join(' ')} receives (${child.complaints})`, () => child.out.includes('receiving at') || child.exitCode !== null);
    assert(child.lines().includes(`receiving at http://127.0.0.1:${port}/; Ctrl-C ends it`), `it said ${child.out}${child.complaints}`);
    return child;
}
async function end(child) {
    child.kill('SIGINT');
    equal(await child.ended, 0, `the receiver ends with (${child.complaints})`);
}
const said = (child, line) => until(`"${line}" (${child.out})`, () => child.lines().includes(line), 20000);

// What an example printed: {order, payment, refund, payout}, ids.
function told(text) {
    const found = new RegExp(['^order: (\\S+)', 'payment: (pay_\\w+) succeeded 1099 EUR \\w+', 'refund: (ref_\\w+) succeeded 500 EUR \\w+',
        'refused: amount_exceeds_remaining \\(req_\\w+\\)', 'payout: (pyt_\\w+) succeeded 12500 EUR \\w+', '$'].join('\n')).exec(text);
    assert(found, `the example printed ${text}`);
    const [, order, payment, refund, payout] = found;
    return { order, payment, refund, payout };
}
// The books: one charge of 10.99, one refund of 5.00 and one payout of 125.00, and nothing else.
async function movedOnce(world, { payment, payout }) {
    const attempts = (await world.call('GET', `${world.api}/v1/payouts/${payout}`, { key: world.key })).json.attempts.map(({ id }) => id);
    const entries = (await world.allBooks()).filter((entry) => entry.invoice === payment || attempts.includes(entry.reference));
    equal(entries.map(({ kind, amount, currency }) => `${kind} ${amount} ${currency}`).sort(), ['charge 1099 EUR', 'payout 12500 EUR', 'refund 500 EUR'], `the books of ${payment} and ${payout}`);
}

// ---- a proxy that loses answers ---------------------------------------------------------------

// TLS in front of the gateway. `does` names what becomes of the tries under an idempotency key, by the key's end; then all pass.
class Proxy {
    constructor(world, port, does) {
        Object.assign(this, { world, port, does, saw: [] });
        this.url = `https://127.0.0.1:${port}`;
    }
    start() {
        this.server = https.createServer({ cert: readFileSync(this.world.at('tls/gateway.pem')), key: readFileSync(this.world.at('tls/gateway.key')) }, (request, answer) => {
            const chunks = [];
            request.on('data', (chunk) => chunks.push(chunk));
            request.on('error', () => {});
            request.on('end', () => this.take(request, Buffer.concat(chunks), answer).catch(() => request.socket.destroy()));
        });
        return new Promise((done) => this.server.listen(this.port, '127.0.0.1', done));
    }
    stop() {
        this.server.closeAllConnections();
        return new Promise((done) => this.server.close(done));
    }
    tries(suffix) { return this.saw.filter(({ key }) => key?.endsWith(suffix)); }
    async take(request, body, answer) {
        const key = request.headers['idempotency-key'];
        const before = this.saw.filter((one) => key !== undefined && one.key === key).length;
        this.saw.push({ key, body: body.toString(), at: Date.now() });
        const what = Object.entries(this.does).find(([suffix]) => key?.endsWith(suffix))?.[1][before];
        if (what === 'busy' || what === 'away') {
            answer.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': what === 'busy' ? '1' : '3600' });
            return answer.end('{"type":"about:blank","title":"busy","status":503,"code":"overloaded","retryable":true}');
        }
        if (what === 'page') {
            answer.writeHead(502, { 'content-type': 'text/html' });
            return answer.end('<html>Bad gateway</html>');
        }
        const { host, ...headers } = request.headers;
        const got = await this.world.call(request.method, this.world.api + request.url, { body: body.length ? body.toString() : undefined, headers });
        if (what === 'cut') return request.socket.destroy(); // done there, and nobody is told
        if (what === 'silent') return; // nor ever will be
        answer.writeHead(got.status, { ...got.headers, 'content-length': Buffer.byteLength(got.raw) });
        if (what === 'half') return answer.write(got.raw.slice(0, got.raw.length / 2), () => request.socket.destroy());
        answer.end(got.raw);
    }
}

// ---- webhooks of strangers --------------------------------------------------------------------

const mac = (secret, id, timestamp, body) => createHmac('sha256', Buffer.from(secret.slice(6), 'base64')).update(`${id}.${timestamp}.${body}`).digest('base64');
// Status of the receiver's answer; 0: it hung up.
const post = (port, headers, body, method = 'POST') => new Promise((done) => {
    const request = http.request({ port, host: '127.0.0.1', method, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers } }, (answer) => {
        answer.resume();
        answer.on('close', () => done(answer.statusCode));
    });
    request.on('error', () => done(0));
    request.end(body);
});
const newSecret = () => 'whsec_' + randomBytes(32).toString('base64');
const event = (id) => `{ "id": "${id}",  "type": "payment.succeeded", "data": {"id": "pay_é", "status": "succeeded"}}`; // printed by nobody's JSON library

// ---- what clients do with errors, in their own languages ---------------------------------------

const drivers = {
    'Node.js': ['node', '--input-type=module', '-e', `
        import { Turnpike, verifyWebhook } from './docs/clients/node/turnpike.mjs';
        const turnpike = Turnpike.fromEnvironment(), body = (amount) => ({ amount, currency: 'EUR', method: { type: 'test', outcome: 'approved' } });
        const tell = async (what, call) => {
            try { const got = await call(); console.log(what + ': ' + got.amount); }
            catch (e) { console.log(what + ': ' + (e.code ?? 'refused here') + (e.param ? ' ' + e.param : '')); }
        };
        const other = (options) => new Turnpike({ url: turnpike.url, key: turnpike.key, ca: turnpike.agent.options.ca, ...options });
        await tell('most', () => turnpike.pay(body(999999999999999n), process.env.ORDER + '-most'));
        await tell('fraction', () => turnpike.pay(body(0.1 + 0.2), process.env.ORDER + '-fraction'));
        await tell('beyond', () => turnpike.pay(body(2 ** 53), process.env.ORDER + '-fraction'));
        await tell('zero', () => turnpike.pay(body(0), process.env.ORDER + '-zero'));
        await tell('away', () => turnpike.pay(body(1), process.env.ORDER + '-away'));
        await tell('keyless', () => turnpike.request('POST', '/v1/payments', body(1)));
        await tell('stranger', () => other({ key: 'tpk_test_x' }).pay(body(1), process.env.ORDER + '-stranger'));
        await tell('closed', () => other({ url: process.env.CLOSED, tries: 2 }).pay(body(1), process.env.ORDER + '-closed'));
        await tell('silent', () => other({ answerMs: 400, tries: 2 }).pay(body(777), process.env.ORDER + '-silent'));
        await tell('untrusted', () => other({ ca: undefined }).pay(body(1), process.env.ORDER + '-untrusted'));
        await tell('secret', () => verifyWebhook(Buffer.from('{}'), JSON.parse(process.env.EMPTY), 'whsec_'));
        process.exit(0);`],
    Python: ['python3', '-c', `
import os, sys, json; sys.path.insert(0, 'docs/clients/python')
from turnpike import Turnpike, TurnpikeError, verify_webhook
turnpike, order, env = Turnpike.from_environment(), os.environ['ORDER'], os.environ
body = lambda amount: {'amount': amount, 'currency': 'EUR', 'method': {'type': 'test', 'outcome': 'approved'}}
def tell(what, call):
    try: print(what + ': ' + str(call()['amount']))
    except TurnpikeError as e: print(what + ': ' + e.code + (' ' + e.param if e.param else ''))
    except (TypeError, ValueError): print(what + ': refused here')
other = lambda url=env['TURNPIKE_URL'], key=turnpike.key, ca=env['TURNPIKE_CA_FILE'], **more: Turnpike(url, key, ca, **more)
tell('most', lambda: turnpike.pay(body(999999999999999), order + '-most'))
tell('fraction', lambda: turnpike.pay(body(10.0), order + '-fraction'))
tell('beyond', lambda: turnpike.pay(body(float(2 ** 53)), order + '-fraction'))
tell('zero', lambda: turnpike.pay(body(0), order + '-zero'))
tell('away', lambda: turnpike.pay(body(1), order + '-away'))
tell('keyless', lambda: turnpike.request('POST', '/v1/payments', body(1)))
tell('stranger', lambda: other(key='tpk_test_x').pay(body(1), order + '-stranger'))
tell('closed', lambda: other(url=env['CLOSED'], tries=2).pay(body(1), order + '-closed'))
tell('silent', lambda: other(answer_s=0.4, tries=2).pay(body(777), order + '-silent'))
tell('untrusted', lambda: other(ca=None).pay(body(1), order + '-untrusted'))
tell('secret', lambda: verify_webhook(b'{}', json.loads(env['EMPTY']), 'whsec_'))`],
    PHP: ['php', '-r', `
        require 'docs/clients/php/turnpike.php';
        $turnpike = Turnpike::fromEnvironment(); $order = getenv('ORDER'); $key = trim(file_get_contents(getenv('TURNPIKE_KEY_FILE')));
        function body($amount) { return ['amount' => $amount, 'currency' => 'EUR', 'method' => ['type' => 'test', 'outcome' => 'approved']]; }
        function tell($what, $call) {
            try { echo "$what: {$call()['amount']}\\n"; }
            catch (TurnpikeError $e) { echo "$what: $e->errorCode" . ($e->param ? " $e->param" : '') . "\\n"; }
            catch (InvalidArgumentException $e) { echo "$what: refused here\\n"; }
        }
        $url = getenv('TURNPIKE_URL'); $ca = getenv('TURNPIKE_CA_FILE');
        tell('most', fn () => $turnpike->pay(body(999999999999999), "$order-most"));
        tell('fraction', fn () => $turnpike->pay(body(10.0), "$order-fraction"));
        tell('beyond', fn () => $turnpike->pay(body(2 ** 64), "$order-fraction"));
        tell('zero', fn () => $turnpike->pay(body(0), "$order-zero"));
        tell('away', fn () => $turnpike->pay(body(1), "$order-away"));
        tell('keyless', fn () => $turnpike->request('POST', '/v1/payments', body(1)));
        tell('stranger', fn () => (new Turnpike($url, 'tpk_test_x', $ca))->pay(body(1), "$order-stranger"));
        tell('closed', fn () => (new Turnpike(getenv('CLOSED'), $key, $ca, 2))->pay(body(1), "$order-closed"));
        tell('silent', fn () => (new Turnpike($url, $key, $ca, 2, 400))->pay(body(777), "$order-silent"));
        tell('untrusted', fn () => (new Turnpike($url, $key))->pay(body(1), "$order-untrusted"));
        tell('secret', fn () => Turnpike::verifyWebhook('{}', json_decode(getenv('EMPTY'), true), ['whsec_']));`],
};

const tests = {
    async the_lines_of_the_readme_pay(world) {
        const [pay, clients] = [...readFileSync(path.join(top, 'README.md'), 'utf8').matchAll(/```sh\n\. var\/env[^\n]*\n([^`]*)```/g)].map(([, lines]) => lines);
        const first = await run(world, ['sh', '-c', `set -u\n${pay.replace('curl ', 'curl -sS ')}`]);
        equal((({ status, amount, currency }) => [status, amount, currency])(JSON.parse(first)), ['succeeded', 1099, 'EUR'], 'the first payment');
        equal(await run(world, ['sh', '-c', `set -u\n${pay.replace('curl ', 'curl -sS ')}`]), first, 'the same lines again');
        for (const { webhooks, example } of languages) {
            for (const words of [webhooks, example]) assert(clients.includes(words.join(' ')), `README.md does not say ${words.join(' ')}`);
        }
    },

    async the_curl_lines_of_the_docs_run(world) {
        const blocks = ['api.md', 'webhooks-out.md'].flatMap((file) => [...readFileSync(path.join(top, 'docs', file), 'utf8').matchAll(/```sh\n([^`]*)```/g)].map(([, lines]) => lines))
            .filter((lines) => lines.includes('$KEY') && !/curl \.\.\.|_\.\.\.|events\/stream/.test(lines.replace(/#.*/g, ''))); // what names an id of the reader's is not for pasting
        equal(blocks.length, 7, 'examples that can be pasted');
        for (const lines of blocks) {
            const here = lines.replaceAll('var/tls/ca.pem', world.at('tls/ca.pem')).replaceAll('https://127.0.0.1:8443', world.api).replace('$(cat var/secrets/key_merchant)', world.key)
                .replaceAll('curl ', "curl -sS -w '\\n' ").replace('salaries.csv', world.at('salaries.csv')).replace('@salaries.csv', `@${world.at('salaries.csv')}`);
            const out = await run(world, ['sh', '-c', `set -u\n${here}`], { KEY: world.key });
            const answers = out.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
            equal(answers.length, lines.match(/^curl /gm).length, `answers to ${here} (${out})`);
            for (const answer of answers) assert(answer.object && !answer.code, `${here} is answered ${JSON.stringify(answer)}`);
        }
        for (const { id } of (await world.call('GET', `${world.api}/v1/webhook-endpoints`, { key: world.key })).json.data) await world.call('DELETE', `${world.api}/v1/webhook-endpoints/${id}`, { key: world.key });
    },

    async examples_move_money_once_and_receivers_hear_of_it(world) {
        const port = await freePorts(languages.length);
        const before = (await world.allBooks()).length;
        await each(async (one) => {
            const receiver = await receive(world, one, port + languages.indexOf(one));
            const first = await run(world, one.example);
            const ids = told(first);
            await movedOnce(world, ids);
            for (const line of [`payment.succeeded: ${ids.payment} succeeded`, `payment.refunded: ${ids.payment} succeeded`,
                `refund.succeeded: ${ids.refund} succeeded`, `payout.succeeded: ${ids.payout} succeeded`]) await said(receiver, line);
            assert(!receiver.out.includes('refused'), `refused what is ours: ${receiver.out}`);
            const again = await run(world, [...one.example, ids.order]);
            equal(again.replace(/req_\w+/, ''), first.replace(/req_\w+/, ''), 'the same order again');
            await movedOnce(world, ids);
            await end(receiver);
        });
        equal((await world.allBooks()).length - before, 3 * languages.length, 'what is new in the books');
        equal((await world.call('GET', `${world.api}/v1/webhook-endpoints`, { key: world.key })).json.data, [], 'endpoints that are left');
    },

    async receivers_refuse_what_is_not_ours(world) {
        const port = await freePorts(languages.length);
        await each(async (one) => {
            const at = port + languages.indexOf(one);
            const [secret, other] = [newSecret(), newSecret()];
            const receiver = await receive(world, one, at, { TURNPIKE_WEBHOOK_SECRET: secret });
            const now = Math.floor(Date.now() / 1000);
            const [id, body] = ['evt_1', event('evt_1')];
            const good = mac(secret, id, now, body);
            const signed = (signature, more) => ({ 'webhook-id': id, 'webhook-timestamp': `${now}`, 'webhook-signature': signature, ...more });
            const without = (name) => { const headers = signed(`v1,${good}`); delete headers[name]; return headers; };
            const stamped = (timestamp) => signed(`v1,${mac(secret, id, timestamp, body)}`, { 'webhook-timestamp': `${timestamp}` });
            for (const [what, headers, text] of [
                ['an altered body', signed(`v1,${good}`), body.replace('succeeded"', 'declined"')],
                ['a body printed again', signed(`v1,${good}`), JSON.stringify(JSON.parse(body))],
                ['a byte more', signed(`v1,${good}`), body + ' '],
                ['no body', signed(`v1,${good}`), ''],
                ['another id', signed(`v1,${good}`, { 'webhook-id': 'evt_2' }), body],
                ['another time', signed(`v1,${good}`, { 'webhook-timestamp': `${now - 1}` }), body],
                ['an old timestamp', stamped(now - 310), body],
                ['one of the future', stamped(now + 310), body],
                ['a timestamp with a point', stamped(`${now}.0`), body],
                ['a timestamp in words', stamped('now'), body],
                ['a negative timestamp', stamped(-now), body],
                ['another secret', signed(`v1,${mac(other, id, now, body)}`), body],
                ['no secret', signed(`v1,${createHmac('sha256', '').update(`${id}.${now}.${body}`).digest('base64')}`), body],
                ['another version', signed(`v1a,${good}`), body],
                ['no version', signed(good), body],
                ['a signature cut short', signed(`v1,${good.slice(0, -1)}`), body],
                ['a signature and more', signed(`v1,${good}A`), body],
                ['an empty signature', signed('v1,'), body],
                ['bytes beyond ASCII', signed(`v1,\xff${good.slice(1)}`), body],
                ['no signature', without('webhook-signature'), body], ['no id', without('webhook-id'), body], ['no timestamp', without('webhook-timestamp'), body],
            ]) equal(await post(at, headers, text), 400, what);
            assert(![200, 204].includes(await post(at, {}, '', 'GET')), 'GET');
            assert(![200, 204].includes(await post(at, signed(`v1,${good}`), 'x'.repeat(2 << 20))), '2 MB');

            equal(await post(at, signed(`v1,${good}`), body), 204, 'ours');
            equal(await post(at, signed(`v1a,AAAA v1,${mac(other, id, now, body)} v1,${good}`), body), 204, 'ours among other signatures');
            equal(await post(at, stamped(now - 200), body), 204, 'ours, 200 s old');
            await until('both repeats are noticed', () => receiver.lines().filter((line) => line === 'again: evt_1').length === 2, 5000);
            await end(receiver); // all it said is read now
            equal(receiver.lines().filter((line) => line.startsWith('payment.succeeded')), ['payment.succeeded: pay_é succeeded'], 'work done');
        });
    },

    async secrets_are_rotated_without_a_gap(world) {
        const port = await freePorts(languages.length);
        const call = async (method, at, body) => (await world.call(method, `${world.api}/v1/webhook-endpoints${at}`, { body, key: world.key })).json;
        await each(async (one) => {
            const at = port + languages.indexOf(one);
            const endpoint = await call('POST', '', { url: `http://127.0.0.1:${at}/`, event_types: ['payment.succeeded'] });
            const hears = async (secrets, text) => {
                const receiver = await receive(world, one, at, { TURNPIKE_WEBHOOK_SECRET: secrets });
                const { answer } = await world.pay();
                await said(receiver, `payment.succeeded: ${answer.id} succeeded`).catch((error) => { throw new Error(`${text}: ${error.message}`); });
                assert(!receiver.out.includes('refused'), `${text}: ${receiver.out}`);
                await end(receiver);
            };
            const fresh = (await call('POST', `/${endpoint.id}/rotate`, { grace_hours: 1 })).secret;
            assert(fresh && fresh !== endpoint.secret, 'no new secret');
            await hears(endpoint.secret, 'under the old secret, while both sign');
            await hears(fresh, 'under the new one');
            await call('POST', `/${endpoint.id}/rotate`, { grace_hours: 0 });
            const last = (await call('POST', `/${endpoint.id}/rotate`, { grace_hours: 0 })).secret;
            await hears(`${fresh} ${last}`, 'under the last of two');
            await call('DELETE', `/${endpoint.id}`);
        });
    },

    async lost_answers_are_asked_for_under_the_same_key(world) {
        const port = await freePorts(languages.length);
        const before = (await world.allBooks()).length;
        await each(async (one) => {
            const proxy = new Proxy(world, port + languages.indexOf(one), { '-payment': ['busy', 'cut'], '-refund-1': ['half'], '-refund-2': ['cut'], '-payout': ['page', 'cut'] });
            await proxy.start();
            const ids = told(await run(world, one.example, { TURNPIKE_URL: proxy.url }));
            await movedOnce(world, ids);
            for (const [suffix, count] of [['-payment', 3], ['-refund-1', 2], ['-refund-2', 2], ['-payout', 3]]) {
                const tries = proxy.tries(suffix);
                equal(tries.length, count, `tries of ${suffix}`);
                equal([...new Set(tries.map(({ key, body }) => `${key} ${body}`))].length, 1, `keys and bytes of ${suffix}`);
            }
            const [busy, next] = proxy.tries('-payment');
            assert(next.at - busy.at >= 1000, `Retry-After of 1 s, and again after ${next.at - busy.at} ms`);
            await proxy.stop();
        });
        equal((await world.allBooks()).length - before, 3 * languages.length, 'what is new in the books');
    },

    async what_is_wrong_is_told_by_its_code(world) {
        const port = await freePorts(languages.length + 1);
        const now = Math.floor(Date.now() / 1000);
        const empty = JSON.stringify({ 'webhook-id': 'evt_1', 'webhook-timestamp': `${now}`, 'webhook-signature': `v1,${mac('whsec_', 'evt_1', now, '{}')}` });
        await each(async (one) => {
            const proxy = new Proxy(world, port + languages.indexOf(one), { '-away': ['away'], '-silent': ['silent', 'silent'] });
            await proxy.start();
            const out = await run(world, drivers[one.language], { TURNPIKE_URL: proxy.url, ORDER: `errors-${languages.indexOf(one)}`, EMPTY: empty, CLOSED: `https://127.0.0.1:${port + languages.length}` });
            equal(out.trim().split('\n'), ['most: 999999999999999', 'fraction: refused here', 'beyond: refused here', 'zero: invalid_amount amount', 'away: overloaded',
                'keyless: idempotency_key_missing Idempotency-Key', 'stranger: unauthenticated', 'closed: no_answer', 'silent: no_answer', 'untrusted: certificate', 'secret: refused here'], 'what its client says');
            equal(proxy.saw.map(({ key }) => key?.replace(/.*-/, '') ?? ''), ['most', 'zero', 'away', '', 'stranger', 'silent', 'silent'], 'what was sent');
            await proxy.stop();
        });
        const books = await world.allBooks();
        for (const amount of [999999999999999, 777]) equal(books.filter((entry) => entry.amount === amount).length, languages.length, `charges of ${amount} in the books`);
    },
};

await suite('clients_examples', {
    payouts: true,
    settings: { delivery_allowed_networks: '127.0.0.0/8', delivery_http_allowed: 'yes', delivery_interval_ms: 50 },
}, tests);
