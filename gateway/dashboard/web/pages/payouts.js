// Payouts and their batches: progress, rows, and approval by a second key.
import { h, put, facts, table, section, badge, ask } from '../lib/dom.js';
import { get, post } from '../lib/api.js';
import { isOperator, whose, current } from '../lib/session.js';
import { money, when, percent, providerName } from '../lib/format.js';
import { listPage } from '../lib/list.js';

const STATUSES = ['', 'requires_approval', 'scheduled', 'processing', 'unclaimed', 'requires_action', 'succeeded', 'declined', 'failed', 'returned', 'canceled', 'rejected', 'review'];
const BATCH_STATUSES = ['', 'requires_approval', 'processing', 'completed', 'rejected', 'canceled'];
const whoseQuery = () => (whose().merchant ? `?merchant=${whose().merchant}` : '');
const words = (list) => list.map((s) => [s, s ? s.replaceAll('_', ' ') : 'any']);
const times = [{ name: 'created_from', label: 'From (UTC)', placeholder: '2026-11-01' }, { name: 'created_to', label: 'To (UTC)', placeholder: '2026-12-01' }];

const tabs = (which) => h('p', { class: 'buttons', role: 'navigation', 'aria-label': 'Payouts' }, [['', 'Payouts'], ['batches', 'Batches']].map(([path, title]) => h('a', { class: 'button', href: `/dashboard/payouts${path && `/${path}`}${whoseQuery()}`, 'aria-current': path === which ? 'page' : null }, title)));

const payoutsOf = (root, context) => listPage(root, {
    ...context, name: 'payouts', title: 'Payouts', path: '/v1/payouts', intro: tabs(''),
    filters: [{ name: 'status', label: 'Status', options: words(STATUSES) }, { name: 'reference', label: 'Reference' }, { name: 'provider', label: 'Provider', options: [['', 'any'], ['paypal_payouts', 'PayPal Payouts'], ['payoneer_payouts', 'Payoneer Payouts']] }, ...times],
    columns: [
        { title: 'Payout', cell: (p) => h('a', { class: 'mono', href: `/dashboard/payouts/${p.id}${whoseQuery()}` }, p.id) }, { title: 'Time (UTC)', cell: (p) => h('span', { class: 'nowrap' }, when(p.created)) },
        { title: 'Amount', number: true, cell: (p) => money(p.amount, p.currency) }, { title: 'Status', cell: (p) => badge(p.status) }, { title: 'Provider', cell: (p) => (p.provider ? providerName(p.provider) : '') },
        { title: 'Reference', cell: (p) => p.reference ?? '' }, { title: 'Batch', cell: (p) => (p.batch ? h('a', { class: 'mono', href: `/dashboard/payouts/${p.batch}${whoseQuery()}` }, `row ${p.row}`) : '') },
    ],
    empty: 'No payout fits.',
});

const batchesOf = (root, context) => listPage(root, {
    ...context, name: 'batches', title: 'Payout batches', path: '/v1/payout-batches', intro: tabs('batches'),
    filters: [{ name: 'status', label: 'Status', options: words(BATCH_STATUSES) }, { name: 'reference', label: 'Reference' }, ...times],
    columns: [
        { title: 'Batch', cell: (b) => h('a', { class: 'mono', href: `/dashboard/payouts/${b.id}${whoseQuery()}` }, b.id) }, { title: 'Time (UTC)', cell: (b) => h('span', { class: 'nowrap' }, when(b.created)) }, { title: 'Status', cell: (b) => badge(b.status) },
        { title: 'Rows', number: true, cell: (b) => String(b.rows) }, { title: 'Refused', number: true, cell: (b) => String(b.invalid) }, { title: 'Reference', cell: (b) => b.reference ?? '' },
    ],
    empty: 'No batch fits.',
});

// ---- approval ----------------------------------------------------------------------------------

function approval(path, what, again) {
    if (current().role !== 'finance') return h('p', { class: 'quiet' }, 'Another key of the merchant says yes or no: one of its finance staff.');
    const say = (word, title, danger) => h('button', { class: danger ? 'danger' : 'primary', onclick: async () => {
        if (await ask({ title: `${title} ${what}?`, text: 'Your key is recorded with the decision. It cannot be taken back.', action: title, danger }, () => post(`${path}/${word}`, {}))) again();
    } }, title);
    return h('div', { class: 'buttons', id: 'approval' }, say('approve', 'Approve', false), say('reject', 'Reject', true));
}

const decisions = (list) => (list?.length ? section('Decisions', table('Decisions', [{ title: 'What', cell: (d) => d.decision ?? d.kind ?? d.what ?? '' }, { title: 'By', cell: (d) => h('code', null, d.key ?? '') }, { title: 'Role', cell: (d) => d.role ?? '' }, { title: 'Time (UTC)', cell: (d) => when(d.at) }], list)) : null);

// ---- one ---------------------------------------------------------------------------------------

