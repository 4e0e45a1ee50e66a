import { delimiter, join } from "node:path";

/** The folder of this repository. */
export const REPOSITORY: string = join(import.meta.dirname, "..");

/** Options for a child process that runs in the repository and finds the tools of node_modules, the pinned Node among them. */
export function toolEnvironment(): { readonly cwd: string; readonly env: NodeJS.ProcessEnv } {
  const path = [join(REPOSITORY, "node_modules", ".bin"), process.env["PATH"] ?? ""].join(delimiter);
  return { cwd: REPOSITORY, env: { ...process.env, PATH: path } };
}
