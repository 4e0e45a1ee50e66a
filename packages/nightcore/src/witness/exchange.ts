import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { utf8 } from "#core";

const ANSWER_BYTES_MAX = 64 * 1024; // LIMIT: a few signature lines
const RETRY_AFTER_SECONDS_MAX = 86_400; // LIMIT: nobody who asks is still there after a day

/** What a witness answered. `retryAfterMs` when it said how long to stay away. */
export type Answer = { readonly status: number; readonly body: string; readonly retryAfterMs: number | undefined };

/** How one request goes. `signal` ends it from outside. */
export type Exchange = { readonly timeoutMs: number; readonly nowMs: number; readonly signal: AbortSignal };

/**
 * Posts a submission to a witness's `add-checkpoint` and returns the answer, or in words why there is none. Redirections are not
 * followed. `timeoutMs` is for all of it, so that an answer which trickles in is no way to hold us.
 */
export function postSubmission(prefix: string, text: string, { timeoutMs, nowMs, signal }: Exchange): Promise<Answer | string> {
  return new Promise((resolve) => {
    const url = `${prefix.replace(/\/$/, "")}/add-checkpoint`;
    if (!URL.canParse(url) || !/^https?:/.test(url)) return resolve("its URL is none");
    const request = url.startsWith("https:") ? requestHttps : requestHttp;
    const body = utf8(text);
    const late = AbortSignal.timeout(timeoutMs);
    const failed = (error: Error) => {
      const why = late.aborted ? `no answer for ${timeoutMs / 1000} s` : error.message;
      resolve(signal.aborted ? "it was not waited for any longer" : why);
    };
    const options = { method: "POST", headers: { "content-length": body.length }, signal: AbortSignal.any([signal, late]) };
    const sent = request(url, options, (response) => {
      const parts: Buffer[] = [];
      let length = 0;
      response.on("data", (part: Buffer) => {
        length += part.length;
        if (length <= ANSWER_BYTES_MAX) parts.push(part);
        else response.destroy(new Error("the answer is too long"));
      });
      response.on("end", () => {
        const retryAfterMs = parseRetryAfter(response.headers["retry-after"] ?? "", nowMs);
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString("utf8"), retryAfterMs });
      });
      response.on("error", failed);
    });
    sent.on("error", failed);
    sent.end(body);
  });
}

/** Milliseconds to stay away, of a `Retry-After` header: seconds or a date (RFC 9110 10.2.3). Undefined for anything else. */
export function parseRetryAfter(header: string, nowMs: number): number | undefined {
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text), RETRY_AFTER_SECONDS_MAX) * 1000;
  // The one form of a date that may be sent (RFC 9110 5.6.7); Date.parse alone would take much more.
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms - nowMs), RETRY_AFTER_SECONDS_MAX * 1000) : undefined;
}
