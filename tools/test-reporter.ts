import { inspect } from "node:util";
import type { TestEvent } from "node:test/reporters";

/**
 * A reporter for logs: one line for each failure, with what went wrong, and for each skip; then node's own closing summary
 * (`# tests N`, `# pass N`, `# fail N`). What passes is only counted.
 */
export async function* renderCompact(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event.type === "test:fail" && !onlyRepeats(event.data)) yield renderFailure(event.data);
    if (event.type === "test:pass" && event.data.skip !== undefined && event.data.skip !== false) {
      yield `skipped ${event.data.name}: ${event.data.skip === true ? "no reason given" : event.data.skip}\n`;
    }
    if (event.type === "test:stderr") yield event.data.message;
    // The summary speaks of no file; what a test says about itself does.
    if (event.type === "test:diagnostic" && event.data.nesting === 0 && event.data.file === undefined)
      yield `# ${event.data.message}\n`;
  }
}

/** A file or a suite fails when a test in it does; the test itself has said why. */
function onlyRepeats({ details }: Failure): boolean {
  return "failureType" in details.error && details.error.failureType === "subtestsFailed";
}

type Failure = Extract<TestEvent, { type: "test:fail" }>["data"];

function renderFailure({ name, file, line, details }: Failure): string {
  const { cause } = details.error;
  const why = inspect(cause ?? details.error, { depth: 4, maxStringLength: 2000 });
  return `FAILED ${name} (${file ?? "no file"}:${line ?? 0})\n${why.replaceAll(/^/gm, "    ")}\n`;
}
