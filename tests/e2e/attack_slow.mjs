// Thousands of slow clients while honest ones pay: the campaign of make attack.
import https from 'node:https';
import { startAttackers, payHonestly, watchMemory, cpuSeconds, milliseconds, megabytes } from '../attack/slow.mjs';
import { suite, assert, equal } from './lib.mjs';

const DELAY_MS = 50; // of the sandbox
const ADDED_MS_MAX = 50;
const BUSY_MS = 25;
const MEMORY_MAX = 512 * 1024 * 1024;
const LATE_MS = 1000;
const deadlines = { head: 10000, body: 15000, read: 10000, hello: 5000 };
const scale = Number(process.env.SCALE ?? 1); // of the numbers of attackers, for a quick look

const settings = {
    workers: -1, provider_connect_ms: 3000, provider_answer_ms: 30000, answer_ms: 20000, send_window_ms: 5000, lease_ms: 60000, dead_after_ms: 120000,
    // All come from one address here: what counts by address is shown by a case of its own.
    http_connection_per_address_max: 100000, address_rate: 0, log_level: 'warn',
};

function say(text) { console.log(`     ${text}`); }

function judgeHonest(name, result) {
    const { p50_ms: p50, p99_ms: p99, max_ms: max } = result.latency;
    say(`${name}: ${JSON.stringify(result.statuses)}, added to the sandbox's ${DELAY_MS} ms: p50 ${milliseconds(p50 - DELAY_MS)}, p99 ${milliseconds(p99 - DELAY_MS)}, longest ${milliseconds(max - DELAY_MS)}`);
    equal(Object.keys(result.statuses), ['201'], `${name}: answers of honest payments`);
    return p99 - DELAY_MS;
}

// p99 above the sandbox's delay. What a machine adds without any attack is not ours to judge.
function judgeLatency(alone, attacked) {
    if (alone > BUSY_MS) say(`this machine is busy with other things (${milliseconds(alone)} without any attack): latencies are shown, not judged`);
    else assert(attacked <= ADDED_MS_MAX, `p99 of honest payments was ${milliseconds(attacked)} above the sandbox's delay; alone ${milliseconds(alone)}`);
}

function judgeAttackers(result, lateMs) {
    for (const [kind, seen] of Object.entries(result.kinds)) {
        say(`${kind}: ${seen.closed} of ${seen.wanted} closed after ${seen.first_ms} to ${seen.last_ms} ms (median ${seen.median_ms}), ${seen.failed} never attacked, ${seen.left} left; deadline ${deadlines[kind]} ms`);
    }
    for (const [kind, seen] of Object.entries(result.kinds)) {
        equal([seen.failed, seen.left], [0, 0], `${kind}: never attacked, left open`);
        assert(seen.last_ms <= deadlines[kind] + lateMs, `${kind}: the last was closed after ${seen.last_ms} ms, deadline ${deadlines[kind]} ms`);
    }
}

// One after the other, each with a handshake of its own, for some seconds.
async function payOverNewConnections(world) {
    const paid = [];
    const until = Date.now() + 6000 * scale + 2000;
    while (Date.now() < until) {
        const agent = new https.Agent({ ca: world.ca });
        const from = Date.now();
        const entry = await world.pay(world.payment(), { agent });
        paid.push({ ...entry, tookMs: Date.now() - from });
        agent.destroy();
    }
    return paid;
}

await suite('attack_slow', { delayMs: DELAY_MS, settings }, {
    async ten_thousand_slow_clients_cost_the_honest_little(world) {
        await payHonestly(world, { rate: 100, seconds: 3, name: 'warm' });
        const alone = judgeHonest('alone', await payHonestly(world, { rate: 100, seconds: 10, name: 'alone' }));
        const memory = watchMemory(world);
        const cpu = [cpuSeconds(world)];
        const attackers = await startAttackers(world, { head: 4000 * scale, body: 3000 * scale, read: 3000 * scale });
        const [count, ramp] = await Promise.all([attackers.ready(), payHonestly(world, { rate: 100, seconds: 14 * scale, name: 'ramp' })]);
        cpu.push(cpuSeconds(world));
        equal(count, 10000 * scale, 'attackers at the start line');
        const attack = payHonestly(world, { rate: 100, seconds: 18, name: 'attack' });
        const atOnce = await attackers.go();
        const [result, under] = await Promise.all([attackers.result(), attack]);
        const most = memory.stop();
        cpu.push(cpuSeconds(world));
        const added = [judgeHonest('while they connect', ramp), judgeHonest('while they attack', under)];
        say(`memory of the gateway: ${megabytes(most)}; its CPU: ${(cpu[1] - cpu[0]).toFixed(1)} s while they connect, ${(cpu[2] - cpu[1]).toFixed(1)} s while they attack`);
        say(`${count} were connected at the start, ${atOnce} were left when the last began: who hoards most is let go first`);
        judgeAttackers(result, alone > BUSY_MS ? 5 * LATE_MS : LATE_MS);
        assert(most <= MEMORY_MAX, `the gateway took ${megabytes(most)}`);
        judgeLatency(alone, Math.max(...added));
        await world.settled();
        await world.judge();
    },
    async a_storm_of_handshakes_costs_the_honest_little(world) {
        const alone = judgeHonest('alone', await payHonestly(world, { rate: 100, seconds: 5, name: 'alone' }));
        const attackers = await startAttackers(world, { head: 5000 * scale, hello: 5000 * scale, from: 2, perSecond: 20000, steady: true });
        const [under, fresh] = await Promise.all([payHonestly(world, { rate: 100, seconds: 6, name: 'storm' }), payOverNewConnections(world)]);
        await attackers.ready();
        const result = await attackers.result();
        say(`${fresh.length} payments over new connections, the slowest took ${Math.max(...fresh.map((entry) => entry.tookMs))} ms`);
        for (const [kind, seen] of Object.entries(result.kinds)) say(`${kind}: ${seen.closed} of ${seen.wanted} closed after ${seen.first_ms} to ${seen.last_ms} ms, ${seen.failed} gave up in the handshake`);
        const added = judgeHonest('meanwhile', under);
        equal(fresh.filter((entry) => entry.status !== 201).map((entry) => entry.error ?? entry.raw), [], 'payments over new connections that failed');
        for (const [kind, seen] of Object.entries(result.kinds)) equal(seen.left, 0, `${kind}: left open`);
        judgeLatency(alone, added);
        await world.judge();
    },
    async one_address_cannot_take_all_places_of_the_usual_settings(world) {
        const { http_connection_per_address_max: unlimited, address_rate: any, ...usual } = settings;
        world.options.settings = usual;
        world.writeConfig();
        await world.stopGateway();
        await world.startGateway();
        const workers = world.workers().length;
        const attackers = await startAttackers(world, { head: 10000 * scale * workers, from: 2, steady: true, perSecond: 1500 });
        const fresh = await payOverNewConnections(world);
        await attackers.ready();
        const result = await attackers.result();
        const refused = Number(/turnpike_http_refused_total\{reason="address_limit"\} (\d+)/.exec((await world.call('GET', world.ops + '/metrics')).raw)?.[1] ?? 0);
        say(`${refused} of ${result.kinds.head.wanted} connections were refused for their address; ${fresh.length} payments from another one`);
        equal(fresh.filter((entry) => entry.status !== 201).map((entry) => entry.error ?? entry.raw), [], 'payments over new connections that failed');
        if (scale === 1) assert(refused > 0, 'nobody was refused');
        world.options.settings = settings;
        world.writeConfig();
        await world.stopGateway();
        await world.startGateway();
    },
});
