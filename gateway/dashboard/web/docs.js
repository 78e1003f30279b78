// The API reference: /openapi.json of this gateway, as a page. What the document does not say is not here either.
import { h, put, table } from './lib/dom.js';

let all;
const named = (ref) => ref.split('/').pop();
const resolve = (thing) => (thing?.$ref ? thing.$ref.slice(2).split('/').reduce((at, step) => at[step], all) : thing);

// "Words in `this form`": the one markup that the document's texts have.
const prose = (text) => (text ?? '').split('`').map((part, i) => (i % 2 ? h('code', null, part) : part));
const link = (name) => h('a', { href: `#${name}` }, h('code', null, name));

function typeOf(schema) {
    if (!schema) return '';
    if (schema.$ref) return link(named(schema.$ref));
    const type = [].concat(schema.type ?? []).join(' or ');
    if (schema.items) return [schema.items.$ref ? 'list of ' : `list of ${schema.items.type}s`, schema.items.$ref ? link(named(schema.items.$ref)) : ''];
    return schema.format && schema.format !== 'int64' ? `${type} (${schema.format})` : type;
}
function boundsOf(schema) {
    const said = [];
    if (schema.enum) said.push('one of ', ...schema.enum.flatMap((word, i) => [i ? ', ' : '', h('code', null, word)]));
    if (schema.minLength > 0 && schema.minLength === schema.maxLength) said.push(`${schema.maxLength} characters`);
    else if (schema.minLength > 1 || schema.maxLength) said.push(`${schema.minLength ?? 0} to ${schema.maxLength ?? 'any number of'} characters`);
    if (schema.minimum !== undefined) said.push(schema.maximum === undefined ? `from ${schema.minimum}` : `${schema.minimum} to ${schema.maximum}`);
    if (schema.maxItems) said.push(`at most ${schema.maxItems}`);
    return said;
}

// Two columns, so that a phone has room for the words.
const described = (caption, title, rows, empty) => table(caption, [
    { title, cell: (one) => [h('code', null, one.name), h('small', { class: 'type' }, one.where, typeOf(one.schema), one.needed ? ', needed' : '')] },
    { title: 'Meaning', cell: (one) => [h('div', null, prose(one.text)), h('small', null, boundsOf(one.schema))] },
], rows, { empty });
const members = (caption, schema) => described(caption, 'Member', Object.entries(schema.properties ?? {})
    .map(([name, one]) => ({ name, where: '', schema: one, needed: schema.required?.includes(name), text: one.description })), 'Any members.');

// ---- examples ----------------------------------------------------------------------------------

// The examples that the document has, put together: of needed members and of those that have one.
function exampleOf(schema, depth = 0) {
    const one = resolve(schema);
    if (one.examples) return one.examples[0];
    if (one.enum) return one.enum[0];
    if (one.properties && depth < 5) {
        return Object.fromEntries(Object.entries(one.properties).filter(([name, inner]) => one.required?.includes(name) || inner.examples || resolve(inner).properties)
            .map(([name, inner]) => [name, exampleOf(inner, depth + 1)]).filter(([, value]) => value !== undefined && !(typeof value === 'object' && Object.keys(value).length === 0)));
    }
    if (one.items && one.minItems) return [exampleOf(one.items, depth + 1)];
    return { integer: one.minimum ?? 1, boolean: true }[one.type];
}
function curlOf(method, path, operation) {
    const media = operation.requestBody?.content['application/json'];
    const body = media && (media.examples ? Object.values(media.examples)[0].value : exampleOf(media.schema));
    if (body?.reference) body.reference += `-${crypto.randomUUID().slice(0, 8)}`; // of one payment only
    const lines = [`curl --cacert "$TURNPIKE_CA_FILE" -H "Authorization: Bearer $(cat "$TURNPIKE_KEY_FILE")"`];
    if (method !== 'get') lines.push(`-X ${method.toUpperCase()}`);
    if (operation.parameters.some((p) => p.$ref?.endsWith('/IdempotencyKey'))) lines.push(`-H "Idempotency-Key: ${crypto.randomUUID()}"`); // run twice, it does its work once
    if (body) lines.push(`-H 'Content-Type: application/json' -d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`);
    lines.push(`"$TURNPIKE_URL${path}"`);
    return lines.join(' \\\n  ');
}

// ---- one operation -----------------------------------------------------------------------------

