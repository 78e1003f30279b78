// Reload, upgrade and workers that die: no request is lost but those in a killed worker's hands, and those settle.
// RELOADS=1000 KILLS=100 node tests/e2e/reload.mjs reloads_and_kills_lose_nothing (make reloads) is the campaign.
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, chmodSync, readFileSync, readlinkSync, renameSync, symlinkSync, unlinkSync, writeFileSync, mkdirSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import https from 'node:https';
import { suite, assert, equal, until, top } from './lib.mjs';
import { Load } from './reload_load.mjs';

const built = path.resolve(top, process.env.BUILD ?? 'build', 'turnpike');
const reloads = Number(process.env.RELOADS ?? 10);
const kills = Number(process.env.KILLS ?? 3);

function run(world, command, ...more) {
    const done = spawnSync(world.binary ?? built, [command, '--config', world.at('turnpike.conf'), ...more], { encoding: 'utf8', cwd: top });
    return { status: done.status, out: done.stdout.trim(), err: done.stderr.trim() };
}
// The same without holding up this process, whose clients go on.
function start(world, command) {
    return new Promise((done) => {
        const child = spawn(world.binary ?? built, [command, '--config', world.at('turnpike.conf')], { cwd: top });
        let said = '';
        child.stdout.on('data', (chunk) => { said += chunk; });
        child.stderr.on('data', (chunk) => { said += chunk; });
        child.once('close', (status) => done({ status, said: said.trim() }));
    });
}
// A connection of its own each time: nothing is kept that a reload could end.
function ask(world, url, timeoutMs = 20000) {
    return world.call('GET', world.ops + url, { agent: new https.Agent({ ca: world.ca, keepAlive: false }), timeoutMs });
}
async function metric(world, name) {
    const text = (await ask(world, '/metrics')).raw;
    const line = text.split('\n').find((l) => l.startsWith(name + ' '));
    return line === undefined ? 0 : Number(line.slice(name.length + 1));
}
const generation = (world) => metric(world, 'turnpike_generation');
function logLines(world, wanted) {
    return readFileSync(world.at('log/gateway.log'), 'utf8').split('\n').filter((l) => l.includes(wanted));
}
// Workers that serve: the master's children, when no older ones drain and no check runs. What would keep those
// waiting, idle connections of ours, is closed before.
async function serving(world) {
    world.agent.destroy();
    return until('all workers serve', async () => {
        const text = (await ask(world, '/readyz?verbose')).raw;
        const all = world.workers();
        return /workers 2 of 2, generation \d+$/m.test(text) && all.length === 2 && all;
    }, 60000);
}
// Connections to the API as the kernel counts them, accepted or not.
function clientsOf(world) {
    return readFileSync('/proc/net/tcp', 'utf8').split('\n').map((line) => line.trim().split(/\s+/))
        .filter(([, local, , state]) => local && state === '01' && parseInt(local.split(':')[1], 16) === world.port).length;
}
function configure(world, settings) {
    world.options = { ...world.options, settings: { ...world.options.settings, ...settings } }; // of this world alone
    world.writeConfig();
}

// Wide margins: what a test means to wait for is short, what it must never meet is seconds away.
const settings = { heartbeat_late_ms: 8000, http_handshake_ms: 30000, drain_idle_ms: 10000, provider_answer_ms: 8000, answer_ms: 10000, lease_ms: 12000, dead_after_ms: 12000 };

