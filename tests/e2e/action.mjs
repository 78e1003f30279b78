// The payer must act: PayPal's approval and 3-D Secure. Judged by the sandbox's books: what is approved is charged
// once, what is not is not, whoever clicks how often, and whatever dies meanwhile.
import { suite, assert, equal, until } from './lib.mjs';

const paypal = (extra = {}) => ({
    method: { type: 'card', tokens: { paypal: 'tok_3ds' } }, providers: { only: ['paypal'] },
    return_url: 'https://shop.example/paid?order=1', cancel_url: 'https://shop.example/cart?order=1', ...extra,
});
const payoneer = (extra = {}) => paypal({ method: { type: 'card', tokens: { payoneer: 'tok_3ds' } }, providers: { only: ['payoneer'] }, ...extra });

async function ask(world, body) {
    const entry = await world.pay(world.payment(body));
    equal([entry.status, entry.answer?.status], [201, 'requires_action'], `the payer is asked (${entry.raw})`);
    const action = entry.answer.next_action;
    equal(action.type, 'redirect', 'what the payer is to do');
    assert(action.url.startsWith('https://127.0.0.1:'), `where: ${action.url}`);
    assert(Date.parse(action.expires) > Date.now(), `until when: ${action.expires}`);
    return entry;
}

// What a payer sees, and presses: the form's buttons, nothing else.
async function press(world, entry, label) {
    const url = entry.answer.next_action.url;
    const page = await world.call('GET', url);
    equal([page.status, page.headers['content-type']], [200, 'text/html; charset=utf-8'], 'the page');
    const button = [...page.raw.matchAll(/formaction="([^"]*)"[^>]*>([^<]*)</g)].find((m) => m[2] === label);
    if (!button) return { status: 0, raw: page.raw };
    const target = new URL(button[1].replaceAll('&#38;', '&'), url).href;
    const pressed = await world.call('POST', target, { body: '', headers: { 'content-type': 'application/x-www-form-urlencoded' } }); // as browsers do
    return { ...pressed, target };
}

async function ends(world, entry, status, boundMs = 30000) {
    return until(`payment ${entry.answer.id} is ${status}`, async () => {
        const got = await world.get(entry.answer.id);
        assert(got.status === status || !['succeeded', 'authorized', 'declined', 'failed', 'canceled', 'review'].includes(got.status), `it is ${got.status}`);
        return got.status === status && got;
    }, boundMs);
}

async function moved(world, entry) {
    return (await world.books()).filter((e) => e.invoice === entry.answer.id && ['completed', 'held', 'pending'].includes(e.state));
}

// What the customer is without; a charge that was given back stands beside its refund.
async function net(world, entry) {
    const given = (await world.books()).filter((e) => e.invoice === entry.answer.id && ['refunded', 'partially_refunded'].includes(e.state));
    return [...await moved(world, entry), ...given].reduce((sum, e) => sum + (e.kind === 'refund' ? -e.amount : e.amount), 0);
}

async function restart(world, settings) {
    world.options.settings = settings;
    world.writeConfig();
    await world.stopGateway();
    await world.startGateway();
}

// How often the gateway has looked at it so far; undefined: it is done with.
const looks = (world, entry) => world.rows(`SELECT u.tries FROM unresolved u JOIN payments p USING (merchant_id, payment_id)
    WHERE p.key = '${entry.key}'`).map((r) => r.tries)[0];

const events = (world, entry) => world.rows(`SELECT type FROM events v JOIN payments p USING (merchant_id, payment_id)
    WHERE p.key = '${entry.key}' ORDER BY v.number`).map((r) => r.type);

