import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { fail, ok, type Result, utf8 } from "#core";
import type { Destination } from "./destination.ts";
import type { ForwardFault } from "./fault.ts";
import type { Batch, Sink, TlsFiles } from "./sink.ts";

const TIMEOUT_MS = 30_000; // LIMIT: a receiver that neither reads nor closes for so long is away
const PRIORITY = 13 * 8 + 6; // RFC 5424 6.2.1: facility log audit, severity informational

/**
 * Sends each line as one RFC 5424 message in RFC 5425's octet-counted framing, over a connection of its own for each batch.
 * Syslog has no answer, so what confirms is the receiver closing its side after ours: its connection had read to the end.
 * KNOWN: a receiver that dies after reading and before storing has lost what we count as confirmed; only its own durability
 * helps there, or the HTTP destination.
 */
export function openSyslogSink(destination: Destination & { readonly kind: "syslog" }, files: TlsFiles): Sink {
  const { name, host, port, tls } = destination;
  const unreachable = (detail: string) => fail({ code: "forward/unreachable", destination: name, detail } as const);
  return {
    deliver: (batch) =>
      new Promise<Result<undefined, ForwardFault>>((resolve) => {
        let ended = false;
        const socket: Socket = tls ? connectTls({ host, port, servername: host, ...files }) : connectTcp({ host, port });
        const settle = (result: Result<undefined, ForwardFault>) => {
          resolve(result);
          socket.destroy();
        };
        socket.setTimeout(TIMEOUT_MS, () => {
          settle(unreachable(`it neither read nor closed for ${TIMEOUT_MS / 1000} s`));
        });
        socket.on("error", (error) => {
          settle(unreachable(error.message));
        });
        socket.on(tls ? "secureConnect" : "connect", () => {
          socket.end(encodeMessages(batch), () => {
            ended = true;
          });
        });
        // Whatever a receiver says is read and dropped; without reading, its end would not be seen.
        socket.resume();
        socket.on("end", () => {
          const early = {
            code: "forward/not-confirmed",
            destination: name,
            detail: "it closed before everything was sent",
          } as const;
          settle(ended ? ok(undefined) : fail(early));
        });
        socket.on("close", () => {
          settle(unreachable("the connection was lost"));
        });
      }),
  };
}

/** RFC 5425 4.3: `MSG-LEN SP SYSLOG-MSG`, one after the other. */
export function encodeMessages({
  origin,
  lines,
  checkpointLine,
}: Pick<Batch, "origin" | "lines" | "checkpointLine">): Uint8Array {
  const host = origin.replace(/[^\x21-\x7e]/g, "?").slice(0, 255);
  const messages = [...lines.map((line) => ["entry", line] as const), ["checkpoint", checkpointLine] as const].map(
    ([id, line]) => {
      // A nil timestamp: the entry has its own, and its line is valid UTF-8, which the mark in front says (RFC 5424 6.4).
      const message = utf8(`<${PRIORITY}>1 - ${host} nightcore - ${id} - \ufeff${line}`);
      return Buffer.concat([utf8(`${message.length} `), message]);
    },
  );
  return Buffer.concat(messages);
}
