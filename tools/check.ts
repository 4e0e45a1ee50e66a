import { spawn } from "node:child_process";
import { toolEnvironment } from "./repository.ts";

/** The checks of the house by name, and the command of each. All of them run, whatever the others found. */
const CHECKS: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ["types", "tsc", "-p", "tsconfig.json"],
  ["types of the pure rooms", "tsc", "-p", "tsconfig.pure.json"],
  ["lint", "oxlint"],
  ["format", "oxfmt", "--check", "."],
  ["tidy", "node", "tools/tidy.ts"],
];

type Checked = { readonly name: string; readonly passed: boolean; readonly output: string; readonly durationMs: number };

/** Runs every check, two at a time, and resolves with what each said. Never rejects for what a check finds. */
async function runChecks(): Promise<readonly Checked[]> {
  const waiting = [...CHECKS];
  const done: Checked[] = [];
  const work = async (): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const [name, command, ...args] = check;
      done.push(await runCheck(name, command, args));
    }
  };
  await Promise.all([work(), work()]);
  return CHECKS.flatMap(([name]) => done.filter((checked) => checked.name === name));
}

function runCheck(name: string, command: string, args: readonly string[]): Promise<Checked> {
  const { promise, resolve } = Promise.withResolvers<Checked>();
  const startedMs = performance.now();
  const chunks: string[] = [];
  const child = spawn(command, args, { ...toolEnvironment(), stdio: ["ignore", "pipe", "pipe"] });
  const finish = (passed: boolean): void => {
    resolve({ name, passed, output: chunks.join("").trim(), durationMs: performance.now() - startedMs });
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => chunks.push(chunk));
  }
  child.on("error", (error) => {
    chunks.push(`${command} cannot be started: ${error.message}; run \`npm ci --ignore-scripts\` first\n`);
    finish(false);
  });
  child.on("close", (code) => {
    finish(code === 0);
  });
  return promise;
}

const results = await runChecks();
for (const { name, passed, output, durationMs } of results) {
  if (!passed) console.error(output);
  console.error(`${passed ? "ok    " : "FAILED"} ${name} (${(durationMs / 1000).toFixed(1)} s)`);
}
process.exitCode = results.every((checked) => checked.passed) ? 0 : 1;
