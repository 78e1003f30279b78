// commits_world.mjs - the world of the campaign of lost commits: a gateway behind a wire, clients who repeat until
// they are told, and the judge of what was lost.
import path from 'node:path';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { randomUUID } from 'node:crypto';
import { World, assert, equal, until } from '../e2e/lib.mjs';
import { random } from '../e2e/random.mjs';
import { Wire, Sql } from './commits_wire.mjs';

export const pick = (rng, list) => list[Math.floor(rng() * list.length)];
export const mixes = [undefined, { kind: 'slow', delay_ms: 150 }, { kind: 'reset_after_effect' }, { kind: 'http_500' }, { kind: 'decline_soft' }];
export const statementMs = 2000;
export const patienceMs = statementMs + 5000; // pg.c: ANSWER_GRACE_MS beyond the statement's time-out

export class CommitWorld extends World {
    startDatabase() {
        super.startDatabase();
        if (this.wire) return;
        this.wire = new Wire();
        this.gates = []; // folders of the sockets at the gateway's side
        this.openGate(this.socket);
        this.sql = new Sql(path.join(this.socket, '.s.PGSQL.5432'), 'postgres', 'turnpike');
        this.wire.terminate = (backend) => this.sql.query(`SELECT pg_terminate_backend(${backend})`).catch(() => {});
    }
    openGate(socket) {
        // A socket's path has 107 bytes at most.
        const gate = this.folder.length < 80 ? this.at(`wire-${this.gates.length}`) : mkdtempSync(path.join(tmpdir(), 'turnpike-wire-'));
        mkdirSync(gate, { recursive: true, mode: 0o700 });
        this.gates.push(gate);
        this.wire.listen(path.join(gate, '.s.PGSQL.5432'), path.join(socket, '.s.PGSQL.5432'));
    }
    // The commands of the set-up run while this process waits for them: only the gateway comes through the wire.
    conninfo(user, database = 'turnpike') {
        if (user !== 'turnpike_gateway' || !this.isWired) return super.conninfo(user, database);
        return `host=${this.gates.join(',')} port=${this.gates.map(() => 5432).join(',')} dbname=${database} user=${user}${this.gates.length > 1 ? ' target_session_attrs=read-write' : ''}`;
    }
    async startGateway() {
        this.isWired = true;
        this.writeConfig();
        await super.startGateway();
    }
    async stop() {
        await super.stop();
        this.unwire();
    }
    abandon() {
        super.abandon();
        this.unwire();
    }
    unwire() {
        this.wire?.close();
        this.sql?.close();
        for (const gate of this.gates ?? []) if (!gate.startsWith(this.folder)) rmSync(gate, { recursive: true, force: true });
    }
    // One client who pays, and captures, voids or refunds some of it. Every request is in the log.
    async shop(rng) {
        const manual = rng() < 0.25;
        const paid = await this.pay(this.payment({ amount: 100 + Math.floor(rng() * 5000), capture: manual ? 'manual' : 'automatic' }));
        const follow = rng();
        if (paid.status !== 201) return paid;
        if (paid.answer.status === 'authorized') await this.operate(paid.answer.id, follow < 0.6 ? 'capture' : 'void');
        else if (paid.answer.status === 'succeeded' && follow < 0.2) await this.operate(paid.answer.id, 'refunds');
        return paid;
    }
    async operate(id, verb) {
        const entry = { key: randomUUID(), path: `/v1/payments/${id}/${verb}`, body: {}, status: 0 };
        this.log.push(entry);
        await this.ask(entry);
        return entry;
    }
    async ask(entry) {
        try {
            const answer = await this.call('POST', this.api + (entry.path ?? '/v1/payments'), { body: entry.body, key: this.key, headers: { 'idempotency-key': `"${entry.key}"` } });
            // What was acknowledged once is final: another answer to the same key would be a lie.
            if (entry.status === 201) {
                equal([answer.json?.id, answer.json?.status], [entry.answer.id, entry.answer.status], `key ${entry.key} was told`);
                return answer.status === 201;
            }
            Object.assign(entry, { status: answer.status, answer: answer.json });
        } catch (error) {
            if (entry.status === 201) throw error;
            entry.error = error.message;
        }
        return entry.status === 201;
    }
    // `count` clients at once, until the returned function is called and the last has its answer.
    load(count, rng) {
        let stopped = false;
        const said = { all: 0, final: 0, lastFinal: Date.now() };
        const clients = Array.from({ length: count }, async () => {
            while (!stopped) {
                const entry = await this.shop(rng);
                said.all++;
                if (entry.status === 201) { said.final++; said.lastFinal = Date.now(); }
                else if ([0, 503, 429].includes(entry.status)) await new Promise((done) => setTimeout(done, 20));
            }
        });
        return { said, stop: async () => { stopped = true; await Promise.all(clients); } };
    }
    // Who got no final answer repeats under the same key until there is one; whoever had one asks once more.
    async allTold(boundMs = 90000) {
        const told = this.log.filter((entry) => entry.status === 201);
        const untold = this.log.filter((entry) => [0, 202, 409, 429, 500, 503].includes(entry.status));
        await Promise.all(untold.map((entry) => until(`key ${entry.key} is told a final answer (${entry.status} ${entry.answer?.code ?? entry.error ?? ''})`,
            async () => (await this.ask(entry)) || (entry.path && entry.status === 409 && entry.answer.code !== 'in_progress'), boundMs)));
        for (const entry of told) assert(await this.ask(entry), `key ${entry.key} was told ${entry.answer.status}, and its repeat is not answered`);
        for (const entry of this.log) assert(entry.status === 201 || entry.path, `key ${entry.key} ended ${entry.status} ${JSON.stringify(entry.answer)}`);
    }
    // The rows of the lost batches: true is the batch's own, false that of a probe, which keeps the batch out for ever.
    async truth() {
        const values = this.wire.lost.map((batch) => `('${batch.writer}'::uuid, ${batch.number}::bigint)`).join(', ');
        const rows = values === '' ? [] : await this.sql.query(`SELECT b.writer_id, b.batch_no, b.is_probe FROM batches b
            JOIN (VALUES ${values}) AS v (w, n) ON b.writer_id = v.w AND b.batch_no = v.n`);
        return new Map(rows.map(([writer, number, isProbe]) => [`${writer} ${number}`, isProbe === 'f']));
    }
    // Each was committed, or the gateway has asked: else nobody can know that this number never comes any more.
    async allAsked(boundMs = 30000) {
        await until('each lost commit is in the ledger, or was asked for', async () => {
            const truth = await this.truth();
            return this.wire.lost.every((batch) => truth.has(`${batch.writer} ${batch.number}`));
        }, boundMs);
    }
    // What the gateway made of each lost commit, against the row that would be of the same transaction.
    async judgeLost() {
        const { wire } = this;
        const truth = await this.truth();
        const opened = new Set((await this.sql.query(`SELECT attempt_id FROM attempts`)).flat());
        const count = { lost: 0, probes: 0, committed: 0, absent: 0, byFault: {}, writtenAgain: 0, givenUp: 0 };
        for (const batch of wire.lost) {
            const name = `${batch.kind} ${batch.writer} ${batch.number} (${batch.fault ?? 'server'})`;
            const isThere = truth.get(`${batch.writer} ${batch.number}`);
            count.byFault[batch.fault] = (count.byFault[batch.fault] ?? 0) + 1;
            if (batch.kind === 'probe') { count.probes++; continue; }
            count.lost++;
            assert(isThere !== undefined, `${name}: lost, neither committed nor asked for`);
            if (isThere) count.committed++;
            else count.absent++;
            for (const key of batch.keys) {
                const [table, id] = key.split(' ');
                const again = wire.later.get(key).some((other) => other !== batch && other.writer === batch.writer && other.order > batch.order);
                // An opening that lost its key to another request has written nothing.
                if (isThere && table !== 'events' && opened.has(id)) assert(!again, `${name}: ${key} is in the ledger, and was written again: taken for not committed`);
                else if (!isThere && again) count.writtenAgain++;
                else if (!isThere) count.givenUp++;
            }
            for (const key of isThere ? [] : batch.keys) {
                const [table, id] = key.split(' ');
                if (table !== 'outcomes' || wire.later.get(key).some((other) => other !== batch && other.order > batch.order)) continue;
                // Not written again: then somebody else must have looked, and written what he found.
                const [[rest]] = await this.sql.query(`SELECT count(*) FROM outcomes WHERE attempt_id = '${id}'`);
                assert(Number(rest) > 0, `${name}: ${key} is not in the ledger, and nobody wrote it again: taken for committed`);
            }
        }
        return count;
    }
    // Money told back: each refund that was told succeeded is in the books, once.
    async judgeOperations() {
        const entries = await this.allBooks();
        const byId = new Map(entries.map((entry) => [entry.id, entry]));
        const refunded = new Map();
        const captured = new Map();
        for (const entry of entries) {
            let root = entry;
            while (root.parent && byId.has(root.parent)) root = byId.get(root.parent);
            if (entry.kind === 'refund' && entry.state === 'completed') refunded.set(root.invoice, (refunded.get(root.invoice) ?? 0) + entry.amount);
            if (['charge', 'capture'].includes(entry.kind) && ['completed', 'partially_refunded', 'refunded'].includes(entry.state)) captured.set(root.invoice, (captured.get(root.invoice) ?? 0) + entry.amount);
        }
        for (const entry of this.log) {
            if (!entry.path || entry.status !== 201 || entry.answer.status !== 'succeeded') continue;
            const id = entry.path.split('/')[3];
            if (entry.path.endsWith('/refunds')) equal(refunded.get(id), entry.answer.amount, `refunded of ${id}, told and in the books`);
            if (entry.path.endsWith('/capture')) equal(captured.get(id), entry.answer.amount, `captured of ${id}, told and in the books`);
        }
    }
    // For the reader of a failure.
    unsettled() {
        return this.rows(`SELECT finance.show_id('pay', p.payment_id) AS payment, p.kind, p.created_at, p.writer_id, w.slot, w.reaped_at, w.watermark_at, w.heartbeat_at,
            (SELECT json_agg(json_build_array(a.attempt_id, a.number, a.created_at, a.writer_id = p.writer_id, (SELECT json_agg(json_build_array(s.number, s.step)) FROM sends s WHERE s.attempt_id = a.attempt_id),
                (SELECT json_agg(json_build_array(o.number, o.outcome, o.reason, o.created_at)) FROM outcomes o WHERE o.attempt_id = a.attempt_id),
                (SELECT json_agg(r) FROM unresolved r WHERE r.attempt_id = a.attempt_id))) FROM attempts a WHERE a.payment_id = p.payment_id) AS attempts
            FROM payments p LEFT JOIN writers w USING (writer_id) WHERE NOT EXISTS (SELECT FROM events e WHERE e.merchant_id = p.merchant_id AND e.payment_id = p.payment_id
            AND e.status NOT IN ('processing', 'requires_action')) LIMIT 5`);
    }
    // Everything at rest: who asked is told, and the books, the ledger and the log agree.
    async judged(boundMs = 90000) {
        await this.noFaults();
        await this.allTold(boundMs);
        await this.settled(boundMs).catch((error) => { throw new Error(`${error.message}: ${JSON.stringify(this.unsettled())}`); });
        const operations = this.log.filter((entry) => entry.path);
        this.log = this.log.filter((entry) => !entry.path);
        await this.judge();
        this.log.push(...operations);
        await this.judgeOperations();
        await this.balanced(boundMs);
        this.statusesFollow();
        this.holdsAgree();
        equal(this.rows(`SELECT payment_id FROM transfers WHERE kind = 'payment' AND state = 'posted' GROUP BY merchant_id, payment_id, attempt_id HAVING count(*) > 1`), [], 'posted once');
        for (const [child, parent, keys] of [['attempts', 'payments', 'merchant_id, payment_id'], ['sends', 'attempts', 'merchant_id, attempt_id'],
            ['outcomes', 'attempts', 'merchant_id, attempt_id'], ['transfers', 'attempts', 'merchant_id, attempt_id']]) {
            equal(this.psql(`SELECT count(*) FROM ${child} c LEFT JOIN (SELECT ${keys}, true AS there FROM ${parent}) p USING (${keys}) WHERE p.there IS NULL`), '0', `${child} without their ${parent}`);
        }
    }
}
