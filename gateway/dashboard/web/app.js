// The frame: sign-in, navigation, and which page an address means. Pages are modules of their own, loaded when they are opened.
import { h, put, problemNote } from './lib/dom.js';
import { get } from './lib/api.js';
import * as session from './lib/session.js';

// Each page exports render(root, { path, params, go }) and may return what ends it.
const PAGES = [
    { path: 'providers', title: 'Providers', roles: ['operator', 'finance'], load: () => import('./pages/providers.js') },
    { path: 'levels', title: 'Service levels', roles: ['operator', 'finance'], load: () => import('./pages/levels.js') },
    { path: 'process', title: 'Process', roles: ['operator', 'finance'], load: () => import('./pages/process.js') },
    { path: 'payments', title: 'Payments', roles: ['operator', 'finance'], load: () => import('./pages/payments.js') },
    { path: 'payouts', title: 'Payouts', roles: ['operator', 'finance'], load: () => import('./pages/payouts.js') },
    { path: 'reviews', title: 'Reviews', roles: ['operator', 'finance'], load: () => import('./pages/reviews.js') },
    { path: 'routing', title: 'Routing', roles: ['operator'], load: () => import('./pages/routing.js') },
    { path: 'finance', title: 'Finance', roles: ['operator', 'finance'], load: () => import('./pages/finance.js') },
    { path: 'activity', title: 'Activity', roles: ['operator', 'finance'], load: () => import('./pages/activity.js') },
];
const HOME = { operator: 'providers', finance: 'finance' };

let end = null; // of the page that is shown
let turn = 0;   // a page that comes late is not shown any more

// ---- navigation --------------------------------------------------------------------------------

export function go(address, { replace = false } = {}) {
    history[replace ? 'replaceState' : 'pushState'](null, '', address);
    return show();
}

document.addEventListener('click', (event) => {
    const link = event.target.closest?.('a[href]');
    if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || !url.pathname.startsWith('/dashboard') || link.target || link.hasAttribute('download')) return;
    if (url.pathname === location.pathname && url.search === location.search && url.hash) return;
    event.preventDefault();
    go(url.pathname + url.search);
});
addEventListener('popstate', () => show());
addEventListener('turnpike-signed-out', () => { if (session.current()) location.reload(); });

// ---- frame -------------------------------------------------------------------------------------

const main = h('main', { id: 'main', tabindex: '-1' });

async function merchantChooser() {
    const { data } = await get('/v1/admin/merchants');
    const all = data.flatMap((m) => [[m.id, m.name], [m.test_id, `${m.name} (test)`]]);
    session.nameMerchants(all);
    if (all.length === 0) return null;
    if (!all.some(([id]) => id === session.merchant())) session.chooseMerchant(all[0][0]);
    return h('div', { class: 'field chooser' }, h('label', { for: 'merchant' }, 'Merchant'),
        h('select', { id: 'merchant', onchange: (event) => {
            session.chooseMerchant(event.target.value);
            const now = new URLSearchParams(location.search);
            now.set('merchant', event.target.value);
            for (const gone of ['starting_after', 'ending_before']) now.delete(gone);
            go(`/dashboard/${location.pathname.split('/')[2] ?? ''}?${now}`);
        } }, all.map(([id, name]) => h('option', { value: id, selected: id === session.merchant() }, name))));
}

function navigation(shown) {
    const role = session.current().role;
    return PAGES.filter((page) => page.roles.includes(role))
        .map((page) => h('a', { href: `/dashboard/${page.path}`, 'aria-current': page === shown ? 'page' : null }, page.title));
}

let nav;
async function frame() {
    const { role, merchant_name: name, livemode } = session.current();
    nav = h('nav', { id: 'nav', 'aria-label': 'Pages' });
    const toggle = h('button', { class: 'menu', 'aria-expanded': 'false', 'aria-controls': 'nav', onclick: () => {
        const open = toggle.getAttribute('aria-expanded') !== 'true';
        toggle.setAttribute('aria-expanded', String(open));
        nav.classList.toggle('shown', open);
    } }, 'Menu');
    const chooser = session.isOperator() ? await merchantChooser() : null;
    document.body.replaceChildren(
        h('a', { class: 'skip', href: '#main' }, 'Skip to content'),
        h('header', { class: 'top' }, h('a', { class: 'brand', href: '/dashboard' }, 'Turnpike'), toggle,
            h('div', { class: 'who' }, chooser ?? h('span', null, name ?? '', livemode === false && [' ', h('span', { class: 'badge warn' }, 'test')]),
                h('span', { class: 'quiet' }, role),
                h('button', { onclick: async () => { await session.signOut(); location.assign('/dashboard'); } }, 'Sign out'))),
        h('div', { class: 'frame' }, nav, main));
}

// ---- pages -------------------------------------------------------------------------------------

async function show() {
    const mine = ++turn;
    const [, , name = '', ...rest] = location.pathname.split('/').map(decodeURIComponent);
    const role = session.current().role;
    const page = PAGES.find((p) => p.path === name && p.roles.includes(role));
    if (!page && name === '') return go(`/dashboard/${HOME[role]}`, { replace: true });
    end?.();
    end = null;
    document.title = `${page?.title ?? 'Not found'} - Turnpike`;
    put(nav, navigation(page));
    nav.classList.remove('shown');
    document.querySelector('.menu')?.setAttribute('aria-expanded', 'false');
    const root = h('div', { class: 'page' });
    put(main, root);
    if (!page) {
        put(root, h('h1', null, 'Not found'), h('p', null, 'There is no such page, or your key may not see it.'));
        return;
    }
    try {
        const module = await page.load();
        if (mine !== turn) return;
        const ends = await module.render(root, { rest, params: new URLSearchParams(location.search), go });
        if (mine === turn) end = ends ?? null;
        else ends?.();
        if (mine === turn && document.activeElement === document.body) main.focus({ preventScroll: true });
    } catch (error) {
        if (mine !== turn) return;
        put(root, h('h1', null, page.title), problemNote(error), h('button', { onclick: () => show() }, 'Try again'));
    }
}

// ---- sign-in -----------------------------------------------------------------------------------

function signInPage() {
    const note = h('div', { 'aria-live': 'assertive' });
    const key = h('input', { id: 'key', type: 'password', required: true, autocomplete: 'current-password', spellcheck: 'false', placeholder: 'tpk_...' });
    const button = h('button', { type: 'submit', class: 'primary' }, 'Sign in');
    const form = h('form', { class: 'sign-in', onsubmit: async (event) => {
        event.preventDefault();
        button.disabled = true;
        try {
            await session.signIn(key.value.trim());
            await start();
        } catch (error) {
            put(note, problemNote(error));
            button.disabled = false;
            key.focus();
        }
    } }, h('h1', null, 'Turnpike'), h('p', { class: 'quiet' }, 'Sign in with an operator\u2019s or finance key. It is sent once and not kept by this browser.'),
    h('input', { class: 'hidden', type: 'text', autocomplete: 'username', value: 'turnpike', tabindex: '-1', 'aria-hidden': 'true' }),
    h('div', { class: 'field' }, h('label', { for: 'key' }, 'Key'), key), note, button);
    document.body.replaceChildren(h('main', { id: 'main', class: 'alone' }, form));
    document.title = 'Sign in - Turnpike';
    key.focus();
}

async function start() {
    try {
        if (!session.current() && !(await session.load())) { signInPage(); return; }
        await frame();
    } catch (error) {
        document.body.replaceChildren(h('main', { class: 'alone' }, problemNote(error), h('button', { onclick: () => start() }, 'Try again')));
        return;
    }
    await show();
}
start();
