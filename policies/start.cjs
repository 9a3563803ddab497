// The file that the engine starts the policy pack by. The engine's launcher would check the types of the whole pack at each
// start, which takes longer than most previews. Types are checked by `npm run types`: here they are only taken off, in memory,
// so that what runs is always what is written.
const Module = require("node:module");
const { join } = require("node:path");

const { buildSync } = require("esbuild");

const { outputFiles } = buildSync({
  entryPoints: [join(__dirname, "pack.ts")],
  bundle: true,
  packages: "external",
  platform: "node",
  target: "node20",
  write: false,
});

const pack = new Module(join(__dirname, "pack.ts"), module);
pack.filename = pack.id;
pack.paths = module.paths;
pack._compile(outputFiles[0].text, pack.filename);
