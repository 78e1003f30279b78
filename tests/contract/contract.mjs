// contract.mjs - requests and answers against the OpenAPI document, which the binary itself prints.
//
// The document leaves answers open, so that clients go on when members are added. Here they are closed: a member, a
// status, a header or a content type that the document does not know is a violation, and so is a request that was
// taken although the document forbids it.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = path.dirname(fileURLToPath(import.meta.url));
const components = '#/components/schemas/';

// What every answer has, whatever it is of: the connection's, and what the document says in words.
const everywhere = new Set(['date', 'connection', 'keep-alive', 'content-type', 'content-length', 'transfer-encoding',
    'cache-control', 'strict-transport-security', 'x-content-type-options', 'x-accel-buffering']);
// What the HTTP layer refuses before anybody asks for which operation: `default`.
const refusals = new Set([400, 408, 411, 413, 414, 417, 431, 501, 503, 505]);

// The schema with other references, and (of answers) without room for what it does not name.
function rewrite(value, isClosed) {
    if (Array.isArray(value)) return value.map((one) => rewrite(one, isClosed));
    if (value === null || typeof value !== 'object') return value;
    const made = {};
    for (const [name, inner] of Object.entries(value)) {
        made[name] = name === '$ref' && inner.startsWith(components) ? `#/$defs/${inner.slice(components.length)}` : rewrite(inner, isClosed);
    }
    if (isClosed && made.properties && typeof made.properties === 'object' && made.additionalProperties === undefined) made.additionalProperties = false;
    return made;
}

