// session.mjs - people who sign in: what their cookie is good for, and what whoever took it, guessed it or sends it from
// another site gets.
import { spawnSync } from 'node:child_process';
import https from 'node:https';
import path from 'node:path';
import { suite, equal, assert, until, top } from './lib.mjs';

const binary = path.resolve(top, process.env.BUILD ?? 'build', 'turnpike');
const mark = { 'turnpike-session': '1' };
const forged = `tpk_live_${'A'.repeat(43)}`;

const post = (world, key, headers = {}) => world.call('POST', `${world.api}/v1/session`, { body: { key }, headers });
// A session: its cookie, and what was told of it.
async function signIn(world, key = world.operatorKey) {
    const answer = await post(world, key);
    equal(answer.status, 201, `sign-in: ${answer.raw}`);
    const [cookie, ...terms] = answer.headers['set-cookie'][0].split('; ');
    equal(terms.sort(), ['HttpOnly', 'Max-Age=28800', 'Path=/', 'SameSite=Strict', 'Secure'], 'what the browser is told of the cookie');
    return { cookie, ...answer.json };
}
const by = (world, { cookie }, url, { method = 'GET', headers = {}, body, agent } = {}) =>
    world.call(method, world.api + url, { body, agent, headers: { cookie, ...headers } });
// By a connection of its own: any of the workers may have it.
const anywhere = (world) => new https.Agent({ ca: world.ca, keepAlive: false });
async function everywhere(world, session, status, tries = 24) {
    for (let i = 0; i < tries; i++) {
        const answer = await by(world, session, '/v1/session', { agent: anywhere(world) });
        if (answer.status !== status) return false;
    }
    return true;
}
// A page that listens to events.
class Listener {
    constructor(world, { cookie }) {
        this.ended = false;
        this.status = new Promise((resolve) => {
            this.request = https.request(`${world.api}/v1/events/stream`, { agent: anywhere(world), headers: { cookie } }, (answer) => {
                answer.on('data', () => { this.has_begun = true; });
                for (const end of ['end', 'error', 'close']) answer.on(end, () => { this.ended = true; });
                resolve(answer.statusCode);
            });
            this.request.on('error', () => { this.ended = true; resolve(0); });
            this.request.end();
        });
    }
}

