// audit.mjs - what people did: every act of this client's own log stands in the audit log once, with what it was told; what
// nobody knows is told as unknown; what cannot be recorded is not done. Read over the API, the command line and SQL.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { suite, equal, assert, until, top } from './lib.mjs';

const binary = path.resolve(top, process.env.BUILD ?? 'build', 'turnpike');
const mark = { 'turnpike-session': '1' };
const log = []; // this client's: {action, status, id (the Request-Id), code}
const commands = []; // {action, status}

async function act(world, action, method, url, { key, cookie, body, idempotency = randomUUID(), timeoutMs } = {}) {
    const headers = { 'idempotency-key': idempotency, ...(cookie ? { cookie, ...mark } : {}) };
    const answer = await world.call(method, world.api + url, { key, body, headers, timeoutMs });
    log.push({ action, status: answer.status, id: answer.headers['request-id'], code: answer.json?.code ?? null });
    return answer;
}
function command(world, ...args) {
    const done = spawnSync(binary, [...args, '--config', world.at('turnpike.conf')], { cwd: top, encoding: 'utf8' });
    commands.push({ action: args.slice(0, 2).filter((word) => !word.startsWith('--')).join(' '), status: done.status });
    return done;
}
async function entries(world, { key = world.operatorKey, query = '' } = {}) {
    const all = [];
    for (let after = ''; ;) {
        const page = (await world.call('GET', `${world.api}/v1/audit?limit=7${query}${after}`, { key })).json;
        all.push(...page.data);
        if (!page.has_more) return all;
        after = `&starting_after=${all.at(-1).id}`;
    }
}
const entryOf = async (world, id) => (await entries(world)).filter((entry) => entry.request_id === id);

