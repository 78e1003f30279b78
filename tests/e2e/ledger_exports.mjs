// Exports that are asked for over HTTP: the same bytes as `turnpike ledger` writes, through kill -9 in the middle, fetched in constant
// memory however slow the reader, so many of a merchant at once, nobody else's, and gone when they were kept long enough.
import https from 'node:https';
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { suite, assert, equal, until, top, World } from './lib.mjs';

const binary = path.resolve(top, process.env.BUILD ?? 'build', 'turnpike');
const ask = (world, method, at, { key = world.booksKey, ...rest } = {}) => world.call(method, `${world.api}/v1/ledger/exports${at}`, { key, ...rest });
const child = (pid, name) => {
    try {
        return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
            .find((one) => { try { return readFileSync(`/proc/${one}/comm`, 'utf8').trim() === name; } catch { return false; } });
    } catch { return undefined; }
};
const anonymous = (pid) => Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
async function order(world, body, options) {
    const answer = await ask(world, 'POST', '', { body, ...options });
    equal([answer.status, answer.headers.location], [202, `/v1/ledger/exports/${answer.json?.id}`], answer.raw);
    return answer.json;
}
const shown = async (world, id, options) => (await ask(world, 'GET', `/${id}`, options)).json;
const over = (world, id, options, ms = 90000) => until(`${id} is over`, async () => { const one = await shown(world, id, options); return ['made', 'failed', 'expired'].includes(one.state) && one; }, ms);
const made = async (world, id) => { const one = await over(world, id); equal([one.state, one.error], ['made', null], JSON.stringify(one)); return one; };
function ledger(world, ...args) {
    const done = spawnSync(binary, ['ledger', ...args, '--merchant', world.booksId], { cwd: top, encoding: 'utf8', maxBuffer: 512 << 20,
        env: { ...process.env, PGHOST: world.socket, PGPORT: '5432', PGUSER: 'e2e_finance', PGDATABASE: 'turnpike' } });
    equal(done.status, 0, `turnpike ledger ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
}
const timeless = (text) => text.replace(/, written by turnpike at .*/, '').replace(/<(CreDtTm|MsgId)>.*?<\//g, '<$1></');
// The file, as a client that takes `pause` ms for each piece gets it.
function fetched(world, id, pause = 0, watch = () => {}) {
    return new Promise((resolve, reject) => {
        const hash = createHash('sha256');
        let bytes = 0;
        https.get(`${world.api}/v1/ledger/exports/${id}/content`, { headers: { authorization: `Bearer ${world.booksKey}` }, ca: readFileSync(world.at('tls/ca.pem')), agent: false }, async (res) => {
            try {
                for await (const piece of res) { hash.update(piece); bytes += piece.length; watch(bytes); if (pause) await new Promise((go) => setTimeout(go, pause)); }
                resolve({ status: res.statusCode, headers: res.headers, bytes, sha256: hash.digest('hex') });
            } catch (error) { reject(error); }
        }).on('error', reject);
    });
}

class Exporting extends World {
    static async start(name, options) {
        const world = await super.start(name, options);
        const books = world.admin('merchants', 'create', '--name', 'Books', '--country', 'US');
        world.booksId = books.test_id;
        world.booksUuid = world.psql(`SELECT merchant_id FROM merchants WHERE finance.show_id('mer', merchant_id) = '${books.test_id}'`);
        world.booksKey = world.admin('keys', 'create', '--merchant', books.test_id, '--role', 'finance').key;
        world.unseenKey = world.admin('keys', 'create', '--merchant', books.id, '--role', 'finance').key; // e2e_finance sees it not
        world.psql(`INSERT INTO finance_access (login, merchant_id) VALUES ('e2e_finance', '${world.booksUuid}')`);
        world.psql(`INSERT INTO transfers (merchant_id, transfer_id, payment_id, attempt_id, writer_id, created_at, amount_minor, batch_no, state, debit_account, credit_account, currency, kind)
            SELECT '${world.booksUuid}', overlay(overlay(md5(n::text)::uuid::text PLACING substr(balance_floor(at)::text, 1, 13) FROM 1) PLACING '7000-8' FROM 15)::uuid, gen_random_uuid(), gen_random_uuid(),
                   '00000000-0000-0000-0000-000000000000', at, 100 + n, 0, 'posted', CASE WHEN n % 3 = 0 THEN 'suspense' ELSE 'bank:main' END, CASE WHEN n % 3 = 0 THEN 'bank:main' ELSE 'suspense' END,
                   (ARRAY['CHF', 'JPY', 'BHD'])[n % 3 + 1], 'entry'
            FROM (SELECT n, now() - interval '40 days' + n * interval '20 s' AS at FROM generate_series(1, 150000) n) g`);
        world.psql('BEGIN; DELETE FROM balance_marks; DELETE FROM balance_snapshots; COMMIT; ANALYZE transfers'); // put in by hand
        return world;
    }
    writeConfig() {
        mkdirSync(this.at('exports'), { recursive: true });
        this.options.settings = { ...this.options.settings, exports_folder: this.at('exports'), reports_database: this.conninfo('e2e_finance'), exports_open_max: 3 };
        super.writeConfig();
    }
}

await suite('ledger_exports', { workers: 1, World: Exporting }, {
    async each_kind_is_what_the_command_line_writes(world) {
        const day = (back) => new Date(Date.now() - back * 86400e3).toISOString().slice(0, 10);
        const first = (back) => `${day(back)}T00:00:00Z`; // the command line takes a last day whole
        for (const [what, account, suffix, type] of [['csv', null, 'csv', 'text/csv'], ['jsonl', 'bank:main', 'jsonl', 'application/jsonl'], ['hledger', null, 'hledger', 'text/plain'], ['ledger', null, 'ledger', 'text/plain'],
            ['beancount', null, 'beancount', 'text/plain'], ['attempts-csv', null, 'csv', 'text/csv'], ['camt053', 'bank:main', 'xml', 'application/xml'], ['trial-balance', null, 'csv', 'text/csv']]) {
            const asked = await order(world, { what, from: day(9), to: day(7), ...(account ? { account } : {}) });
            equal([asked.object, asked.state, asked.what, asked.account, asked.rows, asked.from, asked.to], ['ledger_export', 'waiting', what, account, 0, `${day(9)}T00:00:00.000Z`, `${day(7)}T00:00:00.000Z`], what);
            const one = await made(world, asked.id);
            const answer = await ask(world, 'GET', `/${one.id}/content`);
            const same = what === 'trial-balance' ? ledger(world, 'trial-balance', '--format', 'csv', '--as-of', first(7)) : ledger(world, 'export', '--format', what, '--from', first(9), '--to', first(7), ...(account ? ['--account', account] : []));
            assert(timeless(answer.raw) === timeless(same), `${what}: ${answer.raw.length} bytes, ${same.length} by the command line`);
            equal([answer.status, answer.headers['content-type'].split(';')[0], answer.headers['content-disposition'], Number(answer.headers['content-length'])], [200, type, `attachment; filename="${one.id}.${suffix}"`, one.bytes], what);
            equal([createHash('sha256').update(answer.raw).digest('hex'), Buffer.byteLength(answer.raw)], [one.sha256, one.bytes], `${what}: hash and size`);
            assert(what === 'attempts-csv' ? one.rows === 0 : one.rows > 0, `${what}: rows ${one.rows}`);
            equal(Date.parse(one.expires) - Date.parse(one.made), 72 * 3600e3, 'kept for 72 hours');
        }
        const all = [];
        for (let after = ''; ; after = `&starting_after=${all.at(-1).id}`) {
            const page = (await ask(world, 'GET', `?limit=3${after}`)).json;
            all.push(...page.data);
            if (!page.has_more) break;
        }
        equal([all.length, all.map((one) => one.id)], [8, all.map((one) => one.id).sort().reverse()], 'all, newest first, each once');
    },
    async a_slow_reader_costs_no_memory_and_a_killed_exporter_begins_again(world) {
        const asked = await order(world, { what: 'csv' });
        await until('it is being made', async () => (await shown(world, asked.id)).state === 'making' && child(world.gateway.pid, 'exporter'));
        process.kill(child(world.gateway.pid, 'exporter'), 'SIGKILL');
        const one = await made(world, asked.id);
        equal(one.rows, 150000, 'all rows');
        equal(world.rows(`SELECT tries, epoch FROM report_runs WHERE name = '${one.id}'`).map((r) => r.tries > 1 && r.epoch > 1), [true], 'it was begun twice');
        equal(readdirSync(world.at('exports')).filter((name) => name.startsWith('.')), [], 'nothing half done is left');
        equal(createHash('sha256').update(ledger(world, 'export', '--format', 'csv', '--to', one.to)).digest('hex'), one.sha256, 'as it is exported');
        assert(one.bytes > 15e6, `${one.bytes} bytes`);
        const worker = child(world.gateway.pid, readFileSync(`/proc/${world.gateway.pid}/comm`, 'utf8').trim()) ?? Number(readFileSync(`/proc/${world.gateway.pid}/task/${world.gateway.pid}/children`, 'utf8').split(' ')[0]);
        const before = anonymous(worker);
        let most = 0;
        const all = await Promise.all([0, 0, 8].map((pause) => fetched(world, one.id, pause, () => { most = Math.max(most, anonymous(worker)); })));
        for (const got of all) equal([got.status, got.bytes, got.sha256], [200, one.bytes, one.sha256], 'whole');
        assert(most - before < 4000, `the worker has ${most - before} kB more while it sends ${one.bytes} bytes thrice`);
    },
    async so_many_at_once_and_each_is_made(world) {
        const exporter = await until('the exporter', () => child(world.gateway.pid, 'exporter'));
        process.kill(exporter, 'SIGSTOP');
        const answers = await Promise.all(Array.from({ length: 8 }, () => ask(world, 'POST', '', { body: { what: 'trial-balance' } })));
        const taken = answers.filter((a) => a.status === 202).map((a) => a.json);
        assert(taken.length >= 1 && taken.length <= 3, `${taken.length} are taken`);
        while (taken.length < 3) taken.push(await order(world, { what: 'trial-balance' }));
        const more = await ask(world, 'POST', '', { body: { what: 'trial-balance' } });
        equal([more.status, more.json.code, Boolean(more.headers['retry-after'])], [429, 'rate_limited', true], 'one more');
        for (const answer of answers.filter((a) => a.status !== 202)) equal(answer.status, 429, answer.raw);
        equal((await ask(world, 'GET', `/${taken[0].id}/content`)).status, 409, 'it is not made');
        process.kill(exporter, 'SIGCONT');
        for (const one of taken) await made(world, one.id);
        await made(world, (await order(world, { what: 'trial-balance' })).id);
    },
    async what_fails_says_why_and_is_tried_again(world) {
        renameSync(world.at('exports'), world.at('moved'));
        const asked = await order(world, { what: 'csv' });
        const waits = await until('it failed once', async () => { const one = await shown(world, asked.id); return one.error && one; });
        equal(waits.state, 'waiting', 'it is tried again');
        assert(waits.error.includes('cannot write'), waits.error);
        renameSync(world.at('moved'), world.at('exports'));
        world.psql(`UPDATE report_runs SET next_at = now() WHERE name = '${asked.id}'`);
        await made(world, asked.id);
        const unseen = await order(world, { what: 'csv' }, { key: world.unseenKey });
        for (let i = 0; i < 3; i++) {
            await until(`try ${i + 1}`, () => world.rows(`SELECT tries FROM report_runs WHERE name = '${unseen.id}' AND state = 'failed'`)[0]?.tries === i + 1);
            world.psql(`UPDATE report_runs SET next_at = now() WHERE name = '${unseen.id}'`);
        }
        const failed = await shown(world, unseen.id, { key: world.unseenKey });
        assert(failed.state === 'failed' && failed.error.length > 10 && failed.made === null, JSON.stringify(failed));
        equal((await ask(world, 'GET', `/${unseen.id}/content`, { key: world.unseenKey })).status, 409, 'nothing to fetch');
    },
    async nobody_sees_anothers(world) {
        const [mine] = (await ask(world, 'GET', '?limit=1')).json.data;
        for (const at of [`/${mine.id}`, `/${mine.id}/content`]) {
            equal((await ask(world, 'GET', at, { key: world.unseenKey })).status, 404, `the live twin: ${at}`);
            equal((await ask(world, 'GET', at, { key: world.financeKey })).status, 404, `another merchant: ${at}`);
            equal((await ask(world, 'GET', `${at}?merchant=${world.booksId}`, { key: world.financeKey })).status, 404, `by name: ${at}`);
            equal((await ask(world, 'GET', at, { key: world.operatorKey })).status, 400, `an operator says whose: ${at}`);
            equal((await ask(world, 'GET', `${at}?merchant=${world.booksId}`, { key: world.operatorKey })).status, 200, `an operator: ${at}`);
            equal((await ask(world, 'GET', at, { key: 'tpk_test_0' })).status, 401, 'without a key');
        }
        equal((await ask(world, 'GET', '', { key: world.financeKey })).json.data, [], 'another merchant has none');
        equal((await ask(world, 'GET', `/exp_01JDEX7T1V5M2Q9K8Z4R6W0C3B`)).status, 404, 'there is none');
        equal((await ask(world, 'GET', `/..%2f..%2fetc%2fpasswd/content`)).status, 404, 'no path');
    },
    async what_is_wrong_is_named(world) {
        for (const [body, param] of [[{}, 'what'], [{ what: 'xlsx' }, 'what'], [{ what: 'csv', from: 'soon' }, 'from'], [{ what: 'csv', to: '2099-01-01' }, 'to'], [{ what: 'csv', from: '2026-01-02', to: '2026-01-02' }, 'from'],
            [{ what: 'camt053' }, 'account'], [{ what: 'attempts-csv', account: 'bank:main' }, 'account'], [{ what: 'csv', account: 'nonsense' }, 'account'], [{ what: 'csv', format: 'csv' }, 'format']]) {
            const answer = await ask(world, 'POST', '', { body });
            equal([answer.status, answer.json.param], [422, param], JSON.stringify(body));
        }
        const early = await order(world, { what: 'csv', from: '1966-01-01', to: '1970-01-01' });
        equal((await made(world, early.id)).rows, 0, 'nothing was before');
    },
    async what_was_kept_long_enough_is_gone(world) {
        const [one] = (await ask(world, 'GET', '?limit=1')).json.data;
        const file = path.join(world.at('exports'), `${one.id}.csv`);
        assert(existsSync(file), file);
        world.psql(`UPDATE report_runs SET made_at = made_at - interval '73 hours' WHERE name = '${one.id}'`);
        equal((await until('it is expired', async () => { const now = await shown(world, one.id); return now.state === 'expired' && now; })).sha256, one.sha256, 'what it was is still known');
        assert(!existsSync(file), 'its file is removed');
        equal((await ask(world, 'GET', `/${one.id}/content`)).status, 409, 'no content');
    },
});
