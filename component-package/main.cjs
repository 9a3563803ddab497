// Where the engine enters: by the Node.js host, which reads PulumiPlugin.yaml, or by ./pulumi-resource-sandlot. The sources are
// loaded without checking their types, which `make test` has done and would take the engine many seconds.
require("tsx/cjs");
require("./main.ts");