async function payout(root, id) {
    const p = await get(`/v1/payouts/${id}`, whose());
    const again = () => payout(root, id);
    const cancel = isOperator() && ['requires_approval', 'scheduled', 'processing', 'unclaimed'].includes(p.status) && h('button', { onclick: async () => {
        if (await ask({ title: 'Cancel the payout', text: 'At once when it has not begun; else the provider is asked.', action: 'Cancel the payout', danger: true }, () => post(`/v1/payouts/${id}/cancel`, {}, whose()))) again();
    } }, 'Cancel');
    put(root, h('p', null, h('a', { href: `/dashboard/payouts${whoseQuery()}` }, 'Payouts')),
        h('div', { class: 'head' }, h('div', null, h('h1', { class: 'amount' }, money(p.amount, p.currency), ' ', badge(p.status)), h('code', null, p.id)), h('div', { class: 'buttons' }, p.status === 'requires_approval' && approval(`/v1/payouts/${id}`, 'this payout', again), cancel)),
        p.failure && h('div', { class: 'notice bad' }, h('p', null, [p.failure.reason, p.failure.detail].filter(Boolean).join(': '))),
        h('div', { class: 'columns' }, h('div', { class: 'card' }, h('h2', null, 'Payout'), facts([['Created (UTC)', when(p.created)], ['Reference', p.reference], ['Provider', p.provider && providerName(p.provider)], ['Waiting', p.waiting && (typeof p.waiting === 'object' ? Object.values(p.waiting).join(', ') : String(p.waiting))], ['Tries', p.tries && String(p.tries)],
            ['Batch', p.batch && h('a', { href: `/dashboard/payouts/${p.batch}${whoseQuery()}` }, `${p.batch}, row ${p.row}`)]])),
        h('div', { class: 'card' }, h('h2', null, 'Beneficiary and metadata'), facts([...Object.entries(p.beneficiary ?? {}), ...Object.entries(p.metadata ?? {})].map(([k, v]) => [k.replaceAll('_', ' '), typeof v === 'object' ? JSON.stringify(v) : String(v)])))),
        section('Attempts', table('Attempts', [{ title: 'Attempt', cell: (a) => h('code', null, a.id) }, { title: 'Provider', cell: (a) => providerName(a.provider) }, { title: 'Status', cell: (a) => badge(a.status) }, { title: 'Reason', cell: (a) => a.reason ?? '' }, { title: 'Fee', number: true, cell: (a) => money(a.fee, p.currency) }], p.attempts ?? [], { empty: 'Not yet tried.' })),
        decisions(p.decisions));
}

async function batch(root, id, { params }) {
    let timer = null;
    const draw = async () => {
        const b = await get(`/v1/payout-batches/${id}`, whose());
        const rows = await get(`/v1/payout-batches/${id}/payouts`, { limit: 50, status: params.get('status'), starting_after: params.get('starting_after'), ...whose() });
        const over = ['succeeded', 'declined', 'failed', 'returned', 'canceled', 'rejected'].reduce((sum, s) => sum + (b.counts?.[s] ?? 0), 0);
        const address = (values) => `/dashboard/payouts/${id}?${new URLSearchParams({ ...(whose().merchant ? whose() : {}), ...values })}`;
        put(root, h('p', null, h('a', { href: `/dashboard/payouts/batches${whoseQuery()}` }, 'Batches')),
            h('div', { class: 'head' }, h('div', null, h('h1', null, b.reference ?? 'Batch', ' ', badge(b.status)), h('code', null, b.id)), b.status === 'requires_approval' && approval(`/v1/payout-batches/${id}`, 'the whole batch', draw)),
            h('div', { class: 'card' }, h('label', null, `${over} of ${b.valid} rows are over (${b.valid ? percent(over / b.valid, 0) : 'none'})`, h('progress', { max: b.valid || 1, value: over })), facts(Object.entries(b.counts ?? {}).map(([k, v]) => [k.replaceAll('_', ' '), h('a', { href: address({ status: k }) }, String(v))]))),
            section('By currency', table('By currency', [{ title: 'Currency', cell: (t) => t.currency }, { title: 'Rows', number: true, cell: (t) => String(t.rows) }, { title: 'Amount', number: true, cell: (t) => money(t.amount, t.currency) }, { title: 'Paid', number: true, cell: (t) => money(t.paid_amount, t.currency) },
                { title: 'Open', number: true, cell: (t) => money(t.open_amount, t.currency) }, { title: 'Not paid', number: true, cell: (t) => money(t.unpaid_amount, t.currency) }], b.totals ?? [])),
            section(params.get('status') ? `Rows: ${params.get('status').replaceAll('_', ' ')}` : 'Rows', table('Rows', [{ title: 'Row', cell: (r) => String(r.row) }, { title: 'Reference', cell: (r) => r.reference ?? '' }, { title: 'Status', cell: (r) => badge(r.status) },
                { title: 'Payout', cell: (r) => { const of = typeof r.payout === 'object' ? r.payout?.id : r.payout; return of ? h('a', { class: 'mono', href: `/dashboard/payouts/${of}${whoseQuery()}` }, of) : ''; } },
                { title: 'What is wrong', cell: (r) => (r.errors ?? []).map((e) => h('div', null, [e.param, e.detail].filter(Boolean).join(': '))) }], rows.data, { empty: 'No rows.' }),
            h('p', { class: 'buttons' }, params.get('status') && h('a', { class: 'button', href: address({}) }, 'All rows'), rows.has_more && h('a', { class: 'button', href: address({ ...(params.get('status') ? { status: params.get('status') } : {}), starting_after: rows.data.at(-1).row }) }, 'Further'))),
            decisions(b.decisions));
        clearTimeout(timer);
        if (b.status === 'processing' && over < b.valid) timer = setTimeout(() => draw().catch(() => {}), 2000);
    };
    await draw();
    return () => clearTimeout(timer);
}

export function render(root, context) {
    const [what] = context.rest;
    if (what === 'batches') return batchesOf(root, context);
    if (what?.startsWith('bat_')) return batch(root, what, context);
    return what ? payout(root, what) : payoutsOf(root, context);
}