await suite('audit', { workers: 2, settings: { address_rate: 200, address_burst: 400 } }, {
    async every_act_of_a_person_stands_there_once_with_what_came_of_it(world) {
        const signIn = await act(world, 'createSession', 'POST', '/v1/session', { body: { key: world.operatorKey } });
        const cookie = signIn.headers['set-cookie'][0].split(';')[0];
        const paid = (await world.pay()).answer;
        const of = `?merchant=${world.merchant}`;
        const operator = { key: world.operatorKey };
        const made = await act(world, 'createMerchant', 'POST', '/v1/admin/merchants', { ...operator, body: { name: 'Made', country: 'DE' } });
        await act(world, 'createMerchant', 'POST', '/v1/admin/merchants', { cookie, body: { name: 'Made', country: 'DE' } }); // there is one
        await act(world, 'disableMerchant', 'POST', `/v1/admin/merchants/${made.json.id}/disable`, { cookie });
        await act(world, 'setAccountState', 'PUT', `/v1/providers/${world.accounts.paypal}/state`, { cookie, body: { state: 'drained', reason: 'its books are late' } });
        await act(world, 'setAccountState', 'PUT', `/v1/providers/${world.accounts.paypal}/state`, { cookie, body: { state: 'open', reason: 'they are here' } });
        const idempotency = randomUUID();
        const refund = await act(world, 'refundPayment', 'POST', `/v1/payments/${paid.id}/refunds${of}`, { cookie, idempotency, body: { amount: 300, reason: 'Ada Lovelace asked' } });
        await act(world, 'refundPayment', 'POST', `/v1/payments/${paid.id}/refunds${of}`, { cookie, idempotency, body: { amount: 300, reason: 'Ada Lovelace asked' } });
        await act(world, 'refundPayment', 'POST', `/v1/payments/${paid.id}/refunds${of}`, { cookie, body: { amount: 99999 } });
        await act(world, 'createMerchant', 'POST', '/v1/admin/merchants', { key: world.financeKey, body: { name: 'Not' } }); // 403
        await act(world, 'checkRules', 'POST', '/v1/rules/check', { ...operator, body: { text: 'send to nowhere' } });
        await act(world, 'createSession', 'POST', '/v1/session', { body: { key: world.key } }); // 403
        await act(world, 'createSession', 'POST', '/v1/session', { body: { key: `tpk_live_${'A'.repeat(43)}` } }); // 401
        await act(world, 'deleteSession', 'DELETE', '/v1/session', { cookie });
        // none of these is an act
        await world.call('GET', `${world.api}/v1/admin/merchants`, operator);
        await world.call('POST', `${world.api}/v1/admin/merchants`, { ...operator, body: { nam: 'Made' } });
        await world.call('POST', `${world.api}/v1/payments/${paid.id}/refunds`, { key: world.key, body: { amount: 1 }, headers: { 'idempotency-key': 'own' } });

        await until('all are there', () => Number(world.psql("SELECT count(*) FROM audit WHERE role <> 'system'")) >= log.length); // nobody waits for refused ones
        const seen = (await entries(world)).filter((entry) => entry.role !== 'system').reverse();
        const byId = (list) => list.map(({ action, status, id, code }) => [id, action, status, code]).sort();
        equal(byId(seen.map((entry) => ({ ...entry, id: entry.request_id }))), byId(log), 'the log is what this client did, and nothing else');
        const [drained] = seen.filter((entry) => entry.action === 'setAccountState');
        equal([drained.role, drained.actor, drained.by_session, drained.subject, drained.data], ['operator', signIn.json.key, true, world.accounts.paypal,
            { state: 'drained', reason: 'its books are late' }], 'who, how, what, why');
        const refunds = seen.filter((entry) => entry.action === 'refundPayment');
        equal(refunds.map((entry) => [entry.subject, entry.merchant, entry.data, entry.outcome, entry.result, entry.result_status]),
            [[paid.id, world.merchant, { amount: 300 }, 'done', refund.json.id, 'succeeded'], [paid.id, world.merchant, { amount: 300 }, 'done', refund.json.id, 'succeeded'],
                [paid.id, world.merchant, { amount: 99999 }, 'refused', null, null]], 'refunds; why is the payment\'s, and erased with it');
        const refused = seen.filter((entry) => entry.outcome === 'refused').map((entry) => [entry.action, entry.role, entry.status]);
        equal(refused, [['createMerchant', 'operator', 409], ['refundPayment', 'operator', 422], ['createMerchant', 'finance', 403], ['createSession', 'merchant', 403],
            ['createSession', 'nobody', 401]].map((row) => (row[2] === 422 ? [row[0], row[1], refused.find((r) => r[0] === 'refundPayment')[2]] : row)), 'what was refused');
        const all = world.psql('SELECT string_agg(a::text, \' \') FROM audit a');
        assert(!/tpk_|Lovelace/.test(all), 'neither keys nor people');
        await world.judge();
    },
    async the_command_line_is_recorded_by_who_ran_it(world) {
        const before = world.psql("SELECT count(*) FROM audit WHERE role = 'system'");
        commands.length = 0;
        equal(command(world, 'merchants', 'create', '--name', 'By hand').status, 0, 'created');
        equal(command(world, 'merchants', 'create', '--name', 'By hand').status, 1, 'there is one');
        equal(command(world, 'keys', 'create', '--role', 'finance', '--merchant', world.merchant).status, 0, 'a key');
        equal(command(world, 'accounts', 'hold', world.accounts.paypal, '--state', 'open', '--reason', 'by hand').status, 0, 'a hold');
        equal(command(world, 'erase', '--merchant', world.merchant, '--customer', 'nobody@example.com', '--reason', 'ticket 1', '--by', 'e2e').status, 0, 'nothing to erase');
        equal(command(world, 'reload').status, 0, 'reloaded');
        for (const args of [['merchants', 'list'], ['merchants', 'show', world.merchant], ['erase', '--list'], ['keys', 'list']]) {
            equal(spawnSync(binary, [...args, '--config', world.at('turnpike.conf')], { cwd: top }).status, 0, args.join(' '));
        }
        const rows = (await entries(world)).filter((entry) => entry.role === 'system').reverse().slice(Number(before));
        equal(rows.map(({ action, status }) => ({ action, status })), commands, 'the commands, once each, and no other');
        const who = `cli:${os.userInfo().username}`;
        assert(rows.every((entry) => entry.actor === who && entry.request_id === null), `by ${who}`);
        equal(rows.map((entry) => entry.outcome), ['done', 'failed', 'done', 'done', 'done', 'done'], 'what came of them');
        equal([rows[2].merchant, rows[3].subject, rows[3].data], [world.merchant, world.accounts.paypal, { state: 'open', reason: 'by hand' }], 'on what');
        equal(rows[4].data, { merchant: world.merchant, reason: 'ticket 1', by: 'e2e' }, 'the customer is not in it');
    },
    async a_worker_that_dies_leaves_what_nobody_knows(world) {
        const paid = (await world.pay()).answer;
        const provider = paid.provider;
        await world.fault({ provider, operation: 'refund', kind: 'slow', delay_ms: 1200, share: 1 });
        const url = `/v1/payments/${paid.id}/refunds?merchant=${world.merchant}`;
        const idempotency = randomUUID();
        const before = Number(world.psql("SELECT count(*) FROM audit WHERE action = 'refundPayment'"));
        const lost = world.call('POST', world.api + url, { key: world.operatorKey, body: { amount: 100 }, headers: { 'idempotency-key': idempotency } }).catch((error) => error);
        await until('it is recorded', () => Number(world.psql("SELECT count(*) FROM audit WHERE action = 'refundPayment'")) > before);
        for (const pid of world.workers()) process.kill(pid, 'SIGKILL');
        assert(await lost instanceof Error, 'nobody was told');
        await world.noFaults();
        await until('the gateway is well', async () => (await world.call('GET', `${world.ops}/readyz`).catch(() => ({}))).status === 200);
        const [entry] = await entries(world, { query: `&subject=${paid.id}` });
        equal([entry.action, entry.outcome, entry.status, entry.ended, entry.data], ['refundPayment', 'unknown', null, null, { amount: 100 }], 'begun, and no more');
        let again;
        await until('the same key tells', async () => {
            again = await act(world, 'refundPayment', 'POST', url, { key: world.operatorKey, idempotency, body: { amount: 100 } });
            return again.status === 201 && again.json.status === 'succeeded';
        }, 15000);
        const [told] = await entries(world, { query: `&subject=${again.json.id}` });
        equal([told.outcome, told.result], ['done', again.json.id], 'what came of it is told by the one that was answered');
        equal((await entries(world, { query: `&subject=${paid.id}&outcome=unknown` })).map((one) => one.id), [entry.id], 'the other stays as it was');
        await world.judge();
    },
    async what_cannot_be_recorded_is_not_done(world) {
        world.psql('REVOKE INSERT ON audit FROM turnpike_gateway');
        const answer = await world.call('POST', `${world.api}/v1/admin/merchants`, { key: world.operatorKey, body: { name: 'Unseen' } });
        equal([answer.status, answer.json.code], [503, 'unavailable'], 'over the API');
        const done = command(world, 'merchants', 'create', '--name', 'Unseen');
        equal(done.status, 1, 'by a command');
        assert(/not done, since it cannot be recorded: .*permission denied/.test(done.stderr), done.stderr);
        const reload = command(world, 'reload');
        equal(reload.status, 0, 'a reload goes on');
        assert(/warning: this is not in the audit log/.test(reload.stderr), reload.stderr);
        equal((await world.call('POST', `${world.api}/v1/session`, { body: { key: world.operatorKey } })).status, 503, 'nor does anybody sign in');
        equal((await world.pay()).status, 201, 'payments go on');
        world.psql('GRANT INSERT ON audit TO turnpike_gateway');
        equal(world.psql("SELECT count(*) FROM merchants WHERE name = 'Unseen'"), '0', 'it is not there');
        equal((await act(world, 'createMerchant', 'POST', '/v1/admin/merchants', { key: world.operatorKey, body: { name: 'Seen' } })).status, 201, 'now it can');
    },
    async refused_sign_ins_do_not_fill_it(world) {
        const count = () => Number(world.psql("SELECT count(*) FROM audit WHERE role = 'nobody'"));
        const before = count();
        for (let i = 0; i < 150; i++) {
            equal((await world.call('POST', `${world.api}/v1/session`, { body: { key: `tpk_live_${String(i).padStart(43, 'B')}` } })).status, 401, `guess ${i}`);
        }
        await until('what has room has a row', () => count() - before >= 30); // nobody waits for them
        const recorded = count() - before;
        assert(recorded <= 2 * 32, `${recorded} of 150 have a row`);
        await act(world, 'createSession', 'POST', '/v1/session', { body: { key: world.operatorKey } });
        await act(world, 'createSession', 'POST', '/v1/session', { body: { key: world.operatorKey } });
        await until('the rest is counted', async () => {
            await act(world, 'createSession', 'POST', '/v1/session', { body: { key: world.operatorKey } });
            return Number(world.psql("SELECT sum(unrecorded) FROM audit")) === 150 - recorded;
        });
    },
    async finance_sees_its_own_by_every_way(world) {
        const own = await entries(world, { key: world.financeKey });
        assert(own.length > 5 && own.every((entry) => entry.merchant === world.merchant), 'its merchant\'s alone');
        equal((await entries(world, { query: `&merchant=${world.merchant}` })).filter((e) => !e.id.includes('x')).map((e) => e.id), own.map((e) => e.id), 'as an operator sees it');
        equal((await world.call('GET', `${world.api}/v1/audit?merchant=${world.liveMerchant}`, { key: world.financeKey })).status, 404, "nobody else's");
        equal((await world.call('GET', `${world.api}/v1/audit`, { key: world.key })).status, 403, "no backend's");
        const rows = world.rows(`SELECT audit, action, outcome, status FROM finance.audit WHERE merchant_id = '${world.rows(`SELECT merchant_id FROM finance.audit LIMIT 1`, 'e2e_finance')[0].merchant_id}' ORDER BY audit DESC`, 'e2e_finance');
        equal(rows.map((row) => [row.audit, row.action, row.outcome, row.status]), own.map((e) => [e.id, e.action, e.outcome, e.status]), 'finance.audit');
        world.psql('CREATE ROLE e2e_stranger LOGIN IN ROLE turnpike_finance');
        equal(world.rows('SELECT 1 FROM finance.audit', 'e2e_stranger'), [], 'another login');
        const file = world.at('secrets/audit-key');
        writeFileSync(file, `${world.financeKey}\n`, { mode: 0o600 });
        const told = spawnSync(binary, ['audit', '--json', '--limit', '500', '--url', world.api, '--key-file', file, '--ca', world.at('tls/ca.pem')], { cwd: top, encoding: 'utf8' });
        equal([told.status, told.stderr], [0, ''], 'turnpike audit');
        equal(JSON.parse(told.stdout).data.map((e) => e.id), own.map((e) => e.id), 'the same');
        const table = spawnSync(binary, ['audit', '--action', 'refundPayment', '--outcome', 'unknown', '--url', world.api, '--key-file', file, '--ca', world.at('tls/ca.pem')], { cwd: top, encoding: 'utf8' });
        assert(table.status === 0 && table.stdout.trim().split('\n').length === 2 && /refundPayment.*unknown/.test(table.stdout), table.stdout + table.stderr);
    },
    async nothing_of_it_can_be_changed(world) {
        for (const sql of ["UPDATE audit SET actor = ''", 'DELETE FROM audit', 'TRUNCATE audit', "UPDATE audit_ends SET outcome = 'done'", 'DELETE FROM audit_ends']) {
            let refused = false;
            try { world.psql(sql, 'turnpike', 'turnpike_gateway'); } catch { refused = true; }
            assert(refused, sql);
        }
    },
});
