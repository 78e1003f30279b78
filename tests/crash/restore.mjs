// Restore drill: base backup, archived WAL, load; then the database is lost and restored to a moment before the
// last payments (point in time). The gateway starts reconcile-first, and clients repeat everything under the same
// keys. Judged by the sandbox's books and the client's own log.
// SECONDS=10 (or MINUTES=10) of payments are lost; CLIENTS=12.   node tests/crash/restore.mjs [case]
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync, appendFileSync } from 'node:fs';
import path from 'node:path';
import { assert, equal, until, World } from '../e2e/lib.mjs';

const seconds = Number(process.env.MINUTES ? process.env.MINUTES * 60 : process.env.SECONDS ?? 10);
const READY_MS = 60000 + seconds * 1000; // it writes again what was written in that time
const clients = Number(process.env.CLIENTS ?? 12);

function run(command, args, options = {}) {
    const done = spawnSync(command, args, { encoding: 'utf8', ...options });
    assert(done.status === 0, `${command} ${args.join(' ')}: ${done.stderr || done.stdout || done.error}`);
    return done.stdout;
}
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const owner = (folder) => run('stat', ['-c', '%u:%g', folder]).trim();

// ---- the database's own business ------------------------------------------------------------------------------

function archive(world) { // WAL archiving as an operator would set it up
    const data = world.at('pg/data');
    mkdirSync(world.at('pg/archive'));
    run('chown', [owner(data), world.at('pg/archive')]);
    appendFileSync(`${data}/pg_hba.conf`, 'local replication all trust\n');
    appendFileSync(`${data}/postgresql.conf`, `archive_mode = on\narchive_command = 'test ! -f ${world.at('pg/archive')}/%f && cp %p ${world.at('pg/archive')}/%f'\nwal_level = replica\n`);
    world.stopDatabase();
    world.startDatabase();
}
function backup(world) {
    run('pg_basebackup', ['-h', world.socket, '-p', '5432', '-U', 'postgres', '-D', world.at('pg/base'), '-c', 'fast', '-X', 'fetch']);
}
// Everything after `moment` is lost.
function restore(world, moment) {
    const data = world.at('pg/data');
    const user = owner(data);
    renameSync(data, world.at(`pg/lost-${Date.now()}`));
    run('cp', ['-a', world.at('pg/base'), data]);
    appendFileSync(`${data}/postgresql.auto.conf`, `restore_command = 'cp ${world.at('pg/archive')}/%f %p'\nrecovery_target_time = '${moment}'\nrecovery_target_action = 'promote'\n`);
    writeFileSync(`${data}/recovery.signal`, '');
    run('chown', ['-R', user, data]);
    run('chmod', ['0700', data]);
    world.startDatabase();
    return until('the database is promoted', () => world.psql('SELECT pg_is_in_recovery()') === 'f');
}

// ---- the clients ----------------------------------------------------------------------------------------------

const tokens = (paypal, payoneer) => ({ type: 'card', tokens: { paypal, payoneer } });
let drawn = 1;
const draw = () => { drawn = (drawn * 48271) % 2147483647; return drawn / 2147483647; };

function aPayment(world, number) {
    const kind = draw();
    const method = kind < 0.1 ? tokens('tok_hard', 'tok_hard') : kind < 0.25 ? tokens('tok_soft', 'tok_ok') : tokens('tok_ok', 'tok_ok');
    return world.payment({ amount: 100 + Math.floor(draw() * 9000), method, ...(draw() < 0.3 ? { reference: `drill-${number}` } : {}), capture: draw() < 0.3 ? 'manual' : 'automatic' });
}
const aPayout = (number) => ({ amount: 500 + number % 700, currency: 'USD', reference: `drill-out-${number}`, payees: { paypal: 'ada@example.org' } });

