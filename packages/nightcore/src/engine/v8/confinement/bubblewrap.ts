import type { Bytes } from "#core";
import type { Binding } from "./node-files.ts";

/** The program, by its path, so that nobody's PATH chooses what wraps the sandbox. */
export const BUBBLEWRAP = "/usr/bin/bwrap";

/** The descriptor from which bubblewrap reads the filter; it closes it before Node starts. */
export const FILTER_FD = 4;

/** Where the pieces of a sandbox are shown to it: its paths say nothing about the host's. */
export const NODE_INSIDE = "/node";

/**
 * The arguments that stand before the command: all namespaces new, a root in memory that holds the bindings alone and cannot be
 * written, no capability, nobody's ids, and death with the worker. There is no /proc, no /dev and no /tmp; Node needs none. Node
 * is process 1 of its namespace, so that with its end everything in it ends. Bubblewrap sets `no_new_privs` by itself.
 */
export function confine(bindings: readonly Binding[], filter: Bytes | undefined): readonly string[] {
  return [
    ...["--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534", "--hostname", "sandbox"],
    ...["--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL"],
    ...bindings.flatMap(({ from, to }) => ["--ro-bind", from, to]),
    ...["--remount-ro", "/", "--chdir", "/"],
    ...(filter === undefined ? [] : ["--seccomp", String(FILTER_FD)]),
    "--",
  ];
}
