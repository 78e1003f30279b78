// The operators' page in a real browser: Chromium without a window, driven over two pipes (DevTools protocol).
// What counts is what is painted; every case also fails on any console message, exception or policy violation.
import { spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, assert, equal, until, top } from './lib.mjs';

const pictures = path.join(top, process.env.BUILD ?? 'build');
mkdirSync(pictures, { recursive: true });

// ---- browser -----------------------------------------------------------------------------------

class Page {
    // A browser and one page in it that trusts this world's certificate and no other.
    static async open(world, address) {
        const page = new Page();
        const certificate = new X509Certificate(readFileSync(world.at('tls/gateway.pem')));
        const pin = createHash('sha256').update(certificate.publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
        page.folder = mkdtempSync(path.join(tmpdir(), 'turnpike-pages-'));
        page.process = spawn(process.env.CHROMIUM ?? 'chromium', [
            '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--no-default-browser-check',
            '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic',
            '--disable-extensions', '--no-proxy-server', '--hide-scrollbars', '--remote-debugging-pipe',
            `--user-data-dir=${page.folder}`, `--ignore-certificate-errors-spki-list=${pin}`, 'about:blank',
        ], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], detached: true, env: { ...process.env, HOME: page.folder } });
        page.ended = new Promise((done) => page.process.once('exit', done));
        page.process.once('error', (error) => page.end(error));
        page.onExit = () => page.kill();
        process.on('exit', page.onExit);
        page.calls = new Map();
        page.lastCall = 0;
        page.trouble = []; // what a reader of the console would see
        page.listen();
        const { targetId } = await page.send('Target.createTarget', { url: 'about:blank' });
        page.session = (await page.send('Target.attachToTarget', { targetId, flatten: true })).sessionId;
        for (const domain of ['Page', 'Runtime', 'Log', 'Audits', 'Network']) await page.send(`${domain}.enable`);
        await page.resize(1100, 800);
        page.from = Date.now();
        if (address) await page.go(address);
        return page;
    }
    listen() {
        let rest = '';
        this.process.stdio[3].on('error', () => {});
        this.process.stdio[4].setEncoding('utf8');
        this.process.stdio[4].on('data', (chunk) => {
            const messages = (rest + chunk).split('\0');
            rest = messages.pop();
            for (const text of messages) this.receive(JSON.parse(text));
        });
        this.process.stdio[4].on('close', () => this.end(new Error('the browser ended')));
    }
    end(error) {
        for (const call of this.calls.values()) call.reject(error);
        this.calls.clear();
    }
    receive({ id, result, error, method, params }) {
        if (id !== undefined) {
            const call = this.calls.get(id);
            this.calls.delete(id);
            if (error) call?.reject(new Error(`${call.method}: ${error.message}`));
            else call?.resolve(result);
        } else if (method === 'Runtime.exceptionThrown') {
            this.trouble.push(`exception: ${params.exceptionDetails.exception?.description ?? params.exceptionDetails.text}`);
        } else if (method === 'Runtime.consoleAPICalled') {
            this.trouble.push(`console.${params.type}: ${params.args.map((a) => a.value).join(' ')}`);
        } else if (method === 'Log.entryAdded') {
            this.trouble.push(`${params.entry.level}: ${params.entry.text} (${params.entry.url})`);
        } else if (method === 'Audits.issueAdded') {
            this.trouble.push(`issue: ${params.issue.code} ${JSON.stringify(params.issue.details)}`);
        }
    }
    send(method, params = {}) {
        if (this.process.exitCode !== null) return Promise.reject(new Error('the browser ended'));
        const id = ++this.lastCall;
        this.process.stdio[3].write(JSON.stringify({ id, method, params, sessionId: this.session }) + '\0');
        return new Promise((resolve, reject) => this.calls.set(id, { resolve, reject, method }));
    }
    async go(address) {
        this.from = Date.now();
        const { errorText } = await this.send('Page.navigate', { url: address });
        assert(!errorText, `${address}: ${errorText}`);
    }
    // The value of an expression in the page.
    async see(expression) {
        const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, returnByValue: true });
        assert(!exceptionDetails, `${expression}: ${exceptionDetails?.exception?.description}`);
        return result.value;
    }
    resize(width, height, mobile = false) {
        return this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile });
    }
    colors(scheme) {
        return this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    }
    async picture(name) {
        const { data } = await this.send('Page.captureScreenshot', { format: 'png' });
        const file = path.join(pictures, name);
        writeFileSync(file, Buffer.from(data, 'base64'));
        return Buffer.from(data, 'base64');
    }
    kill() {
        try { process.kill(-this.process.pid, 'SIGKILL'); } catch { /* it has ended */ }
    }
    async close() {
        process.off('exit', this.onExit);
        this.kill();
        await this.ended;
        rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
    }
}

