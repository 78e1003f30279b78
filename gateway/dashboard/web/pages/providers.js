// The live board: how each provider account is doing, and its last hours as lines.
import { h, put, facts, badge, ask, problemNote } from '../lib/dom.js';
import { call, get, follow, query } from '../lib/api.js';
import { isOperator, merchantName } from '../lib/session.js';
import { percent, milliseconds, clock, when, lasting, money, providerName } from '../lib/format.js';
import { lines } from '../lib/chart.js';

const KIND = { healthy: 'good', degraded: 'warn', drained: 'warn', maintenance: 'warn', down: 'bad', unusable: 'bad' };
const SPANS = [['1h', 'last hour'], ['6h', '6 hours'], ['24h', '24 hours'], ['7d', '7 days'], ['30d', '30 days']];

const title = (p) => providerName(p.provider) + (p.name && p.name !== p.provider ? ` (${p.name})` : '');
const figure = (value, text) => h('div', { class: 'figure' }, h('b', null, value), h('span', null, text));

function breakerText(p) {
    const { state, retry_at: retry, flapping } = p.breaker;
    if (state === 'closed') return 'closed';
    const left = retry ? Math.max(0, new Date(retry) - Date.now()) : null;
    return `${state.replace('_', ' ')}: ${p.breaker.why}; next probe ${left === null ? 'as soon as there is a payment' : left === 0 ? 'now' : `in ${lasting(left)}`}${flapping ? `, flapping (level ${flapping})` : ''}`;
}

function openings(p) {
    const { openings: list, failures } = p.breaker;
    if (list.length === 0) return null;
    return h('details', { 'data-keep': `open-${p.account}` }, h('summary', null, `What opened it (${list.length})`),
        h('ul', null, list.map((o) => h('li', null, h('time', null, when(o.at)), ` ${o.why}`))),
        failures.length > 0 && [h('p', { class: 'quiet' }, 'The calls that led to the last one:'),
            h('ul', null, failures.map((f) => h('li', null, h('time', null, clock(f.at)), ` ${f.why}, after ${milliseconds(f.after_ms)}`)))]);
}

// ---- what a person can do ----------------------------------------------------------------------

const FOR = [['', 'until it is put back'], ['30m', '30 minutes'], ['2h', '2 hours'], ['8h', '8 hours'], ['24h', '24 hours']];
const until = (choice) => choice && new Date(Date.now() + parseInt(choice, 10) * (choice.endsWith('m') ? 60e3 : 3600e3)).toISOString();

const MEANING = {
    drained: ['Drain', 'No new payments go there; captures, refunds and questions still do.'],
    disabled: ['Switch off', 'Nothing that merchants ask for goes there any more; what is under way is still asked about.'],
    open: ['Use again', 'It takes part in routing again.'],
};
function change(p, state) {
    const [words, text] = MEANING[state];
    const reason = { name: 'reason', label: 'Reason', required: state !== 'open', hint: 'It stands on this board and in the log of what people did.' };
    return ask({ title: `${words}: ${title(p)}`, text, action: words, danger: state === 'disabled', fields: state === 'open' ? [reason] : [reason, { name: 'for', label: 'For', options: FOR }] },
        ({ reason: why, for: choice }) => call('PUT', `/v1/providers/${p.account}/state`, { body: { state, ...(why ? { reason: why } : {}), ...(choice ? { until: until(choice) } : {}) } }));
}

const actions = (p) => isOperator() && (p.hold || p.state === 'disabled' ? h('button', { onclick: () => change(p, 'open') }, 'Use again')
    : [h('button', { onclick: () => change(p, 'drained') }, 'Drain'), h('button', { onclick: () => change(p, 'disabled') }, 'Switch off')]);

// ---- tiles -------------------------------------------------------------------------------------

function shares(providers) {
    const all = new Map();
    for (const p of providers) all.set(p.merchant, (all.get(p.merchant) ?? 0) + p.outcomes.decisions);
    return (p) => (all.get(p.merchant) ? p.outcomes.decisions / all.get(p.merchant) : null);
}

