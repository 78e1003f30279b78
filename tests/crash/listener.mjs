// listener.mjs - the merchant's webhook endpoint of the crash matrix: notes what it is told, and for the first tries of
// a cell meets the cell's fault. What it noted is judged: told of each payment, as the client was, and nothing else.
import https from 'node:https';
import { readFileSync } from 'node:fs';
import { assert, equal, freePorts, until } from '../e2e/lib.mjs';

const UNHEARD = ['cut_request', 'reset_request', 'black_hole', 'refuse']; // it never comes to be noted
const UNANSWERED = ['cut_answer', 'reset_answer', 'black_hole_answer', 'http_500_after']; // noted, and not said so
const TRIES = 2;

export class Listener {
    static async start(world) {
        const port = await freePorts(1);
        const own = new this();
        Object.assign(own, { world, noted: [], left: 0, fault: 'none' });
        own.server = https.createServer({ cert: readFileSync(world.at('tls/gateway.pem')), key: readFileSync(world.at('tls/gateway.key')) }, (request, answer) => own.take(request, answer));
        own.server.on('tlsClientError', () => {});
        await new Promise((done) => own.server.listen(port, '127.0.0.1', done));
        const url = `https://127.0.0.1:${port}/hooks`;
        await until('an endpoint is there', async () => {
            const made = await world.call('POST', `${world.api}/v1/webhook-endpoints`, { key: world.key, body: { url } });
            if (made.status !== 201) throw new Error(made.raw);
            return true;
        });
        return own;
    }
    stop() { this.server.close(); this.server.closeAllConnections(); }
    meet(fault) { Object.assign(this, { fault, left: TRIES }); }
    take(request, answer) {
        const chunks = [];
        request.on('error', () => {}).on('data', (chunk) => chunks.push(chunk)).on('end', () => {
            const fault = this.left-- > 0 ? this.fault : 'none';
            if (UNHEARD.includes(fault)) { request.socket.destroy(); return; }
            this.noted.push({ id: request.headers['webhook-id'], body: Buffer.concat(chunks).toString() });
            if (fault === 'http_500_after') answer.writeHead(500).end();
            else if (UNANSWERED.includes(fault)) request.socket.destroy();
            else answer.writeHead(204).end();
        });
    }
    heard(payment) { return this.noted.map(({ id, body }) => ({ id, body, json: JSON.parse(body) })).filter(({ json }) => json.data.id === payment); }
    // Of a payment whose client was told its end.
    async judge({ id, status }, boundMs) {
        await until(`the endpoint is told that ${id} is ${status}`, () => this.heard(id).some(({ json }) => json.type === `payment.${status}`), boundMs);
        const bodies = new Map();
        for (const told of this.heard(id)) {
            if (bodies.has(told.id)) equal(JSON.parse(told.body).type, bodies.get(told.id), `webhook ${told.id} says the same each time`);
            else bodies.set(told.id, told.json.type);
        }
        const ends = [...bodies.values()].filter((type) => type === `payment.${status}`);
        assert(ends.length === 1, `the end of ${id} is one event, and was told as ${ends.length}`);
        equal([...bodies.values()].at(-1), `payment.${status}`, `what ${id} was last told to be`);
    }
}
