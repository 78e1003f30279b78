// Cases that a person must decide, and attempts whose outcome is not known yet.
import { h, put, facts, table, section, badge, ask, problemNote } from '../lib/dom.js';
import { get, post } from '../lib/api.js';
import { isOperator, whose } from '../lib/session.js';
import { money, when, providerName, minorOf } from '../lib/format.js';
import { listPage } from '../lib/list.js';

const shown = (value) => (value === null || value === undefined ? '' : typeof value === 'object' ? h('pre', null, JSON.stringify(value, null, 1)) : /^\d{4}-\d\d-\d\dT/.test(value) ? when(value) : String(value));

async function detail(root, id, { go }) {
    const review = await get(`/v1/reviews/${id}`);
    const what = review.payment ?? review.payout;
    const decide = () => ask({
        title: 'Decide this case', text: 'What you say is booked, and stands in the history with your key and your reason. Look at the provider\u2019s own site first.', action: 'Decide', danger: true,
        fields: [
            { name: 'outcome', label: 'What happened', options: [['charged', 'it was charged'], ['not_charged', 'it was not charged'], ['accepted', 'accepted as it is'], ['reverse', 'take it back at the provider']] },
            { name: 'reference', label: 'The provider\u2019s reference', hint: 'Needed when it was charged.' },
            ...(review.currency ? [{ name: 'amount', label: `Amount (${review.currency})`, hint: 'Where it differs.' }] : []),
            { name: 'reason', label: 'Reason', required: true }, { name: 'evidence', label: 'Evidence', type: 'area', hint: 'What you saw, and where.' },
        ],
    }, (values) => {
        const body = { outcome: values.outcome, reason: values.reason };
        if (values.reference) body.reference = values.reference;
        if (values.evidence) body.evidence = values.evidence;
        if (values.amount) body.amount = minorOf(values.amount, review.currency);
        return post(`/v1/reviews/${id}/resolve`, body);
    }).then((done) => done && detail(root, id, { go }));
    put(root, h('p', null, h('a', { href: '/dashboard/reviews' }, 'Reviews')),
        h('div', { class: 'head' }, h('div', null, h('h1', null, String(review.kind).replaceAll('_', ' '), ' ', badge(review.state)), h('code', null, review.id)),
            isOperator() && review.state === 'open' && h('button', { class: 'primary', onclick: decide }, 'Decide')),
        what && h('p', null, h('a', { href: `/dashboard/${review.payout ? 'payouts' : 'payments'}/${what}${review.merchant ? `?merchant=${review.merchant}` : ''}` }, what)),
        h('div', { class: 'card' }, facts(Object.entries(review).filter(([k, v]) => !['id', 'object', 'kind', 'state'].includes(k) && v !== null && !(Array.isArray(v) && v.length === 0)).map(([k, v]) => [k.replaceAll('_', ' '), k === 'amount' ? money(v, review.currency) : shown(v)]))));
}

export async function render(root, context) {
    if (context.rest[0]) return detail(root, context.rest[0], context);
    const list = h('div'), open = h('div');
    put(root, list, open);
    await listPage(list, {
        ...context, name: 'reviews', title: 'Reviews', path: '/v1/reviews',
        filters: [{ name: 'state', label: 'State', options: [['', 'any'], ['open', 'open'], ['resolved', 'resolved']] }, { name: 'provider', label: 'Provider', options: [['', 'any'], ...['paypal', 'payoneer', 'rebilly', 'spreedly'].map((p) => [p, providerName(p)])] }],
        columns: [
            { title: 'Case', cell: (r) => h('a', { class: 'mono', href: `/dashboard/reviews/${r.id}` }, r.id) }, { title: 'Kind', cell: (r) => String(r.kind).replaceAll('_', ' ') }, { title: 'State', cell: (r) => badge(r.state) },
            { title: 'Provider', cell: (r) => (r.provider ? providerName(r.provider) : '') }, { title: 'Amount', number: true, cell: (r) => (r.amount ? money(r.amount, r.currency) : '') }, { title: 'Since (UTC)', cell: (r) => when(r.created ?? r.opened) },
        ],
        empty: 'No case waits for a person.',
    });
    try {
        const { data } = await get('/v1/unresolved', whose());
        put(open, section('Not known yet', h('p', { class: 'quiet' }, 'The gateway asks the providers about these until there is proof.'), table('Attempts whose outcome is not known', [
            { title: 'Attempt', cell: (u) => h('code', null, u.attempt ?? u.id) }, { title: 'Payment', cell: (u) => (u.payment ? h('a', { class: 'mono', href: `/dashboard/payments/${u.payment}${u.merchant ? `?merchant=${u.merchant}` : ''}` }, u.payment) : '') },
            { title: 'Provider', cell: (u) => providerName(u.provider) }, { title: 'Since (UTC)', cell: (u) => when(u.since ?? u.created ?? u.started) }, { title: 'Asked', number: true, cell: (u) => String(u.tries ?? u.inquiries ?? '') },
        ], data, { empty: 'None.' })));
    } catch (error) { put(open, problemNote(error)); }
    return undefined;
}
