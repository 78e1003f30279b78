// Routing: the rule sets of a merchant (edit, check while typing, compare, publish, roll back), explain, the picture of where
// traffic flows, and backtests.
import { h, put, facts, table, section, badge, ask, problemNote, inputOf } from '../lib/dom.js';
import { get, post } from '../lib/api.js';
import { whose, merchant } from '../lib/session.js';
import { money, minorOf, when, percent, providerName } from '../lib/format.js';

const START = 'otherwise { by cost }\n';
const CHECK_MS = 400;

// ---- what is in force --------------------------------------------------------------------------

const versionOf = (value) => value?.version ?? value;

function inForce(rules, again) {
    const move = (title, path, text, body = {}) => h('button', { onclick: async () => {
        if (await ask({ title, text, action: title, fields: [{ name: 'reason', label: 'Reason', required: true }] }, ({ reason }) => post(path, { ...body, reason }, whose()))) again();
    } }, title);
    return h('div', { class: 'card' }, h('h2', null, 'In force'), facts([
        ['Live', rules.live ? `version ${versionOf(rules.live)}` : 'the house\u2019s rule set'],
        ['Canary', rules.canary && `version ${versionOf(rules.canary)}${rules.canary.percent ? `, ${rules.canary.percent} % of the payments` : ''}`],
        ['Shadow', rules.shadow && `version ${versionOf(rules.shadow)}`], ['Proposed', rules.proposal && `version ${versionOf(rules.proposal)}, waits for another key`],
    ]), h('div', { class: 'buttons' },
        rules.live && move('Roll back', '/v1/rules/rollback', 'Puts the version before into force again, at once.'),
        rules.canary && move('Stop the canary', '/v1/rules/stop', 'The live set decides for all again.', { mode: 'canary' }),
        rules.shadow && move('Stop the shadow', '/v1/rules/stop', 'Nothing is recorded of it any more.', { mode: 'shadow' }),
        rules.proposal && move('Approve', `/v1/rules/${versionOf(rules.proposal)}/approve`, 'Says yes to what another key proposed.')));
}

// ---- editor ------------------------------------------------------------------------------------

function findingsOf(check, editor) {
    if (!check) return null;
    if (check.findings.length === 0) return h('p', null, badge('ok'), ' nothing to complain about');
    const jump = (f) => () => {
        const lines = editor.value.split('\n');
        const at = lines.slice(0, f.line - 1).reduce((sum, line) => sum + line.length + 1, 0) + f.column - 1;
        editor.focus();
        editor.setSelectionRange(at, Math.max(at + 1, at + (f.end_line === f.line ? f.end_column - f.column : 1)));
    };
    return h('ul', { class: 'findings' }, check.findings.map((f) => h('li', null, badge(f.severity === 'error' ? 'invalid' : 'minor'), ' ',
        h('button', { onclick: jump(f) }, `line ${f.line}, column ${f.column}`), ` ${f.text}. `, h('span', { class: 'quiet' }, f.remedy))));
}

