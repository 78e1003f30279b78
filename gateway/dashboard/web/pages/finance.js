// Finance: trial balance, statements, exports, what routing earned.
import { h, put, table, section, badge, problemNote, inputOf } from '../lib/dom.js';
import { get, post, query } from '../lib/api.js';
import { whose, merchant, isOperator } from '../lib/session.js';
import { major, when, accountOf } from '../lib/format.js';

const first = () => `${new Date().toISOString().slice(0, 7)}-01`;
const tabs = [['', 'Trial balance'], ['statement', 'Statement'], ['exports', 'Exports'], ['earned', 'What routing earned']];

const head = (which) => [h('h1', null, 'Finance'), h('p', { class: 'buttons', role: 'navigation', 'aria-label': 'Finance' }, tabs.map(([path, title]) => h('a', { class: 'button', href: `/dashboard/finance${path && `/${path}`}`, 'aria-current': path === which ? 'page' : null }, title)))];

async function trialBalance(root, params, go) {
    const asOf = inputOf({ name: 'as_of', label: 'As of (UTC)', value: params.get('as_of') ?? '', placeholder: 'now, or 2026-11-01' });
    const basis = inputOf({ name: 'basis', label: 'Basis', value: params.get('basis') ?? '', options: [['', 'recorded'], ['effective', 'effective']] });
    const balance = await get('/v1/ledger/trial-balance', { as_of: params.get('as_of'), basis: params.get('basis'), ...whose() });
    const csv = `/v1/ledger/trial-balance${query({ as_of: params.get('as_of'), basis: params.get('basis'), ...whose() })}`;
    put(root, head(''), h('form', { class: 'filters', onsubmit: (event) => { event.preventDefault(); go(`/dashboard/finance${query({ as_of: asOf.read(), basis: basis.read() })}`); } },
        asOf.row, basis.row, h('div', { class: 'buttons' }, h('button', { type: 'submit', class: 'primary' }, 'Show'), h('button', { type: 'button', onclick: () => download(csv, 'trial-balance.csv') }, 'CSV'))),
    h('p', { class: 'quiet' }, `As of ${when(balance.as_of)} UTC, ${balance.basis}.`),
    section('Totals', table('Totals by currency', [{ title: 'Currency', cell: (t) => t.currency }, { title: 'Debit', number: true, cell: (t) => major(t.debit, t.currency) }, { title: 'Credit', number: true, cell: (t) => major(t.credit, t.currency) },
        { title: '', cell: (t) => badge(t.debit === t.credit ? 'balanced' : 'invalid') }], balance.totals)),
    section('Accounts', table('Accounts', [{ title: 'Account', cell: (a) => h('a', { href: `/dashboard/finance/statement${query({ account: a.account, from: first() })}` }, accountOf(a.account)) }, { title: 'Currency', cell: (a) => a.currency },
        { title: 'Debit', number: true, cell: (a) => major(a.debit, a.currency) }, { title: 'Credit', number: true, cell: (a) => major(a.credit, a.currency) }, { title: 'Balance', number: true, cell: (a) => major(a.balance, a.currency) },
        { title: 'Pending', number: true, cell: (a) => (a.pending_debit || a.pending_credit ? major(a.pending_debit - a.pending_credit, a.currency) : '') }], balance.data, { empty: 'Nothing was booked yet.' })));
}

