// `make pages`: the dashboard in Debian's Chromium: sign-in, the live board, payments and their acts, routing, finance; by
// keyboard, by axe, on a phone, light and dark; pictures go to build/pictures/.
import { suite, assert, equal, until, top } from './lib.mjs';
import { visit } from './dashboard_lib.mjs';
import { Exporting } from './exporting.mjs';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import path from 'node:path';

const NASTY = '<img src=x onerror="document.title=1"><script>alert(1)</script> & "quotes"';
const keysOf = (world) => { world.keys = { operator: world.operatorKey, finance: world.financeKey, merchant: world.key }; return world; };
const stateOf = async (page, provider) => page.locator('.tile', { has: page.getByRole('heading', { name: provider }) }).first().getAttribute('data-state');
const heading = (page, name) => page.getByRole('heading', { name, exact: true }).first().waitFor();
const withMerchant = (world, address) => `${address}${address.includes('?') ? '&' : '?'}merchant=${world.merchant}`;

async function someOfEverything(world) {
    for (const provider of ['paypal', 'payoneer']) {
        await world.pay(world.payment({ providers: { only: [provider] } }));
        await world.pay(world.payment({ providers: { only: [provider] }, method: { type: 'card', tokens: { paypal: 'tok_hard', payoneer: 'tok_hard' } } }));
    }
}

