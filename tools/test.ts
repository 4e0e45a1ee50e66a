import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { prepareParts } from "./parts.ts";
import { REPOSITORY, toolEnvironment } from "./repository.ts";
import { renderCompact } from "./test-reporter.ts";

const ALL = ["packages/**/*.test.ts", "test/**/*.test.ts", "tools/**/*.test.ts", "bench/**/*.test.ts", "vectors/**/*.test.ts"];
/** `npm test -- GLOB…` runs a part. */
const GLOBS = process.argv.length > 2 ? process.argv.slice(2) : ALL;
const IN_CI = process.env["CI"] === "true";

prepareParts((line) => {
  process.stderr.write(`${line}\n`);
});

const check = spawnSync(process.execPath, ["tools/check.ts"], { ...toolEnvironment(), stdio: "inherit" });
const skipped = await runTests();

if (check.status !== 0) process.stderr.write("npm run check failed, see above\n");
if (IN_CI && skipped.length > 0) {
  process.stderr.write(`with CI=true nothing may be skipped:\n${skipped.map((name) => `  ${name}\n`).join("")}`);
}
if (check.status !== 0 || (IN_CI && skipped.length > 0)) process.exitCode = 1;

/** Runs every test file in a process of its own and resolves with the names of what was skipped. Sets the exit code. */
async function runTests(): Promise<readonly string[]> {
  // Tests start tools by name and paths count from the repository.
  process.env["PATH"] = toolEnvironment().env["PATH"];
  const skips: string[] = [];
  const stream = run({ globPatterns: GLOBS, cwd: REPOSITORY, concurrency: Math.max(2, availableParallelism()) });
  stream.on("test:fail", (event) => {
    if (event.todo === undefined || event.todo === false) process.exitCode = 1;
  });
  stream.on("test:pass", (event) => {
    const reason = event.skip;
    if (reason !== undefined && reason !== false) skips.push(`${event.name}: ${reason === true ? "skipped" : reason}`);
  });
  const report = process.stdout.isTTY ? stream.compose(spec()) : stream.compose(renderCompact);
  for await (const chunk of report) process.stdout.write(chunk as string);
  return skips;
}