// The same answer as a file; the API gives CSV by Accept, which a link cannot say.
async function download(path, name) {
    const answer = await fetch(path, { headers: { Accept: 'text/csv' }, cache: 'no-store' });
    if (!answer.ok) return;
    const link = h('a', { href: URL.createObjectURL(await answer.blob()), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function statement(root, params, go) {
    const account = inputOf({ name: 'account', label: 'Account', value: params.get('account') ?? '', required: true, placeholder: 'merchant:sales' });
    const from = inputOf({ name: 'from', label: 'From (UTC)', value: params.get('from') ?? first() });
    const to = inputOf({ name: 'to', label: 'To (UTC)', value: params.get('to') ?? '' });
    const place = h('div');
    put(root, head('statement'), h('form', { class: 'filters', onsubmit: (event) => { event.preventDefault(); go(`/dashboard/finance/statement${query({ account: account.read(), from: from.read(), to: to.read() })}`); } },
        account.row, from.row, to.row, h('div', { class: 'buttons' }, h('button', { type: 'submit', class: 'primary' }, 'Show'))), place);
    if (!params.get('account')) { put(place, h('p', { class: 'quiet empty' }, 'Choose an account: a click on one in the trial balance brings you here.')); return; }
    const asked = { account: params.get('account'), from: params.get('from') ?? first(), to: params.get('to'), limit: 100, starting_after: params.get('starting_after'), ...whose() };
    const list = await get('/v1/ledger/statements', asked);
    put(place, table(`Statement of ${asked.account}`, [{ title: 'Time (UTC)', cell: (l) => when(l.created) }, { title: 'Kind', cell: (l) => l.line && l.line !== 'transfer' ? String(l.line).replaceAll('_', ' ') : l.kind ?? '' },
        { title: 'Payment', cell: (l) => (l.payment ? h('a', { class: 'mono', href: `/dashboard/payments/${l.payment}${isOperator() ? `?merchant=${merchant()}` : ''}` }, l.payment) : '') }, { title: 'Against', cell: (l) => (l.counter_account ? accountOf(l.counter_account) : '') },
        { title: 'Currency', cell: (l) => l.currency ?? '' }, { title: 'Debit', number: true, cell: (l) => (l.debit ? major(l.debit, l.currency) : '') }, { title: 'Credit', number: true, cell: (l) => (l.credit ? major(l.credit, l.currency) : '') },
        { title: 'Balance', number: true, cell: (l) => (l.balance === null || l.balance === undefined ? '' : major(l.balance, l.currency)) }], list.data, { empty: 'No movements in this time.' }),
    h('p', { class: 'buttons' }, h('button', { onclick: () => download(`/v1/ledger/statements${query({ ...asked, starting_after: null })}`, 'statement.csv') }, 'CSV'),
        list.has_more && h('a', { class: 'button', href: `/dashboard/finance/statement${query({ account: asked.account, from: asked.from, to: asked.to, starting_after: list.next })}` }, 'Further')));
}

const WHATS = [['csv', 'transfers as CSV'], ['jsonl', 'transfers as JSON lines'], ['trial-balance', 'trial balance as CSV'], ['attempts-csv', 'attempts as CSV'], ['hledger', 'hledger journal'], ['ledger', 'ledger journal'], ['beancount', 'beancount'], ['camt053', 'camt.053 (bank statement)']];

async function exportsOf(root) {
    const place = h('div', { 'aria-live': 'polite' });
    const note = h('div');
    let timer = null;
    const show = async () => {
        const { data } = await get('/v1/ledger/exports', { limit: 25, ...whose() });
        put(place, table('Exports', [{ title: 'What', cell: (e) => e.what }, { title: 'From', cell: (e) => when(e.from) }, { title: 'To', cell: (e) => when(e.to) }, { title: 'State', cell: (e) => [badge(e.state), e.error && h('div', { class: 'quiet' }, e.error)] },
            { title: 'Rows', number: true, cell: (e) => String(e.rows ?? '') }, { title: 'Bytes', number: true, cell: (e) => String(e.bytes ?? '') },
            { title: '', cell: (e) => (e.made && !e.error ? h('a', { class: 'button', download: true, href: `/v1/ledger/exports/${e.id}/content${query(whose())}` }, 'Download') : '') }], data, { empty: 'None yet.' }));
        clearTimeout(timer);
        if (data.some((e) => !e.made && !e.error)) timer = setTimeout(() => show().catch(() => {}), 1500);
    };
    const inputs = [{ name: 'what', label: 'What', options: WHATS }, { name: 'from', label: 'From (UTC)', value: first(), required: true }, { name: 'to', label: 'To (UTC), not included', placeholder: 'now' }, { name: 'account', label: 'Account (camt.053)' }].map(inputOf);
    put(root, head('exports'), h('form', { class: 'filters', onsubmit: async (event) => {
        event.preventDefault();
        put(note);
        try { await post('/v1/ledger/exports', Object.fromEntries(inputs.map((i) => [i.name, i.read()]).filter(([, v]) => v)), whose()); await show(); } catch (error) { put(note, problemNote(error)); }
    } }, inputs.map((i) => i.row), h('div', { class: 'buttons' }, h('button', { type: 'submit', class: 'primary' }, 'Make the file'))), note, place);
    await show();
    return () => clearTimeout(timer);
}

async function earned(root, params, go) {
    const since = inputOf({ name: 'since', label: 'Since (UTC)', value: params.get('since') ?? first() });
    const report = await get('/v1/reports/routing', { since: params.get('since') ?? first() });
    put(root, head('earned'), h('form', { class: 'filters', onsubmit: (event) => { event.preventDefault(); go(`/dashboard/finance/earned${query({ since: since.read() })}`); } }, since.row, h('div', { class: 'buttons' }, h('button', { type: 'submit', class: 'primary' }, 'Show'))),
        h('p', { class: 'quiet' }, 'Recovered: payments that a later attempt at another account brought in. Saved: against the average of the accounts that could have taken the payment, by their fee tables.'),
        table('What routing earned', [{ title: 'Currency', cell: (r) => r.currency }, { title: 'Payments', number: true, cell: (r) => String(r.payments) }, { title: 'Approved at once', number: true, cell: (r) => String(r.approved_at_once) },
            { title: 'Recovered', number: true, cell: (r) => String(r.recovered.payments) }, { title: 'Recovered amount', number: true, cell: (r) => major(r.recovered.amount, r.currency) },
            { title: 'Saved in fees', number: true, cell: (r) => major(r.fees.below_average, r.currency) }, { title: 'Against the dearest', number: true, cell: (r) => major(r.fees.below_dearest, r.currency) }],
        report.data.filter((r) => !merchant() || r.merchant === merchant()), { empty: 'No payments in this time.' }));
}

export function render(root, { rest, params, go }) {
    if (isOperator() && !merchant()) { put(root, h('h1', null, 'Finance'), h('p', null, 'Choose a merchant above.')); return undefined; }
    const pages = { '': trialBalance, statement, exports: exportsOf, earned };
    return (pages[rest[0] ?? ''] ?? trialBalance)(root, params, go);
}
