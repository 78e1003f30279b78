// commits_wire.mjs - a wire between gateway and PostgreSQL that knows where a commit ends.
//
//     gateway --- client side | strand | server side --- PostgreSQL
//
// It reads the messages of PostgreSQL's protocol, version 3. A batch of the ledger is what lies between the Bind of
// the statement "mark", whose parameters are the batch's own key (writer, number), and the next Sync; a probe the
// same from "probe_mark". A batch is held until its Sync is there; then `choose` says what happens to it:
//
//     after      the server commits, the client's side is cut before a byte of the answer
//     torn       the same, after a part of the answer
//     delay      the same, but the answer is only held back, longer than the gateway waits
//     terminate  the backend is terminated while it commits; what it answers in time is passed on
//     before     cut, and the server gets nothing, a half, or all but the Sync
//     late       cut for the gateway, and what was held arrives at the server all the same, after a while
//     error      the server gets nothing, and the gateway the error that is named
//
// A lost commit is one whose answer never reached the gateway whole. The wire only notes it; whether it is in the
// ledger says the row (writer, number) of `batches`, which is of the same transaction.
import { createServer, connect } from 'node:net';
import { rmSync } from 'node:fs';

const startup = 196608;
const sync = Buffer.from([0x53, 0, 0, 0, 4]);
// The natural keys of the rows of a batch, by statement; the columns' places are read from the statement's text.
const keysOf = {
    attempts: ['attempt_id'], sends: ['attempt_id', 'number'], outcomes: ['attempt_id', 'number'], events: ['payment_id', 'number'],
};

