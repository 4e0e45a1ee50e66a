import type { KeyObject } from "node:crypto";
import type { Result } from "#core";
import { explainKeyFileFault, type KeyFileFault, readMlDsaPrivateKey, readMlDsaPublicKey, readPrivateKey } from "#store/keys";
import type { Configuration, Layout } from "#store/workspace";
import { CommandStop, EXIT } from "./invocation.ts";

/** What to do about a key of the log that is not there. */
export const KEY_HINT = "the key belongs to this log and to no other; get it back from a copy of the workspace";
const ML_DSA_HINT = "make it with `nightcore ledger ml-dsa-key`, or get it back from a copy of the workspace";

type Files = { readonly layout: Layout; readonly configuration: Configuration };

/** A key of the node, or the end of the command: without it the log cannot go on, and that is the environment's. */
export function keyOrStop<T>(file: string, read: Result<T, KeyFileFault>, hint: string): T {
  if (read.ok) return read.value;
  const { message } = explainKeyFileFault({ ...read.fault, file });
  throw new CommandStop({ code: read.fault.code, message, hint, exit: EXIT.environment });
}

/** The keys that the log is signed with. The second one only where the configuration asks for it. */
export function readNodePrivateKeys({ layout, configuration }: Files): {
  readonly key: KeyObject;
  readonly mlDsaKey: KeyObject | undefined;
} {
  const read = readPrivateKey(layout.nodeKey, () => undefined);
  const key = keyOrStop(".nightcore/node.key", read, KEY_HINT);
  if (!configuration.mlDsa44) return { key, mlDsaKey: undefined };
  const second = readMlDsaPrivateKey(layout.nodeMlDsaKey);
  return { key, mlDsaKey: keyOrStop(".nightcore/node-ml-dsa.key", second, ML_DSA_HINT) };
}

/** The public half of the second key; undefined where the configuration does not ask for it. */
export function readNodeMlDsaPublicKey({ layout, configuration }: Files): Uint8Array | undefined {
  if (!configuration.mlDsa44) return undefined;
  return keyOrStop(".nightcore/node-ml-dsa.pub", readMlDsaPublicKey(layout.nodeMlDsaPublicKey), ML_DSA_HINT);
}
