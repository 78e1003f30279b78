// operations.mjs - scenarios beside the payment itself: captures, voids, refunds, payouts, holds that end, people,
// reversals, webhooks in and out, the dead's attempts. What a client asks for is noted as a move (moves.mjs), repeated
// by `tellMoves` until it is told, as an honest client does.
import { randomUUID } from 'node:crypto';
import { assert, until, uuidOf } from '../e2e/lib.mjs';

const BOUND_MS = 60000;
const paypal = { providers: { only: ['paypal'] } };
const payment = (amount, more = {}) => ({ amount, currency: 'EUR', method: { type: 'card', tokens: { paypal: 'tok_ok', payoneer: 'tok_ok' } }, ...paypal, ...more });
const between = (cell, least, most) => least + cell.draw(most - least + 1);
let serial = 0;

// ---- the clients ------------------------------------------------------------------------------------

// A request of the client's; a connection that is lost is status 0.
async function ask(world, method, path, { key = world.key, idempotency, body } = {}) {
    try {
        return await world.call(method, world.api + path, { key, body, agent: world.agent, timeoutMs: 8000, headers: idempotency ? { 'idempotency-key': `"${idempotency}"` } : {} });
    } catch {
        return { status: 0 };
    }
}
const words = { succeeded: 'succeeded', authorized: 'succeeded', declined: 'failed', failed: 'failed', canceled: 'failed', returned: 'failed', rejected: 'failed', review: 'review' };
const isRefusal = ({ status, json }) => [404, 409, 422].includes(status) && json?.code !== 'idempotency_key_in_use';

// Once more; returns whether it is final. Who was refused asks no more.
async function send(world, move) {
    if (move.refused) return true;
    const answer = await ask(world, 'POST', move.path, { idempotency: move.key, body: move.body });
    const word = words[answer.json?.status];
    move.last = `${answer.status} ${answer.raw ?? ''}`;
    move.id ??= answer.json?.id;
    if (move.raw !== undefined && answer.status === 201) assert(answer.raw === move.raw, `key ${move.key} of ${move.path} was told ${move.raw}, then ${answer.raw}`);
    if (answer.status === 201) Object.assign(move, { raw: answer.raw, told: word ?? 'lost' });
    else if (answer.status === 202) move.told = word === 'review' ? 'review' : 'lost';
    else if (isRefusal(answer)) Object.assign(move, { refused: answer.json.code, told: 'failed' });
    return move.told !== 'lost';
}
function note(cell, kind, of, amount, more) {
    const move = { cell, kind, of, amount, told: 'lost', ...more };
    cell.moves.push(move);
    return move;
}
async function operate(cell, payment, kind, amount, body = { amount }) {
    const path = { capture: 'capture', void: 'void', refund: 'refunds' }[kind];
    const move = note(cell, kind, payment.id, amount, { path: `/v1/payments/${payment.id}/${path}`, body, key: randomUUID() });
    await send(cell.world, move);
    return move;
}

// What a client that was not told does until it is. What has another end than an answer has its own `look`.
export async function tellMoves(world, moves) {
    const told = await Promise.allSettled(moves.map((move) => until(`${move.kind} of ${move.of} is told (last ${move.last})`,
        async () => move.look ? move.look() : await send(world, move) && (await send(world, move)), BOUND_MS)));
    return told.flatMap((one, i) => one.status === 'rejected' ? [{ cell: moves[i].cell, text: `${one.reason.message}; last: ${moves[i].last}` }] : []);
}
// ... and a person, until the case is over; then the payment's client is told by its key.
export async function tellPeople(world, cells) {
    const wrong = [];
    for (const { id, outcome, entry, cell } of cells.flatMap((one) => one.people.map((word) => ({ ...word, cell: one })))) {
        try {
            await until(`case ${id} is resolved`, async () => {
                const { json } = await ask(world, 'GET', `/v1/reviews/${id}`, { key: world.operatorKey });
                if (json?.state === 'open') await resolve(world, id, outcome);
                return json?.state === 'resolved';
            }, BOUND_MS);
            await until(`${entry.answer.id} is over`, async () => { Object.assign(entry, await repeat(world, entry)); return entry.status === 201; }, BOUND_MS);
            assert(entry.answer.status === 'succeeded', `a person said ${outcome}, and its client is told ${entry.raw}`);
        } catch (error) {
            wrong.push({ cell, text: error.message });
        }
    }
    return wrong;
}
// The person of the whole campaign: an answer of another amount that a cell asked for may have met another's payment,
// too. He looks into the books, and says what happened. Returns once no such case is open.
export async function decideAmounts(world) {
    const books = await world.allBooks();
    await until('no answer of another amount waits for a person', async () => {
        const open = (await casesOf(world)).filter((one) => one.kind === 'amount_mismatch');
        for (const one of open) {
            const isCharged = books.some((entry) => entry.invoice === one.payment && entry.kind === 'charge' && ['completed', 'partially_refunded', 'refunded'].includes(entry.state));
            await resolve(world, one.id, isCharged ? 'charged' : 'not_charged');
        }
        return open.length === 0;
    }, BOUND_MS);
}
// The person of the group: what could not be reversed because of a fault is told to be reversed once more.
export async function decideCases(world, cells) {
    const mine = new Set(cells.flatMap((cell) => cell.moves.filter((move) => move.kind === 'reversed').map((move) => move.of)));
    if (mine.size === 0) return;
    for (const one of await casesOf(world)) {
        if (one.state === 'open' && one.kind === 'reversal_failed' && mine.has(one.payment)) await resolve(world, one.id, 'reverse');
    }
}

