// Reports that the gateway makes regularly: each period once, the same as `turnpike ledger` writes, through kill -9 in the
// middle, on two gateways, after failures; told to the merchant's webhook endpoint.
import https from 'node:https';
import { createHash, createHmac } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, assert, equal, until, top, freePorts, World } from './lib.mjs';

const binary = path.resolve(top, process.env.BUILD ?? 'build', 'turnpike');
const hourMs = 3600e3;
const iso = (ms) => new Date(ms).toISOString();

function ledger(world, ...args) {
    const done = spawnSync(binary, ['ledger', ...args], { cwd: top, encoding: 'utf8', maxBuffer: 512 << 20,
        env: { ...process.env, PGHOST: world.socket, PGPORT: '5432', PGUSER: 'e2e_finance', PGDATABASE: 'turnpike' } });
    equal(done.status, 0, `turnpike ledger ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
}
const child = (pid, name) => {
    try {
        return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
            .find((one) => { try { return readFileSync(`/proc/${one}/comm`, 'utf8').trim() === name; } catch { return false; } });
    } catch { return undefined; }
};
const runs = (world, where = 'true') => world.rows(`SELECT *, extract(epoch FROM period_from) * 1000 AS from_ms, extract(epoch FROM period_to) * 1000 AS to_ms, encode(sha256, 'hex') AS sha FROM report_runs WHERE ${where} ORDER BY name, period_from`);
const left = (folder) => readdirSync(folder).filter((name) => name.startsWith('.'));

// What stands in reports_file from now on; folders are made.
function say(world, reports) {
    world.reports = reports;
    for (const one of Object.values(reports)) mkdirSync(one.folder ?? world.at('reports'), { recursive: true });
    writeFileSync(world.at('reports.conf'), Object.entries(reports).map(([name, keys]) => `[${name}]\n` +
        Object.entries({ merchant: world.booksId, folder: world.at('reports'), wait_minutes: 0, ...keys }).map(([k, v]) => `${k} = ${v}\n`).join('')).join('\n'));
}
// The same, and the gateway is told.
async function tell(world, reports) {
    const before = child(world.gateway.pid, 'reporter');
    say(world, reports);
    const done = spawnSync(binary, ['reload', '--config', world.at('turnpike.conf')], { cwd: top, encoding: 'utf8' });
    equal(done.status, 0, `reload: ${done.stderr}`);
    await until('another reporter is there', () => { const now = child(world.gateway.pid, 'reporter'); return now && now !== before; });
}
const allMade = (world, names, least = 1) => until(`${names} are made`, () => names.every((name) => {
    const all = runs(world, `name = '${name}'`);
    return all.length >= least && all.every((run) => run.state === 'made');
}), 120000);

// Rows in times gone by, of a merchant whose books nobody else compares.
function seed(world, count, at) {
    world.psql(`INSERT INTO transfers (merchant_id, transfer_id, payment_id, attempt_id, writer_id, created_at, amount_minor, batch_no, state, debit_account, credit_account, currency, kind)
        SELECT '${world.booksUuid}', (lpad(to_hex(${at} + n % 1000), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, gen_random_uuid(), gen_random_uuid(),
               '00000000-0000-0000-0000-000000000000', to_timestamp((${at} + n % 1000) / 1000.0), 100 + n, 0, 'posted',
               CASE WHEN n % 3 = 0 THEN 'suspense' ELSE 'bank:main' END, CASE WHEN n % 3 = 0 THEN 'bank:main' ELSE 'suspense' END, (ARRAY['CHF', 'JPY', 'BHD'])[n % 3 + 1], 'entry'
        FROM generate_series(1, ${count}) n`);
}
class Reporting extends World {
    static async start(name, options) {
        const world = await super.start(name, options);
        const made = world.admin('merchants', 'create', '--name', 'Books', '--country', 'US');
        world.booksId = made.test_id;
        world.booksUuid = world.psql(`SELECT merchant_id FROM merchants WHERE finance.show_id('mer', merchant_id) = '${made.test_id}'`);
        world.unseenId = made.id;
        world.booksKey = world.admin('keys', 'create', '--merchant', made.test_id, '--role', 'merchant').key;
        world.psql(`INSERT INTO finance_access (login, merchant_id) VALUES ('e2e_finance', '${world.booksUuid}')`);
        const now = Date.now();
        for (let back = 1; back <= 5; back++) seed(world, 20, now - now % hourMs - back * hourMs + 1000);
        for (let back = 1; back <= 40; back += 3) seed(world, 10, now - back * 24 * hourMs);
        world.psql('BEGIN; DELETE FROM balance_marks; DELETE FROM balance_snapshots; COMMIT'); // put in by hand
        return world;
    }
    writeConfig() {
        writeFileSync(this.at('reports.conf'), '# none yet\n');
        this.options.settings = { ...this.options.settings, reports_file: this.at('reports.conf'), reports_database: this.conninfo('e2e_finance'),
            delivery_ca_file: this.at('tls/ca.pem'), delivery_allowed_networks: '127.0.0.0/8' };
        super.writeConfig();
    }
}

// As `turnpike ledger` writes the same now; what says when it was made is left out.
function again(world, run) {
    const keys = world.reports[run.name];
    const period = ['--from', iso(run.from_ms), '--to', iso(run.to_ms), '--merchant', world.booksId];
    if (run.what === 'trial-balance') return ledger(world, 'trial-balance', '--format', 'csv', '--as-of', iso(run.to_ms), '--merchant', world.booksId);
    return ledger(world, 'export', '--format', run.what, ...period, ...(keys.account ? ['--account', keys.account] : []));
}
const timeless = (text) => text.replace(/, written by turnpike at .*/, '').replace(/<(CreDtTm|MsgId)>.*?<\//g, '<$1></');
function right(world, run) {
    const text = readFileSync(path.join(world.reports[run.name].folder ?? world.at('reports'), run.file), 'utf8');
    equal(timeless(text), timeless(again(world, run)), `${run.file}, as it is exported`);
    equal([createHash('sha256').update(text).digest('hex'), Buffer.byteLength(text)], [run.sha, run.byte_count], `${run.file}: hash and size`);
    return text;
}

await suite('reports', { workers: 1, settings: { delivery_schedule: '1s 1s' }, World: Reporting }, {
    async each_period_that_is_over_is_made_as_it_is_exported(world) {
        const since = (ms) => iso(Date.now() - ms).slice(0, 10);
        const reports = {
            hours: { what: 'csv', period: 'hour', since: since(0) }, days: { what: 'jsonl', period: 'day', since: since(8 * 24 * hourMs) },
            weeks: { what: 'trial-balance', period: 'week', since: since(15 * 24 * hourMs) }, months: { what: 'hledger', period: 'month' },
            bank: { what: 'camt053', period: 'month', account: 'bank:main' }, beans: { what: 'beancount', period: 'month', announce: 'no' },
            tries: { what: 'attempts-csv', period: 'day' }, part: { what: 'csv', period: 'day', account: 'bank:main' },
        };
        const before = Date.now();
        await tell(world, reports);
        await allMade(world, Object.keys(reports).filter((name) => name !== 'hours')); // just after midnight there is no hour
        await until('all hours are made', () => runs(world, "name = 'hours' AND state = 'made'").length >= new Date(before).getUTCHours());
        const all = runs(world);
        for (const run of all) {
            right(world, run);
            assert(run.to_ms <= Date.now() && run.tries === 1 && run.error === '', `${run.file} is of a period that is over`);
        }
        const of = (name) => all.filter((run) => run.name === name);
        assert(of('days').length >= 8 && of('months').length === 1 && of('weeks').length >= 2, `periods: ${all.map((run) => run.file)}`);
        for (const name of ['hours', 'days', 'weeks']) of(name).slice(1).forEach((run, i) => equal(run.from_ms, of(name)[i].to_ms, `${name} leave nothing out`));
        assert(of('days').some((run) => run.row_count > 0) && of('weeks').every((run) => run.row_count > 0), 'there is something in them');
        const day = iso(Date.now() - 24 * hourMs).slice(0, 10);
        assert(existsSync(world.at(`reports/days-${day}.jsonl`)), `days-${day}.jsonl`);
        equal(left(world.at('reports')), [], 'nothing else is left in the folder');
    },
    async finance_sees_what_was_made(world) {
        const listed = JSON.parse(ledger(world, 'reports', '--format', 'json', '--merchant', world.booksId));
        equal(listed.map((r) => [r.report, r.file, r.state, r.sha256]), runs(world).map((r) => [r.name, r.file, r.state, r.sha]), 'turnpike ledger reports');
        equal(JSON.parse(ledger(world, 'reports', '--format', 'json', '--name', 'days')).length, runs(world, "name = 'days'").length, '--name');
        equal(JSON.parse(ledger(world, 'reports', '--format', 'json', '--failed')), [], '--failed');
        world.psql('CREATE ROLE e2e_nobody LOGIN IN ROLE turnpike_finance');
        equal(world.rows('SELECT * FROM finance.reports', 'e2e_nobody'), [], 'nobody else sees them');
    },
    async a_period_that_was_missed_is_made_afterwards(world) {
        const [first, second] = runs(world, "name = 'days'");
        const file = path.join(world.at('reports'), second.file);
        world.psql(`DELETE FROM report_runs WHERE name = 'days' AND period_from > '${first.period_from}'`); // as if the gateway had been down
        rmSync(file);
        writeFileSync(file.replace(second.file, 'days-of-others.jsonl'), 'mine');
        await tell(world, { days: { what: 'jsonl', period: 'day' } });
        await until('they are made', () => runs(world, "name = 'days' AND state = 'made'").length >= 8);
        for (const run of runs(world, "name = 'days'")) right(world, run);
        equal(readFileSync(world.at('reports/days-of-others.jsonl'), 'utf8'), 'mine', 'no other file is touched');
    },
    async a_webhook_tells_of_it_signed(world) {
        const calls = [];
        const port = await freePorts(1);
        const server = https.createServer({ cert: readFileSync(world.at('tls/gateway.pem')), key: readFileSync(world.at('tls/gateway.key')) }, (request, answer) => {
            const chunks = [];
            request.on('data', (chunk) => chunks.push(chunk));
            request.on('end', () => { calls.push({ headers: request.headers, body: Buffer.concat(chunks).toString() }); answer.writeHead(204); answer.end(); });
        });
        await new Promise((done) => server.listen(port, '127.0.0.1', done));
        const made = await world.call('POST', `${world.api}/v1/webhook-endpoints`, { body: { url: `https://127.0.0.1:${port}/hooks`, event_types: ['report.ready'] }, key: world.booksKey });
        equal(made.status, 201, made.raw);
        await tell(world, { told: { what: 'csv', period: 'day' }, silent: { what: 'csv', period: 'day', announce: 'no' } });
        await allMade(world, ['told', 'silent']);
        await until('the endpoint is told', () => calls.length > 0);
        const [run] = runs(world, "name = 'told'");
        const [{ headers, body }] = calls;
        const json = JSON.parse(body);
        equal([json.type, json.livemode, json.id], ['report.ready', false, headers['webhook-id']], 'the event');
        const shown = (ms) => iso(ms);
        equal({ ...json.data, made_at: '' }, { object: 'report', name: 'told', what: 'csv', period: 'day', from: shown(run.from_ms), to: shown(run.to_ms), file: run.file, rows: run.row_count, bytes: run.byte_count, sha256: run.sha, made_at: '' }, 'data');
        equal(createHash('sha256').update(readFileSync(world.at(`reports/${json.data.file}`))).digest('hex'), json.data.sha256, 'the file is there when it is told');
        const secret = Buffer.from(made.json.secret.slice(6), 'base64');
        const signature = createHmac('sha256', secret).update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`).digest('base64');
        assert(headers['webhook-signature'].split(' ').includes(`v1,${signature}`), 'it is signed');
        equal(world.rows(`SELECT count(*)::int AS n FROM hook_deliveries WHERE type = 'report.ready' AND merchant_id = '${world.booksUuid}'`)[0].n, 1, 'one delivery');
        await new Promise((done) => { server.close(done); server.closeAllConnections(); });
    },
    async killed_in_the_middle_it_leaves_no_half_file_and_makes_it_again(world) {
        const yesterday = Date.now() - Date.now() % (24 * hourMs) - 12 * hourMs;
        for (let i = 0; i < 10; i++) seed(world, 20000, yesterday + i * 2000);
        const folder = world.at('large');
        const name = `large-${iso(yesterday).slice(0, 10)}.csv`;
        const seen = new Set(); // what was left half by those before
        await tell(world, { large: { what: 'csv', period: 'day', folder } });
        while (seen.size < 3) {
            const half = await until('a part of the file is written', () => {
                assert(!existsSync(path.join(folder, name)), `it is made before it could be killed ${seen.size + 1} times`);
                return left(folder).find((one) => { try { return !seen.has(one) && statSync(path.join(folder, one)).size > 0; } catch { return false; } });
            });
            seen.add(half);
            const pid = child(world.gateway.pid, 'reporter');
            process.kill(pid, 'SIGKILL');
            await until('it is gone', () => child(world.gateway.pid, 'reporter') !== pid);
            assert(!existsSync(path.join(folder, name)), 'there is no half file');
            equal(runs(world, "name = 'large'").map((run) => run.state), ['making'], 'it is not made');
        }
        await allMade(world, ['large']);
        const [run] = runs(world, "name = 'large'");
        const text = right(world, run);
        equal([run.tries, run.row_count, text.trim().split('\r\n').length - 1 >= 200000], [4, text.trim().split('\r\n').length - 1, true], 'tries and rows');
        equal(left(folder), [], 'what was left half is gone');
    },
    async of_two_gateways_one_makes_it(world) {
        const port = await freePorts(2);
        mkdirSync(world.at('state2'), { mode: 0o700 });
        writeFileSync(world.at('second.conf'), readFileSync(world.at('turnpike.conf'), 'utf8').replace(/^api_port.*$/m, `api_port = ${port}`).replace(/^ops_port.*$/m, `ops_port = ${port + 1}`).replace(/^state_folder.*$/m, `state_folder = ${world.at('state2')}`));
        const names = Array.from({ length: 12 }, (_, i) => `twice-${i}`);
        say(world, Object.fromEntries(names.map((name) => [name, { what: 'csv', period: 'day', since: iso(Date.now() - 3 * 24 * hourMs).slice(0, 10) }])));
        const second = world.spawn('second', ['serve', '--config', world.at('second.conf')]);
        const reload = spawnSync(binary, ['reload', '--config', world.at('turnpike.conf')], { cwd: top, encoding: 'utf8' });
        equal(reload.status, 0, reload.stderr);
        await until('both have a reporter', () => child(second.pid, 'reporter') && child(world.gateway.pid, 'reporter'));
        await allMade(world, names, 3);
        second.kill('SIGTERM');
        await second.ended;
        const all = runs(world, "name LIKE 'twice-%'");
        const told = ['gateway', 'second'].flatMap((log) => readFileSync(world.at(`log/${log}.log`), 'utf8').split('\n').filter((line) => line.includes('"made a report"')).map((line) => JSON.parse(line).file));
        for (const run of all) {
            right(world, run);
            equal([run.tries, run.epoch, told.filter((file) => file === run.file).length], [1, 1, 1], `${run.file} is made once`);
        }
    },
    async what_fails_says_why_and_is_made_when_it_can(world) {
        const folder = world.at('away');
        await tell(world, { fine: { what: 'csv', period: 'day' } });
        await allMade(world, ['fine']);
        mkdirSync(folder);
        // A merchant that the login does not see; a folder that goes; an account on which nothing is.
        const reports = { unseen: { what: 'csv', period: 'day', merchant: world.unseenId }, nothing: { what: 'camt053', period: 'day', account: 'bank:none' }, fine2: { what: 'csv', period: 'day' } };
        await tell(world, reports);
        await allMade(world, ['fine2']);
        await until('two have failed', () => runs(world, "state = 'failed'").length === 2);
        const [nothing, unseen] = runs(world, "state = 'failed'");
        assert(/sees no merchant/.test(unseen.error) && /nothing was posted/.test(nothing.error), `${unseen.error}; ${nothing.error}`);
        assert(!existsSync(world.at(`reports/${unseen.file}`)) && !existsSync(world.at(`reports/${nothing.file}`)), 'no file');
        equal(left(world.at('reports')), [], 'nothing is left of them');
        const failed = JSON.parse(ledger(world, 'reports', '--failed', '--format', 'json'));
        assert(failed.length === 1 && failed[0].report === 'nothing' && /nothing was posted/.test(failed[0].error) && failed[0].next_at !== null, JSON.stringify(failed));
        world.psql(`INSERT INTO finance_access (login, merchant_id) SELECT 'e2e_finance', merchant_id FROM merchants WHERE finance.show_id('mer', merchant_id) = '${world.unseenId}'; UPDATE report_runs SET next_at = now() WHERE name = 'unseen'`);
        await tell(world, { unseen: reports.unseen });
        await allMade(world, ['unseen']);
        equal(runs(world, "name = 'unseen'").map((run) => [run.tries, run.error]), [[2, '']], 'made with the second try');
    },
    async a_file_that_is_wrong_is_refused(world) {
        const good = readFileSync(world.at('reports.conf'), 'utf8');
        const refused = (text, part, settings = '') => {
            writeFileSync(world.at('bad.conf'), readFileSync(world.at('turnpike.conf'), 'utf8').replace(/^reports_file.*$/m, `reports_file = ${world.at('bad-reports.conf')}`).replace(settings === '' ? /$^/ : /^reports_database.*$/m, settings));
            writeFileSync(world.at('bad-reports.conf'), text);
            const done = spawnSync(binary, ['serve', '--config', world.at('bad.conf')], { cwd: top, encoding: 'utf8', timeout: 20000 });
            assert(done.status !== 0 && done.stderr.includes(part), `${part}: exit ${done.status}: ${done.stderr}`);
        };
        refused('[a]\nwhat = xlsx\n', 'bad-reports.conf:2: what is csv');
        refused(good.replace(/^folder.*$/m, 'folder = /nowhere'), '/nowhere');
        refused(good, 'reports_file needs reports_database', 'reports_database =');
    },
});