function tile(p, share, cost, choose) {
    const { latency_ms: latency, success } = p;
    const rate = (window) => (window.payments ? percent(window.approved / window.payments) : '\u2013');
    return h('article', { class: `card tile ${KIND[p.state] ?? ''}`, 'data-account': p.account, 'data-state': p.state },
        h('header', null, h('h3', null, title(p), isOperator() && h('div', { class: 'quiet of' }, merchantName(p.merchant))), badge(p.state)),
        h('div', { class: 'figures', role: 'group', 'aria-label': 'approved' }, h('small', null, 'Approved'), figure(rate(success.minute), '1 min'), figure(rate(success.quarter), '15 min'), figure(rate(success.hour), '1 hour')),
        h('div', { class: 'figures', role: 'group', 'aria-label': 'latency' }, h('small', null, 'Latency'), figure(latency.p50 ? milliseconds(latency.p50) : '\u2013', 'p50'), figure(latency.p95 ? milliseconds(latency.p95) : '\u2013', 'p95'), figure(latency.p99 ? milliseconds(latency.p99) : '\u2013', 'p99')),
        share !== null && h('div', null, h('small', null, `takes ${percent(share, 0)} of the traffic`), h('div', { class: 'bar' }, barOf(share))),
        facts([
            ['Breaker', breakerText(p)],
            ['Slow', p.slow && `p95 above ${milliseconds(latency.slow_above)}; usually ${milliseconds(latency.usual_p95)}`],
            [p.hold ? p.hold.state.replace('_', ' ') : '', p.hold && `${p.hold.reason} (${p.hold.author}${p.hold.until ? `, until ${when(p.hold.until)}` : ''})`],
            ['In flight', String(p.in_flight)],
            ['Cost an attempt', cost ?? (p.expected_fee && `${money(p.expected_fee.fee, p.expected_fee.currency)} expected of ${money(p.expected_fee.of_amount, p.expected_fee.currency)}`)],
            ['Last error', p.last_error ? `${p.last_error.reason}, ${when(p.last_error.at)}` : 'none'],
            ['Other hosts', p.other_hosts && `${p.other_hosts.says}, ${lasting(p.other_hosts.age_ms)} ago`],
            ['Problem', p.problem],
        ]),
        openings(p),
        h('div', { class: 'buttons' }, h('button', { onclick: () => choose(p) }, 'Charts'), actions(p)));
}

function barOf(share) {
    const bar = h('i');
    bar.style.width = `${(share * 100).toFixed(1)}%`;
    return bar;
}

// ---- charts ------------------------------------------------------------------------------------

// Answers how to end what was drawn; draws nothing if, meanwhile, another account was chosen.
async function charts(place, account, span, providers, choose, isWanted) {
    const list = await get(`/v1/providers/${account}/series`, { span });
    if (!isWanted()) return null;
    const points = list.data;
    const times = points.map((p) => Date.parse(p.at) / 1000);
    const made = [
        lines('Approved, of payments that ended', times, [{ title: 'approved', values: points.map((p) => (p.payments ? p.approved / p.payments : null)), fill: true }], { least: 0, most: 1, show: (v) => percent(v, 0) }),
        lines('Latency of its answers', times, ['p50', 'p95', 'p99'].map((name) => ({ title: name, values: points.map((p) => p.latency_ms?.[name] ?? null) })), { show: milliseconds }),
        lines('Payments that ended, each interval', times, [{ title: 'approved', values: points.map((p) => p.approved) }, { title: 'declined', values: points.map((p) => p.declined) },
            { title: 'failed', values: points.map((p) => p.failed) }, { title: 'unknown', values: points.map((p) => p.unknown) }]),
    ];
    const select = (options, value, label, fn) => h('label', { class: 'chooser' }, h('span', { class: 'hidden' }, label), h('select', { onchange: (e) => fn(e.target.value) }, options.map(([v, t]) => h('option', { value: v, selected: v === value }, t))));
    put(place, h('div', { class: 'head' }, h('h2', null, 'Over time'), h('div', { class: 'buttons' },
        select(providers.map((p) => [p.account, title(p)]), account, 'Account', (v) => choose(v, span)), select(SPANS, span, 'Span', (v) => choose(account, v)))),
    h('div', { class: 'columns' }, made.map((m) => m.node)));
    return () => made.forEach((m) => m.end());
}

