// Lists: filters that stand in the address, views that are kept, pages by cursor.
import { h, put, table, inputOf, problemNote } from './dom.js';
import { get } from './api.js';
import { whose } from './session.js';

const kept = (name) => { try { return JSON.parse(localStorage.getItem(`turnpike.views.${name}`)) ?? []; } catch { return []; } };
const keep = (name, views) => localStorage.setItem(`turnpike.views.${name}`, JSON.stringify(views));
const NOT_A_FILTER = new Set(['starting_after', 'ending_before', 'merchant']);

// query: what is asked of the API, from what stands in the address. filters: [{ name, label, type, options }]; columns as of table(); path: of the list in the API.
export async function listPage(root, { name, title, path, filters, columns, go, params, fixed = {}, empty, idOf = (row) => row.id, intro, query = (all) => ({ ...all, ...whose() }) }) {
    const values = Object.fromEntries(filters.map((f) => [f.name, params.get(f.name) ?? '']));
    const address = (query) => `${location.pathname}${query.toString() ? `?${query}` : ''}`;
    const others = () => { const now = new URLSearchParams(); if (params.get('merchant')) now.set('merchant', params.get('merchant')); return now; };

    const inputs = filters.map((f) => inputOf({ ...f, value: values[f.name] }));
    const form = h('form', { class: 'filters', role: 'search', onsubmit: (event) => {
        event.preventDefault();
        const now = others();
        for (const input of inputs) if (input.read() !== '') now.set(input.name, input.read());
        go(address(now));
    } }, inputs.map((i) => i.row), h('div', { class: 'buttons' }, h('button', { type: 'submit', class: 'primary' }, 'Search'),
        h('button', { type: 'button', onclick: () => go(address(others())) }, 'Clear')));

    const views = h('div', { class: 'views' });
    const showViews = () => put(views, kept(name).map((view) => h('span', { class: 'view' }, h('a', { href: `${location.pathname}?${view.query}` }, view.name),
        h('button', { 'aria-label': `Forget the view ${view.name}`, onclick: () => { keep(name, kept(name).filter((v) => v.name !== view.name)); showViews(); } }, '\u00d7'))),
    inputs.some((i) => i.read() !== '') && h('button', { onclick: () => saveView() }, 'Save this view'));
    const saveView = () => {
        const input = inputOf({ name: 'view', label: 'Name of the view', required: true });
        const save = h('form', { class: 'buttons', onsubmit: (event) => {
            event.preventDefault();
            const now = new URLSearchParams([...params].filter(([key]) => !NOT_A_FILTER.has(key)));
            keep(name, [...kept(name).filter((v) => v.name !== input.read()), { name: input.read(), query: now.toString() }]);
            showViews();
        } }, h('label', { for: input.control.id }, 'Name'), input.control, h('button', { type: 'submit' }, 'Save'));
        put(views, save);
        input.control.focus();
    };
    showViews();

    const place = h('div', { 'aria-live': 'polite' }, h('p', { class: 'quiet' }, 'Loading'));
    put(root, h('div', { class: 'head' }, h('h1', null, title)), intro, filters.length > 0 && [form, views], place);
    const asked = Object.fromEntries([...params].filter(([, v]) => v !== ''));
    try {
        const list = await get(path, { limit: 25, ...fixed, ...query(asked) });
        const turn = (key, id, text) => { const now = new URLSearchParams(params); NOT_A_FILTER.forEach((k) => k !== 'merchant' && now.delete(k)); if (id) now.set(key, id); return h('a', { class: 'button', href: address(now) }, text); };
        const last = list.data.at(-1);
        put(place, table(title, columns, list.data, { empty }),
            h('p', { class: 'buttons pages' }, params.get('starting_after') && turn('', null, 'Newest'), list.has_more && last && turn('starting_after', list.next ?? idOf(last), 'Older')));
    } catch (error) {
        put(place, problemNote(error));
    }
}