function editorOf(text, rules, again, aside) {
    const status = h('div', { role: 'status', 'aria-live': 'polite', id: 'findings' });
    const editor = h('textarea', { id: 'rules-text', class: 'mono', rows: Math.min(28, Math.max(10, text.split('\n').length + 2)), spellcheck: 'false', value: text });
    const publish = h('button', { class: 'primary', disabled: true }, 'Keep and publish\u2026');
    let timer = null;
    let turn = 0;
    const check = async () => {
        const mine = ++turn;
        try {
            const found = await post('/v1/rules/check', { text: editor.value }, whose());
            if (mine !== turn) return;
            put(status, findingsOf(found, editor));
            publish.disabled = !found.valid;
        } catch (error) {
            if (mine !== turn) return;
            publish.disabled = true;
            put(status, problemNote(error));
        }
    };
    editor.addEventListener('input', () => { publish.disabled = true; clearTimeout(timer); timer = setTimeout(check, CHECK_MS); });
    publish.addEventListener('click', async () => {
        let kept = null; // a version that was kept and could not be published is published at the next press
        const done = await ask({
            title: 'Publish this rule set', text: 'It is kept as a version first. A canary decides for a part of the payments and ends by itself when it does worse; a shadow decides nothing and is recorded.', action: 'Publish',
            fields: [{ name: 'mode', label: 'As', options: [['live', 'live: it decides'], ['canary', 'canary: for a part of the payments'], ['shadow', 'shadow: recorded only']] },
                { name: 'percent', label: 'Percent of the payments (canary)', placeholder: '5' }, { name: 'comment', label: 'What changed' }, { name: 'reason', label: 'Reason', required: true }],
        }, async ({ mode, percent: share, comment, reason }) => {
            kept ??= await post('/v1/rules', { text: editor.value, ...(comment ? { comment } : {}) }, whose());
            return post(`/v1/rules/${kept.version}/publish`, { mode, reason, ...(mode === 'canary' ? { percent: share || '5' } : {}) }, whose());
        });
        if (done) again();
    });
    const diff = h('button', { onclick: async () => showText(aside, 'What the text above has instead of what is live', lineDiff(rules.liveText ?? '', editor.value)) }, 'Compare with live');
    check();
    return { editor, node: h('div', null, h('label', { for: 'rules-text', class: 'hidden' }, 'Rule set'), editor, h('div', { class: 'buttons' }, publish, diff), status), end: () => { clearTimeout(timer); turn++; } };
}

// Lines that were added and removed, by the longest common sequence; texts beyond 2,000 lines are compared by the gateway.
function lineDiff(before, after) {
    const a = before.split('\n'), b = after.split('\n');
    if (a.length * b.length > 4e6) return ['the texts are too long to be compared here: keep the version and compare versions below'];
    const len = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
    for (let i = a.length - 1; i >= 0; i--) for (let j = b.length - 1; j >= 0; j--) len[i][j] = a[i] === b[j] ? len[i + 1][j + 1] + 1 : Math.max(len[i + 1][j], len[i][j + 1]);
    const out = [];
    for (let i = 0, j = 0; i < a.length || j < b.length;) {
        if (i < a.length && j < b.length && a[i] === b[j]) { out.push(` ${a[i++]}`); j++; } else if (j < b.length && (i === a.length || len[i][j + 1] >= len[i + 1][j])) out.push(`+${b[j++]}`);
        else out.push(`-${a[i++]}`);
    }
    return out;
}

const showText = (place, title, lines) => put(place, h('h3', null, title), h('div', { class: 'diff mono', tabindex: '0', role: 'region', 'aria-label': title }, lines.map((line) => h('div', { class: line.startsWith('+') ? 'plus' : line.startsWith('-') ? 'minus' : null }, line || ' '))));

// ---- explain -----------------------------------------------------------------------------------

function explainOf(providers) {
    const result = h('div', { id: 'explained', 'aria-live': 'polite' });
    const inputs = [
        { name: 'amount', label: 'Amount', value: '10.99', required: true }, { name: 'currency', label: 'Currency', value: 'EUR', required: true },
        { name: 'method', label: 'Method', options: [['card', 'card'], ['wallet', 'wallet']] }, { name: 'country', label: 'Customer\u2019s country', placeholder: 'DE' },
        { name: 'metadata', label: 'Metadata', placeholder: 'tier=gold, cart=77' }, { name: 'version', label: 'By version', placeholder: 'live' },
    ].map(inputOf);
    const form = h('form', { class: 'filters', onsubmit: async (event) => {
        event.preventDefault();
        const value = Object.fromEntries(inputs.map((i) => [i.name, i.read()]));
        try {
            const currency = value.currency.toUpperCase();
            const payment = { amount: minorOf(value.amount, currency), currency, method: { type: value.method, tokens: Object.fromEntries(providers.filter((p) => !p.endsWith('_payouts')).map((p) => [p, 'tok_any'])) } };
            if (value.country) payment.customer = { country: value.country.toUpperCase() };
            if (value.metadata) payment.metadata = Object.fromEntries(value.metadata.split(',').map((pair) => pair.split('=').map((part) => part.trim())).filter(([k, v]) => k && v !== undefined));
            put(result, explained(await post('/v1/routing/explain', { payment, ...(value.version ? { version: Number(value.version) } : {}) }, whose()), currency));
        } catch (error) { put(result, problemNote(error)); }
    } }, inputs.map((i) => i.row), h('div', { class: 'buttons' }, h('button', { type: 'submit', class: 'primary' }, 'Explain')));
    return section('Explain', h('p', { class: 'quiet' }, 'What would be done with a payment, and why. Nothing is done.'), form, result);
}

