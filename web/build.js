// SPDX-License-Identifier: MIT
// Makes dist/live.html and dist/history.html, pages that are one file each and ask for nothing: live.html with
// live.css, uPlot and the modules of live.js in it; history.html in the same way. `node build.js`; `node build.js
// --check` says whether they are up to date, and changes nothing; `--only NAME` does one of them, and then `--to
// FILE` writes it elsewhere. `npm ci` gets uPlot.
//
// There is exactly one <style> and one <script>, so that a Content-Security-Policy can name them by two hashes
// (docs/serve.md). Modules become one by leaving out `import` and `export`: so no two may use one name at their
// top, which the browser would say, and each has to stand behind those that it imports.
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import {fileURLToPath} from "node:url";
import vm from "node:vm";

const here = path.dirname(fileURLToPath(import.meta.url));
const read = (...name) => fs.readFileSync(path.join(here, ...name), "utf8");

// The files below `name`, each once, and behind what it imports.
function modules(name, found) {
    if (found.has(name)) {
        return found;
    }
    const text = read(name);
    for (const [, from] of text.matchAll(/^import [^;]*? from "\.\/([\w.]+)";$/gms)) {
        modules(from, found);
    }
    found.set(name,
        text.replace(/^import [^;]*?;\n/gms, "")
            .replace(/^export \{[^}]*\};\n/gm, "")
            .replace(/^export /gm, "")
            .replace(/^\/\/ SPDX.*\n/, ""));
    return found;
}

export const PAGES = ["live", "history"];

function build(page) {
    const version = JSON.parse(read("package.json")).devDependencies.uplot;
    const uplot = path.join("node_modules", "uplot");
    const have = JSON.parse(read(uplot, "package.json")).version;
    if (have !== version) {
        throw new Error(`uplot is ${have} and not ${version}: 'npm ci' in '${here}' gets it`);
    }
    const licence = `/*\nuPlot ${version}\n\n${read(uplot, "LICENSE").trim()}\n*/\n`;
    const style = read(`${page}.css`) + licence + read(uplot, "dist", "uPlot.min.css").trim() + "\n";
    const own = [...modules(`${page}.js`, new Map())].map(([name, text]) => `// ${name}\n${text}`).join("\n");
    const charts = read(uplot, "dist", "uPlot.iife.min.js").trim().replace(/^\/\*! .*?\*\/\s*/s, "");
    const script = `// SPDX-License-Identifier: MIT\n${licence}${charts}\n${own}`;
    for (const word of ["<style", "</style", "<script", "</script", "<!--"]) {
        if ((style + script).toLowerCase().includes(word)) {
            throw new Error(`'${word}' is in what goes between such tags`);
        }
    }
    new vm.Script(`"use strict";${script}`, {filename: `${page}.js`}); // throws what a browser would
    const made = read(`${page}.html`)
                     .replace("<!-- style -->", () => `<style>${style}</style>`)
                     .replace("<!-- script -->", () => `<script type="module">${script}</script>`);
    return made.replace("<!-- policy -->", () => policy(made));
}

// For a page that is opened from a disk, where no server says it. Data in a script element that is no script need
// no leave.
function policy(made) {
    const [style, script] = hashes(made);
    return `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${style}; script-src ${
        script}; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'">`;
}

// 'sha256-...' of what is between the tags, as a policy names it.
export function hashes(html) {
    return ["style", "script"].map((tag) => {
        const parts = [...html.matchAll(new RegExp(`<${tag}[^>]*>(.*?)</${tag}>`, "gs"))];
        if (parts.length !== 1) {
            throw new Error(`${parts.length} ${tag} elements, and not one`);
        }
        return `'sha256-${crypto.createHash("sha256").update(parts[0][1], "utf8").digest("base64")}'`;
    });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const after = (option) => {
        const at = process.argv.indexOf(option);
        return at > 0 ? process.argv[at + 1] : null;
    };
    const only = after("--only") || (after("--to") === null ? null : PAGES[0]);
    for (const page of PAGES.filter((each) => only === null || each === only)) {
        const file = after("--to") || path.join(here, "dist", `${page}.html`);
        const made = build(page);
        const [style, script] = hashes(made);
        if (process.argv.includes("--check")) {
            if (!fs.existsSync(file) || fs.readFileSync(file, "utf8") !== made) {
                console.error(`'${file}' is not what build.js makes of web/: 'node build.js' in '${here}' does it`);
                process.exitCode = 1;
            }
        } else {
            fs.mkdirSync(path.dirname(file), {recursive: true});
            fs.writeFileSync(file, made);
            console.log(`${file}: ${made.length} characters\nstyle-src ${style}\nscript-src ${script}`);
        }
    }
}