await suite('action', { workers: 2 }, {
    async an_approved_order_is_charged_once(world) {
        const entry = await ask(world, paypal());
        equal((await moved(world, entry)).length, 0, 'charged before the payer acts');
        const back = await press(world, entry, 'Approve');
        equal(back.status, 303, 'the payer is sent back');
        assert(back.headers.location.startsWith('https://shop.example/paid?order=1&token='), back.headers.location);
        const paid = await ends(world, entry, 'succeeded');
        equal([paid.amount_captured, paid.next_action], [1099, undefined], 'what it is now');
        equal((await moved(world, entry)).map((e) => [e.kind, e.amount]), [['charge', 1099]], 'in the books');
        equal(events(world, entry), ['payment.requires_action', 'payment.processing', 'payment.succeeded'], 'what happened');
        const again = await world.pay(entry.body, { key: entry.key });
        equal([again.status, again.answer.status], [201, 'succeeded'], 'the key answers with the end');
        await world.judge();
    },
    async an_approved_authorization_is_held(world) {
        const entry = await ask(world, paypal({ capture: 'manual' }));
        await press(world, entry, 'Approve');
        await ends(world, entry, 'authorized');
        equal((await moved(world, entry)).map((e) => [e.kind, e.state]), [['hold', 'held']], 'in the books');
    },
    async clicks_and_orders_do_not_add_up(world) {
        const entries = await Promise.all(Array.from({ length: 20 }, () => ask(world, paypal())));
        for (const entry of entries) {
            const first = await press(world, entry, 'Approve');
            await Promise.all(Array.from({ length: 3 }, () => world.call('POST', first.target, { body: '' })));
        }
        for (const entry of entries) await ends(world, entry, 'succeeded');
        for (const entry of entries) equal((await moved(world, entry)).length, 1, `charges of ${entry.answer.id}`);
        await world.judge();
    },
    async a_wallet_needs_no_token_but_its_payer(world) {
        const wallet = { method: { type: 'wallet' }, return_url: 'https://shop.example/paid' };
        const entry = await ask(world, wallet); // Payoneer Checkout has no such page: it is no candidate
        equal([entry.answer.provider, entry.answer.decision.candidates.find((c) => c.provider === 'payoneer').dropped], ['paypal', 'no_token'], 'who is asked');
        const back = await press(world, entry, 'Approve');
        assert(back.headers.location.startsWith('https://shop.example/paid?token='), back.headers.location);
        await ends(world, entry, 'succeeded');
        equal((await moved(world, entry)).length, 1, 'charges');
        const nowhere = await world.pay(world.payment({ ...wallet, return_url: undefined }));
        equal([nowhere.status, nowhere.answer.param], [422, 'method.tokens'], 'without a place to come back to');
        const card = await world.pay(world.payment({ ...wallet, method: { type: 'card' } }));
        equal([card.status, card.answer.param], [422, 'method.tokens'], 'a card without a token');
        await world.judge();
    },
    async who_cancels_may_come_back_and_approve(world) {
        const entry = await ask(world, paypal());
        const back = await press(world, entry, 'Cancel');
        assert(back.headers.location.startsWith('https://shop.example/cart?order=1&token='), back.headers.location);
        equal((await world.get(entry.answer.id)).status, 'requires_action', 'after the payer left');
        await press(world, entry, 'Approve');
        await ends(world, entry, 'succeeded');
        equal((await moved(world, entry)).length, 1, 'charges');
    },
    async what_the_merchant_cancels_is_not_completed(world) {
        const cancel = (entry) => world.call('POST', `${world.api}/v1/payments/${entry.answer.id}/cancel`, { key: world.key, body: '' });
        const entry = await ask(world, paypal());
        const noted = await cancel(entry);
        assert([200, 202].includes(noted.status), `cancel: ${noted.status} ${noted.raw}`);
        const late = await press(world, entry, 'Approve');
        equal(late.status, 303, 'the provider still takes the consent');
        const got = await ends(world, entry, 'canceled');
        equal([got.amount_captured, got.attempts.map((a) => [a.status, a.reason])], [0, [['failed', 'canceled']]], 'why');
        equal((await moved(world, entry)).length, 0, 'charges');

        // At the same moment: one of the two wins, and the books say which.
        const entries = await Promise.all(Array.from({ length: 16 }, () => ask(world, paypal())));
        await Promise.all(entries.map(async (one, i) => {
            await press(world, one, 'Approve');
            await new Promise((done) => setTimeout(done, i * 40)); // the gateway looks each second or sooner
            await cancel(one);
        }));
        const won = { succeeded: 0, canceled: 0 };
        for (const one of entries) {
            const end = await until(`${one.answer.id} ends`, async () => {
                const now = await world.get(one.answer.id);
                return ['succeeded', 'canceled'].includes(now.status) && now;
            }, 40000);
            won[end.status]++;
            // What was charged in the moment of the cancel is given back.
            if (end.status === 'canceled') await until(`nothing is left of ${one.answer.id}`, async () => await net(world, one) === 0, 40000);
        }
        console.log(`     ${won.canceled} canceled, ${won.succeeded} completed before`);
    },
    async three_d_secure_of_a_provider_that_goes_on_by_itself(world) {
        const entries = [await ask(world, payoneer()), await ask(world, payoneer())];
        equal((await press(world, entries[0], 'Approve')).headers.location, 'https://shop.example/paid?order=1', 'sent back');
        equal((await press(world, entries[1], 'Decline')).headers.location, 'https://shop.example/cart?order=1', 'sent back');
        equal((await ends(world, entries[0], 'succeeded')).provider, 'payoneer', 'approved');
        equal((await ends(world, entries[1], 'declined')).failure.reason, 'insufficient_funds', 'declined');
        equal((await press(world, entries[0], 'Approve')).status, 0, 'a page that is done with has no buttons');
        await world.judge();
    },
    async while_the_payer_may_act_nobody_else_is_tried(world) {
        const entry = await ask(world, { ...paypal(), method: { type: 'card', tokens: { paypal: 'tok_3ds', payoneer: 'tok_ok' } }, providers: { never: [] } });
        const before = (await world.get(entry.answer.id)).attempts.length;
        await until('it was looked at again', () => looks(world, entry) >= 2);
        const got = await world.get(entry.answer.id);
        equal([got.status, got.attempts.length], ['requires_action', before], 'still the payer\'s turn');
        await press(world, entry, got.provider === 'paypal' ? 'Approve' : 'Decline');
        await world.settled();
        await world.judge();
    },
    async workers_that_die_complete_nothing_twice(world) {
        const entries = await Promise.all(Array.from({ length: 40 }, () => ask(world, paypal())));
        await world.fault({ provider: 'paypal', operation: 'charge', kind: 'slow', delay_ms: 300 });
        let clicked = 0;
        const clicks = entries.map(async (entry) => { await press(world, entry, 'Approve'); clicked++; });
        for (let kill = 0; kill < 4; kill++) { // whatever a worker does at that moment, it dies of it
            await until('some completion is on its way', () => clicked > 0 &&
                Number(world.psql(`SELECT count(*) FROM sends WHERE number > 1`)) > kill * 8, 20000);
            const [pid] = world.workers();
            try { process.kill(pid, 'SIGKILL'); } catch { /* it is gone */ }
            await until('its successor is there', () => world.workers().length === 2 && !world.workers().includes(pid), 20000);
        }
        await Promise.all(clicks);
        await world.noFaults();
        for (const entry of entries) await ends(world, entry, 'succeeded', 60000);
        for (const entry of entries) equal((await moved(world, entry)).length, 1, `charges of ${entry.answer.id}`);
        equal(world.rows('SELECT attempt_id FROM sends WHERE number > 2'), [], 'completed under a second key');
        await world.judge();
    },
    async a_lost_answer_to_the_order_is_found_and_its_payer_asked(world) {
        await world.fault({ provider: 'paypal', operation: 'charge', kind: 'reset_after_effect', count: 1 });
        const entry = await world.pay(world.payment(paypal()));
        await world.noFaults();
        equal([entry.status, entry.answer.status, entry.answer.next_action], [202, 'processing', undefined], `lost (${entry.raw})`);
        entry.answer = await ends(world, entry, 'requires_action');
        assert(Date.parse(entry.answer.next_action.expires) > Date.now(), 'until when');
        await press(world, entry, 'Approve');
        await ends(world, entry, 'succeeded', 60000); // once what was lost has surely settled
        equal((await moved(world, entry)).length, 1, 'charges');
        await world.judge();
    },
    async a_lost_answer_to_the_completion_is_asked_for(world) {
        for (const kind of ['reset_after_effect', 'reset_before_read', 'hang_after_effect', 'http_500']) {
            const entry = await ask(world, paypal({ metadata: { kind } }));
            await world.fault({ provider: 'paypal', operation: 'charge', kind, count: 1 });
            await press(world, entry, 'Approve');
            await ends(world, entry, 'succeeded', 60000);
            await world.noFaults();
            equal((await moved(world, entry)).length, 1, `${kind}: charges`);
        }
        // It takes effect late, and is looked for meanwhile: the order still says "approved", and nothing is sent anew.
        const entry = await ask(world, paypal());
        await until('it was looked at three times: lookups come next', () => looks(world, entry) % 5 === 3);
        await world.fault({ provider: 'paypal', operation: 'charge', kind: 'hang_before_effect', delay_ms: 6000, count: 1 });
        await press(world, entry, 'Approve');
        await ends(world, entry, 'succeeded', 60000);
        await world.noFaults();
        equal((await moved(world, entry)).length, 1, 'late effect: charges');
        equal(world.rows('SELECT attempt_id FROM sends WHERE number > 2'), [], 'completed under a second key');
        await world.judge();
    },
    async a_webhook_of_the_approval_is_looked_after_at_once(world) {
        const id = '1JE4291016473214C';
        world.admin('accounts', 'update', world.accounts.paypal, '--setting', 'settle_ms=3000', '--setting', `webhook_id=${id}`);
        const made = await world.call('POST', world.sandbox + '/hooks', { body: { provider: 'paypal', id, url: `${world.api}/webhooks/paypal/${world.accounts.paypal}` } });
        assert(made.status < 300, `hook refused: ${made.raw}`);
        await restart(world, { resolve_first_ms: 60000, resolve_max_ms: 60000, action_look_ms: 60000, webhook_interval_ms: 100 });
        const entry = await ask(world, paypal()); // the first look by itself would come after a minute
        await press(world, entry, 'Approve');
        await ends(world, entry, 'succeeded', 40000);
        equal((await moved(world, entry)).length, 1, 'charges');
        await world.call('DELETE', world.sandbox + '/hooks');
        await world.judge();
    },
    async a_payer_who_does_not_act_is_charged_nothing(world) {
        await restart(world, { action_ms: 4000 });
        const away = await ask(world, paypal());
        const left = await ask(world, paypal());
        await press(world, left, 'Cancel');
        const late = await ask(world, paypal());
        for (const entry of [away, left, late]) {
            const got = await ends(world, entry, 'failed', 40000);
            equal([got.failure.reason, got.attempts.map((a) => a.status)], ['payer_did_not_act', ['failed']], 'why');
            const again = await world.pay(entry.body, { key: entry.key });
            equal([again.status, again.answer.status], [201, 'failed'], 'the key answers with the end');
        }
        equal((await press(world, late, 'Approve')).status, 303, 'the provider still takes the late consent');
        await until('nobody looks any more', () => [away, left, late].every((entry) => looks(world, entry) === undefined));
        for (const entry of [away, left, late]) equal((await moved(world, entry)).length, 0, 'nothing completes it');
        const shown = await world.get(late.answer.id);
        equal(shown.status, 'failed', 'told once, for ever');
        await world.judge();
    },
    async a_provider_that_goes_on_by_itself_says_when_it_is_over(world) {
        const set = await world.call('POST', world.sandbox + '/settings', { body: { payer_ms: 2000 } });
        assert(set.status < 300, `settings refused: ${set.raw}`);
        const entry = await ask(world, payoneer());
        equal((await ends(world, entry, 'failed', 40000)).failure.reason, 'session_expired', 'why');
        equal((await press(world, entry, 'Approve')).status, 0, 'a page that is done with has no buttons');
        equal((await moved(world, entry)).length, 0, 'charges');
        await world.call('POST', world.sandbox + '/settings', { body: { payer_ms: 900000 } });
    },
    async urls_are_checked(world) {
        for (const url of ['http://shop.example/paid', 'shop.example', 'https://', 'https://shop.example/\u0001']) {
            const { status, answer } = await world.pay(world.payment({ return_url: url }));
            equal([status, answer?.param], [422, 'return_url'], url);
        }
    },
});
