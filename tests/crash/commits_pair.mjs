// commits_pair.mjs - two servers, the second a synchronous standby of the first; the gateway knows both.
//
//     promote   the first is killed under load, the second promoted; the first comes back as its standby
//     cancel    the standby is away, so that commits wait for it; those waits are cancelled, or their backends ended, or
//               the server starts again: what was so committed without the standby is lost with the server, and was
//               never told to anybody
import path from 'node:path';
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, chownSync, writeFileSync, statSync } from 'node:fs';
import { top, assert, until } from '../e2e/lib.mjs';
import { CommitWorld, pick, mixes, statementMs } from './commits_world.mjs';
import { random } from '../e2e/random.mjs';
import { Sql } from './commits_wire.mjs';

const script = path.join(top, 'config/dev/pg.sh');
// The wire is of this process: while a server dies it must go on.
function pg(...args) {
    const child = spawn(script, args, { cwd: top, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { text += chunk; });
    return new Promise((resolve, reject) => child.once('close', (code) => {
        if (code === 0) resolve(text.trim());
        else reject(new Error(`pg.sh ${args.join(' ')}: exit ${code}: ${text}`));
    }));
}
const tool = (folder, name, ...args) => pg('tool', folder, name, ...args);
const control = (folder, ...args) => tool(folder, 'pg_ctl', '-D', path.join(folder, 'data'), '-w', '-t', '60', ...args);
// `-m immediate`: no checkpoint, nobody is asked, recovery at the next start.
export const stopNow = (folder) => control(folder, '-m', 'immediate', 'stop');
export const startAgain = (folder) => pg('start', folder, '5432', 'trust');
const info = (socket, database = 'postgres') => `host=${socket} port=5432 user=postgres dbname=${database}`;

export class PairWorld extends CommitWorld {
    startDatabase() {
        super.startDatabase();
        if (this.servers) return;
        const first = { folder: this.at('pg'), socket: this.socket };
        const second = { folder: this.at('pg-b') };
        appendFileSync(path.join(first.folder, 'data/pg_hba.conf'), 'local replication all trust\n');
        appendFileSync(path.join(first.folder, 'data/postgresql.conf'), "wal_keep_size = '1GB'\nwal_sender_timeout = '5s'\nwal_receiver_timeout = '5s'\nwal_retrieve_retry_interval = '100ms'\n");
        this.servers = [first, second];
    }
    // The standby is made before the gateway comes, of a server that has all tables and the merchant already.
    async startGateway() {
        const [, second] = this.servers;
        if (!second.socket) {
            await this.sql.query('SELECT pg_reload_conf()');
            await this.copy();
            await startAgain(second.folder);
            second.socket = await pg('host', second.folder);
            this.openGate(second.socket);
            await this.waitsForStandby();
        }
        await super.startGateway();
    }
    // The second server anew, of the first.
    async copy() {
        const [first, second] = this.servers;
        const data = path.join(second.folder, 'data');
        rmSync(data, { recursive: true, force: true });
        mkdirSync(data, { recursive: true, mode: 0o700 });
        const owner = statSync(path.join(first.folder, 'data'));
        chownSync(data, owner.uid, owner.gid);
        await tool(second.folder, 'pg_basebackup', '-d', info(first.socket), '-D', data, '-R', '-X', 'stream', '-c', 'fast', '--no-sync');
        writeFileSync(path.join(second.folder, 'made'), '');
    }
    // The second server follows, and every commit waits until it has it on its disk.
    async waitsForStandby() {
        await until('the standby streams', async () => (await this.sql.query("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'")).length === 1);
        await this.sql.query("ALTER SYSTEM SET synchronous_standby_names = '*'");
        await this.sql.query('SELECT pg_reload_conf()');
        await until('it is synchronous', async () => (await this.sql.query("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'")).length === 1);
    }
    // The second server is the one to write to from now on, and waits for nobody.
    async promote() {
        const [first, second] = this.servers;
        this.sql.close();
        this.socket = second.socket;
        this.sql = new Sql(path.join(second.socket, '.s.PGSQL.5432'), 'postgres', 'turnpike');
        await control(second.folder, 'promote');
        await this.sql.query("ALTER SYSTEM SET synchronous_standby_names = ''");
        await this.sql.query('SELECT pg_reload_conf()');
        this.servers = [second, first];
    }
    // What was the first server follows the new one; what it alone had is gone.
    async rejoin() {
        const [first, second] = this.servers;
        await this.sql.query('CHECKPOINT'); // its new history is read from there
        try {
            await tool(second.folder, 'pg_rewind', '-D', path.join(second.folder, 'data'), '--source-server', info(first.socket), '-R', '--no-sync');
        } catch {
            await this.copy();
            this.copies = (this.copies ?? 0) + 1;
        }
        await startAgain(second.folder);
        await this.waitsForStandby();
    }
    stopDatabase() { for (const { folder } of this.servers ?? [{ folder: this.at('pg') }]) spawnSync(script, ['stop', folder]); }
}

const settings = { store_statement_timeout_ms: statementMs, store_reconnect_ms: 50 };
const begin = (name) => PairWorld.start(name, { workers: 2, delayMs: 20, settings });

async function faulty(world, rng) {
    const mix = pick(rng, mixes);
    if (mix) await world.fault({ provider: pick(rng, ['paypal', 'payoneer']), operation: 'charge', share: 0.3, ...mix });
}
async function flows(said, count = 10) {
    const from = said.final;
    await until('payments flow', () => said.final > from + count, 60000);
}

export const promote = {
    rounds: 50,
    start: begin,
    async round(world, seed, number) {
        const rng = random(seed * 1000003 + number);
        world.wire.forget();
        await faulty(world, rng);
        const load = world.load(16, rng);
        await flows(load.said, 5 + Math.floor(rng() * 40));
        await new Promise((done) => setTimeout(done, rng() * 100)); // anywhere within a commit
        if (rng() < 0.5) await pg('kill', world.servers[0].folder);
        else await stopNow(world.servers[0].folder);
        const from = Date.now();
        await world.promote();
        await flows(load.said, 0);
        const awayMs = Date.now() - from;
        await flows(load.said);
        await world.rejoin();
        await flows(load.said);
        await load.stop();
        await world.allAsked();
        await world.judged();
        return { ...await world.judgeLost(), promotions: 1, awayMs };
    },
};

export const cancel = {
    rounds: 20,
    start: begin,
    async round(world, seed, number) {
        const rng = random(seed * 1000003 + number);
        world.wire.forget();
        const load = world.load(16, rng);
        await flows(load.said, 5 + Math.floor(rng() * 20));
        await stopNow(world.servers[1].folder);
        const counts = { cancelled: 0, terminated: 0, restarts: 0 };
        const waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        const way = pick(rng, ['cancel', 'terminate', 'restart', 'all']);
        for (let i = 0; i < 8; i++) {
            await until('a commit waits for the standby', async () => (await world.sql.query(`SELECT 1 ${waiting}`)).length > 0);
            await new Promise((done) => setTimeout(done, rng() * 300));
            const how = way === 'all' ? pick(rng, ['cancel', 'terminate', 'restart']) : way;
            if (how === 'restart') {
                if (i % 4) continue;
                await stopNow(world.servers[0].folder);
                await startAgain(world.servers[0].folder);
                counts.restarts++;
            } else {
                const done = await world.sql.query(`SELECT pg_${how}_backend(pid) ${waiting}`);
                counts[how === 'cancel' ? 'cancelled' : 'terminated'] += done.length;
            }
        }
        // It is lost with all that the standby has not.
        await pg('kill', world.servers[0].folder);
        await startAgain(world.servers[1].folder);
        await world.promote();
        await flows(load.said);
        await world.rejoin();
        await load.stop();
        await world.allAsked();
        await world.judged();
        assert(counts.cancelled + counts.terminated + counts.restarts > 0, 'something was cancelled');
        return { ...await world.judgeLost(), ...counts };
    },
};
