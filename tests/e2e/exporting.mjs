// A world whose gateway makes exports: with a folder for them, and a finance login that reads the books.
import { mkdirSync } from 'node:fs';
import { uuidOf, World } from './lib.mjs';

export class Exporting extends World {
    writeConfig() {
        mkdirSync(this.at('exports'), { recursive: true });
        this.options.settings = { ...this.options.settings, exports_folder: this.at('exports'), reports_database: this.conninfo('e2e_finance') };
        super.writeConfig();
    }
    static async start(name, options) {
        const world = await super.start(name, options);
        world.psql(`INSERT INTO finance_access (login, merchant_id) VALUES ('e2e_finance', ${uuidOf(world.merchant)}) ON CONFLICT DO NOTHING`);
        return world;
    }
}
