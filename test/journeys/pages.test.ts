import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { renderDashboard, renderHistory } from "../../packages/nightcore/src/report/index.ts";
import { findChromium } from "../../tools/parts.ts";
import { HOSTILE_HISTORY, HOSTILE_NAMES, HOSTILE_RUN, SAMPLE_HISTORY, SAMPLE_RUN } from "./page-samples.ts";

const sha256 = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();
const PAGES: Readonly<Record<string, string>> = {
  dashboard: renderDashboard(SAMPLE_RUN, sha256),
  history: renderHistory(SAMPLE_HISTORY, sha256),
  "hostile dashboard": renderDashboard(HOSTILE_RUN, sha256),
  "hostile history": renderHistory(HOSTILE_HISTORY, sha256),
};

const VOID_ELEMENTS: ReadonlySet<string> = new Set(["meta", "br", "rect", "polyline"]);

test("every element of every page is closed by its own end tag", () => {
  for (const [name, page] of Object.entries(PAGES)) {
    const body = page.replaceAll(/<(style|script)>[\s\S]*?<\/\1>/g, "").replace(/^<!doctype html>/i, "");
    const open: string[] = [];
    for (const [tag, end, element = "", rest = ""] of body.matchAll(
      /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"<>]*")?)*\s*\/?)>/g,
    )) {
      if (end === "/") assert.equal(open.pop(), element, `${name}: ${tag}`);
      else if (!rest.endsWith("/") && !VOID_ELEMENTS.has(element)) open.push(element);
    }
    assert.deepEqual(open, [], name);
    const leftovers = body.replaceAll(/<\/?[a-z][a-z0-9]*(?:\s+[a-zA-Z-]+(?:="[^"<>]*")?)*\s*\/?>/g, "");
    assert(!/[<>]/.test(leftovers), `${name}: a bracket outside of every tag`);
  }
});

const executablePath = findChromium();
const WITHOUT_BROWSER = executablePath === undefined && "no chromium on this machine: apt-get install chromium";
let browser: Browser | undefined;
let folder = "";

before(async () => {
  if (executablePath === undefined) return;
  folder = mkdtempSync(join(tmpdir(), "nightcore-pages-"));
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
});
after(async () => {
  await browser?.close();
  if (folder !== "") rmSync(folder, { recursive: true, force: true });
});

type Visit = { readonly page: Page; readonly complaints: readonly string[]; readonly requests: readonly string[] };

/** Opens a page from a file, as a person would, and listens to everything that it says and asks for. */
async function open(name: string, options: { readonly width?: number; readonly script?: boolean } = {}): Promise<Visit> {
  assert(browser !== undefined);
  const path = join(folder, `${name.replaceAll(" ", "-")}.html`);
  writeFileSync(path, PAGES[name] ?? "");
  const page = await browser.newPage({
    viewport: { width: options.width ?? 1280, height: 900 },
    javaScriptEnabled: options.script ?? true,
  });
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(pathToFileURL(path).href);
  return { page, complaints, requests: requests.filter((url) => url !== pathToFileURL(path).href) };
}

test("no page complains, asks the network for anything, or is wider than its window", { skip: WITHOUT_BROWSER }, async () => {
  for (const name of Object.keys(PAGES)) {
    for (const width of [1280, 390]) {
      const { page, complaints, requests } = await open(name, { width });
      assert.deepEqual(complaints, [], name);
      assert.deepEqual(requests, [], name);
      const wide = await page.evaluate("document.documentElement.scrollWidth");
      assert(Number(wide) <= width, `${name} is ${String(wide)} wide in a window of ${width}`);
      await page.close();
    }
  }
});

