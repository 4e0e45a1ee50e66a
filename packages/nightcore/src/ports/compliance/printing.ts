import type { Bytes } from "#core";
import type { EngineReport, Print, PrintedStream } from "../engine.ts";
import { guest, print } from "./guests.ts";
import { differ, endOf, type EngineRule, jobOf, makeCancellation, type Subject, type Wish } from "./subject.ts";

const TEXT = '(data (i32.const 16) "fine")';
/** Prints, and then never ends. */
const PRINT_AND_SPIN = guest(["fd_write"], `${print(16, 4)} (loop $l (br $l))`, TEXT);
/** Prints, and then traps in a way that an engine may have to repeat to count the fuel. */
const PRINT_AND_TRAP = guest(["fd_write"], `${print(16, 4)} (drop (i32.load (i32.const -1)))`, TEXT);
/** Prints in many pieces, one byte in each, twelve thousand times. */
const PRINT_BYTEWISE = guest(
  ["fd_write"],
  `(local $i i32) (loop $l ${print(16, 1)}
    (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 12000))))`,
  TEXT,
);
/** Prints more than it may. */
const PRINT_TOO_MUCH = guest(["fd_write"], `${print(0, 3000)} ${print(0, 3000)}`);

/** What a guest prints is heard while it runs, once, and is what the report has in the end. */
export const PRINTING_RULES: readonly EngineRule[] = [
  {
    name: "what a guest prints is heard while it runs",
    async check({ engine, tools }) {
      const cancellation = makeCancellation();
      const heard: number[] = [];
      const listen: Print = (_, bytes) => {
        heard.push(...bytes);
        cancellation.abort(); // or it would spin until its deadline
      };
      const job = jobOf(tools, PRINT_AND_SPIN, { budgets: { fuel: Number.MAX_SAFE_INTEGER } });
      const report = await engine.run(job, cancellation, listen);
      return [...differ("it ends", endOf(report), "engine/cancelled"), ...differ("heard", heard, [102, 105, 110, 101])];
    },
  },
  {
    name: "what is heard of a guest is the beginning of its report, each byte once",
    async check(subject) {
      const rows: readonly (readonly [text: string, end: string, wish?: Wish])[] = [
        [PRINT_AND_TRAP, "engine/trap"],
        [PRINT_AND_TRAP, "engine/trap"], // an engine that knows the module by now
        [PRINT_AND_SPIN, "engine/fuel-exhausted", { budgets: { fuel: 100_000 } }],
        [PRINT_BYTEWISE, "exit 0", { budgets: { outputBytes: 12_000 } }],
        [PRINT_TOO_MUCH, "engine/output-exceeded"],
      ];
      const problems: string[] = [];
      for (const [text, end, wish] of rows) problems.push(...(await checkHeard(subject, { text, end, wish })));
      return problems;
    },
  },
];

async function checkHeard(
  { engine, tools }: Subject,
  { text, end, wish }: { readonly text: string; readonly end: string; readonly wish: Wish | undefined },
): Promise<readonly string[]> {
  const heard: Record<PrintedStream, number[]> = { stdout: [], stderr: [] };
  const listen = (stream: PrintedStream, bytes: Bytes): void => void heard[stream].push(...bytes);
  const job = jobOf(tools, text, wish);
  const report = await engine.run(job, undefined, listen);
  const alone = await engine.run(job);
  const begins = (stream: PrintedStream): boolean => heard[stream].every((byte, i) => byte === report[stream][i]);
  return [
    ...differ("it ends with", endOf(report), end),
    ...differ("it is the beginning", begins("stdout") && begins("stderr"), true),
    ...differ("something is heard", heard.stdout.length > 0 && heard.stdout.length <= report.stdout.length, true),
    ...differ("the report is that of a run that nobody hears", outcomeOf(report), outcomeOf(alone)),
  ];
}

function outcomeOf(report: EngineReport): unknown {
  return [endOf(report), report.usage.fuel, report.usage.outputBytes, [...report.stdout]];
}
