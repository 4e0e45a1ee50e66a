import assert from "node:assert/strict";
import { test } from "node:test";
import { THEME } from "./theme.ts";

/** WCAG 2.2, relative luminance of an sRGB colour `#rrggbb`. */
function luminanceOf(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrastOf(a: string, b: string): number {
  const [lighter = 0, darker = 0] = [luminanceOf(a), luminanceOf(b)].toSorted((x, y) => y - x);
  return (lighter + 0.05) / (darker + 0.05);
}

test("the measure of contrast agrees with its authority at both ends", () => {
  assert.equal(contrastOf("#000000", "#ffffff"), 21);
  assert.equal(contrastOf("#777777", "#777777"), 1);
});

test("text has the contrast of WCAG 2.2 AA on each ground, on the screen and on paper", () => {
  const roots = [...THEME.matchAll(/:root \{([^}]*)\}/g)].map((match) => match[1] ?? "");
  assert.equal(roots.length, 2);
  for (const root of roots) {
    const colours = new Map(
      [...root.matchAll(/--([a-z]+): (#[0-9a-f]{3,6});/g)].map(([, name = "", hex = ""]) => [name, expand(hex)]),
    );
    const texts = ["text", "muted", "link", "ran", "failed", "denied", "held", "quarantined", "verified", "fault"];
    for (const name of texts) {
      for (const ground of ["ground", "panel", "raised"]) {
        const ratio = contrastOf(colours.get(name) ?? "", colours.get(ground) ?? "");
        assert(ratio >= 4.5, `${name} on ${ground}: ${ratio.toFixed(2)}`);
      }
    }
  }
});

test("the style loads nothing", () => {
  assert(!/url\(|@import|@font-face|expression\(/i.test(THEME));
});

function expand(hex: string): string {
  return hex.length === 4 ? hex.replaceAll(/[0-9a-f]/g, "$&$&") : hex;
}
