import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What to start, and the layers that are in place around it. */
export type Launch = { readonly command: string; readonly args: readonly string[]; readonly isolation: readonly string[] };

/**
 * The command of a sandbox process. Node's permission model leaves it no file but its own code, no child process, no worker, no
 * addon and no network. In the published package its code is one file beside this one (tools/build.ts); in the repository it
 * is the sources of the three rooms that it loads, and the package's own name.
 */
export function planLaunch(): Launch {
  const here = fileURLToPath(import.meta.url);
  const { main, readable } = here.endsWith(".ts") ? findSources(here) : findBundle(here);
  const wrapper = findWrapper();
  const args = [
    ...wrapper.args,
    "--permission",
    ...readable.map((path) => `--allow-fs-read=${path}`),
    "--no-warnings",
    "--no-addons",
    "--disable-proto=delete",
    main,
  ];
  return { command: wrapper.command, args, isolation: ["process", "node-permission", ...wrapper.isolation] };
}

const SETPRIV = "/usr/bin/setpriv"; // util-linux; by its path, so that nobody's PATH chooses what wraps the sandbox

/**
 * What Linux offers without a sandbox program: the kernel kills the process when the worker dies, it can gain no privilege,
 * and where the worker is root it has none of root's capabilities.
 */
function findWrapper(): Launch {
  if (!existsSync(SETPRIV)) return { command: process.execPath, args: [], isolation: [] };
  const root = process.getuid?.() === 0;
  const dropped = root ? ["--inh-caps=-all", "--bounding-set=-all"] : [];
  return {
    command: SETPRIV,
    args: ["--pdeathsig", "KILL", "--no-new-privs", ...dropped, process.execPath],
    isolation: ["die-with-parent", "no-new-privileges", ...(root ? ["no-capabilities"] : [])],
  };
}

type Code = { readonly main: string; readonly readable: readonly string[] };

function findSources(here: string): Code {
  const room = dirname(dirname(here));
  const source = dirname(dirname(room));
  const readable = [join(source, "core"), join(source, "wasm"), room, join(dirname(source), "package.json")];
  return { main: join(room, "sandbox", "main.ts"), readable };
}

// `.cjs`, because Node then asks no package.json what the file is.
function findBundle(here: string): Code {
  const main = join(dirname(here), "sandbox.cjs");
  return { main, readable: [main] };
}