// Open the dashboard, look, and demand a silent console.
async function look(world, test, { quiet = true } = {}) {
    const page = await Page.open(world, `${world.ops}/dashboard`);
    try {
        await test(page);
        if (quiet) equal(page.trouble, [], 'the console');
    } finally {
        await page.close();
    }
}

// ---- what is on the page -----------------------------------------------------------------------

const tiles = (page) => page.see(`[...document.querySelectorAll('#providers .tile')].map((t) => ({
    text: t.innerText, provider: t.querySelector('h3').firstChild.textContent, state: t.querySelector('.state').innerText }))`);
const tile = async (page, provider) => (await tiles(page)).find((t) => t.provider.toLowerCase().includes(provider));
const rows = (page) => page.see(`[...document.querySelectorAll('#payments tr')].map((r) => [...r.cells].map((c) => c.innerText))`);
const status = (page) => page.see(`document.getElementById('status').innerText`);
const isLive = async (page) => (await status(page)) === 'live';

// Every text on the page whose contrast against what lies behind it is below WCAG AA's 4.5.
const faint = `(() => {
    const parse = (text) => text.match(/[0-9.]+/g).map(Number);
    const light = (rgb) => { const [r, g, b] = rgb.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const behind = (at) => { for (; at; at = at.parentElement) { const c = parse(getComputedStyle(at).backgroundColor); if (c.length < 4 || c[3] > 0) return c; }
        return [255, 255, 255]; };
    const found = [];
    for (const at of document.body.querySelectorAll('*')) {
        if (![...at.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || at.offsetParent === null) continue;
        const [a, b] = [light(parse(getComputedStyle(at).color)), light(behind(at))].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < 4.5) found.push(at.tagName + '.' + at.className + ' ' + ratio.toFixed(2) + ' ' + at.innerText.slice(0, 20));
    }
    return found;
})()`;

async function someOfEverything(world) { // succeeded at both, declined by both
    for (const provider of ['paypal', 'payoneer']) {
        await world.pay(world.payment({ providers: { only: [provider] } }));
        await world.pay(world.payment({ providers: { only: [provider] }, method: { type: 'card', tokens: { paypal: 'tok_hard', payoneer: 'tok_hard' } } }));
    }
}

