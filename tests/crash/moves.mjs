// moves.mjs - what is done with money after a payment, or beside it: captures, voids, refunds, payouts, holds that end,
// people's words, reversals. A move is one honest client's request (or what befalls a payment), repeated under its key
// until it is told; it is judged by the sandbox's books and what was told, alone.
//
//     {cell, kind, of, amount, told}      told: succeeded, failed (declined, canceled or refused), review, lost (nothing final)
//
// kind: capture, refund, void, payout (of: the receiver), cancel (of a payout), ended (the provider let go of a hold),
// reversed (a late success).

const GONE = ['declined', 'failed', 'denied', 'voided', 'canceled', 'returned', 'blocked', 'rejected', 'expired'];
const moved = (entry) => !GONE.includes(entry.state);
const sum = (entries) => entries.reduce((all, entry) => all + entry.amount, 0);
const show = (entries) => JSON.stringify(entries.map(({ kind, id, amount, state, reference }) => ({ kind, id, amount, state, reference })));

// Of each amount that was asked for as many are in the books as were told to have been made; one in review may be, too.
function judgeAmounts(what, asked, entries) {
    const wrong = [];
    for (const amount of new Set([...asked.map((move) => move.amount), ...entries.map((entry) => entry.amount)])) {
        const mine = asked.filter((move) => move.amount === amount);
        const there = entries.filter((entry) => entry.amount === amount);
        const told = (word) => mine.filter((move) => move.told === word).length;
        const say = `${what} of ${amount}: told ${mine.map((move) => move.told).join(', ') || 'nothing'}, in the books ${show(there)}`;
        if (mine.length === 0) wrong.push(`a phantom, ${say}`);
        else if (there.length < told('succeeded')) wrong.push(`lost, ${say}`);
        else if (there.length > told('succeeded') + told('review')) wrong.push(`${there.length > mine.length ? 'twice' : 'told otherwise'}, ${say}`);
        if (told('lost') > 0) wrong.push(`nothing final, ${say}`);
    }
    return wrong;
}

const alone = { // kinds that are one at a time: what is wrong; nothing: undefined
    void({ told }, { holds, captures }) {
        if (told === 'lost') return 'nothing final';
        if (told === 'succeeded' && (holds.some(moved) || captures.length > 0)) return 'told succeeded, and it is still held';
        if (told === 'failed' && !holds.some(moved)) return 'told failed, and nothing is held';
        return undefined;
    },
    ended({ told }, { holds, captures }) {
        if (told !== 'succeeded') return 'its end was never told';
        return holds.some(moved) || captures.length > 0 ? 'told to have ended, and it is held, or captured' : undefined;
    },
    reversed({ told, amount }, { holds, charges, refunds }) {
        if (told !== 'succeeded') return 'never resolved';
        if (holds.some(moved)) return 'resolved, and it is still held';
        if (sum(refunds.filter(moved)) !== sum(charges.filter(moved))) return 'resolved, and what came is not what went';
        return charges.filter(moved).length > 1 || charges.some((entry) => entry.amount !== amount) ? 'charged otherwise' : undefined;
    },
};

// Of one payment: what clients asked for, and what its provider has.
function judgePayment(moves, books) {
    const holds = books.filter((entry) => entry.kind === 'hold');
    const charges = books.filter((entry) => ['charge', 'capture'].includes(entry.kind));
    const refunds = books.filter((entry) => entry.kind === 'refund');
    const captures = holds.length > 0 ? charges.filter(moved) : [];
    const of = (kind) => moves.filter((move) => move.kind === kind);
    const wrong = [];
    for (const move of moves) {
        const text = alone[move.kind]?.(move, { holds, charges, refunds, captures });
        if (text) wrong.push(`${move.kind}: ${text}: ${show(books)}`);
    }
    wrong.push(...judgeAmounts('capture', of('capture'), captures));
    if (of('reversed').length === 0) wrong.push(...judgeAmounts('refund', of('refund'), refunds.filter(moved)));
    const most = holds.length > 0 ? sum(holds) : sum(charges.filter(moved));
    if (sum(captures) > most || sum(refunds.filter(moved)) > sum(charges.filter(moved))) wrong.push(`more than there was: ${show(books)}`);
    return wrong;
}

function judgeReceiver(moves, books) {
    const pays = moves.filter((move) => move.kind === 'payout');
    const cancel = moves.find((move) => move.kind === 'cancel');
    const there = books.filter(moved);
    if (cancel) {
        if (cancel.told === 'lost') return [`cancel: nothing final: ${show(books)}`];
        return (cancel.told === 'succeeded') === (there.length === 0) || cancel.told === 'review' ? [] : [`cancel: told ${cancel.told}: ${show(books)}`];
    }
    return judgeAmounts('payout', pays, there);
}

// moves of some cells, all of the books: [{cell, text}].
export function judgeMoves(moves, books) {
    const wrong = [];
    for (const of of new Set(moves.map((move) => move.of))) {
        const mine = moves.filter((move) => move.of === of);
        const isPayout = ['payout', 'cancel'].includes(mine[0].kind);
        const its = books.filter((entry) => isPayout ? entry.kind === 'payout' && entry.receiver === of : entry.invoice === of && entry.kind !== 'payout');
        for (const text of (isPayout ? judgeReceiver : judgePayment)(mine, its)) wrong.push({ cell: mine[0].cell, text: `${of}: ${text}` });
    }
    return wrong;
}
// What left for somebody whom no client named.
export function phantomPayouts(moves, books) {
    const asked = new Set(moves.filter((move) => move.kind === 'payout').map((move) => move.of));
    return books.filter((entry) => entry.kind === 'payout' && !asked.has(entry.receiver)).map((entry) => ({ text: `a phantom in the books: ${JSON.stringify(entry)}` }));
}
