// commits_odd.mjs - a server that refuses: for real where that can be had, by errors of the wire where it cannot.
//
//     errors     the wire answers a batch with an error, the server never sees it
//     deadlock   a session takes a table that the batch needs, and then wants one that the batch has
//     serialize  every transaction of the gateway is serializable
//     read_only  the server takes no writing transaction for a while
//     disk_full  the tables of sends and outcomes lie on a small file system, which is filled
//     wal_full   so does the write-ahead log: the server panics, and does not start until there is room
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeSync, openSync, closeSync, chownSync, statSync, renameSync } from 'node:fs';
import { assert, until } from '../e2e/lib.mjs';
import { CommitWorld, pick, statementMs } from './commits_world.mjs';
import { random } from '../e2e/random.mjs';
import { Sql } from './commits_wire.mjs';
import { startAgain } from './commits_pair.mjs';

const ways = { errors, deadlock, serialize, read_only, disk_full, wal_full };
export const rounds = 3 * Object.keys(ways).length;

class OddWorld extends CommitWorld {
    // A file system of `size` in a folder of the world; false where none may be mounted.
    mount(name, size) {
        const folder = this.at(name);
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'turnpike', folder]).status !== 0) return undefined;
        (this.mounts ??= []).push(folder);
        const owner = statSync(this.at('pg/data'));
        chownSync(folder, owner.uid, owner.gid);
        return folder;
    }
    fill(folder) {
        const file = openSync(path.join(folder, 'ballast'), 'w');
        const block = Buffer.alloc(65536, 1);
        try { for (;;) writeSync(file, block); } catch (error) { assert(error.code === 'ENOSPC', error.message); }
        closeSync(file);
    }
    empty(folder) { rmSync(path.join(folder, 'ballast')); }
    logged(text) { return readFileSync(this.at('pg/data/server.log'), 'utf8').split(text).length - 1; }
    async setting(name, value) {
        await this.sql.query('SET default_transaction_read_only = off');
        await this.sql.query(`ALTER SYSTEM SET ${name} = ${value}`);
        await this.sql.query('SELECT pg_reload_conf()');
    }
    stopDatabase() {
        super.stopDatabase();
        if (this.isEnding) for (const folder of this.mounts ?? []) spawnSync('umount', ['-l', folder]);
    }
    async stop() {
        this.isEnding = true;
        await super.stop();
    }
    abandon() {
        this.isEnding = true;
        super.abandon();
    }
}
export const start = (name) => OddWorld.start(name, { workers: 2, delayMs: 20, settings: { store_statement_timeout_ms: statementMs, store_reconnect_ms: 50 } });

async function flows(said, count = 10) {
    const from = said.final;
    await until('payments flow', () => said.final > from + count, 60000);
}
async function refused(world, count) {
    const from = world.log.filter((entry) => entry.status === 503).length;
    await until('payments are refused', () => world.log.filter((entry) => entry.status === 503).length >= from + count, 60000);
}

