// reload_load.mjs - honest clients over TLS keep-alive, and who is to blame for a request without an answer.
//
// Each request notes the local port of its connection and when that connection was made. A worker that is killed
// is stopped first for a moment, so that the connections it has accepted can be read from the kernel's tables:
// those, and no others, are in its hands. What waits in the queue of its listening socket is not, and must be
// answered by its successor.
import https from 'node:https';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { assert, until } from './lib.mjs';

export class Load {
    constructor(world) {
        this.world = world;
        this.kills = []; // {at, ports}
        this.stopping = false;
        this.answered = 0;
        this.clients = [];
        this.agents = [];
    }
    agent(sockets) {
        const agent = new https.Agent({ ca: this.world.ca, keepAlive: true, maxSockets: sockets });
        this.agents.push(agent);
        return agent;
    }
    // One payment in the client's log, with its connection. A request without an answer has status 0.
    order(agent) {
        const { world } = this;
        const key = randomUUID();
        const body = world.payment({ amount: 100 + Math.floor(Math.random() * 5000) });
        const entry = { key, body, status: 0, from: Date.now() };
        world.log.push(entry);
        const text = JSON.stringify(body);
        return new Promise((done) => {
            const end = (error) => {
                entry.to = Date.now();
                if (error) entry.error = error.message;
                else this.answered++;
                done(entry);
            };
            const request = https.request(world.api + '/v1/payments', {
                method: 'POST', agent, timeout: 60000,
                headers: { authorization: `Bearer ${world.key}`, 'idempotency-key': `"${key}"`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
            }, (answer) => {
                const chunks = [];
                answer.on('data', (chunk) => chunks.push(chunk));
                answer.on('error', end);
                answer.on('end', () => {
                    const raw = Buffer.concat(chunks).toString();
                    try {
                        const { id, status, amount, currency } = JSON.parse(raw);
                        Object.assign(entry, { status: answer.statusCode, answer: { id, status, amount, currency } });
                        end();
                    } catch {
                        end(new Error(`not JSON: ${raw.slice(0, 100)}`));
                    }
                });
            });
            request.on('socket', (socket) => {
                const note = () => {
                    socket.born ??= Date.now();
                    entry.port = socket.localPort;
                    entry.born = socket.born;
                };
                if (socket.localPort) note();
                else socket.once('connect', note);
                entry.reused = request.reusedSocket;
            });
            request.on('timeout', () => request.destroy(new Error('no answer within 60 s')));
            request.on('error', end);
            request.end(text);
        });
    }
    // `busy` clients share a pool and never pause; `calm` ones keep one connection each and think in between.
    start(busy, calm, thinkMs) {
        const shared = this.agent(busy);
        const run = async (agent, pauseMs) => {
            while (!this.stopping) {
                const entry = await this.order(agent);
                if (entry.status !== 201 && entry.status !== 202) await new Promise((done) => setTimeout(done, 20));
                if (pauseMs) await new Promise((done) => setTimeout(done, Math.random() * pauseMs));
            }
        };
        for (let i = 0; i < busy; i++) this.clients.push(run(shared, 0));
        for (let i = 0; i < calm; i++) this.clients.push(run(this.agent(1), thinkMs));
    }
    flows(count) {
        const from = this.answered;
        return until(`${count} more answers`, () => this.answered >= from + count, 120000);
    }
    async stop() {
        this.stopping = true;
        await Promise.all(this.clients);
        for (const agent of this.agents) agent.destroy();
    }
    // SIGKILL, knowing what the worker held.
    kill(pid) {
        process.kill(pid, 'SIGSTOP');
        this.kills.push({ pid, ports: heldPorts(pid, this.world.port), at: Date.now() });
        process.kill(pid, 'SIGKILL');
    }
    wasInKilledHands(entry) {
        return this.kills.some((kill) => kill.ports.has(entry.port) && entry.born <= kill.at && entry.to >= kill.at);
    }
    // Requests without an answer: only in a killed worker's hands. Those are repeated under their keys until told.
    async settle() {
        const { world } = this;
        const silent = world.log.filter((entry) => entry.status === 0);
        const lost = silent.filter((entry) => !this.wasInKilledHands(entry));
        assert(lost.length === 0, `${lost.length} requests were lost outside of killed workers: ${JSON.stringify(lost.slice(0, 3))}`);
        // A slow machine may be overloaded: then it says so, and the client comes again.
        const others = world.log.filter((entry) => ![0, 201, 202, 429, 503].includes(entry.status));
        assert(others.length === 0, `${others.length} requests were answered wrongly: ${JSON.stringify(others.slice(0, 3))}`);
        const refused = world.log.filter((entry) => [429, 503].includes(entry.status)).length;
        for (const entry of world.log.filter((e) => e.status !== 201)) {
            await until(`key ${entry.key} is told a final answer`, async () => {
                const again = await world.call('POST', world.api + '/v1/payments', { body: entry.body, key: world.key, headers: { 'idempotency-key': `"${entry.key}"` } });
                if (again.status === 201) Object.assign(entry, { status: 201, answer: again.json });
                return again.status === 201;
            }, 90000);
        }
        await world.settled(90000);
        await world.judge();
        return { payments: world.log.length, in_killed_hands: silent.length, refused };
    }
}

// Local ports of the clients whose connections this (stopped) process has accepted.
function heldPorts(pid, serverPort) {
    const inodes = new Set();
    for (const fd of readdirSync(`/proc/${pid}/fd`)) {
        try {
            const socket = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`));
            if (socket) inodes.add(socket[1]);
        } catch { /* closed before it was stopped */ }
    }
    const ports = new Set();
    for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
        const [, local, remote, state, , , , , , inode] = line.trim().split(/\s+/);
        if (inode && state !== '0A' && inodes.has(inode) && parseInt(local.split(':')[1], 16) === serverPort) ports.add(parseInt(remote.split(':')[1], 16));
    }
    return ports;
}