test(
  "a tenant that is called <script> shows as text, and so does every other hostile name",
  { skip: WITHOUT_BROWSER },
  async () => {
    const { page, complaints } = await open("hostile dashboard");
    const shown = await page.locator("table.rows .name").allInnerTexts();
    assert.equal(shown.length, HOSTILE_NAMES.length);
    assert.equal(shown[0], "<script>alert(1)</script>");
    assert(
      shown.some((text) => text.includes("\\u{202e}")),
      "a bidirectional override is shown as its escape",
    );
    assert(
      shown.some((text) => text.includes("\\u{0}")),
      "NUL is shown as its escape",
    );
    assert.equal(await page.locator("script").count(), 1);
    assert.equal(await page.locator("img, iframe, object, embed, link, form").count(), 0);
    assert.equal(await page.locator("h1").count(), 1);
    assert.deepEqual(complaints, []);
    await page.close();
  },
);

test("the policy of the page stops a script that got in all the same", { skip: WITHOUT_BROWSER }, async () => {
  // A positive control: markup is put in past the escaping, and must be dead on arrival.
  const { page, complaints } = await open("dashboard");
  await page.evaluate(
    `document.body.insertAdjacentHTML("beforeend", "<img src='data:,' onerror='globalThis.hit=1'><b onclick='globalThis.hit=1' id='bait'>x</b>")`,
  );
  await page.evaluate(`document.getElementById("bait").click()`);
  await page.evaluate(
    `(() => { const s = document.createElement("script"); s.textContent = "globalThis.hit=1"; document.body.append(s); })()`,
  );
  assert.equal(await page.evaluate("globalThis.hit"), undefined);
  assert(
    complaints.some((text) => text.includes("Content Security Policy")),
    complaints.join("\n"),
  );
  await page.close();
});

test("the page is complete without its script", { skip: WITHOUT_BROWSER }, async () => {
  const { page } = await open("dashboard", { script: false });
  assert.equal(await page.locator("table.rows tbody:visible").count(), SAMPLE_RUN.rows.length);
  await page.locator("summary").first().click();
  assert(await page.locator("pre", { hasText: "nightcore receipt verify" }).first().isVisible());
  await page.close();
});

test("the filter hides, the buttons choose a status, and the headings sort", { skip: WITHOUT_BROWSER }, async () => {
  const { page } = await open("dashboard");
  const visible = (): Promise<string[]> => page.locator("table.rows tbody:visible .name").allInnerTexts();
  await page.getByLabel("Filter tenants, reasons, digests").fill("fuel-exhausted");
  assert.deepEqual(await visible(), ["endless"]);
  await page.getByLabel("Filter tenants, reasons, digests").fill("");
  await page.getByRole("button", { name: "held" }).click();
  assert.deepEqual(await visible(), ["agent-draft"]);
  await page.getByRole("button", { name: "all" }).click();
  await page.getByRole("button", { name: "Used of granted" }).click();
  await page.getByRole("button", { name: "Used of granted" }).click();
  const sorted = await visible();
  assert.deepEqual(sorted.slice(0, 2), ["sleeper", "endless"], "the slowest first");
  await page.close();
});

test("imported records are marked as claims, and changes as changes", { skip: WITHOUT_BROWSER }, async () => {
  const { page } = await open("history");
  assert.equal(await page.getByText("imported, not witnessed").count(), 2);
  assert.equal(await page.getByText("SHA-256 Changed").count(), 1);
  assert.equal(await page.getByText("Verification Changed").count(), 4);
  assert(await page.getByRole("columnheader", { name: "\u0394 Time" }).first().isVisible());
  assert.equal(await page.getByRole("img").count(), 2, "a history of one has no line");
  await page.close();
});

test("headings, tables and language are there for those who do not see the page", { skip: WITHOUT_BROWSER }, async () => {
  const { page } = await open("dashboard");
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  assert.match(await page.title(), /^Night Core: 12 tenants/);
  assert.equal(await page.locator("table:not(:has(caption))").count(), 0);
  assert.equal(await page.locator("th:not([scope])").count(), 0);
  assert.equal(await page.locator("svg:not([aria-hidden]):not([role=img])").count(), 0);
  await page.keyboard.press("Tab");
  assert.equal(await page.locator(":focus").innerText(), "Skip to the report");
  await page.close();
});