async function errors(world, rng, load) {
    let told = 0;
    world.wire.choose = (batch) => {
        if (batch.kind !== 'batch' || rng() > 0.3 || told >= 60) return undefined;
        told++;
        return rng() < 0.15 ? { kind: 'error', severity: 'FATAL', code: pick(rng, ['57P01', '57P02', 'XX000']) }
            : { kind: 'error', code: pick(rng, ['40001', '40P01', '53100', '53200', '25006', '57014', '55P03', 'XX000']) };
    };
    await until('errors are told', () => told >= 60, 90000);
    world.wire.choose = undefined;
    await flows(load.said);
    return { errors: told };
}
async function deadlock(world, rng, load) {
    await world.setting('deadlock_timeout', "'100ms'");
    const other = new Sql(world.sql.server, 'postgres', 'turnpike');
    const count = async () => Number((await world.sql.query("SELECT deadlocks FROM pg_stat_database WHERE datname = 'turnpike'"))[0][0]);
    const from = await count();
    await other.query("SET deadlock_timeout = '60s'"); // never the one that is ended
    await until('five deadlocks', async () => {
        await other.query('BEGIN; LOCK TABLE events, attempts IN SHARE MODE');
        await until('a batch waits', async () => (await world.sql.query("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE 'turnpike writer%'")).length > 0);
        await other.query('LOCK TABLE batches IN SHARE MODE; COMMIT').catch(() => other.query('ROLLBACK'));
        await flows(load.said, 2);
        return await count() >= from + 5;
    }, 90000);
    other.close();
    return { deadlocks: await count() - from };
}
const renew = (world) => world.sql.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'turnpike_gateway'");
async function serialize(world, rng, load) {
    const from = world.logged('could not serialize access');
    await world.sql.query("ALTER ROLE turnpike_gateway SET default_transaction_isolation = 'serializable'");
    await renew(world);
    await flows(load.said, 150);
    await world.sql.query('ALTER ROLE turnpike_gateway RESET default_transaction_isolation');
    await renew(world);
    await flows(load.said);
    return { serializations: world.logged('could not serialize access') - from };
}
async function read_only(world, rng, load) {
    const from = world.logged('read-only transaction');
    await world.setting('default_transaction_read_only', 'on');
    await refused(world, 20);
    await new Promise((done) => setTimeout(done, rng() * 2000));
    await world.setting('default_transaction_read_only', 'off');
    await flows(load.said);
    return { readOnly: world.logged('read-only transaction') - from };
}
async function disk_full(world, rng, load) {
    const folder = world.full ??= world.mount('full', '64m') ?? 'none';
    if (folder === 'none') {
        console.log('     disk_full: no file system may be mounted here; errors of the wire instead');
        return errors(world, rng, load);
    }
    if (!world.isMoved) {
        await world.sql.query(`CREATE TABLESPACE small LOCATION '${folder}'`);
        for (const table of ['sends', 'outcomes']) await world.sql.query(`ALTER TABLE ${table} SET TABLESPACE small`);
        world.isMoved = true;
        await flows(load.said);
    }
    const from = world.logged('No space left on device');
    world.fill(folder);
    await refused(world, 20);
    await new Promise((done) => setTimeout(done, rng() * 1000));
    world.empty(folder);
    await flows(load.said);
    const count = world.logged('No space left on device') - from;
    assert(count > 0, 'the disk was full');
    return { diskFull: count };
}
async function wal_full(world, rng, load) {
    const wal = world.at('pg/data/pg_wal');
    if (!world.wal) {
        world.wal = world.mount('wal', '160m') ?? 'none';
        if (world.wal === 'none') return errors(world, rng, load);
        await world.setting('max_wal_size', "'64MB'");
        world.stopDatabase(); // to be started again at once
        const owner = statSync(wal);
        if (spawnSync('cp', ['-a', wal, path.join(world.wal, 'pg_wal')]).status !== 0) throw new Error('the log does not fit');
        renameSync(wal, `${wal}.before`);
        symlinkSync(path.join(world.wal, 'pg_wal'), wal);
        chownSync(path.join(world.wal, 'pg_wal'), owner.uid, owner.gid);
        await startAgain(world.at('pg'));
        await flows(load.said);
    }
    const from = world.logged('PANIC');
    world.fill(world.wal);
    await until('the server gives up', async () => {
        await world.sql.query('SELECT pg_switch_wal()');
        return world.logged('PANIC') > from;
    });
    await new Promise((done) => setTimeout(done, rng() * 2000));
    world.empty(world.wal);
    await until('it starts', async () => { await startAgain(world.at('pg')); return true; });
    await flows(load.said);
    return { panics: world.logged('PANIC') - from };
}

export async function round(world, seed, number) {
    const rng = random(seed * 1000003 + number);
    const names = Object.keys(ways);
    const name = names[number % names.length];
    world.wire.forget();
    const load = world.load(16, rng);
    await flows(load.said);
    const counts = await ways[name](world, rng, load);
    await load.stop();
    await world.allAsked();
    await world.judged();
    return { ...await world.judgeLost(), ...counts, ways: { [name]: 1 } };
}
