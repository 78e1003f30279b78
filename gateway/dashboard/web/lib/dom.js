// Elements. Whatever is a child of one goes in as text, never as markup: a payment's metadata is a stranger's.

// h('p', { class: 'quiet', onclick: fn }, 'text', h('b', null, 'more')). null, undefined and false are left out, as
// children and as properties; true is an attribute without value; names that begin with "on" are listeners.
export function h(tag, props, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(props ?? {})) {
        if (value === null || value === undefined || value === false) continue;
        if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
        else if (name === 'value') made.value = value;
        else made.setAttribute(name, value === true ? '' : String(value));
    }
    add(made, children);
    return made;
}

export function add(to, children) {
    for (const child of children.flat(Infinity)) {
        if (child !== null && child !== undefined && child !== false) to.append(child);
    }
}

export function put(to, ...children) {
    to.replaceChildren();
    add(to, children);
}

// A list of names and values; pairs whose value is missing are left out.
export function facts(pairs, className = 'facts') {
    return h('dl', { class: className }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== '' && value !== false)
        .map(([name, value]) => h('div', null, h('dt', null, name), h('dd', null, value))));
}

// columns: [{ title, cell(row), number }]. What a screen reader hears of it is its caption.
export function table(caption, columns, rows, { empty = 'Nothing to show.', rowProps } = {}) {
    if (rows.length === 0) return h('p', { class: 'quiet empty' }, empty);
    const kind = (column) => (column.number ? 'number' : null);
    return h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
        h('table', null, h('caption', { class: 'hidden' }, caption),
            h('thead', null, h('tr', null, columns.map((c) => h('th', { scope: 'col', class: kind(c) }, c.title)))),
            h('tbody', null, rows.map((row) => h('tr', rowProps?.(row) ?? null,
                columns.map((c, i) => h(i === 0 ? 'th' : 'td', { class: kind(c), scope: i === 0 ? 'row' : null }, c.cell(row))))))));
}

export function section(title, ...children) {
    return h('section', null, h('h2', null, title), children);
}

const GOOD = new Set(['healthy', 'succeeded', 'done', 'authorized', 'approved', 'captured', 'closed', 'delivered', 'live', 'none', 'completed', 'ready', 'resolved', 'ok', 'kept', 'posted', 'balanced', 'yes']);
const BAD = new Set(['down', 'unusable', 'declined', 'declined_soft', 'declined_hard', 'failed', 'open', 'rejected', 'refused', 'invalid', 'dropped', 'critical', 'major', 'exhausted']);
const WAIT = new Set(['degraded', 'processing', 'unknown', 'review', 'requires_action', 'requires_approval', 'half_open', 'drained', 'maintenance', 'scheduled', 'canceled', 'pending', 'unclaimed', 'waiting', 'minor', 'canary', 'shadow']);

// Said by the word, underlined by the colour.
export function badge(word) {
    const kind = GOOD.has(word) ? 'good' : BAD.has(word) ? 'bad' : WAIT.has(word) ? 'warn' : 'plain';
    return h('span', { class: `badge ${kind}` }, String(word).replaceAll('_', ' '));
}

export function problemNote(error) {
    return h('div', { class: 'notice bad', role: 'alert' }, h('strong', null, error.title ?? 'That did not work'),
        h('p', null, error.message), error.next && h('p', null, error.next),
        error.requestId && h('p', { class: 'quiet' }, 'Request ', h('code', null, error.requestId)));
}

// Opens a dialog with a form; resolves with what fn gave, or null when it was left. fields: [{ name, label, type, value,
// required, options, hint }]. fn gets the values; what it throws is shown in the dialog, which then stays.
export function ask({ title, text, fields = [], action, danger = false }, fn) {
    return new Promise((resolve) => {
        const note = h('div', null);
        const inputs = fields.map((field) => inputOf(field));
        const button = h('button', { type: 'submit', class: danger ? 'danger' : 'primary' }, action);
        const form = h('form', { method: 'dialog' }, h('h2', { id: 'ask-title' }, title), text && h('p', null, text),
            inputs.map((i) => i.row), note,
            h('div', { class: 'buttons' }, h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel'), button));
        const dialog = h('dialog', { 'aria-labelledby': 'ask-title' }, form);
        let result = null;
        form.addEventListener('submit', async (event) => {
            event.preventDefault();
            button.disabled = true;
            try {
                result = await fn(Object.fromEntries(inputs.map((i) => [i.name, i.read()])));
                dialog.close();
            } catch (error) {
                put(note, problemNote(error));
                button.disabled = false;
            }
        });
        const back = document.activeElement;
        dialog.addEventListener('close', () => { dialog.remove(); back?.focus?.(); resolve(result); });
        document.body.append(dialog);
        dialog.showModal();
    });
}

let inputNumber = 0;
export function inputOf({ name, label, type = 'text', value, required, options, hint, rows, placeholder }) {
    const id = `input-${++inputNumber}`;
    const shared = { id, name, required, placeholder, 'aria-describedby': hint ? `${id}-hint` : null };
    const control = options
        ? h('select', shared, options.map(([word, text]) => h('option', { value: word, selected: word === value }, text)))
        : type === 'area' ? h('textarea', { ...shared, rows: rows ?? 3, value })
        : type === 'check' ? h('input', { ...shared, type: 'checkbox', checked: value })
        : h('input', { ...shared, type, value, autocomplete: 'off' });
    return {
        name, control, read: () => (type === 'check' ? control.checked : control.value.trim()),
        row: h('div', { class: 'field' }, h('label', { for: id }, label), control, hint && h('small', { id: `${id}-hint` }, hint)),
    };
}
