// The malformed requests through haproxy and nginx: whatever the proxy makes of them, nothing is smuggled.
//
// Judged by three things. An answer that belongs to somebody else: after each malformed request a second client
// pays over the same upstream connection and must get its own answer. A payment nobody was told of: each row
// must have been answered to the client that sent it. A request within a body: it never becomes a row.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { buildMatrix } from '../attack/matrix.mjs';
import { exchange } from '../attack/raw.mjs';
import { suite, assert, equal, until, top } from './lib.mjs';

const proxies = {
    haproxy: { config: 'haproxy.cfg', command: (file) => ['haproxy', ['-db', '-f', file]], words: { LENIENT: '' } },
    'lenient haproxy': { config: 'haproxy.cfg', command: (file) => ['haproxy', ['-db', '-f', file]], words: { LENIENT: 'option accept-invalid-http-request' } },
    nginx: { config: 'nginx.conf', command: (file, folder) => ['nginx', ['-p', folder, '-c', file, '-g', 'daemon off;']], words: { LENIENT: '', HOST: '$host', BUFFERING: 'on' } },
    'lenient nginx': {
        config: 'nginx.conf', command: (file, folder) => ['nginx', ['-p', folder, '-c', file, '-g', 'daemon off;']],
        words: { LENIENT: 'ignore_invalid_headers off; underscores_in_headers on; merge_slashes off;', HOST: '$http_host', BUFFERING: 'off' },
    },
};

function freePort() {
    return new Promise((done) => {
        const server = createServer();
        server.listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => done(port)); });
    });
}

async function startProxy(world, name) {
    const { config, command, words } = proxies[name];
    const folder = world.at(name.replace(' ', '-'));
    mkdirSync(folder, { recursive: true });
    const port = await freePort();
    let text = readFileSync(path.join(top, 'tests/attack', config), 'utf8');
    for (const [word, value] of Object.entries({ ...words, FOLDER: folder, PORT: port, GATEWAY: world.port, CA: world.at('tls/ca.pem') })) text = text.replaceAll(`@${word}@`, value);
    const file = path.join(folder, config);
    writeFileSync(file, text);
    const [program, args] = command(file, folder);
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
    const said = [];
    child.stderr.on('data', (chunk) => said.push(chunk));
    child.ended = new Promise((done) => child.once('exit', done));
    await until(`${name} answers`, async () => {
        assert(child.exitCode === null, `${name} ended: ${Buffer.concat(said)}`);
        const got = await exchange({ port, bytes: Buffer.from('GET /v1/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n'), boundMs: 2000 });
        return got.answers[0]?.status === 404;
    });
    return { port, stop: async () => { child.kill('SIGTERM'); await child.ended; } };
}

function payment(world, reference) {
    const body = JSON.stringify({ amount: 100, currency: 'EUR', reference, method: { type: 'test', outcome: 'approved' } });
    return Buffer.from(`POST /v1/payments HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${world.key}\r\nIdempotency-Key: "${reference}"\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
}

async function payHonestly(world, port, reference) {
    const got = await exchange({ port, bytes: payment(world, reference) });
    let paid;
    try { paid = JSON.parse(got.answers[0].body); } catch { /* told below */ }
    if (got.answers.length === 1 && got.answers[0].status === 201 && paid?.reference === reference) return undefined;
    return `the second client got ${JSON.stringify(got.answers.map((a) => `${a.status} ${a.body.slice(0, 120)}`))} ${got.how}`;
}

async function runMatrix(world, name) {
    const proxy = await startProxy(world, name);
    const tag = name.replace(' ', '-');
    const cases = buildMatrix({ key: world.key, host: 'localhost', tag });
    const wrong = [];
    const told = new Set(); // references that somebody was answered 201 for
    const statuses = {};
    for (const [at, item] of cases.entries()) {
        const title = `${item.family}: ${item.name}`;
        try {
            const got = await exchange({ port: proxy.port, ...item, answers: 99, slow: item.slow || !item.half, idleMs: 150 });
            for (const answer of got.answers) {
                statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
                if (answer.status === 201) told.add(JSON.parse(answer.body).reference);
            }
            const most = item.family === 'pipeline' ? 99 : item.open ? 3 : 2;
            if (got.answers.length > most) wrong.push(`${title}: ${got.answers.length} answers`);
        } catch (error) {
            wrong.push(`${title}: ${error.message}`);
        }
        const complaint = await payHonestly(world, proxy.port, `${tag}-honest-${at}.`);
        if (complaint) wrong.push(`${title}: ${complaint}`);
    }
    const upstream = Number(/turnpike_http_connections\{listener="api"\} (\d+)/.exec((await world.call('GET', world.ops + '/metrics')).raw)[1]);
    assert(upstream <= 1, `${upstream} upstream connections: the second client did not come over the same one`);
    await proxy.stop();
    const made = new Set(world.psql('SELECT reference FROM payments WHERE reference IS NOT NULL').split('\n'));
    for (const item of cases) {
        const title = `${item.family}: ${item.name}`;
        if (made.has(item.inner) && !item.open) wrong.push(`${title}: the request within the body was smuggled`);
        for (const part of [item.evil, item.inner, item.next]) {
            if (made.has(part) && !told.has(part)) wrong.push(`${title}: a payment for ${part} that nobody was told of`);
        }
    }
    console.log(`     ${name}: ${cases.length} requests, answers ${JSON.stringify(statuses)}, ${told.size} payments of well-formed parts, all told`);
    equal(wrong, [], `through ${name}`);
    for (let i = 0; i < cases.length; i++) assert(made.has(`${tag}-honest-${i}.`), `honest payment ${i}`);
    await world.judge();
}

await suite('attack_proxy', { workers: 1, settings: { http_head_ms: 3000, http_body_ms: 6000, trusted_proxies: '127.0.0.1' } }, {
    async nothing_is_smuggled_through_haproxy(world) { await runMatrix(world, 'haproxy'); },
    async nothing_is_smuggled_through_a_lenient_haproxy(world) { await runMatrix(world, 'lenient haproxy'); },
    async nothing_is_smuggled_through_nginx(world) { await runMatrix(world, 'nginx'); },
    async nothing_is_smuggled_through_a_lenient_nginx(world) { await runMatrix(world, 'lenient nginx'); },
    async a_thousand_clients_of_one_proxy_are_not_limited_by_its_address(world) {
        world.options.settings = { ...world.options.settings, http_connection_per_address_max: 4, trusted_proxies: '192.0.2.0/24 127.0.0.1/32' };
        world.writeConfig();
        await world.stopGateway();
        await world.startGateway();
        const paid = await Promise.all(Array.from({ length: 40 }, () => world.pay()));
        equal(paid.map((entry) => entry.status), paid.map(() => 201), 'payments over forty connections');
    },
});
