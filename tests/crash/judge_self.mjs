// judge_self.mjs - the judge of moves is fed books that are wrong in one thing each, and must say so.
//     node tests/crash/judge_self.mjs
import { judgeMoves, phantomPayouts } from './moves.mjs';

const hold = { kind: 'hold', id: 'H', invoice: 'pay_1', amount: 900, state: 'captured' };
const capture = (amount, more) => ({ kind: 'charge', id: `C${amount}`, parent: 'H', invoice: 'pay_1', amount, state: 'completed', ...more });
const refund = (amount) => ({ kind: 'refund', id: `R${amount}`, parent: 'S', invoice: 'pay_2', amount, state: 'completed' });
const sale = { kind: 'charge', id: 'S', invoice: 'pay_2', amount: 500, state: 'partially_refunded' };
const late = { kind: 'charge', id: 'L', invoice: 'pay_3', amount: 70, state: 'refunded' };
const back = { kind: 'refund', id: 'B', parent: 'L', invoice: 'pay_3', amount: 70, state: 'completed' };
const payout = { kind: 'payout', id: 'P', receiver: 'a@example.com', amount: 30, state: 'completed' };
const books = [hold, capture(400), capture(500), sale, refund(100), refund(150), late, back, payout,
    { ...hold, id: 'V', invoice: 'pay_4', state: 'voided' }, { ...payout, id: 'Q', receiver: 'unclaimed@example.com', state: 'returned' }];
const move = (kind, of, amount, told = 'succeeded') => ({ kind, of, amount, told });
const moves = [move('capture', 'pay_1', 400), move('capture', 'pay_1', 500), move('refund', 'pay_2', 100), move('refund', 'pay_2', 150), move('refund', 'pay_2', 499, 'failed'),
    move('reversed', 'pay_3', 70), move('payout', 'a@example.com', 30), move('void', 'pay_4'), move('payout', 'unclaimed@example.com', 30), move('cancel', 'unclaimed@example.com')];
const without = (id) => books.filter((entry) => entry.id !== id);
const other = (id, change) => books.map((entry) => entry.id === id ? { ...entry, ...change } : entry);
const told = (n, word) => moves.map((one, i) => i === n ? { ...one, told: word } : one);

const cases = {
    'a capture doubled': [moves, [...books, { ...capture(400), id: 'D' }]],
    'a capture lost': [moves, without('C400')],
    'a capture of another amount': [moves, other('C400', { amount: 401 })],
    'a capture told to have failed': [told(0, 'failed'), books],
    'a capture that stays open': [told(0, 'lost'), books],
    'a refund doubled': [moves, [...books, { ...refund(100), id: 'D' }]],
    'a refund lost': [moves, without('R150')],
    'a refund that was refused': [moves, [...books, { ...refund(499), id: 'D' }]],
    'a late success kept': [moves, without('B')],
    'a late success given back twice': [moves, [...books, { ...back, id: 'D' }]],
    'a payout doubled': [moves, [...books, { ...payout, id: 'D' }]],
    'a payout lost': [moves, without('P')],
    'a payout to nobody': [moves, [...books, { ...payout, id: 'D', receiver: 'b@example.com' }]],
    'a void that holds': [moves, other('V', { state: 'held' })],
    'a canceled payout that left': [moves, other('Q', { state: 'completed' })],
};
const judge = (all, its) => [...judgeMoves(all, its), ...phantomPayouts(all, its)];
let failed = 0;
const check = (name, is, text = '') => { if (!is) { failed++; console.log(`FAIL judge_self: ${name}${text}`); } };
check('the books as they should be', judge(moves, books).length === 0, `: ${JSON.stringify(judge(moves, books))}`);
for (const [name, [all, its]] of Object.entries(cases)) check(name, judge(all, its).length > 0);
console.log(`judge_self: ${Object.keys(cases).length + 1 - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
