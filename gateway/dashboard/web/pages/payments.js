// Payments: search, and one payment with all that happened to it and what can be done.
import { h, put, facts, table, section, badge, ask, problemNote } from '../lib/dom.js';
import { get, post, newKey } from '../lib/api.js';
import { isOperator, whose } from '../lib/session.js';
import { money, minorOf, major, when, milliseconds, percent, providerName, accountOf } from '../lib/format.js';
import { listPage } from '../lib/list.js';

const STATUSES = ['', 'processing', 'requires_action', 'authorized', 'succeeded', 'declined', 'failed', 'canceled', 'review'];
const link = (id) => h('a', { class: 'mono', href: `/dashboard/payments/${id}${whoseQuery()}` }, id);
const whoseQuery = () => (whose().merchant ? `?merchant=${whose().merchant}` : '');

function listOf(root, context) {
    const find = h('form', { class: 'buttons', onsubmit: (event) => {
        event.preventDefault();
        const id = event.target.elements.id.value.trim();
        if (id) context.go(`/dashboard/payments/${encodeURIComponent(id)}${whoseQuery()}`);
    } }, h('label', { class: 'hidden', for: 'find' }, 'Payment id'), h('input', { id: 'find', name: 'id', placeholder: 'pay_... \u2013 open by id', size: 34, pattern: '(pay|pyt)_[0-9A-Z]{26}', title: 'pay_ and 26 characters' }), h('button', { type: 'submit' }, 'Open'));
    return listPage(root, {
        ...context, name: 'payments', title: 'Payments', path: '/v1/payments', intro: find,
        filters: [
            { name: 'status', label: 'Status', options: STATUSES.map((s) => [s, s ? s.replace('_', ' ') : 'any']) },
            { name: 'reference', label: 'Reference' },
            { name: 'provider', label: 'Provider', options: [['', 'any'], ...['paypal', 'payoneer', 'rebilly', 'spreedly'].map((p) => [p, providerName(p)])] },
            { name: 'created_from', label: 'From (UTC)', placeholder: '2026-11-01' },
            { name: 'created_to', label: 'To (UTC)', placeholder: '2026-12-01' },
        ],
        columns: [
            { title: 'Payment', cell: (p) => link(p.id) },
            { title: 'Time (UTC)', cell: (p) => h('span', { class: 'nowrap' }, when(p.created)) },
            { title: 'Amount', number: true, cell: (p) => money(p.amount, p.currency) },
            { title: 'Status', cell: (p) => badge(p.status) },
            { title: 'Attempts', cell: (p) => (p.attempts ?? []).map((a) => providerName(a.provider)).join(' \u203a ') },
            { title: 'Reference', cell: (p) => p.reference ?? '' },
        ],
        empty: 'No payment fits. Times are RFC 3339 or days; a reference must fit exactly.',
    });
}

// ---- one payment -------------------------------------------------------------------------------

const KIND = { approved: 'good', failed: 'bad', declined: 'bad', declined_soft: 'bad', declined_hard: 'bad', unknown: 'warn', pending: 'warn', requires_action: 'warn', succeeded: 'good', authorized: 'good', review: 'warn', processing: 'warn', canceled: 'warn' };
const by = (actor) => (actor === 'gateway' ? 'the gateway' : actor === 'merchant' ? 'the merchant' : providerName(actor));

// A send is told by what its attempt is for: the step that moves the money is a "charge" to every adapter, a refund's too.
function lineOf(entry, purposes) {
    const at = entry.provider ? providerName(entry.provider) : '';
    switch (entry.entry) {
    case 'created': return ['', 'Asked for', [money(entry.amount, entry.currency), entry.reference && `reference ${entry.reference}`]];
    case 'operation': return ['', `${entry.operation ?? entry.kind ?? 'operation'} asked for`, [entry.amount !== undefined && money(entry.amount, entry.currency), entry.reason]];
    case 'attempt': return ['', `Attempt ${entry.number}: ${at}`, [entry.operation, h('code', null, entry.attempt)]];
    case 'send': return ['', `Sent to ${at}: ${entry.step === 'charge' ? purposes.get(entry.attempt) ?? 'charge' : entry.step}`, [entry.moves_money ? 'may move money' : 'moves no money', `sent once, before ${when(entry.not_after).slice(11)} or never`]];
    case 'outcome': return [KIND[entry.outcome] ?? '', `${at}: ${entry.outcome.replaceAll('_', ' ')}`, [entry.reason, entry.code && `code ${entry.code}`, entry.http_status && `HTTP ${entry.http_status}`,
        entry.left === false && 'nothing left the gateway', entry.elapsed_ms > 0 && milliseconds(entry.elapsed_ms), entry.provider_reference && h('code', null, entry.provider_reference)]];
    case 'status': return [KIND[entry.status] ?? '', h('strong', null, entry.type), [entry.reason]];
    default: return ['', entry.entry, []];
    }
}

