// Webhooks of providers: only the true one is taken, and what it is about is looked up at once. Some are signed here, with
// the sandbox's keys and with those of others; the rest the sandbox sends by itself.
import { spawnSync } from 'node:child_process';
import { createHash, createHmac, createSign, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { crc32 } from 'node:zlib';
import { suite, assert, equal, until, freePorts } from './lib.mjs';

const webhookId = '1JE4291016473214C';
const payoutsWebhookId = '4LX12345AB678901C';
const checkoutSecret = 'checkout-address-secret-7';
const payoutsSecret = 'mass-payouts-secret';

// ---- an own PKI: what the sandbox's authority signed, and what it did not -----------------------

function openssl(world, ...args) {
    const done = spawnSync('openssl', args, { cwd: world.at('tls'), encoding: 'utf8' });
    assert(done.status === 0, `openssl ${args.join(' ')}: ${done.stderr}`);
}
function makeCertificate(world, name, { ca = 'ca', names = 'DNS:localhost,IP:127.0.0.1', days = 30, authority = false } = {}) {
    openssl(world, 'genrsa', '-out', `${name}.key`, '2048');
    openssl(world, 'req', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`);
    writeFileSync(world.at(`tls/${name}.ext`), `subjectAltName=${names}\nbasicConstraints=critical,CA:${authority ? 'TRUE' : 'FALSE'}\n`);
    const signed = ca === name ? ['-signkey', `${name}.key`] : ['-CA', `${ca}.pem`, '-CAkey', `${ca}.key`, '-CAcreateserial'];
    openssl(world, 'x509', '-req', '-in', `${name}.csr`, ...signed, '-sha256', '-days', `${days}`, '-extfile', `${name}.ext`, '-out', `${name}.pem`);
    return { pem: readFileSync(world.at(`tls/${name}.pem`), 'utf8'), key: readFileSync(world.at(`tls/${name}.key`), 'utf8') };
}

// A host that hands out certificates, and counts how often it is asked.
async function serveCertificates(world, certificates) {
    const port = await freePorts(1);
    const asked = {};
    const server = https.createServer({ cert: readFileSync(world.at('tls/gateway.pem')), key: readFileSync(world.at('tls/gateway.key')) }, (request, answer) => {
        const name = request.url.split('/').pop();
        asked[name] = (asked[name] ?? 0) + 1;
        if (certificates[name] === undefined) answer.writeHead(404).end();
        else answer.writeHead(200, { 'content-type': 'application/x-pem-file' }).end(certificates[name]);
    });
    await new Promise((done) => server.listen(port, '127.0.0.1', done));
    return { origin: `https://127.0.0.1:${port}`, asked, close: () => server.close() };
}

// ---- senders -----------------------------------------------------------------------------------

function account(world, provider, secret, settings = {}) {
    world.secret(`${provider}.json`, JSON.stringify(secret));
    const list = Object.entries({ settle_ms: 3000, ...settings }).flatMap(([name, value]) => ['--setting', `${name}=${value}`]);
    world.admin('accounts', 'update', world.accounts[provider], ...list);
}
async function setUp(world) {
    if (world.isSetUp) return;
    account(world, 'paypal', { user: 'e2e-client', password: 'e2e-secret' }, { webhook_id: webhookId });
    account(world, 'paypal_payouts', { user: 'e2e-client', password: 'e2e-secret' }, { webhook_id: payoutsWebhookId });
    account(world, 'payoneer', { user: 'E2E', password: 'e2e-token', webhook_secret: checkoutSecret }, { country: 'US' });
    account(world, 'payoneer_payouts', { user: 'e2e-client', password: 'e2e-secret', webhook_secret: payoutsSecret }, { program_id: '100012345' });
    world.isSetUp = true;
    await until('the accounts take webhooks', async () => (await send(world, `/webhooks/payoneer/${world.accounts.payoneer}?secret=${checkoutSecret}`,
        {}, { entity: 'customer', statusCode: 'registered', notificationId: randomUUID() })).status === 200);
}
function send(world, path, headers, body) {
    return world.call('POST', world.api + path, { headers, body });
}
const rows = (world, where = 'true') => Number(world.psql(`SELECT count(*) FROM inbound_events WHERE ${where}`));

function paypalEvent(attempt, { type = 'PAYMENT.CAPTURE.COMPLETED', id = `WH-${randomUUID()}` } = {}) {
    return JSON.stringify({ id, event_version: '1.0', create_time: new Date().toISOString(), resource_type: 'capture', event_type: type, summary: 'e2e',
        resource: { id: '5O190127TN364715T', custom_id: attempt, status: 'COMPLETED' } });
}
// The headers of a true one, but for what a test changes.
function paypalHeaders(signer, body, changes = {}) {
    const sent = { id: randomUUID(), time: new Date().toISOString().slice(0, 19) + 'Z', webhookId, url: signer.url, algorithm: 'SHA256withRSA', digest: 'sha256', key: signer.key, ...changes };
    const text = `${sent.id}|${sent.time}|${sent.webhookId}|${crc32(Buffer.from(body))}`;
    return { 'paypal-transmission-id': sent.id, 'paypal-transmission-time': sent.time, 'paypal-cert-url': sent.url, 'paypal-auth-algo': sent.algorithm,
        'paypal-transmission-sig': createSign(sent.digest).update(text).sign(sent.key, 'base64') };
}
function payoneerHeader(world, path, body, changes = {}) {
    const sent = { name: 'Webhook-IPCNSender-sandbox', time: Math.floor(Date.now() / 1000), nonce: randomUUID(), secret: payoutsSecret, url: world.api + path, ...changes };
    let url = sent.url.toLowerCase();
    if (url.includes('?')) url = url.split('?')[0] + '?' + url.split('?')[1].split('&').sort().join('&');
    const encoded = encodeURIComponent(url).replaceAll('%20', '+').replaceAll('*', '%2a').replaceAll('~', '%7e').replaceAll("'", '%27').replaceAll('(', '%28').replaceAll(')', '%29').replaceAll('!', '%21').toLowerCase();
    const text = sent.name + 'POST' + encoded + sent.time + sent.nonce + createHash('md5').update(body).digest('base64');
    return { authorization: `hmacauth ${sent.name}:${createHmac('sha256', sent.secret).update(text).digest('base64')}:${sent.nonce}:${sent.time}` };
}
const attemptOf = () => 'att_01JDEX7T1V5M2Q9K8Z4R6W0C3B';

// ---- the sandbox's own -------------------------------------------------------------------------

async function hook(world, provider, query = '', extra = {}) {
    const made = await world.call('POST', world.sandbox + '/hooks', { body: { provider, url: `${world.api}/webhooks/${provider}/${world.accounts[provider]}${query}`, ...extra } });
    assert(made.status < 300, `hook refused: ${made.raw}`);
}
async function hookAll(world) {
    await setUp(world);
    await hook(world, 'paypal', '', { id: webhookId });
    await hook(world, 'paypal_payouts', '', { id: payoutsWebhookId });
    await hook(world, 'payoneer', `?secret=${checkoutSecret}`);
    await hook(world, 'payoneer_payouts', '?event={event}', { secret: payoutsSecret });
}
async function behave(world, behaviour) {
    const done = await world.call('POST', world.sandbox + '/hooks/behaviour', { body: behaviour });
    assert(done.status < 300, `behaviour refused: ${done.raw}`);
}
async function noHooks(world) { await world.call('DELETE', world.sandbox + '/hooks'); }
// Those that were signed here name an attempt that never was: they wait.
const allApplied = (world) => until('every webhook is applied', () => rows(world, `state = 'waiting' AND attempt_id IN (SELECT attempt_id FROM attempts)`) === 0, 60000);

await suite('webhooks_in', { payouts: true, workers: 2, delayMs: 5, settings: { resolve_first_ms: 15000, resolve_max_ms: 20000, address_rate: 0, webhook_interval_ms: 100, webhook_rate: 10, webhook_burst: 200 } }, {
    async only_the_true_one_of_paypal_is_kept(world) {
        await setUp(world);
        const good = makeCertificate(world, 'good');
        const other = makeCertificate(world, 'other');
        const foreign = makeCertificate(world, 'foreign', { ca: 'foreign', authority: true });
        const certificates = {
            'CERT-good': good.pem, 'CERT-other': other.pem,
            'CERT-name': makeCertificate(world, 'name', { names: 'DNS:evil.example' }).pem,
            'CERT-chain': makeCertificate(world, 'chain', { ca: 'foreign' }).pem + foreign.pem,
            'CERT-self': makeCertificate(world, 'self', { ca: 'self' }).pem,
            'CERT-page': '<html>no certificate</html>',
        };
        const keyOf = (name) => readFileSync(world.at(`tls/${name}.key`), 'utf8');
        const host = await serveCertificates(world, certificates);
        const evil = await serveCertificates(world, certificates);
        const id = world.admin('accounts', 'create', '--merchant', world.merchant, '--provider', 'paypal', '--name', 'signed', '--base-url', host.origin,
            '--secret', 'file:paypal.json', '--setting', `webhook_id=${webhookId}`).id;
        const at = (name, origin = host.origin) => `${origin}/v1/notifications/certs/CERT-${name}`;
        const signer = { url: at('good'), key: good.key };
        const path = `/webhooks/paypal/${id}`;
        const body = paypalEvent(attemptOf());
        const true_ = paypalHeaders(signer, body);
        const hour = (n) => new Date(Date.now() + n * 3600000).toISOString().slice(0, 19) + 'Z';
        const forged = {
            'another body': [401, true_, body.replace('COMPLETED', 'DECLINED')],
            'another id': [401, { ...true_, 'paypal-transmission-id': randomUUID() }],
            'another time': [401, { ...true_, 'paypal-transmission-time': hour(-1) }],
            'another key': [401, paypalHeaders(signer, body, { key: other.key })],
            'another certificate': [401, { ...true_, 'paypal-cert-url': at('other') }],
            'another webhook': [401, paypalHeaders(signer, body, { webhookId: payoutsWebhookId })],
            'another algorithm, told': [401, { ...true_, 'paypal-auth-algo': 'SHA1withRSA' }],
            'another algorithm, used': [401, paypalHeaders(signer, body, { digest: 'sha512' })],
            'no signature': [400, { ...true_, 'paypal-transmission-sig': '' }],
            'stale': [400, paypalHeaders(signer, body, { time: hour(-24 * 5) })],
            'of a time to come': [400, paypalHeaders(signer, body, { time: hour(1) })],
            'a certificate elsewhere': [401, paypalHeaders({ url: at('good', evil.origin), key: good.key }, body)],
            'a certificate at a path of others': [401, paypalHeaders({ url: `${host.origin}/files/CERT-good`, key: good.key }, body)],
            'a certificate of another name': [401, paypalHeaders({ url: at('name'), key: keyOf('name') }, body)],
            'a chain to nobody we trust': [401, paypalHeaders({ url: at('chain'), key: keyOf('chain') }, body)],
            'a certificate by itself': [401, paypalHeaders({ url: at('self'), key: keyOf('self') }, body)],
            'no certificate': [401, paypalHeaders({ url: at('page'), key: good.key }, body)],
            'a certificate that is not there': [401, paypalHeaders({ url: at('absent'), key: good.key }, body)],
        };
        await until('the account is known', async () => (await send(world, path, true_, 'x' + body)).status === 401);
        for (const [what, [status, headers, altered]] of Object.entries(forged)) {
            const answer = await send(world, path, headers, altered ?? body);
            equal(answer.status, status, `${what}: ${answer.raw}`);
        }
        equal(rows(world, `provider = 'paypal'`), 0, 'nothing forged is kept');
        equal(Object.keys(evil.asked), [], 'the other host is never asked');
        const before = host.asked['CERT-good'];
        for (let i = 0; i < 3; i++) equal((await send(world, path, true_, body)).status, 200, 'the true one, and its repeats');
        await Promise.all(Array.from({ length: 16 }, async () => equal((await send(world, path, paypalHeaders(signer, body), body)).status, 200, 'repeats at once')));
        equal(rows(world, `provider = 'paypal' AND event_id = '${JSON.parse(body).id}'`), 1, 'it is kept once');
        assert(host.asked['CERT-good'] <= before + 1, `the certificate is fetched once by a worker: ${host.asked['CERT-good']}`);
        assert(!world.psql('SELECT body_sealed FROM inbound_events').includes(Buffer.from('custom_id').toString('hex')), 'what is kept is sealed');
        host.close();
        evil.close();
    },
    async what_is_forged_uses_up_no_room_of_what_is_true(world) {
        await setUp(world);
        const checkout = `/webhooks/payoneer/${world.accounts.payoneer}?secret=`;
        const notice = () => JSON.stringify({ entity: 'payment', notificationId: randomUUID(), transactionId: attemptOf(), statusCode: 'charged' });
        const statuses = {};
        await Promise.all(Array.from({ length: 16 }, async () => {
            for (let i = 0; i < 75; i++) {
                const { status } = await send(world, `${checkout}another-address-secret-${i}`, {}, notice());
                statuses[status] = (statuses[status] ?? 0) + 1;
            }
        }));
        equal(statuses, { 401: 1200 }, 'six times the room of an account');
        for (let i = 0; i < 10; i++) equal((await send(world, checkout + checkoutSecret, {}, notice())).status, 200, 'a true one');
    },
    async only_the_true_one_of_payoneer_is_kept(world) {
        await setUp(world);
        const path = `/webhooks/payoneer_payouts/${world.accounts.payoneer_payouts}?event=CancelPayout`;
        const body = JSON.stringify({ 'Payee Id': 'p-1', IntPaymentId: attemptOf(), 'Reason Code': '10009' });
        const now = Math.floor(Date.now() / 1000);
        const true_ = payoneerHeader(world, path, body);
        const forged = {
            'another body': [401, true_, path, body.replace('10009', '10008')],
            'another event': [401, true_, path.replace('CancelPayout', 'SentToBank')],
            'another secret': [401, payoneerHeader(world, path, body, { secret: 'mass-payouts-secreT' })],
            'the live sender': [401, payoneerHeader(world, path, body, { name: 'Webhook-IPCNSender-production' })],
            'another host': [401, payoneerHeader(world, path, body, { url: `https://evil.example${path}` })],
            'stale': [400, payoneerHeader(world, path, body, { time: now - 3600 })],
            'of a time to come': [400, payoneerHeader(world, path, body, { time: now + 3600 })],
            'no signature': [400, {}],
            'a bearer': [400, { authorization: `Bearer ${world.key}` }],
        };
        for (const [what, [status, headers, where, altered]] of Object.entries(forged)) {
            const answer = await send(world, where ?? path, headers, altered ?? body);
            equal(answer.status, status, `${what}: ${answer.raw}`);
        }
        equal(rows(world, `provider = 'payoneer_payouts'`), 0, 'nothing forged is kept');
        for (let i = 0; i < 3; i++) equal((await send(world, path, payoneerHeader(world, path, body), body)).status, 200, 'the true one, and its repeats');
        equal(rows(world, `provider = 'payoneer_payouts'`), 1, 'it is kept once');
        const checkout = `/webhooks/payoneer/${world.accounts.payoneer}`;
        const notice = JSON.stringify({ entity: 'payment', notificationId: randomUUID(), transactionId: attemptOf(), statusCode: 'charged' });
        const before = rows(world, `provider = 'payoneer'`);
        for (const query of ['', '?secret=', '?secret=checkout-address-secret-8', `?Secret=${checkoutSecret}`, `?secret=${checkoutSecret}&secret=x`]) {
            equal((await send(world, checkout + query, {}, notice)).status, 401, `Checkout with ${query}`);
        }
        equal(rows(world, `provider = 'payoneer'`), before, 'nothing is kept');
        equal((await send(world, `${checkout}?secret=${checkoutSecret}`, {}, notice)).status, 200, 'the secret address');
    },
    async whoever_has_no_account_gets_nothing(world) {
        await setUp(world);
        const body = paypalEvent(attemptOf());
        const paths = ['/webhooks/paypal/acc_01JDEX7T1V5M2Q9K8Z4R6W0C3B', `/webhooks/payoneer/${world.accounts.paypal}`, '/webhooks/paypal/x', '/webhooks/stripe/acc_1', '/webhooks/paypal',
            `/webhooks/paypal/${world.accounts.paypal}/x`];
        for (const path of paths) equal((await send(world, path, {}, body)).status, 404, path);
        equal((await world.call('GET', `${world.api}/webhooks/paypal/${world.accounts.paypal}`)).status, 405, 'GET');
        equal((await send(world, `/webhooks/paypal/${world.accounts.paypal}`, {}, 'x'.repeat(70000))).status, 413, 'a large body');
        const bare = world.admin('accounts', 'create', '--merchant', world.merchant, '--provider', 'paypal', '--name', 'bare', '--base-url', world.sandbox, '--secret', 'file:paypal.json').id;
        await until('the account is known', async () => (await send(world, `/webhooks/paypal/${bare}`, {}, body)).status === 409);
        world.admin('merchants', 'disable', world.merchant);
        await until('a disabled merchant has none', async () => (await send(world, `/webhooks/paypal/${world.accounts.paypal}`, {}, body)).status === 404);
        world.admin('merchants', 'enable', world.merchant);
        await until('enabled again', async () => (await send(world, `/webhooks/paypal/${world.accounts.paypal}`, {}, body)).status === 400);
    },
    // The first look is due after 15 s: whoever settles before was told.
    async a_lost_answer_is_looked_up_when_the_provider_tells(world) {
        await hookAll(world);
        for (const provider of ['paypal', 'payoneer']) {
            await world.fault({ provider, operation: 'charge', kind: 'reset_after_effect', count: 1 });
            const { status, answer, raw } = await world.pay(world.payment({ providers: { only: [provider] } }));
            assert([201, 202].includes(status), `${provider}: ${status} ${raw}`);
            await until(`${provider} settles`, async () => (await world.get(answer.id)).status === 'succeeded', 60000);
            await allApplied(world);
            assert(rows(world, `provider = '${provider}' AND reason = 'due'`) > 0, `${provider}: a webhook made it due: ${JSON.stringify(world.rows('SELECT provider, event_type, says, state, reason, tries FROM inbound_events'))}`);
        }
        await noHooks(world);
        await world.judge();
    },
    // Nothing is there when it is asked for, so it failed; then the charge takes effect, and the provider tells.
    async a_charge_that_comes_late_is_seen_when_the_provider_tells(world) {
        await hookAll(world);
        await world.fault({ provider: 'payoneer', operation: 'charge', kind: 'hang_before_effect', delay_ms: 20000, count: 1 });
        const { status, answer, raw } = await world.pay(world.payment({ providers: { only: ['payoneer'] } }));
        equal(status, 202, `answer (${raw})`);
        const attempt = answer.attempts[0].id;
        const path = `/webhooks/payoneer/${world.accounts.payoneer}?secret=${checkoutSecret}`;
        await until('it is told to have failed', async () => {
            // Looks are 15 s apart: a notice that says nothing of the outcome brings them on.
            const sent = await send(world, path, {}, { entity: 'payment', notificationId: randomUUID(), transactionId: attempt, statusCode: 'information_requested' });
            equal(sent.status, 200, sent.raw);
            return (await world.get(answer.id)).status === 'failed';
        }, 18000);
        await until('the charge is in the books', async () => (await world.books()).some((e) => e.invoice === answer.id && e.kind === 'charge'), 60000);
        await until('it is a case of the review queue', async () => (await world.call('GET', `${world.api}/v1/reviews`, { key: world.operatorKey })).raw.includes(answer.id), 60000);
        await allApplied(world);
        assert(rows(world, `provider = 'payoneer' AND state = 'applied' AND reason = 'recheck' AND event_type = 'charged'`) === 1, 'the webhook had it looked up again');
        await noHooks(world);
    },
    async payouts_end_when_the_provider_tells(world) {
        await hookAll(world);
        for (const payees of [{ paypal: 'ada@example.com' }, { payoneer: 'ada-1815' }]) {
            const made = await world.call('POST', world.api + '/v1/payouts', { key: world.key, headers: { 'idempotency-key': `"${randomUUID()}"` },
                body: { amount: 12500, currency: 'EUR', payees, beneficiary: { type: 'individual', first_name: 'Ada', last_name: 'Lovelace' } } });
            assert([201, 202].includes(made.status), made.raw);
            await until('it is paid', async () => (await world.call('GET', `${world.api}/v1/payouts/${made.json.id}`, { key: world.key })).json.status === 'succeeded', 60000);
        }
        await allApplied(world);
        for (const provider of ['paypal_payouts', 'payoneer_payouts'])
            assert(rows(world, `provider = '${provider}' AND reason = 'due'`) > 0, `${provider}: a webhook made it due: ${JSON.stringify(world.rows('SELECT provider, event_type, says, state, reason, tries FROM inbound_events'))}`);
        await noHooks(world);
    },
    async before_our_own_answer_in_any_order_and_often(world) {
        await hookAll(world);
        await behave(world, { early: true, repeat_least: 1, repeat_most: 5, disorder_ms: 500, seed: 7 });
        for (const provider of ['paypal', 'payoneer']) {
            const entries = await Promise.all(Array.from({ length: 20 }, () => world.pay(world.payment({ providers: { only: [provider] } }))));
            for (const { status, answer, raw } of entries) equal([status, answer?.status], [201, 'succeeded'], `payment (${raw})`);
        }
        await until('the webhooks came', () => rows(world, `provider IN ('paypal', 'payoneer') AND attempt_id IN (SELECT attempt_id FROM attempts)`) >= 40, 30000);
        await allApplied(world);
        equal(rows(world, `state = 'dead'`), 0, 'none is given up');
        await noHooks(world);
        await world.judge();
    },
});
