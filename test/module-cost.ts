/**
 * What a module costs before it runs, for each guest that `vectors/hostile/make.ts` makes: seconds per megabyte and peak bytes of
 * memory per byte of input, of reading it, rewriting it and compiling it. Each is measured in a process of its own, whose memory
 * from before is taken off. The figures of docs/formats/limits.md come from here.
 *
 *     node test/module-cost.ts [FILTER]
 */
import { spawnSync } from "node:child_process";
import { loadEngineParts } from "../packages/nightcore/src/engine/v8/index.ts";
import { MADE_GUESTS } from "../vectors/hostile/make.ts";

const { meterModule, WebAssembly } = await loadEngineParts();

const PAGES = 2_048; // 128 MiB
const WALL_MS_MAX = 60_000;
const MEGABYTE = 1_000_000;

/** Prints one line about the guest of this name, in this process. */
function measureGuest(name: string): void {
  const guest = MADE_GUESTS.find((one) => one.name === name);
  if (guest === undefined) throw new Error(`there is no guest ${name}`);
  const bytes = guest.make();
  const before = process.resourceUsage().maxRSS;
  const startedMs = performance.now();
  const metered = meterModule(bytes, { memoryPagesMax: PAGES, exactAtTraps: false });
  const meteredMs = performance.now();
  const end = metered.ok ? compile(metered.value.bytes) : metered.fault.code;
  const seconds = [meteredMs - startedMs, performance.now() - meteredMs].map((ms) => (ms / 1000).toFixed(2));
  const perMegabyte = (performance.now() - startedMs) / 1000 / (bytes.length / MEGABYTE);
  const perByte = ((process.resourceUsage().maxRSS - before) * 1024) / bytes.length;
  const size = `${(bytes.length / MEGABYTE).toFixed(2).padStart(6)} MB`;
  const took = `meter ${seconds[0]?.padStart(6)} s  compile ${seconds[1]?.padStart(6)} s`;
  const cost = `${perMegabyte.toFixed(2).padStart(7)} s/MB ${perByte.toFixed(0).padStart(6)} B/B`;
  process.stdout.write(`${name.padEnd(50)} ${size}  ${took}  ${cost}  ${end}\n`);
}

function compile(bytes: Uint8Array<ArrayBuffer>): string {
  try {
    void new WebAssembly.Module(bytes);
    return "compiled";
  } catch (error) {
    return error instanceof Error ? error.message.slice(0, 60) : "refused";
  }
}

if (import.meta.main) {
  const [first = "", one] = process.argv.slice(2);
  if (first === "--one" && one !== undefined) measureGuest(one);
  else {
    for (const { name } of MADE_GUESTS.filter((guest) => guest.name.includes(first))) {
      const { status } = spawnSync(process.execPath, [import.meta.filename, "--one", name], {
        timeout: WALL_MS_MAX,
        stdio: ["ignore", "inherit", "ignore"],
      });
      if (status !== 0) process.stdout.write(`${name.padEnd(50)} did not end well within ${WALL_MS_MAX} ms\n`);
    }
  }
}