await suite('pages', { workers: 2, delayMs: 5, World: Exporting }, {
    async a_key_signs_in_and_out(world) {
        keysOf(world);
        await visit(world, { quiet: false }, async (page, made) => {
            await made.go('/dashboard');
            await page.getByLabel('Key', { exact: true }).fill('tpk_live_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');
            await page.getByRole('button', { name: 'Sign in' }).click();
            await page.getByRole('alert').getByText('no valid API key').first().waitFor();
            await page.getByLabel('Key', { exact: true }).fill(world.key);
            await page.getByRole('button', { name: 'Sign in' }).click();
            await page.getByRole('alert').getByText(/role of this key|belong/).first().waitFor();
            await made.signIn(world.financeKey);
            await heading(page, 'Finance');
            equal(await page.getByRole('link', { name: 'Routing', exact: true }).count(), 0, 'a page that finance staff may not see');
            const [cookie] = await made.context.cookies();
            assert(cookie.name === '__Host-turnpike' && cookie.httpOnly && cookie.secure && cookie.sameSite === 'Strict', `the cookie: ${JSON.stringify(cookie)}`);
            const stored = await page.evaluate(() => JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + document.cookie);
            assert(!stored.includes('tpk_') && !cookie.value.includes(world.financeKey), `the browser keeps a key: ${stored}`);
            await page.getByRole('button', { name: 'Sign out' }).click();
            await page.getByLabel('Key', { exact: true }).waitFor();
            const answer = await world.call('GET', `${world.api}/v1/payments`, { headers: { cookie: `${cookie.name}=${cookie.value}` } });
            equal(answer.status, 401, 'the old cookie after the sign-out');
        });
    },
    async the_first_paint_is_within_a_second_and_small(world) {
        keysOf(world);
        await visit(world, { role: 'operator' }, async (page, made) => {
            await page.locator('.tile').first().waitFor(); // nothing was kept by the browser from before
            const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
            assert(paint < 1000, `the first paint took ${paint} ms`);
            const sent = await page.evaluate(() => [...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')].filter((e) => e.name.includes('/dashboard')).reduce((sum, e) => sum + e.encodedBodySize, 0));
            assert(sent > 1000 && sent < 150 * 1024, `${sent} bytes were sent`);
        });
        const files = ['web', 'web/lib', 'web/pages', 'packed'].flatMap((f) => readdirSync(path.join(top, 'gateway/dashboard', f)).map((name) => path.join(top, 'gateway/dashboard', f, name))).filter((f) => statSync(f).isFile() && /\.(js|css|html|svg)$/.test(f));
        const all = files.reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0);
        assert(all < 150 * 1024, `all files: ${all} bytes compressed`);
    },
    async a_fault_shows_on_the_board_and_goes(world) {
        keysOf(world);
        await visit(world, { role: 'operator' }, async (page, made) => {
            await made.go('/dashboard/providers');
            await until('PayPal is healthy', async () => await stateOf(page, 'PayPal (main)') === 'healthy', 5000);
            await world.fault({ provider: 'paypal', operation: 'any', kind: 'refuse' });
            const from = Date.now();
            const toPaypal = () => world.pay(world.payment({ providers: { only: ['paypal'] } }));
            await until('PayPal is down', async () => { await toPaypal(); return await stateOf(page, 'PayPal (main)') === 'down'; }, 8000);
            const text = await page.locator('.tile', { has: page.getByRole('heading', { name: 'PayPal (main)' }) }).first().innerText();
            assert(/next probe/.test(text) && /in a row: (connect_refused|token_unavailable)/.test(text), `the tile says why and when: ${text}`);
            equal(await stateOf(page, 'Payoneer (main)'), 'healthy', 'Payoneer');
            await made.picture('providers-down');
            assert(Date.now() - from < 8000, 'it took too long');
            await world.noFaults();
            await until('PayPal is up again', async () => { await toPaypal(); return ['healthy', 'degraded'].includes(await stateOf(page, 'PayPal (main)')); }, 30000);
        });
    },
    async an_account_is_drained_and_used_again_with_a_reason(world) {
        keysOf(world);
        await visit(world, { role: 'operator' }, async (page, made) => {
            await made.go('/dashboard/providers');
            const tile = page.locator('.tile', { has: page.getByRole('heading', { name: 'Payoneer (main)' }) }).first();
            await tile.getByRole('button', { name: 'Drain' }).click();
            const dialog = page.getByRole('dialog');
            await dialog.getByLabel('Reason').fill('announced an outage');
            await dialog.getByLabel('For').selectOption('2h');
            await dialog.getByRole('button', { name: 'Drain' }).click();
            await until('it is drained', async () => await stateOf(page, 'Payoneer (main)') === 'drained', 6000);
            assert(/announced an outage/.test(await tile.innerText()), 'the reason is on the tile');
            const paid = await world.pay(world.payment({ providers: { only: ['payoneer'] } }));
            assert(paid.status >= 400, `a drained account took a payment: ${paid.raw}`);
            await tile.getByRole('button', { name: 'Use again' }).click();
            await page.getByRole('dialog').getByRole('button', { name: 'Use again' }).click();
            await until('it is healthy', async () => await stateOf(page, 'Payoneer (main)') === 'healthy', 6000);
        });
    },
    async charts_show_the_last_minutes(world) {
        keysOf(world);
        await someOfEverything(world);
        await until('a minute is written down', async () => Number(world.psql('SELECT count(*) FROM provider_minutes WHERE approved > 0')) > 0, 130000);
        await visit(world, { role: 'finance' }, async (page, made) => {
            await made.go('/dashboard/providers?span=1h');
            await page.locator('#charts .uplot').nth(2).waitFor();
            const paypal = await page.locator('article.tile', { hasText: 'PayPal' }).getAttribute('data-account');
            await made.go(`/dashboard/providers?span=1h&account=${paypal}`);
            await page.locator('#charts .uplot').nth(2).waitFor();
            const tables = page.locator('#charts details');
            await tables.nth(2).locator('summary').click();
            const cells = await tables.nth(2).locator('tbody tr').evaluateAll((rows) => rows.map((r) => [...r.cells].slice(1).map((c) => Number(c.innerText))));
            equal(cells.length, 60, 'minutes of an hour');
            assert(cells.flat().reduce((a, b) => a + b, 0) > 0, 'no payment is in the chart');
        });
    },
    async a_payment_is_found_and_read(world) {
        keysOf(world);
        const paid = await world.pay(world.payment({ amount: 1234, currency: 'EUR', reference: 'find-me', metadata: { note: NASTY }, customer: { id: 'c-1', name: NASTY } }));
        equal(paid.status, 201, paid.raw);
        await visit(world, { role: 'finance' }, async (page, made) => {
            await page.getByRole('link', { name: 'Payments' }).click();
            await page.getByLabel('Reference').fill('find-me');
            await page.getByRole('button', { name: 'Search' }).click();
            await page.getByRole('link', { name: paid.answer.id }).waitFor();
            assert(new URL(page.url()).searchParams.get('reference') === 'find-me', `the filter stands in the address: ${page.url()}`);
            await page.getByRole('button', { name: 'Save this view' }).click();
            await page.getByLabel('Name').fill('mine');
            await page.getByRole('button', { name: 'Save', exact: true }).click();
            await page.getByRole('link', { name: 'mine' }).waitFor();
            await page.getByRole('link', { name: paid.answer.id }).click();
            await page.locator('#payment-id', { hasText: paid.answer.id }).waitFor();
            await heading(page, 'Transfers');
            const text = await page.locator('main').innerText();
            for (const wanted of ['12.34 EUR', 'succeeded', NASTY, 'payment.succeeded', 'merchant:sales', 'Candidates of the routing decision']) assert(text.includes(wanted) || (await page.locator('main').textContent()).includes(wanted), `not on the page: ${wanted}`);
            equal(await page.evaluate(() => document.querySelectorAll('main img, main script').length), 0, 'markup of a stranger');
            equal(await page.getByRole('button', { name: 'Refund' }).count(), 0, 'acts that finance staff may not do');
        });
    },
    // Judged by the sandbox's books: each act moved its money, once, although the buttons were pressed twice.
    async an_operator_refunds_captures_and_voids_from_the_page(world) {
        keysOf(world);
        const charged = (await world.pay(world.payment({ amount: 5000, currency: 'EUR' }))).answer;
        const [held, let_go] = [(await world.pay(world.payment({ amount: 3000, currency: 'EUR', capture: 'manual' }))).answer, (await world.pay(world.payment({ amount: 2000, currency: 'EUR', capture: 'manual' }))).answer];
        equal([charged.status, held.status, let_go.status], ['succeeded', 'authorized', 'authorized'], 'as they are to be');
        await visit(world, { role: 'operator' }, async (page, made) => {
            const act = async (payment, name, fields, end) => {
                await made.go(withMerchant(world, `/dashboard/payments/${payment.id}`));
                await page.locator('#actions').getByRole('button', { name, exact: true }).click();
                const dialog = page.getByRole('dialog');
                for (const [label, value] of Object.entries(fields)) await dialog.getByLabel(label).fill(value);
                await dialog.getByRole('button', { name, exact: true }).dblclick();
                await dialog.waitFor({ state: 'detached' });
                await page.locator('main').getByText(end).first().waitFor();
            };
            await made.go(withMerchant(world, `/dashboard/payments/${charged.id}`));
            await page.locator('#actions').getByRole('button', { name: 'Refund' }).click();
            await page.getByRole('dialog').getByLabel('Amount').fill('50.01');
            await page.getByRole('dialog').getByRole('button', { name: 'Refund' }).click();
            await page.getByRole('dialog').getByRole('alert').first().waitFor(); // more than was charged
            await page.keyboard.press('Escape');
            equal(made.trouble.splice(0).filter((line) => !line.includes('409')), [], 'what the console says besides');
            await act(charged, 'Refund', { Amount: '12.34', Reason: NASTY }, 'payment.refunded');
            assert((await page.locator('main').textContent()).includes(NASTY), 'the reason as it was typed');
            equal(await page.evaluate(() => document.querySelectorAll('main img, main script').length), 0, 'markup of a stranger');
            await act(held, 'Capture', { Amount: '20' }, 'payment.captured');
            await act(let_go, 'Void', {}, 'payment.voided');
            await made.picture('desk-refunded');
        });
        const away = async (payment) => (await world.books()).filter((e) => e.invoice === payment.id);
        const sum = (list, kind) => list.filter((e) => e.kind === kind).map((e) => e.amount);
        await until('the books show the acts', async () => sum(await away(charged), 'refund').length > 0, 5000);
        equal(sum(await away(charged), 'refund'), [1234], 'refunds in the books');
        const now = async (payment) => (await world.get(payment.id));
        equal([(await now(charged)).amount_refunded, (await now(held)).amount_captured, (await now(let_go)).status], [1234, 2000, 'canceled'], 'what the API says');
    },
    // The page says what GET /v1/process says (which the suite process_measures counts by hand).
    async the_process_is_shown_as_it_is(world) {
        keysOf(world);
        await someOfEverything(world);
        await world.fault({ provider: 'paypal', operation: 'charge', kind: 'http_500', count: 1 });
        await world.pay(world.payment({ providers: { only: ['paypal'] } }));
        await world.noFaults();
        await world.fault({ provider: 'payoneer', operation: 'charge', kind: 'hang_after_effect', count: 1 });
        await world.pay(world.payment({ providers: { only: ['payoneer'] } }));
        await world.noFaults();
        await world.settled();
        world.psql(`INSERT INTO unresolved (merchant_id, attempt_id, payment_id, account_id, provider, next_at, lease_until, epoch, tries, reason, parked_at)
            SELECT merchant_id, attempt_id, payment_id, account_id, 'paypal', now() + interval '1 day', now() + interval '1 day', 1, 1, ${`'${NASTY}'`}, now() - interval '2 hours' FROM attempts LIMIT 1`);
        for (const role of ['finance', 'operator']) {
            const own = (await world.call('GET', `${world.api}/v1/process?window=1h${role === 'operator' ? `&merchant=${world.merchant}` : ''}`, { key: world.keys[role] })).json;
            await visit(world, { role }, async (page, made) => {
                await made.go(role === 'operator' ? withMerchant(world, '/dashboard/process?window=1h') : '/dashboard/process?window=1h');
                await heading(page, 'Errors by step');
                const rowsOf = (name) => page.getByRole('region', { name, exact: true }).locator('tbody tr').evaluateAll((rows) => rows.map((r) => [...r.cells].map((c) => c.innerText.trim())));
                const share = (rate) => (rate === null ? '' : `${(rate * 100).toFixed(2)} %`);
                equal((await rowsOf('Completion and cycle time, by kind')).map((r) => r.slice(0, 8)), own.processes.map((p) => [p.kind, ...['begun', 'completed', 'declined', 'failed', 'canceled', 'open'].map((n) => String(p[n])), share(p.completion_rate)]), 'kinds');
                equal(await rowsOf('Errors, by step'), own.steps.map((s) => [s.step, String(s.begun), String(s.ended), String(s.errors), share(s.error_rate)]), 'steps');
                const waiting = own.processes.find((p) => p.kind === 'payment').waiting_ms.p99;
                assert((await rowsOf('Completion and cycle time, by kind'))[0][10].endsWith(waiting >= 10000 ? `${(waiting / 1000).toFixed(1)} s` : waiting < 10 ? `${waiting.toFixed(1)} ms` : `${Math.round(waiting)} ms`), `waiting of ${waiting} ms`);
                const [held] = await rowsOf('What is stuck, and where');
                equal([held[0], held[2].split('\n')[0].split(' ')[0], held[4]], [own.stuck[0].payment, 'provider', NASTY], 'what is stuck');
                equal(await page.getByRole('heading', { name: 'What is used now' }).count(), role === 'operator' ? 1 : 0, 'what operators see');
                equal(await page.evaluate(() => document.querySelectorAll('main img, main script').length), 0, 'markup of a stranger');
            });
        }
        world.psql(`DELETE FROM unresolved WHERE parked_at < now() - interval '1 hour'`);
    },
    async rules_are_checked_published_and_rolled_back(world) {
        keysOf(world);
        await someOfEverything(world);
        await visit(world, { role: 'operator' }, async (page, made) => {
            await made.go(withMerchant(world, '/dashboard/routing'));
            const editor = page.getByLabel('Rule set');
            await editor.fill('rule "big" when amount >= 500.00 EUR { use payoneer }\n');
            await page.locator('#findings').getByText('otherwise is missing').waitFor();
            assert(await page.getByRole('button', { name: 'Keep and publish' }).isDisabled(), 'a wrong set can be published');
            await editor.fill('rule "big" when currency == EUR and amount >= 500.00 EUR { use payoneer }\notherwise { by cost }\n');
            await until('it may be published', async () => page.getByRole('button', { name: 'Keep and publish' }).isEnabled(), 5000);
            await page.getByRole('button', { name: 'Keep and publish' }).click();
            await page.getByRole('dialog').getByLabel('Reason').fill('big ones to Payoneer');
            await page.getByRole('dialog').getByRole('button', { name: 'Publish' }).click();
            await page.getByText('version 1', { exact: true }).waitFor();
            await until('it decides', async () => (await world.pay(world.payment({ amount: 60000, currency: 'EUR' }))).answer.provider === 'payoneer', 5000);
            await page.getByLabel('Amount', { exact: true }).fill('600');
            await page.getByRole('button', { name: 'Explain' }).click();
            await page.locator('#explained').getByText('Payoneer (main) would be asked first').waitFor();
            await page.getByRole('button', { name: 'Roll back' }).click();
            await page.getByRole('dialog').getByLabel('Reason').fill('was an error');
            await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
            await page.getByText('the house\u2019s rule set').waitFor();
        });
    },
    async finance_reads_and_exports(world) {
        keysOf(world);
        await world.pay(world.payment({ amount: 1500, currency: 'EUR' }));
        await visit(world, { role: 'finance' }, async (page, made) => {
            await heading(page, 'Finance');
            await page.getByText('balanced').first().waitFor();
            await page.getByRole('link', { name: 'merchant:sales' }).first().click();
            await page.getByText('Statement of merchant:sales').first().waitFor({ state: 'attached' });
            await page.getByRole('link', { name: 'Exports' }).click();
            await page.getByRole('button', { name: 'Make the file' }).click();
            const link = page.getByRole('link', { name: 'Download' }).first();
            await link.waitFor({ timeout: 20000 });
            const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
            const text = readFileSync(await download.path(), 'utf8');
            assert(text.includes('merchant:sales'), `the export: ${text.slice(0, 200)}`);
        });
    },
    async what_people_did_is_shown_with_who_and_what_came_of_it(world) {
        keysOf(world);
        const paid = (await world.pay()).answer;
        const hold = (reason) => world.call('PUT', `${world.api}/v1/providers/${world.accounts.paypal}/state`, { key: world.operatorKey, body: { state: 'open', reason } });
        equal((await hold(NASTY)).status, 200, 'a reason with markup in it');
        const refund = (amount) => world.call('POST', `${world.api}/v1/payments/${paid.id}/refunds?merchant=${world.merchant}`, { key: world.operatorKey, body: { amount }, headers: { 'idempotency-key': `audit-${amount}` } });
        equal([(await refund(100)).status, (await refund(99999)).status < 500], [201, true], 'refunds');
        await visit(world, { role: 'operator', quiet: false }, async (page, made) => {
            await made.go(withMerchant(world, '/dashboard/activity'));
            await page.getByRole('row').filter({ hasText: 'set account state' }).filter({ hasText: NASTY }).first().waitFor(); // as text
            await page.getByLabel('Of what').fill(paid.id);
            await page.getByRole('button', { name: 'Search', exact: true }).click();
            await until('two refunds are left', async () => await page.locator('tbody tr').count() === 2);
            equal(await page.locator('tbody tr').first().locator('.badge').innerText(), 'refused', 'the newest was refused');
            const done = page.getByRole('row').filter({ hasText: 'done' });
            assert((await done.innerText()).includes('amount 100'), 'what was asked for');
            await made.picture('desk-activity');
            await done.getByRole('link', { name: paid.id }).click();
            await heading(page, 'Timeline');
        });
        await visit(world, { role: 'finance' }, async (page, made) => {
            await made.go('/dashboard/activity');
            await page.getByRole('row').filter({ hasText: 'refund payment' }).first().waitFor();
            equal(await page.getByText('set account state').count(), 0, 'what was done to the house is not shown to finance');
        });
    },
    async every_page_is_sound_for_screen_readers(world) {
        keysOf(world);
        await someOfEverything(world);
        const paid = await world.pay(world.payment());
        const addresses = { operator: ['providers', 'levels', 'process', 'payouts', 'reviews', 'routing', 'finance', 'activity'], finance: ['payments', `payments/${paid.answer.id}`, 'payouts/batches', 'finance/statement?account=merchant:sales', 'finance/exports', 'finance/earned'] };
        for (const dark of [false, true]) {
            for (const [role, list] of Object.entries(addresses)) {
                await visit(world, { role, dark, quiet: role === 'finance' }, async (page, made) => {
                    for (const address of list) {
                        await made.go(role === 'operator' ? withMerchant(world, `/dashboard/${address}`) : `/dashboard/${address}`);
                        await page.locator('main h1').first().waitFor();
                        await page.waitForLoadState('networkidle').catch(() => {});
                        equal(await made.axe(), [], `axe on ${address} (${dark ? 'dark' : 'light'})`);
                    }
                });
            }
        }
    },
    async the_keyboard_is_enough(world) {
        keysOf(world);
        const paid = await world.pay(world.payment({ reference: 'by-keyboard' }));
        await visit(world, {}, async (page, made) => {
            await made.go('/dashboard');
            await page.locator('#key').waitFor();
            await page.keyboard.type(world.financeKey); // the field has the focus
            await page.keyboard.press('Enter');
            await heading(page, 'Finance');
            const reach = async (what, matches, most = 60) => {
                for (let i = 0; i < most; i++) {
                    await page.keyboard.press('Tab');
                    const at = await page.evaluate(() => { const e = document.activeElement; return { text: e.innerText || e.getAttribute('aria-label') || e.name || '', name: e.name ?? '', seen: getComputedStyle(e).outlineStyle !== 'none' || e.matches('input, select, textarea') }; });
                    if (matches(at)) { assert(at.seen, `the focus on ${what} is not seen`); return; }
                }
                throw new Error(`${what} is not reached by the keyboard`);
            };
            await reach('Payments', (at) => at.text === 'Payments');
            await page.keyboard.press('Enter');
            await heading(page, 'Payments');
            await reach('the reference', (at) => at.name === 'reference');
            await page.keyboard.type('by-keyboard');
            await page.keyboard.press('Enter');
            await page.getByRole('link', { name: paid.answer.id }).waitFor();
            await reach('the payment', (at) => at.text === paid.answer.id);
            await page.keyboard.press('Enter');
            await heading(page, 'Timeline');
        });
    },
    async a_phone_can_show_every_page(world) {
        keysOf(world);
        await someOfEverything(world);
        const paid = await world.pay(world.payment());
        await visit(world, { role: 'finance', phone: true }, async (page, made) => {
            for (const [address, name] of [['providers', 'providers'], ['payments', 'payments'], [`payments/${paid.answer.id}`, 'payment'], ['payouts', 'payouts'], ['finance', 'finance'], ['levels', 'levels'], ['process', 'process'], ['reviews', 'reviews'], ['activity', 'activity']]) {
                await made.go(`/dashboard/${address}`);
                await page.locator('main h1').first().waitFor();
                await page.waitForLoadState('networkidle').catch(() => {});
                const width = await page.evaluate(() => document.documentElement.scrollWidth);
                if (address === '/docs') await page.locator('#createPayment').scrollIntoViewIfNeeded();
                await made.picture(`phone-${address.split('/')[1]}`, false);
                assert(width <= 360, `${address} is ${width} wide on a screen of 360`);
                await made.picture(`phone-${name}`);
            }
            await page.getByRole('button', { name: 'Menu' }).click();
            await page.getByRole('link', { name: 'Payouts' }).click();
            await heading(page, 'Payouts');
        });
    },
    async desk_pictures(world) {
        keysOf(world);
        await someOfEverything(world);
        const paid = await world.pay(world.payment());
        for (const dark of [false, true]) {
            await visit(world, { role: 'operator', dark, quiet: false }, async (page, made) => {
                for (const name of ['providers', 'routing', 'process', 'finance']) {
                    await made.go(withMerchant(world, `/dashboard/${name}`));
                    await page.locator('main h1').first().waitFor();
                    await page.waitForLoadState('networkidle').catch(() => {});
                    await made.picture(`desk-${name}${dark ? '-dark' : ''}`);
                }
            });
        }
        await visit(world, { role: 'finance' }, async (page, made) => {
            await made.go(`/dashboard/payments/${paid.answer.id}`);
            await heading(page, 'Transfers');
            await made.picture('desk-payment');
        });
    },
    async the_page_says_that_the_gateway_is_gone_and_comes_back(world) {
        keysOf(world);
        await visit(world, { role: 'finance', quiet: false }, async (page, made) => {
            await made.go('/dashboard/providers');
            await until('live', async () => await page.locator('#status').innerText() === 'live', 5000);
            await world.stopGateway();
            await until('it says so', async () => /does not answer/.test(await page.locator('#status').innerText()), 6000);
            await world.startGateway();
            await until('live again', async () => await page.locator('#status').innerText() === 'live', 15000);
        });
    },
    // /docs and /problems need no key; what the reference gives as an example does what it says.
    async the_reference_and_the_error_pages_are_whole(world) {
        keysOf(world);
        const document = (await world.call('GET', `${world.api}/openapi.json`)).json;
        const ids = Object.values(document.paths).flatMap((item) => Object.values(item)).map((one) => one.operationId);
        writeFileSync(world.at('key'), world.key);
        const run = (command) => spawnSync('bash', ['-c', command], { encoding: 'utf8', env: { ...process.env, TURNPIKE_URL: world.api, TURNPIKE_CA_FILE: world.at('tls/ca.pem'), TURNPIKE_KEY_FILE: world.at('key') } });
        for (const dark of [false, true]) {
            await visit(world, { dark }, async (page, made) => {
                await made.go('/docs');
                await page.getByRole('heading', { name: 'API reference' }).waitFor();
                equal((await page.locator('.operation').evaluateAll((all) => all.map((one) => one.id))).sort(), ids.sort(), 'operations');
                for (const name of Object.keys(document.components.schemas)) equal(await page.locator(`section#${name}`).count(), 1, name);
                equal(await page.evaluate(() => [...document.querySelectorAll('a[href^="#"]')].filter((a) => !document.getElementById(a.getAttribute('href').slice(1))).map((a) => a.getAttribute('href'))), [], 'dead links');
                equal(await made.axe(), [], 'axe on /docs');
                const paid = run(`${await page.locator('#createPayment pre').innerText()}`);
                equal(JSON.parse(paid.stdout).status, 'succeeded', paid.stdout + paid.stderr);
                equal(JSON.parse(run(await page.locator('#listPayments pre').innerText()).stdout).data.length > 0, true, 'the list');
                await page.getByLabel('Find an operation').fill('refund');
                const left = await page.locator('.operation:visible').evaluateAll((all) => all.map((one) => one.id));
                assert(left.includes('refundPayment') && !left.includes('createPayout'), `found: ${left}`);
                await made.picture(`desk-docs${dark ? '-dark' : ''}`, false);
                await page.goto(`${world.api}/problems`);
                equal(await made.axe(), [], 'axe on /problems');
                await page.getByRole('link', { name: 'unknown_currency' }).click();
                await page.getByText('ISO 4217').first().waitFor();
                equal(await made.axe(), [], 'axe on a problem');
            });
        }
        await visit(world, { phone: true }, async (page, made) => {
            for (const address of ['/docs', '/problems', '/problems/no_route']) {
                await made.go(address);
                await page.locator('main h1').first().waitFor();
                const width = await page.evaluate(() => document.documentElement.scrollWidth);
                if (address === '/docs') await page.locator('#createPayment').scrollIntoViewIfNeeded();
                await made.picture(`phone-${address.split('/')[1]}`, false);
                assert(width <= 360, `${address} is ${width} wide on a screen of 360`);
            }
        });
    },
    async strangers_get_files_and_nothing_else(world) {
        keysOf(world);
        const ask = (address, headers = {}, method = 'GET') => world.call(method, world.api + address, { headers });
        const page = await ask('/dashboard/payments/pay_1', { accept: 'text/html' });
        equal(page.status, 200, 'a page');
        const policy = page.headers['content-security-policy'];
        assert(/default-src 'none'/.test(policy) && /require-trusted-types-for 'script'/.test(policy) && !/unsafe/.test(policy), `the policy: ${policy}`);
        equal((await ask('/dashboard/app.js', { 'if-none-match': (await ask('/dashboard/app.js')).headers.etag })).status, 304, 'kept by the browser');
        equal((await ask('/dashboard/../v1/payments')).status >= 400, true, 'a way out');
        equal((await ask('/dashboard/none.js')).status, 404, 'no such file');
        equal((await ask('/dashboard', {}, 'POST')).status, 405, 'a post');
        equal((await ask('/v1/providers')).status, 401, 'the API without a key');
    },
});
