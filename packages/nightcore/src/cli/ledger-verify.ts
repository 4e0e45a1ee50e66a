import { resolve } from "node:path";
import { explainLedgerFault } from "#ports";
import { type ArchivePlace, verifyLedger } from "#store/tiles";
import { layOut, readConfiguration } from "#store/workspace";
import { EXIT, type Invocation } from "./invocation.ts";
import { readLogKey } from "./log-key.ts";
import { readOwnLogKeys } from "./ledger-vkey.ts";
import { wordPruning } from "./pruning-words.ts";
import { archiveOf } from "./session.ts";

/** Rebuilds the tree from every entry and names each problem. It reads only; what is wrong stays as it is, as evidence. */
export async function run(invocation: Invocation): Promise<number> {
  const { root, terminal, json } = invocation;
  const vkey = readLogKey(invocation) ?? (await readOwnLogKeys(root));
  const archive = await readArchivePlace(invocation);
  const startedMs = Date.now();
  const verification = await verifyLedger({
    folder: layOut(root).ledger,
    vkey,
    archive,
    signatures: true,
    onProgress: (checked, size) => terminal.progress(Math.min(checked, size), size, "entries"),
  });
  const problems = verification.ok ? verification.value.problems : [verification.fault];
  const found = problems.map((fault) => ({ code: fault.code, where: fault.where, ...explainLedgerFault(fault) }));
  if (json)
    terminal.print(
      JSON.stringify({ sound: found.length === 0, ...(verification.ok ? verification.value : {}), problems: found }),
    );
  for (const { message, code } of found)
    terminal.say(`${terminal.paint("red", "problem")}: ${message} ${terminal.paint("dim", `[${code}]`)}`);
  if (verification.ok) {
    const { size, durableSize, verifiedFrom, root: hash, signaturesChecked, tornBytes, mlDsa44 } = verification.value;
    const more = durableSize > size ? `, ${durableSize - size} more in the journal` : "";
    const torn = tornBytes > 0 ? `; ${tornBytes} bytes of an unfinished write will be cut at the next start` : "";
    const second = mlDsa44 ? ", checkpoint signed with ML-DSA-44 too" : "";
    const whole = verifiedFrom === 0 ? "sound" : `sound from entry ${verifiedFrom} on`;
    const verdict = found.length === 0 ? terminal.paint("green", whole) : terminal.paint("red", "NOT SOUND");
    terminal.say(
      `${verdict}: ${size} entries${more}, ${signaturesChecked} signatures${second}, root ${hash}, ${((Date.now() - startedMs) / 1000).toFixed(2)} s${torn}`,
    );
    for (const words of wordPruning(verification.value)) terminal.say(words);
  }
  return found.length === 0 ? EXIT.ok : EXIT.verificationFailed;
}

/** The archive of `--archive`, else the one that the configuration or the log names. Without a configuration the log alone does. */
async function readArchivePlace(invocation: Invocation): Promise<ArchivePlace> {
  const { root } = invocation;
  const named = invocation.text("archive");
  if (named !== undefined) return { base: root, folder: resolve(root, named) };
  const layout = layOut(root);
  const configuration = await readConfiguration(layout.config);
  return configuration.ok ? archiveOf({ layout, configuration: configuration.value }) : { base: root };
}
