import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { fail, ok, type Result, utf8 } from "#core";
import type { Destination } from "./destination.ts";
import type { ForwardFault } from "./fault.ts";
import type { Batch, Sink, TlsFiles } from "./sink.ts";

const TIMEOUT_MS = 30_000; // LIMIT: a receiver that says nothing for so long is away

/**
 * POSTs a batch as newline-delimited JSON. Confirmed by a status of 200 to 299, and by nothing else: redirections are not
 * followed. `Idempotency-Key` names log and range, so that a receiver can drop what it has already.
 */
export function openHttpSink({ name, url }: Destination & { readonly kind: "http" }, tls: TlsFiles): Sink {
  const request = url.startsWith("https:") ? requestHttps : requestHttp;
  return {
    deliver: (batch: Batch) =>
      new Promise<Result<undefined, ForwardFault>>((resolve) => {
        const body = utf8([...batch.lines, batch.checkpointLine].map((line) => `${line}\n`).join(""));
        const headers = {
          "content-type": "application/x-ndjson",
          "content-length": body.length,
          "idempotency-key": `${encodeURIComponent(batch.origin)}/${batch.from}-${batch.next}`,
        };
        const sent = request(url, { method: "POST", headers, timeout: TIMEOUT_MS, ...tls }, (response) => {
          const status = response.statusCode ?? 0;
          response.resume();
          // The status is the confirmation, but only of a response that came whole.
          response.on("end", () => {
            resolve(
              status >= 200 && status < 300
                ? ok(undefined)
                : fail({ code: "forward/not-confirmed", destination: name, detail: `status ${status}` }),
            );
          });
          response.on("error", (error) => {
            resolve(fail({ code: "forward/not-confirmed", destination: name, detail: error.message }));
          });
        });
        sent.on("timeout", () => sent.destroy(new Error(`no answer for ${TIMEOUT_MS / 1000} s`)));
        sent.on("error", (error) => {
          resolve(fail({ code: "forward/unreachable", destination: name, detail: error.message }));
        });
        sent.end(body);
      }),
  };
}