// What stands in a query or path is text: the number that it is, where the schema wants one.
function valueOf(text, schema) {
    if (schema.type === 'integer') return /^-?[0-9]+$/.test(text) ? Number(text) : text;
    if (schema.type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
    return text;
}

export class Contract {
    constructor(document) {
        const require = createRequire(path.join(folder, 'package.json'));
        const Ajv = require('ajv/dist/2020').default;
        this.document = document;
        this.compiled = new Map();
        this.ajv = new Ajv({ strict: true, allowUnionTypes: true, allErrors: false, validateFormats: true });
        require('ajv-formats').default(this.ajv);
        this.ajv.addVocabulary(['example']);
        for (const [name, isClosed] of [['answers', true], ['requests', false]]) {
            this.ajv.addSchema({ $id: name, $defs: rewrite(document.components.schemas, isClosed) });
        }
        this.operations = [];
        for (const [template, item] of Object.entries(document.paths)) {
            for (const [method, operation] of Object.entries(item)) {
                this.operations.push({ template, segments: template.split('/'), method: method.toUpperCase(), id: operation.operationId,
                    operation: { ...operation, parameters: operation.parameters.map((one) => this.resolve(one)) } });
            }
        }
        // Where two templates fit, the one that says more is meant, as in the gateway's own table.
        this.operations.sort((a, b) => a.template.split('{').length - b.template.split('{').length);
    }
    // As `turnpike openapi` prints it.
    static of(binary) {
        const installed = spawnSync(path.join(folder, 'modules.sh'), { encoding: 'utf8' });
        if (installed.status !== 0) throw new Error(installed.stderr);
        const printed = spawnSync(binary, ['openapi'], { encoding: 'utf8', maxBuffer: 64 << 20 });
        if (printed.status !== 0) throw new Error(`turnpike openapi: ${printed.stderr}`);
        return new Contract(JSON.parse(printed.stdout));
    }
    resolve(thing) {
        if (!thing.$ref) return thing;
        return thing.$ref.slice(2).split('/').reduce((at, step) => at[step], this.document);
    }
    fits(operation, pathname) {
        const given = pathname.split('/');
        return given.length === operation.segments.length &&
            operation.segments.every((segment, i) => (segment.startsWith('{') ? given[i] !== '' : segment === given[i]));
    }
    // The operation that a request means; { others } where the path takes only other methods.
    find(method, pathname) {
        const fitting = this.operations.filter((one) => this.fits(one, pathname));
        const wanted = method === 'HEAD' ? 'GET' : method;
        return { operation: fitting.find((one) => one.method === wanted), others: fitting };
    }
    // Undefined, or what is wrong with the value.
    judge(schema, value, of) {
        const key = of + JSON.stringify(schema);
        let check = this.compiled.get(key);
        if (!check) {
            const absolute = JSON.parse(JSON.stringify(rewrite(schema, of === 'answers')), (name, inner) => (name === '$ref' ? `${of}${inner}` : inner));
            this.compiled.set(key, check = this.ajv.compile(absolute));
        }
        if (check(value)) return undefined;
        const [error] = check.errors;
        const extra = error.params.additionalProperty ?? error.params.unevaluatedProperty;
        return `${error.instancePath || 'the body'} ${error.message}${extra ? ` (${extra})` : ''}${error.params.allowedValues ? ` ${JSON.stringify(error.params.allowedValues)}` : ''}`;
    }
    // ---- answers -----------------------------------------------------------------------------
    headers(response, answer) {
        const known = new Set(Object.keys(response.headers ?? {}).map((name) => name.toLowerCase()));
        for (const name of Object.keys(answer.headers)) {
            if (!everywhere.has(name) && !known.has(name)) return `the header ${name} is not in the document`;
        }
        for (const [name, header] of Object.entries(response.headers ?? {})) {
            const { required, schema } = this.resolve(header);
            const text = answer.headers[name.toLowerCase()];
            if (text === undefined) {
                if (required) return `the header ${name} is missing`;
                continue;
            }
            const wrong = this.judge(schema, Array.isArray(text) ? text[0] : valueOf(text, schema), 'answers');
            if (wrong) return `the header ${name}: ${wrong}`;
        }
        return undefined;
    }
    problem(answer, response) {
        if (answer.json?.status !== answer.status) return `its status is ${answer.json?.status}`;
        const examples = response.content['application/problem+json'].examples ?? {};
        if (!examples[answer.json.code]) return `the code ${answer.json.code} is not one of this status (${Object.keys(examples).join(', ')})`;
        const { retryable } = examples[answer.json.code].value;
        return retryable === answer.json.retryable ? undefined : `retryable is ${answer.json.retryable}`;
    }
    body(response, answer, isHead) {
        const type = (answer.headers['content-type'] ?? '').split(';')[0].trim();
        if (!response.content) return answer.raw === '' ? undefined : 'it has a body and the document knows none';
        const media = response.content[type] ?? response.content['*/*'];
        if (!media) return `the content type ${type || '(none)'} is not in the document`;
        if (isHead || !type.endsWith('json')) return undefined;
        if (answer.json === undefined) return 'the body is not JSON';
        if (!media.schema) return undefined;
        const wrong = this.judge(media.schema, answer.json, 'answers');
        return wrong ?? (type === 'application/problem+json' ? this.problem(answer, response) : undefined);
    }
    answer(operation, answer, isHead) {
        const { responses } = operation.operation;
        const found = responses[answer.status] ?? (refusals.has(answer.status) ? responses.default : undefined);
        if (!found) return 'this status is not in the document';
        const isRefusal = refusals.has(answer.status) && responses.default !== undefined &&
            answer.json?.code !== undefined && !this.hasCode(responses[answer.status], answer.json.code);
        const response = this.resolve(isRefusal ? responses.default : found);
        return this.headers(response, answer) ?? this.body(response, answer, isHead);
    }
    hasCode(response, code) {
        return response !== undefined && this.resolve(response).content?.['application/problem+json']?.examples?.[code] !== undefined;
    }
    // An address, or a method of it, that no operation has.
    stranger(others, answer) {
        const status = others.length > 0 ? 405 : 404;
        if (answer.status === 401 || answer.status === 429 || refusals.has(answer.status)) return this.loose(answer);
        if (answer.status !== status) return `no operation of the document has this address and method: ${status} was to be expected`;
        if (status === 405 && answer.headers.allow === undefined) return 'the header Allow is missing';
        return this.loose(answer);
    }
    loose(answer) {
        if (answer.headers['content-type'] !== 'application/problem+json') return `the content type is ${answer.headers['content-type']}`;
        return answer.raw === '' ? undefined : this.judge({ $ref: `${components}Problem` }, answer.json, 'answers');
    }
    // ---- requests ----------------------------------------------------------------------------
    query(operation, url) {
        const known = new Map(operation.operation.parameters.filter((one) => one.in === 'query').map((one) => [one.name, one]));
        for (const [name, text] of url.searchParams) {
            if (!known.has(name)) return `the query parameter ${name} is not in the document`;
            const { schema } = known.get(name);
            const wrong = this.judge(schema, valueOf(text, schema), 'requests');
            if (wrong) return `the query parameter ${name}: ${wrong}`;
        }
        for (const [name, { required }] of known) {
            if (required && !url.searchParams.has(name)) return `the query parameter ${name} is missing`;
        }
        return undefined;
    }
    path(operation, url) {
        const given = url.pathname.split('/');
        for (const [at, segment] of operation.segments.entries()) {
            if (!segment.startsWith('{')) continue;
            const parameter = operation.operation.parameters.find((one) => one.in === 'path' && `{${one.name}}` === segment);
            const wrong = this.judge(parameter.schema, valueOf(given[at], parameter.schema), 'requests');
            if (wrong) return `the path's ${segment}: ${wrong}`;
        }
        return undefined;
    }
    sent(operation, { text, type }) {
        const { requestBody } = operation.operation;
        if (!requestBody) return text === undefined || text === '' || text === '{}' ? undefined : 'a body was taken, and the document knows none';
        if (text === undefined || text === '') return requestBody.required ? 'no body was sent, and one is required' : undefined;
        const media = requestBody.content[(type ?? '').split(';')[0].trim()];
        if (!media) return `a body of type ${type} was taken`;
        if (operation.id === 'createPayoutBatch') return undefined; // its rows are judged one by one, and wrong ones are left out
        let value;
        try { value = JSON.parse(text); } catch { return undefined; } // not JSON by its type: CSV
        return this.judge(media.schema, value, 'requests');
    }
    // What the document forbids and was taken all the same.
    request(operation, request, url) {
        for (const one of operation.operation.parameters) {
            if (one.in === 'header' && one.required && request.headers[one.name.toLowerCase()] === undefined) return `the header ${one.name} is missing`;
        }
        return this.path(operation, url) ?? this.query(operation, url) ?? this.sent(operation, request);
    }
    // request: { method, url, headers (lower case), text, type }; answer: { status, headers, raw, json }.
    // Undefined when the document agrees; else one line. What other addresses serve than the API is not looked at.
    check(request, answer) {
        const url = new URL(request.url);
        if (!url.pathname.startsWith('/v1/') && url.pathname !== '/openapi.json') return undefined;
        const { operation, others } = this.find(request.method, url.pathname);
        const isHead = request.method === 'HEAD';
        const wrong = operation
            ? this.answer(operation, answer, isHead) ??
              (answer.status < 300 && this.request(operation, request, url) ? `it was taken, although ${this.request(operation, request, url)}` : undefined)
            : this.stranger(others, answer);
        return wrong && `${request.method} ${url.pathname}${url.search} (${operation?.id ?? 'no operation'}) ${answer.status}: ${wrong}`;
    }
}
