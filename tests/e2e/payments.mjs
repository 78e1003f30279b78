// The merchant's view: create, repeat, conflict, duplicates across workers and restarts, what is refused.
import { randomUUID } from 'node:crypto';
import https from 'node:https';
import { suite, assert, equal, until } from './lib.mjs';

const fresh = (world) => new https.Agent({ ca: world.ca, keepAlive: true, maxSockets: 64 });

await suite('payments', { workers: 2, delayMs: 20 }, {
    async creates_a_payment_with_the_test_method(world) {
        const paid = await world.pay({ amount: 1099, currency: 'EUR', method: { type: 'test', outcome: 'approved' } });
        equal(paid.status, 201, 'status');
        equal(paid.answer.status, 'succeeded', 'payment status');
        equal(paid.headers.location, `/v1/payments/${paid.answer.id}`, 'Location');
        equal(paid.answer.amount_captured, 1099, 'captured');
        equal((await world.get(paid.answer.id)).status, 'succeeded', 'GET');
        await world.judge();
    },
    async every_test_outcome_is_what_it_says(world) {
        for (const [outcome, status] of [['approved', 'succeeded'], ['declined_soft', 'declined'], ['declined_hard', 'declined'], ['requires_action', 'requires_action']]) {
            const paid = await world.pay({ amount: 500, currency: 'USD', method: { type: 'test', outcome } });
            equal(paid.answer?.status, status, outcome);
        }
        await world.judge();
    },
    async manual_capture_holds_and_does_not_charge(world) {
        const paid = await world.pay(world.payment({ capture: 'manual' }));
        equal([paid.status, paid.answer.status, paid.answer.amount_captured], [201, 'authorized', 0], 'held');
        const entries = (await world.books()).filter((e) => e.invoice === paid.answer.id);
        equal(entries.map((e) => [e.kind, e.state]), [['hold', 'held']], 'books');
    },
    async the_same_request_again_returns_the_same_bytes(world) {
        const key = randomUUID();
        const body = world.payment({ metadata: { cart: '77' } });
        const first = await world.pay(body, { key });
        const again = await world.pay(body, { key });
        equal(first.status, 201, 'first');
        equal([again.status, again.raw, again.headers.location], [first.status, first.raw, first.headers.location], 'same answer');
        equal(again.headers['idempotent-replayed'], 'true', 'says so');
        const reordered = { metadata: { cart: '77' }, ...body };
        equal((await world.pay(JSON.stringify(reordered, null, 2), { key })).raw, first.raw, 'order and spaces do not matter');
        const bare = await world.call('POST', world.api + '/v1/payments', { key: world.key, body, headers: { 'idempotency-key': key } });
        equal(bare.raw, first.raw, 'a bare key is the quoted key');
        await world.judge();
    },
    async another_body_under_the_key_is_refused(world) {
        const key = randomUUID();
        await world.pay(world.payment(), { key });
        const other = await world.pay(world.payment({ amount: 1100 }), { key });
        equal([other.status, other.answer.code], [422, 'idempotency_key_reused'], 'refused');
    },
    async no_key_is_refused(world) {
        const answer = await world.call('POST', world.api + '/v1/payments', { key: world.key, body: world.payment() });
        equal([answer.status, answer.json.code, answer.headers['content-type']], [400, 'idempotency_key_missing', 'application/problem+json'], 'refused');
    },
    async sixty_four_parallel_duplicates_make_one_charge(world) {
        for (let round = 0; round < 5; round++) {
            const key = randomUUID();
            const body = world.payment({ amount: 2000 + round });
            const agents = Array.from({ length: 4 }, () => fresh(world));
            const got = await Promise.all(Array.from({ length: 64 }, (_, i) => world.pay(body, { key, agent: agents[i % 4] })));
            agents.forEach((agent) => agent.destroy());
            const made = got.filter((e) => e.status === 201);
            assert(made.length >= 1, `nobody was told: ${JSON.stringify(got.map((e) => e.status))}`);
            for (const entry of got) assert([201, 202, 409].includes(entry.status), `status ${entry.status}: ${entry.raw ?? entry.error}`);
            equal(new Set(made.map((e) => e.raw)).size, 1, 'one answer');
            const charges = (await world.books()).filter((e) => e.kind === 'charge' && e.invoice === made[0].answer.id);
            equal(charges.length, 1, 'charges in the books');
            equal((await world.books()).filter((e) => e.kind === 'charge' && e.amount === 2000 + round && e.currency === 'EUR').length, 1, 'charges of this amount');
        }
        await world.judge();
    },
    async a_key_answers_the_same_after_a_restart(world) {
        const key = randomUUID();
        const first = await world.pay(world.payment(), { key });
        await world.stopGateway();
        await world.startGateway();
        const again = await world.pay(world.payment(), { key });
        equal([again.status, again.raw], [first.status, first.raw], 'same answer after a restart');
        await world.killGateway();
        await world.startGateway();
        equal((await world.pay(world.payment(), { key })).raw, first.raw, 'and after a kill');
        await world.judge();
    },
    async duplicates_across_a_restart_make_one_charge(world) {
        for (const end of ['stopGateway', 'killGateway']) {
            const key = randomUUID();
            const body = world.payment({ metadata: { end } });
            const send = async () => { // as a client does: the same key until it is told
                for (;;) {
                    const entry = await world.pay(body, { key, agent: fresh(world) });
                    if (entry.status === 201) return entry;
                    await new Promise((done) => setTimeout(done, 20));
                }
            };
            const running = Array.from({ length: 64 }, send);
            await until('it is in the ledger', () => Number(world.psql(`SELECT count(*) FROM idempotency WHERE key = '${key}'`)) === 1);
            await world[end]();
            await world.startGateway();
            const got = await Promise.all(running);
            equal(new Set(got.map((e) => e.raw)).size, 1, `${end}: one answer`);
            equal((await world.books(`?invoice=${got[0].answer.id}`)).filter((e) => e.kind === 'charge').length, 1, `${end}: charges in the books`);
        }
        await world.judge();
    },
    async a_reference_is_a_second_net(world) {
        const reference = `order-${randomUUID()}`;
        const first = await world.pay(world.payment({ reference }));
        const again = await world.pay(world.payment({ reference }));
        equal([again.status, again.answer.code, again.answer.payment_id], [409, 'reference_taken', first.answer.id], 'named');
        const declined = `order-${randomUUID()}`;
        const tokens = { paypal: 'tok_hard', payoneer: 'tok_hard' };
        equal((await world.pay(world.payment({ reference: declined, method: { type: 'card', tokens } }))).answer.status, 'declined', 'first try');
        equal((await world.pay(world.payment({ reference: declined }))).answer.status, 'succeeded', 'second try after a decline');
        await world.judge();
    },
    async one_merchant_never_sees_another(world) {
        const mine = await world.pay();
        const other = world.admin('merchants', 'create', '--name', `Other ${randomUUID()}`, '--country', 'DE');
        const otherKey = world.admin('keys', 'create', '--merchant', other.test_id, '--role', 'merchant').key;
        const answer = await until('the new key is known', async () => {
            const got = await world.call('GET', `${world.api}/v1/payments/${mine.answer.id}`, { key: otherKey });
            return got.status !== 401 && got;
        });
        equal([answer.status, answer.json.code], [404, 'not_found'], 'foreign payment');
        const list = await world.call('GET', `${world.api}/v1/payments`, { key: otherKey });
        equal(list.json.data, [], 'foreign list');
    },
    async keys_and_roles_are_enforced(world) {
        for (const [key, method, url, body, status] of [
            [undefined, 'GET', '/v1/payments', undefined, 401],
            ['tpk_test_wrong', 'GET', '/v1/payments', undefined, 401],
            [world.financeKey, 'GET', '/v1/payments', undefined, 200],
            [world.financeKey, 'POST', '/v1/payments', world.payment(), 403],
            [world.key, 'GET', '/v1/admin/merchants', undefined, 403],
            [world.operatorKey, 'GET', '/v1/admin/merchants', undefined, 200],
            [world.key, 'GET', '/v1/nothing', undefined, 404],
            [world.key, 'DELETE', '/v1/payments', undefined, 405],
        ]) {
            const answer = await world.call(method, world.api + url, { key, body, headers: body ? { 'idempotency-key': randomUUID() } : {} });
            equal(answer.status, status, `${method} ${url} with ${key?.slice(0, 9)}`);
        }
    },
    async lists_page_by_cursor_and_filter(world) {
        const made = [];
        for (let i = 0; i < 7; i++) made.push((await world.pay(world.payment({ amount: 3000 + i, reference: `page-${i}-${randomUUID()}` }))).answer);
        const seen = [];
        let after = '';
        for (;;) {
            const page = (await world.call('GET', `${world.api}/v1/payments?limit=3${after}`, { key: world.key })).json;
            seen.push(...page.data.map((p) => p.id));
            if (!page.has_more) break;
            after = `&starting_after=${page.data.at(-1).id}`;
        }
        equal(seen.length, new Set(seen).size, 'no payment twice');
        equal(seen.filter((id) => made.some((p) => p.id === id)), made.map((p) => p.id).reverse(), 'newest first');
        const one = (await world.call('GET', `${world.api}/v1/payments?reference=${made[3].reference}`, { key: world.key })).json;
        equal(one.data.map((p) => p.id), [made[3].id], 'by reference');
        const declined = (await world.call('GET', `${world.api}/v1/payments?status=declined&limit=100`, { key: world.key })).json;
        assert(declined.data.every((p) => p.status === 'declined'), 'by status');
        const paypal = (await world.call('GET', `${world.api}/v1/payments?provider=payoneer&limit=100`, { key: world.key })).json;
        assert(paypal.data.every((p) => p.attempts.some((a) => a.provider === 'payoneer')), 'by provider');
        const bad = await world.call('GET', `${world.api}/v1/payments?limitt=3`, { key: world.key });
        equal(bad.status, 400, 'unknown query parameter');
    },
    async card_data_is_refused_and_never_kept(world) {
        const card = '4111111111111111';
        for (const body of [
            world.payment({ metadata: { note: `card ${card}` } }),
            world.payment({ method: { type: 'card', tokens: { paypal: card } } }),
            world.payment({ reference: '4111-1111-1111-1111' }),
            world.payment({ method: { type: 'card', tokens: { paypal: 'tok_ok' }, cvv: '123' } }),
        ]) {
            const got = await world.pay(body);
            equal(got.status, 422, 'refused');
            assert(!got.raw.includes(card), 'not echoed');
        }
        assert(!world.psql('SELECT count(*) FROM payments WHERE metadata::text LIKE \'%4111111111111111%\'').match(/[1-9]/), 'not stored');
    },
    async every_error_has_a_page_at_its_type(world) {
        const page = (address, accept) => world.call('GET', new URL(address, world.api).href, { headers: accept ? { accept } : {} });
        const real = await world.call('POST', `${world.api}/v1/payments`, { key: world.key, body: world.payment({ currency: 'EURO' }), headers: { 'idempotency-key': randomUUID() } });
        equal([real.status, real.json.type], [422, `/problems/${real.json.code}`], real.raw);
        const { components } = (await world.call('GET', `${world.api}/openapi.json`)).json;
        const problems = Object.values(components.responses).flatMap((one) => Object.values(one.content['application/problem+json'].examples)).map((one) => one.value);
        assert(problems.length > 60 && problems.some((one) => one.code === real.json.code), `${problems.length} codes`);
        const list = (await page('/problems', 'application/json')).json.data;
        for (const problem of problems) {
            assert(/^[A-Z].*[.]$/.test(problem.next_step), `${problem.code} has no next step`);
            const html = await page(problem.type);
            equal([html.status, html.headers['content-type']], [200, 'text/html; charset=utf-8'], problem.type);
            for (const part of [`<code>${problem.code}</code>`, problem.next_step, `${problem.status}`, problem.retryable ? 'Yes:' : 'No:']) assert(html.raw.includes(part), `${problem.type} says nothing of ${part}`);
            const { json } = await page(problem.type, 'application/json');
            equal([json.code, json.status, json.retryable, json.next_step], [problem.code, problem.status, problem.retryable, problem.next_step], problem.type);
            assert(['none', 'unknown'].includes(json.effect) && list.some((one) => one.code === json.code), problem.type);
        }
        equal(list.filter((one) => one.effect === 'unknown').map((one) => one.code).sort(), ['idempotency_key_in_use', 'internal', 'outcome_pending'], 'what may have moved money');
        equal((await page('/problems/none')).status, 404, 'no such code');
        equal((await page('/problems/%3Cscript%3E')).status, 404, 'markup');
        equal((await world.call('POST', `${world.api}/problems`, { body: {} })).status, 405, 'only read');
        assert(/default-src 'none'/.test((await page('/problems')).headers['content-security-policy']), 'the policy');
    },
    async openapi_lists_every_route(world) {
        const answer = await world.call('GET', world.api + '/openapi.json');
        equal([answer.status, answer.json.openapi.slice(0, 3)], [200, '3.1'], 'document');
        for (const route of ['/v1/payments', '/v1/payments/{id}', '/v1/providers']) assert(answer.json.paths[route], route);
    },
});
