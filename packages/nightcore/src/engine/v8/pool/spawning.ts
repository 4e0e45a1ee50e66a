import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { type Duplex, PassThrough } from "node:stream";
import type { Bytes } from "#core";
import { FILTER_FD } from "../confinement/bubblewrap.ts";
import type { ControlGroup } from "../confinement/control-group.ts";
import { coverInherited } from "../confinement/inherited.ts";
import type { Launch } from "./launch.ts";

/** A process, its one channel, and its group, where the kernel holds it to limits. */
type Spawned = { readonly child: ChildProcess; readonly channel: Duplex; readonly group: ControlGroup | undefined };

/** Starts a sandbox process, with an empty environment and one channel. What goes wrong is told by the child's `error` and `exit`. */
export function spawnSandbox(launch: Launch): Spawned {
  const group = launch.groups?.make();
  const [command, args] = group?.wrap(launch.command, launch.args) ?? [launch.command, launch.args];
  const child = spawn(command, args, { stdio: stdioOf(launch), env: {}, windowsHide: true });
  // Out of descriptors, Node gives the child no streams at all; `error` follows on its own.
  const streams = child.stdio as ChildProcess["stdio"] | undefined;
  if (launch.filter !== undefined) handOver(streams?.[FILTER_FD] as Duplex | null | undefined, launch.filter);
  return { child, channel: (streams?.[3] ?? new PassThrough()) as Duplex, group };
}

/** The channel, the filter where there is one, and nothing else that the worker holds. */
function stdioOf({ filter, inherited }: Launch): StdioOptions {
  const own = ["ignore", "ignore", "ignore", "pipe", ...(filter === undefined ? [] : ["pipe" as const])] as const;
  return [...coverInherited(own, inherited ?? [])];
}

/** Sends what is read to its end before Node starts; the other side closes the descriptor then. */
function handOver(stream: Duplex | null | undefined, bytes: Bytes): void {
  if (stream === null || stream === undefined) return;
  stream.on("error", () => undefined); // it ends without having read: its exit says why
  stream.write(bytes);
  // A socket takes so little at once, and closes at once too. `end` would wait for the event loop, and the start with it.
  if (stream.writableLength === 0) stream.destroy();
  else stream.resume().end();
}
