/*
 * mutants.mjs - change one thing in the core, and some test must go red.
 *
 *     make mutants [COUNT=500 SEED=1 PART=i/n LIMIT=seconds FILES=text] [ONLY=id] [AGAIN=survived] [LIST=1]
 *                  [QUICK=1: sanitizers and long judges are left to a later AGAIN=survived]
 *
 * Mutants are drawn by a seed from all that the operators make (candidates.mjs), file by file by the weight
 * of its code. One that does not compile, compiles to the object of the file as it is, or to that of another
 * mutant, is counted apart. The others are judged (judges.mjs). Results stand in var/mutants/results.tsv, so
 * that a campaign goes on where it was stopped; who survived and why that is right, in equivalent.txt.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { candidates } from './candidates.mjs';
import { Judges, flags, prerequisites } from './judges.mjs';

/* What is mutated: a pattern below a folder, and how much a line of it weighs. */
const SCOPE = [
    ['gateway/payment', /^(orchestrate(_\w+)?|attempt|plan|ruling|status)\.c$/, 2],
    ['gateway/ledger', /^posting\.c$/, 3],
    ['gateway/base', /^money\.c$/, 2],
    ['router', /^(run|select|index|cost|cost_scope|cost_table|exact|rates|decision|share|outcomes|window|volume|facts|measure|router)\.c$/, 1],
    ['providers', /^(adapter|provider|decline|paypal_codes|paypal_payouts_codes|\w+_judge)\.c$/, 1],
];
const TABLE_SHARE = 0.15; // of a file's mutants, at most, for what stands in tables
const KILLED_PERCENT_MIN = 98;

const env = (name, otherwise) => (process.env[name] ? process.env[name] : otherwise);
const hash = (...parts) => createHash('sha256').update(parts.join('\0')).digest('hex');
const squeeze = (text) => text.replace(/\s+/g, ' ').trim().slice(0, 90);

// ---- choosing -----------------------------------------------------------------------------------

function sources() {
    return SCOPE.flatMap(([folder, pattern, weight]) =>
        readdirSync(folder).filter((name) => pattern.test(name)).sort().map((name) => ({ file: `${folder}/${name}`, weight })));
}

