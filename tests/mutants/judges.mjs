/*
 * judges.mjs - the programs that judge a mutant: unit tests that need no PostgreSQL, the simulator, the
 * router's proofs.
 *
 * Each is linked once as it is, which tells what it holds, and run once, which tells how long it takes; a
 * mutant's object is then linked in front of the same objects, so that the one in the archive is not taken.
 * A program gets six times the processor's seconds it needs by itself and a minute or more on the clock:
 * a mutant that loops is killed by the first, one that waits by the second, and a busy machine kills nobody.
 * Who outlives the quick ones is compiled with ASan, LSan and UBSan and meets the unit tests once more, as in
 * `make test`; then come the long ones.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';

const build = process.env.BUILD ?? 'build';
const folder = 'var/mutants';
const words = (name) => (process.env[name] ?? '').split(/\s+/).filter((w) => w !== '');

const compiler = process.env.MUTANTS_CC ?? 'gcc';
const compileFlags = words('MUTANTS_CFLAGS');
const linkFlags = [...words('MUTANTS_LINK'), '-fuse-ld=gold', '-Wl,-S']; // half the time of the other linker
const libraries = words('MUTANTS_LIBS');
const SANITIZE = '-fsanitize=address,undefined';

const NEEDS = { // as in the Makefile
    base: ['base'],
    ledger: ['ledger', 'base'],
    router: ['router', 'base'],
    providers: ['providers', 'base'],
    sandbox: ['sandbox', 'http', 'providers', 'base'],
    payment: ['payment', 'sandbox', 'http', 'ledger', 'router', 'providers', 'base'],
};
/* Tests of what is not mutated, or of what the outside world does to us. */
const NOT_ASKED = /^(base\/(?!money)|sandbox\/(?!adapters)|providers\/(certificate|engine|webhook_keys)|router\/health_processes|payment\/(hook_secret|vault|merchant|governor|rest|canary))/;
const POSTGRESQL = /ledger\/fixture\.h|payment\/world\.h|initdb/;
const CPU_S_MAX = 8; // slower ones judge nothing here

/* name, own objects, archives, arguments; `last`: asked only when nobody else has killed the mutant. */
const PROOFS = [
    { name: 'sim', objects: ['tests/sim/main'], archives: ['simulator'], args: ['--seed=1', '--payments=20000', '--orders=200', '--jobs=1', '--shrink=0'] },
    { name: 'sim-long', of: 'sim', args: ['--seed=2', '--payments=500000', '--jobs=1', '--shrink=0'], last: true },
    { name: 'router-differ', objects: ['tests/router/differ', 'tests/router/gen'], archives: ['router', 'base'], args: ['1', '30000'] },
    { name: 'router-differ-long', of: 'router-differ', args: ['2', '1000000'], last: true },
    { name: 'router-replay', objects: ['tests/router/replayed', 'tests/router/gen'], archives: NEEDS.payment, args: ['1', '2000'] },
    { name: 'router-brute', objects: ['tests/router/brute', 'tests/router/gen'], archives: ['router', 'base'], args: ['1', '100'] },
    { name: 'router-brute-long', of: 'router-brute', args: ['2', '1000'], last: true },
    { name: 'router-backtest', objects: ['tests/router/backtested', 'tests/router/gen'], archives: NEEDS.payment, args: ['1', '20', '40000'], last: true },
];

function run(command, args, options = {}) {
    return spawnSync(command, args, { encoding: 'latin1', maxBuffer: 1 << 26, ...options });
}

function demand(result, what) {
    if (result.status !== 0) throw new Error(`${what}\n${result.stderr}${result.stdout}`.slice(0, 3000));
    return result;
}

