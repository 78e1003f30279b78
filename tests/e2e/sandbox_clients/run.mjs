// PayPal's own client libraries against the sandbox: what they can do with PayPal they must be able to
// do with it. Usage: node run.mjs https://127.0.0.1:9444   (NODE_EXTRA_CA_CERTS names the CA)
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import axios from 'axios';
import {
  ApiError,
  CheckoutPaymentIntent,
  Client,
  Environment,
  OrdersController,
  PaymentsController,
} from '@paypal/paypal-server-sdk';

const base = (process.argv[2] ?? process.env.BASE_URL ?? '').replace(/\/$/, '');
if (!base) {
  console.error('usage: node run.mjs <base address of the sandbox>');
  process.exit(2);
}

let checks = 0;
function check(what, actual, expected) {
  assert.deepEqual(actual, expected, what);
  checks += 1;
}

const unique = `${process.pid}-${Date.now()}`;
const amount = (value) => ({ currencyCode: 'USD', value });
const unit = (reference, value = '100.00') => ({
  customId: `${reference}-${unique}`,
  invoiceId: `invoice-${reference}-${unique}`,
  amount: amount(value),
});
const card = (vaultId) => ({ card: { vaultId } });

// ---- @paypal/paypal-server-sdk: its hosts are fixed, so the HTTP adapter below it is turned ---------

function currentClient(secret = 'secret') {
  const http = axios.getAdapter('http');
  return new Client({
    clientCredentialsAuthCredentials: { oAuthClientId: 'sdk-client', oAuthClientSecret: secret },
    environment: Environment.Sandbox,
    timeout: 10000,
    unstable_httpClientOptions: {
      adapter: (config) => {
        config.url = config.url.replace('https://api-m.sandbox.paypal.com', base);
        return http(config);
      },
    },
  });
}

async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    return { status: error.statusCode, body: JSON.parse(error.body) };
  }
  throw new assert.AssertionError({ message: 'was not refused' });
}

function order(intent, units, source) {
  return { intent, purchaseUnits: units, ...(source ? { paymentSource: source } : {}) };
}

async function sale(orders, payments) {
  const request = {
    body: order(CheckoutPaymentIntent.Capture, [unit('sale')], card('tok_ok')),
    paypalRequestId: `sale-${unique}`,
    prefer: 'return=representation',
  };
  const first = await orders.createOrder(request);
  const capture = first.result.purchaseUnits[0].payments.captures[0];
  check('sale status', first.statusCode, 201);
  check('order status', first.result.status, 'COMPLETED');
  check('capture status', capture.status, 'COMPLETED');
  check('fee', capture.sellerReceivableBreakdown.paypalFee, amount('3.98'));
  check('custom id', capture.customId, `sale-${unique}`);
  const again = await orders.createOrder(request);
  check('repeat status', again.statusCode, 200);
  check('repeat id', again.result.id, first.result.id);
  const read = await orders.getOrder({ id: first.result.id });
  check('read intent', read.result.intent, 'CAPTURE');
  const found = await payments.getCapturedPayment({ captureId: capture.id });
  check('capture amount', found.result.amount, amount('100.00'));
  const refund = await payments.refundCapturedPayment({
    captureId: capture.id,
    paypalRequestId: `refund-${unique}`,
    prefer: 'return=representation',
    body: { amount: amount('40.00'), noteToPayer: 'sorry' },
  });
  check('refund status', refund.result.status, 'COMPLETED');
  check('refunded', refund.result.sellerPayableBreakdown.totalRefundedAmount, amount('40.00'));
  const refunded = await payments.getRefund({ refundId: refund.result.id });
  check('refund note', refunded.result.noteToPayer, 'sorry');
  const rest = await payments.refundCapturedPayment({ captureId: capture.id });
  check('rest refunded', rest.result.status, 'COMPLETED');
}

async function hold(orders, payments) {
  const made = await orders.createOrder({
    body: order(CheckoutPaymentIntent.Authorize, [unit('hold')], card('tok_ok')),
    paypalRequestId: `hold-${unique}`,
    prefer: 'return=representation',
  });
  const id = made.result.purchaseUnits[0].payments.authorizations[0].id;
  const found = await payments.getAuthorizedPayment({ authorizationId: id });
  check('hold status', found.result.status, 'CREATED');
  const part = await payments.captureAuthorizedPayment({
    authorizationId: id,
    paypalRequestId: `part-${unique}`,
    prefer: 'return=representation',
    body: { amount: amount('30.00'), finalCapture: false },
  });
  check('part status', part.result.status, 'COMPLETED');
  const after = await payments.getAuthorizedPayment({ authorizationId: id });
  check('partly captured', after.result.status, 'PARTIALLY_CAPTURED');

  const other = await orders.createOrder({
    body: order(CheckoutPaymentIntent.Authorize, [unit('void')], card('tok_ok')),
    paypalRequestId: `void-${unique}`,
    prefer: 'return=representation',
  });
  const voided = other.result.purchaseUnits[0].payments.authorizations[0].id;
  const answer = await payments.voidPayment({ authorizationId: voided });
  check('void status', answer.statusCode, 204);
  const twice = await refused(payments.voidPayment({ authorizationId: voided }));
  check('voided twice', twice.body.details[0].issue, 'PREVIOUSLY_VOIDED');
  const early = await refused(
    payments.reauthorizePayment({ authorizationId: id, body: { amount: amount('10.00') } }),
  );
  check('too early', early.status, 422);
}

