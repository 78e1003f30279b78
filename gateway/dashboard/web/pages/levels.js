// Service levels of one month: what each account answered, approved, took and cost.
import { h, put, table } from '../lib/dom.js';
import { get } from '../lib/api.js';
import { percent, money, providerName } from '../lib/format.js';

const other = (month, by) => { const at = new Date(`${month}-15T00:00:00Z`); at.setUTCMonth(at.getUTCMonth() + by); return at.toISOString().slice(0, 7); };

export async function render(root, { params }) {
    const levels = await get('/v1/reports/service-levels', { month: params.get('month') });
    const link = (month, text) => h('a', { class: 'button', href: `/dashboard/levels?month=${month}` }, text);
    put(root, h('div', { class: 'head' }, h('h1', null, `Service levels, ${levels.month}`), h('div', { class: 'buttons' }, link(other(levels.month, -1), 'Month before'), link(other(levels.month, 1), 'Month after'))),
        h('p', { class: 'quiet' }, 'From the ledger: availability is the share of attempts that were answered at all, success the share that was approved.'),
        table(`Service levels of ${levels.month}`, [
            { title: 'Provider', cell: (l) => providerName(l.provider) },
            { title: 'Account', cell: (l) => l.name },
            { title: 'Attempts', number: true, cell: (l) => String(l.attempts) },
            { title: 'Availability', number: true, cell: (l) => (l.availability === null ? '' : percent(l.availability, 2)) },
            { title: 'Success', number: true, cell: (l) => (l.success_rate === null ? '' : percent(l.success_rate, 2)) },
            { title: 'Unknown', number: true, cell: (l) => (l.unknown_rate === null ? '' : percent(l.unknown_rate, 2)) },
            { title: 'p50 / p95 / p99 ms', number: true, cell: (l) => (l.latency_ms ? [l.latency_ms.p50, l.latency_ms.p95, l.latency_ms.p99].map(Math.round).join(' / ') : '') },
            { title: 'Fees expected', number: true, cell: (l) => l.cost.map((c) => h('div', null, money(c.expected, c.currency))) },
            { title: 'Fees booked', number: true, cell: (l) => l.cost.map((c) => h('div', null, money(c.booked, c.currency))) },
        ], levels.data, { empty: 'No attempts in this month.' }));
}
