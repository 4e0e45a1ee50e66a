import { POLICY_SCHEMA } from "#cedar";
import { EXIT, type Invocation } from "./invocation.ts";

/** Prints the schema, in Cedar's own form, for editors and for Cedar's tools. */
export function run({ terminal, json }: Invocation): Promise<number> {
  terminal.print(json ? JSON.stringify({ schema: POLICY_SCHEMA }) : POLICY_SCHEMA);
  return Promise.resolve(EXIT.ok);
}