function explained(e, currency) {
    return [
        h('p', null, h('strong', null, e.provider ? `${providerName(e.provider)} (${e.account}) would be asked first.` : `Nobody would be asked: ${e.problem?.detail ?? ''}`)),
        table('Rules that were looked at', [
            { title: 'Rule', cell: (r) => r.rule }, { title: 'Line', number: true, cell: (r) => String(r.line) }, { title: 'Matched', cell: (r) => badge(r.matched ? 'yes' : 'no') },
            { title: 'Conditions', cell: (r) => r.conditions.map((c) => h('div', null, badge(c.holds ? 'yes' : 'no'), ' ', h('code', null, c.condition), c.saw !== undefined && h('span', { class: 'quiet' }, ` saw ${c.saw === null ? 'nothing' : c.saw}`))) },
            { title: 'Does', cell: (r) => (r.does ? h('code', null, r.does) : '') },
        ], e.rules),
        e.decision && table('Candidates', [
            { title: 'Provider', cell: (c) => `${providerName(c.provider)} (${c.account})` }, { title: 'Kept', cell: (c) => badge(c.kept ? 'kept' : 'dropped') }, { title: 'Why not', cell: (c) => c.why ?? c.reason ?? '' },
            { title: 'Expected fee', number: true, cell: (c) => (c.expected_fee === undefined ? '' : money(c.expected_fee, currency)) }, { title: 'Success', number: true, cell: (c) => (c.health ? percent(c.health.success_per_million / 1e6) : '') },
        ], e.decision.candidates ?? []),
        e.refusals?.length > 0 && table('What adapters cannot express', [{ title: 'Provider', cell: (r) => providerName(r.provider) }, { title: 'Detail', cell: (r) => r.detail }], e.refusals),
    ];
}

// ---- where traffic flows -----------------------------------------------------------------------

const SVG = 'http://www.w3.org/2000/svg';
function s(tag, props, ...children) {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(props)) made.setAttribute(name, value);
    made.append(...children);
    return made;
}

