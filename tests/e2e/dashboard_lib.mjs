// A signed-in page of the dashboard in Debian's Chromium, driven by playwright-core. What counts is what is painted; a case also
// fails on any message in the console, exception, violated policy, or request to another host.
import { createHash, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { assert, equal, top } from './lib.mjs';

const folder = path.join(top, 'tests/e2e/dashboard_client');
export const pictures = path.join(top, process.env.BUILD ?? 'build', 'pictures');

// What npm gives by the lock file.
function modules() {
    if (!existsSync(path.join(folder, 'node_modules/playwright-core')) || !existsSync(path.join(folder, 'node_modules/axe-core'))) {
        const done = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, encoding: 'utf8' });
        assert(done.status === 0, `npm ci in tests/e2e/dashboard_client failed; is npm there, and its registry reachable? ${done.error ?? done.stderr}`);
    }
    const require = createRequire(path.join(folder, 'package.json'));
    return { chromium: require('playwright-core').chromium, axe: readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8') };
}
export const { chromium, axe } = modules();
mkdirSync(pictures, { recursive: true });

// A browser that trusts this world's certificate and no other.
export async function openBrowser(world) {
    const certificate = new X509Certificate(readFileSync(world.at('tls/gateway.pem')));
    const pin = createHash('sha256').update(certificate.publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
    return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-proxy-server', `--ignore-certificate-errors-spki-list=${pin}`] });
}

export class Visit {
    static async open(world, { role = null, phone = false, dark = false, quiet = true } = {}) {
        const visit = new Visit();
        visit.world = world;
        visit.quiet = quiet;
        visit.browser = await openBrowser(world);
        visit.context = await visit.browser.newContext({ viewport: phone ? { width: 360, height: 740 } : { width: 1280, height: 860 }, isMobile: phone, hasTouch: phone, colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce' });
        visit.trouble = [];
        visit.asked = [];
        visit.page = await visit.context.newPage();
        visit.page.on('console', (message) => visit.trouble.push(`console ${message.type()}: ${message.text()}`));
        visit.page.on('pageerror', (error) => visit.trouble.push(`exception: ${error.message}`));
        visit.page.on('request', (request) => visit.asked.push(request.url()));
        visit.page.setDefaultTimeout(8000);
        if (role) await visit.signIn(world.keys[role]);
        return visit;
    }
    async signIn(key) {
        await this.go('/dashboard');
        await this.page.getByLabel('Key', { exact: true }).fill(key);
        await this.page.getByRole('button', { name: 'Sign in' }).click();
        await this.page.getByRole('button', { name: 'Sign out' }).waitFor();
    }
    go(address) {
        return this.page.goto(this.world.api + address, { waitUntil: 'load' });
    }
    picture(name, fullPage = true) {
        return this.page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage, animations: 'disabled' });
    }
    // Findings of axe that are serious or worse; the policy forbids scripts from elsewhere, so it goes in by the debugger.
    async axe() {
        const found = await this.page.evaluate(`(() => { const module = undefined, exports = undefined, define = undefined; ${axe}; return axe.run(document, { resultTypes: ['violations'] }).then((r) =>
            r.violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ') + ' ' + n.failureSummary).slice(0, 3).join(' | '))); })()`);
        return found;
    }
    async close() {
        try {
            const elsewhere = this.asked.filter((url) => !url.startsWith(this.world.api + '/') && !url.startsWith('blob:') && !url.startsWith('data:'));
            equal(elsewhere, [], 'requests to other hosts');
            if (this.quiet) equal(this.trouble, [], 'the console');
        } finally {
            await this.browser.close();
        }
    }
}

// Opens, tries, closes; a failure leaves a picture.
export async function visit(world, options, test) {
    const made = await Visit.open(world, options);
    let failed;
    try {
        await test(made.page, made);
    } catch (error) {
        failed = error;
        await made.picture('failed').catch(() => {});
    }
    if (failed) { made.quiet = false; await made.browser.close(); failed.message += `\npicture: ${path.join(pictures, 'failed.png')}${made.trouble.length ? `\nconsole: ${made.trouble.join('; ')}` : ''}`; throw failed; }
    await made.close();
}
