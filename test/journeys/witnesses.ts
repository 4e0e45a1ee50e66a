import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { toolEnvironment } from "../../tools/repository.ts";
import { LAUNCHER, type Workspace } from "./workspace.ts";

/** A witness that runs, its verifier key and where it listens. */
export type Served = { readonly vkey: string; readonly url: string; readonly process: ChildProcess };

/** A witness as a process of its own, for the logs of these keys. */
export async function serve(
  context: TestContext,
  workspace: Workspace,
  name: string,
  logs: readonly string[],
  port = 0,
): Promise<Served> {
  const child = spawn(
    process.execPath,
    [
      ...[LAUNCHER, "witness", "serve", "--key", `keys/maintainers/${name}.key`, "--name", `${name}.example/witness`],
      ...["--listen", `127.0.0.1:${port}`, "--state", `state-${name}`],
      ...logs.flatMap((log) => ["--log", log]),
    ],
    { ...toolEnvironment(), cwd: workspace.root, stdio: ["ignore", "pipe", "inherit"] },
  );
  context.after(() => child.kill("SIGKILL"));
  let said = "";
  for await (const part of child.stdout) {
    said += String(part);
    if (said.includes("\n")) break;
  }
  return { ...(JSON.parse(said) as { vkey: string; url: string }), process: child };
}

/** Ends a witness and waits until it is gone. */
export async function end({ process: child }: Served): Promise<void> {
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await gone;
}

/** Writes `witness.policy`: all of these witnesses as the group `both`, and the quorum of that name. */
export function writePolicy(workspace: Workspace, vkey: string, witnesses: readonly Served[], quorum = "both"): void {
  const lines = witnesses.map(({ vkey: key, url }, n) => `witness w${n + 1} ${key} ${url}`);
  const group = `group both all ${witnesses.map((_, n) => `w${n + 1}`).join(" ")}`;
  writeFileSync(join(workspace.root, "witness.policy"), `log ${vkey}\n${lines.join("\n")}\n${group}\nquorum ${quorum}\n`);
}
