// judge.mjs - what of a group of cells the client's log and the sandbox's books say: 0 charged twice, 0 acknowledged
// and lost, 0 phantoms, everything final or in review. The ledger is asked for nothing but when it knew.
import { equal, until } from '../e2e/lib.mjs';
import { tellMoves, tellPeople } from './operations.mjs';
import { judgeMoves, phantomPayouts } from './moves.mjs';

const FINAL_MS = 90000; // a bound, not what is promised
const terminal = ['succeeded', 'authorized', 'declined', 'failed', 'canceled'];

// The client repeats what it was told nothing final of, until it is. What was told first stays.
async function tell(world, entry) {
    const first = entry.status === 201 ? entry.raw : undefined;
    await until(`key ${entry.key} of ${entry.cell.name} is told a final answer (last ${entry.status} ${entry.raw ?? entry.error ?? ''})`, async () => {
        const again = await world.call('POST', `${world.api}/v1/payments`, { body: entry.body, key: world.key, headers: { 'idempotency-key': `"${entry.key}"` } });
        Object.assign(entry, { status: again.status, raw: again.raw, answer: again.json });
        return again.status === 201 || (again.status === 202 && again.json.status === 'review');
    }, FINAL_MS);
    if (first !== undefined) equal(entry.raw, first, `key ${entry.key}: the same answer`);
}

// When the ledger knew, after the last fault of the group had ended; of payments that were open by then.
function times(world, cells) {
    const rows = world.rows(`SELECT finance.show_id('pay', p.payment_id) AS id, extract(epoch FROM p.created_at) * 1000 AS opened, min(extract(epoch FROM e.created_at) * 1000) AS ended
        FROM payments p JOIN events e USING (merchant_id, payment_id) WHERE e.status NOT IN ('processing', 'requires_action') GROUP BY p.merchant_id, p.payment_id, p.created_at`);
    const end = Math.max(...cells.map((cell) => cell.endedAt)); // until then one cell breaks what another waits for
    const known = new Map(rows.map((row) => [row.id, row]));
    for (const cell of cells) {
        const open = cell.entries.map((entry) => known.get(entry.answer?.id)).filter((row) => row && row.opened <= end && row.ended > end);
        cell.unknowns = open.map((row) => Math.round(row.ended - end));
    }
}

export async function judgeGroup(world, cells) {
    const wrong = [];
    const moves = cells.flatMap((cell) => cell.moves);
    wrong.push(...await tellMoves(world, moves), ...await tellPeople(world, cells));
    for (const cell of cells) {
        cell.unknowns = [];
        for (const entry of cell.entries) entry.cell = cell;
        const told = await Promise.allSettled(cell.entries.map((entry) => tell(world, entry)));
        for (const one of told) if (one.status === 'rejected') wrong.push({ cell, text: one.reason.message });
    }
    try {
        await world.settled(FINAL_MS);
    } catch (error) {
        wrong.push({ text: error.message });
    }
    const entries = await world.allBooks();
    world.moves.push(...moves);
    wrong.push(...judgeMoves(moves, entries), ...phantomPayouts(world.moves, entries));
    const byPayment = new Map(world.log.filter((entry) => entry.answer?.id).map((entry) => [entry.answer.id, entry]));
    const movedBy = (...kinds) => new Set(world.moves.filter((move) => kinds.includes(move.kind)).map((move) => move.of));
    const captured = movedBy('capture');
    const given = movedBy('refund', 'reversed');
    for (const book of entries) { // a phantom: no client asked for it
        if (!['charge', 'hold', 'refund'].includes(book.kind)) continue;
        const asked = byPayment.get(book.invoice);
        const isRight = { // what is captured in parts or given back, moves.mjs has judged
            charge: () => captured.has(book.invoice) || (asked.body.capture !== 'manual' && asked.body.amount === book.amount) || given.has(book.invoice),
            hold: () => asked.body.amount === book.amount,
            refund: () => given.has(book.invoice) || asked.answer.status !== 'succeeded' || entries.filter((one) => one.kind === 'charge' && one.invoice === book.invoice).length > 1,
        }[book.kind];
        if (!asked || !isRight()) wrong.push({ cell: asked?.cell, text: `a phantom in the books: ${JSON.stringify(book)}` });
    }
    for (const cell of cells) {
        for (const entry of cell.entries) {
            if (entry.status === 201 && !terminal.includes(entry.answer.status)) wrong.push({ cell, text: `told ${entry.answer.status}` });
        }
    }
    const all = world.log;
    for (const cell of cells) { // one by one, so that it has a name
        world.log = cell.entries;
        try { judgeTold(world.log.filter((entry) => !captured.has(entry.answer?.id)), entries); } catch (error) { wrong.push({ cell, text: error.message }); }
    }
    world.log = all;
    for (const cell of cells.filter((one) => one.isHeard)) {
        for (const { answer, status } of cell.entries.filter((entry) => entry.status === 201)) {
            try { await world.receiver.judge(answer, FINAL_MS); } catch (error) { wrong.push({ cell, text: `${status}: ${error.message}` }); }
        }
    }
    try { await world.judge(); } catch (error) { if (wrong.length === 0) wrong.push({ text: error.message }); }
    times(world, cells);
    return wrong;
}

// P1 and P2 of these requests: what the books hold of a payment is what its client was told, once. What is captured in
// parts is a move; what was given back since was charged, too.
function judgeTold(log, books) {
    for (const { answer, status } of log) {
        const its = (...states) => books.filter((book) => book.invoice === answer.id && book.kind === 'charge' && states.includes(book.state));
        const kept = its('pending', 'completed', 'partially_refunded');
        if (kept.length > 1) throw new Error(`payment ${answer.id} was charged ${kept.length} times: ${JSON.stringify(kept)}`);
        if (status === 201 && answer.status === 'succeeded' && kept.length + its('refunded').length === 0) throw new Error(`payment ${answer.id} was told succeeded and is not in the books`);
        if (status === 201 && ['declined', 'failed', 'canceled'].includes(answer.status) && kept.length > 0) throw new Error(`payment ${answer.id} was told ${answer.status} and was charged`);
    }
}
