// Writes tests/it/cldr/samples.csv: amounts as Node's Intl.NumberFormat writes them (ICU 78, CLDR 48).
//
//   node tests/it/cldr/samples.mjs > tests/it/cldr/samples.csv
//
// The locales are those of config/text/locales.csv. The digits are Straits' own: a price tag's (CLDR), or the ledger's
// where the amount is finer. fr-CH is left out: CLDR 48.2 groups by an apostrophe where CLDR 48.0 has a narrow space;
// its row in text.rs is CLDR 48.2's.
import { readFileSync } from "node:fs";

const file = (name) => readFileSync(new URL(`../../../config/${name}`, import.meta.url), "utf8");
const rows = (text) => text.split("\n").filter((line) => line && !line.startsWith("#")).slice(1);
const locales = rows(file("text/locales.csv")).map((line) => line.split(";")[0]).filter((tag) => tag !== "fr-CH");
const digits = Object.fromEntries(
  rows(file("currencies.csv")).map((line) => {
    const fields = line.replace(/"[^"]*"/, "name").split(",");
    return [fields[0], { ledger: Number(fields[2]), tag: Number(fields[4]) }];
  }),
);
// Each locale sees every kind of amount; currencies take turns, so that the locale's own and foreign marks meet all.
const amounts = ["0", "1", "-5", "999", "1000", "-1234.5", "12345.67", "-1234567.89", "98765432.1", "123456789012"];
const currencies = ["USD", "EUR", "SGD", "THB", "IDR", "JPY", "KWD", "CHF", "VND", "CNY", "INR", "MYR", "PHP", "KRW", "TWD", "HKD", "GBP", "CAD", "XOF", "KHR", "LAK", "BRL", "SEK", "PLN", "NOK", "RUB", "MXN", "PEN", "HUF", "AED"];
const marks = [["symbol", "symbol"], ["narrow", "narrowSymbol"], ["code", "code"]];

console.log("locale;currency;mark;amount;text");
locales.forEach((locale, place) => {
  amounts.forEach((amount, turn) => {
    marks.forEach(([mark, currencyDisplay], shift) => {
      if (mark !== "symbol" && turn % 4 !== shift) return;
      const currency = currencies[(place * 7 + turn * 3 + shift * 11) % currencies.length];
      const { ledger, tag } = digits[currency];
      const fraction = (amount.split(".")[1] ?? "").length;
      const shown = fraction <= tag ? tag : ledger;
      if (fraction > shown) return;
      const format = new Intl.NumberFormat(locale, {
        style: "currency", currency, currencyDisplay, minimumFractionDigits: shown, maximumFractionDigits: shown,
      });
      console.log([locale, currency, mark, amount, format.format(amount)].join(";"));
    });
  });
});