// Any POST of the API, noted for its repeat.
async function post(world, requests, target, body) {
    const entry = { target, body, key: crypto.randomUUID(), status: 0 };
    requests.push(entry);
    await send(world, entry);
    return entry;
}
async function send(world, entry) {
    try {
        const answer = await world.call('POST', world.api + entry.target, { body: entry.body, key: world.key, timeoutMs: 30000, headers: { 'idempotency-key': `"${entry.key}"` } });
        return Object.assign(entry, { status: answer.status, answer: answer.json, raw: answer.raw });
    } catch (error) {
        return Object.assign(entry, { status: 0, error: error.message });
    }
}
async function client(world, requests, stop) {
    while (!stop.now) {
        const number = requests.length;
        if (draw() < 0.1) {
            await post(world, requests, '/v1/payouts', aPayout(number));
            continue;
        }
        const paid = await post(world, requests, '/v1/payments', aPayment(world, number));
        const { status, id, amount } = paid.answer ?? {};
        // Not both: what is left of a captured hold, given up, is another sum in the books than the client was told.
        if (status === 'authorized' && draw() < 0.7) await post(world, requests, `/v1/payments/${id}/capture`, draw() < 0.5 ? { amount: Math.floor(amount / 2) } : {});
        else if (status === 'authorized' && draw() < 0.5) await post(world, requests, `/v1/payments/${id}/void`, {});
        if (status === 'succeeded' && draw() < 0.2) await post(world, requests, `/v1/payments/${id}/refunds`, { amount: Math.floor(amount / 3) });
        if (paid.status !== 201) await sleep(50);
    }
}

// ---- the judge ------------------------------------------------------------------------------------------------

const money = (entries) => entries.filter((e) => ['charge', 'hold', 'refund', 'payout'].includes(e.kind));
const isFinal = (entry) => entry.status === 201 && !['processing', 'requires_action'].includes(entry.answer.status);

// Who got a final answer gets it again, byte for byte; whoever got none gets one. Nothing of that moves money twice.
async function repeatAll(world, requests) {
    let changed = 0;
    for (const chunk of Array.from({ length: Math.ceil(requests.length / 8) }, (_, i) => requests.slice(i * 8, i * 8 + 8))) {
        await Promise.all(chunk.map(async (entry) => {
            const before = { ...entry };
            await until(`key ${entry.key} (${entry.target}) is told what became of it (last: ${entry.status} ${entry.raw})`, async () => {
                await send(world, entry);
                return entry.status === 201 || (entry.status >= 400 && entry.status < 500 && !/in_use/.test(entry.raw)) || (entry.status === 202 && entry.target === '/v1/payouts');
            }, 120000);
            if (isFinal(before) && before.raw !== entry.raw) changed++;
            if (isFinal(before)) equal([entry.answer?.id, entry.answer?.amount], [before.answer.id, before.answer.amount], `the repeat of ${entry.key}`);
        }));
    }
    return changed;
}

async function judge(world, requests) {
    await world.settled(120000);
    world.log = requests.filter((entry) => entry.target === '/v1/payments');
    await world.judge();
    await world.balanced(120000);
    world.statusesFollow();
    world.holdsAgree();
    const entries = money(await world.allBooks());
    const payouts = entries.filter((entry) => entry.kind === 'payout' && !['failed', 'canceled'].includes(entry.state));
    const paid = new Map();
    for (const { invoice, reference } of payouts) paid.set(invoice ?? reference, (paid.get(invoice ?? reference) ?? 0) + 1);
    for (const [id, times] of paid) assert(times === 1, `payout ${id} was paid ${times} times`);
    const asked = requests.filter((entry) => entry.target === '/v1/payouts' && [201, 202].includes(entry.status)).length;
    assert(payouts.length <= asked, `${payouts.length} payouts were paid, ${asked} were asked for`);
    const lost = requests.filter(isFinal).filter((entry) => entry.target === '/v1/payments');
    for (const entry of lost.slice(0, 50)) {
        const now = await world.get(entry.answer.id);
        assert(now?.id === entry.answer.id, `payment ${entry.answer.id} was acknowledged and is not there`);
    }
    return entries;
}

// ---- cases ----------------------------------------------------------------------------------------------------

const log = (world) => readFileSync(world.at('log/gateway.log'), 'utf8');