await suite('session', { workers: 2, settings: { address_rate: 200, address_burst: 400 } }, {
    async people_sign_in_and_out_everywhere(world) {
        const operator = await signIn(world);
        const finance = await signIn(world, world.financeKey);
        equal([operator.object, operator.role, operator.merchant, operator.livemode], ['session', 'operator', null, null], 'an operator');
        equal([finance.role, finance.merchant, finance.merchant_name, finance.livemode], ['finance', world.merchant, 'E2E', false], 'finance');
        equal(new Date(finance.expires) - new Date(finance.created), 8 * 3600 * 1000, 'eight hours');
        assert(await everywhere(world, operator, 200), 'every worker takes it');
        equal((await by(world, operator, '/v1/admin/merchants')).status, 200, 'it is the key');
        equal((await by(world, finance, '/v1/admin/merchants')).status, 403, 'and no more than the key');
        equal((await by(world, finance, '/v1/payments')).status, 200, 'finance reads');
        const out = await by(world, operator, '/v1/session', { method: 'DELETE', headers: mark });
        equal([out.status, out.raw], [204, ''], 'signed out');
        assert(out.headers['set-cookie'][0].startsWith('__Host-turnpike=; Max-Age=0;'), 'the browser forgets it');
        await until('no worker takes it any more', () => everywhere(world, operator, 401), 5000);
        assert(await everywhere(world, finance, 200), 'the other one goes on');
        const again = await signIn(world);
        assert(again.cookie !== operator.cookie && await everywhere(world, again, 200), 'another session of the same key');
    },
    async what_another_site_makes_a_browser_send_does_nothing(world) {
        const session = await signIn(world);
        const count = async () => (await by(world, session, '/v1/admin/merchants')).json.data.length;
        const before = await count();
        const own = { origin: world.api, 'sec-fetch-site': 'same-origin' };
        for (const headers of [{}, own, { ...mark, 'sec-fetch-site': 'cross-site' }, { ...mark, 'sec-fetch-site': 'same-site' }, { ...mark, 'sec-fetch-site': 'none' },
            { ...mark, origin: 'https://evil.example' }, { ...mark, origin: 'null' }, { ...mark, ...own, origin: world.ops }, { 'turnpike-session': '0' }]) {
            const answer = await by(world, session, '/v1/admin/merchants', { method: 'POST', headers, body: { name: 'Evil' } });
            equal([answer.status, answer.json.code], [403, 'forbidden'], JSON.stringify(headers));
        }
        equal((await by(world, session, '/v1/session', { method: 'DELETE' })).status, 403, 'nor does it sign out');
        equal((await by(world, session, '/v1/admin/merchants', { headers: { origin: 'https://evil.example' } })).status, 403, 'nor is it read');
        equal((await post(world, world.operatorKey, { origin: 'https://evil.example' })).status, 403, 'nor does it sign anybody in');
        equal(await count(), before, 'nothing was made');
        equal((await by(world, session, '/v1/admin/merchants', { method: 'POST', headers: { ...mark, ...own }, body: { name: 'Own' } })).status, 201, 'our own page');
        equal(await count(), before + 1, 'made it'); // its test twin is told with it
    },
    async no_bit_of_a_cookie_may_change(world) {
        const session = await signIn(world);
        const [name, value] = session.cookie.split('=');
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
        for (let at = 0; at < value.length; at++) { // one bit of each of its letters, in turns each of the six
            const letter = alphabet[alphabet.indexOf(value[at]) ^ (1 << at % 6)];
            const answer = await by(world, { cookie: `${name}=${value.slice(0, at)}${letter}${value.slice(at + 1)}` }, '/v1/session');
            equal(answer.status, 401, `letter ${at}`);
        }
        for (const cookie of [`${name}=`, `${name}=${value}A`, `${name}=${value.slice(1)}`, `turnpike=${value}`, `${session.cookie}; ${session.cookie}`]) {
            equal((await by(world, { cookie }, '/v1/session')).status, 401, cookie);
        }
        equal((await by(world, { cookie: `theme=dark; ${session.cookie}` }, '/v1/session')).status, 200, 'beside others it is found');
        equal((await by(world, session, '/v1/admin/merchants', { headers: { authorization: `Bearer ${forged}` } })).status, 401, 'a key that is sent goes before it');
    },
    async a_backends_key_is_no_session_and_guesses_are_limited(world) {
        equal((await post(world, world.key)).status, 403, "a merchant's key");
        equal((await post(world, 'tpk_live_short')).status, 401, 'no key');
        equal((await post(world, forged)).status, 401, 'a key of nobody');
        world.options = { ...world.options, settings: { ...world.options.settings, address_rate: 1, address_burst: 20 } };
        world.writeConfig();
        await world.stopGateway();
        await world.startGateway();
        let guesses = 0;
        let answer;
        for (; guesses < 100 && (answer = await post(world, `tpk_live_${String(guesses).padStart(43, 'A')}`)).status === 401;) guesses++;
        equal([answer.status, answer.json.code], [429, 'rate_limited'], `after ${guesses} guesses`);
        assert(guesses <= 40 && answer.headers['retry-after'], `${guesses} guesses, and when to come again`);
        equal((await by(world, { cookie: `__Host-turnpike=${'A'.repeat(124)}` }, '/v1/session')).status, 429, 'cookies are guesses, too');
        world.options = { ...world.options, settings: { ...world.options.settings, address_rate: 200, address_burst: 400 } };
        world.writeConfig();
        await world.stopGateway();
        await world.startGateway();
    },
    async a_session_outlives_restart_and_reload_and_its_end_does_too(world) {
        const kept = await signIn(world);
        const gone = await signIn(world);
        equal((await by(world, gone, '/v1/session', { method: 'DELETE', headers: mark })).status, 204, 'signed out');
        await world.killGateway();
        world.agent.destroy();
        await world.startGateway();
        assert(await everywhere(world, kept, 200, 8), 'after a restart');
        assert(await everywhere(world, gone, 401, 8), 'what was ended stays ended');
        const reload = spawnSync(binary, ['reload', '--config', world.at('turnpike.conf')], { encoding: 'utf8', cwd: top });
        equal(reload.status, 0, reload.stdout + reload.stderr);
        assert(await everywhere(world, kept, 200, 8), 'after a reload');
        assert(await everywhere(world, gone, 401, 8), 'likewise');
    },
    async a_session_ends_with_its_key(world) {
        const made = world.admin('keys', 'create', '--role', 'operator');
        const session = await signIn(world, made.key);
        equal((await by(world, session, '/v1/admin/merchants')).status, 200, 'it is a session');
        world.admin('keys', 'disable', made.id);
        await until('no worker takes it', () => everywhere(world, session, 401, 8), 5000);
        equal((await post(world, made.key)).status, 401, 'nor is there another');
    },
    async a_page_that_listens_is_cut_off_with_its_session(world) {
        const session = await signIn(world, world.financeKey);
        const other = await signIn(world, world.financeKey);
        const [cut, kept] = [new Listener(world, session), new Listener(world, other)];
        equal([await cut.status, await kept.status], [200, 200], 'both listen');
        equal((await by(world, session, '/v1/session', { method: 'DELETE', headers: mark, agent: anywhere(world) })).status, 204, 'one signs out');
        await until('its page hears nothing any more', () => cut.ended, 6000);
        assert(!kept.ended, "the other's goes on");
        kept.request.destroy();
    },
    async operators_read_and_act_for_a_merchant_in_their_own_name(world) {
        const session = await signIn(world);
        const finance = await signIn(world, world.financeKey);
        const held = (await world.pay(world.payment({ capture: 'manual' }))).answer;
        const paid = (await world.pay()).answer;
        const of = (id) => `?merchant=${id}`;
        const act = (who, path, body, key) => by(world, who, path, { method: 'POST', headers: { ...mark, 'idempotency-key': key }, body });
        for (const url of [`/v1/payments/${paid.id}`, '/v1/payments', `/v1/payments/${paid.id}/events`, `/v1/payments/${paid.id}/operations`, '/v1/events', '/v1/payouts',
            '/v1/payout-batches', '/v1/webhook-endpoints']) {
            const seen = await by(world, session, url + of(world.merchant));
            equal([seen.status, seen.raw], [200, (await world.call('GET', world.api + url, { key: world.key })).raw], `as the merchant sees it: ${url}`);
            equal((await by(world, session, url)).status, 400, `whose? ${url}`);
            equal((await by(world, session, url + of('mer_01JDEX7T1V5M2Q9K8Z4R6W0C3B'))).status, 404, `nobody's: ${url}`);
            const twin = await by(world, session, url + of(world.liveMerchant));
            assert(url.includes(paid.id) ? twin.status === 404 : twin.json.data.length === 0, `not the twin's: ${url}: ${twin.raw}`);
            equal((await by(world, finance, url + of(world.liveMerchant))).status, 404, `finance sees its own alone: ${url}`);
        }
        const capture = `/v1/payments/${held.id}/capture${of(world.merchant)}`;
        equal((await act(finance, capture, {}, 'a')).status, 403, 'finance captures nothing');
        equal((await act(session, `/v1/payments/${held.id}/capture${of(world.liveMerchant)}`, {}, 'a')).status, 404, "nor by another merchant's id");
        equal((await by(world, session, capture, { method: 'POST', headers: { 'idempotency-key': 'a' }, body: {} })).status, 403, 'nor from elsewhere');
        equal((await act(session, capture, {}, 'k'.repeat(220))).json.code, 'idempotency_key_malformed', 'a key with no room for the name');
        const done = await act(session, capture, {}, '"a"');
        equal([done.status, done.json.status], [201, 'succeeded'], `captured: ${done.raw}`);
        const again = await act(session, capture, {}, 'a');
        equal([again.raw, again.headers['idempotent-replayed']], [done.raw, 'true'], 'the same key, the same answer');
        const refund = await act(session, `/v1/payments/${paid.id}/refunds${of(world.merchant)}`, { amount: 300 }, 'k'.repeat(219));
        equal([refund.status, refund.json.status], [201, 'succeeded'], `refunded: ${refund.raw}`);
        const own = await world.call('POST', `${world.api}/v1/payments/${paid.id}/refunds`, { body: { amount: 200 }, key: world.key, headers: { 'idempotency-key': 'a' } });
        equal([own.status, own.json.status], [201, 'succeeded'], "the merchant's own key of that name is another one");
        const other = (await world.pay(world.payment({ capture: 'manual' }))).answer;
        const canceled = await by(world, session, `/v1/payments/${other.id}/cancel${of(world.merchant)}`, { method: 'POST', headers: mark });
        equal([canceled.status, canceled.json.status], [200, 'canceled'], `canceled: ${canceled.raw}`);
        const actors = async (id) => (await by(world, session, `/v1/payments/${id}/events${of(world.merchant)}`)).json.data
            .filter((one) => ['created', 'operation'].includes(one.entry)).map((one) => [one.kind ?? one.entry, one.actor]);
        equal(await actors(held.id), [['created', 'merchant'], ['capture', session.key]], 'who captured');
        equal(await actors(paid.id), [['created', 'merchant'], ['refund', session.key], ['refund', 'merchant']], 'who refunded');
        equal(await actors(other.id), [['created', 'merchant'], ['void', session.key]], 'who canceled');
        await world.judge();
    },
    async ended_sessions_are_forgotten_once_they_would_have_expired(world) {
        world.psql(`INSERT INTO ended_sessions SELECT gen_random_uuid(), now() - interval '10 hours', now() - interval '2 hours' FROM generate_series(1, 50)`);
        const session = await signIn(world);
        equal((await by(world, session, '/v1/session', { method: 'DELETE', headers: mark })).status, 204, 'signed out');
        equal(world.psql(`SELECT count(*) FROM ended_sessions WHERE expires_at < now()`), '0', 'the old ones');
        assert(Number(world.psql('SELECT count(*) FROM ended_sessions')) >= 1, 'this one is kept');
    },
});
