// What people did, and what came of it: the audit log.
import { h, badge } from '../lib/dom.js';
import { isOperator, whose } from '../lib/session.js';
import { when } from '../lib/format.js';
import { listPage } from '../lib/list.js';

const words = (action) => action.replace(/([A-Z])/g, ' $1').toLowerCase();
const told = (data) => Object.entries(data).filter(([name]) => name !== 'reason').map(([name, value]) => `${name.replaceAll('_', ' ')} ${value}`).join(', ');

// A link where there is a page of it.
function subject(id, merchant) {
    const page = { pay_: 'payments', pyt_: 'payouts', rev_: 'reviews' }[id?.slice(0, 4)];
    if (!page) return id ? h('code', null, id) : '';
    return h('a', { class: 'mono', href: `/dashboard/${page}/${id}${isOperator() && merchant ? `?merchant=${merchant}` : ''}` }, id);
}

export function render(root, context) {
    const scope = { name: 'of', label: 'Done for', options: [['', 'everybody'], ['merchant', 'the merchant above']] };
    return listPage(root, {
        ...context, name: 'activity', title: 'Activity', path: '/v1/audit',
        query: ({ of, merchant, ...rest }) => ({ ...rest, ...(of === 'merchant' ? whose() : {}) }), // finance sees its own in any case
        filters: [...(isOperator() ? [scope] : []), { name: 'actor', label: 'Who', placeholder: 'key_... or cli:name' }, { name: 'subject', label: 'Of what', placeholder: 'pay_...' },
            { name: 'outcome', label: 'Came to', options: [['', 'any'], ...['done', 'refused', 'failed', 'unknown'].map((word) => [word, word])] },
            { name: 'created_from', label: 'From (UTC)', placeholder: '2026-11-01' }, { name: 'created_to', label: 'To (UTC)' }],
        columns: [
            { title: 'Time (UTC)', cell: (a) => when(a.created) }, { title: 'Who', cell: (a) => [a.actor && h('code', null, a.actor), ` ${a.role}`] },
            { title: 'What', cell: (a) => words(a.action) }, { title: 'Of', cell: (a) => subject(a.subject, a.merchant) },
            { title: 'Came to', cell: (a) => [badge(a.outcome), a.code ? ` ${a.code.replaceAll('_', ' ')}` : '', a.result && a.result !== a.subject ? [' ', subject(a.result, a.merchant)] : ''] },
            { title: 'Asked for', cell: (a) => told(a.data) }, { title: 'Reason', cell: (a) => a.data.reason ?? '' },
        ],
        empty: 'Nobody did anything that fits.',
    });
}