async function approval(orders) {
  const made = await orders.createOrder({
    body: order(CheckoutPaymentIntent.Capture, [unit('approval')]),
    prefer: 'return=minimal',
  });
  check('created', [made.statusCode, made.result.status], [201, 'CREATED']);
  const id = made.result.id;
  const early = await refused(orders.captureOrder({ id }));
  check('not approved', early.body.details[0].issue, 'ORDER_NOT_APPROVED');
  const approve = made.result.links.find((link) => link.rel === 'approve');
  await axios.get(approve.href);
  // The library sends Content-Type: application/json with Content-Length: 0 here.
  const captured = await orders.captureOrder({ id });
  check('captured', captured.result.status, 'COMPLETED');
  check('payments', captured.result.purchaseUnits[0].payments.captures.length, 1);

  const second = await orders.createOrder({
    body: order(CheckoutPaymentIntent.Authorize, [unit('authorize')]),
  });
  await orders.patchOrder({
    id: second.result.id,
    body: [
      {
        op: 'replace',
        path: "/purchase_units/@reference_id=='default'/amount",
        value: { currency_code: 'USD', value: '55.00' },
      },
    ],
  });
  const confirmed = await orders.confirmOrder({
    id: second.result.id,
    body: { paymentSource: card('tok_ok') },
  });
  check('confirmed', confirmed.result.status, 'APPROVED');
  const held = await orders.authorizeOrder({ id: second.result.id, prefer: 'return=representation' });
  const payment = held.result.purchaseUnits[0].payments.authorizations[0];
  check('held', [payment.status, payment.amount.value], ['CREATED', '55.00']);
}

async function refusals(orders) {
  const declined = await orders.createOrder({
    body: order(CheckoutPaymentIntent.Capture, [unit('declined')], card('tok_soft')),
    paypalRequestId: `declined-${unique}`,
    prefer: 'return=representation',
  });
  const capture = declined.result.purchaseUnits[0].payments.captures[0];
  check('declined inside 201', [declined.statusCode, capture.status], [201, 'DECLINED']);
  check('code', capture.processorResponse.responseCode, '5120');
  const precise = await refused(
    orders.createOrder({ body: order(CheckoutPaymentIntent.Capture, [unit('precise', '1.001')]) }),
  );
  check('decimals', precise.body.details[0].issue, 'DECIMAL_PRECISION');
  const mock = await refused(
    orders.createOrder({
      body: order(CheckoutPaymentIntent.Capture, [unit('mock')], card('tok_ok')),
      paypalMockResponse: '{"mock_application_codes":"TRANSACTION_REFUSED"}',
      paypalRequestId: `mock-${unique}`,
    }),
  );
  check('mocked', mock.body.details[0].issue, 'TRANSACTION_REFUSED');
  const missing = await refused(orders.getOrder({ id: 'NOSUCHORDER' }));
  check('missing', [missing.status, missing.body.name], [404, 'RESOURCE_NOT_FOUND']);
  const stranger = new OrdersController(currentClient('wrong'));
  await assert.rejects(stranger.getOrder({ id: 'X' }));
  checks += 1;
}

// ---- @paypal/checkout-server-sdk: deprecated, still in use; its paths end in '?' --------------------

async function deprecated() {
  const { core, orders, payments } = createRequire(import.meta.url)('@paypal/checkout-server-sdk');
  const environment = new core.PayPalEnvironment('old-client', 'secret', base, base);
  const client = new core.PayPalHttpClient(environment);
  const send = (request, key, body) => {
    if (key) request.headers['PayPal-Request-Id'] = `${key}-${unique}`;
    request.prefer?.('return=representation');
    if (body) request.requestBody(body);
    return client.execute(request);
  };
  const create = (intent) => ({
    intent,
    purchase_units: [{ custom_id: `old-${unique}`, amount: { currency_code: 'EUR', value: '20.00' } }],
    payment_source: { card: { vault_id: 'tok_ok' } },
  });
  const made = await send(new orders.OrdersCreateRequest(), 'old-sale', create('CAPTURE'));
  check('old create', [made.statusCode, made.result.status], [201, 'COMPLETED']);
  const read = await send(new orders.OrdersGetRequest(made.result.id));
  const capture = read.result.purchase_units[0].payments.captures[0];
  check('old fee', capture.seller_receivable_breakdown.paypal_fee.value, '1.09');
  const refund = await send(new payments.CapturesRefundRequest(capture.id), 'old-refund', {});
  check('old refund', refund.result.status, 'COMPLETED');
  const held = await send(new orders.OrdersCreateRequest(), 'old-hold', create('AUTHORIZE'));
  const id = held.result.purchase_units[0].payments.authorizations[0].id;
  const taken = await send(new payments.AuthorizationsCaptureRequest(id), 'old-capture', {});
  check('old capture', taken.result.status, 'COMPLETED');
  const open = await send(new orders.OrdersCreateRequest(), 'old-void', create('AUTHORIZE'));
  const free = open.result.purchase_units[0].payments.authorizations[0].id;
  const voided = await client.execute(new payments.AuthorizationsVoidRequest(free));
  check('old void', voided.statusCode, 204);
}

