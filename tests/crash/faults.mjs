// faults.mjs - what goes wrong besides the crash: on the way to the provider (proxy.mjs), or at it (the sandbox).
// Each is there for a few requests of a cell, and then no more.
export const faults = {
    none: {},
    delay: { network: { kind: 'delay', ms: 120 } },
    cut_request: { network: { kind: 'cut_request', bytes: 400 } },
    reset_request: { network: { kind: 'reset_request' } },
    cut_answer: { network: { kind: 'cut_answer', bytes: 500 } },
    reset_answer: { network: { kind: 'reset_answer' } },
    trickle: { network: { kind: 'trickle' } },
    black_hole: { network: { kind: 'black_hole' } },
    black_hole_answer: { network: { kind: 'black_hole_answer' } },
    late_arrival: { network: { kind: 'late_arrival', ms: 1200 } },
    refuse: { network: { kind: 'refuse' } },
    duplicate: { network: { kind: 'duplicate' } },
    http_500_after: { sandbox: { kind: 'http_500_after_effect' } },
    late_effect: { sandbox: { kind: 'hang_before_effect', delay_ms: 1200 } },
};
const REQUESTS = 2; // of a cell that meet the fault

export async function armFault(world, name, draw) {
    const { network, sandbox } = faults[name];
    // k bytes of request or answer, or none of them; now and then the token's request meets it, now and then the next.
    if (network) world.armNetwork({ ...network, k: network.bytes && draw(4) ? draw(network.bytes) : 0, skip: draw(2), count: REQUESTS });
    if (sandbox) await world.fault({ provider: 'any', ...sandbox, count: REQUESTS });
}
export async function clearFaults(world) {
    world.clearNetwork();
    await world.noFaults();
}