// ---- what must be there before ------------------------------------------------------------------------

// A payment that came to `status`; what happened to the cells before may keep the first ones from it.
async function paid(cell, body, status) {
    let entry;
    await until('a payment is what is needed', async () => {
        if (!entry || entry.status === 201) entry = await cell.pay(body);
        else Object.assign(entry, await repeat(cell.world, entry));
        if (entry.answer?.status !== status) throw new Error(`${entry.status} ${entry.raw ?? entry.error}, wanted: ${status}`);
        return true;
    }, BOUND_MS);
    return entry.answer;
}
async function repeat(world, entry) {
    const { status, json, raw } = await ask(world, 'POST', '/v1/payments', { idempotency: entry.key, body: entry.body });
    return { status, raw, answer: json };
}
const held = (cell) => paid(cell, payment(between(cell, 1000, 6000), { capture: 'manual' }), 'authorized');
const sold = (cell) => paid(cell, payment(between(cell, 1000, 6000)), 'succeeded');

async function casesOf(world) {
    const { json } = await ask(world, 'GET', `/v1/reviews?limit=100&state=open&merchant=${world.merchant}`, { key: world.operatorKey });
    return json?.data ?? [];
}
const theCase = (world, payment, kind) => until(`a case of ${payment}`,
    async () => (await casesOf(world)).find((one) => one.payment === payment && one.state === 'open' && (!kind || one.kind === kind)), BOUND_MS);
const resolve = (world, id, outcome) => ask(world, 'POST', `/v1/reviews/${id}/resolve`, { key: world.operatorKey, body: { outcome, reason: 'seen in the books', evidence: 'crash' } });

// Declined, and then taken after all: nobody has told the gateway yet.
async function late(cell, more = {}) {
    const { world } = cell;
    const declined = await paid(cell, payment(between(cell, 100, 5000), { ...more, method: { type: 'card', tokens: { paypal: 'tok_soft' } } }), 'declined');
    const [{ id: attempt }] = declined.attempts;
    const [entry] = await world.books(`?reference=${attempt}`);
    assert(entry?.state === 'declined', `${attempt} is declined in the books`);
    const settled = await world.call('POST', `${world.sandbox}/settle`, { body: { id: entry.id, state: 'completed' } });
    assert(settled.status === 200, `taken after all: ${settled.raw}`);
    return { declined, attempt };
}
// As a webhook does: what was final is looked up again.
const lookAgain = (world, attempt) => world.psql(`INSERT INTO unresolved (merchant_id, attempt_id, payment_id, account_id, provider, next_at, lease_until, epoch, tries, reason, parked_at)
    SELECT a.merchant_id, a.attempt_id, a.payment_id, a.account_id, a.provider, now(), '-infinity', 0, 0, 'recheck', now() FROM attempts a WHERE a.attempt_id = ${uuidOf(attempt)} ON CONFLICT DO NOTHING`);
