// How payments proceed: what is completed, how long it takes, which steps err, what is used; and what is stuck, and where.
import { h, put, table, section, badge, problemNote } from '../lib/dom.js';
import { get } from '../lib/api.js';
import { isOperator, merchantName } from '../lib/session.js';
import { percent, milliseconds, when, lasting, providerName } from '../lib/format.js';

const WINDOWS = [['1h', 'last hour'], ['24h', '24 hours'], ['7d', '7 days'], ['30d', '30 days']];
const EACH_MS = 10000;
const PLACES = { provider: 'the provider has not decided', recovery: 'nobody asked, though it was due', review: 'a person must decide' };
const share = (rate) => (rate === null ? '' : percent(rate, 2));
const times = (t) => (t ? [t.p50, t.p95, t.p99].map((ms) => (ms === null ? '' : ms < 10 ? `${ms.toFixed(1)} ms` : milliseconds(ms))).join(' / ') : '');
const number = (title, cell) => ({ title, number: true, cell: (row) => String(cell(row)) });

const kinds = (list) => table('Completion and cycle time, by kind', [
    { title: 'Kind', cell: (p) => p.kind }, number('Begun', (p) => p.begun), number('Completed', (p) => p.completed), number('Declined', (p) => p.declined),
    number('Failed', (p) => p.failed), number('Canceled', (p) => p.canceled), number('Open', (p) => p.open), number('Completion rate', (p) => share(p.completion_rate)),
    number('Cycle p50 / p95 / p99', (p) => times(p.cycle_ms)), number('of it active', (p) => times(p.active_ms)), number('of it waiting', (p) => times(p.waiting_ms)),
], list, { empty: 'Nothing began in this time.' });

const steps = (list) => table('Errors, by step', [
    { title: 'Step', cell: (s) => s.step }, number('Begun', (s) => s.begun), number('Ended', (s) => s.ended), number('Errors', (s) => s.errors), number('Error rate', (s) => share(s.error_rate)),
], list, { empty: 'No step was taken in this time.' });

const LINKS = { review: (s) => `/dashboard/reviews?state=open&merchant=${s.merchant}` };
const addressOf = (s) => LINKS[s.place]?.(s) ?? (['payment', 'payout'].includes(s.kind) ? `/dashboard/${s.kind}s/${s.payment}${isOperator() ? `?merchant=${s.merchant}` : ''}` : null);
const stuck = (list, now) => table('What is stuck, and where', [
    { title: 'What', cell: (s) => (addressOf(s) ? h('a', { class: 'mono', href: addressOf(s) }, s.payment) : h('code', null, s.payment)) },
    { title: 'Kind', cell: (s) => s.kind }, { title: 'Where', cell: (s) => [badge(s.place), ' ', h('span', { class: 'quiet' }, PLACES[s.place] ?? '')] },
    { title: 'Provider', cell: (s) => providerName(s.provider) }, { title: 'Said last', cell: (s) => s.reason },
    number('For', (s) => lasting(now - Date.parse(s.since))),
    ...(isOperator() ? [{ title: 'Merchant', cell: (s) => merchantName(s.merchant) }] : []),
], list, { empty: 'Nothing is stuck.' });

const figure = (value, name) => h('div', { class: 'figure' }, h('b', null, value), h('span', null, name));
const used = (r) => h('div', { class: 'tiles' },
    h('div', { class: 'card' }, h('div', { class: 'figures' }, h('small', null, 'Workers'), figure(String(r.workers), 'running'), figure(String(r.database_connected), 'can write the ledger'), figure(`${r.payments_in_flight} of ${r.payments_in_flight_max}`, 'payments in hand'))),
    h('div', { class: 'card' }, h('div', { class: 'figures' }, h('small', null, 'Lag of the loops, at most'), ...['p50', 'p95', 'p99'].map((q) => figure(milliseconds(r.loop_lag_ms?.[q]), q)))),
    h('div', { class: 'card' }, h('div', { class: 'figures' }, h('small', null, 'Calls in flight'), r.providers.map((p) => figure(String(p.in_flight), providerName(p.provider))))));

export async function render(root, { params, go }) {
    const window_ = params.get('window') ?? '24h';
    const asked = { window: window_, ...(isOperator() ? { merchant: params.get('merchant') } : {}) };
    const status = h('p', { role: 'status', 'aria-live': 'polite', id: 'status', class: 'quiet' });
    const body = h('div', { id: 'process' });
    const choose = (value) => { const now = new URLSearchParams(location.search); now.set('window', value); go(`/dashboard/process?${now}`); };
    put(root, h('div', { class: 'head' }, h('h1', null, 'How payments proceed'), h('div', { class: 'buttons' }, status,
        h('label', { class: 'chooser' }, h('span', { class: 'hidden' }, 'Window'), h('select', { onchange: (e) => choose(e.target.value) }, WINDOWS.map(([v, t]) => h('option', { value: v, selected: v === window_ }, t)))))), body);
    const show = (all) => {
        put(body, section('What is stuck', stuck(all.stuck, Date.now())), section('Completion and cycle time', kinds(all.processes)), section('Errors by step', steps(all.steps)),
            all.resources && section('What is used now', used(all.resources)),
            h('p', { class: 'quiet' }, `Of what began from ${when(all.from)} to ${when(all.to)} UTC. Times are p50 / p95 / p99 of those that have ended; waiting is for a provider, a payer or a person.`));
    };
    let timer = null;
    let isOver = false;
    const ask = async () => {
        try {
            const all = await get('/v1/process', asked);
            if (isOver) return;
            if (!body.contains(document.activeElement)) show(all); // whoever is at a link there keeps it
            status.textContent = 'live';
        } catch (error) {
            if (isOver) return;
            if (!body.hasChildNodes() || error.status) put(body, problemNote(error));
            status.textContent = 'the gateway does not answer; trying again';
        }
        timer = setTimeout(ask, EACH_MS);
    };
    await ask();
    return () => { isOver = true; clearTimeout(timer); };
}
