import { concatBytes, type InputStream, replayInput, utf8 } from "#core";
import { guest } from "./guests.ts";
import { differ, endOf, type EngineRule, jobOf, makeCancellation, type Wish } from "./subject.ts";

/** Prints what it reads, a read at a time, until there is no more. */
const ECHO = guest(
  ["fd_read", "fd_write"],
  `(i32.store (i32.const 65520) (i32.const 1024)) (loop $l (i32.store (i32.const 65524) (i32.const 8))
    (drop (call $fd_read (i32.const 0) (i32.const 65520) (i32.const 1) (i32.const 65528)))
    (if (i32.load (i32.const 65528)) (then
      (i32.store (i32.const 65524) (i32.load (i32.const 65528)))
      (drop (call $fd_write (i32.const 1) (i32.const 65520) (i32.const 1) (i32.const 65528)))
      (br $l))))`,
);
const PIECES = ["first ", "second and longer ", "third"].map(utf8);
const WISH: Wish = { capabilities: ["stdin", "stdout"] };

/** Input that comes while a guest runs is pulled by it, known afterwards, and waited for no longer than the run may last. */
export const INPUT_RULES: readonly EngineRule[] = [
  {
    name: "input is handed over as it comes, and the same pieces make the same run",
    async check({ engine, tools }) {
      const seen = { reads: 0, closed: 0 };
      const input: InputStream = {
        read: () => Promise.resolve(PIECES[seen.reads++] ?? new Uint8Array(0)),
        close: () => void seen.closed++,
      };
      const report = await engine.run(jobOf(tools, ECHO, { ...WISH, input }));
      const whole = concatBytes(PIECES);
      const again = report.input && (await engine.run(jobOf(tools, ECHO, { ...WISH, input: replayInput(report.input) })));
      return [
        ...differ("it ends with", endOf(report), "exit 0"),
        ...differ("it printed", [...report.stdout], [...whole]),
        ...differ("it was asked", seen, { reads: 4, closed: 1 }),
        ...differ("its bytes are known", [...(report.input?.bytes ?? [])], [...whole]),
        ...differ("its pieces are known", report.input?.pieces, [6, 18, 5]),
        ...differ("again it uses", again?.usage.fuel, report.usage.fuel),
      ];
    },
  },
  {
    name: "input is read for no guest that does not wait for it, or was not granted it",
    async check({ engine, tools }) {
      let reads = 0;
      const input: InputStream = {
        read: () => Promise.resolve(utf8(String(reads++))),
        close: () => undefined,
      };
      const idle = await engine.run(jobOf(tools, guest([], "(nop)"), { ...WISH, input }));
      const without = await engine.run(jobOf(tools, ECHO, { capabilities: ["stdout"], input }));
      return [...differ("they end with", [endOf(idle), endOf(without)], ["exit 0", "exit 0"]), ...differ("reads", reads, 0)];
    },
  },
  {
    name: "a guest that waits for input is ended by its caller and by its deadline",
    async check({ engine, tools }) {
      const cancellation = makeCancellation();
      const waiting = (read: () => void): InputStream => ({
        read() {
          read();
          return new Promise(() => undefined);
        },
        close: () => undefined,
      });
      const input = waiting(() => cancellation.abort());
      const cancelled = await engine.run(jobOf(tools, ECHO, { ...WISH, input }), cancellation);
      const late = await engine.run(jobOf(tools, ECHO, { ...WISH, input: waiting(() => undefined), budgets: { wallMs: 100 } }));
      return differ("they end with", [endOf(cancelled), endOf(late)], ["engine/cancelled", "engine/deadline"]);
    },
  },
  {
    name: "input that breaks off is a fault",
    async check({ engine, tools }) {
      const input: InputStream = { read: () => Promise.reject(new Error("gone")), close: () => undefined };
      return differ("it ends with", endOf(await engine.run(jobOf(tools, ECHO, { ...WISH, input }))), "engine/input-failed");
    },
  },
];
