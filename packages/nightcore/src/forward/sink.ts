import type { Result } from "#core";
import type { Destination } from "./destination.ts";
import type { ForwardFault } from "./fault.ts";
import { openFileSink } from "./file-sink.ts";
import { openHttpSink } from "./http-sink.ts";
import { openSyslogSink } from "./syslog-sink.ts";

/** Consecutive entries as lines, `from` included and `next` not, and the line with the checkpoint that covers them. */
export type Batch = {
  readonly origin: string;
  readonly from: number;
  readonly next: number;
  readonly lines: readonly string[];
  readonly checkpointLine: string;
};

/** PEM texts: authorities to trust instead of the system's, and our own certificate for a receiver that asks for one. */
export type TlsFiles = {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
};

/** POWER: delivers a batch. Resolves ok only when the receiver has confirmed all of it; never rejects. */
export type Sink = { deliver(batch: Batch): Promise<Result<undefined, ForwardFault>> };

/** The sink of a destination. Nothing is opened before the first delivery. */
export function openSink(destination: Destination, tls: TlsFiles): Sink {
  switch (destination.kind) {
    case "file":
      return openFileSink(destination);
    case "syslog":
      return openSyslogSink(destination, tls);
    default:
      return openHttpSink(destination, tls);
  }
}