// From rules (left) to accounts (right), as wide as the share of the newest payments that went there.
async function flow(place) {
    const list = await get('/v1/payments', { limit: 100, ...whose() });
    const flows = new Map();
    for (const p of list.data) {
        const rule = p.decision?.rule ?? 'not recorded';
        const final = p.provider ?? 'nobody';
        const first = p.attempts?.[0]?.provider ?? final;
        const why = first === final ? 'first choice' : 'failover';
        const key = JSON.stringify([rule, final]);
        const found = flows.get(key) ?? { rule, final, count: 0, failover: 0 };
        found.count++;
        found.failover += why === 'failover';
        flows.set(key, found);
    }
    const all = [...flows.values()].sort((a, b) => b.count - a.count);
    if (all.length === 0) { put(place, h('p', { class: 'quiet empty' }, 'No payments yet.')); return; }
    const total = list.data.length;
    const height = 220, top = 10, gap = 12;
    const sides = (name) => {
        const sums = new Map();
        for (const f of all) sums.set(f[name], (sums.get(f[name]) ?? 0) + f.count);
        const scale = (height - gap * (sums.size - 1)) / total;
        let y = top;
        return new Map([...sums].map(([key, count]) => { const at = { y, h: count * scale, used: 0, count, scale }; y += at.h + gap; return [key, at]; }));
    };
    const left = sides('rule'), right = sides('final');
    const svg = s('svg', { viewBox: `0 0 720 ${height + 2 * top}`, role: 'img', 'aria-label': `Of the newest ${total} payments: ${all.map((f) => `${f.count} by ${f.rule} to ${f.final}`).join(', ')}` });
    all.forEach((f, i) => {
        const a = left.get(f.rule), b = right.get(f.final);
        const ha = f.count * a.scale, hb = f.count * b.scale;
        const [ya, yb] = [a.y + a.used, b.y + b.used];
        a.used += ha; b.used += hb;
        svg.append(s('path', { d: `M190 ${ya} C 360 ${ya}, 360 ${yb}, 530 ${yb} L 530 ${yb + hb} C 360 ${yb + hb}, 360 ${ya + ha}, 190 ${ya + ha} Z`, class: `flow series-${i % 4 + 1}` },
            s('title', {}, document.createTextNode(`${f.rule} to ${providerName(f.final)}: ${f.count} (${f.failover} after a failover)`))));
    });
    for (const [side, x, anchor, dx] of [[left, 184, 'end', 0], [right, 536, 'start', 0]]) {
        for (const [name, at] of side) svg.append(s('text', { x: x + dx, y: at.y + at.h / 2 + 4, 'text-anchor': anchor }, document.createTextNode(`${side === right ? providerName(name) : name} \u00b7 ${percent(at.count / total, 0)}`)));
    }
    put(place, h('figure', { class: 'card flows' }, svg, h('figcaption', { class: 'quiet' }, `The newest ${total} payments: the rule that decided, and where they ended.`)),
        table('Where traffic went, and why', [{ title: 'Rule', cell: (f) => f.rule }, { title: 'Provider', cell: (f) => providerName(f.final) }, { title: 'Payments', number: true, cell: (f) => String(f.count) },
            { title: 'After a failover', number: true, cell: (f) => String(f.failover) }], all));
}

// ---- backtest ----------------------------------------------------------------------------------

function backtestOf(rules, go) {
    const place = h('div', { 'aria-live': 'polite' });
    const inputs = [{ name: 'version', label: 'Version', options: rules.versions.map((v) => [String(v.version), `${v.version}: ${v.comment || when(v.created)}`]) },
        { name: 'since', label: 'Since (UTC)', value: new Date(Date.now() - 7 * 86400e3).toISOString().slice(0, 10), required: true }].map(inputOf);
    let over = false;
    const form = h('form', { class: 'filters', onsubmit: async (event) => {
        event.preventDefault();
        try {
            const made = await post(`/v1/rules/${inputs[0].read()}/backtest`, { since: inputs[1].read() }, whose());
            watch(made.id);
        } catch (error) { put(place, problemNote(error)); }
    } }, inputs.map((i) => i.row), h('div', { class: 'buttons' }, h('button', { type: 'submit' }, 'Decide the past anew')));
    const watch = async (id) => {
        while (!over) {
            let test;
            try { test = await get(`/v1/backtests/${id}`, whose()); } catch (error) { put(place, problemNote(error)); return; }
            put(place, h('p', null, badge(test.status), ` version ${test.version}, ${when(test.since)} to ${when(test.until)}`, test.reason && `: ${test.reason}`), test.result && resultOf(test.result));
            if (test.result || !['queued', 'running', 'waiting'].includes(test.status)) return;
            await new Promise((later) => setTimeout(later, 1000));
        }
    };
    return { node: section('Backtest', h('p', { class: 'quiet' }, 'Decides payments of the past anew by a version, and says what would have been different.'), rules.versions.length ? [form, place] : h('p', { class: 'quiet' }, 'Keep a version first.')), end: () => { over = true; } };
}

// Numbers first, whatever they are called; lists of objects as tables, and bars for shares of providers.
function resultOf(result) {
    const plain = Object.entries(result).filter(([, v]) => v === null || typeof v !== 'object');
    const lists = Object.entries(result).filter(([, v]) => Array.isArray(v) && v.length > 0 && typeof v[0] === 'object');
    const words = (name) => name.replaceAll('_', ' ');
    const text = (v) => (v === null ? '' : typeof v === 'object' ? JSON.stringify(v) : String(v));
    return [h('div', { class: 'card' }, facts(plain.map(([k, v]) => [words(k), text(v)]))),
        lists.map(([name, rows]) => {
            const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].slice(0, 9);
            return section(words(name), barsOf(rows), table(words(name), columns.map((c) => ({ title: words(c), number: rows.every((r) => typeof r[c] === 'number' || r[c] === null || r[c] === undefined), cell: (r) => text(r[c] ?? null) })), rows.slice(0, 50)));
        })];
}

