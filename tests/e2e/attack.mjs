// Malformed requests, and clients that are slow or many. The long forms: make attack.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { buildMatrix } from '../attack/matrix.mjs';
import { exchange, inParallel } from '../attack/raw.mjs';
import { startAttackers } from '../attack/slow.mjs';
import { suite, assert, equal, until, top } from './lib.mjs';

const binary = path.resolve(top, process.env.BUILD ?? 'build', 'turnpike');
const settings = { http_handshake_ms: 2000, http_head_ms: 2000, http_body_ms: 3000, http_answer_write_ms: 2000, http_connection_per_address_max: 100, address_rate: 0 };

function references(world) {
    return new Set(world.psql('SELECT reference FROM payments WHERE reference IS NOT NULL').split('\n').filter(Boolean));
}

// A client's key with a certificate, self-signed or of the world's authority.
function opensslClient(world, name, isSigned = false) {
    const [key, cert] = [world.at(`${name}.key`), world.at(`${name}.pem`)];
    const authority = isSigned ? ['-CA', world.at('tls/ca.pem'), '-CAkey', world.at('tls/ca.key')] : [];
    const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`, ...authority, '-keyout', key, '-out', cert], { encoding: 'utf8' });
    equal(made.status, 0, made.stderr);
    return { key: readFileSync(key), cert: readFileSync(cert), file: cert };
}

await suite('attack', { workers: 2, delayMs: 5, settings }, {
    async every_malformed_request_is_refused_once_and_leaves_nothing(world) {
        const cases = buildMatrix({ key: world.key, host: `127.0.0.1:${world.port}` });
        assert(cases.length >= 200 || process.env.ONLY, `${cases.length} cases`);
        const before = { workers: world.workers().join(), books: (await world.books()).length };
        const wrong = [];
        await inParallel(cases, 8, async (item) => {
            const title = `${item.family}: ${item.name}`;
            try {
                const got = await exchange({ port: world.port, ca: world.ca, ...item });
                const wanted = item.answers === 2 ? [item.status, item.second] : item.answers === 1 ? [item.status] : [];
                const statuses = got.answers.map((a) => a.status);
                if (JSON.stringify(statuses) !== JSON.stringify(wanted) || got.rest !== '') wrong.push(`${title}: answered ${JSON.stringify(statuses)} ${got.rest.slice(0, 60)} (${got.how}), wanted ${JSON.stringify(wanted)}: ${got.answers.at(-1)?.body.slice(0, 200)}`);
            } catch (error) {
                wrong.push(`${title}: ${error.message}`);
            }
        });
        equal(wrong, [], 'answers');
        const made = references(world);
        const legitimate = new Set(cases.flatMap((item) => item.rows.map((name) => item[name])));
        for (const item of cases) {
            for (const part of ['evil', 'inner', 'next']) {
                equal(made.has(item[part]), legitimate.has(item[part]), `${item.family}: ${item.name}: a payment for its ${part} part`);
            }
        }
        equal((await world.books()).length - before.books, legitimate.size, 'charges in the books');
        equal(world.workers().join(), before.workers, 'the workers live');
        equal((await world.pay()).answer?.status, 'succeeded', 'an honest payment afterwards');
        await world.judge();
    },
    async slow_clients_are_closed_in_time_and_disturb_nobody(world) {
        const attackers = await startAttackers(world, { head: 100, body: 100, read: 100, hello: 50, from: 2, addresses: 10, perSecond: 200, dripMs: 200 });
        await attackers.ready();
        const paying = (async () => { // one after the other, until the attack is over
            const paid = [];
            while (!attackers.isOver) paid.push(await world.pay());
            return paid;
        })();
        await attackers.go();
        const result = await attackers.result();
        attackers.isOver = true;
        const paid = await paying;
        equal(paid.filter((entry) => entry.status !== 201).map((entry) => entry.error ?? entry.raw), [], 'honest payments that failed');
        assert(paid.length > 0, 'nobody paid');
        for (const [kind, seen] of Object.entries(result.kinds)) {
            const deadline = { head: 2000, body: 3000, read: 2000, hello: 2000 }[kind];
            equal([seen.failed, seen.left, seen.closed], [0, 0, seen.wanted], `${kind}: never attacked, left open, closed`);
            // The campaign judges by one second; here the machine may be busy.
            assert(seen.last_ms < deadline + 10000, `${kind}: the last one was closed after ${seen.last_ms} ms`);
        }
        await world.judge();
    },
    async one_address_cannot_take_all_places(world) {
        const limit = 100; // of each of the two workers
        const attackers = await startAttackers(world, { hello: 4 * limit, from: 2, perSecond: 500, steady: true });
        const other = await startAttackers(world, { head: limit / 2, from: 3, steady: true });
        await Promise.all([attackers.ready(), other.ready()]);
        const paid = await Promise.all(Array.from({ length: 20 }, () => world.pay(world.payment(), { agent: new https.Agent({ ca: world.ca }) })));
        equal(paid.map((entry) => entry.status), paid.map(() => 201), 'honest payments over new connections');
        const first = await attackers.result();
        const second = await other.result();
        equal(first.kinds.hello.closed, 4 * limit, 'all closed in the end');
        const refused = Number(/turnpike_http_refused_total\{reason="address_limit"\} (\d+)/.exec((await world.call('GET', world.ops + '/metrics')).raw)?.[1] ?? 0);
        assert(refused >= 2 * limit, `${refused} of ${4 * limit} were refused for their address`);
        equal(second.kinds.head.failed, 0, 'another address is not concerned');
    },
    async a_large_body_is_read_for_those_alone_who_may_send_it(world) {
        const send = (key, length, body) => exchange({ port: world.port, ca: world.ca, body, bytes: Buffer.from([
            'POST /v1/payout-batches HTTP/1.1', 'Host: localhost', ...(key ? [`Authorization: Bearer ${key}`] : []), 'Idempotency-Key: large', 'Content-Type: application/json',
            'Expect: 100-continue', `Content-Length: ${length}`, '', ''].join('\r\n')) });
        const size = 3 << 20;
        const body = Buffer.concat([Buffer.from('{"nonsense":1'), Buffer.alloc(size - 14, ' '), Buffer.from('}')]);
        for (const [name, key, length, status, wasAsked] of [
            ['nobody', undefined, size, 401, false], ['a wrong key', `${world.key.slice(0, -4)}AAAA`, size, 401, false], ['finance', world.financeKey, size, 403, false],
            ['too much', world.key, (8 << 20) + 1, 413, false], ['the merchant', world.key, size, 400, true],
        ]) {
            const got = await send(key, length, body);
            equal([got.answers.map((a) => a.status), got.wasAsked], [[status], wasAsked], `${name}: answers, was the body asked for`);
        }
    },
    async what_is_no_tls_is_closed_at_once(world) {
        const got = await exchange({ port: world.port, bytes: Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), slow: true });
        equal([got.answers.length, got.rest], [0, ''], 'no answer');
    },
    async a_bound_merchant_is_served_over_its_client_certificate_alone(world) {
        const mine = opensslClient(world, 'mine');
        const stranger = opensslClient(world, 'stranger');
        const agents = Object.fromEntries([['mine', mine], ['stranger', stranger], ['none', {}]].map(([name, { key, cert }]) => [name, new https.Agent({ ca: world.ca, key, cert, keepAlive: true })]));
        const ask = async (agent, key = world.key) => (await world.call('GET', `${world.api}/v1/payments?limit=1`, { key, agent: agents[agent] })).status;
        equal(await ask('none'), 200, 'before it is bound');
        const bound = world.admin('merchants', 'bind', world.merchant, '--certificate', mine.file);
        equal([bound.client_keys.length, bound.test_client_keys.length], [0, 1], 'the twin alone');
        await until('it is known to the workers', async () => (await Promise.all(Array.from({ length: 8 }, () => world.call('GET', `${world.api}/v1/payments`, { key: world.key, agent: new https.Agent({ ca: world.ca }) })))).every((a) => a.status === 401));
        equal([await ask('none'), await ask('stranger'), await ask('mine')], [401, 401, 200], 'none, another one, its own');
        equal([await ask('none', world.financeKey), await ask('mine', world.financeKey)], [401, 200], 'its other keys');
        const paid = await world.pay(world.payment(), { agent: agents.mine });
        equal([paid.status, paid.answer.status], [201, 'succeeded'], 'a payment');
        const refused = await world.pay(world.payment(), { agent: agents.stranger });
        equal([refused.status, refused.answer.code, refused.headers['content-type']], [401, 'unauthenticated', 'application/problem+json'], 'refused');
        world.admin('merchants', 'unbind', world.merchant);
        await until('it is free again', async () => (await ask('none')) === 200);
        Object.values(agents).forEach((agent) => agent.destroy());
        await world.judge();
    },
    async the_operations_listener_lets_in_certificates_of_its_authority_alone(world) {
        const signed = opensslClient(world, 'operator', true);
        const stranger = opensslClient(world, 'nobody');
        const usual = world.agent;
        world.options.settings = { ...settings, ops_client_ca: world.at('tls/ca.pem'), ops_client_required: 'yes' };
        world.writeConfig();
        await world.stopGateway();
        world.agent = new https.Agent({ ca: world.ca, key: signed.key, cert: signed.cert, keepAlive: true });
        await world.startGateway(); // asks /readyz with the certificate
        for (const [name, agent] of [['none', usual], ['a stranger', new https.Agent({ ca: world.ca, key: stranger.key, cert: stranger.cert })]]) {
            for (const page of ['/livez', '/metrics', '/dashboard']) {
                const got = await world.call('GET', world.ops + page, { agent }).then((a) => a.status, (error) => error.code ?? error.message);
                assert(typeof got === 'string', `${name} read ${page}: ${got}`);
            }
        }
        equal((await world.call('GET', world.ops + '/metrics')).status, 200, 'its own');
        equal((await world.pay(world.payment(), { agent: usual })).status, 201, 'merchants are not concerned');
        world.agent.destroy();
        world.agent = usual;
        world.options.settings = settings;
        world.writeConfig();
        await world.stopGateway();
        await world.startGateway();
    },
    async settings_that_make_no_sense_are_refused(world) {
        for (const [set, wanted] of [
            ['ops_client_required=yes', /ops_client_required needs ops_client_ca/], ['trusted_proxies=10.0.0.0/33', /trusted_proxies: "10.0.0.0\/33" is no address/],
            ['http_large_body_bytes_max=2048', /at least http_body_bytes_max/], ['http_buffer_bytes_max=1048576', /at least 2 x http_large_body_bytes_max/], ['http_connection_count_max=10', /http_connection_count_max must be/],
        ]) {
            const got = spawnSync(binary, ['check', '--config', world.at('turnpike.conf'), '--set', set], { encoding: 'utf8', cwd: top });
            assert(got.status === 1 && wanted.test(got.stderr) && got.stderr.trim().split('\n').length === 1, `${set}: ${got.stderr}`);
        }
    },
});
