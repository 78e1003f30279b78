// proxy.mjs - a TCP proxy between gateway and provider that behaves as networks do. TLS passes through: it sees
// records, not requests, but where a request begins is plain: the first application data of the client after its
// handshake, and after each answer. A fault is armed for the next requests; what comes then passes untouched.
//
//     delay              the request is held for `ms`, then goes on
//     cut_request        `k` bytes of it go on, then both ends are closed: it never arrives whole
//     reset_request      the connection is reset before the first of its bytes goes on
//     cut_answer         the request goes on; after `k` bytes of the answer both ends are closed
//     reset_answer       the request goes on; at the first byte of the answer the connection is reset
//     trickle            request and answer go on in small pieces
//     black_hole         the request is swallowed, and nobody says anything
//     black_hole_answer  the request goes on; its answer is swallowed
//     late_arrival       the request is held for `ms`, and goes on even when the client has given up by then
//     refuse             new connections are reset before any byte; those that are there are closed
//     duplicate          once it is answered, all bytes of its connection are sent again on a second one
//                        (TLS must make nothing of it)
import net from 'node:net';

export const kinds = ['delay', 'cut_request', 'reset_request', 'cut_answer', 'reset_answer', 'trickle', 'black_hole', 'black_hole_answer', 'late_arrival', 'refuse', 'duplicate'];
const HANDSHAKE = 22, CIPHER_CHANGE = 20;
const PIECE = 211, PIECE_MS = 4;

// Where the requests of a TLS client begin: calls back with bytes, and true when they begin application data.
class Records {
    constructor() { Object.assign(this, { head: Buffer.alloc(0), rest: 0, changed: false, ready: false }); }
    // [{bytes, isData}]
    feed(chunk) {
        const out = [];
        while (chunk.length > 0) {
            if (this.rest === 0) {
                const missing = 5 - this.head.length;
                this.head = Buffer.concat([this.head, chunk.subarray(0, missing)]);
                chunk = chunk.subarray(missing);
                if (this.head.length < 5) break;
                this.rest = this.head.readUInt16BE(3);
                this.isData = this.ready;
                // After the change of ciphers comes Finished, as handshake (TLS 1.2) or hidden as data (1.3).
                if (this.changed && !this.ready) this.ready = true;
                if (this.head[0] === CIPHER_CHANGE) this.changed = true;
                if (this.head[0] === HANDSHAKE && !this.changed) this.isData = false;
                out.push({ bytes: this.head, isData: this.isData });
                this.head = Buffer.alloc(0);
            }
            const part = chunk.subarray(0, this.rest);
            chunk = chunk.subarray(part.length);
            this.rest -= part.length;
            if (part.length > 0) out.push({ bytes: part, isData: this.isData });
        }
        return out;
    }
}

// What goes one way: at once, later, or in pieces; in order.
class Lane {
    constructor(to) { Object.assign(this, { to, queue: [], timer: null, ends: false, heldUntil: 0 }); }
    send(bytes, slow) {
        if (slow) for (let i = 0; i < bytes.length; i += PIECE) this.queue.push([bytes.subarray(i, i + PIECE), PIECE_MS]);
        else this.queue.push([bytes, 0]);
        this.flow();
    }
    hold(ms) { this.heldUntil = Date.now() + ms; }
    end() { this.ends = true; this.flow(); }
    flow() {
        if (this.timer) return;
        const wait = Math.max(this.heldUntil - Date.now(), 0);
        if (wait > 0) { this.later(wait); return; }
        while (this.queue.length > 0) {
            const [bytes, ms] = this.queue.shift();
            if (!this.to.destroyed && this.to.writable) this.to.write(bytes);
            if (ms > 0) { this.later(ms); return; }
        }
        if (this.ends && !this.to.destroyed) this.to.end();
    }
    later(ms) { this.timer = setTimeout(() => { this.timer = null; this.flow(); }, ms); }
}

