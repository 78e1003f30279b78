// Seals: what the gateway's sealer makes is judged by `turnpike ledger verify`, also after it was killed, after the
// ledger was set back, and after rows came late. What a thief can do has a campaign of its own (make tamper).
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, assert, equal, until, top } from './lib.mjs';

const binary = path.resolve(top, process.env.BUILD ?? 'build', 'turnpike');
const folder = mkdtempSync(path.join(tmpdir(), 'turnpike-seals-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const at = (name) => path.join(folder, name);
const anchors = at('anchors');
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
writeFileSync(at('key.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
writeFileSync(at('public.pem'), publicKey.export({ format: 'pem', type: 'spki' }));
writeFileSync(at('told.sh'), `#!/bin/sh\ncat >>${at('told')}\n`, { mode: 0o700 });

function verify(world, ...args) {
    const done = spawnSync(binary, ['ledger', 'verify', '--config', world.at('turnpike.conf'), '--anchors', anchors, '--key', at('public.pem'), ...args], { encoding: 'utf8', cwd: top });
    return { status: done.status, out: done.stdout + done.stderr };
}
function holds(world, ...args) {
    const { status, out } = verify(world, ...args);
    assert(status === 0, `verify: exit ${status}: ${out}`);
    return out;
}
const count = (world, what) => Number(world.psql(`SELECT count(*) FROM ${what}`));
const lines = (file) => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []);
// Every transfer that there is now is sealed and anchored: 20 s and a little later.
async function allSealed(world) {
    await until('all is sealed and anchored', () => {
        const { out } = verify(world);
        return /^not yet sealed: 0$/m.test(out) && /^not yet anchored: 0 seals$/m.test(out);
    }, 120000);
    return holds(world);
}
const sealer = (world) => world.workers().find((pid) => { try { return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'sealer'; } catch { return false; } });
const payMany = (world, n) => Promise.all(Array.from({ length: n }, () => world.pay()));

await suite('seals', { workers: 1, settings: { seal_key_file: at('key.pem'), seal_interval_ms: 100, anchor_file: anchors, anchor_command: at('told.sh') } }, {
    async payments_are_sealed_and_anchored_off_the_hot_path(world) {
        await payMany(world, 30);
        const out = await allSealed(world);
        assert(count(world, 'transfers') > 0 && out.includes(`${count(world, 'transfers')} rows are as they were sealed`), out);
        const [first] = lines(anchors).map((line) => JSON.parse(line));
        equal(Object.keys(first), ['time', 'merchant', 'seal', 'head', 'rows', 'signature', 'key'], 'an anchor');
        await until('the command was told the same', () => lines(at('told')).join() === lines(anchors).join());
    },
    async a_changed_row_is_named(world) {
        await payMany(world, 3);
        await allSealed(world);
        const [{ id, shown }] = world.rows("SELECT transfer_id AS id, finance.show_id('trf', transfer_id) AS shown FROM transfers ORDER BY transfer_id OFFSET 2 LIMIT 1");
        world.psql(`UPDATE transfers SET amount_minor = amount_minor + 1 WHERE transfer_id = '${id}'`);
        const { status, out } = verify(world);
        equal(status, 1, 'exit status');
        assert(out.includes(`${shown}, of seal`) && out.includes('is not the row that was sealed'), out);
        world.psql(`UPDATE transfers SET amount_minor = amount_minor - 1 WHERE transfer_id = '${id}'`);
        holds(world);
    },
    async a_sealer_that_is_killed_goes_on_and_everything_is_anchored(world) {
        let isOver = false;
        const paying = (async () => { while (!isOver) await payMany(world, 2); })();
        for (let i = 0; i < 6; i++) { // at whatever it does just then: its moments are not ours
            const before = count(world, 'seals');
            const pid = await until('a sealer runs', () => sealer(world), 60000);
            await until('it has sealed, or it is early', () => count(world, 'seals') > before || i % 2 === 0, 60000);
            try { process.kill(pid, 'SIGKILL'); } catch { /* it went by itself */ }
            await until('it is gone', () => sealer(world) !== pid);
            assert(verify(world).status === 0, verify(world).out);
        }
        isOver = true;
        await paying;
        await allSealed(world);
    },
    // Old and new sealers are there at once for a while: two chains, or a gap, would be found.
    async reloads_and_upgrades_in_the_middle_leave_one_chain_and_one_sealer(world) {
        const command = (name) => new Promise((done) => spawn(binary, [name, '--config', world.at('turnpike.conf')], { cwd: top, stdio: 'ignore' }).once('close', done));
        let isOver = false;
        const paying = (async () => { while (!isOver) await payMany(world, 2); })();
        const { pid } = world.gateway;
        for (const name of ['reload', 'upgrade', 'reload']) {
            const [before, old] = [count(world, 'seals'), sealer(world)];
            equal(await command(name), 0, name);
            await until(`a sealer of the new generation runs after ${name}`, () => { const now = sealer(world); return now !== undefined && now !== old; }, 60000);
            await until('it seals', () => count(world, 'seals') > before, 60000);
        }
        isOver = true;
        await paying;
        equal(world.gateway.pid, pid, 'the same process');
        await allSealed(world);
        await until('one sealer is left', () => world.workers().filter((w) => { try { return readFileSync(`/proc/${w}/comm`, 'utf8').trim() === 'sealer'; } catch { return false; } }).length === 1, 60000);
    },
    async a_seal_that_a_crash_kept_from_being_anchored_is_anchored_by_the_next_start(world) {
        await payMany(world, 2);
        await allSealed(world);
        const kept = lines(anchors);
        await world.stopGateway();
        writeFileSync(anchors, kept.slice(0, -1).join('\n') + '\n' + kept.at(-1).slice(0, 40)); // cut off
        assert(/not yet anchored: [1-9]/.test(verify(world).out), verify(world).out);
        await world.startGateway();
        await until('it is anchored', () => /^not yet anchored: 0 seals$/m.test(verify(world).out));
        assert(holds(world).includes('1 lines of the anchor files are no anchors'), 'the torn line is told');
    },
    async rows_that_come_late_are_sealed_as_such(world) {
        await payMany(world, 2);
        await allSealed(world);
        const [row] = world.rows('SELECT * FROM transfers ORDER BY transfer_id LIMIT 1');
        const late = '00000000-0000-7000-8000-' + String(Date.now()).slice(-12);
        const copy = (created) => `INSERT INTO transfers (${Object.keys(row)}) SELECT ${Object.keys(row).map((name) => (name === 'transfer_id' ? `'${late}'` : name === 'created_at' ? created : name === 'pending_id' ? 'NULL' : name === 'state' ? "'posted'" : name))} FROM transfers WHERE transfer_id = '${row.transfer_id}'`;
        world.psql(copy('now()'));
        const hidden = verify(world);
        assert(hidden.status === 1 && hidden.out.includes('was not there when its place was sealed'), hidden.out);
        world.psql(`INSERT INTO seal_late (merchant_id, transfer_id) VALUES ('${row.merchant_id}', '${late}')`); // as its writer would have
        await allSealed(world);
        assert(count(world, 'seal_late WHERE number IS NOT NULL') > 0, 'it was sealed as late');
        world.psql(`DELETE FROM seal_late WHERE transfer_id = '${late}'; DELETE FROM transfers WHERE transfer_id = '${late}'`);
        const gone = verify(world);
        assert(gone.status === 1 && gone.out.includes('was sealed and is gone'), gone.out);
        world.psql(copy(`(SELECT created_at FROM transfers LIMIT 1)`));
        assert(verify(world).status === 1, 'another in its place');
        world.psql(`DELETE FROM transfers WHERE transfer_id = '${late}'`);
        const stranger = verify(world, '--anchors', '/nowhere');
        equal(stranger.status, 2, 'no such anchors');
    },
});
