// example.mjs - a payment, a refund of a part of it, an error told apart by its code, and a payout:
//
//   node docs/clients/node/example.mjs [ORDER]
//
// With the ORDER of an earlier run, whatever became of that run, the same answers come back and no money moves again.
import { Turnpike, TurnpikeError } from './turnpike.mjs';

const turnpike = Turnpike.fromEnvironment();
const order = process.argv[2] ?? `order-${Date.now()}`; // yours, from your database; the keys are made of it
const show = (what, { id, status, amount, currency, provider }) => console.log(`${what}: ${id} ${status} ${amount} ${currency} ${provider ?? '-'}`);
console.log(`order: ${order}`);

// 10.99 EUR. On test keys the method `test` needs no token of a provider; outcome declined_hard, requires_action, ... end otherwise.
const payment = await turnpike.settled(await turnpike.pay({
    amount: 1099, currency: 'EUR', reference: order, method: { type: 'test', outcome: 'approved' },
}, `${order}-payment`));
show('payment', payment);
if (payment.status !== 'succeeded') {
    // declined, failed: ask for another method, under a new key. processing, review: do not pay again; the webhook tells.
    process.exit(1);
}

const refund = await turnpike.settled(await turnpike.refund(payment.id, { amount: 500 }, `${order}-refund-1`));
show('refund', refund);

try {
    await turnpike.refund(payment.id, { amount: 5000 }, `${order}-refund-2`);
} catch (error) {
    if (!(error instanceof TurnpikeError) || error.code !== 'amount_exceeds_remaining') throw error;
    console.log(`refused: ${error.code} (${error.requestId})`);
}

const payout = await turnpike.settled(await turnpike.payOut({
    amount: 12500, currency: 'EUR', reference: `${order}-payout`,
    beneficiary: { type: 'individual', first_name: 'Ada', last_name: 'Lovelace' },
    payees: { paypal: 'ada@example.com', payoneer: 'ada-1815' },
}, `${order}-payout`));
show('payout', payout);
process.exit(payout.status === 'succeeded' ? 0 : 1);