const purposesOf = (entries) => new Map(entries.filter((entry) => entry.entry === 'attempt').map((entry) => [entry.attempt, entry.operation]));
const timeline = (entries, purposes = purposesOf(entries)) => h('ol', { class: 'timeline' }, entries.map((entry) => {
    const [kind, title, notes] = lineOf(entry, purposes);
    return h('li', { class: kind || null }, h('div', { class: 'line' }, h('time', { datetime: entry.at }, `${when(entry.at)}${entry.at.slice(19, 23)}`), h('span', null, title), h('small', null, `by ${by(entry.actor)}`)),
        h('div', { class: 'line quiet' }, notes.filter(Boolean).map((note) => h('span', null, note))));
}));

function decisionOf(decision, currency) {
    if (!decision) return h('p', { class: 'quiet' }, 'No decision is recorded.');
    const fixed = new Set(['provider', 'account', 'kept', 'expected_fee', 'fees', 'health', 'why', 'reason', 'removed_by', 'score']);
    return [facts([['Rule', decision.rule], ['Order', decision.order], ['Rule set', h('code', null, String(decision.rule_set ?? '').slice(0, 16))]]),
        table('Candidates of the routing decision', [
            { title: 'Provider', cell: (c) => `${providerName(c.provider)} (${c.account})` },
            { title: 'Kept', cell: (c) => badge(c.kept ? 'kept' : 'dropped') },
            { title: 'Why not', cell: (c) => c.why ?? c.reason ?? c.removed_by ?? '' },
            { title: 'Expected fee', number: true, cell: (c) => (c.expected_fee === undefined || c.expected_fee === null ? '' : money(c.expected_fee, currency)) },
            { title: 'Success', number: true, cell: (c) => (c.health ? percent(c.health.success_per_million / 1e6) : '') },
            { title: 'p95', number: true, cell: (c) => (c.health?.p95_ms ? milliseconds(c.health.p95_ms) : '') },
            { title: 'Breaker', cell: (c) => (c.health ? badge(c.health.state) : '') },
            { title: 'More', cell: (c) => Object.entries(c).filter(([k, v]) => !fixed.has(k) && typeof v !== 'object').map(([k, v]) => `${k}: ${v}`).join(', ') },
        ], decision.candidates ?? [])];
}

const attemptsOf = (attempts, currency) => table('Attempts', [
    { title: 'Attempt', cell: (a) => h('code', null, a.id) },
    { title: 'Provider', cell: (a) => providerName(a.provider) },
    { title: 'For', cell: (a) => a.operation },
    { title: 'Status', cell: (a) => badge(a.status) },
    { title: 'Reason', cell: (a) => [a.reason ?? '', a.code ? ` (${a.code})` : '', a.advice ? `; ${a.advice.replaceAll('_', ' ')}` : ''] },
    { title: 'Expected fee', number: true, cell: (a) => money(a.expected_fee, currency) },
    { title: 'Fee', number: true, cell: (a) => money(a.fee, currency) },
    { title: 'Took', number: true, cell: (a) => (a.started && a.ended ? milliseconds(Date.parse(a.ended) - Date.parse(a.started)) : '') },
], attempts, { empty: 'Not yet tried.' });

const transfersOf = (transfers) => table('Transfers', [
    { title: 'Time (UTC)', cell: (t) => h('span', { class: 'nowrap' }, when(t.created)) }, { title: 'Kind', cell: (t) => t.kind }, { title: 'State', cell: (t) => badge(t.state) },
    { title: 'Debit', cell: (t) => accountOf(t.debit_account) }, { title: 'Credit', cell: (t) => accountOf(t.credit_account) },
    { title: 'Amount', number: true, cell: (t) => money(t.amount, t.currency) },
], transfers, { empty: 'Nothing was booked.' });

const operationsOf = (list) => table('Captures, voids, refunds', [
    { title: 'Operation', cell: (o) => h('code', null, o.id) }, { title: 'Kind', cell: (o) => o.object }, { title: 'Time (UTC)', cell: (o) => when(o.created) },
    { title: 'Amount', number: true, cell: (o) => money(o.amount, o.currency) }, { title: 'Status', cell: (o) => badge(o.status) }, { title: 'Reason', cell: (o) => o.failure?.reason ?? o.reason ?? '' },
], list, { empty: 'None.' });

// ---- what can be done --------------------------------------------------------------------------

