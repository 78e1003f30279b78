// server.mjs - a payment service as one would write it with Fastify, pg and undici: the comparison of `make bench`.
//
// It does the gateway's steps with the gateway's rows: key, validation, fingerprint, one transaction that opens the
// payment, one call to the provider, one transaction that closes it, one answer. Statements are prepared and named,
// connections to PostgreSQL and to the provider are kept. It has no failover, no recovery, no routing and no limits.
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Fastify from 'fastify';
import pg from 'pg';
import { Pool } from 'undici';

const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const database = new pg.Pool({ ...config.database, max: config.databaseConnections });
const provider = new Pool(config.provider, { connections: config.providerConnections, pipelining: 1, connect: { ca: readFileSync(config.ca) } });
const keys = new Set(config.keys.map((key) => createHash('sha256').update(key).digest('hex')));
const sealKey = randomBytes(32);
const answerTemplate = JSON.parse(config.answer);

// ---- the rows ----------------------------------------------------------------------------------

const statements = config.statements.map((s, i) => ({
    ...s,
    name: `${s.transaction}_${i}`,
    text: `INSERT INTO ${s.table} (${s.columns.join(', ')}) VALUES (${s.columns.map((_, n) => `$${n + 1}`).join(', ')})` +
        (s.table === 'idempotency' ? ' ON CONFLICT (merchant_id, key) DO NOTHING RETURNING payment_id' : ''),
}));
const replaced = { // columns that a service computes, by table
    'sends.body_sealed': (p) => p.sealed,
    'payment_answers.body': (p) => Buffer.from(p.answer),
    'idempotency.fingerprint': (p) => p.fingerprint,
    'payments.amount_minor': (p) => p.body.amount,
    'payments.currency': (p) => p.body.currency,
    'outcomes.reference': (p) => p.capture,
};
function valuesOf(s, payment) {
    return s.values.map((value, i) => {
        if (value.param) return payment.ids[value.param];
        if (value.now !== undefined) return new Date(payment.now + value.now * 1000);
        return replaced[`${s.table}.${s.columns[i]}`]?.(payment) ?? value.value;
    });
}
async function write(transaction, payment) {
    const client = await database.connect();
    try {
        await client.query('BEGIN');
        for (const s of statements) {
            if (s.transaction !== transaction) continue;
            const result = await client.query({ name: s.name, text: s.text, values: valuesOf(s, payment) });
            if (s.table === 'idempotency' && result.rowCount === 0) {
                await client.query('ROLLBACK');
                return false;
            }
        }
        await client.query('COMMIT');
        return true;
    } catch (error) {
        await client.query('ROLLBACK');
        throw error;
    } finally {
        client.release();
    }
}

// ---- the provider ------------------------------------------------------------------------------

let token;
async function getToken() {
    const answer = await provider.request({ method: 'POST', path: '/v1/oauth2/token', body: 'grant_type=client_credentials',
        headers: { authorization: `Basic ${Buffer.from(`${config.user}:${config.password}`).toString('base64')}`, 'content-type': 'application/x-www-form-urlencoded' } });
    const got = await answer.body.json();
    if (answer.statusCode !== 200) throw new Error(`no token: ${JSON.stringify(got)}`);
    return got.access_token;
}
const orderOf = (payment) => JSON.stringify({
    intent: 'CAPTURE',
    purchase_units: [{ reference_id: payment.attempt, custom_id: payment.attempt, invoice_id: payment.id, description: payment.body.description,
        amount: { currency_code: payment.body.currency, value: (payment.body.amount / 100).toFixed(2) } }],
    payment_source: { card: { vault_id: payment.body.method.tokens.paypal } },
});
async function charge(payment) {
    const answer = await provider.request({ method: 'POST', path: '/v2/checkout/orders', body: payment.order,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'paypal-request-id': payment.attempt, prefer: 'return=representation' } });
    const order = await answer.body.json();
    const capture = order.purchase_units?.[0]?.payments?.captures?.[0];
    if (order.status !== 'COMPLETED' || capture?.amount.value !== (payment.body.amount / 100).toFixed(2))
        throw new Error(`not captured: ${answer.statusCode}`);
    return capture.id;
}

// ---- the request -------------------------------------------------------------------------------

function uuid7(now) {
    const bytes = randomBytes(16);
    bytes.writeUIntBE(now, 0, 6);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = bytes.toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
function seal(text) {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', sealKey, iv);
    return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}
function begin(body, key) {
    const now = Date.now();
    const ids = { payment_id: uuid7(now), attempt_id: uuid7(now), key, reference: body.reference };
    for (const s of statements) for (const v of s.values) if (v.param?.startsWith('id_')) ids[v.param] = uuid7(now);
    const payment = { now, ids, body, id: `pay_${ids.payment_id.replaceAll('-', '').toUpperCase()}`, attempt: `att_${ids.attempt_id.replaceAll('-', '').toUpperCase()}` };
    payment.fingerprint = createHash('sha256').update(`POST /v1/payments ${JSON.stringify(body)}`).digest();
    payment.order = orderOf(payment);
    payment.sealed = seal(payment.order);
    return payment;
}
function answerOf(payment) {
    return JSON.stringify({ ...answerTemplate, id: payment.id, amount: payment.body.amount, currency: payment.body.currency,
        reference: payment.body.reference, created: new Date(payment.now).toISOString(),
        attempts: [{ ...answerTemplate.attempts[0], id: payment.attempt, provider_reference: payment.capture }] });
}

const text = { type: 'string', maxLength: 255 };
const schema = { body: { type: 'object', additionalProperties: false, required: ['amount', 'currency', 'method'], properties: {
    amount: { type: 'integer', minimum: 1 }, currency: { type: 'string', pattern: '^[A-Z]{3}$' }, capture: { enum: ['automatic', 'manual'] },
    reference: text, description: text, metadata: { type: 'object', additionalProperties: { type: 'string', maxLength: 500 } },
    method: { type: 'object', required: ['type'], additionalProperties: false, properties: { type: text, tokens: { type: 'object', additionalProperties: text } } },
    customer: { type: 'object', additionalProperties: false, properties: { id: text, name: text, email: text, country: text } },
} } };

const server = Fastify({ https: { key: readFileSync(config.tlsKey), cert: readFileSync(config.tlsCertificate) }, logger: false, keepAliveTimeout: 75000 });
server.post('/v1/payments', { schema }, async (request, reply) => {
    const bearer = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
    if (!keys.has(createHash('sha256').update(bearer).digest('hex'))) return reply.code(401).send({ code: 'unauthorized' });
    const key = request.headers['idempotency-key']?.replace(/^"|"$/g, '');
    if (!key) return reply.code(400).send({ code: 'missing_key' });
    const payment = begin(request.body, key);
    if (!await write('open', payment)) return reply.code(409).send({ code: 'key_in_use' });
    payment.capture = await charge(payment);
    payment.answer = answerOf(payment);
    await write('close', payment);
    return reply.code(201).type('application/json').header('location', `/v1/payments/${payment.id}`).send(payment.answer);
});
server.get('/ready', async () => 'ready');
token = await getToken();
await server.listen({ host: '127.0.0.1', port: config.port });
