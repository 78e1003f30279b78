// The operators' view: a fault shows on /v1/providers, /metrics and the dashboard's stream within 5 s.
import https from 'node:https';
import { suite, assert, equal, until } from './lib.mjs';

function stream(world, seconds) { // collected text of the dashboard's event stream
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
        await until('/metrics shows it', async () => /turnpike_circuit_state\{provider="paypal"[^}]*\} 2/.test((await world.call('GET', world.ops + '/metrics')).raw), 5000 - (Date.now() - from));
        await until('the dashboard shows it', async () => events.text.includes('open'), 5000 - (Date.now() - from) + 1000);
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
    async pages_carry_a_strict_policy_and_metrics_parse(world) {
        const page = await world.call('GET', world.api + '/dashboard');
        equal(page.status, 200, 'page');
        assert(/default-src 'none'/.test(page.headers['content-security-policy']), page.headers['content-security-policy']);
        assert(!/unsafe-inline/.test(page.headers['content-security-policy']), 'no inline');
        const metrics = (await world.call('GET', world.ops + '/metrics')).raw;
        for (const line of metrics.split('\n')) {
            assert(line === '' || /^# (HELP|TYPE) turnpike_/.test(line) || /^[a-z_]+(\{[^{}]*\})? -?[0-9.e+-]+(Inf)?$/.test(line), `metrics line: ${line}`);
        }
        assert(!metrics.includes(world.merchant), 'no merchant in labels');
    },
});
