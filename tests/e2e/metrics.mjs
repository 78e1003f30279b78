// /metrics read by a real Prometheus (Debian's): what its query API answers must be what this client's log says.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, openSync, closeSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { suite, assert, equal, until, freePorts, top, World } from './lib.mjs';

const openmetrics = 'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
const scrape = (world, accept) => world.call('GET', `${world.ops}/metrics`, { headers: accept ? { accept } : {} });
const unwrap = (raw) => raw.split('\n').filter((line) => line && !line.startsWith('#'));

class Scraped extends World {
    async startPrometheus() {
        const port = await freePorts(1);
        const folder = this.at('prometheus');
        mkdirSync(folder);
        writeFileSync(path.join(folder, 'prometheus.yml'), `
global: {scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}
rule_files: [${path.join(top, 'config/observability/')}*.rules.yml]
scrape_configs:
  - job_name: turnpike
    scheme: https
    tls_config: {ca_file: ${this.at('tls/ca.pem')}}
    static_configs: [{targets: ["127.0.0.1:${this.port + 1}"]}]
`);
        this.prometheus = `http://127.0.0.1:${port}`;
        const log = openSync(this.at('log/prometheus.log'), 'a');
        this.scraper = spawn('prometheus', [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`,
            `--web.listen-address=127.0.0.1:${port}`], { stdio: ['ignore', log, log] });
        closeSync(log);
        this.scraper.ended = new Promise((done) => this.scraper.once('exit', done));
        await until(`Prometheus scrapes (see ${this.at('log/prometheus.log')})`, async () => await this.query('up{job="turnpike"}') === 1);
    }
    ask(pathname) {
        return new Promise((resolve, reject) => {
            http.get(this.prometheus + pathname, (answer) => {
                let text = '';
                answer.on('data', (chunk) => { text += chunk; });
                answer.on('end', () => { try { resolve(JSON.parse(text)); } catch (error) { reject(error); } });
            }).on('error', reject);
        });
    }
    // The one number that the expression is now; undefined: none.
    async query(expression) {
        const { data } = await this.ask(`/api/v1/query?query=${encodeURIComponent(expression)}`);
        assert(data.result.length <= 1, `${expression}: ${data.result.length} series`);
        return data.result.length === 0 ? undefined : Number(data.result[0].value[1]);
    }
    // Prometheus comes to say so: its next scrapes see what has been answered.
    async says(wanted) {
        for (const [expression, value] of Object.entries(wanted)) {
            let got;
            await until(`Prometheus says ${value} of ${expression}`, async () => (got = await this.query(expression)) === value, 10000)
                .catch((error) => { throw new Error(`${error.message}; it says ${got}`); });
        }
    }
    async endPrometheus() {
        if (!this.scraper) return;
        this.scraper.kill('SIGTERM');
        await this.scraper.ended;
        this.scraper = undefined;
    }
    async stop() {
        await this.endPrometheus();
        await super.stop();
    }
    abandon() {
        this.scraper?.kill('SIGKILL');
        super.abandon();
    }
}

await suite('metrics', { workers: 2, delayMs: 5, World: Scraped }, {
    async a_prometheus_counts_what_the_client_saw(world) {
        await world.startPrometheus();
        const only = (provider, token) => ({ ...world.payment({ method: { type: 'card', tokens: { [provider]: token } } }), providers: { only: [provider] } });
        for (let i = 0; i < 12; i++) await world.pay(only(i % 3 ? 'paypal' : 'payoneer', 'tok_ok'));
        for (let i = 0; i < 3; i++) await world.pay(only('paypal', 'tok_hard'));
        await world.pay(world.payment({ amount: -1 }));
        const first = world.log[0];
        const again = await world.pay(first.body, { key: first.key });
        equal(again.answer.id, first.answer.id, 'the same payment again');
        const moved = await world.failOver(() => world.payment({ method: { type: 'card', tokens: { paypal: 'tok_soft', payoneer: 'tok_ok' } } }));
        assert(moved.answer.status === 'succeeded', 'failed over');

        const answered = world.log.filter((e) => e.status === 201 && e !== again);
        const count = (field) => answered.reduce((sums, e) => ({ ...sums, [field(e)]: (sums[field(e)] ?? 0) + 1 }), {});
        const byStatus = count((e) => e.answer.status);
        assert(byStatus.succeeded >= 13 && byStatus.declined === 3, JSON.stringify(byStatus));
        const wanted = { 'turnpike_idempotency_replays_total': 1 };
        for (const [status, number] of Object.entries(byStatus)) wanted[`turnpike_payments_total{status="${status}",currency="EUR"}`] = number;
        const byCode = world.log.reduce((sums, e) => ({ ...sums, [e.status]: (sums[e.status] ?? 0) + 1 }), {});
        for (const [code, number] of Object.entries(byCode)) wanted[`sum(turnpike_http_requests_total{route="/v1/payments",method="POST",code="${code}"})`] = number;
        const attempts = answered.flatMap((e) => e.answer.attempts);
        for (const provider of ['paypal', 'payoneer']) {
            wanted[`sum(turnpike_attempts_total{provider="${provider}"})`] = attempts.filter((a) => a.provider === provider).length;
        }
        wanted['sum(turnpike_failovers_total)'] = answered.filter((e) => e.answer.attempts.length > 1).length;
        wanted['turnpike_http_request_duration_seconds_count{route="/v1/payments"}'] = world.log.length;
        wanted['turnpike_http_request_duration_seconds_bucket{route="/v1/payments",le="+Inf"}'] = world.log.length;
        wanted['turnpike_workers{state="serving"}'] = 2;
        await world.says(wanted);
    },
    async rules_and_dashboard_are_answered_from_what_was_scraped(world) {
        if (!world.scraper) await world.startPrometheus();
        for (let i = 0; i < 3; i++) equal((await world.pay()).status, 201, 'paid');
        const { groups } = (await world.ask('/api/v1/rules')).data;
        const rules = groups.flatMap((group) => group.rules);
        assert(rules.length > 30, `${rules.length} rules are loaded`);
        await until('payments per second are recorded', async () => await world.query('job:turnpike_payments:rate5m') > 0, 10000);
        const after = (await world.ask('/api/v1/rules')).data.groups.flatMap((group) => group.rules);
        equal(after.filter((rule) => rule.health !== 'ok').map((rule) => [rule.name, rule.lastError]), [], 'rules that cannot be evaluated');
        equal(after.filter((rule) => rule.state === 'firing').map((rule) => rule.name), [], 'alerts of a gateway that does well');
        for (const series of ['duplicates_reversed_total{result="failed"}', 'inbound_events_total{result="dead"}', 'canaries_stopped_total{reason="cost"}', 'worker_restarts_total{reason="exit"}', 'reloads_total{kind="upgrade",result="refused"}']) {
            equal(await world.query(`turnpike_${series}`), 0, `${series} is there before it grows`);
        }
        const board = JSON.parse(readFileSync(path.join(top, 'config/observability/turnpike-dashboard.json'), 'utf8'));
        const asked = board.panels.flatMap((panel) => panel.targets.map((target) => target.expr.replaceAll('$job', 'turnpike')));
        const silent = [];
        for (const expression of asked) {
            const { status, data, error } = await world.ask(`/api/v1/query?query=${encodeURIComponent(expression)}`);
            equal(status, 'success', `${expression}: ${error}`);
            if (data.result.length === 0) silent.push(expression);
        }
        // Only what has not happened yet, and what is measured once a minute, may have nothing to show.
        equal(silent.filter((e) => !/refused|failed|errors|failovers|process|reviews/.test(e)), [], 'panels without anything');
    },
    async process_metrics_are_the_sum_of_the_workers(world) {
        if (!world.scraper) await world.startPrometheus();
        const of = (pid, file) => readFileSync(`/proc/${pid}/${file}`, 'utf8');
        const spent = (pid) => { const [user, system] = of(pid, 'stat').split(') ')[1].split(' ').slice(11, 13).map(Number); return (user + system) / 100; };
        const workers = world.workers();
        equal(workers.length, 2, 'workers');
        const first = await world.query('process_cpu_seconds_total');
        const before = workers.reduce((sum, pid) => sum + spent(pid), 0);
        let said;
        // What was looked at after now is at least what was spent until now, and less than what is spent in the end.
        await until('the processor time is counted', async () => (said = await world.query('process_cpu_seconds_total')) > first && said >= before - 0.03, 25000);
        const after = workers.reduce((sum, pid) => sum + spent(pid), 0);
        assert(said <= after + 0.03, `${said} s of ${after} s`);
        const resident = workers.reduce((sum, pid) => sum + Number(of(pid, 'statm').split(' ')[1]) * 4096, 0);
        const shown = await world.query('process_resident_memory_bytes');
        assert(shown > resident / 2 && shown < resident * 1.5, `${shown} bytes of ${resident}`);
        const files = workers.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0);
        const open = await world.query('process_open_fds');
        assert(Math.abs(open - files) < 40 && open < await world.query('process_max_fds'), `${open} descriptors of ${files}`);
        const started = await world.query('process_start_time_seconds');
        assert(Math.abs(started - Date.now() / 1000) < 120, `started at ${started}`);
    },
    async both_formats_hold_the_same_and_promtool_finds_no_fault(world) {
        const text = await scrape(world, 'text/plain');
        equal(text.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8', 'text');
        equal((await scrape(world)).headers['content-type'], text.headers['content-type'], 'without a wish');
        equal((await scrape(world, 'image/png')).headers['content-type'], text.headers['content-type'], 'with a wish that nobody has');
        const open = await scrape(world, openmetrics);
        equal(open.headers['content-type'], 'application/openmetrics-text; version=1.0.0; charset=utf-8', 'as Prometheus asks');
        assert(open.raw.endsWith('\n# EOF\n') && !text.raw.includes('# EOF'), 'an end');
        const names = (raw) => unwrap(raw).map((line) => line.replace(/ \S+$/, ''));
        equal(names(open.raw), names(text.raw), 'series');
        for (const [, name] of open.raw.matchAll(/^# TYPE (\S+) counter$/gm)) assert(!name.endsWith('_total'), `family ${name}`);
        const lint = spawnSync('promtool', ['check', 'metrics'], { input: text.raw, encoding: 'utf8' });
        equal([lint.status, lint.stdout, lint.stderr], [0, '', ''], 'promtool check metrics');
        for (const secret of [world.merchant, world.liveMerchant, world.key, ...world.log.map((e) => e.answer?.id).filter(Boolean)]) {
            assert(!text.raw.includes(secret), `the page tells ${secret}`);
        }
    },
    async counts_outlive_a_worker_and_a_reload(world) {
        if (!world.scraper) await world.startPrometheus();
        equal((await world.pay()).status, 201, 'paid');
        const before = Number(world.psql('SELECT count(*) FROM payments'));
        await world.says({ 'sum(turnpike_payments_total)': before });
        process.kill(world.workers()[0], 'SIGKILL');
        await world.says({ 'turnpike_worker_restarts_total{reason="signal"}': 1, 'turnpike_workers{state="serving"}': 2 });
        equal((await world.pay()).status, 201, 'paid again');
        await world.says({ 'sum(turnpike_payments_total)': before + 1 });
        world.gateway.kill('SIGHUP');
        await world.says({ 'turnpike_reloads_total{kind="reload",result="done"}': 1, 'turnpike_workers{state="serving"}': 2 });
        equal((await world.pay()).status, 201, 'paid after the reload');
        await world.says({ 'sum(turnpike_payments_total)': before + 2 });
    },
    async prometheus_ends_by_its_pid(world) {
        if (!world.scraper) await world.startPrometheus();
        const { pid } = world.scraper;
        await world.endPrometheus();
        let gone = false;
        try { process.kill(pid, 0); } catch { gone = true; }
        assert(gone, `process ${pid} is gone`);
        assert(/See you next time!/.test(readFileSync(world.at('log/prometheus.log'), 'utf8')), 'it ended by itself');
    },
});