await suite('reload', { workers: 2, delayMs: 20, settings }, {
    async reloads_and_kills_lose_nothing(world) {
        await serving(world);
        const load = new Load(world);
        const from = Date.now();
        load.start(16, 8, 150);
        await load.flows(50);
        let done = 0;
        let refused = 0;
        let slowest = 0;
        const killEvery = kills > 0 ? reloads / kills : Infinity;
        while (done < reloads || load.kills.length < kills) {
            const due = load.kills.length < kills && done >= killEvery * load.kills.length;
            const duringReload = due && load.kills.length % 2 === 1;
            if (due && !duringReload) await killOne(world, load);
            const begin = Date.now();
            const reload = start(world, 'reload');
            if (duringReload) {
                await new Promise((done) => setTimeout(done, Math.random() * 100)); // any moment of it
                await killOne(world, load);
            }
            const { status, said } = await reload;
            // A new worker that is killed before it serves ends that reload, and nothing else.
            if (status !== 0 && duringReload && /new workers died|check died/.test(said)) refused++;
            else equal(status, 0, `reload ${done}: ${said}`);
            if (status === 0) done++;
            slowest = Math.max(slowest, Date.now() - begin);
            if (done % 50 === 0) console.log(`     ${done} reloads, ${load.kills.length} kills, ${load.answered} answers, ${Date.now() - from} ms`);
        }
        await load.flows(50);
        await load.stop();
        const verdict = { reloads: done, kills: load.kills.length, refused_by_a_kill: refused, ...await load.settle(), slowest_reload_ms: slowest, ms: Date.now() - from };
        mkdirSync(path.join(top, 'var'), { recursive: true });
        writeFileSync(path.join(top, 'var/reloads.json'), JSON.stringify(verdict) + '\n');
        console.log('     ' + JSON.stringify(verdict));
    },
    async a_bad_configuration_changes_nothing(world) {
        const before = { generation: await generation(world), workers: await serving(world) };
        const refused = logLines(world, '"reload refused').length; // by the cases before
        const counted = () => metric(world, 'turnpike_reloads_total{kind="reload",result="refused"}');
        const countedBefore = await counted() ?? 0;
        const good = readFileSync(world.at('turnpike.conf'), 'utf8');
        const rules = world.at('rules');
        const key = world.at('secrets/other.key');
        copyFileSync(path.join(top, 'config/example.rules'), rules);
        spawnSync('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key]);
        chmodSync(key, 0o600);
        writeFileSync(world.at('secrets/short'), 'too short', { mode: 0o600 });
        writeFileSync(rules + '.bad', 'route nonsense\n');
        writeFileSync(world.at('long.pem'), Buffer.concat([world.ca, Buffer.alloc(4 << 20, '# a remark\n')])); // more than is kept
        for (const [change, wanted] of [
            ['api_prot = 1', /turnpike\.conf:\d+: there is no setting "api_prot"/],
            ['answer_ms = many', /turnpike\.conf:\d+: answer_ms must be a whole number/],
            ['lease_ms = 1000', /turnpike\.conf:\d+: lease_ms stands twice/],
            [`rules_file = ${rules}.bad`, /rules\.bad/],
            [`tls_key = ${key}`, /other\.key: it does not belong to the certificate/],
            [`master_secret_file = ${world.at('secrets/short')}`, /short holds fewer than 32 bytes/],
            [`ops_client_ca = ${world.at('long.pem')}`, /ops_client_ca: cannot read .*long\.pem: it is longer than 4 MB/],
            ['drain_ms = 2000', /drain_ms must be above answer_ms/],
        ]) {
            const name = change.split(' ')[0];
            const twice = change.startsWith('lease_ms');
            writeFileSync(world.at('turnpike.conf'), (twice ? good : good.replace(new RegExp(`^${name} = .*\n`, 'm'), '')) + change + '\n');
            const lines = logLines(world, '"reload refused').length;
            world.gateway.kill('SIGHUP');
            const line = await until(`${change} is refused`, () => logLines(world, '"reload refused')[lines]);
            assert(wanted.test(JSON.parse(line).error), `${change}: ${line}`);
            const { status, err } = run(world, 'check');
            assert(status === 1 && wanted.test(err) && err.split('\n').length === 1, `${change}: ${status} ${err}`);
        }
        const { status, err } = run(world, 'reload');
        assert(status === 1 && /drain_ms must be above/.test(err) && err.split('\n').length === 1, `the command says so: ${status} ${err}`);
        equal(logLines(world, '"reload refused').length - refused, 9, 'one line in the log each');
        equal(await counted() - countedBefore, 9, 'counted');
        equal({ generation: await generation(world), workers: world.workers() }, before, 'generation and workers');
        writeFileSync(world.at('turnpike.conf'), good);
    },
    async a_worker_replaced_later_has_the_checked_files(world) {
        const rules = world.at('rules');
        copyFileSync(path.join(top, 'config/example.rules'), rules);
        configure(world, { rules_file: rules });
        equal(run(world, 'reload').status, 0, 'reload');
        writeFileSync(rules, 'half edited');
        const old = await serving(world);
        process.kill(old[0], 'SIGKILL');
        const now = await until('another worker', async () => { const all = world.workers(); return all.length === 2 && !all.includes(old[0]) && all; });
        await serving(world);
        for (let i = 0; i < 8; i++) equal((await world.pay(undefined, { agent: new https.Agent({ ca: world.ca }) })).answer?.status, 'succeeded', 'afterwards');
        equal(world.workers(), now, 'workers stay');
        const { status, err } = run(world, 'reload');
        assert(status === 1 && err.includes(rules), `the edited file is refused by its name: ${err}`);
        copyFileSync(path.join(top, 'config/example.rules'), rules);
    },
    async settings_that_need_a_restart_are_named_and_kept(world) {
        configure(world, { api_port: world.port + 5, workers: 3, breaker_open_ms: 4000, http_idle_ms: 60000 });
        const { status, out } = run(world, 'reload');
        assert(status === 0, out);
        const line = JSON.parse(logLines(world, 'follow only at a restart').at(-1));
        equal(line.settings, 'api_port, workers, breaker_open_ms', 'named');
        assert((await serving(world)).length === 2, 'two workers as before');
        equal((await world.pay()).answer?.status, 'succeeded', 'on the old port');
        configure(world, { api_port: world.port, workers: 2, breaker_open_ms: 5000 });
    },
    async new_connections_get_the_new_certificate(world) {
        const serial = (socket) => socket.getPeerCertificate().serialNumber;
        const connect = () => new Promise((done, fail) => {
            const socket = tls.connect({ port: world.port, host: '127.0.0.1', ca: world.ca }, () => done(socket));
            socket.once('error', fail);
        });
        const old = await connect();
        const before = serial(old);
        // Another one of the same CA.
        const sh = (...args) => equal(spawnSync('openssl', args, { encoding: 'utf8' }).status, 0, args.join(' '));
        sh('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', world.at('tls/new.key'));
        chmodSync(world.at('tls/new.key'), 0o600);
        sh('req', '-new', '-key', world.at('tls/new.key'), '-subj', '/CN=localhost', '-out', world.at('tls/new.csr'));
        writeFileSync(world.at('tls/new.ext'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
        sh('x509', '-req', '-in', world.at('tls/new.csr'), '-CA', world.at('tls/ca.pem'), '-CAkey', world.at('tls/ca.key'), '-CAcreateserial', '-days', '30', '-extfile', world.at('tls/new.ext'), '-out', world.at('tls/new.pem'));
        configure(world, { tls_certificate: world.at('tls/new.pem'), tls_key: world.at('tls/new.key') });
        equal(run(world, 'reload').status, 0, 'reload');
        for (let i = 0; i < 6; i++) {
            const socket = await connect();
            assert(serial(socket) !== before, 'the new certificate');
            socket.destroy();
        }
        // The old connection is served once more, and told to go.
        let said = '';
        old.on('data', (chunk) => { said += chunk; });
        old.write('GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
        await new Promise((done) => old.once('end', done));
        assert(/^HTTP\/1\.1 200 /.test(said) && /\r\nConnection: close\r\n/.test(said), said.slice(0, 200));
        old.destroy();
    },
    async requests_in_the_queue_of_a_dead_or_hung_worker_are_served(world) {
        for (const hang of [false, true]) {
            const workers = await serving(world);
            for (const pid of workers) process.kill(pid, 'SIGSTOP');
            // Nobody accepts: all of these wait in the kernel.
            const running = Array.from({ length: 12 }, () => world.pay(undefined, { agent: new https.Agent({ ca: world.ca }), timeoutMs: 60000 }));
            await until('they are connected', () => clientsOf(world) >= 12);
            if (!hang) for (const pid of workers) process.kill(pid, 'SIGKILL');
            for (const entry of await Promise.all(running)) equal([entry.status, entry.answer?.status, entry.error], [201, 'succeeded', undefined], hang ? 'hung' : 'killed');
            const now = await serving(world);
            assert(now.every((pid) => !workers.includes(pid)), 'all replaced');
        }
        await world.judge();
    },
    async a_slow_payment_is_answered_by_the_worker_that_took_it(world) {
        await world.fault({ provider: 'paypal', operation: 'charge', kind: 'slow', delay_ms: 3000 });
        await world.fault({ provider: 'payoneer', operation: 'charge', kind: 'slow', delay_ms: 3000 });
        const before = Number(world.psql('SELECT count(*) FROM payments'));
        const running = Array.from({ length: 10 }, () => world.pay());
        await until('they are in hand', () => Number(world.psql('SELECT count(*) FROM payments')) === before + 10);
        equal(run(world, 'reload').status, 0, 'reload');
        for (const entry of await Promise.all(running)) {
            equal([entry.status, entry.answer?.status], [201, 'succeeded'], 'answered');
            equal(entry.headers.connection, 'close', 'and told to go');
        }
        await world.noFaults();
        await serving(world);
        await world.judge();
    },
    async a_storm_of_reloads_is_one_or_two(world) {
        const before = await generation(world);
        let most = 0;
        const until2 = Date.now() + 2000;
        while (Date.now() < until2) {
            world.gateway.kill('SIGHUP');
            most = Math.max(most, world.workers().length);
            await new Promise((done) => setTimeout(done, 1));
        }
        await serving(world);
        assert((await generation(world)) > before, 'reloaded');
        assert(most <= 2 * 4 + 1, `${most} processes at a time`); // four generations and a check
        equal((await world.pay()).answer?.status, 'succeeded', 'afterwards');
    },
    async an_upgrade_in_place_loses_nothing(world) {
        await world.stopGateway();
        const lay = (name, how) => { // a new file under the old name, as packages do it
            how(world.at(name));
            symlinkSync(name, world.at('link.new'));
            renameSync(world.at('link.new'), world.at('turnpike'));
        };
        const copy = (to) => { copyFileSync(built, to); chmodSync(to, 0o755); };
        lay('turnpike-1', copy);
        world.binary = world.at('turnpike');
        await world.startGateway();
        const { pid } = world.gateway;
        const boots = () => world.psql('SELECT count(DISTINCT boot_id) FROM writers WHERE slot > 0');
        const boot = boots();
        const program = () => path.basename(readlinkSync(`/proc/${pid}/exe`));
        equal(program(), 'turnpike-1', 'before');
        const load = new Load(world);
        load.start(12, 4, 150);
        await load.flows(50);
        lay('turnpike-2', copy);
        equal(await start(world, 'upgrade').then(({ status, said }) => [status, /generation/.test(said) || said]), [0, true], 'upgrade');
        equal(program(), 'turnpike-2', 'after');
        equal(boots(), boot, 'the old writers are not taken for dead');
        await load.flows(50);
        // A worker of the program before is replaced by one of ours while both are there.
        lay('turnpike-3', copy);
        const upgrade = start(world, 'upgrade');
        await killOne(world, load);
        const third = await upgrade;
        assert(third.status === 0 || /new workers died|check died/.test(third.said), third.said);
        equal(program(), 'turnpike-3', 'after the next');
        await load.flows(50);
        // Programs that do not work are not executed.
        for (const [name, how, wanted] of [
            ['turnpike-4', (to) => writeFileSync(to, '#!/bin/sh\necho "no such library" >&2\nexit 127\n', { mode: 0o755 }), /no such library/],
            ['turnpike-5', (to) => writeFileSync(to, readFileSync(built).subarray(0, 4096), { mode: 0o755 }), /cannot execute|signal/],
            ['turnpike-6', (to) => writeFileSync(to, 'x', { mode: 0o644 }), /cannot execute .*Permission denied/],
        ]) {
            lay(name, how);
            const asked = Date.now();
            world.gateway.kill('SIGUSR2');
            await until(`${name} is refused`, () => logLines(world, '"reload refused').some((l) => wanted.test(l) && Date.parse(JSON.parse(l).time) >= asked - 5));
            equal(program(), 'turnpike-3', 'as before');
        }
        await load.flows(50);
        await load.stop();
        equal(world.gateway.pid, pid, 'the same process');
        console.log('     ' + JSON.stringify(await load.settle()));
        await serving(world);
        unlinkSync(world.at('turnpike'));
        await world.stopGateway();
        world.binary = undefined;
        await world.startGateway();
    },
    async an_upgrade_refused_after_its_check_goes_on(world) {
        const workers = await upgradeIntoABrokenConfiguration(world);
        for (let i = 0; i < 4; i++) equal((await world.pay(undefined, { agent: new https.Agent({ ca: world.ca }) })).answer?.status, 'succeeded', 'the workers of before');
        // Whoever replaces one of them has the files and settings of before; and they are watched.
        process.kill(workers[0], 'SIGKILL');
        await until('another worker', () => { const all = world.workers(); return all.length === 2 && !all.includes(workers[0]); });
        await serving(world);
        for (let i = 0; i < 8; i++) equal((await world.pay(undefined, { agent: new https.Agent({ ca: world.ca }) })).answer?.status, 'succeeded', 'one replaced');
        process.kill(workers[1], 'SIGSTOP');
        await until('the hung one is killed', () => logLines(world, '"a worker is silent').some((l) => JSON.parse(l).worker_pid === workers[1]), 90000);
        await until('the hung one is replaced', () => !world.workers().includes(workers[1]));
        await serving(world);
        world.writeConfig();
        equal(run(world, 'reload').status, 0, 'repaired');
        await serving(world);
        equal((await world.pay()).answer?.status, 'succeeded', 'afterwards');
        await world.judge();
    },
    async stopping_after_a_refused_upgrade_serves_who_waits(world) {
        await stopWhileSomeWait(world, await upgradeIntoABrokenConfiguration(world));
        world.writeConfig();
        await world.startGateway();
    },
    async a_crash_loop_is_slowed_and_readyz_says_so(world) {
        await serving(world);
        let deaths = 0;
        // All but the oldest, as soon as they appear; it goes on answering.
        const killer = setInterval(() => {
            for (const pid of world.workers().slice(1)) {
                try { process.kill(pid, 'SIGKILL'); deaths++; } catch { /* already gone */ }
            }
        }, 20);
        try {
            await until('readyz says so', async () => {
                const answer = await ask(world, '/readyz?verbose', 2000).catch(() => undefined); // half of them meet nobody
                return answer?.status === 503 && /1 die again and again/.test(answer.raw);
            }, 60000);
        } finally {
            clearInterval(killer);
        }
        assert(deaths >= 3, `${deaths} deaths`);
        const [line] = logLines(world, 'die again and again');
        assert(line !== undefined, 'and the log');
        await until('it ends', async () => (await ask(world, '/readyz', 2000).catch(() => undefined))?.status === 200, 60000);
        await serving(world);
        equal((await world.pay()).answer?.status, 'succeeded', 'afterwards');
    },
    async stopping_serves_who_waits_in_the_queues(world) {
        await stopWhileSomeWait(world, await serving(world));
        await world.startGateway();
    },
    async stopping_amid_a_reload_is_clean(world) {
        const before = Number(world.psql('SELECT count(*) FROM payments'));
        const running = Array.from({ length: 20 }, () => world.pay());
        await until('some are in hand', () => Number(world.psql('SELECT count(*) FROM payments')) > before);
        world.gateway.kill('SIGHUP');
        const ended = await world.stopGateway();
        equal(ended, { code: 0, signal: null }, 'exit');
        await Promise.all(running);
        assert(run(world, 'reload').err.includes('no gateway runs on state_folder'), 'nobody there');
        await world.startGateway();
        await world.settled();
        await world.judge();
    },
    async a_reload_without_the_database_is_possible(world) {
        world.killDatabase();
        const { status, out } = run(world, 'reload');
        equal([status, /done/.test(out)], [0, true], 'reload');
        await until('PostgreSQL starts again', () => { world.startDatabase(); return true; }, 30000);
        await until('payments flow', async () => (await world.pay()).status === 201, 30000);
        world.log = world.log.filter((entry) => entry.status === 201);
        await world.settled();
        await world.judge();
    },
});

// They wait in the queues of sockets on which nobody accepts, until the gateway is told to stop.
async function stopWhileSomeWait(world, workers) {
    const stops = logLines(world, '"draining","workers"').length;
    for (const pid of workers) process.kill(pid, 'SIGSTOP');
    const running = Array.from({ length: 8 }, () => world.pay(undefined, { agent: new https.Agent({ ca: world.ca }), timeoutMs: 60000 }));
    // More than a worker accepts in one turn of its loop before it sees the signal.
    const strangers = Array.from({ length: 160 }, () => world.call('GET', world.api + '/openapi.json', { agent: new https.Agent({ ca: world.ca }), timeoutMs: 60000 }).catch((error) => error));
    await until('they are connected', () => clientsOf(world) >= 168);
    world.gateway.kill('SIGTERM');
    await until('told to stop', () => logLines(world, '"draining","workers"').length > stops);
    for (const pid of workers) process.kill(pid, 'SIGCONT');
    for (const entry of await Promise.all(running)) equal([entry.status, entry.answer?.status, entry.error], [201, 'succeeded', undefined], 'answered');
    const lost = (await Promise.all(strangers)).filter((answer) => !(answer.status > 0)).map((error) => error.message);
    equal(lost, [], 'strangers without an answer');
    equal(await world.gateway.ended, { code: 0, signal: null }, 'exit');
}
// The new program is a script that leaves the configuration alone while it checks, and breaks it before it serves.
async function upgradeIntoABrokenConfiguration(world) {
    const program = world.at('program');
    await world.stopGateway();
    copyFileSync(built, program);
    chmodSync(program, 0o755);
    world.binary = program;
    await world.startGateway();
    world.binary = undefined;
    const workers = await serving(world);
    const [refused, taken] = [logLines(world, '"reload refused').length, logLines(world, '"took over').length];
    const script = `#!/bin/bash\n[ "$1" = check ] || echo 'api_prot = 1' >>'${world.at('turnpike.conf')}'\nexec -a '${program}' '${built}' "$@"\n`;
    writeFileSync(program + '.new', script, { mode: 0o755 });
    renameSync(program + '.new', program);
    world.gateway.kill('SIGUSR2');
    const line = await until('the upgrade is refused', () => logLines(world, '"reload refused')[refused]);
    assert(/the new program goes on with workers and settings of before: .*api_prot/.test(JSON.parse(line).error), line);
    equal(logLines(world, '"took over').length, taken + 1, 'by the new program');
    equal(world.workers(), workers, 'the workers of before');
    return workers;
}
// One of the workers, whatever it does at this moment.
async function killOne(world, load) {
    await until('a worker is killed', () => {
        const now = world.workers();
        load.kill(now[Math.floor(Math.random() * now.length)]); // throws when it has just ended
        return true;
    });
}