/* Candidates of a file, kept as long as it and the operators are the same; headers only name enums. */
function candidatesOf(file, text) {
    const kept = `var/mutants/candidates/${hash(file, text, readFileSync('tests/mutants/candidates.mjs', 'utf8')).slice(0, 20)}.json`;
    if (existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8'));
    const found = candidates(file, flags);
    writeFileSync(`${kept}.${process.pid}`, JSON.stringify(found));
    renameSync(`${kept}.${process.pid}`, kept);
    return found;
}

/* A name that outlives lines above it being added: operator, function, the line and the place within it. */
function nameOf(mutant, text) {
    const from = text.lastIndexOf('\n', mutant.begin - 1) + 1;
    const to = text.indexOf('\n', mutant.begin);
    const line = text.slice(from, to);
    return `${mutant.file} ${mutant.function} ${mutant.operator}@${mutant.column - 1 - line.search(/\S/)}: ${line.trim()}`;
}

function choose(seed, count) {
    const files = sources().map(({ file, weight }) => {
        const text = readFileSync(file, 'latin1');
        const drawn = candidatesOf(file, text).map((m) => ({ ...m, name: nameOf(m, text), draw: hash(seed, m.id) }))
            .sort((a, b) => (a.draw < b.draw ? -1 : 1));
        const code = drawn.filter((m) => m.function !== '(table)');
        const tables = drawn.filter((m) => m.function === '(table)').slice(0, Math.ceil(Math.max(code.length, 60) * TABLE_SHARE));
        const mixed = [...code, ...tables].sort((a, b) => (a.draw < b.draw ? -1 : 1));
        return { mixed, share: mixed.length * weight, all: drawn };
    });
    const total = files.reduce((sum, f) => sum + f.share, 0);
    const queue = files.flatMap((f) => f.mixed.map((m, i) => ({ ...m, turn: (i + 0.5) * total / f.share })));
    queue.sort((a, b) => a.turn - b.turn || (a.draw < b.draw ? -1 : 1));
    return { chosen: queue.slice(0, count), all: files.flatMap((f) => f.all) };
}

// ---- results ------------------------------------------------------------------------------------

const RESULTS = 'var/mutants/results.tsv';
const COLUMNS = ['id', 'name', 'before', 'after', 'verdict', 'by', 'ms', 'object'];

function readResults() {
    const results = new Map();
    if (!existsSync(RESULTS)) return results;
    for (const line of readFileSync(RESULTS, 'latin1').split('\n').filter((l) => l !== '')) {
        const row = Object.fromEntries(line.split('\t').map((value, i) => [COLUMNS[i], value]));
        results.set(row.id, row);
    }
    return results;
}

function note(results, mutant, verdict, by, ms, object) {
    const row = { id: mutant.id, name: squeeze(mutant.name), before: squeeze(mutant.before), after: squeeze(mutant.after), verdict, by, ms: String(ms), object };
    results.set(row.id, row);
    appendFileSync(RESULTS, `${COLUMNS.map((c) => row[c]).join('\t')}\n`, 'latin1');
    return row;
}

/* equivalent.txt: a mutant's name in a line that begins at the margin, its reason in the indented ones after it. */
function readArgued() {
    const argued = new Map();
    let name = null;
    for (const line of readFileSync('tests/mutants/equivalent.txt', 'latin1').split('\n')) {
        if (line.startsWith('#') || line.trim() === '') continue;
        if (!/^\s/.test(line)) argued.set(name = line.trim(), '');
        else argued.set(name, `${argued.get(name)} ${line.trim()}`.trim());
    }
    return argued;
}

// ---- judging ------------------------------------------------------------------------------------

class Campaign {
    constructor(judges, results) {
        this.judges = judges;
        this.results = results;
        this.objects = new Map(); // hash of an object -> id of the mutant that has it
        this.plain = new Map();   // file -> {text, object}
        for (const r of results.values()) if (/^(killed|survived)$/.test(r.verdict)) this.objects.set(r.object, r.id);
    }

    original(file) {
        if (!this.plain.has(file)) {
            const text = readFileSync(file, 'latin1');
            const object = this.judges.compile(file, text);
            if (object === null) throw new Error(`${file} does not compile as it is`);
            this.plain.set(file, { text, object: hash(object.toString('latin1')) });
        }
        return this.plain.get(file);
    }

    judge(mutant, tell) {
        const from = Date.now();
        const { text, object: plain } = this.original(mutant.file);
        const mutated = text.slice(0, mutant.begin) + mutant.after + text.slice(mutant.end);
        const compiled = this.judges.compile(mutant.file, mutated);
        const object = compiled === null ? '-' : hash(compiled.toString('latin1'));
        const twin = this.objects.get(object);
        const done = (verdict, by) => note(this.results, mutant, verdict, by, Date.now() - from, object);
        if (compiled === null) return done('broken', '-');
        if (object === plain) return done('equivalent', '-');
        if (twin !== undefined && twin !== mutant.id) return done('same', twin);
        this.objects.set(object, mutant.id);
        const killer = this.judges.judge(mutant.file, { plain: text, mutated }, tell);
        return done(killer === null ? 'survived' : 'killed', killer === null ? '-' : `${killer.name}: ${killer.why}`);
    }
}

function show(mutant, row) {
    const argued = readArgued().get(mutant.name);
    console.log(`${row.verdict === 'survived' ? 'SURVIVED' : row.verdict} ${mutant.id} in ${mutant.function}: ${squeeze(mutant.before)}  ->  ${squeeze(mutant.after) || '(nothing)'}` +
        (row.verdict === 'survived' ? `\n    ${mutant.name}\n    ${argued ? `argued: ${argued}` : `run it alone: make mutants ONLY=${mutant.id}`}` : `  [${row.by}, ${row.ms} ms]`));
}

function summary(chosen, results) {
    const argued = readArgued();
    const rows = chosen.map((m) => [m, results.get(m.id)]).filter(([m, r]) => r !== undefined && r.name === squeeze(m.name));
    const first = new Map(); // of two with one object, judged by two processes, the first counts
    for (const [, r] of rows) if (/^(killed|survived)$/.test(r.verdict) && !first.has(r.object)) first.set(r.object, r.id);
    const verdictOf = (r) => (/^(killed|survived)$/.test(r.verdict) && first.get(r.object) !== r.id ? 'same' : r.verdict);
    const having = (verdict) => rows.filter(([, r]) => verdictOf(r) === verdict);
    const killed = having('killed').length;
    const survivors = having('survived');
    const open = survivors.filter(([m]) => !argued.has(m.name));
    const judged = killed + survivors.length;
    const percent = (of) => (of === 0 ? '-' : (100 * killed / of).toFixed(1));
    for (const [m, r] of survivors) show(m, r);
    console.log(`mutants: ${judged} mutants, ${killed} killed (${percent(judged)} %; ${percent(killed + open.length)} % of those not argued equivalent), ` +
        `${survivors.length} survived (${survivors.length - open.length} argued equivalent, ${open.length} open); besides ${having('equivalent').length} equivalent by object code, ` +
        `${having('same').length} same as another, ${having('broken').length} do not compile; ${chosen.length - rows.length} of ${chosen.length} to do`);
    return open.length === 0 && 100 * killed >= KILLED_PERCENT_MIN * judged;
}

// ---- main ---------------------------------------------------------------------------------------

function only(id, all, judges, results) {
    const mutant = all.find((m) => m.id === id);
    if (!mutant) throw new Error(`no mutant ${id}; LIST=1 prints what is chosen`);
    const { begin, before, after } = mutant;
    console.log(`${mutant.name}\n  ${before}\n  becomes\n  ${after || '(nothing)'}   (octet ${begin})`);
    const row = new Campaign(judges, results).judge(mutant, (name, why) => console.log(`  ${why === null ? 'content' : 'RED    '} ${name}${why === null ? '' : `: ${why}`}`));
    show(mutant, row);
    return row.verdict !== 'survived';
}

function main() {
    if (process.argv[2] === 'prerequisites') { console.log(prerequisites().join(' ')); return true; }
    mkdirSync('var/mutants/candidates', { recursive: true });
    const { chosen: drawn, all } = choose(env('SEED', '1'), Number(env('COUNT', '500')));
    const [part, parts] = env('PART', '1/1').split('/').map(Number);
    const chosen = drawn.filter((m, i) => i % parts === part - 1 && m.file.includes(env('FILES', '')));
    if (env('LIST', '') !== '') {
        for (const m of chosen) console.log(`${m.id}\t${m.function}\t${squeeze(m.before)}\t${squeeze(m.after)}`);
        console.log(`mutants: ${chosen.length} chosen of ${all.length}`);
        return true;
    }
    const results = readResults();
    const judges = new Judges((text) => console.log(`mutants: ${text}`));
    for (const r of results.values())
        if (r.verdict === 'killed') judges.learn(r.id.split(':')[0], r.by.split(':')[0]);
    if (env('ONLY', '') !== '') return only(env('ONLY'), all, judges, results);
    const campaign = new Campaign(judges, results);
    const until = Date.now() + 1000 * Number(env('LIMIT', '1e9'));
    const again = env('AGAIN', '');
    for (const mutant of chosen) {
        const row = results.get(mutant.id);
        const isJudged = row !== undefined && row.name === squeeze(mutant.name);
        if (again === '' ? isJudged : !isJudged || row.verdict !== again) continue;
        if (Date.now() > until) break;
        show(mutant, campaign.judge(mutant, null));
    }
    judges.release();
    return summary(chosen, results);
}

process.exitCode = main() ? 0 : 1;