// Before and after, of rows that count both.
function barsOf(rows) {
    const pairs = [['payments_before', 'payments_after'], ['before', 'after'], ['actual', 'new'], ['was', 'would']].find(([a, b]) => rows.every((r) => typeof r[a] === 'number' && typeof r[b] === 'number'));
    if (!pairs || !rows[0].provider) return null;
    const most = Math.max(1, ...rows.flatMap((r) => pairs.map((p) => r[p])));
    return h('div', { class: 'card' }, rows.slice(0, 12).map((r) => h('div', null, h('small', null, `${providerName(r.provider)}${r.currency ? ` ${r.currency}` : ''}: ${r[pairs[0]]} \u2192 ${r[pairs[1]]}`), pairs.map((p) => { const bar = h('i'); bar.style.width = `${r[p] / most * 100}%`; return h('div', { class: 'bar' }, bar); }))));
}

// ---- the page ----------------------------------------------------------------------------------

export async function render(root, { go }) {
    if (!merchant()) { put(root, h('h1', null, 'Routing'), h('p', null, 'Choose a merchant above.')); return undefined; }
    const rules = await get('/v1/rules', whose());
    const live = versionOf(rules.live);
    rules.liveText = live ? (await get(`/v1/rules/${live}`, whose())).text : '';
    const providers = [...new Set((await get('/v1/providers')).data.filter((p) => p.merchant === merchant()).map((p) => p.provider))];
    const aside = h('div', { 'aria-live': 'polite' });
    const again = () => render(root, { go });
    const edited = editorOf(rules.liveText || START, rules, again, aside);
    const tested = backtestOf(rules, go);
    const flows = h('div', null, h('p', { class: 'quiet' }, 'Loading'));
    const versions = table('Versions, newest first', [
        { title: 'Version', cell: (v) => String(v.version) }, { title: 'Kept (UTC)', cell: (v) => when(v.created) }, { title: 'By', cell: (v) => v.author }, { title: 'What changed', cell: (v) => v.comment ?? '' },
        { title: '', cell: (v) => h('div', { class: 'buttons' }, h('button', { onclick: async () => { edited.editor.value = (await get(`/v1/rules/${v.version}`, whose())).text; edited.editor.dispatchEvent(new Event('input')); edited.editor.focus(); } }, 'Edit a copy'),
            live && v.version !== live && h('button', { onclick: async () => { const d = await get(`/v1/rules/${v.version}/diff`, { to: live, ...whose() }); showText(aside, `From version ${d.from} to ${d.to}: ${d.added} added, ${d.removed} removed`, String(d.diff).split('\n')); aside.scrollIntoView({ block: 'nearest' }); } }, 'Compare with live')) },
    ], rules.versions, { empty: 'None yet: the house\u2019s rule set decides.' });
    put(root, h('h1', null, 'Routing'), h('div', { class: 'columns' }, h('div', { class: 'card' }, h('h2', null, 'Rule set'), edited.node, aside), inForce(rules, again)),
        section('Versions', versions), section('Moves', table('Moves, newest first', [{ title: 'Time (UTC)', cell: (m) => when(m.created) }, { title: 'What', cell: (m) => m.kind.replaceAll('_', ' ') }, { title: 'Version', cell: (m) => String(m.version ?? '') }, { title: 'By', cell: (m) => m.author }, { title: 'Reason', cell: (m) => m.reason ?? '' }], rules.moves.slice(0, 20), { empty: 'None yet.' })),
        explainOf(providers), section('Where traffic flows', flows), tested.node);
    flow(flows).catch((error) => put(flows, problemNote(error)));
    return () => { edited.end(); tested.end(); };
}