function act(payment, again) {
    const left = payment.amount_captured - payment.amount_refunded;
    const heldLeft = payment.amount_authorized - payment.amount_captured;
    const one = (name, path, { title, text, amount, danger, more = [] }) => h('button', { onclick: async () => {
        const key = newKey(); // of this dialog: pressed twice, or again after a lost answer, it is one act
        const done = await ask({ title, text, action: title, danger, fields: [...(amount ? [{ name: 'amount', label: `Amount (${payment.currency})`, value: major(amount, payment.currency).replace(/\u202f/g, ''), required: true, hint: `at most ${money(amount, payment.currency)}` }] : []), ...more] },
            (values) => {
                const body = {};
                if (amount) body.amount = minorOf(values.amount, payment.currency);
                if (values.reason) body.reason = values.reason;
                return post(`/v1/payments/${payment.id}/${path}`, body, whose(), key);
            });
        if (done) again();
    } }, name);
    const reason = { name: 'reason', label: 'Reason', hint: 'Kept with it.' };
    return [
        heldLeft > 0 && payment.status === 'authorized' && one('Capture', 'capture', { title: 'Capture', text: 'Charges what is held.', amount: heldLeft }),
        heldLeft > 0 && payment.status === 'authorized' && one('Void', 'void', { title: 'Void', text: 'Lets go what is held and not captured.', danger: true }),
        left > 0 && one('Refund', 'refunds', { title: 'Refund', text: 'Gives the payer back what was charged, or a part of it.', amount: left, danger: true, more: [reason] }),
        ['processing', 'requires_action'].includes(payment.status) && one('Cancel', 'cancel', { title: 'Cancel the payment', text: 'Takes it back if it is not yet paid; what is authorized is voided.', danger: true }),
    ].filter(Boolean);
}

async function detail(root, id, { go }) {
    if (id.startsWith('pyt_')) return go(`/dashboard/payouts/${id}${whoseQuery()}`, { replace: true });
    const payment = await get(`/v1/payments/${id}`, whose());
    const again = () => detail(root, id, { go });
    const rest = h('div', null, h('p', { class: 'quiet' }, 'Loading what happened'));
    const review = payment.status === 'review' && h('div', { class: 'notice warn' }, h('p', null, 'A person must find out what became of it. ', h('a', { href: `/dashboard/reviews?state=open` }, 'Open cases')));
    const failure = payment.failure && h('div', { class: 'notice bad' }, h('p', null, [payment.failure.reason, payment.failure.detail, payment.failure.code && `code ${payment.failure.code}`].filter(Boolean).join(': ')));
    put(root, h('p', null, h('a', { href: `/dashboard/payments${whoseQuery()}` }, 'Payments')),
        h('div', { class: 'head' }, h('div', null, h('h1', { class: 'amount' }, money(payment.amount, payment.currency), ' ', badge(payment.status)), h('code', { id: 'payment-id' }, payment.id), payment.livemode === false && [' ', badge('test')]),
            h('div', { class: 'buttons', id: 'actions' }, isOperator() && act(payment, again))),
        review, failure,
        h('div', { class: 'columns' },
            h('div', { class: 'card' }, h('h2', null, 'Payment'), facts([
                ['Created (UTC)', when(payment.created)], ['Reference', payment.reference], ['Provider', payment.provider && providerName(payment.provider)], ['Method', payment.method?.type], ['Capture', payment.capture],
                ['Held', payment.capture === 'manual' && payment.amount_authorized > 0 && money(payment.amount_authorized, payment.currency)], ['Held until', when(payment.authorized_until)],
                ['Captured', money(payment.amount_captured, payment.currency)], ['Refunded', money(payment.amount_refunded, payment.currency)], ['Archived', when(payment.archived)], ['Erased', when(payment.erased)],
            ])),
            h('div', { class: 'card' }, h('h2', null, 'Customer and metadata'), Object.keys(payment.customer ?? {}).length ? facts(Object.entries(payment.customer).map(([k, v]) => [k, String(v)])) : h('p', { class: 'quiet' }, payment.erased ? 'Erased.' : 'No customer was named.'), h('h3', null, 'Metadata'),
                Object.keys(payment.metadata ?? {}).length ? facts(Object.entries(payment.metadata).map(([k, v]) => [k, String(v)])) : h('p', { class: 'quiet' }, payment.metadata === null ? 'Erased.' : 'None.'))),
        rest);
    const [history, transfers, operations] = await Promise.all([
        get(`/v1/payments/${id}/events`, whose()), get('/v1/ledger/transfers', { payment: id, limit: 100, ...whose() }), get(`/v1/payments/${id}/operations`, whose()),
    ].map((asked) => asked.catch((error) => error)));
    const shown = (value, fn) => (value instanceof Error ? problemNote(value) : fn(value.data));
    put(rest, section('Timeline', shown(history, (entries) => timeline(entries))),
        section('Routing decision', decisionOf(payment.decision, payment.currency)), section('Attempts', attemptsOf(payment.attempts ?? [], payment.currency)),
        section('Captures, voids, refunds', shown(operations, operationsOf)), section('Transfers', shown(transfers, transfersOf)));
    return undefined;
}

export const render = (root, context) => (context.rest[0] ? detail(root, context.rest[0], context) : listOf(root, context));