// The end of what came late: its case is resolved.
function reversal(cell, declined) {
    const { world } = cell;
    const move = note(cell, 'reversed', declined.id, declined.amount, {
        async look() {
            const { json } = await ask(world, 'GET', `/v1/reviews?limit=100&state=resolved&merchant=${world.merchant}`, { key: world.operatorKey });
            const mine = json?.data.filter((one) => one.payment === declined.id) ?? [];
            move.last = JSON.stringify(mine.map((one) => one.resolution));
            if (mine.some((one) => one.resolution?.outcome === 'reversed')) move.told = 'succeeded';
            else await decideCases(world, [cell]);
            return move.told === 'succeeded';
        },
    });
    return move;
}
// Of cases that move nothing by themselves: somebody pays, too.
const besides = (cell) => cell.pay(payment(between(cell, 100, 5000)));

function payout(cell, word, amount) {
    const receiver = `${word}${process.pid}x${++serial}@example.com`;
    const body = { amount, currency: 'EUR', beneficiary: { type: 'individual', first_name: 'Ada', last_name: 'Lovelace' }, payees: { paypal: receiver } };
    return note(cell, 'payout', receiver, amount, { path: '/v1/payouts', body, key: randomUUID() });
}
const read = async (world, id) => (await ask(world, 'GET', `/v1/payouts/${id}`)).json;

// ---- scenarios -----------------------------------------------------------------------------------------

