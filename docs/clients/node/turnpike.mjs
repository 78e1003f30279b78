// turnpike.mjs - a small client of Turnpike's API for Node.js 18 or later, without packages: copy it into your project.
//
//   const turnpike = Turnpike.fromEnvironment();
//   const payment = await turnpike.pay({ amount: 1099, currency: 'EUR', method: {...} }, 'order-1001-payment');
//
// Whatever moves money takes an idempotency key of yours. Write it down with the order before the call: whoever tries
// again under the same key, in this process or after a crash, moves the money once. The client does so by itself when
// an answer is lost or says `retryable`; what it gives up on is a TurnpikeError, and the same call may be made later.
import https from 'node:https';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const PAUSE_MS = 500; // before the second try; twice as long before each that follows
const RETRY_AFTER_MAX_S = 60; // who shall wait longer is told, and decides

// Decide by `code` (docs/api.md lists them). `no_answer`: none came, so nobody knows; the same call under the same key
// finds out. `param` is the member it is about, `retryable` says that the same call may succeed later.
export class TurnpikeError extends Error {
    constructor(problem, status = 0, retryAfter = 0) {
        super(`${problem.code}: ${problem.detail ?? problem.title}`);
        Object.assign(this, { name: 'TurnpikeError', code: problem.code, param: problem.param, status, retryAfter,
            retryable: problem.retryable === true, paymentId: problem.payment_id, requestId: problem.request_id });
    }
}

export class WebhookRefused extends Error {}

export class Turnpike {
    // ca: the PEM text of a CA of one's own (var/tls/ca.pem); without it the well-known ones are trusted.
    constructor({ url, key, ca, tries = 6, answerMs = 30_000 }) {
        Object.assign(this, { url, key, tries, answerMs });
        this.agent = new https.Agent({ keepAlive: true, ca });
    }

    // TURNPIKE_URL, TURNPIKE_KEY_FILE and TURNPIKE_CA_FILE, as the command line `turnpike` has them.
    static fromEnvironment(options = {}) {
        const { TURNPIKE_URL: url, TURNPIKE_KEY_FILE: keyFile, TURNPIKE_CA_FILE: caFile } = process.env;
        if (!url || !keyFile) throw new Error('TURNPIKE_URL and TURNPIKE_KEY_FILE are not set; after make run: . var/env');
        return new Turnpike({ url, key: readFileSync(keyFile, 'utf8').trim(), ca: caFile && readFileSync(caFile), ...options });
    }

    pay(payment, key) { return this.request('POST', '/v1/payments', payment, key); }

    // All that is left, or `amount` of it.
    refund(paymentId, refund, key) { return this.request('POST', `/v1/payments/${encodeURIComponent(paymentId)}/refunds`, refund, key); }

    payOut(payout, key) { return this.request('POST', '/v1/payouts', payout, key); }

    // A payment, refund or payout as it is now.
    read(object) { return this.request('GET', `/v1/${object.object}s/${encodeURIComponent(object.id)}`); }

    // Read it, with growing pauses, until its outcome is known or the time is over; webhooks tell it without asking.
    async settled(object, withinMs = 120_000) {
        const end = Date.now() + withinMs;
        for (let ms = 1000; ['processing', 'scheduled'].includes(object.status) && Date.now() + ms < end; ms = Math.min(2 * ms, 60_000)) {
            await pause(ms);
            object = await this.read(object);
        }
        return object;
    }

    // Any call of the API. It is repeated if that is safe: a GET, or what has an idempotency key.
    async request(method, path, body, idempotencyKey) {
        const text = body === undefined ? undefined : JSON.stringify(body, wholeNumbers); // once: each try has the same bytes
        for (let tried = 1; ; tried++) {
            try {
                return await this.once(method, path, text, idempotencyKey);
            } catch (error) {
                const safe = method === 'GET' || idempotencyKey !== undefined;
                if (!safe || !error.retryable || tried >= this.tries || error.retryAfter > RETRY_AFTER_MAX_S) throw error;
                await pause(error.retryAfter * 1000 + PAUSE_MS * 2 ** (tried - 1) * (0.5 + Math.random() / 2));
            }
        }
    }