class Pipe {
    constructor(proxy, client) {
        this.proxy = proxy;
        this.client = client;
        this.server = net.connect({ port: proxy.target, host: '127.0.0.1', allowHalfOpen: true });
        this.records = new Records();
        this.up = new Lane(this.server);
        this.down = new Lane(client);
        this.all = [];
        this.inRequest = false;
        this.fault = null;
        for (const socket of [client, this.server]) socket.setNoDelay(true);
        client.on('data', (chunk) => this.fromClient(chunk));
        this.server.on('data', (chunk) => this.fromServer(chunk));
        client.on('end', () => this.up.end());
        this.server.on('end', () => { if (!this.isSilent()) this.down.end(); });
        for (const socket of [client, this.server]) socket.on('error', () => this.broken(socket));
        client.on('close', () => { if (this.fault?.kind !== 'late_arrival') this.server.destroy(); proxy.pipes.delete(this); });
        this.server.on('close', () => { if (!this.isSilent()) this.client.destroySoon?.(); });
    }
    isSilent() { return ['black_hole', 'black_hole_answer'].includes(this.fault?.kind); }
    broken(socket) {
        if (socket === this.server) { if (!this.isSilent()) this.client.destroy(); } else if (this.fault?.kind !== 'late_arrival') this.server.destroy();
    }
    close() { this.client.destroy(); this.server.destroy(); }
    reset() { if (!this.client.destroyed) this.client.resetAndDestroy(); this.server.destroy(); }
    fromClient(chunk) {
        if (this.all.length < 256) this.all.push(chunk);
        for (const { bytes, isData } of this.records.feed(chunk)) {
            if (isData && !this.inRequest) this.begin();
            this.pass(bytes, isData);
        }
    }
    begin() {
        this.inRequest = true;
        this.fault = this.proxy.take();
        this.left = this.fault?.k ?? 0;
        this.answerLeft = this.left;
        if (['delay', 'late_arrival'].includes(this.fault?.kind)) this.up.hold(this.fault.ms);
    }
    pass(bytes, isData) {
        const kind = isData ? this.fault?.kind : undefined;
        if (this.client.destroyed && kind !== 'late_arrival') return;
        switch (kind) {
        case 'cut_request':
            if (this.left > 0) this.up.send(bytes.subarray(0, this.left));
            this.left -= bytes.length;
            if (this.left <= 0) this.close();
            return;
        case 'reset_request': this.reset(); return;
        case 'black_hole': return;
        case 'trickle': this.up.send(bytes, true); return;
        default: this.up.send(bytes);
        }
    }
    fromServer(chunk) {
        const kind = this.inRequest || this.fault ? this.fault?.kind : undefined;
        this.inRequest = false;
        switch (kind) {
        case 'cut_answer':
            if (this.answerLeft > 0 && !this.client.destroyed) this.client.write(chunk.subarray(0, this.answerLeft));
            this.answerLeft -= chunk.length;
            if (this.answerLeft <= 0) { this.client.end(); setTimeout(() => this.close(), 20); }
            return;
        case 'reset_answer': this.reset(); return;
        case 'black_hole': case 'black_hole_answer': return;
        case 'trickle': this.down.send(chunk, true); return;
        case 'duplicate': this.replay(); this.down.send(chunk); return;
        default: this.down.send(chunk);
        }
    }
    replay() {
        this.fault = null;
        const again = net.connect({ port: this.proxy.target, host: '127.0.0.1' });
        again.on('error', () => {});
        again.write(Buffer.concat(this.all));
        this.proxy.replayed++;
        setTimeout(() => again.destroy(), 500);
    }
}

export class Proxy {
    // target: the provider's port
    constructor(port, target) {
        Object.assign(this, { port, target, pipes: new Set(), armed: null, replayed: 0, hits: 0 });
        this.server = net.createServer({ allowHalfOpen: true }, (client) => this.accept(client));
        this.server.on('error', (error) => { throw error; });
    }
    start() { return new Promise((done) => this.server.listen(this.port, '127.0.0.1', done)); }
    accept(client) {
        client.on('error', () => {});
        if (this.armed?.kind === 'refuse' && this.take()) { client.resetAndDestroy(); return; }
        this.pipes.add(new Pipe(this, client));
    }
    // The next `count` requests meet it, after `skip` others. k: bytes, ms: how late.
    arm(fault) {
        this.armed = { skip: 0, count: 1, k: 0, ms: 0, ...fault };
        if (fault.kind === 'refuse') for (const pipe of [...this.pipes]) pipe.close();
    }
    clear() { this.armed = null; }
    take() {
        const armed = this.armed;
        if (!armed || armed.skip-- > 0) return null;
        if (--armed.count <= 0) this.armed = null;
        this.hits++;
        return armed;
    }
    async stop() {
        for (const pipe of [...this.pipes]) pipe.close();
        await new Promise((done) => this.server.close(done));
    }
}