/* Whether a test's sources lead to PostgreSQL, followed through the headers beside it. */
function needsPostgresql(file, seen = new Set()) {
    if (seen.has(file) || !existsSync(file)) return false;
    seen.add(file);
    if (POSTGRESQL.test(file)) return true;
    const text = readFileSync(file, 'latin1');
    if (/"initdb|\/initdb/.test(text)) return true;
    return [...text.matchAll(/^#include "([^"]+)"/gm)].some(([, name]) =>
        needsPostgresql(`${dirname(file)}/${name}`, seen) || (name.startsWith('tests/') && needsPostgresql(name, seen)));
}

function unitPrograms() {
    return Object.keys(NEEDS).flatMap((module) => readdirSync(`tests/unit/${module}`)
        .filter((name) => /^test_.*\.c$/.test(name) && !needsPostgresql(`tests/unit/${module}/${name}`))
        .map((name) => name.slice(0, -2))
        .map((name) => ({ name: `${module}/${name.slice(5)}`, objects: [`tests/unit/${module}/${name}`], archives: NEEDS[module], args: [], unit: true }))
        .filter((p) => !NOT_ASKED.test(p.name)));
}

/* What make has to build before: objects of the tests, archives, what the simulator consists of. */
export function prerequisites() {
    const objects = [...unitPrograms(), ...PROOFS].flatMap((p) => p.objects ?? []);
    return [...new Set(objects)].map((o) => `${build}/obj/${o}.o`);
}

export class Judges {
    constructor(say) {
        mkdirSync(`${folder}/bin`, { recursive: true });
        this.object = `${folder}/mutant.${process.pid}.o`;
        this.binary = `${folder}/mutant.${process.pid}`;
        this.soundSanitized = new Map(); // file and program -> whether the file as it is passes with sanitizers
        this.kills = new Map(); // file -> name -> count
        this.makeSimulator();
        this.programs = [...unitPrograms(), ...PROOFS];
        this.say = say;
        this.measure(say);
    }

    makeSimulator() {
        const objects = words('MUTANTS_SIM').map((o) => (o.endsWith('tests/sim/main.o') ? null : o)).filter((o) => o !== null);
        const archive = `${folder}/libsimulator.${process.pid}.a`; // several parts may begin at once
        demand(run('ar', ['rcs', archive, ...objects]), 'no archive of the simulator');
        run('mv', [archive, `${folder}/libsimulator.a`]);
    }

    archivePath(name) { return name === 'simulator' ? `${folder}/libsimulator.a` : `${build}/lib${name}.a`; }

    link(program, out, extra) {
        const own = program.of ? PROOFS.find((p) => p.name === program.of) : program;
        return run(compiler, [...linkFlags, '-o', out, ...extra, ...own.objects.map((o) => `${build}/obj/${o}.o`), '-Wl,--start-group',
            ...own.archives.map((a) => this.archivePath(a)), '-Wl,--end-group', ...libraries, '-lpthread', ...(own.unit ? ['-lcmocka'] : [])]);
    }

    /* Runs a binary; null when it is content, else what it says. */
    execute(program, binary, sanitized) {
        const cpu_s = Math.max(1, Math.ceil(6 * program.cpu_s)) * (sanitized ? 4 : 1);
        const wall_s = 60 + 20 * cpu_s;
        const shell = 'ulimit -c 0 -t "$1" -f 200000; [ "$2" = san ] || ulimit -v 8000000; wall=$3; shift 3; exec timeout -k 2 "$wall" "$@"';
        const result = run('bash', ['-c', shell, 'bash', String(cpu_s), sanitized ? 'san' : '-', String(wall_s), binary, ...program.args],
            { env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=1' } });
        if (result.status === 0) return null;
        const out = `${result.stdout}\n${result.stderr}`;
        if (result.status === 124 || [137, 152].includes(result.status) || ['SIGKILL', 'SIGXCPU'].includes(result.signal)) return 'time-out';
        const sanitizer = /((?:Address|Leak)Sanitizer: \S+|runtime error: .*)/.exec(out)?.[1];
        const failed = [...out.matchAll(/\[  FAILED  \] ([a-z_0-9]+)\s*$/gm)].map((m) => m[1]).at(-1);
        const violation = /sim: (violation after \d+ payments: \S+|mark \S+ was not hit)/.exec(out)?.[1];
        const check = /^(.*(?:CHECK|check failed|not true).*)$/m.exec(out)?.[1];
        return (sanitizer ?? failed ?? violation ?? check ?? (out.trim().split('\n').at(-1) || `status ${result.status ?? result.signal}`)).replace(/\s+/g, ' ').slice(0, 100);
    }

    measure(say) {
        const cache = `${folder}/judges.json`;
        const known = existsSync(cache) ? JSON.parse(readFileSync(cache, 'utf8')) : {};
        const stamp = (path) => `${basename(path)} ${statSync(path).mtimeMs}`;
        for (const p of this.programs) {
            const own = p.of ? PROOFS.find((q) => q.name === p.of) : p;
            const state = [...own.objects.map((o) => stamp(`${build}/obj/${o}.o`)), ...own.archives.filter((a) => a !== 'simulator')
                .map((a) => stamp(this.archivePath(a))), ...(p.args ?? [])].join(' ');
            if (known[p.name]?.state === state) { Object.assign(p, known[p.name]); continue; }
            const binary = `${folder}/bin/${p.name.replace('/', '-')}`;
            const linked = demand(this.link(p, binary, ['-Wl,--trace,--trace']), `${p.name} does not link`);
            const holds = [...`${linked.stdout}\n${linked.stderr}`.matchAll(/lib(\w+)\.a\)?\(?(\w+)\.o/g)].map((m) => `${m[1]}/${m[2]}`);
            const entry = { state, holds, ...(p.last ? {} : this.weigh(p, binary, say)) };
            known[p.name] = entry;
            Object.assign(p, entry);
            run('rm', ['-f', binary]);
            writeFileSync(cache, JSON.stringify(known));
        }
    }

    /* What a program takes by itself, and whether it is content with the code as it is. */
    weigh(program, binary, say) {
        const plain = run('bash', ['-c', 'TIMEFORMAT="cpu %U %S"; time "$@"', 'bash', binary, ...program.args], { timeout: 900000 });
        const [, user, system] = /cpu ([\d.]+) ([\d.]+)\s*$/.exec(plain.stderr) ?? [0, '600', '0'];
        if (plain.status !== 0) say(`judge ${program.name} fails without a mutant and is not asked`);
        return { cpu_s: Number(user) + Number(system), is_sound: plain.status === 0 };
    }

    /* The long ones are weighed when they are asked for the first time. */
    weighLate(program) {
        if (program.is_sound !== undefined) return;
        demand(this.link(program, this.binary, []), `${program.name} does not link`);
        Object.assign(program, this.weigh(program, this.binary, this.say));
    }

    /* Programs that hold the file, the most promising first. */
    of(file) {
        const module = { gateway: basename(dirname(file)), router: 'router', providers: 'providers' }[file.split('/')[0]];
        const member = basename(file, '.c');
        const kills = this.kills.get(file) ?? new Map();
        const mirrors = (p) => p.unit && member.startsWith(p.name.split('/')[1]) ? 1 : 0;
        const promise = (p) => ((kills.get(p.name) ?? 0) + 0.3 + 3 * mirrors(p)) / ((p.cpu_s ?? 10) + 0.3);
        return this.programs.filter((p) => p.is_sound !== false && (p.last || p.cpu_s < CPU_S_MAX) &&
            (p.holds.includes(`${module}/${member}`) || p.holds.includes(`simulator/${member}`)))
            .sort((a, b) => (a.last ? 1 : 0) - (b.last ? 1 : 0) || promise(b) - promise(a));
    }

    /* Octets of the object that a text compiles to, or null. */
    compile(file, text, sanitized = false) {
        const input = `# 1 "${file}"\n${text}`;
        const flags = sanitized ? [...compileFlags.filter((f) => !/^-(O2|D_FORTIFY_SOURCE.*)$/.test(f)), '-O1', '-fno-omit-frame-pointer', SANITIZE, '-fno-sanitize-recover=all'] : compileFlags;
        const result = run(compiler, [...flags, '-w', '-g0', '-iquote', dirname(file), '-x', 'c', '-c', '-o', this.object, '-'],
            { input: Buffer.from(input, 'latin1') });
        return result.status === 0 ? readFileSync(this.object) : null;
    }

    /* What a program says of the object in this.object; null when it is content. */
    ask(program, sanitized) {
        const linked = this.link(program, this.binary, sanitized ? [SANITIZE, this.object] : [this.object]);
        if (linked.status !== 0) throw new Error(`${program.name} does not link with a mutant: ${linked.stderr}`);
        return this.execute(program, this.binary, sanitized);
    }

    /* Who kills the mutant: {name, why}, or null. With `tell` everybody is asked and told of. */
    judge(file, texts, tell) {
        const programs = this.of(file);
        const quick = programs.filter((p) => !p.last);
        let killed = this.askAll(file, quick, false, tell);
        if ((killed !== null && !tell) || process.env.QUICK) return killed;
        if (this.compile(file, texts.mutated, true) !== null) {
            const found = this.askAll(file, quick.filter((p) => p.unit), true, tell);
            if (found !== null) killed ??= this.confirm(file, texts, found);
        }
        if (killed !== null && !tell) return killed;
        this.compile(file, texts.mutated);
        return killed ?? this.askAll(file, programs.filter((p) => p.last), false, tell);
    }

    askAll(file, programs, sanitized, tell) {
        let killed = null;
        for (const p of programs) {
            this.weighLate(p);
            if (!p.is_sound) continue;
            const why = this.ask(p, sanitized);
            if (tell) tell(sanitized ? `${p.name} (sanitized)` : p.name, why);
            if (why === null) continue;
            if (!sanitized) this.learn(file, p.name);
            killed ??= { name: p.name, why, program: p };
            if (!tell) break;
        }
        return killed;
    }

    /* What sanitizers find in the file as it is, is no mutant's. */
    confirm(file, texts, found) {
        const key = `${file} ${found.name}`;
        if (!this.soundSanitized.has(key)) {
            this.compile(file, texts.plain, true);
            this.soundSanitized.set(key, this.ask(found.program, true) === null);
        }
        return this.soundSanitized.get(key) ? found : null;
    }

    learn(file, name) {
        const kills = this.kills.get(file) ?? new Map();
        kills.set(name, (kills.get(name) ?? 0) + 1);
        this.kills.set(file, kills);
    }

    release() { run('rm', ['-f', this.object, this.binary]); }
}

export const flags = compileFlags.filter((f, i, all) => /^(-I|-D|-std)/.test(f) || f === '-isystem' || all[i - 1] === '-isystem');
