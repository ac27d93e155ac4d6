// Renders pictures of avatars in headless Chromium: node shoot.mjs jobs.json
// jobs.json: { modules, chromium, shots: [{ avatar, out, ...options of studio.html's shoot }] }
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const plan = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const require = createRequire(path.join(plan.modules, "x.js"));
const { chromium } = require("playwright-core");
const here = path.dirname(new URL(import.meta.url).pathname);
const client = await bundled(path.join(here, "client.ts"));
const flags = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
  "--disable-background-networking", "--disable-component-update", "--no-first-run"];
const browser = await chromium.launch({ executablePath: plan.chromium, args: flags });
try {
  const page = await browser.newPage();
  page.on("console", (m) => /GPU stall|GL Driver/.test(m.text()) || console.error("page:", m.text().slice(0, 300)));
  page.on("pageerror", (e) => console.error("page:", e.message));
  await page.route("http://studio.local/**", (route) => {
    const name = decodeURIComponent(new URL(route.request().url()).pathname);
    const file = name.startsWith("/three/") ? path.join(plan.modules, "three", name.slice(7))
      : name.startsWith("/avatar/") ? name.slice(7) : path.join(here, path.basename(name));
    if (name === "/client.js") return route.fulfill({ body: client, contentType: "text/javascript" });
    const type = file.endsWith("html") ? "text/html" : file.endsWith("js") ? "text/javascript" : "application/octet-stream";
    route.fulfill({ body: fs.readFileSync(file), contentType: type });
  });
  page.setDefaultTimeout(180000);
  await page.goto("http://studio.local/studio.html", { timeout: 180000 });
  await page.waitForFunction("window.ready", null, { timeout: 180000 });
  let loaded = "";
  for (const shot of plan.shots) {
    const wanted = `${shot.avatar} ${shot.quality ?? "high"}`;
    if (wanted !== loaded) {
      await page.evaluate(([url, quality]) => window.load(url, quality), [`/avatar${path.resolve(shot.avatar)}`, shot.quality ?? "high"]);
      loaded = wanted;
    }
    const data = await page.evaluate((s) => window.shoot(s), shot);
    fs.writeFileSync(shot.out, Buffer.from(data.split(",")[1], "base64"));
    console.log(shot.out);
  }
} finally {
  await browser.close();
}

/** A module of the web client as one script; three stays outside, so that the page has only one of it. */
async function bundled(input) {
  const { rolldown } = await import(pathToFileURL(require.resolve("rolldown")).href);
  const bundle = await rolldown({ input, external: /^three(\/|$)/ });
  const { output } = await bundle.generate({ format: "esm" });
  return output[0].code;
}