async function disaster(world, { after } = {}) {
    const requests = [];
    const stop = { now: false };
    backup(world);
    const load = Array.from({ length: clients }, () => client(world, requests, stop));
    await until('some load', () => requests.length > 100, 120000);
    const moment = world.psql('SELECT clock_timestamp()');
    const early = requests.length;
    await sleep(seconds * 1000);
    await until('some payments after that', () => requests.length > early + 50, 120000);
    if (after) await after();
    world.psql('SELECT pg_switch_wal()');
    await until('the log is archived', () => world.psql("SELECT count(*) FROM pg_stat_archiver WHERE last_archived_time > now() - interval '30 s'") !== '0');
    world.killDatabase(); // under load
    await world.killGateway();
    stop.now = true;
    await Promise.all(load);
    const known = money(await world.allBooks()).length;
    await restore(world, moment);
    const kept = new Set(world.rows('SELECT key FROM idempotency').map((row) => row.key));
    const gone = requests.filter(isFinal).filter((entry) => entry.target === '/v1/payments' && !kept.has(entry.key)).length;
    assert(gone > 20, `the restored database lacks acknowledged payments: ${gone}`);
    return { requests, gone, known };
}

const cases = {
    // The whole drill: noticed by itself, mended, and no repeat moves money again.
    async drill(world) {
        await world.fault({ provider: 'paypal', operation: 'charge', kind: 'reset_after_effect', share: 0.05 });
        await world.fault({ provider: 'payoneer', operation: 'charge', kind: 'slow', delay_ms: 700, share: 0.1 });
        const { requests, gone, known } = await disaster(world, { after: () => world.noFaults() });
        const from = Date.now();
        await world.startGateway(READY_MS);
        const took = Date.now() - from;
        // Without a journal (NO_JOURNAL=1) nothing is noticed, and what follows goes red.
        assert(process.env.NO_JOURNAL || /database is older than this gateway: reconcile first/.test(log(world)), 'it says so');
        assert(process.env.NO_JOURNAL || /the ledger has everything again/.test(log(world)), 'and what it did');
        const changed = await repeatAll(world, requests);
        const entries = await judge(world, requests);
        equal(changed, 0, 'answers that are not what they were, byte for byte');
        console.log(`     ${requests.length} requests, ${gone} acknowledged payments were lost with the database, ready after ${took} ms; books: ${known} entries before, ${entries.length} after`);
    },
    // Killed in the midst of it, again and again: it goes on where it was.
    async resumed(world) {
        const { requests } = await disaster(world);
        for (let times = 0; times < 4; times++) {
            const before = log(world).length;
            world.gateway = world.spawn('gateway', ['serve', '--config', world.at('turnpike.conf')]);
            await until('it has begun', () => /reconcile first/.test(log(world).slice(before)), 30000);
            await sleep(times * 150);
            await world.killGateway();
            if (/the ledger has everything again/.test(log(world).slice(before))) break;
        }
        await world.startGateway(READY_MS);
        equal(await repeatAll(world, requests), 0, 'answers that are not what they were');
        await judge(world, requests);
    },
    // While it cannot know, it takes nothing: 503 with Retry-After, and /readyz says why.
    async closed(world) {
        await world.pay();
        await world.stopGateway();
        world.stopDatabase();
        world.gateway = world.spawn('gateway', ['serve', '--config', world.at('turnpike.conf')]);
        const refused = await until('it answers', async () => { const entry = await world.pay(); return entry.status > 0 && entry; });
        equal([refused.status, refused.answer.code, refused.headers['retry-after']], [503, 'unavailable', '5'], 'a new payment');
        const ready = await world.call('GET', world.ops + '/readyz');
        equal(ready.status, 503, 'readyz');
        assert(/compared with the journal/.test(ready.raw), ready.raw);
        world.startDatabase();
        await until('it serves', async () => (await world.call('GET', world.ops + '/readyz')).status === 200);
        equal((await world.pay()).status, 201, 'a payment');
    },
    // Seals that were anchored are gone with the database: the chain goes on above them, the gap is told, and what was
    // written again, with its old ids, is sealed with the rest.
    async sealed(world) {
        const { privateKey, publicKey } = generateKeyPairSync('ed25519');
        const [anchors, pub] = [world.at('anchors'), world.at('seal.pub')];
        writeFileSync(world.at('seal.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
        writeFileSync(pub, publicKey.export({ format: 'pem', type: 'spki' }));
        await world.stopGateway();
        world.options = { ...world.options, settings: { ...world.options.settings, seal_key_file: world.at('seal.pem'), seal_interval_ms: 100, anchor_file: anchors } };
        world.writeConfig();
        await world.startGateway();
        const verify = (...more) => {
            const done = spawnSync(world.binary ?? path.resolve('build/turnpike'), ['ledger', 'verify', '--config', world.at('turnpike.conf'), '--anchors', anchors, '--key', pub, ...more], { encoding: 'utf8' });
            return { status: done.status, out: done.stdout + done.stderr };
        };
        const anchored = () => readFileSync(anchors, { encoding: 'utf8', flag: 'a+' }).split('\n').length;
        const { requests } = await disaster(world, { after: async () => { // some seals of what is lost have been anchored
            const before = anchored();
            await until('seals are anchored', () => anchored() > before + 5, 120000);
        } });
        const known = anchored();
        await world.startGateway(READY_MS);
        equal(await repeatAll(world, requests), 0, 'answers that are not what they were');
        await judge(world, requests);
        await until('all is sealed and anchored again', () => {
            const { out } = verify('--restored');
            return anchored() > known && /^not yet sealed: 0$/m.test(out) && /^not yet anchored: 0 seals$/m.test(out);
        }, 120000);
        const [told, held] = [verify(), verify('--restored')];
        assert(told.status === 1 && /the ledger was set back then/.test(told.out), `the gap is told: ${told.status} ${told.out}`);
        assert(held.status === 0, `verify --restored: ${held.status} ${held.out}`);
        assert(held.out.includes(`${world.psql('SELECT count(*) FROM transfers')} rows are as they were sealed`), held.out);
        world.psql('UPDATE transfers SET amount_minor = amount_minor + 1 WHERE transfer_id = (SELECT transfer_id FROM transfers ORDER BY transfer_id DESC OFFSET 3 LIMIT 1)');
        equal(verify('--restored').status, 1, 'a changed row is found all the same');
    },
    // A journal that does not suffice is no journal: refused, with the remedy; by hand it starts.
    async refused(world) {
        await disaster(world);
        const folder = world.at('state/journal');
        const newest = readdirSync(folder).filter((name) => name.endsWith('.journal')).sort()[0];
        renameSync(path.join(folder, newest), world.at('taken'));
        const serve = (...more) => spawnSync(world.binary ?? path.resolve('build/turnpike'), ['serve', '--config', world.at('turnpike.conf'), ...more], { encoding: 'utf8', timeout: 60000 });
        const done = serve();
        assert(done.status === 78 && /its journal .* is not in .*: copy its files here/.test(done.stderr), `${done.status} ${done.stderr}`);
        assert(serve('--restored', 'nonsense').status === 1, 'a word that is none');
        renameSync(world.at('taken'), path.join(folder, newest));
        await world.startGateway(READY_MS);
        await world.balanced(120000);
    },
};

let failed = 0;
for (const [name, test] of Object.entries(cases)) {
    if (process.argv[2] && process.argv[2] !== name) continue;
    const from = Date.now();
    const world = await World.start(`restore-${name}`, { payouts: true, settings: { journal_keep_ms: process.env.NO_JOURNAL ? 0 : 86400000 } });
    try {
        archive(world);
        await until('the gateway is back', async () => (await world.call('GET', world.ops + '/readyz')).status === 200);
        await test(world);
        console.log(`ok   restore: ${name} (${Date.now() - from} ms)`);
        await world.stop();
    } catch (error) {
        failed++;
        console.log(`FAIL restore: ${name}: ${error.stack}\n     run it alone: node tests/crash/restore.mjs ${name}\n     kept: ${world.folder}`);
        world.abandon();
    }
}
console.log(`restore: ${failed === 0 ? 'passed' : `${failed} failed`}`);
process.exit(failed === 0 ? 0 : 1);
