import manifest from "../../package.json" with { type: "json" };
import { EXIT, type Invocation } from "./invocation.ts";

/** Name and version, as they stand in the log. */
export const SOFTWARE = `nightcore/${manifest.version}`;

/** Prints the versions of Night Core, Node and V8. */
export async function run({ terminal, json }: Invocation): Promise<number> {
  const { node, v8 } = process.versions;
  terminal.print(
    json ? JSON.stringify({ nightcore: manifest.version, node, v8 }) : `nightcore ${manifest.version} (node ${node}, v8 ${v8})`,
  );
  return EXIT.ok;
}
