import { mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { quote } from "#core";
import { encodeWitnessVkey, explainEvidenceFault, type LogKey, parseMlDsaVkey, parseVkey } from "#ledger";
import { sha256 } from "#store/keys";
import { serveWitness, WitnessState } from "#witness";
import { cancelOnSignal } from "./interruption.ts";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { crypto } from "./session.ts";
import { unwrap } from "./unwrap.ts";
import { readWitnessKey } from "./witness-key.ts";

/** Cosigns the checkpoints of other people's logs over HTTP, until it is interrupted. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, root } = invocation;
  const { key, sign } = readWitnessKey(invocation);
  const logs = invocation.texts("log").flatMap((text) => readLogs(root, text));
  if (logs.length === 0)
    throw usageStop("`--log VKEY` is missing", "a witness cosigns the logs that it was told of, and no others");
  const folder = resolve(root, invocation.text("state") ?? ".nightcore-witness");
  const [host, port] = readListen(invocation.text("listen") ?? "127.0.0.1:8127");
  mkdirSync(folder, { recursive: true });
  const state = new WitnessState(join(folder, "witness.db"));
  const stop = cancelOnSignal();
  const server = serveWitness({
    key,
    sign,
    logs,
    state,
    crypto,
    nowSeconds: () => Math.floor(Date.now() / 1000),
    onSubmission: ({ origin, status, why }) => {
      terminal.say(`${status} ${origin === "" ? "" : `${quote(origin)} `}${why}`);
    },
  });
  await new Promise<void>((done, failed) => {
    server.once("error", failed);
    server.listen(port, host, done);
  });
  const address = server.address();
  const listening = typeof address === "object" && address !== null ? address.port : port;
  terminal.print(JSON.stringify({ vkey: encodeWitnessVkey(key), url: `http://${host}:${listening}` }));
  terminal.say(`witnessing ${logs.map(({ name }) => quote(name)).join(", ")} at http://${host}:${listening}`);
  await new Promise<void>((done) => {
    stop.addEventListener("abort", () => {
      server.close(() => {
        done();
      });
      server.closeAllConnections();
    });
  });
  state.close();
  return EXIT.ok;
}

/** A verifier key, or a file with one in each line. */
function readLogs(root: string, text: string): readonly LogKey[] {
  let lines: readonly string[];
  try {
    lines = readFileSync(resolve(root, text), "utf8").split("\n");
  } catch {
    lines = [text];
  }
  return (
    lines
      .map((line) => line.trim())
      // A log's second key says nothing to a witness, which checks the first.
      .filter((line) => line !== "" && !parseMlDsaVkey(sha256, line).ok)
      .map((line) => unwrap(parseVkey(sha256, line), explainEvidenceFault))
  );
}

function readListen(text: string): readonly [host: string, port: number] {
  const [, host = "", port = ""] = /^([^\s:]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === "" || Number(port) > 65_535) throw usageStop(`\`--listen\` ${quote(text)} is not HOST:PORT`);
  return [host, Number(port)];
}