const rolesOf = (operation) => [...new Set(operation.security.flatMap((way) => Object.values(way).flat()))];

function problemsOf(status, response) {
    const codes = Object.keys(response.content?.['application/problem+json']?.examples ?? {});
    return codes.flatMap((code, i) => [i ? ', ' : '', h('a', { href: `/problems/${code}` }, h('code', null, code))]);
}
function answersOf(operation) {
    return table('Answers', [
        { title: 'Status', cell: ([status]) => status },
        { title: 'Body', cell: ([status, answer]) => {
            const response = resolve(answer);
            const media = Object.entries(response.content ?? {});
            if (media.length === 0) return 'none';
            return media[0][0] === 'application/problem+json' ? problemsOf(status, response) : media.flatMap(([type, { schema }], i) => [i ? ', or ' : '', schema?.$ref ? link(named(schema.$ref)) : h('code', null, type)]);
        } },
        { title: 'Headers', cell: ([, answer]) => Object.keys(resolve(answer).headers ?? {}).filter((name) => name !== 'Request-Id').join(', ') },
    ], Object.entries(operation.responses));
}
function operationOf(path, method, operation) {
    const parameters = operation.parameters.map(resolve);
    const media = operation.requestBody?.content['application/json'];
    const roles = rolesOf(operation);
    return h('section', { id: operation.operationId, class: 'card operation', 'data-text': `${method} ${path} ${operation.operationId} ${operation.summary}`.toLowerCase() },
        h('h3', null, h('a', { href: `#${operation.operationId}` }, h('code', null, `${method.toUpperCase()} ${path}`))),
        h('p', null, operation.summary, '. ', h('span', { class: 'quiet' }, roles.length ? `For ${roles.join(', ')} keys.` : 'No key is needed.')),
        parameters.length > 0 && described('Parameters', 'Parameter', parameters.map((p) => ({ name: p.name, where: `${p.in}, `, schema: p.schema, needed: p.required, text: p.description }))),
        media && h('div', null, h('h4', null, 'Body: ', link(named(media.schema.$ref)))),
        h('h4', null, 'Example'), h('pre', { tabindex: '0' }, curlOf(method, path, operation)),
        h('details', null, h('summary', null, 'Answers'), answersOf(operation)));
}

// ---- the page ----------------------------------------------------------------------------------

function render() {
    const operations = Object.entries(all.paths).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ path, method, operation })));
    const tags = [...new Set(operations.map(({ operation }) => operation.tags[0]))];
    const sections = operations.map(({ path, method, operation }) => operationOf(path, method, operation));
    const none = h('p', { class: 'quiet empty', hidden: true }, 'Nothing fits.');
    const search = h('input', { id: 'search', type: 'search', placeholder: 'refund, /v1/payouts', oninput: () => {
        const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
        for (const one of sections) one.hidden = !words.every((word) => one.dataset.text.includes(word));
        for (const group of document.querySelectorAll('.group')) group.hidden = [...group.querySelectorAll('.operation')].every((one) => one.hidden);
        none.hidden = sections.some((one) => !one.hidden);
    } });
    put(document.querySelector('main'),
        h('h1', null, 'API reference'), h('p', null, prose(all.info.description)),
        h('p', null, 'The same for programs: ', h('a', { href: '/openapi.json' }, '/openapi.json'), '. Errors: ', h('a', { href: '/problems' }, '/problems'), '. The examples take ', h('code', null, 'TURNPIKE_URL'), ', ', h('code', null, 'TURNPIKE_CA_FILE'), ' and ', h('code', null, 'TURNPIKE_KEY_FILE'), ' from the environment.'),
        h('div', { class: 'field' }, h('label', { for: 'search' }, 'Find an operation'), search), none,
        tags.map((tag) => h('section', { class: 'group' }, h('h2', null, tag[0].toUpperCase() + tag.slice(1)), sections.filter((_, i) => operations[i].operation.tags[0] === tag))),
        h('h2', null, 'Objects'), Object.entries(all.components.schemas).map(([name, schema]) => h('section', { id: name, class: 'card' }, h('h3', null, h('code', null, name)), h('p', null, prose(schema.description)), members(name, schema))));
    if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

try {
    all = await (await fetch('/openapi.json')).json();
    render();
} catch (error) {
    put(document.querySelector('main'), h('div', { class: 'notice bad', role: 'alert' }, `The reference cannot be read: ${error.message}. Load the page again.`));
}
