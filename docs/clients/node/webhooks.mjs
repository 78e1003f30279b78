// webhooks.mjs - a receiver of webhooks that verifies each, and works on each event once:
//
//   node docs/clients/node/webhooks.mjs [PORT]
//
// With TURNPIKE_WEBHOOK_SECRET (whsec_...; two with a space between while you rotate) it only receives, as in production.
// Without, it registers http://127.0.0.1:PORT/ as an endpoint of your merchant first, and deletes that when you end it.
import { createServer } from 'node:http';
import { Turnpike, WebhookRefused, verifyWebhook } from './turnpike.mjs';

const BODY_MAX = 1 << 20;
const port = Number(process.argv[2] ?? 3000);
const url = `http://127.0.0.1:${port}/`;
const seen = new Set(); // in production a table with a unique column, written in the transaction that does the work
let secrets = (process.env.TURNPIKE_WEBHOOK_SECRET ?? '').split(' ').filter(Boolean);

function work(event) {
    console.log(`${event.type}: ${event.data.id} ${event.data.status ?? ''}`.trim());
}

function receive(rawBody, headers) { // the status to answer with
    let event;
    try {
        event = verifyWebhook(rawBody, headers, secrets);
    } catch (error) {
        if (!(error instanceof WebhookRefused)) throw error;
        console.log(`refused: ${error.message}`);
        return 400;
    }
    if (seen.has(event.id)) console.log(`again: ${event.id}`); // your first answer was lost: say yes, do nothing
    else {
        seen.add(event.id);
        work(event);
    }
    return 204;
}

const server = createServer((request, answer) => {
    const chunks = [];
    let bytes = 0;
    request.on('data', (chunk) => {
        bytes += chunk.length;
        if (bytes > BODY_MAX) request.destroy();
        else chunks.push(chunk);
    });
    request.on('error', () => {});
    request.on('end', () => {
        answer.statusCode = request.method === 'POST' ? receive(Buffer.concat(chunks), request.headers) : 405;
        answer.end();
    });
});
await new Promise((done) => {
    server.once('error', (error) => {
        console.error(`cannot listen on port ${port} (${error.code}); name another: node docs/clients/node/webhooks.mjs PORT`);
        process.exit(1);
    });
    server.listen(port, '127.0.0.1', done);
});

let turnpike, endpoint;
if (secrets.length === 0) {
    turnpike = Turnpike.fromEnvironment();
    for (const left of (await turnpike.request('GET', '/v1/webhook-endpoints')).data) { // by a run that was killed
        if (left.url === url) await turnpike.request('DELETE', `/v1/webhook-endpoints/${left.id}`);
    }
    endpoint = await turnpike.request('POST', '/v1/webhook-endpoints', { url });
    secrets = [endpoint.secret];
}
async function end() {
    if (endpoint) await turnpike.request('DELETE', `/v1/webhook-endpoints/${endpoint.id}`);
    process.exit(0);
}
process.once('SIGINT', end).once('SIGTERM', end);
console.log(`receiving at ${url}; Ctrl-C ends it`);