await suite('pages', { workers: 2, delayMs: 5 }, {
    async both_providers_are_healthy_within_three_seconds(world) {
        await look(world, async (page) => {
            await until('two healthy tiles', async () => {
                const shown = await tiles(page);
                return shown.length === 2 && shown.every((t) => t.state === 'healthy');
            }, 3000 - (Date.now() - page.from));
            await until('the page says that it is live', () => isLive(page), 3000 - (Date.now() - page.from));
            equal((await tiles(page)).map((t) => t.provider.split(' ')[0].toLowerCase()).sort(), ['payoneer', 'paypal'], 'providers');
        });
    },
    async newest_payments_appear_by_themselves(world) {
        await look(world, async (page) => {
            await until('live', () => isLive(page), 3000);
            for (const [currency, amount, shown] of [['EUR', 1099, '10.99'], ['JPY', 5000, '5000'], ['USD', 7, '0.07']]) {
                const paid = await world.pay(world.payment({ amount, currency }));
                equal(paid.status, 201, paid.raw);
                await until(`payment ${paid.answer.id} is on top`, async () => (await rows(page))[0]?.[1] === paid.answer.id, 3000);
                const [row] = await rows(page);
                equal([row[2], row[3], row[5]], [shown, currency, paid.answer.status], 'its row');
                equal(row[4].toLowerCase(), paid.answer.attempts.map((a) => a.provider).join(' › '), 'its attempts');
            }
        });
    },
    async a_fault_turns_the_tile_down_within_five_seconds(world) {
        await look(world, async (page) => {
            await until('PayPal is healthy', async () => (await tile(page, 'paypal'))?.state === 'healthy', 3000);
            await world.fault({ provider: 'paypal', operation: 'any', kind: 'refuse' });
            const from = Date.now();
            let down = false;
            const toPaypal = () => world.pay(world.payment({ providers: { only: ['paypal'] } }));
            const load = (async () => { while (!down && Date.now() - from < 6000) await toPaypal(); })();
            try {
                await until('PayPal is down', async () => (await tile(page, 'paypal'))?.state === 'down', 5000);
            } finally {
                down = true;
                await load;
            }
            const shown = await tile(page, 'paypal');
            assert(/why/.test(shown.text) && /breaker/.test(shown.text), `the tile says why: ${shown.text}`);
            equal((await tile(page, 'payoneer')).state, 'healthy', 'Payoneer');
            await page.picture('dashboard-down.png');
            await world.noFaults();
            await until('PayPal is up again', async () => {
                await toPaypal();
                return ['healthy', 'degraded'].includes((await tile(page, 'paypal')).state);
            }, 30000);
        });
    },
    async light_and_dark_are_both_readable(world) {
        await someOfEverything(world);
        await look(world, async (page) => {
            await until('live', () => isLive(page), 3000);
            await until('payments', async () => (await rows(page)).length >= 4, 3000);
            const paper = {};
            for (const scheme of ['light', 'dark']) {
                await page.colors(scheme);
                paper[scheme] = await page.see(`getComputedStyle(document.body).backgroundColor`);
                equal(await page.see(faint), [], `texts of low contrast in ${scheme}`);
                const picture = await page.picture(`dashboard-${scheme}.png`);
                assert(picture.length > 10000, `the ${scheme} picture is empty`);
            }
            assert(paper.light !== paper.dark, `one colour for both: ${paper.light}`);
        });
    },
    async a_phone_can_show_it(world) {
        await someOfEverything(world);
        await look(world, async (page) => {
            await page.resize(360, 740, true);
            await until('payments', async () => (await rows(page)).length >= 4, 3000);
            const width = await page.see(`document.documentElement.scrollWidth`);
            assert(width <= 360, `the page is ${width} wide on a screen of 360`);
            await page.picture('dashboard-phone.png');
        });
    },
    async it_says_that_the_gateway_is_gone_and_comes_back(world) {
        await look(world, async (page) => {
            await until('live', () => isLive(page), 3000);
            await world.stopGateway();
            await until('it says so', async () => /does not answer/.test(await status(page)), 5000);
            await world.startGateway();
            await until('live again', () => isLive(page), 10000);
        }, { quiet: false }); // the browser itself notes the lost connection
    },
    async nothing_is_loaded_from_elsewhere(world) {
        const page = await Page.open(world);
        try {
            const asked = [];
            const receive = page.receive.bind(page);
            page.receive = (message) => {
                if (message.method === 'Network.requestWillBeSent') asked.push(message.params.request.url);
                receive(message);
            };
            await page.go(`${world.ops}/`);
            await until('live', () => isLive(page), 3000);
            assert(asked.length >= 4, `requests: ${asked}`);
            for (const url of asked) assert(url.startsWith(world.ops + '/'), `asked elsewhere: ${url}`);
            await page.see(`document.body.insertAdjacentHTML('beforeend', '<img src="https://127.0.0.1:1/x.png"><p style="color: red">x</p>')`);
            await until('the policy forbids an image and a style', () => page.trouble.filter((t) => /Content Security Policy/.test(t)).length >= 2, 3000);
        } finally {
            await page.close();
        }
    },
});
