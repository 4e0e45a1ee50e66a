/** How risky something is, in words. The order is that of the scores. */
export const RISK_BANDS = [
  { name: "trusted", from: 0, to: 20 },
  { name: "safe", from: 21, to: 45 },
  { name: "elevated", from: 46, to: 65 },
  { name: "high", from: 66, to: 84 },
  { name: "quarantine", from: 85, to: 100 },
] as const;
export type RiskBand = (typeof RISK_BANDS)[number]["name"];

/** The highest risk score that there is. */
export const RISK_MAX = 100;

/** The band of a score from 0 to {@link RISK_MAX}. A score outside is taken for the worst: what cannot be told is not safe. */
export function bandOf(score: number): RiskBand {
  return RISK_BANDS.find(({ from, to }) => score >= from && score <= to)?.name ?? "quarantine";
}