// ---- @paypal/payouts-sdk: deprecated, and the only published client of Payouts ----------------------

async function until(what, probe) {
  for (const end = Date.now() + 20000; Date.now() < end; ) {
    const found = await probe();
    if (found) return found;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new assert.AssertionError({ message: `${what}: not within 20 s` });
}

function batch(id, receivers, currency = 'USD') {
  return {
    sender_batch_header: { sender_batch_id: `${id}-${unique}`, email_subject: 'You have a payout!' },
    items: receivers.map((receiver, i) => ({
      recipient_type: receiver.includes('@') ? 'EMAIL' : receiver.startsWith('+') ? 'PHONE' : 'PAYPAL_ID',
      amount: { value: '9.87', currency },
      note: 'Thanks for your patronage!',
      sender_item_id: `${id}-${i}-${unique}`,
      receiver,
    })),
  };
}

async function payouts() {
  const { core, payouts: requests } = createRequire(import.meta.url)('@paypal/payouts-sdk');
  const environment = new core.PayPalEnvironment('payouts-client', 'secret', base, base);
  const client = new core.PayPalHttpClient(environment);
  const post = (body) => client.execute(new requests.PayoutsPostRequest().requestBody(body));
  const get = (id) => client.execute(new requests.PayoutsGetRequest(id).totalRequired(true).page(1).pageSize(10));
  const refusal = async (promise) => {
    const error = await promise.then(() => assert.fail('was not refused'), (e) => e);
    return { status: error.statusCode, body: JSON.parse(error.message) };
  };
  const receivers = ['receiver@example.com', '+14155550123', 'G83JXTJ5EHCQ2', 'unclaimed@example.com', 'failed@example.com'];
  const made = await post(batch('first', receivers));
  check('payout status', [made.statusCode, made.result.batch_header.batch_status], [201, 'PENDING']);
  const id = made.result.batch_header.payout_batch_id;
  const done = await until('the batch', async () => {
    const read = await get(id);
    return read.result.batch_header.batch_status === 'SUCCESS' ? read.result : null;
  });
  check('items', done.items.map((item) => item.transaction_status), ['SUCCESS', 'SUCCESS', 'SUCCESS', 'UNCLAIMED', 'FAILED']);
  check('types', done.items.slice(0, 3).map((item) => item.payout_item.recipient_type), ['EMAIL', 'PHONE', 'PAYPAL_ID']);
  check('total', [done.total_items, done.total_pages], [5, 1]);
  check('sum', done.batch_header.amount, { currency: 'USD', value: '49.35' });
  check('fees', done.batch_header.fees, { currency: 'USD', value: '0.80' });
  const again = await refusal(post(batch('first', receivers)));
  check('again', [again.status, again.body.name], [400, 'USER_BUSINESS_ERROR']);
  check('again is the first', again.body.details[0].link[0].href.split('/').pop(), id);

  const unclaimed = done.items[3];
  const item = await client.execute(new requests.PayoutsItemGetRequest(unclaimed.payout_item_id));
  check('item', [item.result.transaction_status, item.result.errors.name], ['UNCLAIMED', 'RECEIVER_UNREGISTERED']);
  const canceled = await client.execute(new requests.PayoutsItemCancelRequest(unclaimed.payout_item_id));
  check('canceled', [canceled.statusCode, canceled.result.transaction_status], [200, 'RETURNED']);
  const twice = await refusal(client.execute(new requests.PayoutsItemCancelRequest(unclaimed.payout_item_id)));
  check('canceled twice', [twice.status, twice.body.name], [400, 'ITEM_ALREADY_CANCELLED']);
  const paid = await refusal(client.execute(new requests.PayoutsItemCancelRequest(done.items[0].payout_item_id)));
  check('paid', paid.body.name, 'ITEM_INCORRECT_STATUS');

  const nobody = await refusal(post(batch('nobody', ['no address@'])));
  check('receiver', nobody.body.details[0].issue, 'Receiver is invalid or does not match with type');
  const held = await refusal(post(batch('held', receivers, 'BRL')));
  check('currency', [held.status, held.body.name], [400, 'NON_HOLDING_CURRENCY']);
  const poor = await refusal(post(batch('poor', ['insufficient@example.com'])));
  check('funds', [poor.status, poor.body.name], [422, 'INSUFFICIENT_FUNDS']);
  const missing = await refusal(get('NOSUCHBATCH12'));
  check('missing batch', [missing.status, missing.body.name], [404, 'INVALID_RESOURCE_ID']);
}

const client = currentClient();
const orders = new OrdersController(client);
const payments = new PaymentsController(client);
await sale(orders, payments);
await hold(orders, payments);
await approval(orders);
await refusals(orders);
await deprecated();
await payouts();
console.log(`sandbox clients: ${checks} checks passed`);
