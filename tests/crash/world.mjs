// world.mjs - the world of the crash matrix: e2e's, with a gateway that can be told where to die, a proxy of ours
// between it and each provider, and short times, so that a cell takes about a second.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { World, top, freePorts, until } from '../e2e/lib.mjs';
import { Board } from './board.mjs';
import { Proxy } from './proxy.mjs';
import { Listener } from './listener.mjs';
import { decideAmounts } from './operations.mjs';

export const folder = path.join(top, 'var/crash');
export const times = {
    provider_connect_ms: 500, provider_token_ms: 700, provider_answer_ms: 800, answer_ms: 1500, send_window_ms: 600, lease_ms: 2000, dead_after_ms: 3000,
    resolve_first_ms: 100, resolve_max_ms: 500, resolve_interval_ms: 50, action_look_ms: 500, directory_check_ms: 500,
    reverse_retry_ms: 200, reverse_wait_ms: 100, store_reconnect_ms: 20,
    // Health is not what is tried here: what is broken on purpose stays a candidate.
    breaker_consecutive_max: 1000, breaker_calls_min: 100000, breaker_silence_calls: 100000, slow_percent: 10000,
    reverse_try_max: 2, order_retry_ms: 200, order_retry_max_ms: 500, order_wait_ms: 100, order_wait_max_ms: 500, webhook_interval_ms: 50,
    delivery_allowed_networks: '127.0.0.0/8', delivery_interval_ms: 50, delivery_connect_ms: 500, delivery_answer_ms: 800, delivery_schedule: `${'200ms '.repeat(12)}${'1s '.repeat(8)}`.trim(),
};
const PAYOUT_MS = 80; // until PayPal has settled a payout

export class CrashWorld extends World {
    static async start(name, options = {}) {
        mkdirSync(folder, { recursive: true });
        const board = new Board(path.join(folder, `board-${process.pid}`));
        process.env.TURNPIKE_CRASH = board.file;
        const world = await super.start(name, { workers: 3, delayMs: 2, sockets: 64, ...options,
            proxyPort: await freePorts(4), settings: { ...times, ...options.settings } });
        board.master = world.gateway.pid;
        return Object.assign(world, { board, moves: [] }); // moves: of all cells so far
    }
    // The sandbox is told on connections of their own: none that ends while it is idle.
    call(method, url, options = {}) {
        this.fresh ??= new https.Agent({ ca: this.ca, keepAlive: false });
        return super.call(method, url, url.startsWith(this.sandbox) ? { agent: this.fresh, ...options } : options);
    }
    makeMerchant(options) {
        const offset = (n) => options.proxyPort + n - this.sandboxPort;
        super.makeMerchant({ ...options, accounts: [
            ['paypal', offset(1), 'paypal-us'],
            ['payoneer', offset(2), 'payoneer-checkout', ['--setting', 'country=US']],
            ['paypal_payouts', offset(1), 'paypal-us'],
        ] });
        this.approvalAbove = 500000;
        this.admin('merchants', 'approval', this.merchant, '--payout-limit', `EUR=${this.approvalAbove}`);
    }
    writeConfig() {
        this.options.settings.delivery_ca_file = this.at('tls/ca.pem');
        super.writeConfig();
    }
    // The merchant's endpoint is there from the first cell on that needs it.
    async listen() { this.receiver ??= await Listener.start(this); }
    // Payoneer Checkout tells of what happens, soon and twice.
    async hearOfPayoneer() {
        const secret = JSON.parse(readFileSync(this.at('secrets/payoneer.json'), 'utf8')).webhook_secret;
        await this.hooks('POST', '/behaviour', { delay_ms: 20, repeat_least: 2, repeat_most: 2, retry_ms: 100, retry_ms_most: 400, retry_count: 100 });
        await this.hooks('POST', '', { provider: 'payoneer', url: `${this.api}/webhooks/payoneer/${this.accounts.payoneer}?secret=${secret}` });
    }
    // Whether all that was to be told of this payment was accepted.
    async isTold({ answer }) {
        if (!answer?.id) return true;
        const { events } = await this.hooks('GET', `/events?invoice=${answer.id}`);
        return events.every((event) => event.told > 0);
    }
    async startSandbox() {
        await super.startSandbox();
        this.proxies = {};
        for (const [provider, n] of [['paypal', 1], ['payoneer', 2]]) {
            this.proxies[provider] = new Proxy(this.options.proxyPort + n, this.sandboxPort + n);
            await this.proxies[provider].start();
        }
        await this.call('POST', `${this.sandbox}/settings`, { body: { payout_ms: PAYOUT_MS } });
    }
    async startGateway() {
        await super.startGateway();
        if (this.board) this.board.master = this.gateway.pid;
    }
    // Another gateway on the same database.
    async startSecond() {
        const own = readFileSync(this.at('turnpike.conf'), 'utf8');
        const [api, ops] = [this.options.proxyPort, this.options.proxyPort + 3];
        mkdirSync(this.at('state2'), { recursive: true, mode: 0o700 });
        writeFileSync(this.at('second.conf'), own.replace(/^api_port = .*/m, `api_port = ${api}`).replace(/^ops_port = .*/m, `ops_port = ${ops}`)
            .replace(/^state_folder = .*/m, `state_folder = ${this.at('state2')}`));
        this.secondApi = `https://127.0.0.1:${api}`;
        this.second = this.spawn('second', ['serve', '--config', this.at('second.conf')]);
        await until('the second gateway is ready', async () => (await this.call('GET', `https://127.0.0.1:${ops}/readyz`)).status === 200);
    }
    async stopSecond() {
        this.second.kill('SIGTERM');
        await this.second.ended;
    }
    // The same request again, at whatever gateway.
    async repeat(entry, api = this.api) {
        try {
            const answer = await this.call('POST', `${api}/v1/payments`, { body: entry.body, key: this.key, timeoutMs: 5000, headers: { 'idempotency-key': `"${entry.key}"` } });
            if (answer.status === 201 && entry.status === 0) Object.assign(entry, { status: 201, raw: answer.raw, answer: answer.json });
        } catch { /* it is repeated until it is told */ }
    }
    armNetwork(fault) { for (const proxy of Object.values(this.proxies)) proxy.arm(fault); }
    clearNetwork() { for (const proxy of Object.values(this.proxies)) proxy.clear(); }
    // A new request on a connection of its own, repeated until it is served: how long that took. A read, or a
    // payment, which is noted in the log (the second of what is returned).
    async served(from, body, boundMs = 60000) {
        const agent = new https.Agent({ ca: this.ca, keepAlive: false });
        const key = randomUUID();
        let entry;
        await until('a new request is served', async () => {
            if (entry) this.log.splice(this.log.indexOf(entry), 1); // the same request again
            if (body) entry = await this.pay(body, { key, agent, timeoutMs: 5000 });
            const answer = entry ?? await this.call('GET', `${this.api}/v1/payments?limit=1`, { agent, key: this.key, timeoutMs: 5000 });
            return [200, 201, 202].includes(answer.status);
        }, boundMs);
        agent.destroy();
        return [Date.now() - from, entry];
    }
    // What e2e suites demand in the end is demanded here, too: ledger minus books is 0.
    async end() {
        await this.restored();
        await decideAmounts(this);
        await this.balanced();
        this.statusesFollow();
        this.holdsAgree();
        await this.stop();
    }
    async stop() {
        await super.stop();
        this.receiver?.stop();
        rmSync(this.board.file, { force: true });
        for (const proxy of Object.values(this.proxies)) await proxy.stop();
    }
}