// ---- the page ----------------------------------------------------------------------------------

// What an attempt cost this month, as booked: from the ledger, where an account has one currency.
async function costsOf() {
    try {
        const { data } = await get('/v1/reports/service-levels');
        return new Map(data.filter((level) => level.attempts > 0 && level.cost.length === 1).map((level) => [level.account,
            `${money(Math.round(level.cost[0].booked / level.attempts), level.cost[0].currency)} booked, on average this month`]));
    } catch { return new Map(); }
}

export async function render(root, { params, go }) {
    const status = h('p', { role: 'status', 'aria-live': 'polite', id: 'status', class: 'quiet' }, 'connecting');
    const tiles = h('div', { class: 'tiles', id: 'providers' });
    const chartPlace = h('section', { id: 'charts' });
    put(root, h('div', { class: 'head' }, h('h1', null, 'Providers'), status), h('section', null, tiles), chartPlace);
    const costs = await costsOf();
    let shown = [];
    let endCharts = null;
    let drawn = 0;
    let span = params.get('span') ?? '6h';
    let chosen = params.get('account');
    const say = (text) => { if (status.textContent !== text) status.textContent = text; };
    const drawCharts = async (account) => {
        endCharts?.();
        endCharts = null;
        const turn = ++drawn;
        const isWanted = () => turn === drawn;
        try {
            const end = await charts(chartPlace, account, span, shown, choose, isWanted);
            if (isWanted()) endCharts = end;
        } catch (error) { if (isWanted()) put(chartPlace, problemNote(error)); }
    };
    const choose = (account, newSpan = span) => {
        span = newSpan;
        chosen = account.account ?? account;
        const now = new URLSearchParams(location.search);
        now.set('account', chosen);
        now.set('span', span);
        history.replaceState(null, '', `${location.pathname}?${now}`);
        drawCharts(chosen);
    };
    const show = (board) => {
        const providers = board.data;
        const open = new Set([...tiles.querySelectorAll('details[open]')].map((d) => d.dataset.keep));
        const focused = document.activeElement?.closest?.('[data-account]')?.dataset.account;
        const which = focused && [...document.activeElement.closest('[data-account]').querySelectorAll('button, summary')].indexOf(document.activeElement);
        const share = shares(board.data);
        if (!document.querySelector('dialog[open]')) {
            put(tiles, providers.length ? providers.map((p) => tile(p, share(p), costs.get(p.account), choose)) : h('p', { class: 'quiet empty' }, 'No provider account yet. An operator makes one: turnpike accounts create --help'));
            for (const details of tiles.querySelectorAll('details')) details.open = open.has(details.dataset.keep);
            if (focused) tiles.querySelector(`[data-account="${focused}"]`)?.querySelectorAll('button, summary')[which]?.focus({ preventScroll: true });
        }
        const first = shown.length === 0 && providers.length > 0;
        shown = providers;
        if (first) { chosen = providers.some((p) => p.account === chosen) ? chosen : providers[0].account; drawCharts(chosen); }
        say(board.ledger === false ? 'the ledger is away: payments are refused' : 'live');
    };
    const stop = follow(`/v1/providers/stream${query(isOperator() ? { merchant: params.get('merchant') } : {})}`, { board: show, too_large: () => say('too many accounts for one board: choose a merchant') }, (isLive) => { if (!isLive) say('the gateway does not answer; trying again'); });
    return () => { stop(); endCharts?.(); };
}
