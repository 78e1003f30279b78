// Processes: a dead worker, a silent worker, SIGTERM, a second gateway on the same folder or port.
import { spawnSync } from 'node:child_process';
import https from 'node:https';
import path from 'node:path';
import { suite, assert, equal, until, top } from './lib.mjs';

await suite('process', { workers: 2, delayMs: 100, settings: { heartbeat_late_ms: 1000 } }, {
    async a_dead_worker_is_replaced_and_its_payments_settle(world) {
        for (let round = 0; round < 3; round++) {
            const running = Array.from({ length: 40 }, () => world.pay());
            const workers = world.workers();
            process.kill(workers[round % workers.length], 'SIGKILL');
            await Promise.all(running);
            await until('two workers again', () => world.workers().length === 2 && !world.workers().includes(workers[round % workers.length]));
        }
        await world.settled();
        await world.judge();
    },
    // The kernel shares connections out between the seats' queues: half of these come to the one in its pause.
    async a_crash_loop_at_one_seat_keeps_nobody_waiting(world) {
        const [survivor] = world.workers();
        for (let kills = 0; kills < 8; kills++) {
            const victim = await until('a victim', () => world.workers().find((pid) => pid !== survivor), 10000);
            process.kill(victim, 'SIGKILL');
            await until('it is gone', () => !world.workers().includes(victim));
        }
        const answered = await Promise.all(Array.from({ length: 40 }, async () => {
            const { status } = await world.call('GET', `${world.api}/v1/payments?limit=1`, { key: world.key, agent: new https.Agent({ ca: world.ca }) });
            return { status, alone: world.workers().length === 1 };
        }));
        equal(answered.filter(({ status, alone }) => status !== 200 || !alone), [], 'of 40 over new connections: answered late, when the seat had a worker again');
        await until('two workers again', () => world.workers().length === 2, 10000);
    },
    async a_silent_worker_is_killed_and_replaced(world) {
        const [victim] = world.workers();
        process.kill(victim, 'SIGSTOP');
        await until('replaced', () => world.workers().length === 2 && !world.workers().includes(victim), 10000);
        equal((await world.pay()).answer?.status, 'succeeded', 'afterwards');
    },
    async sigterm_answers_what_is_in_hand(world) {
        const running = Array.from({ length: 30 }, () => world.pay());
        await until('some are in hand', () => world.log.filter((e) => e.status === 0).length > 0 && Number(world.psql('SELECT count(*) FROM payments')) > 0);
        const ended = await world.stopGateway();
        equal(ended.code, 0, 'exit status');
        await Promise.all(running);
        await world.startGateway();
        await world.settled();
        await world.judge();
    },
    async a_second_gateway_is_refused_with_a_remedy(world) {
        const binary = path.resolve(top, process.env.BUILD ?? 'build', 'turnpike');
        const same = spawnSync(binary, ['serve', '--config', world.at('turnpike.conf')], { encoding: 'utf8', cwd: top });
        assert(same.status !== 0 && /another gateway runs on state_folder/.test(same.stderr), same.stderr);
        const port = spawnSync(binary, ['serve', '--config', world.at('turnpike.conf'), '--set', `state_folder=${world.at('state2')}`], { encoding: 'utf8', cwd: top });
        assert(port.status !== 0 && /is taken by another program/.test(port.stderr), port.stderr);
    },
    async check_names_what_is_wrong(world) {
        const binary = path.resolve(top, process.env.BUILD ?? 'build', 'turnpike');
        for (const [set, wanted] of [
            ['api_port=0', /api_port must be a whole number/], ['nonsense=1', /there is no setting/], ['lease_ms=1000', /lease_ms must be above/],
            ['rules_file=/nonexistent', /rules_file: cannot read/], ['tls_key=/nonexistent', /tls_key: cannot read/], ['log_level=loud', /log_level must be/],
        ]) {
            const got = spawnSync(binary, ['check', '--config', world.at('turnpike.conf'), '--set', set], { encoding: 'utf8', cwd: top });
            assert(got.status === 1 && wanted.test(got.stderr) && got.stderr.trim().split('\n').length === 1, `${set}: ${got.stderr}`);
        }
        equal(spawnSync(binary, ['check', '--config', world.at('turnpike.conf')], { encoding: 'utf8', cwd: top }).status, 0, 'a good one');
    },
});
