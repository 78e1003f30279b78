// Commits whose answer is lost: what became of each is found out, and nobody is charged twice for it. A sample of
// `make crash-commits`.
import { suite, equal, assert } from './lib.mjs';
import { options, lose, drawCut } from '../crash/commits_cuts.mjs';
import { random } from './random.mjs';

const seed = Number(process.env.SEED || Date.now() % 100000);

await suite('commits', options, {
    async lost_commits_are_found_out(world) {
        const rng = random(seed);
        try {
            await lose(world, rng, 12, 0.25, drawCut);
            await world.allAsked();
            await world.judged();
            const counts = await world.judgeLost();
            assert(counts.lost >= 12, `so many were lost: ${JSON.stringify(counts)}`);
            equal(counts.committed + counts.absent, counts.lost, 'each is known');
        } catch (error) {
            throw new Error(`${error.message} (SEED=${seed})`);
        }
    },
});
