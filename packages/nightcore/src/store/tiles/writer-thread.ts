import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { assert, type Result } from "#core";
import type { LedgerFault } from "#ports";
import { type FromThread, type ThreadOptions, type ToThread, unpackRequests } from "./thread-protocol.ts";
import { lockAndOpen, type OpenCore } from "./local-writer.ts";
import { Lookout } from "./lookout.ts";
import type { CommitAnswer } from "./writer-core.ts";

/** The thread that signs and writes. One message is one batch: while it is flushed, the next one gathers on the other side. */
assert(parentPort !== null, "the writer thread is started by its owner");
const port = parentPort;
const options = workerData as ThreadOptions;

const opened = await lockAndOpen({ ...options, thread: false });
if (opened.ok) {
  const { core, recovery } = opened.value;
  serve(opened.value);
  send({ kind: "opened", size: core.size, recovery });
} else {
  send({ kind: "refused", fault: opened.fault });
}

function send(message: FromThread): void {
  port.postMessage(message);
}

/** Answers messages in their order, each before the next is looked at; batches are committed while a publication is written. */
function serve({ core, lock }: OpenCore): void {
  let timer: NodeJS.Timeout | undefined;
  const publishLater = (): void => {
    timer = undefined;
    void core.publish(); // a fault stays with the core, and the next append tells it
  };
  async function handle(message: ToThread): Promise<void> {
    if (message.kind === "append") {
      if (core.isBehind) await core.publish();
      answer(core.commit(unpackRequests(message)));
      if (timer === undefined && core.unpublished) timer = setTimeout(publishLater, options.publishAfterMs);
      return;
    }
    clearTimeout(timer);
    timer = undefined;
    if (message.kind === "publish") return sendEnd("published", await core.publish());
    const closed = await core.close();
    lock.release();
    sendEnd("closed", closed);
    port.close();
  }
  let turn = Promise.resolve();
  let waiting = 0;
  const lookout = new Lookout(() => receiveMessageOnPort(port)?.message as ToThread | undefined, take);
  function take(message: ToThread): void {
    waiting++;
    turn = turn
      .then(() => handle(message))
      .then(() => {
        if (--waiting === 0 && message.kind === "append") lookout.begin();
      });
  }
  port.on("message", (message: ToThread) => {
    lookout.hear();
    take(message);
  });
}

function sendEnd(kind: "published" | "closed", result: Result<string, LedgerFault>): void {
  send({ kind, checkpoint: result.ok ? result.value : "", fault: result.ok ? undefined : result.fault });
}

function answer(answers: readonly CommitAnswer[]): void {
  const first = new Float64Array(answers.length);
  const faults: LedgerFault[] = [];
  let checkpoint = "";
  for (const [i, one] of answers.entries()) {
    first[i] = one.ok ? one.value.first : -1;
    if (one.ok) checkpoint = one.value.checkpoint;
    else faults.push(one.fault);
  }
  send({ kind: "appended", first, faults, checkpoint });
}
