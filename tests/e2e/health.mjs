// The operators' view: a fault shows on /v1/providers, /metrics and the board's stream within 5 s.
import https from 'node:https';
import { suite, assert, equal, until } from './lib.mjs';

function stream(world, seconds) { // collected text of the board's event stream
    const got = { text: '' };
    const request = https.get(`${world.api}/v1/providers/stream`, { ca: world.ca, headers: { authorization: `Bearer ${world.operatorKey}` } }, (answer) => {
        got.type = answer.headers['content-type'];
        answer.on('data', (chunk) => { got.text += chunk; });
        answer.on('error', () => {});
    });
    request.on('error', () => {});
    got.close = () => request.destroy();
    setTimeout(got.close, seconds * 1000).unref();
    return got;
}
const only = { providers: { only: ['paypal'] } };
const paypal = async (world, key = world.key) => (await world.call('GET', `${world.api}/v1/providers`, { key })).json.data.find((p) => p.provider === 'paypal');

const status = async (world, part) => {
    const { status: code, json, headers } = await world.call('GET', `${world.ops}/api/v2/${part}.json`);
    equal([code, headers['content-type']], [200, 'application/json'], part);
    return json;
};
const component = async (world, name) => (await status(world, 'summary')).components.find((one) => one.name === name);

await suite('health', { workers: 2, delayMs: 5 }, {
    async a_healthy_provider_is_shown_as_such(world) {
        for (let i = 0; i < 20; i++) await world.pay(world.payment({ providers: { only: [i % 2 ? 'paypal' : 'payoneer'] } }));
        const shown = await paypal(world);
        equal(shown.state, 'healthy', JSON.stringify(shown));
        assert(shown.latency_ms?.p50 > 0, `latency: ${JSON.stringify(shown)}`);
    },
    async a_fault_shows_everywhere_within_five_seconds(world) {
        const events = stream(world, 30);
        await world.fault({ provider: 'paypal', operation: 'any', kind: 'refuse' });
        const from = Date.now();
        const load = (async () => { while (Date.now() - from < 5000) await world.pay(world.payment(only)); })();
        await until('/v1/providers shows it', async () => (await paypal(world)).breaker?.state === 'open', 5000);
        await until('the status page shows it', async () => (await component(world, 'paypal')).status === 'major_outage', 5000 - (Date.now() - from));
        equal((await status(world, 'status')).status, { indicator: 'major', description: 'Partial System Outage' }, 'a provider is not the whole');
        await until('/metrics shows it', async () => /turnpike_circuit_state\{provider="paypal"[^}]*\} 2/.test((await world.call('GET', world.ops + '/metrics')).raw), 5000 - (Date.now() - from));
        await until('the stream of the board shows it', async () => /"breaker":\{"state":"open"/.test(events.text), 5000 - (Date.now() - from) + 1000);
        assert((await paypal(world)).breaker.why.length > 0, 'says why');
        await load;
        assert((await paypal(world, world.operatorKey)) !== undefined, 'the operator sees it too');
        await world.noFaults();
        await until('it recovers within 30 s', async () => {
            await world.pay(world.payment(only));
            return (await paypal(world)).breaker?.state === 'closed';
        }, 30000);
        equal(events.type?.split(';')[0], 'text/event-stream', 'stream');
        events.close();
        await world.judge();
    },
    async the_status_page_says_what_is_away_and_names_nobody(world) {
        await world.untilWell('paypal');
        await world.untilWell('payoneer');
        await until('all is well', async () => (await status(world, 'status')).status.indicator === 'none', 20000);
        const summary = await status(world, 'summary');
        equal(Object.keys(summary), ['page', 'status', 'components', 'incidents', 'scheduled_maintenances'], 'members');
        equal(summary.components.map((one) => [one.name, one.status]), ['API', 'Ledger', 'payoneer', 'paypal'].map((name) => [name, 'operational']), 'components');
        assert(Math.abs(Date.parse(summary.page.updated_at) - Date.now()) < 60000, summary.page.updated_at);
        equal(summary.page.url, world.ops, 'its own address');
        for (const secret of [world.merchant, ...Object.values(world.accounts), 'E2E']) assert(!JSON.stringify(summary).includes(secret), `it tells ${secret}`);
        equal((await status(world, 'components')).components.map((one) => one.id), summary.components.map((one) => one.id), 'the same components');
        equal((await world.call('POST', `${world.ops}/api/v2/status.json`, { body: {} })).status, 405, 'only read');
        equal((await world.call('GET', `${world.ops}/api/v2/incidents.json`)).status, 404, 'no more than these');
        world.stopDatabase();
        await until('the ledger is away', async () => (await status(world, 'status')).status.indicator === 'critical', 20000);
        equal([(await component(world, 'Ledger')).status, (await component(world, 'API')).status], ['major_outage', 'major_outage'], 'nothing can be charged');
        world.startDatabase();
        await until('it is back', async () => (await component(world, 'Ledger')).status === 'operational', 30000);
        assert((await until('paid', async () => { const paid = await world.pay(); return paid.status === 201 && paid; }, 20000)).answer.id, 'paid again');
    },
    async pages_carry_a_strict_policy_and_metrics_parse(world) {
        const page = await world.call('GET', world.api + '/dashboard');
        equal(page.status, 200, 'page');
        assert(/default-src 'none'/.test(page.headers['content-security-policy']), page.headers['content-security-policy']);
        assert(!/unsafe-inline/.test(page.headers['content-security-policy']), 'no inline');
        const metrics = (await world.call('GET', world.ops + '/metrics')).raw;
        for (const line of metrics.split('\n')) {
            assert(line === '' || /^# (HELP|TYPE) (turnpike|process)_/.test(line) || /^[a-z_]+(\{[^{}]*\})? -?[0-9.e+-]+(Inf)?$/.test(line), `metrics line: ${line}`);
        }
        assert(!metrics.includes(world.merchant), 'no merchant in labels');
    },
});
