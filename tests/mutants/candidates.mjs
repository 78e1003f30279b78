/*
 * candidates.mjs - every mutant that the operators make of one C file, found in clang's syntax tree.
 *
 * A mutant is {file, line, column, function, operator, begin, end, before, after}: octets [begin, end) of the
 * file become `after`. Its id is file:line:column:operator. Only what is written in the file itself is
 * changed: what a macro's arguments hold (CHECK, STR, HAS_BUG) and what a header declares is left alone, so
 * assertions are not mutated. The table of operators is in docs/safety.md.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const BOUNDARY = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' };
const SWAP = { '<': '>=', '<=': '>', '>': '<=', '>=': '<', '==': '!=', '!=': '==' };
const LOGIC = { '&&': '||', '||': '&&' };
const ARITHMETIC = { '+': '-', '-': '+', '*': '/', '/': '*', '%': '/', '+=': '-=', '-=': '+=', '*=': '/=', '/=': '*=' };
const BITS = { '&': '|', '|': '&', '<<': '>>', '>>': '<<', '&=': '|=', '|=': '&=' };
const STEP = { '++': '--', '--': '++' };
const NOT_REMOVED = /^(\(void\)\s*)?(log_|metrics?_|tally_|snprintf\(err)/;

class Reader {
    constructor(file, flags) {
        this.file = file;
        this.text = readFileSync(file, 'latin1');
        this.lines = [0];
        for (let i = 0; i < this.text.length; i++) if (this.text[i] === '\n') this.lines.push(i + 1);
        this.here = null;      // file of the last location told; clang names it only when it changes
        this.function = null;  // null: a table
        this.returns = '';
        this.enums = new Map(); // id of a constant -> its name's neighbour, or null for one without a named enum
        this.found = new Map();
        this.ids = new Set();
        const out = spawnSync('clang', ['-fsyntax-only', '-w', '-Xclang', '-ast-dump=json', ...flags, file],
            { maxBuffer: 1 << 30, encoding: 'latin1' });
        if (out.status !== 0) throw new Error(`clang does not read ${file}: ${out.stderr.slice(0, 400)}`);
        this.visit(JSON.parse(out.stdout), null);
    }

    // ---- places ---------------------------------------------------------------------------------

    see(location) { // sets .at = the file a location is in
        if (!location) return;
        if (location.spellingLoc) this.see(location.spellingLoc);
        if (location.expansionLoc) this.see(location.expansionLoc);
        if (location.file) this.here = location.file;
        if (location.offset !== undefined) location.at = this.here;
    }

    /* Octet of a location, or -1 when it is not plainly in the file: a macro that takes no arguments counts as a word. */
    offset(location, end) {
        let place = location;
        if (location?.expansionLoc) {
            place = location.expansionLoc;
            if (place.offset !== undefined && /^\s*\(/.test(this.text.slice(place.offset + place.tokLen, place.offset + place.tokLen + 4)))
                return -1;
        }
        if (place?.offset === undefined || place.at !== this.file) return -1;
        return place.offset + (end ? place.tokLen : 0);
    }

    span(node) {
        const begin = this.offset(node?.range?.begin, false);
        const end = this.offset(node?.range?.end, true);
        return begin < 0 || end <= begin ? null : { begin, end, text: this.text.slice(begin, end) };
    }

    // ---- making mutants -------------------------------------------------------------------------

    add(operator, begin, end, after) {
        let low = 0, high = this.lines.length;
        while (high - low > 1) { const middle = (low + high) >> 1; if (this.lines[middle] <= begin) low = middle; else high = middle; }
        const before = this.text.slice(begin, end);
        const key = `${begin}:${end}:${after}`;
        const line = low + 1, column = begin - this.lines[low] + 1;
        const id = `${this.file}:${line}:${column}:${operator}`;
        if (before === after || this.found.has(key) || this.ids.has(id)) return;
        this.ids.add(id);
        this.found.set(key, { id, file: this.file, line, column,
            function: this.function ?? '(table)', operator, begin, end, before, after });
    }

    /* Between two operands stand the operator, blanks, brackets, comments. */
    binary(node, left, right) {
        const a = this.span(left), b = this.span(right), opcode = node.opcode;
        if (!a || !b) return;
        const between = this.text.slice(a.end, b.begin);
        const at = between.replace(/\/\*.*?\*\//gs, (m) => ' '.repeat(m.length)).indexOf(opcode);
        if (at < 0) return;
        const put = (name, table) => { if (table[opcode]) this.add(name, a.end + at, a.end + at + opcode.length, table[opcode]); };
        const isPointer = /[*\]]/.test(left.type?.qualType ?? '') || /[*\]]/.test(right.type?.qualType ?? '');
        put('boundary', isPointer ? {} : BOUNDARY);
        put('relation', SWAP);
        put('logic', LOGIC);
        put('arithmetic', isPointer ? {} : ARITHMETIC);
        put('bits', BITS);
    }

    condition(node) {
        const s = this.span(node);
        if (s) this.add('negate', s.begin, s.end, `!(${s.text})`);
    }

    statement(node) {
        let inner = node;
        while (inner && /CastExpr|ParenExpr/.test(inner.kind)) inner = inner.inner?.[0];
        const isRemovable = /^(CallExpr|CompoundAssignOperator|BreakStmt|ContinueStmt)$/.test(inner?.kind) ||
            (inner?.kind === 'BinaryOperator' && inner.opcode === '=') ||
            (inner?.kind === 'UnaryOperator' && STEP[inner.opcode]) ||
            (inner?.kind === 'ReturnStmt' && !inner.inner);
        const s = isRemovable && this.span(node);
        if (s && this.function && !NOT_REMOVED.test(s.text))
            this.add(/Break|Continue/.test(inner.kind) ? 'jump' : 'remove', s.begin, s.end, '');
    }

    returned(node) {
        const s = this.span(node.inner?.[0]);
        if (!s) return;
        const put = (operator, after) => this.add(operator, s.begin, s.end, after);
        if (/^(_Bool|bool)$/.test(this.returns))
            put('return', s.text === 'true' ? 'false' : s.text === 'false' ? 'true' : `!(${s.text})`);
        else if (/\*/.test(this.returns))
            put('return', 'NULL');
        else if (/^(u?int\d*(_t)?|size_t|unsigned|long|enum )/.test(this.returns))
            put('return', s.text === '0' ? '1' : '0');
    }

    call(node) {
        const [, ...args] = node.inner ?? [];
        for (let i = 0; i + 1 < args.length; i++) {
            const a = this.span(args[i]), b = this.span(args[i + 1]);
            if (!a || !b || a.end > b.begin || a.text === b.text) continue;
            if (args[i].type?.qualType !== args[i + 1].type?.qualType || /^"/.test(a.text)) continue;
            this.add('arguments', a.begin, b.end, b.text + this.text.slice(a.end, b.begin) + a.text);
        }
    }

    constant(node) {
        const s = this.span(node);
        if (!s) return;
        if (node.kind === 'IntegerLiteral') {
            if (/^(true|false)$/.test(s.text)) {
                this.add('negate', s.begin, s.end, s.text === 'true' ? 'false' : 'true');
                return;
            }
            if (!/^(\d|(INT|UINT|SIZE)[\w]*_(MIN|MAX)$|[A-Z]\w*_MAX$)/.test(s.text)) return; // NULL, STR_NONE
            const value = Number.parseInt(s.text, s.text.startsWith('0x') ? 16 : 10);
            this.add('plus-one', s.begin, s.end, value === 0 ? '1' : `(${s.text} + 1)`);
            if (value > 0) this.add('minus-one', s.begin, s.end, value === 1 ? '0' : `(${s.text} - 1)`);
            return;
        }
        const neighbour = this.enums.get(node.referencedDecl.id);
        if (neighbour) this.add('enum', s.begin, s.end, neighbour);
        else if (neighbour === null) this.add('plus-one', s.begin, s.end, `(${s.text} + 1)`);
    }

    // ---- walking --------------------------------------------------------------------------------

    visit(node, parent) {
        if (!node || !node.kind) return;
        if (node.loc) this.see(node.loc);
        if (node.range) { this.see(node.range.begin); this.see(node.range.end); }
        if (node.kind === 'EnumDecl') this.learn(node);
        const outer = [this.function, this.returns];
        if (node.kind === 'FunctionDecl') {
            this.function = node.name;
            this.returns = node.type.qualType.replace(/\s*\(.*$/, '');
        }
        if (node.kind !== 'StaticAssertDecl') {
            for (const child of [...(node.array_filler ?? []), ...(node.inner ?? [])]) this.visit(child, node);
            if (this.isOurs(node)) this.mutate(node, parent); // places of children are known now
        }
        [this.function, this.returns] = outer;
    }

    isOurs(node) {
        const begin = node.range?.begin;
        return (begin?.at ?? begin?.expansionLoc?.at) === this.file && !/^(EnumDecl|RecordDecl|EnumConstantDecl|FieldDecl)$/.test(node.kind);
    }

    learn(node) {
        const constants = (node.inner ?? []).filter((c) => c.kind === 'EnumConstantDecl');
        const real = constants.filter((c) => !/_COUNT$/.test(c.name));
        for (const c of constants) {
            const i = real.indexOf(c);
            this.enums.set(c.id, node.name && i >= 0 && real.length > 1 ? (real[i + 1] ?? real[i - 1]).name : null);
        }
    }

    mutate(node, parent) {
        const inner = node.inner ?? [];
        switch (node.kind) {
        case 'BinaryOperator': case 'CompoundAssignOperator':
            this.binary(node, inner[0], inner[1]);
            break;
        case 'UnaryOperator': {
            const s = this.span(node);
            if (s && node.opcode === '!') this.add('not', s.begin, s.begin + 1, '');
            else if (s && STEP[node.opcode]) {
                const at = node.isPostfix ? s.end - 2 : s.begin;
                this.add('arithmetic', at, at + 2, STEP[node.opcode]);
            } else if (s && node.opcode === '-') this.add('arithmetic', s.begin, s.begin + 1, '');
            break;
        }
        case 'IfStmt': case 'WhileStmt': case 'ConditionalOperator': this.condition(inner[0]); break;
        case 'DoStmt': this.condition(inner[1]); break;
        case 'ForStmt': this.condition(inner[2]); break;
        case 'ReturnStmt': this.returned(node); break;
        case 'CallExpr': this.call(node); break;
        case 'IntegerLiteral': this.constant(node); break;
        case 'DeclRefExpr':
            if (node.referencedDecl?.kind === 'EnumConstantDecl' && parent?.kind !== 'CaseStmt' && parent?.kind !== 'ConstantExpr')
                this.constant(node);
            break;
        }
        const isBody = (child) => node.kind === 'CompoundStmt' || node.kind === 'DefaultStmt' ||
            (/^(IfStmt|WhileStmt|ForStmt|CaseStmt)$/.test(node.kind) && child !== inner[0] && child !== inner[2]) ||
            (node.kind === 'IfStmt' && child === inner[2]);
        for (const child of inner) if (isBody(child) && !(node.kind === 'ForStmt' && child !== inner[4])) this.statement(child);
    }
}

/* All candidates of a file, in its order; of two that make the same text the first. */
export function candidates(file, flags) {
    return [...new Reader(file, flags).found.values()].sort((a, b) => a.begin - b.begin);
}