function uuid(bytes) {
    const hex = bytes.toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
function readText(bytes, at) {
    const end = bytes.indexOf(0, at);
    return [bytes.toString('utf8', at, end), end + 1];
}
// Bind: portal, statement, formats, values.
function readBind(body) {
    const [, afterPortal] = readText(body, 0);
    let [name, at] = readText(body, afterPortal);
    at += 2 + 2 * body.readInt16BE(at);
    const values = [];
    for (let left = body.readInt16BE(at), i = (at += 2, 0); i < left; i++) {
        const size = body.readInt32BE(at);
        at += 4;
        values.push(size < 0 ? null : body.subarray(at, at + size));
        at += Math.max(size, 0);
    }
    return { name, values };
}
// An array of one dimension, binary: uuids and integers as text.
function readArray(bytes) {
    if (bytes.readInt32BE(0) === 0) return [];
    const items = [];
    for (let count = bytes.readInt32BE(12), at = 20, i = 0; i < count; i++) {
        const size = bytes.readInt32BE(at);
        at += 4;
        const item = size < 0 ? null : bytes.subarray(at, at + size);
        items.push(item === null ? null : size === 16 ? uuid(item) : size === 4 ? item.readInt32BE(0) : item.toString('hex'));
        at += Math.max(size, 0);
    }
    return items;
}
// "... FROM unnest($3::uuid[], ...) AS u (gate, merchant_id, ...)": which parameter has which column.
function columnsOf(text) {
    const found = /unnest\(([^()]*)\)\s+AS\s+u\s*\(([^()]*)\)/.exec(text);
    if (!found) return undefined;
    const places = found[1].split(',').map((one) => Number(/\$(\d+)/.exec(one)[1]));
    return new Map(found[2].split(',').map((column, i) => [column.trim(), places[i] - 1]));
}
function errorMessage(severity, code, text) {
    const body = Buffer.from(`S${severity}\0V${severity}\0C${code}\0M${text}\0\0`);
    const head = Buffer.alloc(5);
    head.write('E', 0);
    head.writeInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
}
const ready = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

// Whole messages out of a stream: each {type, body, bytes}; type 0 is the first message of a client.
class Messages {
    constructor(isClient) {
        this.rest = Buffer.alloc(0);
        this.isFirst = isClient;
    }
    *take(chunk) {
        this.rest = this.rest.length ? Buffer.concat([this.rest, chunk]) : chunk;
        for (;;) {
            const head = this.isFirst ? 0 : 1;
            if (this.rest.length < head + 4) return;
            const size = head + this.rest.readInt32BE(head);
            if (this.rest.length < size) return;
            const bytes = this.rest.subarray(0, size);
            this.rest = this.rest.subarray(size);
            const type = this.isFirst ? 0 : bytes[0];
            if (type === 0 && bytes.readInt32BE(4) === startup) this.isFirst = false;
            yield { type, body: bytes.subarray(head + 4), bytes };
        }
    }
}

class Strand {
    constructor(wire, client, gate) {
        Object.assign(this, { wire, client, texts: new Map(), batch: undefined, syncs: [{ batch: undefined }] });
        this.fromClient = new Messages(true);
        this.fromServer = new Messages(false);
        this.server = connect(gate.server);
        client.on('data', (chunk) => { for (const message of this.fromClient.take(chunk)) this.clientSays(message); });
        this.server.on('data', (chunk) => { for (const message of this.fromServer.take(chunk)) this.serverSays(message); });
        client.on('error', () => {});
        this.server.on('connect', () => { this.isConnected = true; });
        this.server.on('error', () => { if (!this.isConnected) gate.shut(); });
        client.on('close', () => {
            if (this.delayed) wire.lose(this.delayed);
            if (!this.isLate) this.end();
        });
        this.server.on('close', () => this.serverGone());
    }
    end() {
        this.client.destroy();
        this.server.destroy();
    }
    clientSays({ type, body, bytes }) {
        if (this.isCut) return;
        if (type === 0x50) { // Parse
            const [name, at] = readText(body, 0);
            if (keysOf[name]) this.texts.set(name, columnsOf(readText(body, at)[0]));
        } else if (type === 0x42) {
            this.bound(readBind(body));
        }
        if (!this.batch) {
            if (type === 0x53) this.syncs.push({ batch: undefined });
            this.server.write(bytes);
            return;
        }
        this.batch.chunks.push(bytes);
        if (type === 0x53) {
            const batch = this.batch;
            this.batch = undefined;
            this.committing(batch);
        }
    }
    bound({ name, values }) {
        if (name === 'mark' || name === 'probe_mark') {
            this.batch = { kind: name === 'mark' ? 'batch' : 'probe', writer: uuid(values[0]), number: Number(values[1].readBigInt64BE(0)), keys: [], chunks: [] };
            return;
        }
        const columns = this.batch && this.texts.get(name);
        if (!columns) return;
        const parts = keysOf[name].map((column) => readArray(values[columns.get(column)]));
        for (let i = 0; i < parts[0].length; i++) this.batch.keys.push(`${name} ${parts.map((part) => part[i]).join(' ')}`);
    }
    // The Sync has come.
    committing(batch) {
        const all = Buffer.concat(batch.chunks);
        batch.chunks = undefined;
        const fault = this.wire.choose?.(batch) ?? { kind: 'none' };
        batch.fault = fault.kind;
        this.wire.sent(batch);
        if (fault.kind === 'before') {
            this.cut(batch);
            this.server.end(all.subarray(0, fault.pass === 'sync' ? all.length - sync.length : fault.pass === 'half' ? all.length >> 1 : 0));
        } else if (fault.kind === 'late') {
            const first = fault.pass === 'sync' ? all.length - sync.length : 0;
            this.isLate = true;
            if (first) this.server.write(all.subarray(0, first));
            this.syncs.push({ batch, hold: true, held: [], fault });
            this.cut(batch);
            this.later(fault.ms, () => this.server.write(all.subarray(first)));
        } else if (fault.kind === 'error') {
            this.wire.refused(batch);
            this.client.write(Buffer.concat([errorMessage(fault.severity ?? 'ERROR', fault.code, 'of the wire'), ...(fault.severity === 'FATAL' ? [] : [ready])]));
            if (fault.severity === 'FATAL') this.cut(batch, true);
        } else {
            this.syncs.push({ batch, hold: fault.kind !== 'none', held: [], fault });
            this.server.write(all);
            if (fault.kind === 'terminate') this.later(fault.ms, () => this.wire.terminate(this.backend));
        }
    }
    later(ms, work) {
        const timer = setTimeout(() => { this.wire.timers.delete(timer); work(); }, ms);
        this.wire.timers.add(timer);
    }
    // The gateway hears no more of this connection.
    cut(batch, politely = false) {
        this.isCut = true;
        this.wire.lose(batch);
        if (politely) this.client.end();
        else this.client.destroy();
        if (batch.fault === 'error') this.server.destroy();
    }
    serverSays(message) {
        if (this.behind) {
            this.behind.push(message);
            return;
        }
        const { type, body, bytes } = message;
        if (type === 0x4b) this.backend = body.readInt32BE(0); // BackendKeyData
        const head = this.syncs[0];
        if (type === 0x4e && head?.batch && body.includes('VWARNING')) head.batch.isWarned = true; // NoticeResponse
        if (type === 0x5a) this.syncs.shift();
        if (!head?.hold) {
            if (!this.isCut) this.client.write(bytes);
            if (head?.batch && type === 0x5a) this.wire.answered(head.batch);
            return;
        }
        head.held.push(bytes);
        if (type === 0x5a) this.committed(head);
    }
    // The server has answered, and the answer is in hand.
    committed({ batch, held, fault }) {
        const all = Buffer.concat(held);
        if (fault.kind === 'late') {
            this.server.destroy();
        } else if (fault.kind === 'torn') {
            this.isCut = true;
            this.wire.lose(batch);
            this.client.end(all.subarray(0, Math.max(1, Math.min(all.length - 1, Math.floor(all.length * fault.share)))), () => this.end());
        } else if (fault.kind === 'delay') {
            // What is answered later comes later: a stream keeps its order.
            this.delayed = batch;
            this.behind = [];
            this.later(fault.ms, () => {
                const { behind } = this;
                this.delayed = this.behind = undefined;
                if (this.client.destroyed) return;
                this.wire.answered(batch);
                this.client.write(all);
                for (const message of behind) this.serverSays(message);
            });
        } else {
            this.cut(batch);
            this.server.destroy();
        }
    }
    // It was terminated, stopped or has crashed: what it said last is passed on.
    serverGone() {
        const head = this.syncs[0];
        if (head?.hold && !this.isCut) {
            if (head.held.length) this.client.write(Buffer.concat(head.held));
        }
        for (const { batch } of this.syncs) if (batch && !this.isLate) this.wire.lose(batch);
        this.isLate = false;
        if (!this.isCut) this.client.end();
        else this.client.destroy();
    }
}

// Where the gateway connects to one server. While that is down nobody listens here either: who is refused tries the
// next host, who is accepted and then cut does not.
class Gate {
    constructor(wire, path, server) {
        Object.assign(this, { wire, path, server });
        this.open();
    }
    open() {
        rmSync(this.path, { force: true });
        this.listener = createServer((client) => {
            const strand = new Strand(this.wire, client, this);
            this.wire.strands.add(strand);
            strand.server.on('close', () => this.wire.strands.delete(strand));
        });
        this.listener.listen(this.path);
    }
    shut() {
        if (!this.listener) return;
        this.listener.close();
        this.listener = undefined;
        this.timer = setInterval(() => {
            const socket = connect(this.server);
            socket.on('error', () => {});
            socket.on('connect', () => {
                socket.destroy();
                if (this.timer && !this.listener) this.open();
                clearInterval(this.timer);
                this.timer = undefined;
            });
        }, 30);
    }
    close() {
        clearInterval(this.timer);
        this.timer = undefined;
        this.listener?.close();
    }
}

export class Wire {
    // choose(batch) gives a fault or nothing.
    constructor() {
        Object.assign(this, { choose: undefined, lost: [], count: 0, round: 0, strands: new Set(), timers: new Set(), gates: [] });
        this.later = new Map(); // natural key -> [batches that carried it, in the order in which they were sent]
    }
    // From the socket `path` to the socket `server`.
    listen(path, server) {
        const gate = new Gate(this, path, server);
        this.gates.push(gate);
    }
    sent(batch) {
        this.count++;
        batch.order = this.count;
        batch.round = this.round;
        for (const key of batch.keys) {
            if (!this.later.has(key)) this.later.set(key, []);
            this.later.get(key).push(batch);
        }
    }
    // An answer that warns is none: the server has not waited for its standby.
    answered(batch) {
        if (batch.isWarned) this.lose(batch);
        else batch.isAnswered = true;
    }
    refused(batch) { batch.isRefused = true; }
    lose(batch) {
        if (batch.isLost || batch.isAnswered || batch.round !== this.round) return;
        batch.isLost = true;
        this.lost.push(batch);
    }
    // What was sent until now is judged no more.
    forget() {
        this.round++;
        this.lost = [];
        this.later.clear();
    }
    close() {
        for (const timer of this.timers) clearTimeout(timer);
        for (const strand of this.strands) strand.end();
        for (const gate of this.gates) gate.close();
    }
}

// What the tests themselves ask the server, past the wire: simple queries on one connection, made again when it is gone.
export class Sql {
    constructor(server, user, database) { Object.assign(this, { server, user, database, waiting: [] }); }
    connect() {
        const socket = connect(this.server);
        const messages = new Messages(false);
        this.socket = socket;
        const body = Buffer.from(`user\0${this.user}\0database\0${this.database}\0application_name\0commits\0\0`);
        const head = Buffer.alloc(8);
        head.writeInt32BE(body.length + 8, 0);
        head.writeInt32BE(startup, 4);
        socket.write(Buffer.concat([head, body]));
        this.waiting = [{ rows: [], resolve() {}, reject() {} }]; // ReadyForQuery after the start
        const waiting = this.waiting;
        socket.on('data', (chunk) => { for (const message of messages.take(chunk)) this.take(message, waiting); });
        const gone = (error) => {
            if (this.socket === socket) this.socket = undefined;
            for (const one of waiting.splice(0)) one.reject(error ?? new Error('the server is gone'));
        };
        socket.on('error', gone);
        socket.on('close', () => gone());
    }
    take({ type, body }, waiting) {
        const one = waiting[0];
        if (!one) return;
        if (type === 0x44) { // DataRow
            const row = [];
            for (let i = 0, at = 2; i < body.readInt16BE(0); i++) {
                const size = body.readInt32BE(at);
                at += 4;
                row.push(size < 0 ? null : body.toString('utf8', at, at + size));
                at += Math.max(size, 0);
            }
            one.rows.push(row);
        } else if (type === 0x45) {
            one.error = new Error(body.toString('utf8').split('\0').filter((field) => 'CM'.includes(field[0])).map((field) => field.slice(1)).join(' '));
        } else if (type === 0x5a) {
            waiting.shift();
            if (one.error) one.reject(one.error);
            else one.resolve(one.rows);
        }
    }
    query(text) {
        if (!this.socket) this.connect();
        return new Promise((resolve, reject) => {
            this.waiting.push({ rows: [], resolve, reject });
            const body = Buffer.from(`${text}\0`);
            const head = Buffer.alloc(5);
            head.write('Q', 0);
            head.writeInt32BE(body.length + 4, 1);
            this.socket.write(Buffer.concat([head, body]));
        });
    }
    close() { this.socket?.destroy(); }
}