export const operations = {
    // All of it, or two parts at once.
    async capture(cell) {
        const payment = await held(cell);
        await cell.arm();
        if (cell.draw(3) === 0) await operate(cell, payment, 'capture', payment.amount, {});
        else {
            const part = between(cell, 1, Math.floor(payment.amount / 2) - 1);
            await Promise.all([part, payment.amount - part].map((amount) => operate(cell, payment, 'capture', amount)));
        }
    },
    async void(cell) {
        const payment = await held(cell);
        await cell.arm();
        await operate(cell, payment, 'void', undefined, {});
    },
    // All of it; two parts at once; or two that are too much together.
    async refund(cell) {
        const payment = await sold(cell);
        await cell.arm();
        const part = between(cell, 1, Math.floor(payment.amount / 2) - 1);
        const amounts = [[payment.amount], [part, payment.amount - part], [part, payment.amount - part - 1], [payment.amount - part, payment.amount - part + 1]][cell.draw(4)];
        await Promise.all(amounts.map((amount) => operate(cell, payment, 'refund', amount)));
    },
    // At once, or when another key has said yes.
    async payout(cell) {
        const { world } = cell;
        const isLarge = cell.draw(2) === 1;
        const move = payout(cell, 'p', isLarge ? world.approvalAbove + between(cell, 1, 5000) : between(cell, 100, 5000));
        if (!isLarge) await cell.arm();
        await send(world, move);
        if (!isLarge) return;
        await until('it waits for a yes', async () => { await send(world, move); return move.id; }, BOUND_MS);
        await cell.arm();
        await until('it is approved', async () => (await ask(world, 'POST', `/v1/payouts/${move.id}/approve`, { key: world.financeKey, body: {} })).status === 200, BOUND_MS);
    },
    // An unclaimed payout is taken back.
    async cancel(cell) {
        const { world } = cell;
        let move;
        await until('it is unclaimed', async () => {
            if (!move || move.told !== 'lost') move = payout(cell, 'unclaimed', between(cell, 100, 5000));
            await send(world, move);
            return JSON.parse(move.last.slice(4)).status === 'unclaimed';
        }, BOUND_MS);
        await cell.arm();
        const cancel = note(cell, 'cancel', move.of, move.amount, {
            async look() {
                const now = await ask(world, 'POST', `/v1/payouts/${move.id}/cancel`, { body: {} });
                const payout = await read(world, move.id);
                cancel.last = `${now.status} ${now.raw}`;
                cancel.told = { canceled: 'succeeded', returned: 'succeeded', succeeded: 'failed', review: 'review' }[payout?.status] ?? 'lost';
                return cancel.told !== 'lost';
            },
        });
        await cancel.look();
    },
    // The provider lets go of what is held, and the watch over it finds out.
    async hold(cell) {
        const { world } = cell;
        const payment = await held(cell);
        const its = `finance.show_id('pay', payment_id) = '${payment.id}'`;
        await until('it is watched', () => world.rows(`SELECT 1 FROM unresolved WHERE ${its} AND reason = 'recheck'`).length === 1, BOUND_MS);
        const [entry] = (await world.books(`?invoice=${payment.id}`)).filter((one) => one.kind === 'hold');
        await world.voidAtPaypal(entry.id);
        await cell.arm();
        world.psql(`UPDATE unresolved SET next_at = now() WHERE ${its}`);
        const move = note(cell, 'ended', payment.id, payment.amount, {
            async look() {
                const { json } = await ask(world, 'GET', `/v1/payments/${payment.id}`);
                move.last = json?.status;
                if (json?.status === 'canceled') move.told = 'succeeded';
                return json?.status === 'canceled';
            },
        });
        await besides(cell);
    },
    // An answer of another amount: a person says what happened.
    async person(cell) {
        const { world } = cell;
        const body = payment(between(cell, 100, 5000));
        let entry;
        await until('a payment is in review', async () => { // what is left of the cells before may meet the fault
            if (entry && entry.status !== 201) Object.assign(entry, await repeat(world, entry));
            else {
                await world.fault({ provider: 'paypal', operation: 'charge', kind: 'other_amount', count: 1 });
                entry = await cell.pay(body);
            }
            return entry.answer?.status === 'review';
        }, BOUND_MS);
        const one = await theCase(world, entry.answer.id);
        await cell.arm();
        cell.people.push({ id: one.id, outcome: 'charged', entry });
        await Promise.all([resolve(world, one.id, 'charged'), besides(cell)]);
    },
    // A late success that could not be given back: a person says, once more.
    async note(cell) {
        const { world } = cell;
        const { declined, attempt } = await late(cell);
        await world.fault({ provider: 'paypal', operation: 'refund', kind: 'http_429' });
        lookAgain(world, attempt);
        const one = await theCase(world, declined.id, 'reversal_failed');
        await world.noFaults();
        reversal(cell, declined);
        await cell.arm();
        await Promise.all([resolve(world, one.id, 'reverse'), besides(cell)]);
    },
    // A late success is given back, or let go where it is only held.
    async reverse(cell) {
        const { declined, attempt } = await late(cell, cell.draw(3) === 0 ? { capture: 'manual' } : {});
        reversal(cell, declined);
        await cell.arm();
        lookAgain(cell.world, attempt);
        await besides(cell);
    },
    // A worker dies with a capture or a charge on its way, and another takes it over.
    async adopt(cell) {
        const { world } = cell;
        const payment = cell.draw(2) ? await held(cell) : undefined;
        world.board.arm('charge_left', 1, 'stop');
        const asked = payment ? operate(cell, payment, 'capture', payment.amount) : besides(cell);
        const stopped = await until('a worker stands still with a send on its way', () => world.board.struck, BOUND_MS);
        await cell.arm();
        process.kill(stopped, 'SIGKILL');
        await asked;
    },
    // Answers are lost, and the provider's webhook tells; twice.
    async hook(cell) {
        const { world } = cell;
        await world.hearOfPayoneer();
        await world.fault({ provider: 'payoneer', operation: 'charge', kind: 'reset_after_effect', count: 2 });
        cell.armPoint();
        const both = await Promise.all([1, 2].map(() => cell.pay(payment(between(cell, 100, 5000), { providers: { only: ['payoneer'] } }))));
        await cell.armFault();
        cell.finish = async () => {
            await until('each webhook was taken', async () => (await Promise.all(both.map((entry) => world.isTold(entry)))).every(Boolean), BOUND_MS);
            await world.hooks('DELETE', '');
        };
    },
    // The merchant's own endpoint is told, and meets the fault, too.
    async outbox(cell) {
        const { world } = cell;
        await world.listen();
        world.receiver.meet(cell.fault);
        await cell.arm();
        cell.isHeard = true;
        await Promise.all([1, 2].map(() => besides(cell)));
    },
};

const byPrefix = [
    [/^hold_/, 'hold'], [/^(tell_|case_read$)/, 'person'], [/^note_/, 'note'], [/^(reverse_|reversal_)/, 'reverse'], [/^cancel_/, 'cancel'],
    [/^adopt/, 'adopt'], [/^hook_/, 'hook'], [/^outbox_/, 'outbox'],
];
export const operationOf = (point) => byPrefix.find(([pattern]) => pattern.test(point))?.[1];

// Points that a payment's cells strike, struck in other operations as well: capture.charge_left is a cell's name.
const asked = ['asked', 'sent', 'committed', 'answered'];
const ofOperation = [...asked.map((part) => `open_${part}`), ...['begun', 'left', 'arrived', 'answered'].map((part) => `charge_${part}`), ...asked.map((part) => `close_${part}`), 'reply_before', 'reply_after'];
export const operationSpots = ['capture', 'void', 'refund', 'payout'].flatMap((operation) => ofOperation.map((point) => `${operation}.${point}`));
