// Compiles contracts of packages that publish sources alone; prints the creation code of each as JSON.
const fs = require("fs"), path = require("path");
const modules = path.resolve(process.argv[2], "node_modules");
const solc = require(path.join(modules, "solc"));
const wanted = process.argv.slice(3); // package/path/File.sol:Contract
const sources = {}, selection = {};
for (const one of wanted) {
  const [file, contract] = one.split(":");
  sources[file] = { content: fs.readFileSync(path.join(modules, file), "utf8") };
  selection[file] = { [contract]: ["evm.bytecode.object"] };
}
const settings = { optimizer: { enabled: true, runs: 1 }, viaIR: true, evmVersion: "cancun", outputSelection: selection };
const find = (file) => {
  try { return { contents: fs.readFileSync(path.join(modules, file), "utf8") }; }
  catch (error) { return { error: error.message }; }
};
const told = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings }), { import: find }));
const errors = (told.errors || []).filter((error) => error.severity === "error");
if (errors.length) { console.error(errors.map((error) => error.formattedMessage).join("\n")); process.exit(1); }
const code = {};
for (const one of wanted) {
  const [file, contract] = one.split(":");
  code[contract] = told.contracts[file][contract].evm.bytecode.object;
}
console.log(JSON.stringify(code));
