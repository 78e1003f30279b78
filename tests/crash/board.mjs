// board.mjs - the file by which a gateway built with CRASH_POINTS is told where to die (gateway/base/crash.h).
import { readFileSync, writeFileSync, openSync, readSync, writeSync } from 'node:fs';
import path from 'node:path';
import { top } from '../e2e/lib.mjs';

export const acts = { kill: 1, stop: 2, kill_all: 3 };
const at = { armed: 0, left: 4, act: 8, struck: 12, master: 16, passes: 20 };

// The names in their order, out of the table in crash.c.
export function pointNames() {
    const source = readFileSync(path.join(top, 'gateway/base/crash.c'), 'utf8');
    const parts = Object.fromEntries([...source.matchAll(/#define (WRITE|SEND)\(kind\) (.*)/g)].map(([, kind, text]) =>
        [kind, [...text.matchAll(/"(_\w+)"/g)].map((m) => m[1])]));
    const table = source.match(/names\[\] = \{([^}]*)\}/)[1];
    return [...table.matchAll(/(?:(WRITE|SEND)\()?"(\w+)"/g)].flatMap(([, kind, name]) => kind ? parts[kind].map((part) => name + part) : [name]);
}

export class Board {
    constructor(file) {
        this.names = pointNames();
        this.file = file;
        writeFileSync(file, Buffer.alloc(4096));
        this.fd = openSync(file, 'r+');
    }
    put(where, value) {
        const four = Buffer.alloc(4);
        four.writeInt32LE(value);
        writeSync(this.fd, four, 0, 4, where);
    }
    get(where) {
        const four = Buffer.alloc(4);
        readSync(this.fd, four, 0, 4, where);
        return four.readInt32LE();
    }
    // At the n-th pass from now on `act` happens to who passes.
    arm(name, n, act) {
        const number = this.names.indexOf(name) + 1;
        if (number === 0) throw new Error(`there is no crash point ${name}`);
        this.disarm();
        this.put(at.struck, 0);
        this.put(at.left, n);
        this.put(at.act, acts[act]);
        this.put(at.armed, number);
    }
    disarm() { this.put(at.armed, 0); }
    get struck() { return this.get(at.struck); }
    set master(pid) { this.put(at.master, pid); }
    passes(name) { return this.get(at.passes + 4 * this.names.indexOf(name)); }
}
