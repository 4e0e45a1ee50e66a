import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bytes } from "#core";
import type { EngineFault } from "#ports";
import { BUBBLEWRAP, confine, NODE_INSIDE } from "../confinement/bubblewrap.ts";
import { ControlGroups } from "../confinement/control-groups.ts";
import { findHierarchies, type MissingLimit } from "../confinement/hierarchy.ts";
import { readInherited } from "../confinement/inherited.ts";
import { type Binding, findNodeLibraries } from "../confinement/node-files.ts";
import { sandboxFilter } from "../confinement/system-calls.ts";

/** What to start, and the layers that are in place around it when it has started. */
export type Launch = {
  readonly command: string;
  readonly args: readonly string[];
  readonly isolation: readonly string[];
  /** A filter of system calls, which the command reads from a descriptor (confinement/bubblewrap.ts) before it starts Node. */
  readonly filter?: Bytes | undefined;
  /** Descriptors of the worker that a process would hold too, if nothing were put into their places. */
  readonly inherited?: readonly number[];
  /** Where each process gets a group of its own, which the kernel holds to limits. */
  readonly groups?: ControlGroups | undefined;
  /** Told for each process: undefined when it is ready, or why it will never be. */
  readonly onStarted?: ((fault: EngineFault | undefined) => void) | undefined;
};

/**
 * The commands of a sandbox process that this machine may be able to start, the strongest first: under bubblewrap with a filter
 * of system calls, under setpriv, and bare. Node's permission model is in all of them: it leaves the process no file but its own
 * code, no child process, no worker, no addon and no network. Where groups of processes can be made, each is tried with limits
 * first. Which one works is learnt by starting it (engine.ts).
 */
export function planLaunches(): readonly [Launch, ...Launch[]] {
  const [strongest, ...weaker] = planUnlimited();
  const { groups } = limits();
  if (groups === undefined) return [strongest, ...weaker];
  const layers = groups.controllers.map((controller) => `cgroup-${controller}`);
  const limited = (launch: Launch): Launch => ({ ...launch, groups, isolation: [...launch.isolation, ...layers] });
  return [limited(strongest), strongest, ...weaker.flatMap((launch) => [limited(launch), launch])];
}

type Limits = { readonly groups: ControlGroups | undefined; readonly missing: readonly MissingLimit[] };

// Found once in the life of this process, which may move into another group when it makes the first.
let found: Limits | undefined;

function limits(): Limits {
  if (found !== undefined) return found;
  const { found: hierarchies, missing } = findHierarchies();
  return (found = { groups: hierarchies.length === 0 ? undefined : new ControlGroups(hierarchies), missing });
}

/** Limits of the kernel that cannot be set here, and why. */
export function readMissingLimits(): readonly MissingLimit[] {
  return limits().missing;
}

function planUnlimited(): readonly [Launch, ...Launch[]] {
  const code = findCode(fileURLToPath(import.meta.url));
  const bare: Launch = {
    command: process.execPath,
    args: nodeArguments(code),
    isolation: ["process", "node-permission"],
    inherited: readInherited(),
  };
  const weaker: readonly [Launch, ...Launch[]] = existsSync(SETPRIV) ? [underSetpriv(bare), bare] : [bare];
  if (!existsSync(BUBBLEWRAP)) return weaker;
  const libraries = findNodeLibraries();
  return libraries === undefined ? weaker : [{ ...bare, ...underBubblewrap(code, libraries) }, ...weaker];
}

const SETPRIV = "/usr/bin/setpriv"; // util-linux; by its path, so that nobody's PATH chooses what wraps the sandbox

/**
 * What Linux offers without a sandbox program: the kernel kills the process when the worker dies, it can gain no privilege,
 * and where the worker is root it has none of root's capabilities.
 */
function underSetpriv({ command, args, isolation, ...rest }: Launch): Launch {
  const root = process.getuid?.() === 0;
  const dropped = root ? ["--inh-caps=-all", "--bounding-set=-all"] : [];
  return {
    ...rest,
    command: SETPRIV,
    args: ["--pdeathsig", "KILL", "--no-new-privs", ...dropped, command, ...args],
    isolation: [...isolation, "die-with-parent", "no-new-privileges", ...(root ? ["no-capabilities"] : [])],
  };
}

/** An empty root with Node, its libraries and the sandbox's code, at paths that say nothing about the host's. */
function underBubblewrap({ root, main, readable }: Code, libraries: readonly Binding[]): Launch {
  const inside = (path: string): string => join(CODE_INSIDE, path.slice(root.length));
  const bindings = [
    { from: process.execPath, to: NODE_INSIDE },
    ...libraries,
    ...readable.map((path) => ({ from: path, to: inside(path) })),
  ];
  const filter = sandboxFilter(process.arch);
  const code = { root: CODE_INSIDE, main: inside(main), readable: [CODE_INSIDE] };
  return {
    command: BUBBLEWRAP,
    args: [...confine(bindings, filter), NODE_INSIDE, ...nodeArguments(code)],
    isolation: [
      ...["process", "node-permission", "die-with-parent", "no-new-privileges", "no-capabilities", "bubblewrap"],
      ...(filter === undefined ? [] : ["seccomp"]),
    ],
    filter,
  };
}

const CODE_INSIDE = "/code";

/** What the sandbox runs: everything under `root`, of which it loads `readable`. */
type Code = { readonly root: string; readonly main: string; readonly readable: readonly string[] };

/**
 * A sandbox has one thing to do, and there are as many of them as there are cores to do it on. Threads of V8 that help it
 * cost memory while it waits, and are in each other's way; one is left to compile what is called often. Dead instances are
 * freed when V8 collects its whole heap; with so much to fill (MiB) it does so rarely. What is young stays as small as ever.
 */
const ONE_AT_A_TIME = ["--single-threaded-gc", "--v8-pool-size=1", "--initial-heap-size=128", "--min-semi-space-size=1"];

function nodeArguments({ main, readable }: Code): readonly string[] {
  const allowed = readable.map((path) => `--allow-fs-read=${path}`);
  return ["--permission", ...allowed, ...ONE_AT_A_TIME, "--no-warnings", "--no-addons", "--disable-proto=delete", main];
}

/**
 * In the published package the code is one file beside this one (tools/build.ts); `.cjs`, because Node then asks no package.json
 * what the file is. In the repository it is the sources of the three rooms that it loads, and the package's own name.
 */
function findCode(here: string): Code {
  if (!here.endsWith(".ts")) {
    const main = join(dirname(here), "sandbox.cjs");
    return { root: dirname(here), main, readable: [main] };
  }
  const room = dirname(dirname(here));
  const source = dirname(dirname(room));
  const root = dirname(source);
  const readable = [join(source, "core"), join(source, "wasm"), room, join(root, "package.json")];
  return { root, main: join(room, "sandbox", "main.ts"), readable };
}