    async once(method, path, text, idempotencyKey) {
        const { status, headers, raw } = await this.exchange(method, path, text, idempotencyKey);
        let json;
        try { json = parse(raw); } catch { /* a proxy's page, or half an answer: judged below */ }
        if (status >= 200 && status < 300 && json) return json;
        const retryAfter = /^\d+$/.test(headers['retry-after'] ?? '') ? Number(headers['retry-after']) : 0;
        if (status >= 400 && json?.code) throw new TurnpikeError(json, status, retryAfter);
        const mayPass = status < 300 || status >= 500;
        throw new TurnpikeError({ code: mayPass ? 'no_answer' : 'not_turnpike', retryable: mayPass, detail: `HTTP ${status} without an answer of Turnpike's` }, status, retryAfter);
    }

    // One request and its whole answer. Redirects are not followed.
    exchange(method, path, text, idempotencyKey) {
        const headers = { authorization: `Bearer ${this.key}`, accept: 'application/json' };
        if (text !== undefined) Object.assign(headers, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
        if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey;
        return new Promise((done, fail) => {
            const lost = (error) => fail(/CERT|SIGNATURE|ISSUER/.test(error.code)
                ? new TurnpikeError({ code: 'certificate', detail: `${this.url} is not trusted (${error.message}): is TURNPIKE_CA_FILE right?` })
                : new TurnpikeError({ code: 'no_answer', retryable: true, detail: `${method} ${path}: ${error.message || error.code}` }));
            const request = https.request(new URL(path, this.url), { method, headers, agent: this.agent, signal: AbortSignal.timeout(this.answerMs) }, (answer) => {
                const chunks = [];
                answer.on('data', (chunk) => chunks.push(chunk));
                answer.on('error', lost);
                answer.on('end', () => done({ status: answer.statusCode, headers: answer.headers, raw: Buffer.concat(chunks).toString() }));
            });
            request.on('error', lost);
            request.end(text);
        });
    }
}

// Amounts are whole numbers: a fraction, or what a double cannot hold, is refused here, before it is sent.
function wholeNumbers(name, value) {
    const exact = typeof value === 'bigint' ? Number(value) : value;
    if (typeof exact === 'number' && !Number.isSafeInteger(exact)) {
        throw new RangeError(`${name} is ${value}: amounts are whole minor units (1099 is 10.99 EUR) below 2^53`);
    }
    return exact;
}

// JSON, in which whole numbers that a double cannot hold become BigInt. (No JSON text of the API has a NUL.)
function parse(text) {
    const marked = text.replace(/"(?:[^"\\]|\\.)*"|(?<![\d.])-?\d{16,}(?![\d.eE])/g,
        (token) => token[0] === '"' || Number.isSafeInteger(Number(token)) ? token : `"\\u0000${token}"`);
    return JSON.parse(marked, (_, value) => typeof value === 'string' && value[0] === '\0' ? BigInt(value.slice(1)) : value);
}

// The event of a webhook, once it is proven to be ours and fresh; else WebhookRefused. `rawBody` is the Buffer that came:
// what was parsed and printed again has other bytes. `secrets` is one whsec_..., or several while they are rotated.
export function verifyWebhook(rawBody, headers, secrets, { toleranceSeconds = 300, now = Date.now() / 1000 } = {}) {
    if (!Buffer.isBuffer(rawBody)) throw new TypeError('verifyWebhook needs the raw body as a Buffer');
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
    if (!id || !signatures || !/^\d{1,12}$/.test(timestamp ?? '')) throw new WebhookRefused('not signed');
    if (Math.abs(now - Number(timestamp)) > toleranceSeconds) throw new WebhookRefused('its timestamp is too far from now: old, or sent again by a stranger');
    const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), rawBody]);
    const given = signatures.split(' ').map((signature) => Buffer.from(signature));
    for (const secret of [secrets].flat()) {
        const wanted = Buffer.from('v1,' + createHmac('sha256', secretBytes(secret)).update(signed).digest('base64'));
        if (given.some((one) => one.length === wanted.length && timingSafeEqual(one, wanted))) return parse(rawBody.toString());
    }
    throw new WebhookRefused('no signature fits: altered, or signed with another secret');
}

// An empty or mistyped secret would be one that everybody knows.
function secretBytes(secret) {
    const bytes = Buffer.from(/^whsec_(.*)$/.exec(secret ?? '')?.[1] ?? '', 'base64');
    if (bytes.length < 24) throw new TypeError('the webhook secret is not whsec_... of 24 bytes or more');
    return bytes;
}
