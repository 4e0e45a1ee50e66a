import { type Explanation, fail, type Fault, type Result } from "#core";
import { CommandStop, EXIT } from "./invocation.ts";

/** The one table from faults to exit codes; a code that begins so ends the command with that number. */
const EXIT_BY_PREFIX: readonly (readonly [prefix: string, exit: number])[] = [
  ["keys/", EXIT.usage],
  ["source/", EXIT.usage],
  ["core/", EXIT.usage],
  ["import/", EXIT.usage],
  ["forward/destination-refused", EXIT.usage],
  ["ledger/policy-malformed", EXIT.usage],
  ["ledger/not-acknowledged", EXIT.notAcknowledged],
  // What could not be delivered stays for the next call: the command failed, and nothing else is wrong.
  ["forward/unreachable", EXIT.runFailed],
  ["forward/not-confirmed", EXIT.runFailed],
];

/** The exit code of a fault: by the table, else the environment's. */
function exitOf(code: string): number {
  return EXIT_BY_PREFIX.find(([prefix]) => code.startsWith(prefix))?.[1] ?? EXIT.environment;
}

/** The value, or the end of the command with the fault's own explanation. */
export function unwrap<T, F extends Fault>(result: Result<T, F>, explain: (fault: F) => Explanation): T {
  if (result.ok) return result.value;
  throw stopOf(result.fault, explain);
}

/** The end of a command with a fault's code, sentence and hint. */
export function stopOf<F extends Fault>(fault: F, explain: (fault: F) => Explanation): CommandStop {
  return new CommandStop({ code: fault.code, ...explain(fault), exit: exitOf(fault.code) });
}

/** The same result, its fault about the file as the person called it and not as it was resolved. */
export function shownAs<T, F extends Fault & { readonly file: string }>(file: string, result: Result<T, F>): Result<T, F> {
  return result.ok ? result : fail({ ...result.fault, file });
}
